"""Writes the golden texts again; with --print, prints them instead."""

from __future__ import annotations

import sys

from tests.golden.functions import FUNCTIONS
from tests.golden.texts import FOLDER, path, text


def main() -> None:
    """Writes, or prints."""
    if "--print" in sys.argv[1:]:
        print("\n".join(text(name) for name in FUNCTIONS))
        return
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        if old.stem not in FUNCTIONS:
            old.unlink()
    for name in FUNCTIONS:
        path(name).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
