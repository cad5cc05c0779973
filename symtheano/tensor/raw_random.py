"""Draws of random numbers as functions of a random state: (random_state, size, ...) -> [new state, numbers].

The numbers are those that the methods of `numpy.random.RandomState` give. `shared_randomstreams.RandomStreams` keeps
the states in shared variables; here they are passed by hand. What the functions have in common:

random_state: a variable of `random_state_type`. size: a list or tuple of ints and 0-d integer variables (an int 1 makes
a broadcastable axis; -1 takes the length from the other arguments), an integer vector, or None: as large as the
arguments. ndim: the number of dimensions, where size is a vector of unknown length. dtype: of the numbers; None is what
the arguments convert to, and at least floatX.
"""

from __future__ import annotations

import warnings
from typing import Any

from symtheano.config import config
from symtheano.scalar import upcast
from symtheano.tensor.convert import as_tensor_variable, constant
from symtheano.tensor.permute_rows import permute_row_elements
from symtheano.tensor.random_draws import (
    choice_helper,
    multinomial_helper,
    permutation_helper,
    random_integers_helper,
)
from symtheano.tensor.random_function import RandomFunction, infer_size
from symtheano.tensor.random_state import RandomStateType, random_state_type
from symtheano.tensor.type import tensor_type

__all__ = [
    "RandomFunction",
    "RandomStateType",
    "RandomStreamsBase",
    "binomial",
    "choice",
    "choice_helper",
    "multinomial",
    "multinomial_helper",
    "normal",
    "permutation",
    "permutation_helper",
    "poisson",
    "random_integers",
    "random_integers_helper",
    "random_state_type",
    "uniform",
]


def _type(dtype: str, pattern: tuple[bool, ...]) -> Any:
    name = config.floatX if dtype == "floatX" else dtype
    return tensor_type(name, tuple(1 if b else None for b in pattern))


def _scaled(method: str, random_state: Any, size: Any, a: Any, b: Any, ndim: int | None, dtype: str | None) -> Any:
    """A distribution with two real parameters."""
    args: list[Any] = [as_tensor_variable(a), as_tensor_variable(b)]
    kind = upcast(config.floatX, *(v.type.dtype for v in args)) if dtype is None else dtype
    _, vector, pattern = infer_size(ndim, size, *args)
    return RandomFunction(method, _type(kind, pattern))(random_state, vector, *args)


def uniform(
    random_state: Any,
    size: Any = None,
    low: Any = 0.0,
    high: Any = 1.0,
    ndim: int | None = None,
    dtype: str | None = None,
) -> Any:
    """Uniform numbers from `low` to `high`, tensors that fit `size`. See the module for the other arguments.

    >>> import symtheano
    >>> state = symtheano.shared(np.random.RandomState(1))
    >>> new_state, u = uniform(state, (2,))
    >>> (u.eval() == np.random.RandomState(1).uniform(size=2)).all()
    np.True_
    """
    return _scaled("uniform", random_state, size, low, high, ndim, dtype)


def normal(
    random_state: Any,
    size: Any = None,
    avg: Any = 0.0,
    std: Any = 1.0,
    ndim: int | None = None,
    dtype: str | None = None,
) -> Any:
    """Normal numbers with mean `avg` and standard deviation `std`, tensors that fit `size`.

    >>> normal(random_state_type(), (2, 3))[1].type.ndim
    2
    """
    return _scaled("normal", random_state, size, avg, std, ndim, dtype)


def binomial(
    random_state: Any,
    size: Any = None,
    n: Any = 1,
    p: Any = 0.5,
    ndim: int | None = None,
    dtype: str = "int64",
    prob: Any = None,
) -> Any:
    """How many of `n` trials with probability `p` succeed; n and p are tensors that fit `size`.

    prob: older name of p.

    >>> binomial(random_state_type(), (5,), n=10, p=0.5)[1].type
    TensorType(int64, vector)
    """
    n, p = as_tensor_variable(n), as_tensor_variable(_renamed(p, prob))
    count, vector, _ = infer_size(ndim, size, n, p)
    return RandomFunction("binomial", _type(dtype, (False,) * count))(random_state, vector, n, p)


