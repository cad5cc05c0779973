"""Examples of the ops of random numbers, for `test_every_op`: all but RandomFunction compute from arrays."""

from __future__ import annotations

import numpy as np

import symtheano.tensor as T
from symtheano.sandbox import rng_mrg
from symtheano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform
from tests.tensor.examples import Example, numbers

STATES = rng_mrg.MRG_RandomStreams(5).get_substream_rstates(3, "float64")
CHANCES = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
UNIFORM = np.array([0.1, 0.95, 0.7, 0.65])

EXAMPLES = [
    Example("mrg", lambda s: rng_mrg.mrg_uniform.new(s, None, "float64", (4, 1)), (STATES,), ()),
    Example("mrg size", lambda s, n: rng_mrg.mrg_uniform.new(s, 2, "float32", n), (STATES, np.array([2, 5])), ()),
    Example("multinomial", lambda p, u: MultinomialFromUniform("auto")(p, u, 2), (CHANCES, UNIFORM), ()),
    Example("choose outcomes", lambda p, u: ChoiceFromUniform("auto")(p, u, 2), (CHANCES, UNIFORM), ()),
    Example(
        "dot modulo",
        lambda a, s: rng_mrg.DotModulo()(a, s, T.constant(7), a, s, T.constant(11)),
        (np.array([[1, 2], [3, 4]]), np.array([5, 6])),
        (),
    ),
    Example("permute rows", T.permute_row_elements, (numbers(2, 3), np.array([[2, 0, 1], [1, 2, 0]]))),
    Example("permute back", lambda x: T.permute_row_elements(x, np.array([2, 0, 1]), True), (numbers(2, 3),)),
]
