"""How many steps a loop runs: what the argument n_steps may be, and how sequences are cut to fit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from symtheano.errors import AsTensorError, NotScalarConstantError, explain
from symtheano.graph.text import described
from symtheano.graph.variable import Variable
from symtheano.scan.taps import SequenceInfo
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.scalar_constant import get_scalar_constant_value
from symtheano.tensor.sizes import as_size, is_integer, shape_i

_N_STEPS = "pass an int or a 0-d integer variable, as by theano.tensor.cast(n_steps, 'int64')"


def count_of(n_steps: Any) -> tuple[Any, int | None]:
    """n_steps as an int64 scalar, and its value where that is known; (None, None) for None. ValueError."""
    if n_steps is None:
        return None, None
    try:
        variable: Any = as_tensor_variable(n_steps)
    except AsTensorError as error:
        raise ValueError(explain("n_steps must be an int.", operands=[described(n_steps)], remedy=_N_STEPS)) from error
    if variable.type.ndim != 0 or not is_integer(variable.type.dtype):
        raise ValueError(
            explain(
                f" n_steps must be an int. dtype provided is {variable.type.dtype}",
                operands=[f"n_steps = {described(variable)}"],
                remedy=_N_STEPS,
            )
        )
    try:
        known: int | None = int(get_scalar_constant_value(variable))
    except NotScalarConstantError:
        known = None
    if known is not None and known < 0:
        raise ValueError(
            explain(
                f"n_steps must not be negative: a loop cannot run {known} steps.",
                operands=[f"n_steps = {described(n_steps)}"],
                remedy="to go through sequences from their end, pass go_backwards=True",
            )
        )
    return as_size(variable if known is None else known), known


def aligned(infos: Sequence[SequenceInfo], count: Any, known: int | None, backwards: bool) -> tuple[Any, list[Any]]:
    """The number of steps, and for each tap of each sequence its elements in the order of the steps, so many of them.

    count: what n_steps says, or None: then as many as the shortest sequence has. known: its value, where it has one.
    """
    if count is None and not infos:
        raise ValueError(
            explain(
                "No information about the number of steps provided.",
                remedy="either provide a value for n_steps argument of scan or provide an input sequence",
            )
        )
    slices = [info.slices() for info in infos]
    if known is not None:
        _check_long_enough(infos, known)
    n = reduce(functions.minimum, [shape_i(given[0], 0) for given in slices]) if count is None else count
    ordered = [x[::-1] if backwards else x for given in slices for x in given]
    cut = count is not None or len(infos) > 1
    return n, [_first(x, n, known) if cut else x for x in ordered]


def _first(x: Any, n: Any, known: int | None) -> Any:
    """The first n elements."""
    return x if known is not None and x.type.shape[0] == known else x[: n if known is None else known]


def _check_long_enough(infos: Sequence[SequenceInfo], known: int) -> None:
    for info in infos:
        length = info.variable.type.shape[0]
        enough = None if length is None else max(0, length - info.first - info.ahead)
        if enough is not None and enough < known:
            taps = f" with the taps {list(info.taps)}" if info.taps != (0,) else ""
            raise ValueError(
                explain(
                    f"The sequence {info.variable}{taps} is long enough for {enough} steps, but n_steps is {known}.",
                    operands=[f"{described(info.variable)}, shape {info.variable.type.shape}"],
                    remedy="pass longer sequences, or fewer steps",
                )
            )


def one_step(infos: Sequence[SequenceInfo], backwards: bool) -> list[Variable]:
    """For each tap of each sequence the element that the first step gets."""
    _check_long_enough(infos, 1)
    return [x for info in infos for x in info.firsts(backwards)]
