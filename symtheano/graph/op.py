"""Op: what a node does. Theano's contract for authors, unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from symtheano.errors import MethodNotDefined, explain
from symtheano.graph.type import Type
from symtheano.graph.variable import Apply, Variable


class Op:
    """A function from variables to variables.

    An author defines `make_node` (or `itypes` and `otypes`) and `perform`; `grad` or `L_op` to differentiate, `R_op`,
    `infer_shape`, `connection_pattern`, `view_map` and `destroy_map` as needed. `__props__` names the attributes that
    make two ops equal; without it an op equals only itself.
    """

    view_map: Mapping[int, Sequence[int]] = {}
    destroy_map: Mapping[int, Sequence[int]] = {}
    default_output: int | None = None
    stands_for: int | None = None  # the input that the only output is: closed graphs have that, and not the node
    itypes: ClassVar[Sequence[Type]]
    otypes: ClassVar[Sequence[Type]]

    # -- identity ------------------------------------------------------------------------------------------------
    def _key(self) -> tuple[Any, ...] | None:
        """What equality compares: the class and its `__props__`; None where there are none."""
        key: tuple[Any, ...] | None = self.__dict__.get("_op_key")
        if key is None:
            props = getattr(self, "__props__", None)
            if props is None:
                return None
            key = (type(self), *(getattr(self, p) for p in props))
            self.__dict__["_op_key"] = key
        return key

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(self) is not type(other):
            return False
        key = self._key()
        return key is not None and key == other._key()

    def __hash__(self) -> int:
        key = self._key()
        return id(self) if key is None else hash(key)

    def __str__(self) -> str:
        props = getattr(self, "__props__", None)
        if not props:
            return type(self).__name__
        return f"{type(self).__name__}{{{', '.join(f'{p}={getattr(self, p)!r}' for p in props)}}}"

    def __repr__(self) -> str:
        return str(self)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_op_key", None)
        return state

    # -- building ------------------------------------------------------------------------------------------------
    def make_node(self, *inputs: Any) -> Apply:
        """The node of this op on `inputs`: the type rule."""
        if not hasattr(self, "itypes") or not hasattr(self, "otypes"):
            raise NotImplementedError(f"{type(self).__name__} must define make_node, or itypes and otypes")
        if len(inputs) != len(self.itypes):
            problem = f"We expected {len(self.itypes)} inputs but got {len(inputs)}."
            raise ValueError(explain(problem, operation=str(self), operands=_typed(inputs), remedy=self._signature()))
        if not all(isinstance(v, Variable) and v.type == t for v, t in zip(inputs, self.itypes, strict=True)):
            expected, got = list(map(str, self.itypes)), [str(getattr(v, "type", type(v))) for v in inputs]
            problem = f"We expected inputs of types '{expected}' but got types '{got}'"
            raise TypeError(explain(problem, operation=str(self), operands=_typed(inputs), remedy=self._signature()))
        return Apply(self, inputs, [t() for t in self.otypes])

    def _signature(self) -> str:
        return f"call {type(self).__name__}()({', '.join(map(str, self.itypes))})"

    def __call__(self, *inputs: Any, return_list: bool = False, name: str | None = None, **kwargs: Any) -> Any:
        node = self.make_node(*inputs, **kwargs)
        if name is not None:
            node.outputs[0].name = name
        if self.default_output is not None and not return_list:
            return node.outputs[self.default_output]
        if return_list or len(node.outputs) != 1:
            return list(node.outputs)
        return node.outputs[0]

    # -- meaning -------------------------------------------------------------------------------------------------
    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        """Computes the outputs: `output_storage[i][0] = ...`."""
        raise MethodNotDefined("perform", type(self), type(self).__name__)

    def do_constant_folding(self, node: Apply) -> bool:
        """Whether a node on constants may be computed at compile time."""
        return True

    # -- derivatives ---------------------------------------------------------------------------------------------
    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> Sequence[Variable]:
        """The pullback: one cotangent for each input."""
        return self.grad(inputs, output_grads)

    def grad(self, inputs: Sequence[Variable], output_grads: Sequence[Variable]) -> Sequence[Variable]:
        """Theano's older form of `L_op`, without the outputs."""
        raise NotImplementedError(
            explain(
                f"{self} has no gradient.",
                operation=str(self),
                operands=[f"{v}: {v.type}" for v in inputs],
                remedy=f"define grad(inputs, output_grads) or L_op on {type(self).__name__}, "
                "or stop the gradient with theano.gradient.disconnected_grad",
            )
        )

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> Sequence[Variable | None]:
        """The pushforward: one tangent for each output."""
        raise NotImplementedError(f"{type(self).__name__} has no R_op")


def _typed(inputs: Sequence[Any]) -> list[str]:
    return [f"{v}: {getattr(v, 'type', type(v).__name__)}" for v in inputs]


def has_own(op: Op, method: str) -> bool:
    """Whether `op` (its class, or the instance itself) defines `method` beyond what Op gives."""
    found = op.__dict__.get(method) or getattr(type(op), method, None)
    return found is not None and found is not getattr(Op, method, None)


def connection_pattern(node: Apply) -> list[list[bool]]:
    """`[input][output]`: whether the output's value depends on the input's value (everything does by default)."""
    pattern = getattr(node.op, "connection_pattern", None)
    if pattern is None:
        return [[True] * len(node.outputs) for _ in node.inputs]
    result = pattern(node)
    if len(result) != len(node.inputs) or any(len(row) != len(node.outputs) for row in result):
        raise ValueError(
            explain(
                f"{node.op}.connection_pattern(node) must be a list of {len(node.inputs)} rows (inputs) "
                f"of {len(node.outputs)} booleans (outputs); got {result!r}",
                operation=str(node.op),
                operands=_typed(node.inputs),
                where=str(node.trace or ""),
                remedy="give one row for each input: whether each output depends on its value",
            )
        )
    return [[bool(x) for x in row] for row in result]
