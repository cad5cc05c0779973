"""Random graphs of every dtype over awkward arrays, with the value of every variable by the interpreter.

Values stay small, so that rounding errors do. What jumps (comparisons, casts to integers) is asked of leaves and of
integers only: of a computed float it could fall on the other side of the jump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.interpret import evaluate

LENGTHS = (0, 1, 2, 3, 5, 17, 34)
LARGE_LENGTHS = (1, 9, 64, 129, 257)
FLOATS = ("float32", "float64", "float16")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8")
COMPLEX = ("complex64", "complex128")
DTYPES = ("float64", "float32", "float64", "float32", *INTEGERS, "bool", "float16", *COMPLEX)
LAYOUTS = ("c", "f", "negative", "sliced", "stretched", "read-only", "misaligned", "part")
ITEMS, LARGE_ITEMS = 4000, 70_000  # no value has more elements

OF_FLOATS: list[Callable[[Any], Any]] = [
    T.tanh, T.sin, T.neg, T.abs_, T.nnet.sigmoid, T.nnet.softplus, lambda x: T.exp(-T.sqr(x)), lambda x: T.erf(x),
    lambda x: T.log1p(T.sqr(x)), lambda x: T.sqrt(1 + T.sqr(x)), lambda x: 0.5 * x, lambda x: x - 1.25,
    lambda x: 2 / (3 + T.sqr(x)), lambda x: T.arctan2(x, 1.5), lambda x: T.exp2(T.minimum(x, 2)), T.zeros_like,
    T.nnet.relu, lambda x: T.clip(x, -0.5, 0.75), lambda x: x**3 / (1 + T.sqr(x)),
]  # fmt: skip
OF_INTEGERS: list[Callable[[Any], Any]] = [
    T.neg, T.abs_, T.sgn, T.sqr, T.invert, lambda x: x // 3, lambda x: x % 4, lambda x: x + 1, lambda x: T.gt(x, 1),
    lambda x: T.cast(x, "int8"), lambda x: T.cast(x, "uint8"), lambda x: T.cast(x % 5, "float32"), T.ones_like,
    lambda x: T.tanh(0.1 * (x % 7)), lambda x: x * 3, lambda x: T.clip(x, 0, 6),
]  # fmt: skip
OF_COMPLEX: list[Callable[[Any], Any]] = [
    T.neg, T.conj, T.real, T.imag, T.abs_, T.sqr, T.zeros_like, lambda x: x * (1 - 0.5j), lambda x: x / (2 + 1j),
    lambda x: T.exp(bounded(x)), lambda x: T.sin(bounded(x)), lambda x: T.cosh(bounded(x)), lambda x: T.sqr(abs(x)),
    lambda x: T.log(3 + bounded(x)), lambda x: T.sqrt(3 + bounded(x)), lambda x: (3 + bounded(x)) ** -1.5,
    lambda x: T.complex(x.imag, x.real), lambda x: T.expm1(bounded(x)), lambda x: T.inv(2 + bounded(x)),
]  # fmt: skip
OF_BOOLS: list[Callable[[Any], Any]] = [
    T.invert, lambda x: T.cast(x, "float32"), lambda x: T.cast(x, "int32"), lambda x: T.eq(x, np.array(False))
]  # fmt: skip
PAIRS_OF_FLOATS: list[Callable[[Any, Any], Any]] = [
    T.add, T.sub, T.mul, T.maximum, T.minimum, lambda a, b: a / (2 + T.sqr(b)), lambda a, b: T.tanh(a) * T.tanh(b),
    lambda a, b: a - T.cast(0.1, "float32") * b, T.second, lambda a, b: T.arctan2(a, 2 + T.sqr(b)),
]  # fmt: skip
PAIRS_OF_COMPLEX: list[Callable[[Any, Any], Any]] = [
    T.add, T.sub, T.mul, lambda a, b: a / (2 + bounded(b)), lambda a, b: T.conj(a) * b, T.second,
    lambda a, b: abs(a) + 1j * abs(b),
]  # fmt: skip
PAIRS_OF_INTEGERS: list[Callable[[Any, Any], Any]] = [
    T.add, T.sub, T.mul, T.maximum, T.minimum, T.int_div, T.mod, T.eq, T.lt, T.ge, T.neq, T.and_, T.or_, T.xor,
    lambda a, b: a / (1 + T.sqr(b % 5)), T.second,
]  # fmt: skip
PAIRS_OF_BOOLS: list[Callable[[Any, Any], Any]] = [T.and_, T.or_, T.xor, T.eq, T.neq, T.maximum]


@dataclass
class Graph:
    """inputs and shared variables with their values; everything computed; what is asked for."""

    inputs: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    shared: list[Any] = field(default_factory=list)
    pool: list[Any] = field(default_factory=list)
    env: dict[Any, Any] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    updates: list[tuple[Any, Any]] = field(default_factory=list)
    most: int = ITEMS

    def shape(self, variable: Any) -> tuple[int, ...]:
        """The shape of a variable's value."""
        return np.shape(self.value(variable))

    def value(self, variable: Any) -> Any:
        """A variable's value."""
        if variable not in self.env:
            with np.errstate(all="ignore"):
                (self.env[variable],) = evaluate([variable], self.env)
        return self.env[variable]

    def add(self, variable: Any) -> Any:
        """Puts a variable in the pool; not one that is too large."""
        value = self.value(variable)
        calm = value.dtype.kind not in "fc" or not value.size or float(np.abs(value).max()) < 100
        if value.size <= self.most and value.ndim <= 4 and calm:
            self.pool.append(variable)
        return variable


