"""get_scalar_constant_value and what the type rules learn of sizes by looking through ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symtheano
import symtheano.tensor as T
from symtheano.errors import EmptyConstantError, NotScalarConstantError
from symtheano.tensor.sizes import constant_dim, get_vector_length, known_lengths, origins

FOUND: list[tuple[str, Callable[[], Any], Any]] = [
    ("number", lambda: 3, 3),
    ("array", lambda: np.full((2, 2), 5.0), 5.0),
    ("size 1", lambda: T.constant([[7]]), 7),
    ("alloc", lambda: T.alloc(T.constant(2.5), 3, T.lscalar()), 2.5),
    ("fill", lambda: T.fill(T.matrix(), 4), 4),
    ("zeros_like", lambda: T.zeros_like(T.matrix()), 0),
    ("dimshuffle", lambda: T.constant([3]).dimshuffle(0, "x"), 3),
    ("reshape", lambda: T.ones((2, 3)).reshape((3, 2)), 1),
    ("unbroadcast", lambda: T.unbroadcast(T.constant([9]), 0), 9),
    ("cast", lambda: T.cast(T.constant(3.7), "int32") + T.constant(1), 4),
    ("add", lambda: T.constant(2) + T.constant(3) * 2, 8),
    ("switch", lambda: T.switch(T.constant(True), 5, 6), 5),
    ("make_vector", lambda: T.stack([T.constant(2), T.constant(2)]), 2),
    ("make_vector[1]", lambda: T.stack([T.scalar(), T.constant(2.0)])[1], 2),
    ("join[-1]", lambda: T.concatenate([T.constant([1, 2]), T.constant([3]) + T.lvector().sum() * 0 + 0])[1], 2),
    ("shape", lambda: T.row().shape[0], 1),
    ("shape of a constant", lambda: T.as_tensor_variable(np.zeros((4, 5))).shape[::-1][0], 5),
    ("shape_i", lambda: T.Shape_i(0)(T.row()), 1),
    ("constant[2:][1]", lambda: T.constant([4, 5, 6, 7])[2:][1], 7),
    ("constant[i, j]", lambda: T.constant(np.arange(6).reshape(2, 3))[1, ::-1][0], 5),
    ("matrix[0]", lambda: T.constant([[1, 2], [3, 4]]).T[0][1], 3),
]


@pytest.mark.parametrize(("name", "build", "expected"), FOUND, ids=[f[0] for f in FOUND])
def test_scalar_constants_are_found(name: str, build: Any, expected: Any) -> None:
    found = T.get_scalar_constant_value(build())
    assert isinstance(found, np.ndarray) and found.ndim == 0
    assert found == expected


NOT_FOUND: list[tuple[str, Callable[[], Any]]] = [
    ("None", lambda: None),
    ("input", T.scalar),
    ("different elements", lambda: T.constant([1, 2])),
    ("shared", lambda: symtheano.shared(1.0)),
    ("unknown shape", lambda: T.matrix().shape[0]),
    ("unknown index", lambda: T.constant([1, 2])[T.lscalar()]),
    ("bool", lambda: True),
    ("text", lambda: "no"),
    ("sum", lambda: T.constant(2.0) + T.scalar()),
    ("vector", lambda: T.stack([T.constant(1), T.constant(2)])),
]


@pytest.mark.parametrize(("name", "build"), NOT_FOUND, ids=[f[0] for f in NOT_FOUND])
def test_what_is_no_scalar_constant(name: str, build: Any) -> None:
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(build())


def test_options() -> None:
    x = T.constant(2) + T.constant(3)
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(x, elemwise=False)
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(x, max_recur=0)
    with pytest.raises(NotScalarConstantError):
        T.get_scalar_constant_value(T.constant([3]).dimshuffle(), only_process_constants=True)
    with pytest.raises(EmptyConstantError):
        T.get_scalar_constant_value(np.zeros((0, 2)))
    assert np.isnan(T.get_scalar_constant_value(np.float64("nan")))


def test_extract_constant() -> None:
    x = T.scalar()
    assert T.extract_constant(x) is x
    assert T.extract_constant(T.constant(2)) == 2


def test_sizes_that_come_through_other_ops() -> None:
    x = T.TensorType("float64", shape=(None, 3))()
    s = x.shape
    assert constant_dim(s[1]) == 3
    assert constant_dim(s[0]) is None
    assert constant_dim(s[1] * 2 + 1) == 7
    assert constant_dim(s[-1]) == 3
    assert origins(T.concatenate([s[:1], s[1:], [5]]), 3) == [(x, 0), 3, 5]
    assert origins(s[::-1], 2) == [3, (x, 0)]
    assert known_lengths(T.as_tensor_variable([s[1], s[0]]), 2) == [3, None]
    assert constant_dim(T.cast(s[1], "int32")) == 3
    assert get_vector_length(T.concatenate([s[:-1], [2]])) == 2


def test_a_deep_expression_of_sizes_is_given_up_on() -> None:
    n = T.lscalar()
    for _ in range(3000):
        n = n + 1
    assert constant_dim(n) is None
    assert T.vector().reshape((n, 1)).type.broadcastable == (False, True)
