"""Which updates are computed in place, and in which order their last steps run.

An update can be computed into its shared array when its last step is elementwise, of the array's dtype and (checked)
shape, and nobody but other such steps reads the new value. Such steps are moved behind everything else. A step that
reads an old value runs before the step that overwrites it; where that is impossible (two variables that swap), the
update is computed in fresh memory instead.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symtheano.compile.lower import Lowered
from symtheano.compile.program import Call, Perform, Step, View


@dataclass(frozen=True)
class Wanted:
    """What a function returns and stores: names of outputs with their borrow flags, updates as (shared, value)."""

    outputs: tuple[tuple[str, bool], ...]
    updates: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Commit:
    """steps: in order, each writing into a shared array. moved: the lowered steps they replace. in_place: targets."""

    steps: tuple[Step, ...]
    moved: frozenset[Step]
    in_place: frozenset[str]


@dataclass
class _Candidate:
    target: str
    step: Call


def choose_commit(lowered: Lowered, wanted: Wanted) -> Commit:
    """The in-place updates of a function."""
    producer = {w: s for s in lowered.steps for w in s.writes}
    readers = _readers(lowered.steps)
    base = bases(lowered.steps)
    candidates = _candidates(lowered, wanted, producer)
    while True:
        order = _ordered(candidates, readers, base, lowered)
        if order is not None:
            break
    steps: list[Step] = []
    moved: set[Step] = set()
    olds = [_olds(c.step, base) for c in order]
    kept = {name for name, _ in wanted.outputs} | {value for _, value in wanted.updates}
    targets = {c.target for c in order}
    single = {name: s for name, s in producer.items() if len(readers.get(name, ())) == 1 and name not in kept}
    for k, candidate in enumerate(order):
        others = {name for j, o in enumerate(olds) if j != k for name in o}
        if candidate.target in others:
            chain = [candidate.step]
        else:
            chain = _sink(candidate, single, targets, base, lowered)
        moved.update(chain)
        steps += [s.writing(candidate.target) for s in chain]
    return Commit(tuple(_chained(steps)), frozenset(moved), frozenset(c.target for c in order))


def _chained(steps: Sequence[Step]) -> list[Step]:
    """After the first write into a target, the next writes into the value that now lives there."""
    alive: dict[str, str] = {}
    result: list[Step] = []
    for step in steps:
        assert isinstance(step, Call)
        assert step.into is not None
        place = alive.get(step.into, step.into)
        alive[step.into] = step.outs[0]
        result.append(step.writing(place))
    return result


def bases(steps: Sequence[Step]) -> dict[str, str]:
    """For each value that is a view of another one, that other one."""
    found: dict[str, str] = {}
    for step in steps:
        if isinstance(step, View):
            found.update((out, step.base) for out in step.outs)
        elif isinstance(step, Perform):
            op = step.node.op
            found.update((step.outs[o], step.args[sources[0]]) for o, sources in {**op.view_map, **op.destroy_map}.items())
    return found


def _readers(steps: Sequence[Step]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for step in steps:
        for name in step.reads:
            found.setdefault(name, []).append(step)
    return found


def _candidates(lowered: Lowered, wanted: Wanted, producer: dict[str, Step]) -> dict[str, _Candidate]:
    """Updates whose last step may write into the shared array, by the name of the new value."""
    returned = {name for name, _ in wanted.outputs}
    values = [value for _, value in wanted.updates]
    found: dict[str, _Candidate] = {}
    for target, value in wanted.updates:
        step = producer.get(value)
        if not isinstance(step, Call) or not step.elementwise or value in returned or values.count(value) > 1:
            continue
        if step.dtype == lowered.dtypes.get(target) and _fits(lowered, value, target):
            found[value] = _Candidate(target, step)
    return found


def _fits(lowered: Lowered, a: str, b: str) -> bool:
    left, right = lowered.shapes.get(a), lowered.shapes.get(b)
    if left is None or right is None or len(left) != len(right):
        return False
    return all(lowered.sizes.same(x, y) for x, y in zip(left, right, strict=True))


def _ordered(
    candidates: dict[str, _Candidate], readers: dict[str, list[Step]], base: dict[str, str], lowered: Lowered
) -> list[_Candidate] | None:
    """The candidates in an order that respects all reads; None after one had to be dropped."""
    steps = {c.step: value for value, c in candidates.items()}
    for value in list(candidates):
        if any(r not in steps for r in readers.get(value, ())):
            del candidates[value]
            return None
    before: dict[str, set[str]] = {value: set() for value in candidates}
    for value, c in candidates.items():
        for other, d in candidates.items():
            if other in c.step.reads:
                before[value].add(other)  # reads the other's new value
            if other != value and d.target in _olds(c.step, base):
                before[other].add(value)  # reads the other's old value
    order: list[_Candidate] = []
    while before:
        ready = next((v for v, needs in before.items() if not needs), None)
        if ready is None:
            del candidates[next(iter(before))]
            return None
        del before[ready]
        for needs in before.values():
            needs.discard(ready)
        order.append(candidates[ready])
    return order


def _olds(step: Call, base: dict[str, str]) -> set[str]:
    """The shared variables whose present memory a step reads, directly or through views."""
    found = set()
    for name in step.reads:
        while name in base:
            name = base[name]
        if name.startswith("s"):
            found.add(name)
    return found


def _sink(
    candidate: _Candidate, single: dict[str, Step], targets: set[str], base: dict[str, str], lowered: Lowered
) -> list[Call]:
    """The candidate's step and, before it, the steps that lead to it and can run in the shared array as well.

    `mu * v - lr * g` becomes: v *= mu; v -= (lr * g). single: producers of values that have one reader and are not
    needed otherwise. A step that reads another variable which is written stays where everybody reads old values.
    """
    chain = [candidate.step]
    while candidate.target not in _olds(chain[0], base):
        for name in chain[0].reads:
            step = single.get(name)
            if (
                isinstance(step, Call)
                and step.elementwise
                and step.dtype == chain[0].dtype
                and candidate.target in step.reads
                and _olds(step, base) & targets == {candidate.target}
                and _fits(lowered, name, candidate.target)
            ):
                chain.insert(0, step)
                break
        else:
            break
    return chain
