"""Fourier transforms of real tensors: rfft and irfft.

Complex numbers are pairs of reals in a last axis of length 2. The first axis counts independent transforms, all others
are transformed. Both transforms are linear; each one's gradient is the other, up to the weights of `_weighted`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.alloc import zeros
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.index import index, set_subtensor
from symtheano.tensor.math import cast
from symtheano.tensor.sizes import (
    as_size,
    axis_origin,
    known_lengths,
    never_one,
    origins,
    shape_i,
    shape_list,
    size_vector,
    total_size,
    vector_items,
)
from symtheano.tensor.type import tensor_type

__all__ = ["IRFFTOp", "RFFTOp", "irfft", "irfft_op", "rfft", "rfft_op"]

NORMS = (None, "ortho", "no_norm")


class _Fourier(ArrayOp):
    """What both ops share: inputs (a, s), s the lengths of the transformed axes of the real tensor."""

    __props__ = ()
    extra: int  # axes of `a` that are not transformed

    def operands(self, a: Any, s: Any, needed: str) -> tuple[Any, Any]:
        """`a` as floats, `s` as a vector with a length for each transformed axis."""
        a = as_tensor_variable(a)
        name = type(self).__name__
        if a.type.ndim <= self.extra:
            raise TypeError(explain(f"{name}: input must have {needed}.", operands=[f"{a}: {a.type}"]))
        if is_complex(a.type.dtype):
            raise TypeError(
                explain(
                    f"{name}: {a} is complex; complex numbers are pairs of reals here.",
                    operands=[f"{a}: {a.type}"],
                    remedy="stack real and imaginary parts: theano.tensor.stack([x.real, x.imag], axis=-1)",
                )
            )
        try:
            lengths = size_vector(s)
        except TypeError as error:
            raise TypeError(
                explain(
                    f"{name}: length of the transformed axis must be of type integer.",
                    operands=[f"{a}: {a.type}", f"s {s}"],
                    remedy="pass a tuple of ints or an integer vector",
                )
            ) from error
        return (cast(a, "float64") if is_discrete(a.type.dtype) else a), lengths

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]


class RFFTOp(_Fourier):
    """The transform of real tensors, not normalised: (m, ..., n) -> (m, ..., n//2 + 1, 2).

    inputs: (a, s). a is cut or filled with zeros to the lengths s = (..., n); without s they are its own.
    """

    extra = 1

    def make_node(self, a: Any, s: Any = None) -> Apply:
        a = as_tensor_variable(a)
        a, s = self.operands(a, shape_list(a)[1:] if s is None else s, "at least 2 dimensions, the first one batches")
        lengths = known_lengths(s, a.type.ndim - 1)
        lengths[-1] = None if lengths[-1] is None else lengths[-1] // 2 + 1
        return Apply(self, [a, s], [tensor_type(a.type.dtype, never_one(a.type.shape[0], *lengths, 2))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.rfft(xp, {args[0]}, {args[1]})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        lengths = vector_items(node.inputs[1], len(shapes[0]) - 1)
        return [(shapes[0][0], *lengths[:-1], lengths[-1] // 2 + 1, as_size(2))]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a, s = inputs
        g = functions.second(outputs[0], output_grads[0])
        return [_resized(irfft_op(_weighted(g, s, 0.5), s), a, s, 1), disconnected_type()]


class IRFFTOp(_Fourier):
    """The inverse transform with real results, not normalised: (m, ..., n//2 + 1, 2) -> (m, ..., n).

    inputs: (a, s) with s = (..., n); without s, n is even.
    """

    extra = 2

    def make_node(self, a: Any, s: Any = None) -> Apply:
        a = as_tensor_variable(a)
        needed = "at least 3 dimensions, the first one batches and the last one real and imaginary parts"
        a, s = self.operands(a, _lengths(a, False) if s is None and a.type.ndim > 2 else s, needed)
        lengths = known_lengths(s, a.type.ndim - 2)
        return Apply(self, [a, s], [tensor_type(a.type.dtype, never_one(a.type.shape[0], *lengths))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.irfft(xp, {args[0]}, {args[1]})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(shapes[0][0], *vector_items(node.inputs[1], len(shapes[0]) - 2))]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a, s = inputs
        g = functions.second(outputs[0], output_grads[0])
        return [_resized(_weighted(rfft_op(g, s), s, 2.0), a, None, 2), disconnected_type()]


rfft_op = RFFTOp()
irfft_op = IRFFTOp()


def _lengths(a: Any, odd: bool) -> list[Any]:
    """The lengths of the transformed axes of the tensor whose transform is `a`."""
    sizes = shape_list(a)[1:-1]
    return [*sizes[:-1], (sizes[-1] - 1) * 2 + int(odd)]


def _weighted(x: Any, s: Any, weight: float) -> Any:
    """Half a spectrum with `weight` times the frequencies that stand for two: not the first, nor, n even, the last."""
    n = vector_items(s, x.type.ndim - 2)[-1]
    key = (*[slice(None)] * (x.type.ndim - 2), slice(1, n // 2 + n % 2))
    part = index(x, key)
    return set_subtensor(part, part * cast(weight, x.type.dtype))


def _resized(g: Any, a: Any, s: Any, extra: int) -> Any:
    """A cotangent in the shape of `a`: of what the transform cut off it is 0, of what it filled in it is dropped."""
    count = a.type.ndim - extra
    if s is not None and origins(s, count) == [axis_origin(a, k + 1) for k in range(count)]:
        return g
    blank = zeros(shape_list(a), dtype=g.type.dtype)
    overlap = [slice(0, functions.minimum(shape_i(a, k), shape_i(g, k))) for k in range(1, count + 1)]
    key = (slice(None), *overlap)
    return set_subtensor(index(blank, key), index(g, key))


# -- functions -------------------------------------------------------------------------------------------------------


def rfft(inp: Any, norm: str | None = None) -> Any:
    """The Fourier transforms of m real tensors: (m, ..., n) -> (m, ..., n//2 + 1, 2).

    The last axis of the result holds real and imaginary parts; the one before it the frequencies 0 to n//2, which
    determine the others. norm: None or "no_norm" for none, "ortho" to divide by the square root of the number of
    elements of a tensor. Integers are taken for float64.

    >>> rfft([[1.0, 2.0, 3.0, 4.0]]).type.shape
    (None, 3, 2)
    """
    _check_norm(norm)
    inp = as_tensor_variable(inp)
    out = rfft_op(inp)
    return out / _root(shape_list(inp)[1:], out) if norm == "ortho" else out


def irfft(inp: Any, norm: str | None = None, is_odd: bool = False) -> Any:
    """The real tensors that have the transforms `inp`: (m, ..., k, 2) -> (m, ..., n), with n = 2 k - 2.

    inp: as rfft gives it. is_odd: n = 2 k - 1. norm: None divides by the number of elements of a tensor, "ortho" by its
    square root, "no_norm" by nothing.

    >>> irfft(rfft([[1.0, 2.0, 3.0, 4.0]])).type.shape
    (None, 4)
    """
    _check_norm(norm)
    if is_odd not in (True, False):
        raise ValueError(f"Invalid value {is_odd!r} for is_odd, must be True or False")
    inp = as_tensor_variable(inp)
    lengths = _lengths(inp, is_odd) if inp.type.ndim > 2 else None
    out = irfft_op(inp, lengths)
    if norm == "no_norm":
        return out
    return out / (_root(lengths, out) if norm == "ortho" else cast(total_size(lengths), out.type.dtype))  # type: ignore[arg-type]


def _check_norm(norm: str | None) -> None:
    if norm not in NORMS:
        raise ValueError(f"Invalid value {norm!r} for norm, must be None, 'ortho' or 'no_norm'")


def _root(lengths: Any, out: Any) -> Any:
    """The square root of the number of elements, in the dtype of the result."""
    return functions.sqrt(cast(total_size(lengths), out.type.dtype))
