"""What a loop carries and gives: nothing that stays what it was, nothing twice."""

from __future__ import annotations

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_parts import Loop, State, is_tensor, loop_rule
from symtheano.tensor.elemwise import functions

m = functions


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda c, p, x: [c, p * c + x], [], [b, b], [a]).after(1), 2, 1),
        on(lambda a, b: _all_of(loop(lambda c, p, x: [c, p * c + x], [], [b, b], [a])), 2, 1),
    ]
)
def carried_unchanged(loop: Loop) -> bool:
    """What each step hands on as it found it is a constant."""
    same = [s for s in loop.carry if s.new is s.inner and is_tensor(s.inner)]
    if loop.until:
        same = [s for s in same if not s.read - {"last"}]  # rows that no step reached are zeros
    for state in same:
        loop.carry.remove(state)
        state.gone(last=state.first)
        if state.read - {"last"}:
            state.gone(after=loop.repeated(state.first), before=loop.repeated(state.first))
        loop.replace({state.inner: loop.const(state.first, state.inner.name)})
    return bool(same)


def _all_of(made: object) -> list[object]:
    return [made.last(0), made.after(0), made.before(0), made.last(1)]  # type: ignore[attr-defined]


@loop_rule(examples=[on(lambda a, b: loop(lambda p, q, x: [p * x, q * x, p - q], [], [b, b], [a]).after(2), 2, 1)])
def carried_twice(loop: Loop) -> bool:
    """Two values that start equal and change equally are one."""
    fired = False
    for k, state in enumerate(loop.carry):
        for other in loop.carry[k + 1 :]:
            if other.first is state.first and _equal(loop, state, other):
                loop.carry.remove(other)
                loop.replace({other.inner: state.inner})
                _stands_for(state, other, loop)
                fired = True
    return fired


def _equal(loop: Loop, a: State, b: State) -> bool:
    """Whether both change equally. (Expressions of two variables are compared as the step's graph holds them: once.)"""
    if a.new is b.new:
        return True
    if a.new.owner is None or b.new.owner is None or a.new.owner.op != b.new.owner.op:
        return False
    pairs = zip(a.new.owner.inputs, b.new.owner.inputs, strict=False)
    alike = len(a.new.owner.inputs) == len(b.new.owner.inputs) and a.new.index == b.new.index
    return alike and all(x is y or (x is a.inner and y is b.inner) for x, y in pairs)


def _stands_for(state: State, other: State, loop: Loop) -> None:
    """The outputs of `other` are those of `state`."""
    for kind in sorted(other.read - set(other.outside)):
        other.gone(**{kind: state.outside.get(kind) or loop.output(state, kind)})


@loop_rule(
    examples=[
        on(lambda a: loop(lambda x: x, [], [], [a]).after(0), 2),
        on(lambda a: [(made := loop(lambda x: x, [], [], [a])).last(0), made.after(0)], 2),
        on(lambda a, b: loop(lambda p, x: [p * x, p], [], [b], [a]).after(1), 2, 1),
        on(lambda a, b: loop(lambda p, x: [p * x, m.exp(p), m.exp(p)], [], [b], [a]).after(2), 2, 1),
        on(lambda a, b: [(made := loop(lambda p: [p * 2, p * 2], [], [b], n=a.shape[0])).last(1), made.after(1)], 2, 1),
    ]
)
def known_results(loop: Loop) -> bool:
    """A result that is an element of a sequence, or a state under another name, is not collected again."""
    fired = False
    for state in list(loop.results):
        v = state.new
        if v in loop.xs and not loop.until:
            state.gone(after=loop.xs[v], last=loop.last_row(loop.xs[v]))
        else:
            twin = next((s for s in (*loop.carry, *loop.results) if s.new is v and s is not state), None)
            if twin is None or (twin.inner is None and loop.results.index(twin) > loop.results.index(state)):
                if loop.until or not any(s.inner is v for s in loop.carry) or "last" in state.read:
                    continue
                owner = next(s for s in loop.carry if s.inner is v)
                state.gone(after=loop.output(owner, "before"))
            else:
                _shared(loop, state, twin)
        loop.results.remove(state)
        fired = True
    return fired


def _shared(loop: Loop, state: State, twin: State) -> None:
    """The outputs of a result are those of its twin."""
    if "after" in state.read:
        state.gone(after=loop.output(twin, "after"))
    if "last" in state.read:
        last = loop.output(twin, "last")
        state.gone(last=last if twin.inner is None else loop.if_any(last))


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda w, p: [p * w, w], [b], [b], n=a.shape[0]).after(1), 2, 1),
        on(lambda a, b: loop(lambda w, x: [w, x * w], [b], [], [a]).last(0), 2, 1),
    ]
)
def constant_results(loop: Loop) -> bool:
    """A result that is the same in each step is not collected."""
    if loop.until:
        return False
    same = [s for s in loop.results if s.new in loop.consts]
    for state in same:
        v = loop.consts[state.new]
        state.gone(after=loop.repeated(v), last=loop.if_any(v))
        loop.results.remove(state)
    return bool(same)


STATES = (carried_unchanged, carried_twice, known_results, constant_results)
