"""The gradient of a loop: the loop of pullbacks of its step, from the last step that ran back to the first.

For step t, with s[t + 1], y[t] = f(c, s[t], x[t]), the loop that goes back carries the cotangent `a` of each state and
a sum for each constant:

    a, sums    = the cotangent of `last`, zeros
    g_c, g_s, g_x = the pullback of f at a + (cotangent of `after`)[t]
    a, sums    = g_s + (cotangent of `before`)[t], sums + g_c

What the pullback reads of the step is known from the loop that went forward: `before` for what was carried, `after` for
what was computed. Other values of the step are computed again, but for those that cannot be, since they come of a state
that is no tensor (a random generator's): those are kept, by a loop that gives them in addition.

A result that is not carried (y) has a cotangent only in the last step, if its `last` is read: it is carried here from
there, and is zero afterwards. So nothing need be known of how many steps ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.gradient.null import is_disconnected, is_null
from symtheano.gradient.pullback import Pullback, accumulate, as_cotangent, with_pattern
from symtheano.graph.null import NullType, disconnected_type
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import graph_inputs, substitute, toposort
from symtheano.scalar.dtypes import is_discrete
from symtheano.scan.connection import connections, one_step_masks
from symtheano.scan.form import Form
from symtheano.scan.step import Step
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.index import set_subtensor
from symtheano.tensor.type import TensorType


def pull_loop(
    op: Any, inputs: Sequence[Any], outputs: Sequence[Any], output_grads: Sequence[Variable]
) -> list[Variable]:
    """The cotangents of the inputs of a loop: what `L_op` returns."""
    pulled = PulledStep(op, Arriving(op, output_grads))
    live = [not is_disconnected(g) for g in output_grads]
    connected = [any(r and l for r, l in zip(row, live, strict=True)) for row in connections(op)]
    found = pulled.over_time(inputs, outputs)
    terms = [_term(op, x, c, g) for x, c, g in zip(inputs[1:], connected[1:], found, strict=True)]
    return [disconnected_type(), *terms]


def _term(op: Any, x: Any, connected: bool, g: Variable | None) -> Variable:
    if not connected:
        return disconnected_type()
    if g is not None:
        return g
    if isinstance(x.type, TensorType):
        return zeros_of(x)  # type: ignore[no-any-return]
    return NullType(f"The gradient of {op} by {x} of {x.type}, which is no tensor, is undefined.")()


def is_continuous(x: Any) -> bool:
    """Whether there are cotangents and tangents of a variable."""
    return isinstance(x.type, TensorType) and not is_discrete(x.type.dtype)


class Arriving:
    """The cotangents that arrive at a loop, of the outputs `last`, `after` and `before` of its continuous states."""

    def __init__(self, op: Form, output_grads: Sequence[Variable]):
        live = {k: g for k, g in enumerate(output_grads) if not is_disconnected(g)}
        states = [k for k in op.tensors if is_continuous(op.states[k])]
        carried = [k for k in states if k < op.n_carry]
        self.last = {k: live[op.last(k)] for k in states if op.last(k) in live}
        self.after = {k: live[op.after(k)] for k in states if op.after(k) in live}
        self.before = {k: live[op.before(k)] for k in carried if op.before(k) in live}
        self.states = self._reaching(op, carried)

    def _reaching(self, op: Form, carried: Sequence[int]) -> list[int]:
        """The states that have cotangents: those where one arrives, and those that such ones are computed from."""
        hot = {*self.last, *self.after, *self.before}
        masks = one_step_masks(op)
        waiting = list(hot)
        while waiting:
            mask = masks[waiting.pop()]
            new = [k for k in carried if k not in hot and mask >> op.n_consts + k & 1]
            hot.update(new)
            waiting += new
        return sorted(hot)


class PulledStep:
    """One step of the loop that goes back, and that loop.

    gradients: for each input of the step its cotangent, an expression of the step's inputs and of the leaves `adjoint`,
    `after` and `before` (by state); None where there is none, null where it is undefined.
    """

    def __init__(self, op: Any, arriving: Arriving):
        self.op, self.arriving = op, arriving
        carried = [k for k in arriving.states if k < op.n_carry or k in arriving.last]
        self.adjoint = {k: op.states[k].type.make_variable() for k in carried}
        self.after = {k: op.states[k].type.make_variable() for k in arriving.after}
        self.before = {k: op.states[k].type.make_variable() for k in arriving.before}
        self.gradients = self._pull_everything()

    # -- one step ------------------------------------------------------------------------------------------------------
    def _pull_everything(self) -> list[Variable | None]:
        """A carried state whose cotangent is undefined has had an undefined one in every step before."""
        undefined: dict[int, Variable] = {}
        while True:
            gradients = self._pull(undefined)
            carry = self.op.split(gradients)[1]
            new = {k: g for k, g in enumerate(carry) if g is not None and is_null(g) and k not in undefined}
            if not new:
                return gradients
            undefined.update(new)

    def _pull(self, undefined: dict[int, Variable]) -> list[Variable | None]:
        seeds: dict[Variable, list[Variable]] = {}
        for k, state in enumerate(self.op.states):
            here = undefined.get(k, self.adjoint.get(k)), self.after.get(k)
            given = [g for g in here if g is not None]
            if given:
                seeds.setdefault(state, []).extend(given)
        xs = self.op.step.inputs
        return [_fitting(x, g) for x, g in zip(xs, Pullback(xs, seeds).gradients, strict=True)]

    # -- all steps -----------------------------------------------------------------------------------------------------
    def over_time(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Variable | None]:
        """The cotangents of the loop's inputs behind n."""
        op = self.op
        found = [g if g is not None and is_null(g) else None for g in self.gradients]
        carried = range(op.n_consts, op.n_consts + op.n_carry)
        wanted = [k for k, g in enumerate(self.gradients) if g is not None and not is_null(g)]
        sums = [k for k in wanted if k < op.n_consts or (k < carried.stop and not is_continuous(op.step.inputs[k]))]
        elements = [k for k in wanted if k >= carried.stop and is_continuous(op.step.inputs[k])]
        states = [k for k in self.adjoint if k >= op.n_carry or found[op.n_consts + k] is None]
        if not states and not sums and not elements:
            return found
        steps = Steps(op, inputs, outputs)
        back = _Backward(self, steps, states, sums, elements)
        for k in states:
            if k < op.n_carry:
                found[op.n_consts + k] = steps.first_only(back.adjoint[k])
        for k in sums:
            found[k] = steps.first_only(back.sums[k]) if k in carried else back.sums[k]
        for k in elements:
            found[k] = steps.spread(back.elements[k], inputs[1 + k])
        return found


