"""images2neibs and neibs2images against loops, their gradients, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.tensor.nnet.neighbours import images2neibs, neibs2images

CASES = [
    ("valid", (2, 3, 4, 6), (2, 3), None),
    ("valid", (2, 1, 5, 6), (3, 2), (2, 1)),
    ("ignore_borders", (2, 2, 5, 7), (2, 3), None),
    ("ignore_borders", (1, 2, 5, 7), (2, 3), (1, 2)),
    ("half", (1, 2, 5, 7), (3, 3), (1, 2)),
    ("half", (1, 1, 4, 4), (2, 3), (2, 1)),
    ("full", (1, 2, 4, 5), (2, 3), (1, 2)),
    ("wrap_centered", (1, 2, 5, 5), (3, 3), (1, 2)),
    ("wrap_centered", (1, 1, 3, 3), (3, 1), (1, 1)),
]


def by_loops(x: Any, patch: Any, step: Any, mode: str) -> Any:
    """One patch after the other, one element after the other."""
    (c, d), (s, t) = patch, step
    _, _, rows, columns = x.shape
    pad = {"half": (c // 2, d // 2), "wrap_centered": (c // 2, d // 2), "full": (c - 1, d - 1)}.get(mode, (0, 0))
    if mode == "wrap_centered":
        starts = [range(-pad[0], rows - pad[0], s), range(-pad[1], columns - pad[1], t)]
    else:
        starts = [range(-pad[0], rows + pad[0] - c + 1, s), range(-pad[1], columns + pad[1] - d + 1, t)]
    found = []
    for plane in x.reshape(-1, rows, columns):
        for a in starts[0]:
            for b in starts[1]:
                patch_ = []
                for i in range(a, a + c):
                    for j in range(b, b + d):
                        inside = 0 <= i < rows and 0 <= j < columns
                        wrapped = mode == "wrap_centered"
                        patch_.append(plane[i % rows, j % columns] if inside or wrapped else 0.0)
                found.append(patch_)
    return np.array(found)


@pytest.mark.parametrize(("mode", "shape", "patch", "step"), CASES)
def test_values_shapes_gradients(mode: str, shape: Any, patch: Any, step: Any) -> None:
    x = T.tensor4()
    data = np.random.default_rng(0).normal(size=shape)
    out = images2neibs(x, patch, step, mode)
    weights = np.random.default_rng(1).normal(size=out.eval({x: data}).shape)
    gradient = st.grad((T.sqr(out) * weights).sum(), x)
    got, lengths, slopes = st.function([x], [out, out.shape, gradient])(data)
    np.testing.assert_array_equal(got, by_loops(data, patch, step or patch, mode))
    assert tuple(lengths) == got.shape
    # the map is linear: its adjoint is known from its values on unit images
    units = np.eye(data.size).reshape(-1, *shape)
    want = [np.sum(2 * weights * got * by_loops(u, patch, step or patch, mode)) for u in units]
    np.testing.assert_allclose(slopes.ravel(), want, atol=1e-12)


@pytest.mark.parametrize("mode", ["valid", "ignore_borders"])
def test_there_and_back(mode: str) -> None:
    x = T.tensor4()
    data = np.random.default_rng(0).normal(size=(2, 3, 4, 6) if mode == "valid" else (2, 3, 5, 7))
    back = neibs2images(images2neibs(x, (2, 3), mode=mode), (2, 3), x.shape, mode)
    want = np.zeros_like(data)
    want[:, :, :4, :6] = data[:, :, :4, :6]
    np.testing.assert_array_equal(back.eval({x: data}), want)


def test_integers_and_symbolic_patches() -> None:
    x, n = T.itensor4(), T.lscalar()
    data = np.arange(24, dtype="int32").reshape(1, 1, 4, 6)
    got = images2neibs(x, T.stack([n, 3])).eval({x: data, n: 2})
    np.testing.assert_array_equal(got, by_loops(data, (2, 3), (2, 3), "valid"))
    assert got.dtype == "int32"


def test_mistakes() -> None:
    x = T.tensor4()
    data = np.zeros((1, 1, 4, 6))
    with pytest.raises(NotImplementedError, match="valid, half"):
        images2neibs(x, (2, 2), mode="same")
    with pytest.raises(NotImplementedError, match="half"):
        neibs2images(T.matrix(), (2, 2), (1, 1, 4, 6), "half")
    with pytest.raises(AssertionError, match="4 dimensions"):
        images2neibs(T.matrix(), (2, 2))
    for patch, step, mode, error in (
        ((3, 3), None, "valid", TypeError),
        ((2, 2), None, "wrap_centered", TypeError),
        ((5, 5), None, "wrap_centered", TypeError),
        ((0, 2), None, "valid", ValueError),
        ((2, 2), (0, 1), "valid", ValueError),
    ):
        with pytest.raises(error):
            images2neibs(x, patch, step, mode).eval({x: data})
    for shape in ((1, 1, 4, 7), (1, 2, 4, 6)):
        with pytest.raises(ValueError):
            neibs2images(np.zeros((6, 4)), (2, 2), shape).eval()
