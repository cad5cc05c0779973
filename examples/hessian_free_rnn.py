"""Train a recurrent network by a Hessian-free method, with products of curvature that come from Rop through scan.

The adding problem (Hochreiter and Schmidhuber, 1997): a sequence of numbers between 0 and 1, two of which are marked,
one in each half; say their sum at the end. Who always says 1 has a mean squared error of 1/6 = 0.167; gradient descent
stays there for long, since what is asked for lies far back. The method is that of Martens and Sutskever (2011): each
step minimises a quadratic model of the loss, whose curvature is Gauss and Newton's matrix G = J' J. It is never made:
conjugate gradients need only products G v, and G v = Lop(Rop(v)): forward through the loop, then back. How much the
model is trusted is damping, which Levenberg and Marquardt's rule sets. Run it with ``make adding``, or

    python examples/hessian_free_rnn.py --length 200 --hidden 64
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import symtheano as theano
import symtheano.tensor as T

mpl.use("Agg")  # pictures go to files: no display is needed
import matplotlib.pyplot as plt

Array = NDArray[Any]

BASELINE = 1 / 6  # the loss of who always says 1
TRUST = (
    0.25,
    0.75,
)  # of the decrease that the model promised: below the first damping grows, above the second it falls
CHANGE = 1.5  # by which damping grows or falls
PATIENCE = 5e-4  # conjugate gradients end when the model gets better by less than this share a step
CARRIED = 0.95  # of the last direction, where the next conjugate gradients start


def problem(count: int, length: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Inputs (length, count, 2): a number and its mark; and the sums of the marked ones, (count, 1)."""
    numbers, marks = rng.random((length, count)), np.zeros((length, count))
    half = length // 2
    first, second = rng.integers(0, half, count), rng.integers(half, length, count)
    for places in (first, second):
        marks[places, np.arange(count)] = 1
    x = np.stack([numbers, marks], axis=2).astype(theano.config.floatX)
    return x, (numbers * marks).sum(axis=0)[:, None].astype(theano.config.floatX)


# ---------------------------------------------------------------------------------------------------------- the model


def initial_values(hidden: int, rng: np.random.Generator) -> dict[str, Array]:
    """A turning matrix between the states, so that a new network neither forgets nor explodes."""
    turn, _ = np.linalg.qr(rng.normal(size=(hidden, hidden)))
    values = {
        "W": rng.normal(0, 0.3, (2, hidden)),
        "U": turn,
        "b": np.zeros(hidden),
        "V": rng.normal(0, hidden**-0.5, (hidden, 1)),
        "a": np.ones(1),
    }
    return {name: value.astype(theano.config.floatX) for name, value in values.items()}


def answer(x: Any, parameters: dict[str, Any]) -> Any:
    """What the network says after the last step."""
    W, U, b, V, a = parameters.values()
    nothing = T.zeros((x.shape[1], U.shape[0]))
    hs, _ = theano.scan(
        lambda x, h, W, U, b: T.tanh(T.dot(x, W) + T.dot(h, U) + b),
        sequences=x,
        outputs_info=nothing,
        non_sequences=[W, U, b],
    )
    return T.dot(hs[-1], V) + a


class Functions(NamedTuple):
    """What the method needs of a network, compiled. Directions are given and returned as a list, as the parameters.

    loss(x, y); gradient(x, y) gives the loss and its gradient; curvature(x, *direction) gives G v; move(*direction)
    adds it to the parameters.
    """

    loss: Callable[..., Any]
    gradient: Callable[..., Any]
    curvature: Callable[..., Any]
    move: Callable[..., Any]


def compiled(parameters: dict[str, Any]) -> Functions:
    """The functions. The loss is half the mean squared error, so that its curvature at the answers is 1 / count."""
    x, y = T.tensor3("x"), T.matrix("y")
    variables = list(parameters.values())
    said = answer(x, parameters)
    loss = 0.5 * T.mean((said - y) ** 2)
    direction = [v.type(f"v_{v.name}") for v in variables]
    forward = T.Rop(said, variables, direction) / x.shape[1]
    product = T.Lop(said, variables, forward)
    return Functions(
        theano.function([x, y], loss, name="loss"),
        theano.function([x, y], [loss, *T.grad(loss, variables)], name="gradient"),
        theano.function([x, *direction], product, name="curvature"),
        theano.function(direction, updates=[(p, p + v) for p, v in zip(variables, direction)], name="move"),
    )


# ------------------------------------------------------------------------------------------------------------- method


class Flat:
    """Vectors in the place of lists of arrays."""

    def __init__(self, values: Sequence[Array]):
        self.shapes = [v.shape for v in values]
        self.cuts = np.cumsum([v.size for v in values])[:-1]

    def join(self, arrays: Sequence[Array]) -> Array:
        """One vector, in double precision: conjugate gradients lose their way otherwise."""
        return np.concatenate([np.ravel(a) for a in arrays]).astype("float64")

    def split(self, vector: Array) -> list[Array]:
        """The arrays again."""
        parts = np.split(vector.astype(theano.config.floatX), self.cuts)
        return [part.reshape(shape) for part, shape in zip(parts, self.shapes)]


