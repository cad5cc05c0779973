"""Train an LSTM to write like Python's language reference, character by character, with `theano.scan`.

The text is English that every Python carries: the topics of ``help()``, in the module pydoc_data.topics. The network
reads it in parallel streams, a stretch at a time; gradients go back through a stretch, what the network remembers goes
on into the next. Run it with ``make write``, or

    python examples/char_lstm.py --epochs 5 --hidden 128 --out runs/small

After each epoch it prints the perplexity (of how many characters, equally likely, the choice of the next one would be
as hard) on the text and on a part that was kept back, a sample of what the network writes, and leaves in the output
folder a checkpoint, from which ``--resume`` goes on just as if it had not been interrupted, and a curve.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import symtheano as theano
import symtheano.tensor as T
from symtheano.tensor.shared_randomstreams import RandomStreams

mpl.use("Agg")  # pictures go to files: no display is needed
import matplotlib.pyplot as plt
from matplotlib.ticker import MaxNLocator

Array = NDArray[Any]
Parameters = dict[str, Any]  # name -> shared variable

KEPT_BACK = 0.05  # of the text, to test on
LONGEST = 5.0  # the norm to which gradients are shortened
DECAY = 0.9  # of the learning rate, an epoch
MADE_FOR = ("hidden", "batch", "steps", "lr", "seed", "characters", "floatX")  # what a checkpoint cannot do without


class Text(NamedTuple):
    """Symbols as numbers: 0 is the first of `alphabet`."""

    alphabet: str
    train: Array
    test: Array


def read_text(characters: int) -> Text:
    """The topics one after another, the last of them kept back for the test."""
    whole = "\n\n".join(topics[name].strip() for name in sorted(topics))[: characters or None]
    alphabet = "".join(sorted(set(whole)))
    numbers = np.array([alphabet.index(c) for c in whole], "int32")
    kept_back = int(KEPT_BACK * len(numbers))
    return Text(alphabet, numbers[:-kept_back], numbers[-kept_back:])


def streams_of(numbers: Array, batch: int) -> Array:
    """The text cut into so many columns, each of which goes on where the row before it left off."""
    rows = len(numbers) // batch
    return np.ascontiguousarray(numbers[: rows * batch].reshape(batch, rows).T)


# ---------------------------------------------------------------------------------------------------------- the model


def initial_values(symbols: int, hidden: int, rng: np.random.Generator) -> dict[str, Array]:
    """Small weights; the biases of the gates that keep what is known are 1: a new network does not forget at once."""
    values = {
        "W": rng.normal(0, 0.3, (symbols, 4 * hidden)),
        "U": rng.normal(0, hidden**-0.5, (hidden, 4 * hidden)),
        "b": np.repeat([0.0, 1.0, 0.0, 0.0], hidden),
        "V": rng.normal(0, hidden**-0.5, (hidden, symbols)),
        "a": np.zeros(symbols),
    }
    return {name: value.astype(theano.config.floatX) for name, value in values.items()}


def share(values: dict[str, Array]) -> Parameters:
    """Shared variables that hold these values."""
    return {name: theano.shared(value, name=name) for name, value in values.items()}


def lstm_step(x: Any, h: Any, c: Any, U: Any) -> tuple[Any, Any]:
    """What the network says and what it remembers after one more symbol."""
    n = h.shape[1]
    gates = x + T.dot(h, U)
    enter = T.nnet.sigmoid(gates[:, :n])
    keep = T.nnet.sigmoid(gates[:, n : 2 * n])
    say = T.nnet.sigmoid(gates[:, 2 * n : 3 * n])
    c = keep * c + enter * T.tanh(gates[:, 3 * n :])
    return say * T.tanh(c), c


def read(symbols: Any, h: Any, c: Any, p: Parameters) -> tuple[Any, Any]:
    """What the network says and remembers after each row of symbols."""
    (hs, cs), _ = theano.scan(lstm_step, sequences=p["W"][symbols] + p["b"], outputs_info=[h, c], non_sequences=p["U"])
    return hs, cs


def loss_of(symbols: Any, h: Any, c: Any, p: Parameters) -> tuple[Any, Any, Any]:
    """The mean cross-entropy of each symbol after those above it; what is said and remembered at the end."""
    hs, cs = read(symbols[:-1], h, c, p)
    scores = T.dot(hs, p["V"]) + p["a"]
    probabilities = T.nnet.softmax(scores.reshape((-1, scores.shape[2])))
    return T.nnet.categorical_crossentropy(probabilities, symbols[1:].flatten()).mean(), hs[-1], cs[-1]


# ------------------------------------------------------------------------------------------------- compiled functions


def adam(loss: Any, parameters: Parameters, moments: Parameters, rate: Any) -> list[tuple[Any, Any]]:
    """One step down the gradient, which is shortened if it is long; `moments` are those of Adam, made here."""
    variables = list(parameters.values())
    gradients = T.grad(loss, variables)
    norm = T.sqrt(sum(T.sum(g * g) for g in gradients))
    scale = LONGEST / T.maximum(norm, LONGEST)
    count = moments["count"] = theano.shared(np.asarray(0, theano.config.floatX), name="count")
    t = count + 1
    rate = rate * T.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    updates = [(count, t)]
    for parameter, gradient in zip(variables, gradients):
        m, v = (theano.shared(np.zeros_like(parameter.get_value()), name=f"{k}_{parameter.name}") for k in "mv")
        moments.update({m.name: m, v.name: v})
        g = scale * gradient
        new_m, new_v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        updates += [(m, new_m), (v, new_v), (parameter, parameter - rate * new_m / (T.sqrt(new_v) + 1e-8))]
    return updates


class Network:
    """The parameters and the functions: `train` of a stretch of symbols and a learning rate, `test` of symbols."""

    def __init__(self, alphabet: str, options: argparse.Namespace):
        self.alphabet, self.hidden = alphabet, options.hidden
        self.parameters = share(initial_values(len(alphabet), options.hidden, np.random.default_rng(options.seed)))
        self.moments: Parameters = {}
        nothing = np.zeros((options.batch, options.hidden), theano.config.floatX)
        self.memory = [theano.shared(nothing, name=name) for name in ("h", "c")]
        symbols, rate = T.imatrix("symbols"), T.scalar("rate")
        loss, h, c = loss_of(symbols, *self.memory, self.parameters)
        updates = [*adam(loss, self.parameters, self.moments, rate), *zip(self.memory, (h, c))]
        self.train = theano.function([symbols, rate], loss, updates=updates, name="train")
        zeros = T.zeros((symbols.shape[1], options.hidden))
        self.test = theano.function([symbols], loss_of(symbols, zeros, zeros, self.parameters)[0], name="test")
        self.random = RandomStreams(options.seed)
        self._write = self._writer()

    def _writer(self) -> Any:
        """A function of the beginning, the number of symbols to add, and the temperature."""
        beginning, count, temperature = T.ivector("beginning"), T.iscalar("count"), T.scalar("temperature")
        p = self.parameters
        zeros = T.zeros((1, self.hidden))
        hs, cs = read(beginning.dimshuffle(0, "x"), zeros, zeros, p)

        def step(h: Any, c: Any) -> tuple[Any, ...]:
            scores = (T.dot(h, p["V"]) + p["a"]) / temperature
            luck = self.random.uniform((1, len(self.alphabet)))
            symbol = T.argmax(scores - T.log(-T.log(luck)), axis=1)  # a draw by Gumbel's trick
            return symbol, *lstm_step(p["W"][symbol] + p["b"], h, c, p["U"])

        (symbols, _, _), updates = theano.scan(step, outputs_info=[None, hs[-1], cs[-1]], n_steps=count)
        return theano.function([beginning, count, temperature], symbols[:, 0], updates=updates, name="write")

    def write(self, beginning: str, count: int, temperature: float, seed: int) -> str:
        """The beginning and so many characters more. The lower the temperature, the more only what is likely."""
        self.random.seed(seed)
        numbers = np.array([self.alphabet.index(c) for c in beginning], "int32")
        return beginning + "".join(self.alphabet[k] for k in self._write(numbers, count, temperature))

    def forget(self) -> None:
        """As at the beginning of the text."""
        for variable in self.memory:
            variable.set_value(np.zeros_like(variable.get_value()))

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def save(self, path: Path, options: argparse.Namespace, history: Sequence[tuple[float, float]]) -> None:
        """Writes all that training goes on from; a file that was there is replaced when the new one is whole."""
        facts = {name: getattr(options, name) for name in MADE_FOR} | {"alphabet": self.alphabet, "history": history}
        values = {name: v.get_value() for name, v in (self.parameters | self.moments).items()}
        new = path.with_suffix(".new.npz")
        np.savez(new, facts=np.array(json.dumps(facts)), **values)
        new.replace(path)

    def load(self, path: Path, options: argparse.Namespace) -> list[tuple[float, float]]:
        """Takes on what `save` wrote, and returns the perplexities of the epochs before."""
        with np.load(path) as values:
            facts = json.loads(str(values["facts"]))
            other = [f"--{k} {facts[k]}" for k in MADE_FOR if facts[k] != getattr(options, k)]
            if other:
                raise SystemExit(f"the checkpoint {path} was made with {' '.join(other)}")
            if facts["alphabet"] != self.alphabet:
                raise SystemExit(f"the checkpoint {path} was made by a Python whose text has other characters")
            for name, variable in (self.parameters | self.moments).items():
                variable.set_value(values[name])
        return [(train, test) for train, test in facts["history"]]


# ----------------------------------------------------------------------------------------------------------- training


def train_epoch(network: Network, text: Text, epoch: int, options: argparse.Namespace) -> float:
    """Goes through the text once, and returns the perplexity on the way."""
    start = int(np.random.default_rng((options.seed, epoch)).integers(options.steps))  # other stretches each time
    streams = streams_of(text.train[start:], options.batch)
    network.forget()
    rate, total, count = options.lr * DECAY ** (epoch - 1), 0.0, 0
    cuts = range(0, len(streams) - 1, options.steps)
    with tqdm(cuts, unit="stretch", leave=False, disable=None, desc=f"epoch {epoch}") as progress:
        for cut in progress:
            stretch = streams[cut : cut + options.steps + 1]
            total += float(network.train(stretch, rate)) * (len(stretch) - 1)
            count += len(stretch) - 1
            progress.set_postfix(perplexity=f"{np.exp(total / count):.2f}", refresh=False)
    return float(np.exp(total / count))


def train(network: Network, text: Text, options: argparse.Namespace) -> list[tuple[float, float]]:
    """All epochs that are left; returns the perplexities of each, on the text and on what was kept back."""
    checkpoint = options.out / "checkpoint.npz"
    history = network.load(checkpoint, options) if options.resume and checkpoint.exists() else []
    if history:
        print(f"going on after epoch {len(history)}")
    kept_back = streams_of(text.test, options.batch)
    for epoch in range(len(history) + 1, options.epochs + 1):
        clock = time.perf_counter()
        perplexity = train_epoch(network, text, epoch, options)
        history.append((perplexity, float(np.exp(network.test(kept_back)))))
        seconds = time.perf_counter() - clock
        network.save(checkpoint, options, history)
        draw(history, options.out / "perplexity.png")
        print(
            f"\nepoch {epoch}: perplexity {perplexity:.2f}, {history[-1][1]:.2f} on text kept back ({seconds:.0f} s)\n"
        )
        print(indented(network.write(options.beginning, options.length, options.temperature, options.seed + epoch)))
    return history


def draw(history: Sequence[tuple[float, float]], path: Path) -> None:
    """The perplexities of each epoch as curves."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    epochs = range(1, len(history) + 1)
    for label, values in zip(("text", "text kept back"), zip(*history)):
        axes.semilogy(epochs, values, marker=".", label=label)
    axes.set(xlabel="epoch", ylabel="perplexity", title="How well the next character is guessed")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def indented(text: str) -> str:
    """Set off from what the program says itself."""
    return "\n".join(f"    | {line}" for line in text.splitlines())


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(
        description="Train an LSTM on Python's language reference, character by character.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--epochs", type=int, default=10, help="how many times to go through the text")
    parser.add_argument("--hidden", type=int, default=192, help="units of the LSTM")
    parser.add_argument("--batch", type=int, default=32, help="streams that are read at the same time")
    parser.add_argument("--steps", type=int, default=64, help="characters in a stretch, which gradients go through")
    parser.add_argument("--lr", type=float, default=0.004, help="Adam's learning rate in the first epoch")
    parser.add_argument("--characters", type=int, default=0, help="use only so much of the text (0: all)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first weights, the stretches and the samples")
    parser.add_argument("--beginning", default="The ", help="what samples begin with")
    parser.add_argument("--length", type=int, default=400, help="characters of a sample")
    parser.add_argument("--temperature", type=float, default=0.7, help="of samples: low is careful, 1 is as learnt")
    parser.add_argument("--out", type=Path, default=Path("runs/char_lstm"), help="folder for checkpoint and picture")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the output folder")
    parser.add_argument("--floatX", choices=("float32", "float64"), default="float32", help="precision")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> list[tuple[float, float]]:
    """Trains; returns the perplexities of each epoch, on the text and on what was kept back."""
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with theano.config.change_flags(floatX=options.floatX):
        text = read_text(options.characters)
        print(f"{len(text.train):,} characters to learn from, {len(text.test):,} kept back, {len(text.alphabet)} kinds")
        clock = time.perf_counter()
        network = Network(text.alphabet, options)
        print(f"compiled in {time.perf_counter() - clock:.2f} s")
        history = train(network, text, options)
    print(f"\ncheckpoint and picture: {options.out / 'checkpoint.npz'}, {options.out / 'perplexity.png'}")
    return history


if __name__ == "__main__":
    main()
