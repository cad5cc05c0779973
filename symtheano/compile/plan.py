"""The planner: which memory each value lives in, what is freed when, and how shared variables take their new values.

Validate, then commit: every step that can fail stands before the first write into a shared variable. An update whose
last step is elementwise writes into the shared array itself (`out=`), after everybody has read the old value; any
other update is computed in fresh memory which the shared variable then takes over.
"""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.compile.commit import Commit, Wanted, bases, choose_commit, root_of
from symtheano.compile.lower import Lowered
from symtheano.compile.program import Assign, Call, Copy, Free, Program, Step, View
from symtheano.graph.variable import Variable


def plan(
    lowered: Lowered,
    wanted: Wanted,
    inputs: Sequence[str],
    shared: Sequence[str],
    mutable: Sequence[str] = (),
    borrowed: Sequence[str] = (),
) -> Program:
    """The program of `lowered` steps. mutable: arguments that may be overwritten; borrowed: those outputs may alias."""
    commit = choose_commit(lowered, wanted)
    main = [s for s in lowered.steps if s not in commit.moved]
    outputs, copies, assigns = _Borders(lowered, wanted, commit, borrowed).settle()
    steps = _reuse_and_free([*main, *commit.checks, *copies, *commit.steps], assigns, outputs, lowered, mutable)
    return Program(
        inputs=tuple(inputs),
        shared=tuple(shared),
        constants=lowered.constants,
        steps=tuple(steps),
        outputs=tuple(outputs),
        variables=lowered.variables,
        size_names=_size_names(lowered, [*inputs, *shared]),
        shapes=lowered.shapes,
    )


def _size_names(lowered: Lowered, given: Sequence[str]) -> dict[Variable, str]:
    """Each size token as an axis of an argument or shared variable, where there is one of that length."""
    spelled: dict[Variable, str] = {}
    for name in given:
        for axis, size in enumerate(lowered.shapes.get(name, ())):
            root = lowered.sizes.find(size)
            if isinstance(root, Variable):
                spelled.setdefault(root, f"{name}.shape[{axis}]")
    names: dict[Variable, str] = {}
    for shape in lowered.shapes.values():
        for size in shape:
            root = lowered.sizes.find(size)
            if isinstance(size, Variable):
                names[size] = str(root) if isinstance(root, int) else spelled.get(root, "n?")
    return names


class Roots:
    """Which value's memory each name lives in."""

    def __init__(self, steps: Sequence[Step]):
        self._base = bases(steps)
        self.fixed = {out for s in steps if isinstance(s, View) and not s.writable for out in s.outs}

    def of(self, name: str) -> str:
        """The name that owns the memory `name` lives in."""
        return root_of(name, self._base)

    def is_fixed(self, name: str) -> bool:
        """Whether `name` is, or is a view of, a read-only stretched view."""
        while name not in self.fixed:
            if name not in self._base:
                return False
            name = self._base[name]
        return True


class _Borders:
    """What leaves the function must not alias what stays: copies where it would."""

    def __init__(self, lowered: Lowered, wanted: Wanted, commit: Commit, borrowed: Sequence[str]):
        self.lowered, self.wanted, self.commit = lowered, wanted, commit
        self.roots = Roots(lowered.steps)
        self.borrowed = set(borrowed)
        self.updated = {target for target, _ in wanted.updates}
        self.given_up = self.updated - commit.in_place  # shared variables whose present array is free after the call
        self.taken: set[str] = set()
        self.copies: list[Step] = []
        self._next = 1 + max((int(w[1:]) for s in lowered.steps for w in s.writes), default=-1)

    def settle(self) -> tuple[list[str], list[Step], list[Step]]:
        """Names to return, copies to make before the commit, and the final assignments."""
        assigns: list[Step] = []
        kept = [(target, value) for target, value in self.wanted.updates if target not in self.commit.in_place]
        for _, value in kept:  # memory that a shared variable takes over goes to it first
            self._claim(value)
        owners = {self.roots.of(v): t for t, v in reversed(kept)}
        outputs = [self._output(name, borrow) for name, borrow in self.wanted.outputs]
        for target, value in self.wanted.updates:
            if target in self.commit.in_place:
                assigns.append(Assign(target, value, True))
            else:
                mine = owners.get(self.roots.of(value)) == target and self._fresh(value)
                assigns.append(Assign(target, value if mine else self._copy(value), False))
        return outputs, self.copies, assigns

    def _fresh(self, name: str) -> bool:
        """Whether a shared variable may take the memory of `name` over: two that swap exchange their arrays."""
        root = self.roots.of(name)
        return (root.startswith("v") or root in self.given_up) and not self.roots.is_fixed(name)

    def _claim(self, name: str) -> None:
        if self._fresh(name):
            self.taken.add(self.roots.of(name))

    def _output(self, name: str, borrow: bool) -> str:
        root = self.roots.of(name)
        if root in self.taken or self.roots.is_fixed(name) or root.startswith("c"):
            return self._copy(name)
        if root.startswith("s") and (not borrow or root in self.updated):
            return self._copy(name)
        if root.startswith("x") and not (borrow and root in self.borrowed):
            return self._copy(name)
        self.taken.add(root)
        return name

    def _copy(self, name: str) -> str:
        new = f"v{self._next + len(self.copies)}"
        self.copies.append(Copy(new, name, None))
        if name in self.lowered.variables:
            self.lowered.variables[new] = self.lowered.variables[name]
        return new


