"""OpFromGraph: an expression as an Op, with derivatives that its author may replace. The compiler inlines it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.compile.overrides import DEFAULT, Overrides
from symtheano.config import config
from symtheano.gradient.forward import push_forward
from symtheano.gradient.null import is_disconnected
from symtheano.gradient.paths import connected_paths
from symtheano.gradient.pullback import Pullback
from symtheano.gradient.reverse import zeros_like
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.graph.null import disconnected_type
from symtheano.graph.op import Op
from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Apply, Variable
from symtheano.graph.walk import graph_inputs, substitute
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.sizes import shape_i


class OpFromGraph(Op):
    """The function `inputs -> outputs` of an expression, as an Op.

    inputs, outputs: lists of variables; the shared variables that outputs depend on come along by themselves.
    inline: kept for Theano's sake (the compiler always inlines).
    lop_overrides: the gradient. "default" is that of the expression. Else a function (inputs, outputs, output_grads) ->
        list of gradients; an OpFromGraph that takes them all; or a list with one entry for each input: "default" or
        None, such a function that returns one variable, or a variable of NullType or DisconnectedType.
    grad_overrides: the same, of functions (inputs, output_grads). Only one of the two may be given.
    rop_overrides: the same for the Rop, of functions (inputs, eval_points), one entry for each output.
    connection_pattern: rows of booleans `[input][output]`, if other than that of the expression.
    Raises TypeError where inputs and outputs are no variables, ValueError where an override has the wrong arity or the
    Op is applied to another number of arguments.

    >>> import symtheano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> op = OpFromGraph([x, y], [x * y + x])
    >>> float(op(x + 1, y).eval({x: 1.0, y: 3.0}))
    8.0
    """

    def __init__(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        inline: bool = False,
        lop_overrides: Any = DEFAULT,
        grad_overrides: Any = DEFAULT,
        rop_overrides: Any = DEFAULT,
        connection_pattern: Sequence[Sequence[bool]] | None = None,
        name: str | None = None,
        **function_kwargs: Any,
    ):
        _check_arguments(inputs, outputs, function_kwargs)
        self.name = name
        self.is_inline = inline
        self.kwargs = function_kwargs
        self.shared_inputs: list[Variable] = [
            v for v in graph_inputs(outputs, inputs) if isinstance(v, SharedVariable) and v not in set(inputs)
        ]
        every = [*inputs, *self.shared_inputs]
        self.inner_inputs = [v.type.make_variable(v.name) for v in every]
        self.inner_outputs = substitute(outputs, dict(zip(every, self.inner_inputs, strict=True)))
        self.input_types = [v.type for v in inputs]
        self.output_types = [v.type for v in self.inner_outputs]
        self._author_pattern = connection_pattern
        self._lop, self._lop_reads_outputs = self._lop_of(lop_overrides, grad_overrides)
        self._rop = Overrides(rop_overrides, len(outputs), 2 * len(inputs), "rop_overrides")
        self._forget()

    def _lop_of(self, lop: Any, grad: Any) -> tuple[Overrides, bool]:
        nin, nout = len(self.input_types), len(self.output_types)
        lops = Overrides(lop, nin, nin + 2 * nout, "lop_overrides")
        grads = Overrides(grad, nin, nin + nout, "grad_overrides")
        if not lops.is_default and not grads.is_default:
            raise ValueError("lop_overrides and grad_overrides are mutually exclusive")
        return (lops, True) if grads.is_default else (grads, False)

    def _forget(self) -> None:
        """Empties the caches."""
        self._pullbacks: dict[Any, _Expressions] = {}
        self._pushes: dict[Any, _Expressions] = {}
        self._pattern: list[list[bool]] | None = None
        self._closed: FunctionGraph | None = None

    def __getstate__(self) -> dict[str, Any]:
        caches = ("_pullbacks", "_pushes", "_pattern", "_closed")
        return {k: v for k, v in super().__getstate__().items() if k not in caches}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()

    @property
    def local_inputs(self) -> list[Variable]:
        """Theano's name of `inner_inputs`: one for each input, then one for each shared variable."""
        return self.inner_inputs

    @property
    def local_outputs(self) -> list[Variable]:
        """Theano's name of `inner_outputs`."""
        return self.inner_outputs

    @property
    def inner_graphs(self) -> list[FunctionGraph]:
        """What a printer shows of the op."""
        return [self.fgraph]

    @property
    def fgraph(self) -> FunctionGraph:
        """The closed inner graph."""
        if self._closed is None:
            self._closed = FunctionGraph(self.inner_inputs, self.inner_outputs)
        return self._closed

    def __str__(self) -> str:
        return f"{self.name or type(self).__name__}{{inline={self.is_inline}}}"

    # -- building and meaning ------------------------------------------------------------------------------------
    def make_node(self, *inputs: Any) -> Apply:
        count, shared = len(self.input_types), len(self.shared_inputs)
        if len(inputs) not in (count, count + shared):
            raise ValueError(f"{self}: Expected {count} inputs, got {len(inputs)}")
        # The compiler's copies of a node pass what stands for the shared variables; users do not.
        captured = inputs[count:] if len(inputs) > count else self.shared_inputs
        own = [t.filter_variable(i) for t, i in zip(self.input_types, inputs, strict=False)]
        return Apply(self, [*own, *captured], [t.make_variable() for t in self.output_types])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        values = evaluate(self.inner_outputs, dict(zip(self.inner_inputs, inputs, strict=True)))
        taken = [i for i in inputs if isinstance(i, np.ndarray)]
        for cell, value in zip(output_storage, values, strict=True):
            if isinstance(value, np.ndarray):
                # An output that is an input or a view of one must not alias it: no view_map says so.
                if any(np.may_share_memory(value, other) for other in taken):
                    value = value.copy()
                taken.append(value)
            cell[0] = value

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shape_i(o, k) for k in range(o.type.ndim)) for o in inline_op_from_graph(node)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """`[input][output]`: that of the expression, but for what the author says and overrides."""
        if self._pattern is None:
            self._pattern = [self._row(position) for position in range(len(self.inner_inputs))]
        return [list(row) for row in self._pattern]

    def _row(self, position: int) -> list[bool]:
        nout = len(self.inner_outputs)
        if position < len(self.input_types):
            if self._author_pattern is not None:
                return [bool(c) for c in self._author_pattern[position]]
            override = self._lop.replaces(position)
            if override is not None:
                return [not (isinstance(override, Variable) and is_disconnected(override))] * nout
        reached = connected_paths([self.inner_inputs[position]], self.inner_outputs).reached
        return [o in reached for o in self.inner_outputs]

    # -- derivatives ---------------------------------------------------------------------------------------------
    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        count = len(self.input_types)
        positions = (*self._lop.defaults, *range(count, len(inputs)))
        defaults = self._pulled(inputs, output_grads, positions)
        shared = [defaults.pop() for _ in self.shared_inputs][::-1]
        gs = [zeros_like(o) if is_disconnected(g) else g for o, g in zip(outputs, output_grads, strict=True)]
        groups = [inputs[:count], outputs, gs] if self._lop_reads_outputs else [inputs[:count], gs]
        terms = [*self._lop.terms(groups, defaults), *shared]
        live = [not is_disconnected(g) for g in output_grads]
        for k, (x, row) in enumerate(zip(inputs, self.connection_pattern(None), strict=True)):  # type: ignore[arg-type]
            connected = any(r and l for r, l in zip(row, live, strict=True))
            if not connected:
                terms[k] = disconnected_type()
            elif isinstance(terms[k], Variable) and is_disconnected(terms[k]):
                terms[k] = zeros_like(x)
        return terms

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        count = len(self.input_types)
        positions = self._rop.defaults
        points = [zeros_like(x) if t is None else t for x, t in zip(inputs, eval_points, strict=True)]
        return self._rop.terms([inputs[:count], points[:count]], self._pushed(inputs, eval_points, positions))

    def _pulled(
        self, inputs: Sequence[Variable], output_grads: Sequence[Variable], positions: tuple[int, ...]
    ) -> list[Variable]:
        """The gradients of the expression with respect to some inputs; built once for each set of live outputs."""
        live = tuple(not is_disconnected(g) for g in output_grads)
        found = self._pullbacks.get((live, positions))
        if found is None:
            gs = [_cotangent_leaf(o) for o in self.inner_outputs]
            seeds: dict[Variable, list[Variable]] = {}
            for o, g, is_live in zip(self.inner_outputs, gs, live, strict=True):
                if is_live:
                    seeds.setdefault(o, []).append(g)
            wrt = [self.inner_inputs[k] for k in positions]
            found = _Expressions([*self.inner_inputs, *gs], Pullback(wrt, seeds).gradients)
            self._pullbacks[live, positions] = found
        return found([*inputs, *output_grads])

    def _pushed(
        self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None], positions: tuple[int, ...]
    ) -> list[Variable | None]:
        """The tangents of some outputs of the expression; built once for each set of inputs that vary."""
        live = tuple(t is not None for t in eval_points)
        found = self._pushes.get((live, positions))
        if found is None:
            varying = [x for x, is_live in zip(self.inner_inputs, live, strict=True) if is_live]
            points = [_cotangent_leaf(x) for x in varying]
            tangents = push_forward([self.inner_outputs[k] for k in positions], varying, points)
            terms = [disconnected_type() if t is None else t for t in tangents]
            found = self._pushes[live, positions] = _Expressions([*self.inner_inputs, *points], terms)
        results = found([*inputs, *(t for t in eval_points if t is not None)])
        return [None if is_disconnected(t) else t for t in results]


