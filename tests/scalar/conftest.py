"""Tests of rows as machine code need llvmlite."""

from symtheano.compile.target.choice import missing

collect_ignore_glob = [] if missing() is None else ["test_rows*.py", "test_vecmath*.py"]
