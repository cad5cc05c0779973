"""Gradients and forward derivatives of loops in normal form, at random: against differences, to second order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from tests.gradient.checks import run
from tests.scan.slopes import check_derivatives, close, directions, gradients_of, slope

SIZE = 2  # of each vector


@dataclass(frozen=True)
class Loop:
    """A loop over vectors, in normal form.

    new: what each carried state becomes: "mixed" (an expression of everything), "moved" (another state as it is),
    "reset" (an element, a sequence or a constant, but no state), "kept" (itself). results: the same, not carried.
    counter: whether an integer is carried, which the expressions read. bound: the loop ends when the first element
    of the first state is above it. read: which outputs the cost reads.
    """

    n: int
    n_consts: int
    new: tuple[str, ...]
    results: tuple[str, ...]
    n_xs: int
    counter: bool
    bound: float | None
    truncate: int
    read: tuple[bool, ...]
    seed: int


@st.composite
def loops(draw: Any, truncate: bool = False) -> Loop:
    new = tuple(draw(st.lists(st.sampled_from(["mixed", "mixed", "moved", "reset", "kept"]), min_size=1, max_size=3)))
    results = tuple(draw(st.lists(st.sampled_from(["mixed", "moved", "reset"]), max_size=2)))
    states = len(new) + len(results)
    return Loop(
        n=draw(st.integers(0, 5)),
        n_consts=draw(st.integers(0, 2)),
        new=new,
        results=results,
        n_xs=draw(st.integers(0, 2)),
        counter=draw(st.booleans()),
        bound=draw(st.one_of(st.none(), st.floats(-0.5, 0.5))),
        truncate=draw(st.integers(0, 6)) if truncate else -1,
        read=tuple(draw(st.lists(st.booleans(), min_size=2 * states + len(new), max_size=2 * states + len(new)))),
        seed=draw(st.integers(0, 2**16)),
    )


class Built:
    """A loop as a graph: its op, inputs (consts, carry0, xs, and the counter's start), values, and outputs."""

    def __init__(self, loop: Loop):
        self.loop, self.rng = loop, np.random.default_rng(loop.seed)
        count = [loop.n_consts, len(loop.new), loop.n_xs]
        consts, carry, xs = ([T.dvector(f"{name}{k}") for k in range(c)] for name, c in zip("csx", count, strict=True))
        counter = T.lscalar("i")
        whole = [counter] if loop.counter else []
        states = [self.state(kind, consts, carry, xs, counter) for kind in (*loop.new, *loop.results)]
        outs = [*states[: len(carry)], *(i + 1 for i in whole), *states[len(carry) :]]
        if loop.bound is not None:
            outs.append(T.gt(states[0][0] * 1.0, loop.bound))
        step = Step.of([*consts, *carry, *whole, *xs], outs)
        self.op = Scan(step, len(consts), len(carry) + len(whole), loop.bound is not None, loop.truncate)
        rows = [T.dmatrix(f"r{k}") for k in range(loop.n_xs)]
        self.n = T.lscalar("n")
        self.inputs = [*consts, *carry, *rows]
        sizes = [SIZE] * (len(consts) + len(carry))
        self.values: list[Any] = [self.rng.normal(size=s) for s in sizes]
        self.values += [self.rng.normal(size=(loop.n, SIZE)) for _ in rows]
        self.n_heads = len(sizes)
        self.continuous = [k for k in self.op.tensors if self.op.states[k].type.dtype == "float64"]
        self.outputs = self.on(self.n, *self.inputs)

    def on(self, n: Any, *inputs: Any) -> list[Any]:
        heads = inputs[: self.n_heads]
        start = [T.constant(np.int64(1))] if self.loop.counter else []
        outs: list[Any] = self.op(n, *heads, *start, *inputs[self.n_heads :], return_list=True)
        return outs

    def state(self, kind: str, consts: Any, carry: Any, xs: Any, counter: Any) -> Any:
        rng = self.rng
        if kind == "kept":
            return carry[-1]
        if kind == "moved":
            return carry[rng.integers(len(carry))]
        if kind == "reset":
            others = [*consts, *xs, T.constant(np.arange(1.0, SIZE + 1))]
            return others[rng.integers(len(others))]
        total: Any = T.constant(rng.normal(size=SIZE))
        for v in (*consts, *carry, *xs):
            total = total + rng.choice([0.0, 0.5, 1.0]) * rng.normal() * v if rng.random() < 0.7 else total
        both = [*consts, *carry, *xs]
        total = total + both[rng.integers(len(both))] * both[rng.integers(len(both))][::-1]
        if self.loop.counter and rng.random() < 0.5:
            total = total * (1.0 + 0.1 * counter) + both[0][counter % SIZE]
        return T.tanh(total)

    def cost(self, outputs: Any = None) -> Any:
        """A scalar of the outputs that are read, each element with a weight of its own."""
        op, outputs = self.op, self.outputs if outputs is None else outputs
        places = [*map(op.last, self.continuous), *map(op.after, self.continuous)]
        places += [op.before(k) for k in self.continuous if k < op.n_carry]
        total: Any = T.constant(0.0)
        for read, place in zip(self.loop.read, places, strict=False):
            if read:
                o = outputs[place]
                w = T.constant(np.cos(np.arange(float(SIZE)) + place))
                rows = (T.arange(o.shape[0]) + 1.5).dimshuffle(0, "x") if o.ndim == 2 else 1.0
                total = total + (w * rows * o).sum() + (o**2 * w).sum()
        return total


@given(loops())
@settings(max_examples=60, deadline=None)
def test_derivatives_of_random_loops(loop: Loop) -> None:
    built = Built(loop)
    check_derivatives(
        built.cost(),
        [*built.inputs, built.n],
        [*built.values, loop.n],
        range(len(built.inputs)),
        seed=loop.seed,
    )


@given(loops(truncate=True))
@settings(max_examples=60, deadline=None)
def test_truncated_gradients(loop: Loop) -> None:
    """A gradient that goes back k steps is that of the last k steps, from a state that is given."""
    built = Built(loop)
    op, env = built.op, dict(zip([*built.inputs, built.n], [*built.values, loop.n], strict=True))
    ran = int(run(built.outputs[op.steps], env)) if op.until else loop.n
    first = max(0, ran - loop.truncate)
    state = [run(built.outputs[op.before(k)], env) for k in range(op.n_carry)]
    wrt = range(len(built.inputs))
    vs = directions(built.values, wrt, loop.seed)
    got = run(gradients_of(built.cost(), built.inputs), env)

    def tail(values: list[Any]) -> Any:
        """The cost, where the values matter only in the last k steps. These begin with a given state."""
        rows = {k: run(built.outputs[op.after(k)], env).copy() for k in op.tensors}
        befores = {k: run(built.outputs[op.before(k)], env).copy() for k in op.carried_tensors}
        lasts = [run(built.outputs[op.last(k)], env) for k in op.tensors]
        carry = list(values[loop.n_consts : built.n_heads]) + [np.asarray(1)] * loop.counter
        if ran > loop.truncate:
            carry = [s[first] for s in state] if loop.truncate else list(lasts[: op.n_carry])
        consts, xs = values[: loop.n_consts], values[built.n_heads :]
        for t in range(first, ran):
            for k in op.carried_tensors:
                befores[k][t] = carry[k]
            new = run(list(op.step.outputs), dict(zip(op.step.inputs, [*consts, *carry, *(x[t] for x in xs)])))
            carry = new[: op.n_carry]
            for k in op.tensors:
                rows[k][t] = lasts[k] = new[k]
        if not ran:
            lasts[: op.n_carry] = carry
        outputs = [*lasts, *rows.values(), *befores.values(), np.asarray(ran)]
        return float(run(built.cost([T.as_tensor_variable(o) for o in outputs])))

    along = sum(float((g * v).sum()) for g, v in zip(got, vs, strict=True))
    close(along, slope(tail, built.values, wrt, vs))
    if ran > loop.truncate:
        for g in got[loop.n_consts : built.n_heads]:
            assert not g.any()
