"""Small loops for the examples of rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.sizes import shape_i
from symtheano.tensor.type import tensor_type


class Made:
    """A loop's outputs by state."""

    def __init__(self, op: Scan, outputs: Sequence[Any]):
        self._op, self._outputs = op, outputs

    def last(self, k: int) -> Any:
        """What the last step left of state k."""
        return self._outputs[self._op.last(k)]

    def after(self, k: int) -> Any:
        """What each step left of state k."""
        return self._outputs[self._op.after(k)]

    def before(self, k: int) -> Any:
        """What each step found of state k."""
        return self._outputs[self._op.before(k)]

    @property
    def steps(self) -> Any:
        """How many steps ran."""
        assert self._op.steps is not None
        return self._outputs[self._op.steps]


def loop(
    step: Callable[..., Any],
    consts: Sequence[Any] = (),
    carry: Sequence[Any] = (),
    xs: Sequence[Any] = (),
    n: Any = None,
    until: bool = False,
) -> Made:
    """The loop of step(*consts, *carry, *xs) -> carry', results[, stop]; it runs over xs where n is not given."""
    inner = [tensor_type(v.type.dtype, v.type.shape)() for v in (*consts, *carry)]
    inner += [tensor_type(v.type.dtype, v.type.shape[1:])() for v in xs]
    outputs = step(*inner)
    outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    op = Scan(Step.of(inner, outputs), len(consts), len(carry), until)
    return Made(op, op(shape_i(xs[0], 0) if n is None else n, *consts, *carry, *xs, return_list=True))
