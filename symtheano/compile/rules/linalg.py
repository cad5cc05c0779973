"""Determinants that overflow or underflow where their logarithms do not."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, like
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import is_complex
from symtheano.tensor.convert import make_constant
from symtheano.tensor.diagonal import identity_like
from symtheano.tensor.dot import dot
from symtheano.tensor.elemwise import functions as m
from symtheano.tensor.linalg.inverse import Det, det, slogdet


def _square(a: Any) -> Any:
    """A positive definite matrix made of any."""
    product = dot(a, a.T)
    return product + identity_like(product)


@rule(
    m.log,
    reason="the definition of slogdet",
    examples=[
        on(lambda a: m.log(det(_square(a))), 2),
        on(lambda a: m.log(m.abs_(det(-_square(a)))), 2),
    ],
)
def log_of_determinant(node: Apply) -> list[Any] | None:
    """log(det(x)) -> slogdet(x)[1], or nan where the determinant is negative; log(abs(det(x))) -> slogdet(x)[1]."""
    value: Any = node.inputs[0]
    inner = arg_of(value, "abs_")
    determinant = value if inner is None else inner
    if determinant.owner is None or not isinstance(determinant.owner.op, Det):
        return None
    if inner is None and is_complex(value.type.dtype):
        return None
    sign, logarithm = slogdet(determinant.owner.inputs[0])
    if inner is None:
        nan = make_constant(np.asarray(np.nan, logarithm.type.dtype))
        logarithm = m.switch(m.ge(sign, 0), logarithm, nan)
    return [like(logarithm, node.outputs[0])]


DETERMINANTS = (log_of_determinant,)
