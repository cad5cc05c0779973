"""MRG_RandomStreams: random numbers by MRG31k3p, the same as Theano's, fast for large draws.

The generator is that of P. L'Ecuyer and R. Touzin, Fast combined multiple recursive generators with multipliers of the
form a = +/- 2^d +/- 2^e, Proceedings of the 2000 Winter Simulation Conference; its many streams are those of
P. L'Ecuyer, R. Simard, E. J. Chen and W. D. Kelton, Operations Research 50 (2002).
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import explain
from symtheano.gradient.barrier import undefined_grad
from symtheano.graph.variable import Variable
from symtheano.sandbox.mrg_ops import DotModulo, mrg_uniform, mrg_uniform_base
from symtheano.sandbox.mrg_state import (
    A1p72,
    A1p134,
    A2p72,
    A2p134,
    checked_seed,
    ff_2p72,
    ff_2p134,
    matVecModM,
    mrg_next_value,
    multMatVect,
    substreams,
)
from symtheano.sandbox.multinomial import ChoiceFromUniform, MultinomialFromUniform
from symtheano.scalar import upcast
from symtheano.tensor.convert import as_tensor_variable, constant
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.index import nonzero
from symtheano.tensor.join import join
from symtheano.tensor.kernels_random import M1, M2
from symtheano.tensor.math import cast
from symtheano.tensor.reduce import prod, sum
from symtheano.tensor.reshape import reshape
from symtheano.tensor.sharedvar import shared
from symtheano.tensor.sizes import size_vector, vector_items

__all__ = [
    "M1",
    "M2",
    "A1p72",
    "A1p134",
    "A2p72",
    "A2p134",
    "DotModulo",
    "MRG_RandomStreams",
    "ff_2p72",
    "ff_2p134",
    "guess_n_streams",
    "matVecModM",
    "mrg_next_value",
    "mrg_uniform",
    "mrg_uniform_base",
    "multMatVect",
]

MOST_STREAMS = 60 * 256
TRUNCATED_STD = 0.87962566103423978  # the standard deviation of the normal distribution cut off at -2 and 2


def guess_n_streams(size: Any, warn: bool = False) -> int:
    """How many streams a draw of this size has: a sixth of the numbers, at most 15360; 15360 for symbolic sizes.

    warn: say so where the size is symbolic.

    >>> guess_n_streams((100, 3)), guess_n_streams((5,))
    (50, 5)
    """
    if isinstance(size, (tuple, list)) and all(isinstance(n, int) for n in size):
        total = math.prod(size)
        return min(total // 6 if total > 6 else total, MOST_STREAMS)
    if warn:
        warnings.warn(
            f"MRG_RandomStreams can't determine the number of streams from size ({size}), guessing {MOST_STREAMS}",
            stacklevel=3,
        )
    return MOST_STREAMS


class MRG_RandomStreams:
    """A source of random variables, by the generator MRG31k3p. Each draw has streams of its own.

    seed: an int from 1 to 2147462578, or six: three below 2147483647 and three below 2147462579, neither three all 0.
    The states are shared variables, int32 of shape (streams, 6), which every call of a function advances by their
    `default_update`. The same draw used twice in a function is the same numbers. What the methods have in common:

    size: a tuple (or list) of ints and 0-d integer variables, or an integer vector. A length that is the constant 1
    makes a broadcastable axis. ndim: the number of dimensions, where size is a vector of unknown length. dtype: of the
    result. nstreams: how many streams the draw has, see `guess_n_streams`; other numbers come out for another one.
    kwargs: target='cpu'.

    >>> import symtheano
    >>> u = MRG_RandomStreams(seed=1234).uniform((3,), dtype="float32")
    >>> f = symtheano.function([], u)
    >>> [round(float(v), 6) for v in f()]
    [0.372571, 0.657686, 0.592507]
    """

    def __init__(self, seed: Any = 12345):
        self.state_updates: list[tuple[Any, Any, Any, int | None]] = []  # state, new state, size, nstreams of each draw
        self.default_instance_seed = seed
        self.set_rstate(seed)

    # -- states ----------------------------------------------------------------------------------------------------
    def updates(self) -> list[tuple[Any, Any, Any, int | None]]:
        """(state, new state, size, nstreams) of all draws."""
        return list(self.state_updates)

    def set_rstate(self, seed: Any) -> None:
        """The state `rstate` at which the streams of the next draw start."""
        self.rstate = checked_seed(seed)

    def inc_rstate(self) -> None:
        """Moves `rstate` 2**134 steps ahead, where the streams of the next draw start."""
        self.rstate = ff_2p134(self.rstate)

    def seed(self, seed: Any = None) -> None:
        """Starts all streams again, from a new seed or (None) from the first one."""
        self.set_rstate(self.default_instance_seed if seed is None else seed)
        for state, new_state, size, nstreams in self.state_updates:
            count = self.n_streams(size) if nstreams is None else nstreams
            states = self.get_substream_rstates(count, new_state.owner.outputs[1].dtype)
            if states.shape != state.get_value(borrow=True).shape:
                raise ValueError(
                    explain(
                        f"seed: the state {state} had {count} streams, but its value has been replaced.",
                        operands=[f"{state}: array of shape {state.get_value(borrow=True).shape}"],
                        remedy="set_value only states of as many streams as get_substream_rstates gave",
                    )
                )
            state.set_value(states, borrow=True)

    def get_substream_rstates(self, n_streams: int, dtype: str, inc_rstate: bool = True) -> Any:
        """The starts of `n_streams` streams, 2**72 steps apart, from `rstate` on: int32 of shape (n_streams, 6).

        dtype: of the numbers to draw (the states are the same for all). inc_rstate: call `inc_rstate` afterwards.
        """
        if not 0 < n_streams < 2**72:
            raise ValueError(f"the number of streams must be positive, not {n_streams}")
        states = substreams(self.rstate, int(n_streams))
        if inc_rstate:
            self.inc_rstate()
        return states

    def n_streams(self, size: Any) -> int:
        """The number of streams of a draw that does not say it: `guess_n_streams`."""
        return guess_n_streams(size)

    def pretty_return(self, node_rstate: Any, new_rstate: Any, sample: Any, size: Any, nstreams: int | None) -> Any:
        """`sample`, with its state and its update noted on it, here, and as the state's default update."""
        sample.rstate = node_rstate
        sample.update = (node_rstate, new_rstate)
        self.state_updates.append((node_rstate, new_rstate, size, nstreams))
        node_rstate.default_update = new_rstate
        return sample

    # -- uniform numbers and what follows from them ----------------------------------------------------------------
    def uniform(
        self,
        size: Any,
        low: Any = 0.0,
        high: Any = 1.0,
        ndim: int | None = None,
        dtype: str | None = None,
        nstreams: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Uniform numbers between `low` and `high`, both excluded: tensors that fit `size`.

        dtype: None is what low and high convert to, at least floatX. Raises TypeError and ValueError for a wrong size,
        NotImplementedError where low or high have axes that size has not.
        """
        bounds: list[Any] = [as_tensor_variable(b) for b in (low, high)]
        kind = upcast(config.floatX, *(b.type.dtype for b in bounds)) if dtype is None else _dtype(dtype)
        low, high = (undefined_grad(cast(b, kind)) for b in bounds)
        size = _checked_size(size)
        count = self.n_streams(size) if nstreams is None else nstreams
        states = self.get_substream_rstates(count, kind)
        if kwargs.keys() - {"target"}:
            raise TypeError(f"uniform() got unexpected keyword arguments {sorted(kwargs)}")
        state = shared(states, borrow=True, **kwargs)
        state.tag.is_rng = True
        new_state, sample = mrg_uniform.new(state, ndim, kind, size)
        drawn = self.pretty_return(state, new_state, sample, size, nstreams)
        result = drawn * (high - low) + low
        if result.type.broadcastable != drawn.type.broadcastable:
            raise NotImplementedError(
                explain(
                    "Increase the size to match the broadcasting pattern of `low` and `high` arguments.",
                    operation="MRG_RandomStreams.uniform",
                    operands=[f"size: {size}", f"low: {low.type}", f"high: {high.type}"],
                    remedy="give the size that the result is to have",
                )
            )
        return result

    def binomial(
        self,
        size: Any = None,
        n: Any = 1,
        p: Any = 0.5,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """How many of `n` trials with probability `p` succeed; p is a tensor that fits `size`.

        With n above 1 (an int) the numbers of the trials are drawn along one more axis, and added up.
        """
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
            raise NotImplementedError(
                explain(
                    f"MRG_RandomStreams.binomial: n must be a positive int, not {n}.",
                    remedy="shared_randomstreams.RandomStreams.binomial takes tensors of n",
                )
            )
        p = undefined_grad(as_tensor_variable(p))
        if n == 1:
            return cast(functions.lt(self.uniform(size, ndim=ndim, nstreams=nstreams, **kwargs), p), dtype)
        lengths = size if isinstance(size, (tuple, list)) else vector_items(_checked_size(size), ndim)
        trials = self.uniform((*lengths, int(n)), nstreams=nstreams, **kwargs)
        chances = dimshuffle(p, [*range(p.type.ndim), "x"])
        return cast(sum(cast(functions.lt(trials, chances), "int64"), axis=-1), dtype)

    def multinomial(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Counts of the outcomes of `n` experiments for each row of `pvals`, a matrix: a matrix of its shape.

        size and ndim must be left out: there is one draw for each row. The values of pvals are not checked.
        """
        if pvals is None:
            raise TypeError("You have to specify pvals")
        _refuse("multinomial", size=size, ndim=ndim)
        chances = _matrix("multinomial", pvals)
        count = as_tensor_variable(n)
        unis = self.uniform(_numbers(chances, count), ndim=1, nstreams=nstreams, **kwargs)
        return MultinomialFromUniform(dtype)(chances, unis, count)

    def choice(
        self,
        size: Any = 1,
        a: Any = None,
        replace: bool = True,
        p: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """`size` different outcomes for each row of the matrix of probabilities `p`: their columns, (rows, size).

        replace=False must be said, a and ndim must be left out. The values of p are not checked.
        """
        if replace:
            raise NotImplementedError("MRG_RandomStreams.choice works without replacement only: give replace=False.")
        if a is not None or p is None:
            raise TypeError(
                "MRG_RandomStreams.choice takes the probabilities p, and no a: the values are 0 to p.shape[1]-1."
            )
        _refuse("choice", ndim=ndim)
        chances = _matrix("choice", p)
        count = as_tensor_variable(size)
        unis = self.uniform(_numbers(chances, count), ndim=1, nstreams=nstreams, **kwargs)
        return ChoiceFromUniform(dtype)(chances, unis, count)

    def multinomial_wo_replacement(
        self,
        size: Any = None,
        n: Any = 1,
        pvals: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
        nstreams: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The older name of `choice(size=n, replace=False, p=pvals)`."""
        warnings.warn(
            "multinomial_wo_replacement() is deprecated: use choice() instead", DeprecationWarning, stacklevel=2
        )
        _refuse("multinomial_wo_replacement", size=size)
        return self.choice(n, None, False, pvals, ndim, dtype, nstreams, **kwargs)

    # -- normal numbers --------------------------------------------------------------------------------------------
    def normal(
        self,
        size: Any,
        avg: Any = 0.0,
        std: Any = 1.0,
        ndim: int | None = None,
        dtype: str | None = None,
        nstreams: int | None = None,
        truncate: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Normal numbers with mean `avg` and standard deviation `std`: tensors that fit `size`, by Box and Muller.

        truncate: numbers beyond 2 standard deviations are drawn again, inside; the deviation becomes smaller then.
        size may also be an int or a 0-d variable. dtype: None is what avg and std convert to, at least floatX.
        """
        lengths = _checked_normal_size(size)
        parameters: list[Any] = [as_tensor_variable(v) for v in (avg, std)]
        kind = upcast(config.floatX, *(v.type.dtype for v in parameters)) if dtype is None else _dtype(dtype)
        mean, deviation = (cast(undefined_grad(v), kind) for v in parameters)
        total = prod(lengths, dtype="int64")
        even = total + total % 2
        numbers = self.uniform((even,), ndim=1, dtype=kind, nstreams=nstreams, **kwargs)
        half = even // 2
        radius = _radius(numbers[:half])
        angle = np.array(2.0 * np.pi, kind) * numbers[half:]
        pieces = [
            (radius * functions.cos(angle), functions.cos(angle)),
            (radius * functions.sin(angle), functions.sin(angle)),
        ]
        if truncate:
            drawn = join(0, *self._inside(pieces, kind, nstreams, **kwargs))
        else:
            drawn = join(0, *(z for z, _ in pieces))
        return reshape(drawn[:total], lengths, ndim=ndim) * deviation + mean

    def _inside(self, pieces: Any, kind: str, nstreams: int | None, **kwargs: Any) -> list[Any]:
        """Of each piece (numbers, directions) the numbers within 2 deviations, then new ones for the others."""
        masks: list[Any] = [functions.or_(functions.lt(z, -2.0), functions.gt(z, 2.0)) for z, _ in pieces]
        within = [nonzero(~mask) for mask in masks]
        beyond = [nonzero(mask)[0] for mask in masks]
        missing = [b.shape[0] for b in beyond]
        lowest = constant(1.0 / np.e**2, dtype=kind)  # a radius of 2 at most
        again = self.uniform((missing[0] + missing[1],), lowest, 1.0, ndim=1, dtype=kind, nstreams=nstreams, **kwargs)
        radius = _radius(again)
        parts: list[Any] = []
        for (z, direction), inner, outer, some in zip(
            pieces, within, beyond, (radius[: missing[0]], radius[missing[0] :]), strict=True
        ):
            parts += [z[inner], some * direction[outer]]
        return parts

    def truncated_normal(
        self,
        size: Any,
        avg: Any = 0.0,
        std: Any = 1.0,
        ndim: int | None = None,
        dtype: str | None = None,
        nstreams: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """Numbers of a normal distribution cut off at two of its deviations, whose own mean and deviation are given."""
        wider = as_tensor_variable(std) / constant(TRUNCATED_STD)  # type: ignore[operator]
        return self.normal(size, avg, wider, ndim, dtype, nstreams, truncate=True, **kwargs)


# -- arguments ---------------------------------------------------------------------------------------------------------


def _radius(u: Any) -> Any:
    """Box and Muller's distance from the origin: sqrt(-2 log(u)), in the dtype of u."""
    return functions.sqrt(constant(-2.0, dtype=u.type.dtype) * functions.log(u))


def _dtype(dtype: str) -> str:
    return config.floatX if dtype == "floatX" else dtype


def _checked_size(size: Any) -> Any:
    """The size of a uniform draw: a tuple of positive ints and 0-d variables, or an integer vector."""
    if isinstance(size, (tuple, list)) and all(isinstance(n, (int, np.integer, Variable)) for n in size):
        if any(not isinstance(n, Variable) and n <= 0 for n in size):
            raise ValueError(
                explain(
                    "The specified size contains a dimension with value <= 0",
                    operands=[f"size: {size}"],
                    remedy="lengths that may be 0 must be symbolic",
                )
            )
        return tuple(size)
    if isinstance(size, Variable) and size.type.ndim == 1:
        return size
    raise TypeError(
        explain(
            f"size must be a tuple of int or a Theano Variable with 1 dimension, got {size} of type {type(size)}",
            operands=[f"size: {getattr(size, 'type', type(size).__name__)}"],
            remedy="for one axis write size=(n,)",
        )
    )


def _checked_normal_size(size: Any) -> Any:
    """The size of a normal draw as an integer vector; ValueError where it is none."""
    single = isinstance(size, (int, np.integer)) or (isinstance(size, Variable) and size.type.ndim == 0)
    try:
        return size_vector(_checked_size((size,) if single else size))
    except TypeError as error:
        raise ValueError(*error.args) from error


def _refuse(method: str, **arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                explain(
                    f"Provided a {name} argument to MRG_RandomStreams.{method}, which does not use it.",
                    operands=[f"{name}: {value}"],
                    remedy=f"leave {name} out; there is one draw for each row of the matrix of probabilities",
                )
            )


def _matrix(method: str, p: Any) -> Any:
    chances: Any = as_tensor_variable(p)
    if chances.type.ndim != 2:
        raise NotImplementedError(
            explain(
                f"MRG_RandomStreams.{method} is only implemented for a matrix of probabilities.",
                operands=[f"{chances}: {chances.type}"],
                remedy="one distribution is a matrix of one row: p.dimshuffle('x', 0)",
            )
        )
    return undefined_grad(chances)


def _numbers(chances: Any, count: Any) -> Any:
    """The size of a draw with `count` numbers for each row."""
    return size_vector([chances.shape[0] * count])
