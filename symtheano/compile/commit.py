"""Which updates are computed in place, and in which order their last steps run.

An update can be computed into its shared array when its last step is elementwise, of the array's dtype and (checked)
shape, or writes into a part of the array (inc_subtensor) and can be checked first. That step, and whatever reads the
new value, are moved behind everything else: they must be steps that cannot fail on these shapes. A step that reads an
old value runs before the step that overwrites it; where that is impossible (two variables that swap), the update is
computed in fresh memory instead.
"""

from __future__ import annotations

from collections import Counter
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
    """steps: in order, writing into shared arrays or reading what was written. moved: the lowered steps they replace.

    checks: what must have run before any of them. in_place: the shared variables that are overwritten.
    """

    steps: tuple[Step, ...]
    moved: frozenset[Step]
    in_place: frozenset[str]
    checks: tuple[Step, ...] = ()


@dataclass
class _Candidate:
    target: str
    step: Call
    part: bool = False  # the step writes into a part of the target


def choose_commit(lowered: Lowered, wanted: Wanted) -> Commit:
    """The in-place updates of a function."""
    producer = {w: s for s in lowered.steps for w in s.writes}
    readers = _readers(lowered.steps)
    base = bases(lowered.steps)
    candidates = _candidates(lowered, wanted, producer, base)
    kept = {name for name, _ in wanted.outputs} | {value for _, value in wanted.updates}
    while True:
        late = _late(candidates, readers, kept, producer)
        order = None if late is None else _ordered(candidates, late, lowered.steps, base)
        if late is not None and order is not None:
            break
    written: dict[Step, _Candidate] = {c.step: c for c in candidates.values()}
    targets = {c.target for c in candidates.values()}
    old_of = {step: olds(step, base) for step in order}
    single = {n: s for n, s in producer.items() if len(readers.get(n, ())) == 1 and n not in kept and s not in old_of}
    reads = Counter(name for found in old_of.values() for name in found)
    steps: list[Step] = []
    for step in order:
        candidate = written.get(step)
        if candidate is None:
            steps.append(step)
            continue
        if candidate.part:
            steps.append(candidate.step.overwriting())
            continue
        others = reads[candidate.target] - (candidate.target in old_of[step])
        chain = [candidate.step] if others else _sink(candidate, single, targets, base, lowered)
        steps += [s.writing(candidate.target) for s in chain]
    moved = {*order, *(producer[w] for s in steps for w in s.writes)}
    checks = tuple(c.step.checking() for c in candidates.values() if c.part)
    return Commit(tuple(_chained(steps)), frozenset(moved), frozenset(targets), checks)


def _chained(steps: Sequence[Step]) -> list[Step]:
    """After the first write into a target, the next writes into the value that now lives there."""
    alive: dict[str, str] = {}
    result: list[Step] = []
    for step in steps:
        if not isinstance(step, Call) or step.into is None:
            result.append(step)
            continue
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
            aliases = {**op.view_map, **op.destroy_map}
            found.update((step.outs[o], step.args[sources[0]]) for o, sources in aliases.items())
    return found


def _readers(steps: Sequence[Step]) -> dict[str, list[Step]]:
    found: dict[str, list[Step]] = {}
    for step in steps:
        for name in step.reads:
            found.setdefault(name, []).append(step)
    return found


def _candidates(
    lowered: Lowered, wanted: Wanted, producer: dict[str, Step], base: dict[str, str]
) -> dict[str, _Candidate]:
    """Updates whose last step may write into the shared array, by the name of the new value."""
    returned = {name for name, _ in wanted.outputs}
    values = [value for _, value in wanted.updates]
    found: dict[str, _Candidate] = {}
    for target, value in wanted.updates:
        step = producer.get(value)
        if not isinstance(step, Call) or value in returned or values.count(value) > 1:
            continue
        if step.check is not None and step.target == target and _reads_once(step, target, base):
            found[value] = _Candidate(target, step, part=True)
        if not step.elementwise:
            continue
        if step.dtype == lowered.dtypes.get(target) and _fits(lowered, value, target):
            found[value] = _Candidate(target, step)
    return found


def _reads_once(step: Call, target: str, base: dict[str, str]) -> bool:
    """Whether a step reads `target` itself only: through a view, it would read what it has just written."""
    return all(name == target or root_of(name, base) != target for name in step.reads)


