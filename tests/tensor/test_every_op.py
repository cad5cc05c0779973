"""Every op: types, values in every mode, shape rule, loop rule, gradients to second order, on a table of examples."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import ShapeError
from symtheano.graph.interpret import evaluate, perform
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply
from symtheano.graph.walk import toposort
from symtheano.scalar.expr import Expr, index, load
from symtheano.scalar.expr import evaluate as evaluate_expr
from symtheano.tensor.sizes import shape_i
from symtheano.tensor.type import TensorType
from tests.tensor.op_table import EXAMPLES, Example

IDS = [e.name for e in EXAMPLES]

ABSTRACT = {
    "ArrayOp", "Barrier", "CAReduceDtype", "ReduceOp", "_DtypeReduce", "_RowReduce", "_Truth", "_Pattern", "_Product",
    "ArraySelect", "ArrayWrite", "Indexing", "Select", "Write", "_Labelled", "_Rows", "_Sorting",
    "MatrixOp", "SquareOp", "Unconnected", "_Fill", "_Places", "_Fourier",
    "mrg_uniform_base", "BaseAbstractConv", "AbstractConv", "AbstractConv_gradWeights", "AbstractConv_gradInputs",
    "_Bilinear", "_In2d", "_In3d", "_Pooling", "PoolGrad", "_Neighbours", "_Placed",
}  # fmt: skip
ELSEWHERE = {
    "AuthorElemwise": "tests/tensor/test_author_scalar.py: an author's function",
    "FromFunctionOp": "tests/gradient: an author's op",
    "PdbBreakpoint": "tests/tensor/test_passing.py: it would stop there",
    "Raise": "tests/tensor/test_passing.py: it has no value",
    "ScalarOp": "tests/tensor/test_author_scalar.py: authors define its meaning",
    "UnaryScalarOp": "as ScalarOp",
    "BinaryScalarOp": "as ScalarOp",
    "RandomFunction": "tests/tensor/test_raw_random.py: its input is no array",
    "Scan": "tests/scan: derivatives, shapes and values of random loops",
    "Behind": "tests/scan/test_closing.py: Theano's form of a loop's result, which closed graphs do not have",
    "IfElse": "tests/scan/test_ifelse.py, test_ifelse_random.py",
    "Branch": "tests/scan/test_ifelse.py: the compiler makes it of IfElse",
    "HostStep": "tests/compile/test_loops.py: a step of a loop in the host program",
}


def variables(example: Example) -> list[Any]:
    return [T.TensorType(v.dtype.name, (False,) * v.ndim)(f"i{k}") for k, v in enumerate(example.values)]


def built(example: Example) -> tuple[list[Any], list[Any]]:
    inputs = variables(example)
    out = example.build(*inputs)
    return inputs, list(out) if isinstance(out, (list, tuple)) else [out]


def with_gradients(example: Example) -> tuple[list[Any], list[Any]]:
    """The example's outputs and its gradients: their ops count as examples too."""
    inputs, outs = built(example)
    if example.smooth:
        cost = T.sum(outs[0] * np.cos(1.0 + np.arange(3)).sum())
        outs = [*outs, *st.grad(cost, [inputs[k] for k in example.smooth])]
    return inputs, outs


def nodes_of(example: Example) -> tuple[list[Apply], dict[Any, Any]]:
    """All nodes of an example and the value of every variable."""
    inputs, outs = with_gradients(example)
    values = dict(zip(inputs, example.values, strict=True))
    found: list[Apply] = []

    def record(node: Apply, _: Any, results: Any) -> None:
        found.append(node)
        values.update(zip(node.outputs, results, strict=True))

    evaluate(outs, dict(values), record)
    return found, values


def read(v: Any, values: dict[Any, Any]) -> Any:
    return values.get(v, getattr(v, "data", None))


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_values_have_the_declared_types(example: Example) -> None:
    nodes, values = nodes_of(example)
    for node in nodes:
        for o in node.outputs:
            if isinstance(o.type, TensorType):
                assert o.type.is_valid_value(np.asarray(values[o])), (node, values[o].dtype, values[o].shape, o.type)


