"""A loop taken apart: rules change its parts, and what comes of them is one new loop and expressions around it.

The step's variables are *inside*, the graph that the loop stands in is *outside*. A rule moves an expression out by
asking what an inside variable is outside: `rows(v)` is its value in all steps, `final(v)` in the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from symtheano.compile.branches import places
from symtheano.compile.rules.match import cast_to, like, literal
from symtheano.graph.rule import FunctionRule
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import substitute, toposort
from symtheano.scan.ifelse import IfElse
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.elemwise import functions
from symtheano.tensor.index import subtensor
from symtheano.tensor.sizes import Shape_i, constant_dim, never_one, shape_i
from symtheano.tensor.type import TensorType, tensor_type

XS, STATE = 1, 2  # what an inside variable depends on, as bits; 0: on consts only


class State:
    """A value that steps leave: `new`. Carried ones are found as `inner` by the next step, and by the first as `first`.

    read: which of "last", "after", "before" somebody reads. outside: what these are where the loop no longer gives
    them.
    """

    def __init__(self, new: Any, inner: Any = None, first: Any = None):
        self.new, self.inner, self.first = new, inner, first
        self.read: set[str] = set()
        self.outside: dict[str, Any] = {}

    @property
    def is_read(self) -> bool:
        """Whether the loop must still give something of it."""
        return bool(self.read - set(self.outside))

    def gone(self, **outside: Any) -> None:
        """The loop no longer gives these."""
        self.outside.update(outside)


class Loop:
    """The parts of a loop's node. read: the variables that are read outside; None: all outputs of the node."""

    def __init__(self, node: Apply, read: Collection[Variable] | None = None):
        op: Scan = node.op
        self.node, self.op, self.n = node, op, node.inputs[0]
        inner, outer = op.split(op.step.inputs), op.split(node.inputs[1:])
        self.consts: dict[Any, Any] = dict(zip(inner[0], outer[0], strict=True))
        self.xs: dict[Any, Any] = dict(zip(inner[2], outer[2], strict=True))
        self.carry = [State(*parts) for parts in zip(op.states, inner[1], outer[1], strict=False)]
        self.results = [State(new) for new in op.states[op.n_carry :]]
        self.stop: list[Any] = list(op.step.outputs[op.n_states :])
        self.states = [*self.carry, *self.results]
        self._places: dict[Any, tuple[State, str]] = {}
        for k, out in enumerate(node.outputs):
            if (read is None or out in read) and k != op.steps:
                state, kind = self._meaning(k)
                state.read.add(kind)

    def _meaning(self, position: int) -> tuple[State, str]:
        op = self.op
        if position < op.n_states:
            return self.states[position], "last"
        position -= op.n_states
        if position < len(op.tensors):
            return self.states[op.tensors[position]], "after"
        return self.states[op.carried_tensors[position - len(op.tensors)]], "before"

    # -- looking -------------------------------------------------------------------------------------------------------
    @property
    def until(self) -> bool:
        """Whether it may end early."""
        return bool(self.stop)

    def roots(self) -> list[Any]:
        """What a step gives, with the condition."""
        return [*(s.new for s in self.carry), *(s.new for s in self.results), *self.stop]

    def inputs(self) -> list[Any]:
        """The variables of one step."""
        return [*self.consts, *(s.inner for s in self.carry), *self.xs]

    def nodes(self, roots: Sequence[Any] | None = None) -> list[Apply]:
        """The step's nodes, in order; with `roots`, those that they need."""
        return toposort(self.roots() if roots is None else roots)

    def dependence(self) -> dict[Any, int]:
        """What each inside variable depends on. A length of a step's variable is the same in every step."""
        known: dict[Any, int] = dict.fromkeys(self.consts, 0)
        known.update(dict.fromkeys(self.xs, XS))
        known.update((s.inner, STATE) for s in self.carry)
        for node in self.nodes():
            mask = 0
            if type(node.op) is not Shape_i or node.inputs[0].owner is not None:
                for i in node.inputs:
                    mask |= known.get(i, 0)
            known.update(dict.fromkeys(node.outputs, mask))
        return known

    def lazy(self) -> set[Any]:
        """What a step computes only if it takes a side of an ifelse."""
        nodes = self.nodes()
        if not any(isinstance(node.op, IfElse) for node in nodes):
            return set()
        return {o for node, side in places(nodes, self.roots())[0].items() if side for o in node.outputs}

    def users(self) -> dict[Any, list[Apply]]:
        """The nodes of the step that read a variable."""
        found: dict[Any, list[Apply]] = {}
        for node in self.nodes():
            for i in dict.fromkeys(node.inputs):
                found.setdefault(i, []).append(node)
        return found

    # -- changing ------------------------------------------------------------------------------------------------------
    def const(self, value: Any, name: str | None = None) -> Any:
        """The inside variable of a value outside."""
        for inner, outer in self.consts.items():
            if outer is value:
                return inner
        inner = _inside(value.type.dtype, value.type.shape, name or value.name)
        self.consts[inner] = value
        return inner

    def element(self, rows: Any, kind: Any) -> Any:
        """The inside variable, of type `kind`, for the rows of a value outside."""
        for inner, outer in self.xs.items():
            if outer is rows:
                return inner
        inner = _inside(kind.dtype, kind.shape, rows.name)
        self.xs[inner] = rows
        return inner

    def result(self, v: Any) -> State:
        """The state that collects an inside variable."""
        for state in (*self.carry, *self.results):
            if state.new is v and "after" not in state.outside:
                return state
        self.results.append(State(v))
        return self.results[-1]

    def replace(self, inside: dict[Any, Any]) -> None:
        """Puts other expressions in the place of inside variables."""
        new = substitute(self.roots(), inside, strict=False)
        for state, v in zip((*self.carry, *self.results), new, strict=False):
            state.new = v
        self.stop = new[len(new) - len(self.stop) :]

    # -- outside -------------------------------------------------------------------------------------------------------
    def rows(self, v: Any) -> Any:
        """An inside variable in all steps, as rows outside. It becomes a result where it is not given yet."""
        if v in self.xs:
            return self.xs[v]
        for state in self.carry:
            if state.inner is v:
                return self.output(state, "before")
        return self.output(self.result(v), "after")

    def final(self, v: Any) -> Any:
        """An inside variable in the last step, outside. Where no step runs it may be anything of its shape."""
        for state in (*self.carry, *self.results):
            if state.new is v and "last" not in state.outside:
                return self.output(state, "last")
        self.results.append(State(v))
        return self.output(self.results[-1], "last")

    def output(self, state: State, kind: str) -> Any:
        """An output of the loop that is yet to be put together."""
        for variable, place in self._places.items():
            if place == (state, kind):
                return variable
        shape = state.new.type.shape if state.inner is None else state.inner.type.shape
        if kind != "last":
            shape = (*never_one(constant_dim(self.n)), *shape)
        variable = tensor_type(state.new.type.dtype, shape)()
        self._places[variable] = state, kind
        state.read.add(kind)
        return variable

    def outside_of(self, roots: Sequence[Any], given: dict[Any, Any] | None = None) -> list[Any]:
        """Expressions of consts, and of what is `given`, as they are outside."""
        env = {**self.consts, **(given or {})}
        for node in self.nodes(roots):
            if type(node.op) is Shape_i and node.inputs[0].owner is None and node.inputs[0] not in env:
                env[node.outputs[0]] = self._length(node.inputs[0], node.op.i)
        return substitute(roots, env, strict=False)

    def _length(self, v: Any, axis: int) -> Any:
        if v in self.xs:
            return shape_i(self.xs[v], axis + 1)
        return shape_i(next(s.first for s in self.carry if s.inner is v), axis)

    def if_any(self, v: Any) -> Any:
        """`v`, but zeros where no step runs: what `last` is of a result."""
        known = constant_dim(self.n)
        if known is not None and known > 0:
            return v
        return cast_to(functions.switch(functions.gt(self.n, 0), v, literal(0, v)), v.type.dtype)

    def repeated(self, v: Any) -> Any:
        """`v`, a value outside, as rows: the same in each step."""
        return Alloc()(v, self.n, *(shape_i(v, k) for k in range(v.type.ndim)))

    def last_row(self, rows: Any) -> Any:
        """The last of rows; zeros where there are none."""
        total = subtensor(rows, [slice(-1, None)]).sum(axis=0, dtype="int64" if rows.type.dtype == "bool" else None)
        return cast_to(total, rows.type.dtype)

    # -- putting together ----------------------------------------------------------------------------------------------
    def drop_unused(self) -> bool:
        """Takes out consts and xs that no step reads; whether there were any."""
        used = {i for node in self.nodes() for i in node.inputs} | set(self.roots())
        before = len(self.consts) + len(self.xs)
        self.consts = {k: v for k, v in self.consts.items() if k in used}
        self.xs = {k: v for k, v in self.xs.items() if k in used}
        return len(self.consts) + len(self.xs) < before

    def made(self) -> dict[Variable, Variable]:
        """What stands for the outputs of the old node that are read: outputs of the new one, and expressions."""
        self.drop_unused()
        wanted: dict[Any, Any] = {}
        new = self._node()
        for k, out in enumerate(self.node.outputs):
            if k == self.op.steps:
                assert new is not None and new.op.steps is not None
                wanted[out] = new.outputs[new.op.steps]
                continue
            state, kind = self._meaning(k)
            if kind in state.read:
                found = self._place(new, state, kind)
                wanted[out] = like(found, out) if is_tensor(out) else found
        return dict(zip(wanted, self._resolved(new, list(wanted.values())), strict=True))

    def _node(self) -> Apply | None:
        states = [*self.carry, *self.results]
        if not any(s.is_read for s in states) and not self.stop:
            return None
        step = Step.of(self.inputs(), self.roots())
        op = Scan(step, len(self.consts), len(self.carry), self.until, self.op.truncate, self.op.name)
        outer = [self.n, *self.consts.values(), *(s.first for s in self.carry), *self.xs.values()]
        node: Apply = op.make_node(*outer)
        return node

    def _place(self, new: Apply | None, state: State, kind: str) -> Any:
        if kind in state.outside:
            return state.outside[kind]
        assert new is not None
        number = [*self.carry, *self.results].index(state)
        where = {"last": new.op.last, "after": new.op.after, "before": new.op.before}[kind]
        return new.outputs[where(number)]

    def _resolved(self, new: Apply | None, expressions: Sequence[Any]) -> list[Any]:
        """Expressions in which the outputs that were asked for before the node was there are those of the node."""
        given = {v: v for v in self.node.inputs}
        given.update({v: v for v in (*self.consts.values(), *self.xs.values())} if new is None else {})
        found = list(expressions)
        if new is not None:
            given.update({o: o for o in new.outputs})
        places = {v: self._place(new, *place) for v, place in self._places.items()}
        for _ in range(len(places)):
            replaced = substitute(found, {**given, **places}, strict=False)
            if all(a is b for a, b in zip(found, replaced, strict=True)):
                break
            found = replaced
        return found


def _inside(dtype: str, shape: Sequence[int | None], name: str | None) -> Any:
    return tensor_type(dtype, tuple(shape))(name)


class LoopRule(FunctionRule):
    """A rule that changes a loop's parts, knowing which outputs are read; compile/loop_rounds.py applies it."""

    def __init__(self, function: Callable[[Loop], bool], examples: Sequence[Callable[[], Any]], reason: str):
        super().__init__(lambda node: None, (), examples, reason)
        self.name, self.doc, self.change = function.__name__, (function.__doc__ or "").strip(), function


def loop_rule(
    examples: Sequence[Callable[[], Any]], reason: str = "it moves what is computed, and computes nothing else"
) -> Callable[[Callable[[Loop], bool]], LoopRule]:
    """Makes a function that changes a Loop, and says whether it did, a rule."""
    return lambda function: LoopRule(function, examples, reason)


def is_tensor(v: Any) -> bool:
    """Whether a variable is an array."""
    return isinstance(v.type, TensorType)


def is_small(v: Any) -> bool:
    """Whether a variable is a constant of one element."""
    return isinstance(v, Constant) and is_tensor(v) and v.data.size == 1
