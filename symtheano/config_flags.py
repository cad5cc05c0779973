"""The table of settings: one row for each flag of ``symtheano.config``. What they do with it is in ``config.py``.

Two groups. ``FLAGS`` have an effect (or will: a flag is listed with its meaning before its user is written).
``ACCEPTED`` are Theano's flags about things that symtheano does not have (gcc, gpuarray, cuDNN's choices, warnings of
bugs long ago): they can be read and set, so that programs written for Theano run, and nothing looks at them.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Flag(NamedTuple):
    """A setting. Its kind follows from its default, unless ``choices`` or ``kind`` ('device', 'any') says otherwise."""

    name: str
    default: Any
    doc: str = ""
    choices: tuple[str, ...] = ()
    kind: str = ""


ACTIONS = ("ignore", "warn", "raise", "pdb")
REACTIONS = ("ignore", "warn", "raise", "call", "print", "log")  # numpy.seterr
WHEN = ("guess_once", "guess_on_shape_change", "time_once", "time_on_shape_change")  # cuDNN chooses
VERSIONS = tuple(
    "None all 0.3 0.4 0.4.1 0.5 0.6 0.7 0.8 0.8.1 0.8.2 0.9 0.10 1.0 1.0.1 1.0.2 1.0.3 1.0.4 1.0.5".split()
)

FLAGS: tuple[Flag, ...] = (
    # Numbers
    Flag(
        "floatX",
        "float64",
        "The dtype called 'floatX': of constructors, of Python floats in expressions, of int / int.",
        choices=("float64", "float32", "float16"),
    ),
    Flag(
        "cast_policy",
        "custom",
        "How Python numbers in expressions get a dtype: the smallest that holds them, or as numpy does.",
        choices=("custom", "numpy+floatX"),
    ),
    Flag(
        "int_division",
        "int",
        "What x / y of integer variables is: Theano keeps this flag; true division gives floatX.",
        choices=("int", "raise", "floatX"),
    ),
    Flag("warn_float64", "ignore", "What to do when a float64 variable is made.", choices=ACTIONS),
    Flag("tensor.cmp_sloppy", 0, "How far values may differ and still count as close: 0 not at all, 1 a bit, 2 more."),
    Flag(
        "numpy.seterr_all",
        "ignore",
        "numpy's reaction to floating-point errors; 'None' leaves numpy as it is.",
        choices=(*REACTIONS, "None"),
    ),
    Flag(
        "numpy.seterr_divide",
        "None",
        "The same for division by zero; 'None' means as seterr_all.",
        choices=("None", *REACTIONS),
    ),
    Flag("numpy.seterr_over", "None", "The same for overflow.", choices=("None", *REACTIONS)),
    Flag("numpy.seterr_under", "None", "The same for underflow.", choices=("None", *REACTIONS)),
    Flag("numpy.seterr_invalid", "None", "The same for invalid operations.", choices=("None", *REACTIONS)),
    # Devices
    Flag(
        "device",
        "cpu",
        "Where functions run: cpu, cuda, cuda0, cuda1, ... Read at import; it cannot change afterwards.",
        kind="device",
    ),
    Flag("init_gpu_device", "", "A GPU to make ready although device is cpu. Read at import.", kind="device"),
    Flag("contexts", "", "Names for several GPUs: 'dev0->cuda0;dev1->cuda1'. Read at import."),
    Flag("force_device", False, "An error, rather than the CPU, where the device cannot be used."),
    Flag("print_active_device", True, "Say which device is used when a GPU is made ready."),
    Flag(
        "deterministic",
        "default",
        "'more' chooses implementations that give the same bits every time, even where slower.",
        choices=("default", "more"),
    ),
    Flag(
        "assert_no_cpu_op",
        "ignore",
        "What to do when a function compiled for the GPU has a step on the CPU.",
        choices=ACTIONS,
    ),
    Flag("openmp", False, "Several threads inside one elementwise kernel on the CPU."),
    Flag("openmp_elemwise_minsize", 200000, "Elements below which a kernel stays on one thread."),
    # Compiling
    Flag("mode", "Mode", "The mode of functions that do not name one: a name, or a Mode object.", kind="any"),
    Flag(
        "linker",
        "vm",
        "The linker of the mode called 'Mode'.",
        choices=("vm", "py", "vm_nogc", "cvm", "cvm_nogc", "c", "c|py", "c|py_nogc"),
    ),
    Flag(
        "optimizer",
        "o4",
        "Which rules the mode called 'Mode' applies.",
        choices=("o4", "o3", "o2", "o1", "unsafe", "fast_run", "fast_compile", "merge", "None"),
    ),
    Flag("optimizer_including", "", "Rules and tags to add to every default mode, separated by ':'."),
    Flag("optimizer_excluding", "", "Rules and tags to leave out of every default mode, separated by ':'."),
    Flag("optimizer_requiring", "", "Rules and tags that must be there, separated by ':'."),
    Flag("optimizer_verbose", False, "Print each rule that fires."),
    Flag(
        "on_opt_error",
        "warn",
        "What to do when a rule fails: warn and go on without it, raise, start pdb, or ignore it.",
        choices=("warn", "raise", "pdb", "ignore"),
    ),
    Flag(
        "on_unused_input",
        "raise",
        "What function() does about an input that no output needs.",
        choices=("raise", "warn", "ignore"),
    ),
    Flag(
        "on_shape_error",
        "warn",
        "What to do when a shape rule fails: warn and compute the value for its shape, or raise.",
        choices=("warn", "raise"),
    ),
    Flag(
        "allow_gc",
        True,
        "Free intermediate results as soon as they are used; False keeps their memory for the next call.",
    ),
    Flag("scan.allow_gc", False, "The same inside of scan."),
    Flag(
        "scan.memory_budget",
        -1,
        "Bytes that a loop may keep for its gradient (unknown lengths count as 32, steps as 100), which computes the "
        "rest again: -1 keeps what is dear to compute, 0 nothing.",
    ),
    Flag("tensor.local_elemwise_fusion", True, "Fuse elementwise operations into one kernel."),
    Flag("conv.assert_shape", False, "Check at run time the shapes that convolutions were declared with."),
    Flag(
        "base_compiledir",
        "",
        "The folder of compiled artefacts for all platforms; '' means symtheano in the user's cache folder.",
    ),
    Flag(
        "compiledir", "", "The folder of compiled artefacts; '' means a subfolder of base_compiledir for this platform."
    ),
    Flag("compiledir_format", "%(short_platform)s-py%(python_version)s", "The name of that subfolder."),
    Flag("unpickle_function", True, "False makes a pickled function come back as None."),
    Flag(
        "reoptimize_unpickled_function",
        False,
        "Accepted for Theano's sake: a function is always compiled when unpickled, or found in the cache.",
    ),
    # Finding mistakes
    Flag(
        "exception_verbosity",
        "low",
        "'high' adds the whole graph and all storage to run-time errors.",
        choices=("low", "high"),
    ),
    Flag("traceback.limit", 8, "Lines of the user's stack that each variable remembers; -1 means all."),
    Flag("traceback.compile_limit", 0, "The same for variables that rules make; -1 means all."),
    Flag(
        "compute_test_value",
        "off",
        "Compute each variable's value, while the graph is built, from its inputs' tag.test_value.",
        choices=("off", *ACTIONS),
    ),
    Flag("compute_test_value_opt", "off", "The same for variables that rules make.", choices=("off", *ACTIONS)),
    Flag("print_test_value", False, "Show the test value in repr(variable)."),
    Flag("pickle_test_value", True, "Keep test values when variables are pickled."),
    Flag(
        "check_stack_trace",
        "off",
        "What to do when a rule makes a variable that lost the user's line.",
        choices=("off", "log", "warn", "raise"),
    ),
    Flag("NanGuardMode.nan_is_error", True, "NanGuardMode stops at nan."),
    Flag("NanGuardMode.inf_is_error", True, "NanGuardMode stops at inf."),
    Flag("NanGuardMode.big_is_error", True, "NanGuardMode stops at values beyond 1e10."),
    Flag("NanGuardMode.action", "raise", "What NanGuardMode does then.", choices=("raise", "warn", "pdb")),
    Flag("DebugMode.check_finite", True, "DebugMode stops at nan and inf."),
    Flag(
        "DebugMode.patience",
        10,
        "How many times DebugMode compiles a graph to see that it always gives the same program.",
    ),
    Flag("unittests.rseed", "666", "The seed of random tests; 'random' for a new one each time."),
    # Profiling
    Flag("profile", False, "Profile every function, and print the sum at the end."),
    Flag("profile_optimizer", False, "Profile the compiler as well."),
    Flag("profile_memory", False, "Profile memory as well."),
    Flag("profiling.time_thunks", True, "Time each step."),
    Flag("profiling.n_apply", 20, "Steps to print."),
    Flag("profiling.n_ops", 20, "Operations to print."),
    Flag("profiling.output_line_width", 512, "Width of the printed profile."),
    Flag("profiling.min_memory_size", 1024, "Bytes below which a value is left out of the memory profile."),
    Flag("profiling.min_peak_memory", False, "Search for the order of steps with the least memory."),
    Flag("profiling.destination", "stderr", "Where the profile is printed: stderr, stdout or a file."),
    Flag("profiling.debugprint", False, "Print the graph of each profiled function."),
    Flag("profiling.ignore_first_call", False, "Leave the first call out."),
    Flag("print_global_stats", False, "Print the time spent compiling and running at the end."),
    # New in symtheano
    Flag(
        "target",
        "auto",
        "What functions compile to; 'auto': native where llvmlite is installed, cuda where device says so.",
        choices=("auto", "numpy", "native", "cuda"),
    ),
    Flag("threads", 0, "Threads of native code and BLAS; 0 leaves the choice to the machine."),
    Flag("cache", True, "Keep compiled artefacts in compiledir."),
    Flag("quick_code", True, "Native code is generated quickly first, and again in the background, better."),
    Flag("cache_limit", 512, "Mebibytes of them; those not used for the longest time go first. 0: no limit."),
    Flag(
        "check_programs",
        False,
        "Check every graph, program and kernel against the rules of its language; the tests turn it on.",
    ),
)

ACCEPTED: tuple[Flag, ...] = (
    Flag("cache_optimizations", False),
    Flag("check_input", True),
    Flag("cxx", ""),
    Flag("cycle_detection", "regular", choices=("regular", "fast")),
    Flag("nocleanup", False),
    Flag("DebugMode.check_c", False),
    Flag("DebugMode.check_py", True),
    Flag("DebugMode.check_strides", 0),
    Flag("DebugMode.warn_input_not_reused", True),
    Flag("DebugMode.check_preallocated_output", ""),
    Flag("DebugMode.check_preallocated_output_ndim", 4),
    Flag("blas.ldflags", ""),
    Flag("blas.check_openmp", True),
    Flag("cmodule.warn_no_version", False),
    Flag("cmodule.remove_gxx_opt", False),
    Flag("cmodule.compilation_warning", False),
    Flag("cmodule.preload_cache", False),
    Flag("cmodule.age_thresh_use", 2073600),
    Flag("cmodule.debug", False),
    Flag("compile.wait", 5),
    Flag("compile.timeout", 120),
    Flag("ctc.root", ""),
    Flag("cuda.root", "/usr/local"),
    Flag("cuda.include_path", "/usr/local/include"),
    Flag("dnn.conv.workmem", True),
    Flag("dnn.conv.workmem_bwd", True),
    Flag("dnn.conv.algo_bwd", True),
    Flag(
        "dnn.conv.algo_fwd",
        "small",
        choices=("small", "none", "large", "fft", "fft_tiling", "winograd", "winograd_non_fused", *WHEN),
    ),
    Flag(
        "dnn.conv.algo_bwd_data",
        "none",
        choices=("none", "deterministic", "fft", "fft_tiling", "winograd", "winograd_non_fused", *WHEN),
    ),
    Flag(
        "dnn.conv.algo_bwd_filter",
        "none",
        choices=("none", "deterministic", "fft", "small", "winograd_non_fused", "fft_tiling", *WHEN),
    ),
    Flag("dnn.conv.precision", "as_input_f32", choices=("as_input_f32", "as_input", "float16", "float32", "float64")),
    Flag("dnn.base_path", ""),
    Flag("dnn.include_path", ""),
    Flag("dnn.library_path", ""),
    Flag("dnn.bin_path", ""),
    Flag("dnn.enabled", "auto", choices=("auto", "True", "False", "no_check")),
    Flag("experimental.unpickle_gpu_on_cpu", False),
    Flag("experimental.local_alloc_elemwise", True),
    Flag("experimental.local_alloc_elemwise_assert", True),
    Flag("gcc.cxxflags", ""),
    Flag("gpu.local_elemwise_fusion", True),
    Flag("gpuarray.sync", False),
    Flag("gpuarray.preallocate", 0.0),
    Flag("gpuarray.sched", "default", choices=("default", "multi", "single")),
    Flag("gpuarray.single_stream", True),
    Flag("gpuarray.cache_path", ""),
    Flag("gpuelemwise.sync", True),
    Flag("lib.amdlibm", False),
    Flag("magma.include_path", ""),
    Flag("magma.library_path", ""),
    Flag("magma.enabled", False),
    Flag("metaopt.verbose", 0),
    Flag("metaopt.optimizer_excluding", ""),
    Flag("metaopt.optimizer_including", ""),
    Flag("optdb.position_cutoff", float("inf")),
    Flag("optdb.max_use_ratio", 8.0),
    Flag("scan.allow_output_prealloc", True),
    Flag("scan.debug", False),
    Flag("tensor.insert_inplace_optimizer_validate_nb", -1),
    Flag("vm.lazy", None, kind="any"),
    Flag("warn.ignore_bug_before", "0.9", choices=VERSIONS),
    Flag("warn.argmax_pushdown_bug", False),
    Flag("warn.gpusum_01_011_0111_bug", False),
    Flag("warn.sum_sum_bug", False),
    Flag("warn.sum_div_dimshuffle_bug", False),
    Flag("warn.subtensor_merge_bug", False),
    Flag("warn.gpu_set_subtensor1", False),
    Flag("warn.vm_gc_bug", False),
    Flag("warn.signal_conv2d_interface", False),
    Flag("warn.reduce_join", False),
    Flag("warn.inc_set_subtensor1", False),
    Flag("warn.round", False),
    Flag("warn.inc_subtensor1_opt", True),
    Flag("warn.identify_1pexp_bug", False),
)
