"""What a step gives for an output, checked against the initial state that outputs_info gave for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import LoopStateError, ShapeMismatchError, explain
from symtheano.graph.text import described, expression
from symtheano.scan.taps import OutputInfo
from symtheano.tensor.type import TensorType


def matched(infos: Sequence[OutputInfo], outputs: Sequence[Any]) -> list[OutputInfo]:
    """For each output of a step what outputs_info says of it; ValueError where the numbers differ."""
    if not infos:
        return [OutputInfo(k) for k in range(len(outputs))]
    if len(infos) != len(outputs):
        raise ValueError(
            explain(
                "Please provide None as outputs_info for any output that does not feed back into scan (i.e. it behaves "
                f"like a map): outputs_info has {len(infos)} entries, the function returned {len(outputs)} outputs.",
                operands=[
                    *(f"outputs_info[{i.position}]: {'None' if not i.taps else described(i.initial)}" for i in infos),
                    *(f"returned {k}: {described(o)}" for k, o in enumerate(outputs)),
                ],
                remedy="give outputs_info one entry for each output, in the order in which the function returns them",
            )
        )
    return list(infos)


def carried(
    infos: Sequence[OutputInfo], windows: Sequence[Sequence[Any]], outputs: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """What is carried on (each window without its oldest value, with the new one), and what is only collected."""
    carry, collected = [], []
    for info, window, out in zip(infos, windows, outputs, strict=True):
        if window:
            carry += [*window[1:], _as_state(info, window[-1], out)]
        else:
            collected.append(_as_result(info, out))
    return carry, collected


def _as_result(info: OutputInfo, out: Any) -> Any:
    if isinstance(out.type, TensorType):
        return out
    raise TypeError(
        explain(
            f"scan: {info.label} of the step is no tensor, and cannot be collected over time.",
            operands=[described(out)],
            remedy="return tensors; states of random generators are returned as updates",
        )
    )


def _as_state(info: OutputInfo, old: Any, new: Any) -> Any:
    """`new` as the value of the state that was `old`, or the error that says why it is none."""
    have, want = _as_result(info, new).type, old.type
    why = _misfit(info, have, want)
    if why is None:
        return want.filter_variable(new)
    problem, remedy, kind = why
    raise kind(
        explain(
            "When compiling the inner function of scan the following error has been encountered: The initial state "
            f"(`outputs_info` in scan nomenclature) of {info.label} {problem}",
            operands=[
                f"initial state {described(info.initial)}, shape {_shape(info.initial.type)}",
                f"a step is given {old}: {want}, shape {_shape(want)}",
                f"a step returns {described(new)}, shape {_shape(have)}",
            ],
            expression=expression(new),
            where=str(new.line or ""),
            remedy=remedy,
        )
    )


def _misfit(info: OutputInfo, have: Any, want: Any) -> tuple[str, str, type[Exception]] | None:
    """What is wrong, what to do, and the class of the error."""
    if have.dtype != want.dtype:
        return (
            f"has dtype {want.dtype}, while the result of the inner function (`fn`) has dtype {have.dtype}. This can "
            "happen if the inner function of scan results in an upcast or downcast.",
            f"start from a state of dtype {have.dtype}, as by theano.tensor.cast(initial, {have.dtype!r}), or cast "
            f"what the step returns to {want.dtype}",
            LoopStateError,
        )
    if have.ndim != want.ndim:
        stacked = "; with these taps it is a stack of such values along its first axis" if info.stacked else ""
        return (
            f"has {want.ndim} dimension(s) at each step, while the corresponding variable in the result of the inner "
            f"function of scan (`fn`) has {have.ndim} dimension(s).",
            "the initial state must be such a value as the step returns" + stacked,
            LoopStateError,
        )
    stretched = [k for k, (a, b) in enumerate(zip(want.broadcastable, have.broadcastable, strict=True)) if a and not b]
    if stretched:
        axes = ", ".join(str(k + info.stacked) for k in stretched)
        return (
            f"has length 1 in axis {axes} by its type, which the result of the inner function (`fn`) need not have.",
            f"where that is meant, pass theano.tensor.unbroadcast(initial, {axes}) as the initial state; if the step "
            "stretches it, start from a value of the full shape",
            LoopStateError,
        )
    differ = [k for k, (a, b) in enumerate(zip(want.shape, have.shape, strict=True)) if a != b and None not in (a, b)]
    if differ:
        return (
            f"has shape {_shape(want)} at each step, while the result of the inner function (`fn`) has shape "
            f"{_shape(have)}.",
            "what a step returns for a state must have the shape of the initial state",
            ShapeMismatchError,
        )
    return None


def _shape(kind: Any) -> str:
    return "(" + ", ".join("?" if n is None else str(n) for n in kind.shape) + (",)" if kind.ndim == 1 else ")")