@pytest.mark.parametrize("mode", [None, "FAST_COMPILE", "FAST_RUN"], ids=["unrewritten", "FAST_COMPILE", "FAST_RUN"])
@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_compiled_is_interpreted(example: Example, mode: str | None) -> None:
    inputs, outs = with_gradients(example)
    f = st.function(inputs, outs, mode=mode or st.Mode(optimizer=None), on_unused_input="ignore")
    kept = [v.copy() for v in example.values]
    results = f(*example.values)
    expected = evaluate(outs, dict(zip(inputs, example.values, strict=True)))
    for got, want, out in zip(results, expected, outs, strict=True):
        assert got.dtype == out.type.dtype
        if "empty" not in example.name:
            np.testing.assert_allclose(got, want, rtol=1e-6 if got.dtype == "float32" else 1e-12, atol=1e-12)
    for before, after in zip(kept, example.values, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_shape_rule(example: Example) -> None:
    nodes, values = nodes_of(example)
    for node in nodes:
        rule = getattr(node.op, "infer_shape", None)
        if rule is None or not all(isinstance(i.type, TensorType) for i in node.inputs):
            continue
        shapes = [tuple(shape_i(i, k) for k in range(i.type.ndim)) for i in node.inputs]  # type: ignore[attr-defined]
        try:
            inferred = rule(node, shapes)
        except ShapeError:
            continue  # data dependent: the op says so
        for o, shape in zip(node.outputs, inferred, strict=True):
            if shape is None:
                continue
            lengths = evaluate([T.as_tensor_variable(n) for n in shape], values)
            assert tuple(map(int, lengths)) == np.shape(values[o]), (node, shape)


@pytest.mark.parametrize("example", EXAMPLES, ids=IDS)
def test_loop_rule(example: Example) -> None:
    nodes, values = nodes_of(example)
    for node in nodes:
        if not hasattr(node.op, "loop"):
            continue
        out = node.outputs[0]
        shape = np.shape(values[out])
        coordinates = tuple(index(f"j{k}") for k in range(len(shape)))
        names = {v: f"b{k}" for k, v in enumerate(node.inputs)}

        def element(v: Any, at: tuple[Expr, ...], names: dict[Any, str] = names) -> Expr:
            return load(names[v], at)

        expr = node.op.loop(node, element, coordinates)
        if expr is None:
            continue  # the place is known at run time only: the op is a library call
        env: dict[str, Any] = {n: np.asarray(read(v, values)) for v, n in names.items()}
        env.update((f"j{k}", g) for k, g in enumerate(np.indices(shape)))
        got = np.broadcast_to(evaluate_expr(expr, env), shape)
        np.testing.assert_allclose(got, values[out], rtol=1e-6, atol=1e-12, err_msg=str(node))


def projected(example: Example, seed: int) -> tuple[list[Any], Any, list[Any]]:
    """A scalar cost of the example: its first output times fixed random numbers, summed."""
    inputs, outs = built(example)
    (value,) = evaluate(outs[:1], dict(zip(inputs, example.values, strict=True)))
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, np.shape(value))
    return inputs, T.sum(outs[0] * weights), [inputs[k] for k in example.smooth]


def slopes(cost: Any, inputs: list[Any], values: tuple[Any, ...], k: int, h: float = 1e-5) -> Any:
    """Central differences of a scalar by input k."""
    point = values[k]
    result = np.zeros_like(point)
    for at in np.ndindex(point.shape):
        ends = []
        for sign in (1, -1):
            moved = point.copy()
            moved[at] += sign * h
            env = dict(zip(inputs, (*values[:k], moved, *values[k + 1 :]), strict=True))
            ends.append(float(evaluate([cost], env)[0]))
        result[at] = (ends[0] - ends[1]) / (2 * h)
    return result


SMOOTH = [e for e in EXAMPLES if e.smooth]


