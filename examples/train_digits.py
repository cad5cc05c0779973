"""Train a two-layer network on scanned digits, with the API that Theano's users know.

The data are the 1,797 handwritten digits, 8 by 8 pixels, that come with scikit-learn. Run it with ``make train``, or

    python examples/train_digits.py --epochs 10 --hidden 128 --out runs/small

It prints loss and test accuracy for each epoch, and leaves in the output folder the curve of the loss, a picture of
what the first layer learnt, and the parameters, which it loads again to see that they give the same answers.
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
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import symtheano as st
import symtheano.tensor as T

mpl.use("Agg")  # pictures go to files: no display is needed
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

Array = NDArray[Any]
Parameters = dict[str, Any]  # name -> shared variable

SIDE = 8  # pixels
CLASSES = 10
PICTURES = 64  # hidden units to draw


class Digits(NamedTuple):
    """Images as rows of pixels between 0 and 1, and the digit each one shows."""

    train_x: Array
    train_y: Array
    test_x: Array
    test_y: Array


def read_digits(seed: int) -> Digits:
    """The data set, a quarter of each digit's images kept for the test."""
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(st.config.floatX)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels.astype("int32"), test_size=0.25, random_state=seed, stratify=labels
    )
    return Digits(train_x, train_y, test_x, test_y)


# ---------------------------------------------------------------------------------------------------------- the model


def initial_values(hidden: int, rng: np.random.Generator) -> dict[str, Array]:
    """Biases of zero, weights of the size that suits ReLU units; smaller first ones, so that their picture is clear."""
    pixels = SIDE * SIDE
    values = {
        "W1": rng.normal(0, 0.05, (pixels, hidden)),
        "b1": np.zeros(hidden),
        "W2": rng.normal(0, np.sqrt(2 / hidden), (hidden, CLASSES)),
        "b2": np.zeros(CLASSES),
    }
    return {name: value.astype(st.config.floatX) for name, value in values.items()}


def share(values: dict[str, Array]) -> Parameters:
    """Shared variables that hold these values."""
    return {name: st.shared(value, name=name) for name, value in values.items()}


def scores(x: Any, parameters: Parameters) -> Any:
    """For each row of x, ten numbers: the greatest says which digit it is."""
    hidden = T.nnet.relu(T.dot(x, parameters["W1"]) + parameters["b1"])
    return T.dot(hidden, parameters["W2"]) + parameters["b2"]


def momentum_updates(loss: Any, parameters: Parameters, rate: float, momentum: float) -> list[tuple[Any, Any]]:
    """One step of gradient descent with momentum: new values for the parameters and their velocities."""
    updates = []
    for parameter, gradient in zip(parameters.values(), T.grad(loss, list(parameters.values()))):
        velocity = st.shared(np.zeros_like(parameter.get_value()), name=f"velocity_{parameter.name}")
        step = momentum * velocity - rate * gradient
        updates += [(velocity, step), (parameter, parameter + step)]
    return updates


# ------------------------------------------------------------------------------------------------- compiled functions


def training_step(images: Any, labels: Any, parameters: Parameters, options: argparse.Namespace) -> Any:
    """A function of a minibatch's number: it updates the parameters and returns the loss.

    The data set is shared, so that it stays where the function runs; ``givens`` puts a slice of it in the place of x
    and y.
    """
    x, y, index = T.matrix("x"), T.ivector("y"), T.lscalar("index")
    probabilities = T.nnet.softmax(scores(x, parameters))
    loss = T.nnet.categorical_crossentropy(probabilities, y).mean()
    batch = slice(index * options.batch, (index + 1) * options.batch)
    return st.function(
        [index],
        loss,
        updates=momentum_updates(loss, parameters, options.lr, options.momentum),
        givens={x: images[batch], y: labels[batch]},
        name="training_step",
    )


def accuracy_of(parameters: Parameters) -> Callable[[Array, Array], Array]:
    """A function of images and labels: the share of images that the network reads rightly."""
    x, y = T.matrix("x"), T.ivector("y")
    right = T.eq(T.argmax(scores(x, parameters), axis=1), y)
    function: Callable[[Array, Array], Array] = st.function([x, y], T.mean(right), name="accuracy")
    return function


# ----------------------------------------------------------------------------------------------------------- training


