"""The forward derivative of a loop: one loop of the step and of its forward derivative, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.gradient.forward import push_forward
from symtheano.gradient.null import is_disconnected, is_null
from symtheano.gradient.pullback import as_cotangent, with_pattern
from symtheano.graph.variable import Variable
from symtheano.scan.adjoint import is_continuous, zeros_like
from symtheano.scan.connection import connections, one_step_masks
from symtheano.scan.step import Step
from symtheano.tensor.elemwise import zeros_of
from symtheano.tensor.type import TensorType


def push_loop(op: Any, inputs: Sequence[Any], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
    """The tangents of the outputs of a loop: what `R_op` returns."""
    consts, carry, xs = op.split(list(zip(inputs[1:], eval_points[1:], strict=True)))
    points = [p if isinstance(x.type, TensorType) else None for x, p in (*consts, *carry)]
    points += [p if is_continuous(x) else None for x, p in xs]  # elements are taken by index: no whole number moves
    outputs: list[Any] = op.make_node(*inputs).outputs
    found: list[Variable | None] = [None] * len(outputs)
    if any(p is not None for p in points):
        pushed = PushedStep(op, points)
        found = pushed.over_time(inputs, points, len(outputs))
    return [
        zeros_of(o) if t is None and isinstance(o.type, TensorType) and depends else t
        for o, t, depends in zip(outputs, found, _depending(op, eval_points), strict=True)
    ]


def _depending(op: Any, eval_points: Sequence[Variable | None]) -> list[bool]:
    """For each output, whether it depends on an input that varies."""
    moving = [p is not None for p in eval_points]
    return [any(m and c for m, c in zip(moving, column, strict=True)) for column in zip(*connections(op), strict=True)]


class PushedStep:
    """One step of the loop of tangents, and that loop.

    points: for each input of the step the leaf of its tangent, if it varies. tangents: for each state its tangent, an
    expression of the step's inputs and of those leaves; None where it does not vary, null where it is undefined.
    """

    def __init__(self, op: Any, points: Sequence[Any]):
        self.op = op
        moving = _moving(op, [p is not None for p in points])
        self.points: list[Variable | None] = [
            _leaf(x, p) if m else None for x, p, m in zip(op.step.inputs, points, moving, strict=True)
        ]
        self.tangents = self._push_everything()

    def _push_everything(self) -> list[Variable | None]:
        """A carried state whose tangent is undefined has an undefined one in every later step."""
        while True:
            tangents = self._push()
            new = [
                (self.op.n_consts + k, t)
                for k, t in enumerate(tangents[: self.op.n_carry])
                if t is not None and is_null(t) and not self._is_undefined(k)
            ]
            if not new:
                return tangents
            for position, null in new:
                self.points[position] = null

    def _is_undefined(self, state: int) -> bool:
        point = self.points[self.op.n_consts + state]
        return point is not None and is_null(point)

    def _push(self) -> list[Variable | None]:
        pairs = [(x, p) for x, p in zip(self.op.step.inputs, self.points, strict=True) if p is not None]
        tangents = push_forward(self.op.states, [x for x, _ in pairs], [p for _, p in pairs])
        return [_fitting(o, t) for o, t in zip(self.op.states, tangents, strict=True)]

    # -- all steps -----------------------------------------------------------------------------------------------------
    def over_time(self, inputs: Sequence[Any], points: Sequence[Variable | None], count: int) -> list[Variable | None]:
        """The tangents of the loop's `count` outputs, where those of its inputs are `points`."""
        op = self.op
        states = [k for k in op.tensors if self._has_tangent(k)]
        carried = [k for k in states if k < op.n_carry]
        new_carry = [self._carried_on(k) for k in carried]
        new_results: list[Any] = [self.tangents[k] for k in states if k >= op.n_carry]
        leaves = [self._with_tangents(part) for part in self._parts(op.step.inputs, self.points)]
        given = [self._with_tangents(part) for part in self._parts(inputs[1:], self._starts(inputs[1:], points))]
        news = [*op.states[: op.n_carry], *new_carry, *op.states[op.n_carry :], *new_results]
        step = Step.of([v for part in leaves for v in part], [*news, *op.step.outputs[op.n_states :]])
        loop: Any = type(op)(
            step, len(leaves[0]), len(leaves[1]), op.until, op.truncate, op.name and f"rop_of_{op.name}"
        )
        results = loop(inputs[0], *(v for part in given for v in part), return_list=True)
        place = {k: op.n_carry + i for i, k in enumerate(carried)}
        others = [k for k in states if k >= op.n_carry]
        place.update((k, op.n_states + len(carried) + i) for i, k in enumerate(others))
        found: list[Variable | None] = [None] * count
        for k, state in place.items():
            found[op.last(k)], found[op.after(k)] = results[loop.last(state)], results[loop.after(state)]
            if k < op.n_carry:
                found[op.before(k)] = results[loop.before(state)]
        return self._undefined(found)

    def _has_tangent(self, state: int) -> bool:
        if state < self.op.n_carry:
            point = self.points[self.op.n_consts + state]
            return point is not None and not is_null(point)
        tangent = self.tangents[state]
        return tangent is not None and not is_null(tangent)

    def _carried_on(self, state: int) -> Variable:
        tangent = self.tangents[state]
        if tangent is not None:
            return tangent
        leaf: Any = self.points[self.op.n_consts + state]
        zeros: Variable = zeros_like(self.op.states[state], leaf.type.dtype)
        return zeros

    def _starts(self, inputs: Sequence[Any], points: Sequence[Variable | None]) -> list[Variable | None]:
        """The tangent that each input starts with: zeros for a state that only begins to vary in the loop."""
        return [
            None if leaf is None or is_null(leaf) else zeros_of(x) if p is None else with_pattern(as_cotangent(x, p), x)
            for x, p, leaf in zip(inputs, points, self.points, strict=True)
        ]

    def _parts(self, inputs: Sequence[Any], points: Sequence[Variable | None]) -> list[list[tuple[Any, Any]]]:
        pairs = list(zip(inputs, points, strict=True))
        return list(self.op.split(pairs))

    @staticmethod
    def _with_tangents(pairs: Sequence[tuple[Any, Any]]) -> list[Any]:
        return [x for x, _ in pairs] + [p for _, p in pairs if p is not None and not is_null(p)]

    def _undefined(self, found: list[Variable | None]) -> list[Variable | None]:
        op = self.op
        for k in op.tensors:
            null = self.tangents[k]
            if null is not None and is_null(null):
                found[op.last(k)] = found[op.after(k)] = null
                if k < op.n_carry:
                    found[op.before(k)] = null
        return found


def _moving(op: Any, varying: Sequence[bool]) -> list[bool]:
    """Which inputs of the step have tangents: those that vary, and the states that depend on them after some steps."""
    moving = list(varying)
    masks = one_step_masks(op)
    changed = True
    while changed:
        changed = False
        bits = sum(1 << k for k, m in enumerate(moving) if m)
        for k in op.carried_tensors:
            position = op.n_consts + k
            if not moving[position] and masks[k] & bits and is_continuous(op.states[k]):
                moving[position] = changed = True
    return moving


def _leaf(x: Any, point: Any) -> Variable:
    """A variable for the tangent of an input of the step; that of a whole number has the dtype of the given one."""
    if is_continuous(x):
        return x.type.make_variable()  # type: ignore[no-any-return]
    return x.type.clone(dtype=point.type.dtype).make_variable()  # type: ignore[no-any-return]


def _fitting(state: Any, t: Any) -> Any:
    """`t` as the tangent of a state: of its dtype and pattern; None where there is none."""
    if t is None or is_disconnected(t) or (not is_null(t) and not is_continuous(state)):
        return None
    return t if is_null(t) else with_pattern(as_cotangent(state, t), state)