@pytest.mark.parametrize("example", SMOOTH, ids=[e.name for e in SMOOTH])
def test_gradient(example: Example) -> None:
    inputs, cost, wrt = projected(example, 0)
    grads = st.grad(cost, wrt)
    env = dict(zip(inputs, example.values, strict=True))
    for k, g in zip(example.smooth, evaluate(grads, env), strict=True):
        want = slopes(cost, inputs, example.values, k)
        np.testing.assert_allclose(g, want, rtol=1e-6, atol=1e-7, err_msg=f"by input {k}")


@pytest.mark.parametrize("example", SMOOTH, ids=[e.name for e in SMOOTH])
def test_forward_derivative(example: Example) -> None:
    inputs, outs = built(example)
    rng = np.random.default_rng(3)
    moves = {inputs[k]: rng.normal(size=example.values[k].shape) for k in example.smooth}
    tangents = [T.TensorType("float64", (False,) * move.ndim)() for move in moves.values()]
    forward = st.Rop(outs[0], list(moves), tangents)
    env = dict(zip(inputs, example.values, strict=True))
    (got,) = evaluate([forward], {**env, **dict(zip(tangents, moves.values(), strict=True))})
    h = 1e-6
    ends = []
    for sign in (1, -1):
        moved = {x: np.asarray(value + sign * h * moves[x]) if x in moves else value for x, value in env.items()}
        ends.append(evaluate(outs[:1], moved)[0])
    want = (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6 * max(1.0, float(np.abs(want).max(initial=0))))


SECOND = [e for e in SMOOTH if e.second]


@pytest.mark.parametrize("example", SECOND, ids=[e.name for e in SECOND])
def test_second_gradient(example: Example) -> None:
    inputs, cost, wrt = projected(example, 1)
    cost = T.sum(T.sin(cost)) if cost.ndim == 0 else cost  # so that linear ops have a second derivative to check
    first = st.grad(cost, wrt)
    rng = np.random.default_rng(2)
    slope = sum(
        T.sum(g * rng.uniform(0.5, 1.5, example.values[k].shape)) for k, g in zip(example.smooth, first, strict=True)
    )
    second = st.grad(slope, wrt)
    env = dict(zip(inputs, example.values, strict=True))
    for k, g in zip(example.smooth, evaluate(second, env), strict=True):
        want = slopes(slope, inputs, example.values, k)
        np.testing.assert_allclose(
            g, want, rtol=1e-5, atol=1e-6 * max(1.0, float(np.abs(want).max())), err_msg=f"by input {k}"
        )


def all_ops(cls: type[Op] = Op) -> Iterator[type[Op]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from all_ops(sub)


def test_every_op_is_in_the_table() -> None:
    for module in pkgutil.walk_packages(st.__path__, "symtheano."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    seen: set[type] = set()
    for example in EXAMPLES:
        inputs, outs = with_gradients(example)
        if example.smooth and example.second:
            cost = sum(T.sum(T.sqr(o)) for o in outs[-len(example.smooth) :])
            outs = [*outs, *st.grad(cost, [inputs[k] for k in example.smooth], disconnected_inputs="ignore")]
        seen.update(type(n.op) for n in toposort(outs))
    ours = {c for c in all_ops() if c.__module__.startswith("symtheano.")}
    missing = {c.__name__ for c in ours - seen} - ABSTRACT - set(ELSEWHERE)
    assert not missing, f"these ops stand in no example of tests/tensor/op_table.py: {sorted(missing)}"


def test_perform_gives_fresh_or_declared_views() -> None:
    """An output that shares memory with an input must be declared in view_map."""
    for example in EXAMPLES:
        nodes, values = nodes_of(example)
        for node in nodes:
            inputs = [read(i, values) for i in node.inputs]
            for position, result in enumerate(perform(node, inputs)):
                for k, i in enumerate(inputs):
                    arrays = isinstance(i, np.ndarray) and isinstance(result, np.ndarray)
                    if arrays and np.may_share_memory(i, result):
                        assert k in node.op.view_map.get(position, ()), (example.name, node, k)
