"""Planning the body of a loop: where each state lives from step to step.

Of what is collected each step computes its row where the row is, if a call can write there. What is carried and not
collected is memory of the loop's own, if nobody else can see it: then steps may write into it, as into dead values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symtheano.compile.lower import Draft, Lowered
from symtheano.compile.program import Body, Call, Check, Copy, Free, Perform, Program, State, Step, View
from symtheano.compile.reuse import Roots, reuse_and_free
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.random_function import RandomFunction


def planned_loop(draft: Draft, planned_sides: Callable[[Lowered], dict[str, Program]]) -> Body:
    """The body of a lowered loop, with its memory. planned_sides: that of plan.py, for the forks in it."""
    return _Planner(draft, planned_sides).run()


def size_names(lowered: Lowered, given: Sequence[str]) -> dict[Variable, str]:
    """Each size token as an axis (or the value) of an argument or shared variable, where there is one."""
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
                value = lowered.names.get(size)
                unknown = value if value is not None and value in given else "n?"
                names[size] = str(root) if isinstance(root, int) else spelled.get(root, unknown)
    return names


@dataclass
class _Planner:
    draft: Draft
    planned_sides: Callable[[Lowered], dict[str, Program]]

    def run(self) -> Body:
        """The whole body."""
        op, lowered = self.draft.op, self.draft.lowered
        self.lowered = lowered
        self.inputs = tuple(lowered.names[v] for v in op.step.inputs)
        _, self.carry, _ = op.split(self.inputs)
        self.values = [lowered.names[o] for o in op.states]
        self.traces = [self._trace(k) for k in range(op.n_states)]
        self.from_authors = self._from_authors()
        copies = self._copies()
        self.roots = Roots([*lowered.steps, *copies])
        outputs = [*self.values, *(lowered.names[o] for o in op.step.outputs[op.n_states :])]
        owned = self._owned()
        rows = self._rows(owned)
        mine = [self.carry[k] for k in sorted(owned)]
        first = [s for s in lowered.steps if isinstance(s, Check) and all(n in self.inputs for n in s.reads)]
        once: set[Step] = set(first)
        draws = self._draws(outputs)
        views = self._views_of_constants()
        once.update(views)
        main = [*views, *(draws.get(s) or self._placed(s, rows) for s in lowered.steps if s not in once)]
        steps = self._without_numbers(reuse_and_free([*main, *copies], [], outputs, lowered, owned=mine))
        generators = {s.args[0] for s in draws.values()}
        owned |= {k for k, name in enumerate(self.carry) if name in generators}
        program = Program(
            inputs=self.inputs,
            shared=(),
            constants=lowered.constants,
            steps=tuple(steps),
            outputs=tuple(outputs),
            variables=lowered.variables,
            size_names=size_names(lowered, self.inputs),
            shapes=lowered.shapes,
            rows=tuple(rows.values()),
            loops={key: planned_loop(draft, self.planned_sides) for key, draft in lowered.loops.items()},
            sides=self.planned_sides(lowered),
        )
        handed_on = {self.roots.of(v) for v in outputs}
        written = {s.consumes for s in steps if isinstance(s, Call)}
        return Body(
            op=op,
            program=program,
            states=tuple(self._state(k, rows, owned) for k in range(op.n_states)),
            stop=outputs[-1] if op.until else None,
            first=tuple(first),
            once=len(views),
            guards=tuple(self.draft.guards),
            copied=tuple(n for n in self.carry if n in generators or (n in mine and n in handed_on | written)),
            results=tuple(self.draft.results),
        )

    def _without_numbers(self, steps: Sequence[Step]) -> list[Step]:
        """Numbers need not be freed: that would take longer than it is worth."""
        kept: list[Step] = []
        for step in steps:
            if isinstance(step, Free):
                names = tuple(n for n in step.names if self.lowered.shapes.get(n) != ())
                if names:
                    kept.append(Free(names))
            else:
                kept.append(step)
        return kept

    def _views_of_constants(self) -> list[Step]:
        """Views of what no step changes."""
        op, lowered = self.draft.op, self.lowered
        fixed = {*self.inputs[: op.n_consts], *lowered.constants}
        found: list[Step] = []
        for step in lowered.steps:
            if isinstance(step, View) and fixed.issuperset(step.reads):
                fixed.update(step.outs)
                found.append(step)
        return found

    def _trace(self, k: int) -> str:
        kinds = {kind for kind, state in self.draft.results if state == k}
        if "both" in kinds or ("before" in kinds and not self.draft.op.until):
            return "both"
        return "after" if "after" in kinds else ""

    def _from_authors(self) -> set[int]:
        """The carried arrays that lie in memory which an author's op made. It may keep that, and write there again."""
        roots = Roots(self.lowered.steps)
        made = {out for s in self.lowered.steps if isinstance(s, Perform) for out in s.outs}
        return {k for k in self.draft.op.carried_tensors if roots.of(self.values[k]) in made}

    def _copies(self) -> list[Step]:
        """Copies of such, where what is carried is not a row of what is collected. They are carried on."""
        written = [int(w[1:]) for s in self.lowered.steps for w in s.writes]
        copies: list[Step] = []
        for k in sorted(self.from_authors):
            if not self.traces[k] or not self._ndim(k):
                copies.append(Copy(f"v{max(written) + 1 + len(copies)}", self.values[k], None))
                self.lowered.variables[copies[-1].writes[0]] = self.draft.op.states[k]
                self.values[k] = copies[-1].writes[0]
        return copies

    def _owned(self) -> set[int]:
        """The carried states whose memory nobody but the loop can see, and no two of them the same."""
        roots = [self.roots.of(v) for v in self.values[: len(self.carry)]]
        users = Counter(roots)
        found = {
            k
            for k in self.draft.op.carried_tensors
            if self._ndim(k) and not self.traces[k] and users[roots[k]] == 1 and not self.roots.is_fixed(self.values[k])
        }
        while True:
            ours = {self.carry[k] for k in found}
            kept = {k for k in found if roots[k][0] == "v" or roots[k] in ours}
            if kept == found:
                return found
            found = kept

    def _draws(self, outputs: Sequence[str]) -> dict[Step, Perform]:
        """Draws of random numbers from a state that nobody else reads, each with one from that state itself.

        Copies of states are slow. The first state is copied once, before the loop.
        """
        readers = Counter(name for step in self.lowered.steps for name in step.reads)
        made = {s.outs[0] for s in self.lowered.steps if isinstance(s, Perform) and _draws(s)}
        found: dict[Step, Perform] = {}
        for step in self.lowered.steps:
            if not isinstance(step, Perform) or not _draws(step):
                continue
            state = step.args[0]
            number = self.carry.index(state) if state in self.carry else None
            own = state in made if number is None else self.values[number] in made
            if own and readers[state] == 1 and state not in outputs:
                found[step] = replace(step, node=_inplace(step.node))
        return found

    def _ndim(self, k: int) -> int:
        kind: Any = self.draft.op.states[k].type
        return int(getattr(kind, "ndim", 0))

    def _rows(self, owned: Collection[int]) -> dict[str, str]:
        """Values that are computed in a row of what is collected, and that row."""
        lowered = self.lowered
        producer = {s.outs[0]: s for s in lowered.steps if isinstance(s, Call) and len(s.outs) == 1}
        taken = {self.roots.of(self.values[k]) for k in owned}
        rows: dict[str, str] = {}
        for k, value in enumerate(self.values):
            step = producer.get(value)
            known = not self.draft.may_change[k] and None not in self.draft.lengths[k]
            if not self.traces[k] or not self._ndim(k) or not known or step is None or value in taken | rows.keys():
                continue
            # The row is as long as what is carried is, and else as the value is, of which the lengths are known.
            if (step.accepts_out or step.elementwise) and step.dtype == lowered.dtypes.get(value) and step.sizes:
                rows[value] = f"r{k}"
        return rows

    @staticmethod
    def _placed(step: Step, rows: dict[str, str]) -> Step:
        if isinstance(step, Call) and len(step.outs) == 1 and step.outs[0] in rows:
            return step.writing(rows[step.outs[0]])
        return step

    def _state(self, k: int, rows: dict[str, str], owned: Collection[int]) -> State:
        kind: Any = self.draft.op.states[k].type
        row = rows.get(self.values[k])
        return State(
            value=self.values[k],
            carried=self.carry[k] if k < len(self.carry) else None,
            trace=self.traces[k],
            row=row if row == f"r{k}" else None,
            reread=k in self.from_authors and bool(self.traces[k]) and self._ndim(k) > 0,
            found=self.draft.op.until and ("before", k) in self.draft.results,
            lengths=self.draft.lengths[k],
            may_change=self.draft.may_change[k],
            owned=k in owned,
            dtype=getattr(kind, "dtype", None) if k in self.draft.op.tensors else None,
            ndim=kind.ndim if k in self.draft.op.tensors else None,
        )


def _draws(step: Perform) -> bool:
    return type(step.node.op) is RandomFunction and not step.node.op.inplace


def _inplace(draw: Apply) -> Apply:
    op = draw.op
    outputs = [o.type.make_variable(o.name) for o in draw.outputs]
    for old, new in zip(draw.outputs, outputs, strict=True):
        new.line = old.line
    return Apply(RandomFunction(op.fn, op.outtype, True, op.ndim_added), draw.inputs, outputs)
