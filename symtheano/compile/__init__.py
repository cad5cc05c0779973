"""The compiler: from a closed graph to a running function."""
