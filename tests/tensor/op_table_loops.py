"""Examples of the ops that only targets with loops use, for `test_every_op`."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.tensor.gather import Gather, Place, Scatter
from symtheano.tensor.supremum import Infimum, Supremum
from tests.tensor.examples import Example, numbers

A34, T234 = numbers(3, 4), numbers(2, 3, 4, seed=6)
ROWS = np.array([2, 0, -2])
LABELS = np.array([1, 3, 0], "int32")


def _column(i: Any) -> Any:
    return i.dimshuffle(0, "x")


EXAMPLES = [
    Example("supremum", lambda x: [Supremum((1,))(x), Infimum()(x)], (A34,), ()),
    Example("supremum of nothing", lambda x: [Supremum((1,))(x), Infimum()(x)], (np.zeros((3, 0)),), ()),
    Example("infimum of nothing", lambda x: [Supremum()(x), Infimum((0,))(x)], (np.zeros((0, 2), "int16"),), ()),
    Example("place", lambda i: [Place(True)(i, 3), Place(False)(abs(i), i.shape[0])], (ROWS,), ()),
    Example("gather rows", lambda x, i: Gather((None, 1))(x, _column(Place(True)(i, 3))), (A34, ROWS), ()),
    Example("gather labels", lambda x, y: Gather((0, None))(x, Place(False)(y, x.shape[1])), (A34, LABELS), ()),
    Example(
        "gather blocks",
        lambda x, i: Gather((2, None, 1))(x, Place(True)(i, 3).dimshuffle(0, "x", "x")),
        (T234, ROWS),
        (),
    ),
    Example(
        "scatter",
        lambda x, y, i: [
            Scatter((None, 1))(x, y, _column(Place(True)(i, 3))),
            Scatter((None, 1), True)(x, y, _column(Place(True)(i, 3))),
        ],
        (A34, numbers(3, 4, seed=1), ROWS),
        (),
    ),
]
