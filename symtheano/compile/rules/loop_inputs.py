"""What a loop is given: each value once, numbers inside, and what nobody reads not at all."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_last import is_reversed
from symtheano.compile.rules.loop_parts import Loop, State, is_small, loop_rule
from symtheano.compile.rules.match import constant_value
from symtheano.compile.rules.shape import has_length
from symtheano.graph.walk import graph_inputs
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.convert import constant
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.index_basic import IncSubtensor, Subtensor
from symtheano.tensor.sizes import origin

m = functions


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda w, p, q, x: [w * p + x, q + p], [b[0]], [b[0], b[0]], [a]).after(0), 2, 2),
        on(lambda a: loop(lambda p, q, x: [p + x, q * p, x * 2], [], [a[:, 0].sum(), a.sum()], [a[:, 0]]).last(2), 2),
    ]
)
def drop_dead_parts(loop: Loop) -> bool:
    """States that nobody reads, nor any state that is read, leave the loop, and with them what only they need."""
    place = {s.inner: s for s in loop.carry}
    live = {s for s in (*loop.carry, *loop.results) if s.is_read}
    waiting = [*(s.new for s in (*loop.carry, *loop.results) if s in live), *loop.stop]
    while waiting:
        for v in graph_inputs([waiting.pop()]):
            state = place.get(v)
            if state is not None and state not in live:
                live.add(state)
                waiting.append(state.new)
    before = len(loop.carry) + len(loop.results)
    loop.carry = [s for s in loop.carry if s in live]
    loop.results = [s for s in loop.results if s in live]
    return loop.drop_unused() or len(loop.carry) + len(loop.results) < before


@loop_rule(
    examples=[
        on(lambda a: loop(lambda v, w, p, x: p * v + w + x, [a[0, 0], a[0, 0]], [a[0, 0]], [a[:, 0]]).after(0), 2),
        on(lambda a: loop(lambda p, x, y: p * x + y, [], [a[0]], [a, a]).after(0), 1),
    ]
)
def same_inputs(loop: Loop) -> bool:
    """A value that is given twice is given once."""
    change: dict[Any, Any] = {}
    for given in (loop.consts, loop.xs):
        first: dict[Any, Any] = {}
        for inner, outer in list(given.items()):
            if first.setdefault(outer, inner) is not inner:
                change[inner] = first[outer]
                del given[inner]
    loop.replace(change)
    return bool(change)


@loop_rule(
    examples=[on(lambda a: loop(lambda w, p, x: p * w + x, [constant(0.5, dtype=a.dtype)], [a[0]], [a]).last(0), 1)]
)
def constants_inside(loop: Loop) -> bool:
    """A number that is given to the loop stands in its step."""
    change = {inner: outer for inner, outer in loop.consts.items() if is_small(outer)}
    for inner in change:
        del loop.consts[inner]
    loop.replace(change)
    return bool(change)


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda p, x, y: p * y + x, [], [b], [a, Alloc()(2.0, *a.shape)]).after(0), 2, 1),
        on(lambda a, b: loop(lambda p, x, y: p * y + x, [], [b], [a, Alloc()(b, *a.shape)]).after(0), 2, 1),
    ]
)
def same_at_each_step(loop: Loop) -> bool:
    """A sequence of equal elements is a constant."""
    change: dict[Any, Any] = {}
    for inner, outer in list(loop.xs.items()):
        if outer.owner is None or type(outer.owner.op) is not Alloc:
            continue
        value, rows, *sizes = outer.owner.inputs
        if not has_length(outer, 0, origin(loop.n)) and rows is not loop.n:
            continue  # that the lengths agree must still be checked
        if value.type.ndim == outer.type.ndim:
            if not value.type.broadcastable[0]:
                continue
            value = dimshuffle(value, range(1, value.type.ndim))
        made = Alloc()(loop.const(value) if not is_small(value) else value, *(_size(loop, n) for n in sizes))
        change[inner] = inner.type.filter_variable(made)
        del loop.xs[inner]
    loop.replace(change)
    return bool(change)


def _size(loop: Loop, n: Any) -> Any:
    return n if is_small(n) else loop.const(n)


def _first_only(a: Any, b: Any, place: int = 0) -> Any:
    zeros = Alloc()(constant(0.0, dtype=a.dtype), *a.shape)
    part = zeros[place]
    written = part.owner.op.writer(False)(zeros, b, *part.owner.inputs[1:])
    written = written[::-1] if place else written
    return loop(lambda p, x, y: (p + y) * x, [], [b], [a, written]).after(0)


@loop_rule(
    examples=[on(_first_only, 2, 1), on(lambda a, b: _first_only(a, b, -1), 2, 1)],
    reason="x + 0 is x",
)
def only_first_is_not_zero(loop: Loop) -> bool:
    """A sequence of which only the first element is not 0, added to what is carried, is added before the first step."""
    users = None
    fired = False
    for inner, outer in list(loop.xs.items()):
        written = _written_first(outer)
        if written is None:
            continue
        users = loop.users() if users is None else users
        state = _added_to(loop, users, inner)
        if state is None or "before" in state.read:
            continue
        value, lengths = written
        state.first = state.inner.type.filter_variable(m.add(state.first, value))
        zero = Alloc()(_zero_of(inner), *(_size(loop, n) for n in lengths))
        loop.replace({inner: inner.type.filter_variable(zero)})
        del loop.xs[inner]
        fired = True
    return fired


def _zero_of(v: Any) -> Any:
    return constant(0, dtype=v.type.dtype)


def _written_first(outer: Any) -> tuple[Any, list[Any]] | None:
    """v, and the lengths of rows, where `outer` is inc(zeros, 0, v) or inc(zeros, -1, v)[::-1]; else None."""
    first = 0
    if outer.owner is not None and type(outer.owner.op) is Subtensor and is_reversed(outer):
        outer, first = outer.owner.inputs[0], -1
    if outer.owner is None or type(outer.owner.op) is not IncSubtensor:
        return None
    zeros, v, *_ = outer.owner.inputs
    made = zeros.owner is not None and type(zeros.owner.op) is Alloc
    known = made and constant_value(zeros) == 0 and v.type.dtype == outer.type.dtype
    here = known and outer.owner.op.entries(outer.owner.inputs) == [first]
    return (v, list(zeros.owner.inputs[2:])) if here else None


def _added_to(loop: Loop, users: dict[Any, list[Any]], v: Any) -> State | None:
    """The carried state that is read nowhere but in one sum with `v`, which is read nowhere else."""
    readers = users.get(v, [])
    if len(readers) != 1 or readers[0].op != m.add or any(r is v for r in loop.roots()):
        return None
    for state in loop.carry:
        if state.inner in readers[0].inputs and users[state.inner] == readers and state.inner.type == v.type:
            once = readers[0].inputs.count(state.inner) == 1 == readers[0].inputs.count(v)
            return state if once and not any(r is state.inner for r in loop.roots()) else None
    return None


GIVEN = (same_inputs, constants_inside, same_at_each_step, only_first_is_not_zero)
