"""The native CPU target: kernels and whole functions as LLVM IR, through llvmlite. Loaded only when it is used."""
