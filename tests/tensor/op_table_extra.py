"""Examples of counting, places, diagonals, the largest elements and Fourier transforms, for `test_every_op`."""

from __future__ import annotations

import numpy as np

import symtheano.tensor as T
from symtheano.tensor import extra_ops, fft
from tests.tensor.examples import Example, numbers

A34, V5, T234, T332 = numbers(3, 4, seed=40), numbers(5, seed=41), numbers(2, 3, 4, seed=42), numbers(3, 3, 2, seed=43)
C333, ONE = numbers(3, 3, 3, seed=44), np.array(0.7)
INTS = np.array([3, 0, 3, 1, 3])
SQUARE = np.array([[5, 7], [11, 0]])


EXAMPLES = [
    Example("diff", lambda x: extra_ops.diff(x), (A34,)),
    Example("diff twice", lambda x: extra_ops.diff(x, 2, 0), (A34,)),
    Example("diff too often", lambda x: extra_ops.diff(x, 5), (A34,), ()),
    Example("diff not at all", lambda x: extra_ops.diff(x, 0), (A34,)),
    Example("bartlett", lambda x: extra_ops.bartlett(x.shape[0]) * x, (V5,)),
    Example("contiguous", lambda x: extra_ops.cpu_contiguous(x.T) * 2, (A34,)),
    Example("contiguous scalar", lambda x: extra_ops.cpu_contiguous(x) * 2, (ONE,)),
    Example("bincount", lambda x: extra_ops.bincount(x, minlength=6), (INTS,), ()),
    Example("bincount weights", lambda w: extra_ops.bincount(INTS, w), (V5,)),
    Example("unique", lambda x: extra_ops.unique(x, True, True, True), (INTS,), ()),
    Example("unique rows", lambda x: extra_ops.unique(x, False, True, axis=-1), (SQUARE,), ()),
    Example("unique values", lambda x: extra_ops.unique(x), (A34,), ()),
    Example("one hot", lambda x: T.dot(extra_ops.to_one_hot(INTS, 4), x), (A34.T,)),
    Example("unravel", lambda x: extra_ops.unravel_index(x, (3, 4, 5), "F"), (SQUARE,), ()),
    Example("unravel one", lambda x: extra_ops.unravel_index(x, (30,)), (SQUARE,), ()),
    Example("ravel", lambda x: extra_ops.ravel_multi_index((x, x + 1), (12, 13)), (SQUARE,), ()),
    Example("fill diagonal", extra_ops.fill_diagonal, (A34, ONE), (0, 1)),
    Example("fill diagonal tall", extra_ops.fill_diagonal, (A34.T, ONE), (0, 1)),
    Example("fill diagonal cube", extra_ops.fill_diagonal, (C333, ONE), (0, 1)),
    Example("fill diagonal offset", lambda a, v: extra_ops.fill_diagonal_offset(a, v, -1), (A34, ONE), (0, 1)),
    Example("topk", lambda x: T.topk(x, 2), (A34,)),
    Example("topk and argtopk", lambda x: T.topk_and_argtopk(x, -2, axis=0, idx_dtype="int32"), (A34,)),
    Example("topk smallest", lambda x: T.topk(x, -2, axis=1, sorted=False), (T234,)),
    Example("argtopk", lambda x: T.argtopk(x, 3, axis=None), (A34,), ()),
    Example("rfft", lambda x: fft.rfft(x, norm="ortho"), (A34,)),
    Example("rfft odd", lambda x: fft.rfft(x), (A34[:, 1:],)),
    Example("rfft many", lambda x: fft.rfft(x), (T234,)),
    Example("rfft lengths", lambda x: fft.rfft_op(x, (2, 6)), (T234,)),
    Example("irfft", lambda x: fft.irfft(x), (T332,)),
    Example("irfft odd", lambda x: fft.irfft(x, is_odd=True, norm="ortho"), (T332,)),
    Example("irfft many", lambda x: fft.irfft(x), (numbers(2, 3, 3, 2, seed=45),)),
    Example("irfft lengths", lambda x: fft.irfft_op(x, (2, 7)), (numbers(2, 3, 3, 2, seed=45),)),
]
