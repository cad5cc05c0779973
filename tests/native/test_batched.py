"""Stacks of matrix products in machine code, against NumPy's matmul in double precision."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T

CASES = {
    "one axis": ((3, 4, 5), (3, 5, 6)),
    "stretched": ((1, 4, 5), (3, 5, 6)),
    "two axes, one stretched": ((2, 3, 4, 5), (2, 1, 5, 2)),
    "no rows": ((2, 0, 5), (2, 5, 3)),
    "no terms": ((2, 3, 0), (2, 0, 4)),
    "no matrices": ((0, 3, 2), (0, 2, 4)),
    "single numbers": ((2, 1, 1), (2, 1, 1)),
    "larger than a tile": ((7, 40, 50), (7, 50, 70)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_stacks(case: str, dtype: str, rng: np.random.Generator) -> None:
    shapes = CASES[case]
    last = len(shapes[0]) - 2
    a, b = (rng.normal(size=s).astype(dtype) for s in shapes)
    x, y = (
        T.TensorType(dtype, [k < last and s[k] == 1 and s is not o for k in range(len(s))])()
        for s, o in (shapes, shapes[::-1])
    )
    z = T.matmul(x, y)
    f = st.function([x, y], [2 * z, T.matmul(z, z.swapaxes(-1, -2))], mode=st.Mode(target="native"))
    wanted = a.astype("float64") @ b.astype("float64")
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    doubled, squared = f(a, b)
    np.testing.assert_allclose(doubled, 2 * wanted, rtol=tolerance, atol=10 * tolerance)
    np.testing.assert_allclose(squared, wanted @ wanted.swapaxes(-1, -2), rtol=50 * tolerance, atol=500 * tolerance)
    assert len(f.compiled.native.schedule.parts) == 1


def test_stacks_that_do_not_fit_are_explained() -> None:
    x, y = T.tensor3("x"), T.tensor3("y")
    f = st.function([x, y], T.batched_dot(x, y), mode=st.Mode(target="native"))
    with pytest.raises(ValueError, match="batch"):
        f(np.ones((2, 3, 4)), np.ones((3, 4, 5)))
    with pytest.raises(ValueError, match=r"inner|mis"):
        f(np.ones((2, 3, 4)), np.ones((2, 5, 5)))
