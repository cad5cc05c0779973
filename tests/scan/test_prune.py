"""The smaller loop that somebody who reads some outputs needs: what is left of it, and that it gives the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.graph.interpret import evaluate
from symtheano.scan.op import Scan
from symtheano.scan.prune import meaning, pruned
from symtheano.scan.step import Step


def chain(until: bool = False) -> Any:
    """a' = a * w + x, b' = a + b, c' = c * u, results a + y and c + 1; ends where c > 20, if it can."""
    w, u = T.dscalar("w"), T.dscalar("u")
    a, b, c = T.dscalar("a"), T.dscalar("b"), T.dscalar("c")
    x, y = T.dscalar("x"), T.dscalar("y")
    outputs = [a * w + x, a + b, c * u, a + y, c + 1, *([c > 20] if until else [])]
    op = Scan(Step.of([w, u, a, b, c, x, y], outputs), 2, 3, until)
    scalars, vectors = [T.dscalar() for _ in range(5)], [T.dvector(), T.dvector()]
    return op.make_node(T.lscalar("n"), *scalars, *vectors)


VALUES = [np.asarray(v) for v in (4, 0.5, 3.0, 1.0, 2.0, 1.0)] + [np.arange(4.0), np.arange(4.0) + 7]


def sizes(op: Scan) -> tuple[int, int, int, int]:
    """How many consts, carried values, sequences and states there are."""
    return op.n_consts, op.n_carry, len(op.step.inputs) - op.n_consts - op.n_carry, op.n_states


@pytest.mark.parametrize(
    ("kind", "state", "until", "left"),
    [
        ("last", 0, False, (1, 1, 1, 1)),  # a needs w and x
        ("before", 1, False, (1, 2, 1, 2)),  # b needs a
        ("after", 2, False, (1, 1, 0, 1)),  # c needs u
        ("after", 3, False, (1, 1, 2, 2)),  # the first result needs a and y
        ("last", 4, False, (1, 1, 0, 2)),  # the second one needs c
        ("last", 0, True, (2, 2, 1, 2)),  # the end needs c
        ("steps", 0, True, (1, 1, 0, 1)),
    ],
)
def test_what_is_left(kind: str, state: int, until: bool, left: tuple[int, int, int, int]) -> None:
    node = chain(until)
    position = node.op.steps if kind == "steps" else getattr(node.op, kind)(state)
    assert meaning(node.op, position) == (kind, state)
    small = pruned(node, [position])
    assert sizes(small.op) == left
    assert len(small.inputs) == 1 + len(small.op.step.inputs)


@pytest.mark.parametrize("until", [False, True])
def test_every_output_alone_is_what_it_was(until: bool) -> None:
    node = chain(until)
    given = dict(zip(node.inputs, VALUES, strict=True))
    for position, output in enumerate(node.outputs):
        small = pruned(node, [position])
        found = small.op.make_node(*small.inputs).outputs[small.places[position]]
        assert found.type == output.type
        np.testing.assert_array_equal(*evaluate([found, output], given))


def test_a_loop_of_which_all_is_read_stays() -> None:
    node = chain()
    small = pruned(node, range(len(node.outputs)))
    assert small.op is node.op and small.inputs == tuple(node.inputs)
    assert small.places == {p: p for p in range(len(node.outputs))}


def test_a_state_that_only_itself_depends_on_goes() -> None:
    h, lonely = T.dvector("h"), T.dvector("lonely")
    op = Scan(Step.of([h, lonely], [h * 2, lonely + h]), 0, 2)
    node = op.make_node(3, T.dvector(), T.dvector())
    assert sizes(pruned(node, [op.last(0)]).op) == (0, 1, 0, 1)
    assert sizes(pruned(node, [op.last(1)]).op) == (0, 2, 0, 2)
