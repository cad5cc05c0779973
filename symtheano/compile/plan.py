"""The planner: which memory each value lives in, what is freed when, and how shared variables take their new values.

Validate, then commit: every step that can fail stands before the first write into a shared variable. An update whose
last step is elementwise writes into the shared array itself (`out=`), after everybody has read the old value; any
other update is computed in fresh memory which the shared variable then takes over.
"""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.compile.commit import Commit, Wanted, choose_commit
from symtheano.compile.loops import planned_loop, size_names
from symtheano.compile.lower import Lowered
from symtheano.compile.program import Assign, Copy, Program, Step
from symtheano.compile.reuse import Roots, reuse_and_free


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
    steps = reuse_and_free([*main, *commit.checks, *copies, *commit.steps], assigns, outputs, lowered, mutable)
    return Program(
        inputs=tuple(inputs),
        shared=tuple(shared),
        constants=lowered.constants,
        steps=tuple(steps),
        outputs=tuple(outputs),
        variables=lowered.variables,
        size_names=size_names(lowered, [*inputs, *shared]),
        shapes=lowered.shapes,
        loops={key: planned_loop(draft, planned_sides) for key, draft in lowered.loops.items()},
        sides=planned_sides(lowered),
    )


def planned_sides(lowered: Lowered) -> dict[str, Program]:
    """The programs of the sides of forks: what they give lies in memory of its own."""
    return {
        key: plan(side.lowered, Wanted(tuple((name, False) for name in side.outputs), ()), side.inputs, [])
        for key, side in lowered.sides.items()
    }


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
