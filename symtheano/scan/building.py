"""Loop: from what scan's caller gave and what one call of the function returned to the op Scan, and back to outputs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from symtheano.graph.shared import SharedVariable
from symtheano.graph.updates import OrderedUpdates
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import substitute
from symtheano.scan.behind import Behind
from symtheano.scan.capture import check_strict, outer_variables, with_defaults
from symtheano.scan.loosen import loosened
from symtheano.scan.op import Scan
from symtheano.scan.returned import Returned
from symtheano.scan.states import carried, matched
from symtheano.scan.step import Step
from symtheano.scan.taps import OutputInfo, SequenceInfo
from symtheano.tensor.elemwise import functions
from symtheano.tensor.join import join
from symtheano.tensor.shape import shape_padleft
from symtheano.tensor.sizes import as_size


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
        whole = [v for v in self.fixed if not isinstance(v, (SharedVariable, Constant))]
        stop = [] if result.condition is None else [_truth(result.condition)]
        updates = with_defaults(result.updates, [*result.outputs, *stop], whole)
        windows, roots = loosened(self.windows or [[] for _ in infos], result.outputs, [*updates.values(), *stop])
        outputs, rest = roots[: len(infos)], roots[len(infos) :]
        carry, collected = carried(infos, windows, outputs)
        new = [*carry, *rest[: len(updates)], *collected, *rest[len(updates) :]]
        window = [v for each in windows for v in each]
        own = [*window, *updates, *self.elements]
        if strict:
            check_strict(new, [*own, *self.fixed])
        outer = list(dict.fromkeys([*whole, *outer_variables(new, own, whole)]))  # also what is given but not used
        copies = [_copy(v) for v in (*outer, *updates)]
        inner = substitute(new, dict(zip((*outer, *updates), copies, strict=True)))
        consts, shared = copies[: len(outer)], copies[len(outer) :]
        step = Step.of([*consts, *window, *shared, *self.elements], inner)
        starts = [v.type.filter_variable(x) for v, x in zip(window, self._starts(), strict=True)]
        return ClosedLoop(infos, step, outer, starts, list(updates), bool(stop))

    def _starts(self) -> list[Any]:
        return [v for info in self.infos for v in info.starts()]


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
        outputs = [self._behind_start(info, o) for info, o in zip(self.infos, outputs, strict=True)]
        first = len(self.starts)
        return outputs, OrderedUpdates((s, outs[op.last(first + k)]) for k, s in enumerate(self.shared))

    def _behind_start(self, info: OutputInfo, output: Any) -> Any:
        """The output as Theano has it: what is behind the initial state, in an array that begins with that."""
        if not info.taps:
            return output
        first = info.initial[: info.depth] if info.stacked else shape_padleft(info.initial)
        return Behind()(join(0, first, output), as_size(info.depth), output)

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
    new = variable.type.make_variable(None if variable.name is None else f"{variable.name}_copy")
    new.tag = copy.copy(variable.tag)
    return new


def _truth(condition: Variable) -> Any:
    kind: Any = condition.type
    return condition if kind.dtype == "bool" else functions.neq(condition, 0)
