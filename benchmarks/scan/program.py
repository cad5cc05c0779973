"""`python -m benchmarks scan`: the suite of loops."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.native import program
from benchmarks.native.peers import AHEAD
from benchmarks.native.suite import Suite
from benchmarks.scan.goals import GOALS
from benchmarks.scan.measure import LINES

HOW = """
Measured as the native target above: processes of their own, in turn, results found equal to NumPy's first. The NumPy
loops and their gradients are written by hand, products with inputs taken out of the loops, arrays written in place.
JAX is `lax.scan` under `jit`: once written as symtheano's and PyTensor's loops are, with products of inputs inside the
loop, and once with these products taken ahead of it by hand, as its users learn to. `forward` gives a loss of all
states, `last` of the last one, `gradient` the loss and its gradients with respect to parameters.
"""
WORDS = {
    "rnn": (
        "Vanilla networks",
        "h = tanh(x W + h U + b), as many inputs as hidden units, float32; the loss is the mean over steps and batch "
        "of the sum of squares; gradients with respect to W, U, b.",
    ),
    "gates": (
        "GRU and LSTM",
        "float32. The GRU as the networks above. The LSTM is a training step of a language model: words of a "
        "vocabulary of 10,000 through an embedding of 128, 256 hidden units, scores of all 10,000 words at each of 50 "
        "steps, mean cross-entropy, back through all steps, Adam on all 4.4 million parameters.",
    ),
    "small": (
        "Small steps",
        "float64. The log-likelihood of a hidden Markov model of 20 states, its gradient with respect to all its "
        "logarithms; a leapfrog integrator in 10 dimensions, two products with a matrix and cubes a step, the gradient "
        "of the sum of squares of its end with respect to its start.",
    ),
    "tiny": ("Steps that hardly compute", "s = a s + x, scalars in float64, 10,000 steps; seconds a step."),
    "compile": (
        "Cold compile",
        "From the first variable to the end of the first call, in a fresh process in which a trivial function was "
        "compiled before, with an empty cache; and in a second process from the disk cache of the first.",
    ),
    "lengths": (
        "Many lengths",
        "The gradient of a network (batch 4, hidden 32) through one function at 1,000 lengths in random order: of each "
        "the first call over the steady time, the median of three functions. And cold compiles of the integrator's "
        "gradient, whose number of steps is a constant.",
    ),
    "memory": (
        "Peak memory",
        "What is held through malloc at its highest in three calls, beyond what is held after calls of one step. What "
        "products taken ahead of the loop hold is counted.",
    ),
}
SCAN = Suite(
    "scan",
    {"jax": "jax", AHEAD: "jax", "pytensor": "pytensor"},
    "Loops, against JAX's lax.scan, PyTensor's scan and NumPy",
    HOW,
    WORDS,
    GOALS,
    LINES,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures what is asked for; 1 where a goal is missed."""
    return program.main(arguments, SCAN)
