"""`python -m symtheano run script.py [arguments]`: a Theano program, unchanged, on symtheano.

`import theano` gives symtheano in the script and in all that it imports. `-m module` runs a module instead of a file.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from symtheano.interop.alias import install_as_theano

USAGE = """usage: python -m symtheano run script.py [arguments]
       python -m symtheano run -m module [arguments]"""


def main(arguments: list[str]) -> int:
    """Runs the program that the arguments name; 2 where they name none."""
    if len(arguments) < 2 or arguments[0] != "run" or arguments[1:] == ["-m"]:
        print(USAGE, file=sys.stderr)
        return 2
    install_as_theano()
    if arguments[1] == "-m":
        sys.argv = arguments[2:]
        sys.path[0] = str(Path.cwd())
        runpy.run_module(arguments[2], run_name="__main__", alter_sys=True)
        return 0
    script = Path(arguments[1])
    if not script.exists():
        print(f"python -m symtheano run: there is no file {script}", file=sys.stderr)
        return 2
    sys.argv = arguments[1:]
    sys.path[0] = str(script.resolve().parent)
    runpy.run_path(str(script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