class _Expressions:
    """Expressions of some leaves, to be had on other variables."""

    def __init__(self, leaves: Sequence[Variable], outputs: Sequence[Variable]):
        self.leaves = leaves
        self.outputs = outputs

    def __call__(self, variables: Sequence[Variable]) -> list[Variable]:
        return substitute(self.outputs, dict(zip(self.leaves, variables, strict=True)), strict=False)


def _cotangent_leaf(x: Any) -> Variable:
    """A fresh variable that can hold a cotangent or tangent of `x`."""
    if is_discrete(getattr(x.type, "dtype", "")):
        return x.type.clone(dtype=config.floatX).make_variable()  # type: ignore[no-any-return]
    return x.type.make_variable()  # type: ignore[no-any-return]


def inline_op_from_graph(node: Apply) -> list[Any]:
    """The outputs of an OpFromGraph's node as the expression itself, on the node's inputs."""
    op: Any = node.op
    return substitute(op.inner_outputs, dict(zip(op.inner_inputs, node.inputs, strict=True)))


def _check_arguments(inputs: Any, outputs: Any, function_kwargs: dict[str, Any]) -> None:
    if not isinstance(inputs, (list, tuple)) or not isinstance(outputs, (list, tuple)):
        raise TypeError(f"OpFromGraph: inputs and outputs must be lists of variables, got {inputs!r}, {outputs!r}")
    for v in (*inputs, *outputs):
        if not isinstance(v, Variable):
            raise TypeError("OpFromGraph: inputs and outputs must be Variable instances", v)
    if len(set(inputs)) != len(inputs):
        raise ValueError("OpFromGraph: the same variable stands twice in inputs")
    for keyword in ("updates", "givens"):
        if keyword in function_kwargs:
            raise TypeError(f"OpFromGraph: {keyword} are not allowed here")
