"""The golden texts of the native target: python -m tests.golden.native_texts writes them again; --print prints them."""

from __future__ import annotations

import sys
from pathlib import Path

import symtheano as st
from tests.golden.native_functions import NATIVE_FUNCTIONS

FOLDER = Path(__file__).resolve().parent / "native_texts"


def text(name: str) -> str:
    """The plan of one function and its kernels; the host program where it is not machine code from end to end."""
    with st.change_flags(check_programs=True, floatX="float64", mode="Mode"):
        f = NATIVE_FUNCTIONS[name]()
        native = f.compiled.native
        parts = {"program": str(f.program)}
        for title, made in native.kernels.items():
            access = ", ".join(f"{b} {''.join(axes) or '-'}" for b, axes in sorted(made.access.items()))
            product = f"epilogue of a product of {made.dtype} matrices\n" if made.dtype else ""
            parts[title] = f"{product}{made.kernel}\naccess: {access}"
        if native.entry is None:
            parts["host"] = native.host.text
    return "\n".join(f"## {title}\n{body.rstrip()}\n" for title, body in parts.items())


def path(name: str) -> Path:
    return FOLDER / f"{name}.txt"


def main() -> None:
    """Writes, or prints."""
    if "--print" in sys.argv[1:]:
        print("\n".join(map(text, NATIVE_FUNCTIONS)))
        return
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.txt"):
        if old.stem not in NATIVE_FUNCTIONS:
            old.unlink()
    for name in NATIVE_FUNCTIONS:
        path(name).write_text(text(name), encoding="utf-8")


if __name__ == "__main__":
    main()