def train(
    digits: Digits, parameters: Parameters, options: argparse.Namespace, rng: np.random.Generator
) -> tuple[list[float], Any]:
    """Train, and return the mean loss of each epoch and the compiled step."""
    images, labels = st.shared(digits.train_x, name="images"), st.shared(digits.train_y, name="labels")
    start = time.perf_counter()
    step = training_step(images, labels, parameters, options)
    accuracy = accuracy_of(parameters)
    print(f"compiled in {time.perf_counter() - start:.2f} s")

    batches = len(digits.train_x) // options.batch
    losses = []
    with tqdm(total=options.epochs * batches, unit="batch", leave=False, disable=None) as progress:
        for epoch in range(1, options.epochs + 1):
            order = rng.permutation(len(digits.train_x))
            images.set_value(digits.train_x[order])
            labels.set_value(digits.train_y[order])
            total = 0.0
            for index in range(batches):
                total += float(step(index))
                progress.update()
            losses.append(total / batches)
            share_right = float(accuracy(digits.test_x, digits.test_y))
            progress.write(f"epoch {epoch:3d}   loss {losses[-1]:.4f}   test accuracy {share_right:.2%}")
    return losses, step


# ------------------------------------------------------------------------------------------------------------ results


def save_parameters(parameters: Parameters, path: Path) -> None:
    """Write the values of the parameters, by name."""
    np.savez(path, **{name: variable.get_value() for name, variable in parameters.items()})


def load_parameters(path: Path) -> Parameters:
    """New shared variables with the values of the file."""
    with np.load(path) as values:
        return share(dict(values))


def draw_loss(losses: Sequence[float], path: Path) -> None:
    """The loss of each epoch as a curve."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    axes.semilogy(range(1, len(losses) + 1), losses, marker=".")
    axes.set(xlabel="epoch", ylabel="cross-entropy", title="Loss on the training digits")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_weights(weights: Array, path: Path) -> None:
    """What the hidden units with the greatest weights look for, 8 by 8 pixels each: red for ink, blue for paper."""
    strongest = np.argsort(-np.linalg.norm(weights, axis=0))[:PICTURES]
    columns = int(np.ceil(np.sqrt(len(strongest))))
    rows = -(-len(strongest) // columns)
    canvas = np.zeros((rows * (SIDE + 1) - 1, columns * (SIDE + 1) - 1))
    for place, picture in enumerate(weights.T[strongest].reshape(-1, SIDE, SIDE)):
        top, left = (SIDE + 1) * (place // columns), (SIDE + 1) * (place % columns)
        canvas[top : top + SIDE, left : left + SIDE] = picture / np.abs(picture).max()
    figure, axes = plt.subplots(figsize=(8, 8 * rows / columns), layout="constrained")
    axes.imshow(canvas, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_axis_off()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def excerpt(function: Any, lines: int = 16) -> str:
    """The first lines of what the function was compiled to."""
    text = str(function.source).splitlines()
    more = [f"... {len(text) - lines} more lines"] if len(text) > lines else []
    return "\n".join(f"    {line}" for line in [*text[:lines], *more])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description="Train a two-layer ReLU network on scikit-learn's 1,797 scanned digits.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=30, help="how many times to go through the training digits")
    parser.add_argument("--hidden", type=int, default=256, help="units of the hidden layer")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate: how far a step goes down the gradient")
    parser.add_argument("--momentum", type=float, default=0.9, help="how much of the last step the next one keeps")
    parser.add_argument("--batch", type=int, default=32, help="digits in a minibatch")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split, the first weights and the shuffling")
    parser.add_argument("--out", type=Path, default=Path("runs/digits"), help="folder for pictures and parameters")
    parser.add_argument(
        "--floatX", choices=("float32", "float64"), default="float32", help="precision of data and parameters"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> float:
    """Train, save, load again; returns the test accuracy."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(options.seed)
    with st.config.change_flags(floatX=options.floatX):
        digits = read_digits(options.seed)
        print(f"{len(digits.train_x)} digits to learn from, {len(digits.test_x)} to test on")
        parameters = share(initial_values(options.hidden, rng))
        losses, step = train(digits, parameters, options, rng)

        draw_loss(losses, options.out / "loss.png")
        draw_weights(parameters["W1"].get_value(), options.out / "weights.png")
        save_parameters(parameters, options.out / "parameters.npz")
        final = float(accuracy_of(parameters)(digits.test_x, digits.test_y))
        again = load_parameters(options.out / "parameters.npz")
        reloaded = float(accuracy_of(again)(digits.test_x, digits.test_y))
    if reloaded != final:
        raise SystemExit(f"the saved parameters give {reloaded:.2%}, not {final:.2%}")

    print(f"\nwhat a step was compiled to:\n\n{excerpt(step)}\n")
    print(f"test accuracy {final:.2%}, and the same with the parameters loaded from {options.out / 'parameters.npz'}")
    print(f"pictures: {options.out / 'loss.png'}, {options.out / 'weights.png'}")
    return final


if __name__ == "__main__":
    main()