# -- leaves ------------------------------------------------------------------------------------------------------------


def numbers(shape: tuple[int, ...], seed: int, dtype: str) -> Any:
    """Small random numbers."""
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        low = 0 if dtype.startswith("u") else -9
        values = rng.integers(low, 10, shape)
        extreme = np.iinfo(dtype).max if seed % 2 else np.iinfo(dtype).min
        return np.where(rng.random(shape) < 0.1, extreme, values).astype(dtype)
    value = rng.normal(size=shape)
    return (value + 1j * rng.normal(size=shape) if dtype in COMPLEX else value).astype(dtype)


def array(draw: Any, shape: tuple[int, ...], seed: int, dtype: str, before: list[Any]) -> Any:
    """An array of this shape with one of the layouts that numpy has; perhaps in the memory of one of those before."""
    layout = draw(some.sampled_from(LAYOUTS)) if shape else draw(some.sampled_from(["c", "misaligned"]))
    if layout == "stretched" and 0 not in shape:
        return np.broadcast_to(numbers((1, *shape[1:]), seed, dtype), shape)
    if layout == "negative":
        return numbers(shape, seed, dtype)[tuple(slice(None, None, -1) for _ in shape)]
    if layout == "sliced":
        whole = numbers(tuple(2 * n + 1 for n in shape), seed, dtype)
        return whole[tuple(slice(1, 2 * n + 1, 2) for n in shape)]
    if layout == "f":
        return numbers(shape[::-1], seed, dtype).T
    value = np.asarray(numbers(shape, seed, dtype))
    if layout == "misaligned":
        memory = np.zeros(value.nbytes + 1, np.uint8)[1:].view(dtype).reshape(shape)
        memory[...] = value
        return memory
    if layout == "part":
        size = int(np.prod(shape))
        for other in before:
            if other.dtype == dtype and other.flags.c_contiguous and other.size >= size and other.flags.writeable:
                return other.reshape(-1)[other.size - size :].reshape(shape)
    value.flags.writeable = layout != "read-only"
    return value