def _fitting(x: Any, g: Any) -> Any:
    """`g` as the cotangent of `x`: of its dtype and pattern; None where there is none."""
    if is_disconnected(g):
        return None
    return g if is_null(g) or not isinstance(x.type, TensorType) else with_pattern(as_cotangent(x, g), x)


def zeros_like(x: Any, dtype: str) -> Any:
    """Zeros of a dtype, of the shape of `x`."""
    return functions.second(x, make_constant(np.zeros((), dtype)))


class Steps:
    """The steps that a gradient goes back through: the last `count` of the `ran` steps that ran, of n."""

    def __init__(self, op: Any, inputs: Sequence[Any], outputs: Sequence[Any]):
        self.inputs, self.outputs = inputs, outputs
        self.ran: Any = outputs[op.steps] if op.until else inputs[0]
        self.limit = None if op.truncate < 0 else op.truncate
        self.count: Any = self.ran if self.limit is None else functions.minimum(self.ran, self.limit)
        self.all = self.limit is None and not op.until

    def _range(self) -> slice:
        return slice(None if self.limit is None else self.ran - self.count, self.ran)

    def reversed(self, rows: Any) -> Variable:
        """The rows of these steps, the last one first."""
        return rows[::-1] if self.all else rows[self._range()][::-1]  # type: ignore[no-any-return]

    def spread(self, rows: Any, like: Any) -> Variable:
        """Rows, the last step's first, as those of all n steps of `like`; zeros elsewhere."""
        if self.all:
            return rows[::-1]  # type: ignore[no-any-return]
        return set_subtensor(zeros_of(like)[self._range()], rows[::-1])  # type: ignore[no-any-return]

    def first_only(self, adjoint: Any) -> Variable:
        """What has come to the state before these steps as the cotangent of the state before all steps."""
        if self.limit is None:
            return adjoint  # type: ignore[no-any-return]
        return functions.switch(functions.gt(self.ran, self.limit), zeros_of(adjoint), adjoint)  # type: ignore[no-any-return]