def _reuse_and_free(
    main: Sequence[Step], tail: Sequence[Step], outputs: Sequence[str], lowered: Lowered, mutable: Sequence[str]
) -> list[Step]:
    """`main` with dead memory written again and freed; `tail` (the assignments) as it is."""
    roots = Roots([*main, *tail])
    last = _last_uses(main, tail, outputs, roots)
    group: dict[str, list[str]] = {}  # names of one piece of memory that is ours to overwrite
    views: dict[str, list[str]] = {}
    steps: list[Step] = []
    for position, step in enumerate(main):
        dying = [r for r in dict.fromkeys(roots.of(n) for n in step.reads) if last[r] == position]
        # A step that writes already does so into a shared array, which is not ours to free.
        if isinstance(step, Call) and step.into is None and not step.overwrites:
            if step.target in dying and _alone(step, group, roots):
                step = step.overwriting()
            else:
                target = _reusable(step, dying, group, roots, lowered, mutable)
                step = step if target is None else step.writing(target)
            if step.consumes is not None:
                target = step.consumes
                group[step.outs[0]] = [*group.pop(target, []), target, *views.pop(target, ())]
            else:
                group.update((o, []) for o in step.outs)
        elif isinstance(step, Copy):
            group[step.out] = []
        elif isinstance(step, View):
            views.setdefault(roots.of(step.base), []).extend(step.outs)
        steps.append(step)
        dead = [r for r in dict.fromkeys([*dying, *step.writes]) if last.get(r, -1) <= position and r in group]
        names = [n for r in dead for n in (*group.pop(r), r, *views.pop(r, ())) if n.startswith("v")]
        if names and position + 1 < len(main) + len(tail):
            steps.append(Free(tuple(dict.fromkeys(names))))
    return [*steps, *tail]


def _alone(step: Call, group: dict[str, list[str]], roots: Roots) -> bool:
    """Whether the step's target is ours and the step reads it through no view."""
    target = step.target
    return target in group and all(n == target or roots.of(n) != target for n in step.reads)


def _last_uses(main: Sequence[Step], tail: Sequence[Step], outputs: Sequence[str], roots: Roots) -> dict[str, int]:
    """For each piece of memory the position of the step that reads it last (views count for their base)."""
    last: dict[str, int] = {}
    for position, step in enumerate(main):
        for name in (*step.writes, *step.reads):
            last[roots.of(name)] = position
    end = len(main)
    for name in [n for step in tail for n in step.reads] + list(outputs):
        last[roots.of(name)] = end
    return last


def _reusable(
    step: Call,
    dying: Sequence[str],
    group: dict[str, list[str]],
    roots: Roots,
    lowered: Lowered,
    mutable: Sequence[str],
) -> str | None:
    """A value that `step` reads for the last time and whose memory fits the result exactly."""
    if not step.elementwise or not step.sizes or len(step.outs) != 1:
        return None
    for name in dying:
        if name not in group and name not in mutable:
            continue
        if lowered.dtypes.get(name) != step.dtype or name not in step.reads:
            continue
        if any(n != name and roots.of(n) == name for n in step.reads):
            continue  # it is read through a view as well: elements would be overwritten before they are read
        if lowered.sizes.same_shape(lowered.shapes.get(name), step.sizes):
            return name
    return None