def leaves(draw: Any, graph: Graph, among: tuple[int, ...]) -> None:
    """Inputs and shared variables of a few common lengths, of a few dtypes."""
    lengths = draw(some.lists(some.sampled_from(among), min_size=2, max_size=3))
    dtypes = draw(some.lists(some.sampled_from(DTYPES), min_size=1, max_size=3))
    for k in range(draw(some.integers(2, 5))):
        dtype = draw(some.sampled_from(dtypes))
        shape = tuple(draw(some.lists(some.sampled_from([*lengths, 1]), max_size=3)))
        if np.prod(shape) > graph.most:
            shape = shape[:2]
        pattern = [n == 1 and draw(some.booleans()) for n in shape]
        is_shared = draw(some.integers(0, 2)) == 0
        value = array(draw, shape, k, dtype, [] if is_shared else graph.values)
        if is_shared:
            leaf = st.shared(value, f"s{k}", broadcastable=pattern, borrow=draw(some.booleans()))
            graph.shared.append(leaf)
        else:
            leaf = T.TensorType(dtype, pattern)(f"x{k}")
            graph.inputs.append(leaf)
            graph.values.append(value)
        graph.env[leaf] = value
        graph.add(leaf)


def number(draw: Any, graph: Graph, low: int, high: int) -> Any:
    """An integer from low to high: a number, an input, or computed from one."""
    value = draw(some.integers(low, high))
    if draw(some.booleans()):
        return value
    if draw(some.integers(0, 3)) == 0:  # what the host program computes
        return T.cumsum(number(draw, graph, value, value) * T.ones((2,), "int64"))[0]
    dtype = draw(some.sampled_from(["int64", "int32", "int8"]))
    leaf: Any
    if draw(some.booleans()):
        leaf = st.shared(np.asarray(value, dtype), f"n{len(graph.shared)}")
        graph.shared.append(leaf)
    else:
        leaf = T.TensorType(dtype, ())(f"n{len(graph.inputs)}")
        graph.inputs.append(leaf)
        graph.values.append(np.asarray(value, dtype))
    graph.env[leaf] = np.asarray(value, dtype)
    return leaf if draw(some.booleans()) else leaf * 2 - leaf


# -- operations --------------------------------------------------------------------------------------------------------


def is_float(x: Any) -> bool:
    return str(x.dtype).startswith("float")


def is_complex(x: Any) -> bool:
    return x.dtype in COMPLEX


def bounded(x: Any) -> Any:
    """x / (1 + |x|**2), of complex x: not larger than 1/2."""
    return x / (1 + T.sqr(x.real) + T.sqr(x.imag))


def fits(graph: Graph, a: Any, b: Any) -> bool:
    """Whether two variables go together elementwise."""
    if a.ndim != b.ndim:
        return a.ndim == 0 or b.ndim == 0
    pairs = zip(graph.shape(a), graph.shape(b), a.broadcastable, b.broadcastable, strict=True)
    return all(n == m or p or q for n, m, p, q in pairs)


def step(draw: Any, graph: Graph) -> None:
    """One more operation on variables of the pool."""
    x = draw(some.sampled_from(graph.pool))
    kind = draw(some.sampled_from(["binary", "binary", "unary", *KINDS]))
    graph.add(KINDS[kind](draw, graph, x))


def floating(x: Any) -> Any:
    """x as floats."""
    if is_complex(x):
        return x.real
    return x if is_float(x) else T.cast(x, "float32") if x.dtype == "bool" else T.cast(x % 7, "float64") / 8


def unary(draw: Any, graph: Graph, x: Any) -> Any:
    functions = (
        OF_COMPLEX if is_complex(x) else OF_FLOATS if is_float(x) else OF_BOOLS if x.dtype == "bool" else OF_INTEGERS
    )
    return draw(some.sampled_from(functions))(x)


