"""The shapes of what a loop gives, as far as they follow from the shapes of its inputs and the values of constants.

The shape rules of the step's ops are applied once, to tokens that stand for the lengths of the step's inputs; the
loop's own rule then puts in what the tokens are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeError
from symtheano.graph.interpret import evaluate
from symtheano.graph.op import has_own
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import graph_inputs, substitute
from symtheano.scan.form import Form
from symtheano.tensor.shape import Shape_i
from symtheano.tensor.sizes import as_size, shape_i
from symtheano.tensor.type import TensorType, tensor_type

Shape = tuple[Any, ...]  # int64 scalars, or None for what is not known
_LENGTH = tensor_type("int64", ())


class StepShapes:
    """tokens: for each input of the step those of its lengths. states: the shapes of the step's states."""

    def __init__(self, op: Form):
        self.tokens = [tuple(_LENGTH() for _ in range(getattr(v.type, "ndim", 0))) for v in op.step.inputs]
        self.consts = list(op.step.inputs[: op.n_consts])
        varying = set(op.step.inputs[op.n_consts :])
        known: dict[Variable, Shape | None] = {}
        for variable, lengths in zip(op.step.inputs, self.tokens, strict=True):
            known[variable] = _static(variable, lengths) if isinstance(variable.type, TensorType) else None
        measured: dict[Variable, Variable] = {}  # lengths as values of the step
        for node in op.step.graph.nodes:
            known.update(zip(node.outputs, _shapes(node, known), strict=True))
            if isinstance(node.op, Shape_i):
                lengths_of = _of(node.inputs[0], known)
                if lengths_of is not None and lengths_of[node.op.i] is not None:
                    (measured[node.outputs[0]],) = _told([lengths_of[node.op.i]], measured)
        self.states: list[Shape | None] = []
        for state in op.states:
            shape = _of(state, known)
            sizes = None if shape is None else _told(shape, measured)
            self.states.append(
                None
                if sizes is None
                else tuple(None if n is None or varying & set(graph_inputs([n])) else n for n in sizes)
            )


def shapes_in_terms_of(op: Form, inputs: Sequence[Variable], shapes: Sequence[Sequence[Any] | None]) -> list[Any]:
    """The shape of each state (None: no tensor), from the loop's inputs behind n and their shapes."""
    rule = _rule(op)
    given: dict[Variable, Variable] = dict(zip(rule.consts, inputs, strict=False))
    for k, (tokens, shape) in enumerate(zip(rule.tokens, shapes, strict=True)):
        if shape is not None:
            lengths = shape[1:] if k >= op.n_consts + op.n_carry else shape
            given.update((token, as_size(n)) for token, n in zip(tokens, lengths, strict=True))
    found: list[Any] = [shapes[op.n_consts + k] for k in range(op.n_carry)]
    for shape in rule.states[op.n_carry :]:
        sizes = [size for size in shape or () if size is not None]
        made = iter(substitute(sizes, given, strict=False))
        found.append(None if shape is None else tuple(None if size is None else next(made) for size in shape))
    return found


def shapes_of_results(op: Form, inputs: Sequence[Any]) -> list[Any]:
    """The shape of each state as integers, from the values of the loop's inputs behind n; 0 for what is not known."""
    rule = _rule(op)
    given: dict[Variable, Any] = dict(zip(rule.consts, inputs, strict=False))
    for k, (tokens, value) in enumerate(zip(rule.tokens, inputs, strict=True)):
        lengths = np.shape(value)[k >= op.n_consts + op.n_carry :] if tokens else ()
        given.update((token, np.asarray(n)) for token, n in zip(tokens, lengths, strict=True))
    return [
        () if shape is None else tuple(0 if size is None else int(evaluate([size], given)[0]) for size in shape)
        for shape in rule.states
    ]


def _told(shape: Sequence[Any], measured: dict[Variable, Variable]) -> Shape:
    """A shape, where the step's own measuring is replaced by what it finds."""
    found = iter(substitute([n for n in shape if n is not None], measured, strict=False))
    return tuple(None if n is None else next(found) for n in shape)


def share_rule(op: Form, other: Form) -> None:
    """`other` is the same loop, whose step is written in another way: its shapes are those of `op`."""
    other.step.shapes[_key(other)] = _rule(op)


def _key(op: Form) -> tuple[Any, ...]:
    return op.n_consts, op.n_carry, op.until


def _rule(op: Form) -> StepShapes:
    found: StepShapes | None = op.step.shapes.get(_key(op))
    if found is None:
        found = op.step.shapes[_key(op)] = StepShapes(op)
    return found


def _of(variable: Variable, known: dict[Variable, Shape | None]) -> Shape | None:
    if variable in known or not isinstance(variable.type, TensorType):
        return known.get(variable)
    if isinstance(variable, Constant):
        return tuple(as_size(n) for n in np.shape(variable.data))
    return tuple(shape_i(variable, k) for k in range(variable.type.ndim))


def _static(variable: Any, lengths: Shape) -> Shape:
    return tuple(t if n is None else as_size(n) for t, n in zip(lengths, variable.type.shape, strict=True))


def _shapes(node: Apply, known: dict[Variable, Shape | None]) -> list[Shape | None]:
    """The shapes of a node's outputs: static lengths, then what the op's rule says, then None."""
    told: Sequence[Any] | None = None
    if has_own(node.op, "infer_shape"):
        try:
            told = node.op.infer_shape(node, [_of(i, known) for i in node.inputs])
        except (NotImplementedError, ShapeError):
            told = None
    found: list[Shape | None] = []
    for position, out in enumerate(node.outputs):
        kind: Any = out.type
        if not isinstance(kind, TensorType):
            found.append(None)
            continue
        shape = None if told is None else told[position]
        lengths = (None,) * kind.ndim if shape is None or len(shape) != kind.ndim else shape
        found.append(
            tuple(
                as_size(n) if n is not None else (shape_i(out, k) if size is None else as_size(size))
                for k, (n, size) in enumerate(zip(kind.shape, lengths, strict=True))
            )
        )
    return found