def _renamed(p: Any, prob: Any) -> Any:
    if prob is None:
        return p
    warnings.warn("binomial(prob=...) is deprecated: the parameter is called p", DeprecationWarning, stacklevel=4)
    return prob


def random_integers(
    random_state: Any, size: Any = None, low: Any = 0, high: Any = 1, ndim: int | None = None, dtype: str = "int64"
) -> Any:
    """Integers from `low` to `high`, both included, tensors that fit `size`.

    >>> random_integers(random_state_type(), (5,), low=1, high=6)[1].type
    TensorType(int64, vector)
    """
    low, high = as_tensor_variable(low), as_tensor_variable(high)
    _, vector, pattern = infer_size(ndim, size, low, high)
    return RandomFunction(random_integers_helper, _type(dtype, pattern))(random_state, vector, low, high)


def choice(
    random_state: Any,
    size: Any = None,
    a: Any = 2,
    replace: Any = True,
    p: Any = None,
    ndim: int | None = None,
    dtype: str = "int64",
) -> Any:
    """Elements of the vector `a`, or (a number) of 0..a-1. size None: one.

    replace: whether an element may come twice. p: their probabilities, a vector; None for equal ones.

    >>> choice(random_state_type(), (5,), a=10)[1].type
    TensorType(int64, vector)
    """
    a = as_tensor_variable(a)
    replace = constant(replace, dtype="int8") if isinstance(replace, bool) else as_tensor_variable(replace)
    equal = p is None or (isinstance(p, (int, float, list, tuple)) and not p)
    chances = as_tensor_variable([] if equal else p)
    _, vector, pattern = infer_size(ndim, () if size is None and ndim is None else size)
    return RandomFunction(choice_helper, _type(dtype, pattern))(random_state, vector, a, replace, chances)


def poisson(random_state: Any, size: Any = None, lam: Any = 1.0, ndim: int | None = None, dtype: str = "int64") -> Any:
    """Counts of events that come at the rate `lam`, a tensor that fits `size`, which must be given.

    >>> poisson(random_state_type(), (5,), lam=2.0)[1].type
    TensorType(int64, vector)
    """
    lam = as_tensor_variable(lam)
    _, vector, pattern = infer_size(ndim, size)
    return RandomFunction("poisson", _type(dtype, pattern))(random_state, vector, lam)


def permutation(random_state: Any, size: Any = None, n: Any = 1, ndim: int | None = None, dtype: str = "int64") -> Any:
    """Permutations of 0..n-1, one for each element of `size`: a tensor of shape (*size, n), or (n,) without size.

    >>> permutation(random_state_type(), n=5)[1].type
    TensorType(int64, vector)
    """
    if size is None or (isinstance(size, (tuple, list)) and not size):
        if ndim not in (None, 1):
            raise TypeError(f"You asked for just one permutation but asked for {ndim} dimensions.")
        vector, pattern = infer_size(None, ())[1:]
    else:
        _, vector, pattern = infer_size(ndim, size)
    op = RandomFunction(permutation_helper, _type(dtype, (*pattern, False)), ndim_added=1)
    return op(random_state, vector, as_tensor_variable(n))


