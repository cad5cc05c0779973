"""Recipes: a process that compiles what was compiled before generates no code, and gives the same results."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.canonical import Uncanonical, canonical_text
from symtheano.graph.fgraph import FunctionGraph

PROGRAM = """
import numpy as np
import symtheano as st, symtheano.tensor as T
x, table = T.dmatrix("x"), np.arange(40.0)
w = st.shared(np.linspace(-1, 1, 12).reshape(3, 4), "w")
h = T.dot(x, w)
loss = T.sqr(T.tanh(h) - table[:4]).sum() + T.log(T.nnet.softmax(h)).mean() + (table * x[0, 0]).sum()
f = st.function([x], loss, updates=[(w, w - 0.1 * st.grad(loss, w))])
rng = np.random.default_rng(0)
values = [float(f(rng.normal(size=(n, 3)))) for n in (2, 5, 1)]
print(type(f.compiled.native).__name__, values, w.get_value().sum())
"""


def run(folder: Path, program: str = PROGRAM) -> tuple[str, str]:
    """What a process of its own prints: how its function was made, and what it computed."""
    flags = f"target=native,cache=True,base_compiledir={folder}"
    environment = {**os.environ, "SYMTHEANO_FLAGS": flags}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=240
    )
    made, _, rest = done.stdout.partition(" ")
    return made, rest


def artefacts(folder: Path, kind: str) -> list[Path]:
    """The files of one kind of artefact."""
    found = [p for p in folder.rglob("*") if p.is_file() and kind in str(p.relative_to(folder))]
    assert found
    return found


def test_a_second_process_generates_nothing(tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path)
    assert first[0] == "Native"
    assert second == ("Recalled", first[1])


def test_damaged_recipes_and_objects_are_made_again(tmp_path: Path) -> None:
    _, wanted = run(tmp_path)
    files = artefacts(tmp_path, "recipe") + artefacts(tmp_path, "object")
    for path in files:
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    assert run(tmp_path) == ("Native", wanted)
    assert run(tmp_path) == ("Recalled", wanted)


def test_a_missing_object_is_made_again(tmp_path: Path) -> None:
    _, wanted = run(tmp_path)
    for path in artefacts(tmp_path, "object"):
        path.unlink()
    assert run(tmp_path) == ("Native", wanted)


def closed(x: object, *outputs: object) -> str:
    return canonical_text(FunctionGraph([x], outputs))  # type: ignore[list-item]


def test_the_text_is_of_what_is_computed() -> None:
    x, y = T.dmatrix("x"), T.dmatrix("another name")
    assert closed(x, T.tanh(x).sum(axis=1)) == closed(y, T.tanh(y).sum(axis=1))
    texts = {
        closed(x, T.tanh(x)),
        closed(x, T.exp(x)),
        closed(x, T.tanh(x).sum(axis=0)),
        closed(x, T.tanh(x).sum(axis=1)),
        closed(x, x + 1.0),
        closed(x, x + 2.0),
        closed(x, x + np.arange(100.0)),
        closed(x, x + np.arange(100.0)[::-1]),
        closed(x, x[1:]),
        closed(x, x[:1]),
        closed(x, T.cast(x, "float32")),
        closed(T.fmatrix(), T.constant(1.0)),
        closed(x, T.constant(1.0)),
        closed(x, T.constant(-0.0)),
        closed(x, T.constant(0.0)),
    }
    assert len(texts) == 15


def test_ops_of_authors_have_no_text() -> None:
    class Own(st.Op):
        def make_node(self, x: object) -> object:
            return st.Apply(self, [x], [x.type()])  # type: ignore[attr-defined]

    x = T.dvector()
    with pytest.raises(Uncanonical):
        closed(x, Own()(x))


KNOWN = (
    PROGRAM
    + """
phases = len(f.compiled.report.phases)
nodes, text = len(f.graph.nodes), f.report()
try:
    f(np.ones((2, 5)))
except ValueError as error:
    told = "dot" in str(error)
print(phases, len(f.compiled.report.phases), nodes, told, text.count("rules fired"))
"""
)


def test_a_known_graph_is_rewritten_only_for_those_who_ask(tmp_path: Path) -> None:
    fresh, again = run(tmp_path, KNOWN), run(tmp_path, KNOWN)
    assert (fresh[0], again[0]) == ("Native", "Recalled")
    first, second = fresh[1].splitlines(), again[1].splitlines()
    assert first[0] == second[0]
    assert int(first[1].split()[0]) > 0 and second[1].split()[0] == "0"
    assert first[1].split()[1:] == second[1].split()[1:]


def test_other_phases_are_another_function(tmp_path: Path) -> None:
    flags = "x = T.dvector('x'); f = st.function([x], T.exp(x) - 1, mode=st.Mode(optimizer={}))"
    text = "import numpy as np, symtheano as st, symtheano.tensor as T\n" + flags
    text += "\nf(np.ones(3)); f.wait(); print(type(f.compiled.native).__name__, len(f.graph.nodes))"
    for optimizer in ("'fast_run'", "None"):
        assert run(tmp_path, text.format(optimizer))[0] == "Native"
        assert run(tmp_path, text.format(optimizer))[0] == "Recalled"
    assert run(tmp_path, text.format("'fast_run'"))[1] != run(tmp_path, text.format("None"))[1]