def binary(draw: Any, graph: Graph, x: Any) -> Any:
    y = draw(some.sampled_from([v for v in graph.pool if fits(graph, x, v)]))
    if any(is_float(v) or is_complex(v) for v in (x, y)):
        functions = PAIRS_OF_COMPLEX if is_complex(x) or is_complex(y) else PAIRS_OF_FLOATS
        x, y = (v if is_float(v) or is_complex(v) or v.dtype == "bool" else v % 9 for v in (x, y))
        return draw(some.sampled_from(functions))(x, y)
    x, y = (T.cast(v, "int64") if v.dtype == "uint64" else v for v in (x, y))  # it goes with none of the others
    both = x.dtype == y.dtype == "bool"
    return draw(some.sampled_from(PAIRS_OF_BOOLS if both else PAIRS_OF_INTEGERS))(x, y)


def switch(draw: Any, graph: Graph, x: Any) -> Any:
    exact = [v for v in graph.pool if v.owner is None or not (is_float(v) or is_complex(v))]
    exact = [v for v in exact if fits(graph, x, v)]
    if not exact:
        return x
    leaf = draw(some.sampled_from(exact))
    others = [v for v in graph.pool if fits(graph, x, v) and fits(graph, leaf, v)]
    condition = leaf if leaf.dtype == "bool" else T.neq(leaf, 0) if is_complex(leaf) else leaf > 0
    return T.switch(condition, x, draw(some.sampled_from(others))) if others else T.switch(condition, x, 1)


def reduce(draw: Any, graph: Graph, x: Any) -> Any:
    axes: list[Any] = [None, *range(x.ndim), *([(0, x.ndim - 1), (0, 1)] if x.ndim > 1 else [])]
    axis, keep = draw(some.sampled_from(axes)), draw(some.booleans())
    folded = range(x.ndim) if axis is None else {axis} if isinstance(axis, int) else set(axis)
    count = int(np.prod([graph.shape(x)[k] for k in folded]))
    if is_complex(x):
        function = draw(some.sampled_from([T.sum, T.prod, T.any, T.all]))
        return function(bounded(x) if function is T.prod else x, axis=axis, keepdims=keep)
    if is_float(x):
        if not count:
            return draw(some.sampled_from([T.sum, T.prod]))(x, axis=axis, keepdims=keep)
        calm = T.tanh(x) if draw(some.booleans()) else x
        total = calm.sum(axis=axis, keepdims=keep, acc_dtype=None if x.dtype == "float16" else x.dtype)
        mean = T.cast(1 / count, x.dtype) * total
        one = draw(some.sampled_from([T.max, T.min, T.mean, T.prod]))(T.tanh(x), axis=axis, keepdims=keep)
        return mean if draw(some.booleans()) else one
    functions = [T.sum, T.prod, T.any, T.all] if x.dtype != "bool" else [T.sum, T.any, T.all]
    functions += [T.max, T.min] if count and x.dtype != "bool" else []
    return draw(some.sampled_from(functions))(x, axis=axis, keepdims=keep)


def argmax(draw: Any, graph: Graph, x: Any) -> Any:
    if (
        is_complex(x)
        or (is_float(x) and x.owner is not None)
        or x.ndim == 0
        or 0 in graph.shape(x)
        or x.dtype == "bool"
    ):
        return floating(x)
    axis = draw(some.sampled_from([None, *range(x.ndim)]))
    return draw(some.sampled_from([T.argmax, T.argmin]))(x, axis=axis)


def softmax(draw: Any, graph: Graph, x: Any) -> Any:
    x = floating(x)
    if x.ndim != 2 or 0 in graph.shape(x):
        return T.tanh(x)
    return draw(some.sampled_from([T.nnet.softmax, T.nnet.logsoftmax]))(x)


def crossentropy(draw: Any, graph: Graph, x: Any) -> Any:
    x = floating(x)
    shape = graph.shape(x)
    if x.ndim != 2 or 0 in shape or x.broadcastable[0]:
        return x * x
    labels = np.arange(shape[0]) % shape[1]
    leaf = T.TensorType("int32", (False,))(f"y{len(graph.inputs)}")
    graph.inputs.append(leaf)
    graph.values.append(labels.astype("int32"))
    graph.env[leaf] = graph.values[-1]
    return T.nnet.categorical_crossentropy(T.nnet.softmax(x), leaf)


