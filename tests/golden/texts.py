"""The golden texts: where they are, and what the compiler gives now."""

from __future__ import annotations

from pathlib import Path

import symtheano as st
from tests.golden.functions import FUNCTIONS

FOLDER = Path(__file__).resolve().parent / "texts"


def text(name: str) -> str:
    """Graph, program and source of one function, as this compiler makes them."""
    with st.change_flags(check_programs=False, floatX="float64", mode="Mode", target="numpy"):
        f = FUNCTIONS[name]()
    parts = {"graph": str(f.graph), "program": str(f.program), "source": f.source}
    return "\n".join(f"## {title}\n{body.rstrip()}\n" for title, body in parts.items())


def path(name: str) -> Path:
    return FOLDER / f"{name}.txt"
