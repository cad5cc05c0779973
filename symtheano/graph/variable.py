"""Variable, Constant and Apply: the user's graph. Equality is identity, as in Theano; interning happens on closing."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from symtheano.graph import flat
from symtheano.graph.trace import Line, current_line

# The classes of a graph know one another: a Variable has a Type, which makes Variables, and an Apply has an Op, which
# makes Applies. The modules form no circle: this one, the lowest, calls the other two by these names and asks nothing
# of them.
Type = Any
Op = Any

_serial = itertools.count()


class Scratchpad:
    """`variable.tag`: a free place for the user's own attributes."""

    def __repr__(self) -> str:
        return f"scratchpad{vars(self)}"


class _Tagged:
    """What has a `tag`. It is made when it is first asked for: most variables and nodes never need one."""

    @property
    def tag(self) -> Scratchpad:
        """A scratchpad for anything the user wants to keep with a variable or a node."""
        pad: Scratchpad | None = self.__dict__.get("_tag")
        if pad is None:
            pad = self._tag = Scratchpad()
        return pad

    @tag.setter
    def tag(self, pad: Scratchpad) -> None:
        self._tag = pad


class Variable(_Tagged):
    """A value in an expression graph.

    `owner` is the Apply that computes it (None for a graph input), `index` its position among that node's outputs,
    `line` the user's line that made it.
    """

    evaluator: ClassVar[Callable[..., Any] | None] = None  # installed by symtheano.compile (the one upward call)

    def __init__(self, type: Type, owner: Apply | None = None, index: int | None = None, name: str | None = None):
        self.type = type
        self.owner = owner
        self.index = index
        self.name = name
        self.line: Line | None = current_line()
        self.serial = next(_serial)

    @property
    def auto_name(self) -> str:
        """A name no other variable has."""
        return f"auto_{self.serial}"

    def clone(self) -> Variable:
        """A new input variable of the same type, name and tag."""
        new: Variable = self.type.make_variable(self.name)
        new.tag = copy.copy(self.tag)
        return new

    def get_parents(self) -> list[Apply]:
        """The node that computes this variable, in a list; empty for an input."""
        return [] if self.owner is None else [self.owner]

    def eval(self, inputs_to_values: Mapping[Variable, Any] | None = None) -> Any:
        """The value of this expression, given values of the inputs it depends on.

        The compiled function is kept on the variable, so a second call with the same inputs is cheap.

        >>> import symtheano.tensor as T
        >>> x = T.dscalar("x")
        >>> float((x * 2).eval({x: 3.0}))
        6.0
        """
        if Variable.evaluator is None:
            raise RuntimeError("Variable.eval needs the compiler: import symtheano")
        return Variable.evaluator(self, inputs_to_values or {})

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        if self.owner is not None:
            if len(self.owner.outputs) == 1:
                return f"{self.owner.op}.0"
            return f"{self.owner.op}.{self.index}"
        return f"<{self.type}>"

    def __repr__(self) -> str:
        return str(self)

    def __getstate__(self) -> dict[str, Any]:
        kept = {k: v for k, v in self.__dict__.items() if not k.startswith("_memo_")}  # what rules remember
        kept.pop("_eval_cache", None)
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.serial = next(_serial)  # a copy is a variable of its own

    def __reduce_ex__(self, protocol: Any) -> Any:
        return flat.reduced(self) or super().__reduce_ex__(protocol)


class Constant(Variable):
    """A variable whose value is known when the graph is built."""

    def __init__(self, type: Type, data: Any, name: str | None = None):
        super().__init__(type, None, None, name)
        self.data = data

    @property
    def value(self) -> Any:
        """The constant's data (read only)."""
        return self.data

    def signature(self) -> Any:
        """A hashable key; equal constants have equal keys and become one when a graph is closed."""
        try:
            hash(self.data)
        except TypeError:
            return (self.type, id(self.data))
        return (self.type, type(self.data), self.data)

    def equals(self, other: object) -> bool:
        """Whether both hold the same value of the same type."""
        return isinstance(other, Constant) and self.signature() == other.signature()

    def clone(self) -> Constant:
        new: Constant = self.type.constant_class(self.type, self.data, self.name)
        return new

    def __str__(self) -> str:
        return self.name if self.name is not None else f"{type(self).__name__}{{{self.data}}}"


class Apply(_Tagged):
    """An op applied to inputs: the node of a graph.

    `outputs` are variables without owner; they become this node's.
    """

    def __init__(self, op: Op, inputs: Sequence[Variable], outputs: Sequence[Variable]):
        self.op = op
        self.inputs: list[Variable] = list(inputs)
        self.outputs: list[Variable] = list(outputs)
        for variable in self.inputs:
            if not isinstance(variable, Variable):
                raise TypeError(f"The 'inputs' of Apply({op}) must be Variables; got {variable!r}")
        for index, variable in enumerate(self.outputs):
            if not isinstance(variable, Variable):
                raise TypeError(f"The 'outputs' of Apply({op}) must be Variables; got {variable!r}")
            if variable.owner is None:
                variable.owner, variable.index = self, index
            elif variable.owner is not self or variable.index != index:
                raise ValueError("All output variables passed to Apply must belong to it.")

    @property
    def nin(self) -> int:
        return len(self.inputs)

    @property
    def nout(self) -> int:
        return len(self.outputs)

    def get_parents(self) -> list[Variable]:
        """What the node reads."""
        return list(self.inputs)

    @property
    def out(self) -> Variable:
        """The only (or the default) output."""
        return self.default_output()

    @property
    def trace(self) -> Line | None:
        """The user's line that made this node."""
        return self.outputs[0].line if self.outputs else None

    def default_output(self) -> Variable:
        """The output that stands for the node in an expression."""
        position: int | None = self.op.default_output
        if position is None and len(self.outputs) == 1:
            return self.outputs[0]
        if not isinstance(position, int) or not 0 <= position < len(self.outputs):
            raise AttributeError(
                f"{self.op}.default_output should be an output index: it is {position!r}, of {len(self.outputs)} "
                "outputs"
            )
        return self.outputs[position]

    def clone(self) -> Apply:
        """The same op on the same inputs, with fresh outputs."""
        return self.copy_with_inputs(self.inputs)

    def copy_with_inputs(self, inputs: Sequence[Variable]) -> Apply:
        """The same op and output types on `inputs`, which must have the types of the present ones."""
        new = Apply(self.op, inputs, [o.type.make_variable() for o in self.outputs])
        for old, out in zip(self.outputs, new.outputs, strict=True):
            out.name, out.line = old.name, old.line
            if "_tag" in old.__dict__:
                out.tag = copy.copy(old.tag)
        return new

    def clone_with_new_inputs(self, inputs: Sequence[Variable], strict: bool = True) -> Apply:
        """The same op on other inputs; output types are derived again where an input's type changed."""
        remake = False
        new_inputs = list(inputs)
        for position, (now, new) in enumerate(zip(self.inputs, new_inputs, strict=True)):
            if now is new or now.type.same_as(new.type):
                continue
            if now.type == new.type or not strict:
                remake = True  # the same set of values with other static knowledge, or a type the caller asked for
            else:
                new_inputs[position] = now.type.filter_variable(new)
                remake = remake or not now.type.same_as(new_inputs[position].type)
        if not remake:
            return self.copy_with_inputs(new_inputs)
        node: Apply = self.op.make_node(*new_inputs)
        for old, out in zip(self.outputs, node.outputs, strict=True):
            out.name, out.line = old.name, old.line
        return node

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(str, self.inputs))})"

    def __repr__(self) -> str:
        return str(self)
