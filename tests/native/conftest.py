"""Tests of machine code need llvmlite."""

from symtheano.compile.target.choice import missing

collect_ignore_glob = [] if missing() is None else ["*.py"]
