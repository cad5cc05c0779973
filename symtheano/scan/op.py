"""Scan: a loop as one op, in normal form.

    step : consts, carry, xs            -> carry', ys[, stop]
    Scan : n, consts, carry0, xs[n, :]  -> last, after, before[, steps]

The K values that are carried and the M results of a step are its K + M *states*. Of each state the op gives what the
last step left (`last`), and what each step left (`after`, n rows); of what is carried also what each step found
(`before`, n rows, the first of which is carry0). An output that nobody reads costs nothing, so what gradients need is
there for nothing where no gradient is asked for. Rows behind the last step that ran (`stop`) hold zeros, and `last` of
a result is zero where no step ran.

There are no taps here, no updates and no directions: the front end writes them in these terms.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.graph.op import Op
from symtheano.graph.text import expression
from symtheano.graph.variable import Apply, Variable
from symtheano.scan.adjoint import pull_loop
from symtheano.scan.connection import connections
from symtheano.scan.info import Info
from symtheano.scan.shapes import shapes_in_terms_of, shapes_of_results
from symtheano.scan.step import Step
from symtheano.scan.tangent import push_loop
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.sizes import as_size, constant_dim, never_one, shape_i
from symtheano.tensor.type import TensorType


class Scan(Info, Op):
    """A loop.

    step: a Step of consts, carry and xs, in this order. n_consts, n_carry: how many of its inputs are which. until:
    whether the step's last output is a condition, after which the loop ends. truncate: through how many steps, counted
    from the last, gradients go back; -1: all. name: for messages; it does not count in comparisons.
    """

    __props__ = ("step", "n_consts", "n_carry", "until", "truncate")

    def __init__(
        self,
        step: Step,
        n_consts: int,
        n_carry: int,
        until: bool = False,
        truncate: int = -1,
        name: str | None = None,
    ):
        Info.__init__(self, step, n_consts, n_carry, until)
        self.truncate, self.name = truncate, name

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.step, self.n_consts, self.n_carry, self.until, self.truncate, self.name)

    def __str__(self) -> str:
        return f"{'do_while' if self.until else 'for'}{{cpu,{self.name or 'scan_fn'}}}"

    # -- parts ---------------------------------------------------------------------------------------------------------
    @property
    def inner_graphs(self) -> list[FunctionGraph]:
        """What a printer shows of the op: one step."""
        return [self.step.graph]

    @property
    def inputs(self) -> list[Variable]:
        """The variables of one step (Theano's name)."""
        return list(self.step.inputs)

    @property
    def outputs(self) -> list[Variable]:
        """What one step gives (Theano's name)."""
        return list(self.step.outputs)

    # -- building ------------------------------------------------------------------------------------------------------
    def make_node(self, n: Any, *inputs: Any) -> Apply:
        n = as_size(n)
        given = len(self.step.inputs)
        if len(inputs) != given:
            raise ValueError(f"{self}: a loop of {given} inputs was given {len(inputs)}")
        consts, carry, xs = self.split([self._filtered(k, v) for k, v in enumerate(inputs)])
        for state, (old, new) in enumerate(zip(carry, self.states, strict=False)):
            if new.type != old.type:
                raise TypeError(f"{self}: state {state} is {old.type} before the step and {new.type} after it")
        length = constant_dim(n)
        outs: list[Any] = [o.type.make_variable() for o in (*carry, *self.states[self.n_carry :])]
        outs += [_over_time(self.states[k], length) for k in self.tensors]
        outs += [_over_time(carry[k], length) for k in self.carried_tensors]
        if self.until:
            outs.append(TensorType("int64", ())())
        return Apply(self, [n, *consts, *carry, *xs], outs)

    def _filtered(self, position: int, value: Any) -> Variable:
        kind: Any = self.step.inputs[position].type
        if position < self.n_consts + self.n_carry:
            return kind.filter_variable(value)  # type: ignore[no-any-return]
        value = as_tensor_variable(value)
        have = value.type
        if not isinstance(have, TensorType) or have.dtype != kind.dtype or have.broadcastable[1:] != kind.broadcastable:
            raise TypeError(f"{self}: the elements of sequence {value} of {have} are no {kind}")
        return value  # type: ignore[no-any-return]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Which outputs depend on which inputs, by as many steps as it takes."""
        return connections(self)

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[Any]:
        """The shapes of the outputs; those of results as far as they follow from shapes and constants."""
        n = node.inputs[0]
        rows: list[Any] = list(shapes_in_terms_of(self, node.inputs[1:], shapes[1:]))
        for k in range(self.n_carry, self.n_states):
            rows[k] = tuple(shape_i(node.outputs[k], a) if size is None else size for a, size in enumerate(rows[k]))
        over_time = [(n, *rows[k]) for k in (*self.tensors, *self.carried_tensors)]
        return [*rows, *over_time, ()] if self.until else [*rows, *over_time]

    # -- derivatives ---------------------------------------------------------------------------------------------------
    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return pull_loop(self, inputs, outputs, output_grads)

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return push_loop(self, inputs, eval_points)

    # -- meaning -------------------------------------------------------------------------------------------------------
    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        def step(*values: Any) -> list[Any]:
            return evaluate(self.step.outputs, dict(zip(self.step.inputs, values, strict=True)))

        for cell, value in zip(output_storage, run_loop(self, step, inputs), strict=True):
            cell[0] = value


def run_loop(op: Scan, step: Callable[..., Sequence[Any]], inputs: Sequence[Any]) -> list[Any]:
    """The outputs of a loop on values, where `step` is a function of one step. The meaning of Scan, in Python."""
    n = check_lengths(op, inputs)
    consts, carry, xs = op.split(inputs[1:])
    after: dict[int, Any] = {}
    before = {k: np.zeros((n, *np.shape(carry[k])), carry[k].dtype) for k in op.carried_tensors}
    last, done = list(carry), 0
    for t in range(n):
        for k, rows in before.items():
            rows[t] = carry[k]
        values = step(*consts, *carry, *(x[t] for x in xs))
        for k in op.carried_tensors:
            check_state(op, k, carry[k], values[k])
        if t == 0:
            after = {k: np.zeros((n, *np.shape(values[k])), op.states[k].type.dtype) for k in op.tensors}
        for k, rows in after.items():
            rows[t] = values[k]
        last = list(values[: op.n_states])
        carry, done = last[: op.n_carry], t + 1
        if op.until and bool(values[-1]):
            break
    if not done:
        shapes = [*map(np.shape, carry), *shapes_of_results(op, inputs[1:])[op.n_carry :]]
        after = {k: np.zeros((n, *shapes[k]), op.states[k].type.dtype) for k in op.tensors}
        last += [np.zeros(shapes[k], op.states[k].type.dtype) for k in range(op.n_carry, op.n_states)]
    own = [np.array(v) if k in op.tensors else copy.deepcopy(v) for k, v in enumerate(last)]
    return [*own, *after.values(), *before.values(), *([np.asarray(done)] if op.until else [])]


def check_lengths(op: Scan, inputs: Sequence[Any]) -> int:
    """The number of steps. Raises ValueError where it is negative, or is not the length of every sequence."""
    n = int(inputs[0])
    _, _, xs = op.split(inputs[1:])
    _, _, names = op.split(op.step.inputs)
    if n < 0:
        raise ValueError(
            explain(
                f"A loop cannot run {n} steps.",
                operation=str(op),
                where=_line(op),
                remedy="n_steps must not be negative: use go_backwards=True to go through sequences from their end",
            )
        )
    for x, name in zip(xs, names, strict=True):
        if len(x) != n:
            raise ValueError(
                explain(
                    f"The sequence {_named(name)} has {len(x)} elements, but the loop runs {n} steps.",
                    operation=str(op),
                    operands=[f"{_named(v)}: {v.type}, shape {np.shape(y)}" for v, y in zip(names, xs, strict=True)],
                    where=_line(op),
                    remedy="every sequence must be as long as n_steps (and its taps) need",
                )
            )
    return n


def check_state(op: Scan, state: int, old: Any, new: Any) -> None:
    """Raises ShapeMismatchError where a step changed the shape of what is carried."""
    if np.shape(old) == np.shape(new):
        return
    variable, result = op.step.inputs[op.n_consts + state], op.states[state]
    raise ShapeMismatchError(
        explain(
            f"A step of the loop changed the shape of its state {_named(variable)}: {np.shape(old)} before the step, "
            f"{np.shape(new)} after it.",
            operation=str(op),
            operands=[
                f"before: {variable.type}, shape {np.shape(old)}",
                f"after: {result.type}, shape {np.shape(new)}",
            ],
            expression=expression(result),
            where=str(result.line or "") or _line(op),
            remedy="what a step returns for a state must have the shape of the initial state in outputs_info",
        )
    )


def _line(op: Scan) -> str:
    return next((str(o.line) for o in op.step.outputs if o.line), "")


def _named(variable: Variable) -> str:
    return variable.name or str(variable)


def _over_time(element: Any, length: int | None) -> Variable:
    kind = element.type
    return TensorType(kind.dtype, shape=(*never_one(length), *kind.shape)).make_variable()
