"""Loop: from what scan's caller gave and what one call of the function returned to the op Scan, and back to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.graph.shared import SharedVariable
from symtheano.graph.updates import OrderedUpdates
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import substitute
from symtheano.scan.capture import check_strict, outer_variables, with_defaults
from symtheano.scan.op import Scan
from symtheano.scan.returned import Returned
from symtheano.scan.states import as_state, check_results, matched
from symtheano.scan.step import Step
from symtheano.scan.taps import OutputInfo, SequenceInfo
from symtheano.tensor.elemwise import functions


class Loop:
    """The variables of one step, and what fn is called with.

    windows: for each output that feeds back the variables of what is carried, the oldest first.
    """

    def __init__(self, series: Sequence[SequenceInfo], infos: Sequence[OutputInfo], fixed: Sequence[Any]):
        self.infos, self.fixed = infos, fixed
        self.elements = [v for info in series for v in info.elements()]
        self.windows = [info.window() for info in infos]
        fed = [window[tap] for info, window in zip(infos, self.windows, strict=True) for tap in info.taps]
        self.arguments = [*self.elements, *fed, *fixed]

    def closed(self, result: Returned, strict: bool) -> ClosedLoop:
        """The step on its own: everything it uses of the world outside is an input."""
        infos = matched(self.infos, result.outputs)
        windows = self.windows or [[] for _ in infos]
        fed = [(i, w, o) for i, w, o in zip(infos, windows, result.outputs, strict=True) if i.taps]
        states = [v for info, window, out in fed for v in (*window[1:], as_state(info, window[-1], out))]
        mapped = [(i, o) for i, o in zip(infos, result.outputs, strict=True) if not i.taps]
        check_results([i for i, _ in mapped], [o for _, o in mapped])
        stop = [] if result.condition is None else [_truth(result.condition)]
        whole = [v for v in self.fixed if not isinstance(v, (SharedVariable, Constant))]
        updates = with_defaults(result.updates, [*states, *(o for _, o in mapped), *stop], whole)
        roots = [*states, *updates.values(), *(o for _, o in mapped), *stop]
        carried = [v for window in windows for v in window]
        own = [*carried, *updates, *self.elements]
        if strict:
            check_strict(roots, [*own, *self.fixed])
        outer = outer_variables(roots, own, whole)
        copies = [_copy(v) for v in (*outer, *updates)]
        inner = substitute(roots, dict(zip((*outer, *updates), copies, strict=True)))
        consts, shared = copies[: len(outer)], copies[len(outer) :]
        step = Step.of([*consts, *carried, *shared, *self.elements], inner)
        starts = [v for info in infos for v in info.starts()]
        return ClosedLoop(infos, step, outer, starts, list(updates), bool(stop))


class ClosedLoop:
    """A step, and where its inputs come from outside: consts, initial states, shared variables that it updates."""

    def __init__(
        self,
        infos: Sequence[OutputInfo],
        step: Step,
        consts: Sequence[Any],
        starts: Sequence[Any],
        shared: Sequence[SharedVariable],
        until: bool,
    ):
        self.infos, self.step, self.consts, self.starts = infos, step, consts, starts
        self.shared, self.until = shared, until

    def run(self, n: Any, xs: Sequence[Any], truncate: int, name: str | None) -> tuple[list[Any], OrderedUpdates]:
        """The outputs of all steps, in scan's order, and the updates of shared variables."""
        n_carry = len(self.starts) + len(self.shared)
        op = Scan(self.step, len(self.consts), n_carry, self.until, truncate, name)
        outs = op(n, *self.consts, *self.starts, *self.shared, *xs, return_list=True)
        numbers = self._states()
        outputs = [outs[op.after(k)] for k in numbers]
        if op.steps is not None:
            outputs = [o[: outs[op.steps]] for o in outputs]
        first = len(self.starts)
        return outputs, OrderedUpdates((s, outs[op.last(first + k)]) for k, s in enumerate(self.shared))

    def _states(self) -> list[int]:
        """For each output of scan the number of the op's state that it is."""
        numbers, carried, collected = [], 0, len(self.starts) + len(self.shared)
        for info in self.infos:
            if info.taps:
                carried += info.depth
                numbers.append(carried - 1)
            else:
                numbers.append(collected)
                collected += 1
        return numbers


def _copy(variable: Any) -> Any:
    """The step's own variable for one from outside, named as Theano does."""
    return variable.type.make_variable(None if variable.name is None else f"{variable.name}_copy")


def _truth(condition: Variable) -> Any:
    kind: Any = condition.type
    return condition if kind.dtype == "bool" else functions.neq(condition, 0)