def root_of(name: str, base: dict[str, str]) -> str:
    """The value that owns the memory of `name`, which may be a view of a view of it."""
    while name in base:
        name = base[name]
    return name


def _fits(lowered: Lowered, a: str, b: str) -> bool:
    return lowered.sizes.same_shape(lowered.shapes.get(a), lowered.shapes.get(b))


def _late(
    candidates: dict[str, _Candidate], readers: dict[str, list[Step]], kept: set[str], producer: dict[str, Step]
) -> dict[Step, None] | None:
    """The steps that read new values of candidates, directly or not; None after a candidate had to be dropped.

    A candidate is dropped where its new value is needed by a step that may fail, or for an output: those come first.
    So is one that writes a new value of another candidate into a part: it could not be checked before the first write.
    """
    own = {c.step for c in candidates.values()}
    late: dict[Step, None] = {}
    for value in list(candidates):
        stack = [value]
        while stack:
            for reader in readers.get(stack.pop(), ()):
                if reader in own or reader in late:
                    continue
                if not _cannot_fail(reader) or any(name in kept for name in reader.writes):
                    del candidates[value]
                    return None
                late[reader] = None
                stack.extend(reader.writes)
    for value, candidate in candidates.items():
        sources = [producer.get(name) for name in candidate.step.reads]
        if candidate.part and any(s is not None and (s in own or s in late) for s in sources):
            del candidates[value]
            return None
    return late


def _cannot_fail(step: Step) -> bool:
    """Whether a step works on any values of the shapes that were checked."""
    return isinstance(step, View) or (isinstance(step, Call) and step.elementwise and len(step.outs) == 1)


def _ordered(
    candidates: dict[str, _Candidate], late: dict[Step, None], steps: Sequence[Step], base: dict[str, str]
) -> list[Step] | None:
    """The steps of the commit in an order that respects all reads; None after a candidate had to be dropped."""
    own = {c.step: value for value, c in candidates.items()}
    target_step = {c.target: c.step for c in candidates.values()}
    chosen = [s for s in steps if s in own or s in late]
    maker = {name: s for s in chosen for name in s.writes}
    before: dict[Step, list[Step]] = {s: [] for s in chosen}
    for step in chosen:
        before[step] += [maker[name] for name in step.reads if name in maker]  # reads a new value
        for name in sorted(olds(step, base)):
            overwriting = target_step.get(name, step)
            if overwriting is not step:
                before[overwriting].append(step)  # reads an old value
    order: dict[Step, None] = {}
    for root in chosen:
        path: dict[Step, list[Step]] = {}
        stack = [root]
        while stack:
            step = stack[-1]
            if step in order:
                stack.pop()
                continue
            waiting = path.setdefault(step, list(before[step]))
            following = next((s for s in waiting if s not in order), None)
            if following is None:
                order[step] = None
                stack.pop()
            elif following in path:  # a circle: one of its candidates is computed in fresh memory
                circle = stack[stack.index(following) :]
                del candidates[next(own[s] for s in circle if s in own)]
                return None
            else:
                stack.append(following)
    return list(order)


def olds(step: Step, base: dict[str, str]) -> set[str]:
    """The shared variables whose present memory a step reads, directly or through views."""
    return {root for root in (root_of(name, base) for name in step.reads) if root.startswith("s")}


def _sink(
    candidate: _Candidate, single: dict[str, Step], targets: set[str], base: dict[str, str], lowered: Lowered
) -> list[Call]:
    """The candidate's step and, before it, the steps that lead to it and can run in the shared array as well.

    `mu * v - lr * g` becomes: v *= mu; v -= (lr * g). single: producers of values that have one reader and are not
    needed otherwise. A step that reads another variable which is written stays where everybody reads old values.
    """
    chain = [candidate.step]
    while candidate.target not in olds(chain[0], base):
        for name in chain[0].reads:
            step = single.get(name)
            if (
                isinstance(step, Call)
                and step.elementwise
                and step.dtype == chain[0].dtype
                and candidate.target in step.reads
                and olds(step, base) & targets == {candidate.target}
                and _fits(lowered, name, candidate.target)
            ):
                chain.insert(0, step)
                break
        else:
            break
    return chain
