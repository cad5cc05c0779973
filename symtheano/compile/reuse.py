"""Memory within a program: what nobody reads any more is written again, or freed."""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.compile.commit import bases, root_of
from symtheano.compile.lower import Lowered
from symtheano.compile.program import Call, Copy, Fork, Free, Loop, Step, View


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


def reuse_and_free(
    main: Sequence[Step],
    tail: Sequence[Step],
    outputs: Sequence[str],
    lowered: Lowered,
    mutable: Sequence[str] = (),
    owned: Sequence[str] = (),
) -> list[Step]:
    """`main` with dead memory written again and freed; `tail` (the assignments) as it is.

    mutable: arguments that elementwise calls may overwrite. owned: arguments that are ours like computed values.
    """
    roots = Roots([*main, *tail])
    last = _last_uses(main, tail, outputs, roots)
    # names of one piece of memory that is ours to overwrite
    group: dict[str, list[str]] = {name: [] for name in owned}
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
        elif isinstance(step, (Loop, Fork)):
            group.update((o, []) for o in step.outs)
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
