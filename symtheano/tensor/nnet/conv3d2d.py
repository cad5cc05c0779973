"""Theano's `theano.tensor.nnet.conv3d2d`: the convolution of films, (batch, time, channels, rows, columns)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.tensor.alloc import zeros
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle
from symtheano.tensor.index import set_subtensor
from symtheano.tensor.nnet.conv_ops import AbstractConv3d
from symtheano.tensor.nnet.conv_shapes import border_mode_to_pad
from symtheano.tensor.sizes import shape_list

__all__ = ["conv3d"]


def conv3d(
    signals: Any,
    filters: Any,
    signals_shape: Sequence[Any] | None = None,
    filters_shape: Sequence[Any] | None = None,
    border_mode: str | Sequence[str] = "valid",
) -> Any:
    """The convolution of films with filters, both of which have their channels after the time.

    signals: (batch, time, channels, rows, columns). filters: (output channels, time, input channels, rows, columns).
    Result: (batch, output time, output channels, output rows, output columns). border_mode: "valid", "full" or "half",
    or three of these, for time, rows and columns; the last two must be equal (NotImplementedError).
    """
    modes = (border_mode,) * 3 if isinstance(border_mode, str) else tuple(border_mode)
    if len(modes) != 3 or not set(modes) <= {"valid", "full", "half", "same"}:
        raise ValueError("invalid border mode", border_mode)
    if modes[1] != modes[2]:
        raise NotImplementedError("height and width bordermodes must match")
    if "same" in modes:
        raise NotImplementedError('border mode "same": it is called "half" here, for filters of odd lengths')
    order = (0, 2, 1, 3, 4)
    x, k = dimshuffle(as_tensor_variable(signals), order), dimshuffle(as_tensor_variable(filters), order)
    imshp, kshp = ((None,) * 5 if s is None else tuple(s[a] for a in order) for s in (signals_shape, filters_shape))
    if len(set(modes)) == 1:
        return dimshuffle(AbstractConv3d(imshp, kshp, modes[0])(x, k), order)
    return dimshuffle(AbstractConv3d(None, kshp)(_padded(x, k, modes), k), order)


def _padded(x: Any, k: Any, modes: Sequence[str]) -> Any:
    """Volumes with the zeros around them that each axis' border mode asks for."""
    lengths, filters = shape_list(x), shape_list(k)
    pads = [border_mode_to_pad(mode, 1, (n,))[0][0] for mode, n in zip(modes, filters[2:], strict=True)]
    large = zeros([*lengths[:2], *(n + 2 * pad for n, pad in zip(lengths[2:], pads, strict=True))], x.type.dtype)
    inner = tuple(slice(pad, pad + n) for pad, n in zip(pads, lengths[2:], strict=True))
    return set_subtensor(large[(slice(None), slice(None), *inner)], x)