def dot(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim not in (1, 2) or x.dtype == "bool":
        return x
    length = graph.shape(x)[-1]
    others = [v for v in graph.pool if v.ndim in (1, 2) and graph.shape(v)[0] == length and v.dtype != "bool"]
    y = draw(some.sampled_from([*others, x.T]))
    if is_complex(x) or is_complex(y):
        return T.dot(*(v if is_complex(v) or is_float(v) else floating(v) for v in (x, y))) / (length + 1)
    if is_float(x) or is_float(y):
        x, y = floating(x), floating(y)
        scaled = T.dot(x, y) * T.cast(1 / (length + 1), "float16")
        return T.tanh(scaled) if draw(some.booleans()) else scaled
    return T.dot(x, y)


def products(draw: Any, graph: Graph, x: Any) -> Any:
    """Stacks of matrix products, and products over two axes."""
    if x.ndim < 2 or x.dtype == "bool":
        return x
    x = x if is_complex(x) else floating(x)
    same = [v for v in graph.pool if v.type == x.type and graph.shape(v) == graph.shape(x)]
    y = draw(some.sampled_from([x, *same]))
    scale = T.cast(1 / (1 + max(graph.shape(x))) ** 2, "float16")
    if x.ndim == 3 and draw(some.booleans()):
        return T.batched_dot(x, y.dimshuffle(0, 2, 1)) * scale
    return T.tensordot(x, y, axes=[[0, 1], [0, 1]]) * scale


def shuffle(draw: Any, graph: Graph, x: Any) -> Any:
    kept = [k for k in range(x.ndim) if not x.broadcastable[k] or draw(some.booleans())]
    order: list[Any] = list(draw(some.permutations(kept)))
    if len(order) < 4 and draw(some.booleans()):
        order.insert(draw(some.integers(0, len(order))), "x")
    return x.dimshuffle(order)


def index(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0:
        return x
    n = graph.shape(x)[0]
    keys: list[Any] = [slice(None, None, -1), slice(1, None), slice(None, None, 2), slice(-2, None), slice(5, 1, -2)]
    keys += [(Ellipsis, slice(None, 2)), (Ellipsis, slice(None, None, -3)), (Ellipsis, None)]
    low, high = number(draw, graph, -3, 3), number(draw, graph, -4, 5)
    keys += [slice(low, high), slice(low, None), (Ellipsis, slice(None, high, 2))]
    if n:
        places = np.array([0, n - 1, 0, -1])[: draw(some.integers(0, 4))]
        given = T.TensorType(draw(some.sampled_from(["int64", "int32", "int8"])), (False,))(f"i{len(graph.inputs)}")
        graph.inputs.append(given)
        graph.values.append(places.astype(given.dtype))
        graph.env[given] = graph.values[-1]
        keys += [0, -1, places, given, given, (None, 0), number(draw, graph, max(-n, -9), min(n, 9) - 1), given[::-1]]
        if x.ndim > 1 and graph.shape(x)[1]:
            keys += [
                (given, 0),
                (given, given * 0),
                (slice(None, None, -1), given * 0 - 1),
                (given[:, None], given * 0),
            ]
    return x[draw(some.sampled_from(keys))]


def join(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0:
        return T.stack([x, x * x])
    axis = draw(some.integers(0, x.ndim - 1))
    same = [v for v in graph.pool if v.ndim == x.ndim and v.broadcastable == x.broadcastable]
    shape = graph.shape(x)
    others = [
        v
        for v in same
        if all(n == m or k == axis for k, (n, m) in enumerate(zip(shape, graph.shape(v), strict=True)))
        and (v.dtype == "bool") == (x.dtype == "bool")
    ]
    return T.concatenate([x, draw(some.sampled_from(others)), x], axis=axis)


def write(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0 or x.broadcastable[0] or x.dtype == "bool":
        return x.flatten() if x.ndim else x
    operation = draw(some.sampled_from([T.set_subtensor, T.inc_subtensor]))
    n = graph.shape(x)[0]
    low, high = number(draw, graph, -3, 3), number(draw, graph, 0, 5)
    keys: list[Any] = [slice(None, None, 2), slice(1, None), slice(low, high)]
    if n:
        keys += [number(draw, graph, max(-n, -9), min(n, 9) - 1), np.array([0, n - 1, 0])]
    part = x[draw(some.sampled_from(keys))]
    return operation(part, T.cast(1, x.dtype) if draw(some.booleans()) else part * part)


def shape(draw: Any, graph: Graph, x: Any) -> Any:
    kind = draw(some.sampled_from(["flatten", "reshape", "alloc", "repeat", "shape", "arange", "diag", "roll"]))
    if kind == "flatten" or x.ndim == 0:
        return x.flatten() if x.ndim else T.alloc(x, number(draw, graph, 0, 4))
    if kind == "reshape":
        return x.reshape((x.shape[-1], -1)) if graph.shape(x)[-1] else x.reshape((-1,) if x.size else (0,))
    if kind == "alloc":
        return T.alloc(x, number(draw, graph, 0, 3), *(x.shape[k] for k in range(x.ndim)))
    if kind == "repeat":
        return T.repeat(x, number(draw, graph, 0, 3), axis=0)
    if kind == "shape":
        return x.shape[0] + x.shape
    if kind == "arange":
        return T.arange(x.shape[0]) * 2
    if kind == "diag":
        return T.diag(x) if x.ndim == 1 else x.T
    return T.roll(x, number(draw, graph, -4, 4), axis=0)


def host(draw: Any, graph: Graph, x: Any) -> Any:
    """What the host program does."""
    if x.ndim == 0:
        return x + x
    if x.ndim == 1 and x.owner is None:
        return x[T.gt(x, 0).nonzero()] if x.dtype != "bool" and not is_complex(x) else x[x.nonzero()]
    return draw(some.sampled_from([T.cumsum, lambda v: T.sort(v, axis=-1), lambda v: T.sort(v, axis=0)]))(
        floating(x) / 8
    )


KINDS: dict[str, Callable[[Any, Graph, Any], Any]] = {
    "unary": unary, "binary": binary, "reduce": reduce, "dot": dot, "products": products, "shuffle": shuffle,
    "index": index, "join": join, "write": write, "switch": switch, "argmax": argmax, "softmax": softmax,
    "crossentropy": crossentropy, "shape": shape, "host": host,
}  # fmt: skip


def new_value(s: Any, value: Any) -> Any:
    """What an update of s with a value of the same type may be."""
    if s.dtype == "bool":
        return T.xor(s, value)
    return T.cast(s - 0.1 * value if is_float(s) or is_complex(s) else s - value // 2, s.dtype)


@some.composite
def graphs(draw: Any, gradients: bool = False, large: bool = False) -> Graph:
    """A graph with outputs and updates; with `gradients`, those of a cost are among its variables."""
    graph = Graph(most=LARGE_ITEMS if large else ITEMS)
    leaves(draw, graph, LARGE_LENGTHS if large else LENGTHS)
    for _ in range(draw(some.integers(1, 9))):
        step(draw, graph)
    if gradients:
        floats = [v for v in graph.pool[-4:] if is_float(v)]
        wrt = [v for v in (*graph.inputs, *graph.shared) if is_float(v) or is_complex(v)]
        if floats and wrt:
            cost = sum(T.sum(T.tanh(v)) for v in floats)
            for g in st.grad(cost, wrt, disconnected_inputs="ignore"):
                graph.add(g)
    graph.outputs = draw(some.lists(some.sampled_from(graph.pool), min_size=1, max_size=4))
    for s in graph.shared:
        fitting = [v for v in graph.pool if v.type == s.type]
        if fitting and draw(some.booleans()):
            value = draw(some.sampled_from(fitting))
            if fits(graph, s, value) and draw(some.booleans()):
                value = graph.add(new_value(s, value))
            graph.updates.append((s, value))
    return graph