def multinomial(
    random_state: Any,
    size: Any = None,
    n: Any = 1,
    pvals: Any = (0.5, 0.5),
    ndim: int | None = None,
    dtype: str = "int64",
) -> Any:
    """Counts of the outcomes of `n` experiments with probabilities `pvals`: a tensor of shape (*size, L).

    pvals: shape (..., L), whose rows sum to 1; its rows and n are stretched to `size`. size None: a draw for each row.

    >>> multinomial(random_state_type(), (5,), n=10, pvals=[0.2, 0.8])[1].type
    TensorType(int64, matrix)
    """
    n, pvals = as_tensor_variable(n), as_tensor_variable(pvals)
    _, vector, pattern = infer_size(ndim, size, n, pvals[..., 0])
    kind = _type(dtype, (*pattern, pvals.type.broadcastable[-1]))
    return RandomFunction(multinomial_helper, kind, ndim_added=1)(random_state, vector, n, pvals)


class RandomStreamsBase:
    """The distributions as methods, over `gen(function, *args)`, which supplies the random state.

    The arguments are those of the functions of this module, without the random state.
    """

    def gen(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        """One draw of `op(random_state, *args, **kwargs)`."""
        raise NotImplementedError(f"{type(self).__name__} must define gen(op, *args, **kwargs)")

    def binomial(
        self,
        size: Any = None,
        n: Any = 1,
        p: Any = 0.5,
        ndim: int | None = None,
        dtype: str = "int64",
        prob: Any = None,
    ) -> Any:
        """How many of `n` trials with probability `p` succeed."""
        return self.gen(binomial, size, n, _renamed(p, prob), ndim=ndim, dtype=dtype)

    def uniform(
        self, size: Any = None, low: Any = 0.0, high: Any = 1.0, ndim: int | None = None, dtype: str | None = None
    ) -> Any:
        """Uniform numbers from `low` to `high`."""
        return self.gen(uniform, size, low, high, ndim=ndim, dtype=dtype)

    def normal(
        self, size: Any = None, avg: Any = 0.0, std: Any = 1.0, ndim: int | None = None, dtype: str | None = None
    ) -> Any:
        """Normal numbers with mean `avg` and standard deviation `std`."""
        return self.gen(normal, size, avg, std, ndim=ndim, dtype=dtype)

    def random_integers(
        self, size: Any = None, low: Any = 0, high: Any = 1, ndim: int | None = None, dtype: str = "int64"
    ) -> Any:
        """Integers from `low` to `high`, both included."""
        return self.gen(random_integers, size, low, high, ndim=ndim, dtype=dtype)

    def choice(
        self,
        size: Any = None,
        a: Any = 2,
        replace: Any = True,
        p: Any = None,
        ndim: int | None = None,
        dtype: str = "int64",
    ) -> Any:
        """Elements of the vector `a`, or of 0..a-1, with probabilities `p`."""
        return self.gen(choice, size, a, replace, p, ndim=ndim, dtype=dtype)

    def poisson(self, size: Any = None, lam: Any = None, ndim: int | None = None, dtype: str = "int64") -> Any:
        """Counts of events that come at the rate `lam`."""
        return self.gen(poisson, size, lam, ndim=ndim, dtype=dtype)

    def permutation(self, size: Any = None, n: Any = 1, ndim: int | None = None, dtype: str = "int64") -> Any:
        """Permutations of 0..n-1: a tensor of shape (*size, n)."""
        return self.gen(permutation, size, n, ndim=ndim, dtype=dtype)

    def multinomial(
        self, size: Any = None, n: Any = 1, pvals: Any = (0.5, 0.5), ndim: int | None = None, dtype: str = "int64"
    ) -> Any:
        """Counts of the outcomes of `n` experiments with probabilities `pvals`: a tensor of shape (*size, L)."""
        return self.gen(multinomial, size, n, pvals, ndim=ndim, dtype=dtype)

    def shuffle_row_elements(self, input: Any) -> Any:
        """`input` with the elements of each row (the last axis) in random order, `.permutation` of the result."""
        x = as_tensor_variable(input)
        lengths = x.shape  # type: ignore[attr-defined]
        order = self.permutation(size=lengths[:-1], n=lengths[-1], ndim=x.type.ndim - 1)
        shuffled = permute_row_elements(x, order)
        shuffled.permutation = order
        return shuffled
