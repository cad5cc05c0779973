"""RandomStreams: random numbers whose states live in shared variables, drawn by `numpy.random.RandomState`."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.tensor.random_state import RandomStateSharedVariable, randomstate_constructor
from symtheano.tensor.raw_random import RandomStreamsBase
from symtheano.tensor.sharedvar import shared

__all__ = ["RandomStateSharedVariable", "RandomStreams", "randomstate_constructor"]


class RandomStreams(RandomStreamsBase):
    """A source of random variables. Each draw has a stream of its own, which every call of a function advances.

    seed: an int from 0 to 2**32 - 1, or None for one that differs from run to run. The k-th draw's stream is
    `RandomState(s)`, where s is the k-th `randint(2**30)` of `RandomState(seed)`: the numbers are Theano's.

    A draw has `.rng`, the shared variable of its state, and `.update`, the pair (state, new state); the new state is
    the state's `default_update`. The same draw used twice in a function is the same numbers.

    >>> import symtheano
    >>> streams = RandomStreams(seed=234)
    >>> u = streams.uniform((2, 2))
    >>> f = symtheano.function([], [u, u - u])
    >>> first, zeros = f()
    >>> zeros.any(), (first == f()[0]).any()
    (np.False_, np.False_)
    """

    def __init__(self, seed: int | None = None):
        self.state_updates: list[tuple[Any, Any]] = []  # (state, new state) of each draw
        self.default_instance_seed = seed
        self.gen_seedgen = np.random.RandomState(seed)  # gives the seeds of the streams

    def updates(self) -> list[tuple[Any, Any]]:
        """The pairs (state, new state) of all draws, for the `updates` of a function."""
        return list(self.state_updates)

    def seed(self, seed: int | None = None) -> None:
        """Starts all streams again, from a new seed or (None) from the first one."""
        seeds = np.random.RandomState(self.default_instance_seed if seed is None else seed)
        for state, _ in self.state_updates:
            state.set_value(np.random.RandomState(int(seeds.randint(2**30))), borrow=True)

    def __getitem__(self, item: Any) -> Any:
        """The RandomState in the shared variable `item` itself, not a copy."""
        return item.get_value(borrow=True)

    def __setitem__(self, item: Any, val: Any) -> None:
        """Puts the RandomState `val` into the shared variable `item`."""
        item.set_value(val, borrow=True)

    def gen(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        """A draw with a new stream: the numbers of `op(random_state, *args, **kwargs)`, a pair (new state, numbers)."""
        state = shared(np.random.RandomState(int(self.gen_seedgen.randint(2**30))), borrow=True)
        state.tag.is_rng = True
        new_state, out = op(state, *args, **kwargs)
        out.rng = state
        out.update = (state, new_state)
        self.state_updates.append(out.update)
        state.default_update = new_state
        return out