def conjugate_gradients(
    product: Callable[[Array], Array], target: Array, start: Array, most: int
) -> tuple[Array, float, int]:
    """Minimises q(x) = x A x / 2 - target x, where product(x) is A x.

    Returns x, q(x) and the number of steps; ends where the last steps, a tenth of all, made q little better (Martens).
    """
    x = start.copy()
    residual = product(x) - target
    direction, size = -residual, residual @ residual
    values = [0.5 * x @ (residual - target)]
    for k in range(1, most + 1):
        if size == 0:
            break
        along = product(direction)
        length = size / (direction @ along)
        x += length * direction
        residual += length * along
        size, before = residual @ residual, size
        direction = size / before * direction - residual
        values.append(0.5 * x @ (residual - target))
        back = max(10, k // 10)
        if k > back and values[-1] < 0 and (values[-1] - values[-1 - back]) / values[-1] < back * PATIENCE:
            break
    return x, float(values[-1]), len(values) - 1


class Optimiser:
    """The Hessian-free method: `step` moves the parameters and says how it went."""

    def __init__(self, parameters: dict[str, Any], options: argparse.Namespace):
        self.functions = compiled(parameters)
        self.flat = Flat([p.get_value() for p in parameters.values()])
        self.damping, self.most = options.damping, options.cg
        self.last = np.zeros(sum(p.get_value().size for p in parameters.values()))

    def step(self, x: Array, y: Array, few: Array) -> dict[str, float]:
        """One step down on the data x, y; the curvature is that of the sequences `few`."""
        f, flat = self.functions, self.flat
        before, *gradients = f.gradient(x, y)
        gradient = flat.join(gradients)

        def damped(v: Array) -> Array:
            return flat.join(f.curvature(few, *flat.split(v))) + self.damping * v

        move, promised, steps = conjugate_gradients(damped, -gradient, CARRIED * self.last, self.most)
        f.move(*flat.split(move))
        after, size = float(f.loss(x, y)), 1.0
        while not after < before and size > 1e-3:  # half way back, again and again
            f.move(*flat.split(-0.5 * size * move))
            size *= 0.5
            after = float(f.loss(x, y))
        if not after < before:
            f.move(*flat.split(-size * move))
            after, move = float(before), 0 * move
        self.last = move
        kept = (after - float(before)) / promised if promised < 0 else 0.0
        self.damping *= CHANGE if size < 1 or kept < TRUST[0] else 1 / CHANGE if kept > TRUST[1] else 1.0
        return {"error": 2 * after, "steps": steps, "damping": self.damping, "size": size}


def train(parameters: dict[str, Any], options: argparse.Namespace) -> list[tuple[float, float]]:
    """Until the error on new sequences is small or all steps are made; the errors, in training and on new sequences."""
    rng = np.random.default_rng(options.seed)
    clock = time.perf_counter()
    optimiser = Optimiser(parameters, options)
    print(f"compiled in {time.perf_counter() - clock:.2f} s")
    test_x, test_y = problem(1_000, options.length, rng)
    errors: list[tuple[float, float]] = []
    with tqdm(total=options.updates, unit="update", leave=False, disable=None) as progress:
        for update in range(1, options.updates + 1):
            x, y = problem(options.batch, options.length, rng)
            told = optimiser.step(x, y, np.ascontiguousarray(x[:, : max(1, options.batch // 4)]))
            errors.append((told["error"], 2 * float(optimiser.functions.loss(test_x, test_y))))
            progress.update()
            if update % 5 == 0 or errors[-1][1] < options.goal:
                progress.write(
                    f"update {update:3d}   error {told['error']:.5f}, {errors[-1][1]:.5f} on new sequences"
                    f"   ({told['steps']:.0f} CG steps, damping {told['damping']:.2g})"
                )
            if errors[-1][1] < options.goal:
                break
    return errors


# ------------------------------------------------------------------------------------------------------------ results


def draw(errors: Sequence[tuple[float, float]], path: Path) -> None:
    """The errors of each update as curves, and the baseline."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for label, values in zip(("training", "new sequences"), zip(*errors)):
        axes.semilogy(range(1, len(errors) + 1), values, label=label)
    axes.axhline(BASELINE, color="grey", linestyle="--", label="who always says 1")
    axes.set(xlabel="update", ylabel="mean squared error", title="The adding problem by a Hessian-free method")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description="Train a recurrent network on the adding problem by Gauss-Newton products and conjugate gradients.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--length", type=int, default=100, help="numbers in a sequence")
    parser.add_argument("--hidden", type=int, default=50, help="units of the network")
    parser.add_argument("--batch", type=int, default=1000, help="sequences of an update; a fourth is for curvature")
    parser.add_argument("--updates", type=int, default=150, help="the most updates")
    parser.add_argument("--cg", type=int, default=60, help="the most steps of conjugate gradients in an update")
    parser.add_argument("--damping", type=float, default=0.1, help="damping of the first update")
    parser.add_argument("--goal", type=float, default=0.001, help="end at this mean squared error on new sequences")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sequences and the first weights")
    parser.add_argument(
        "--out", type=Path, default=Path("runs/adding"), help="folder for the picture and the parameters"
    )
    parser.add_argument("--floatX", choices=("float32", "float64"), default="float32", help="precision")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> list[tuple[float, float]]:
    """Trains; returns the errors of each update, in training and on new sequences."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with theano.config.change_flags(floatX=options.floatX):
        values = initial_values(options.hidden, np.random.default_rng(options.seed))
        parameters = {name: theano.shared(value, name=name) for name, value in values.items()}
        errors = train(parameters, options)
    draw(errors, options.out / "error.png")
    np.savez(options.out / "parameters.npz", **{name: p.get_value() for name, p in parameters.items()})
    print(f"\nerror on new sequences {errors[-1][1]:.5f}; {BASELINE:.3f} has who always says 1")
    print(f"picture and parameters: {options.out / 'error.png'}, {options.out / 'parameters.npz'}")
    return errors


if __name__ == "__main__":
    main()