class _Backward:
    """The loop that goes back: its results by state (adjoint), by input (sums), and by input over time (elements).

    sums: of constants; and of whole numbers that are carried, where it is only what the first step gives: no gradient
    comes back through the steps before a step to the whole numbers that it found.
    """

    def __init__(
        self,
        pulled: PulledStep,
        steps: Steps,
        states: Sequence[int],
        sums: Sequence[int],
        elements: Sequence[int],
    ):
        self.pulled, self.steps, self.op = pulled, steps, pulled.op
        op, inner = self.op, self.op.step.inputs
        gs: list[Any] = pulled.gradients
        leaves_of_sums = {k: gs[k].type.make_variable() for k in sums}
        news = [self._new(k) for k in states]
        news += [functions.add(leaf, gs[k]) if k < op.n_consts else gs[k] for k, leaf in leaves_of_sums.items()]
        news += [gs[k] for k in elements]
        news, known = self._known(news)
        own = [pulled.adjoint[k] for k in states] + list(leaves_of_sums.values())
        read = set(graph_inputs(news))
        leaves = {v: self._outer(v) for v in (*inner, *pulled.after.values(), *pulled.before.values()) if v in read}
        constants = {v: leaves.pop(v) for v in inner[: op.n_consts] if v in leaves}
        leaves.update(known)
        starts = [self._start(k) for k in states] + [zeros_like(steps.inputs[1 + k], gs[k].type.dtype) for k in sums]
        step = Step.of([*constants, *own, *leaves], news)
        loop: Any = type(op)(step, len(constants), len(own), name=op.name and f"grad_of_{op.name}")
        given = loop(steps.count, *constants.values(), *starts, *leaves.values(), return_list=True)
        self.adjoint = {k: given[loop.last(i)] for i, k in enumerate(states)}
        self.sums = {k: given[loop.last(len(states) + i)] for i, k in enumerate(sums)}
        self.elements = {k: given[loop.after(len(own) + i)] for i, k in enumerate(elements)}

    def _new(self, state: int) -> Variable:
        """The cotangent of a state before the step."""
        pulled, op = self.pulled, self.op
        old = pulled.adjoint[state]
        terms = [pulled.gradients[op.n_consts + state], pulled.before.get(state)] if state < op.n_carry else []
        given = [t for t in terms if t is not None]
        return accumulate(old, given) if given else zeros_of(old)

    def _start(self, state: int) -> Variable:
        found = self.pulled.arriving.last.get(state)
        return zeros_of(self.steps.outputs[self.op.last(state)]) if found is None else found

    def _outer(self, leaf: Variable) -> Any:
        """What a leaf of the step that goes back stands for: a constant of the loop, or rows, the last one first."""
        op, steps, pulled = self.op, self.steps, self.pulled
        for leaves, rows in ((pulled.after, pulled.arriving.after), (pulled.before, pulled.arriving.before)):
            for k, own in leaves.items():
                if own is leaf:
                    return steps.reversed(rows[k])
        position = op.step.inputs.index(leaf)
        if position < op.n_consts:
            return steps.inputs[1 + position]
        if position < op.n_consts + op.n_carry:
            return steps.reversed(steps.outputs[op.before(position - op.n_consts)])
        return steps.reversed(steps.inputs[1 + position])

    def _known(self, news: Sequence[Variable]) -> tuple[list[Variable], dict[Variable, Any]]:
        """The step's outputs in terms of leaves that stand for what is known of it; those leaves, with their rows."""
        op, steps = self.op, self.steps
        computed = {op.states[k]: op.after(k) for k in reversed(op.tensors) if op.states[k].owner is not None}
        kept = unrepeatable(op, news, computed)
        read = [v for v in graph_inputs(news, {*computed, *kept}) if v.owner is not None]
        rows: dict[Variable, Any] = {v: steps.outputs[computed[v]] for v in read if v in computed}
        extra = [v for v in read if v not in computed]
        if extra:
            rows.update(zip(extra, with_results(op, steps.inputs, extra), strict=True))
        fresh: dict[Variable, Variable] = {v: v.type.make_variable() for v in rows}
        return substitute(news, fresh), {fresh[v]: steps.reversed(r) for v, r in rows.items()}


def unrepeatable(op: Form, outputs: Sequence[Variable], known: Any) -> list[Variable]:
    """The tensors in `outputs` that come directly from a carried state that is no tensor; nothing above `known`.

    What such a state was before each step is not kept, so they cannot be computed again.
    """
    carry = op.split(op.step.inputs)[1]
    wild = {v for v in carry if not isinstance(v.type, TensorType)}
    if not wild:
        return []
    forward = set(op.step.inputs)
    found: list[Variable] = []
    for node in toposort(outputs, known):
        again = all(i in forward or i in known or isinstance(i, Constant) for i in node.inputs)
        if again:
            forward.update(node.outputs)
        if not any(i in wild for i in node.inputs):
            continue
        if not again:
            raise NotImplementedError(_no_trace(op, node))
        found += [o for o in node.outputs if isinstance(o.type, TensorType)]
        wild.update(o for o in node.outputs if not isinstance(o.type, TensorType))
    return found


def _no_trace(op: Form, node: Any) -> str:
    return explain(
        f"The gradient of {node.op} reads a state of the loop that is no tensor, which is not kept for each step.",
        operation=str(op),
        operands=[f"{i}: {i.type}" for i in node.inputs],
        where=str(node.trace or ""),
        remedy="let its gradient read tensors: values that the step computes from that state",
    )


def with_results(op: Any, inputs: Sequence[Variable], more: Sequence[Variable]) -> list[Variable]:
    """What each step computes as `more`, variables of the step: by the same loop, with more results."""
    step = Step.of(op.step.inputs, [*op.states, *more, *op.step.outputs[op.n_states :]])
    loop: Any = type(op)(step, op.n_consts, op.n_carry, op.until, op.truncate, op.name)
    given = loop(*inputs, return_list=True)
    return [given[loop.after(op.n_states + k)] for k in range(len(more))]
