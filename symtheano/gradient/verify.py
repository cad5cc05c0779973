"""The check of gradients against finite differences: `verify_grad` and `numeric_grad`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from symtheano.errors import GradientError, add_context
from symtheano.gradient.reverse import grad
from symtheano.graph.interpret import evaluate
from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Variable
from symtheano.graph.walk import graph_inputs
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.type import TensorType

Array = np.ndarray[Any, Any]

TOLERANCES = {"float16": 5e-2, "float32": 1e-2, "float64": 1e-4}


class numeric_grad:
    """The gradient of a numeric function by one-sided finite differences.

    f: a function of arrays whose value is a scalar. pt: an array, or a list or tuple of arrays: the point.
    eps: the step; by default that of the least precise dtype. out_type: a complex dtype's name if f is complex.
    `gf` is the gradient: an array for an array, else a list.

    >>> numeric_grad(lambda x: (x ** 2).sum(), np.array([1.0, 2.0])).gf.round(4)
    array([2., 4.])
    """

    type_eps: ClassVar[Mapping[Any, float]] = {
        key: eps
        for name, eps in (("float64", 1e-7), ("float32", 3e-4), ("float16", 1e-1))
        for key in (name, np.dtype(name))
    }

    def __init__(self, f: Callable[..., Any], pt: Any, eps: float | None = None, out_type: str | None = None):
        packed = not isinstance(pt, (list, tuple))
        points = [np.array(p) for p in ([pt] if packed else pt)]
        dtypes = [p.dtype.name for p in points]
        working = min(dtypes, key=lambda d: self.type_eps[d])
        step = max(self.type_eps[d] for d in dtypes) if eps is None else eps
        result = out_type if out_type is not None and out_type.startswith("complex") else working
        points = [p.astype(working) for p in points]
        base = f(*(p.copy() for p in points))
        self.gf: Any = []
        for k, point in enumerate(points):
            slope = np.zeros(point.shape, result)
            for index in np.ndindex(point.shape):
                moved = point.copy()
                moved[index] += step
                slope[index] = (f(*(moved if j == k else p.copy() for j, p in enumerate(points))) - base) / step
            self.gf.append(slope)
        if packed:
            self.gf = self.gf[0]

    @staticmethod
    def abs_rel_err(a: Any, b: Any) -> tuple[Array, Array]:
        """The absolute and the relative error between two arrays."""
        absolute = abs(a - b)
        # The 1e-8 stands in a list lest it be rounded to 0 in float16.
        relative = absolute / np.maximum(abs(a) + abs(b), [1e-8])
        return np.asarray(absolute), np.asarray(relative).reshape(np.shape(absolute))

    def abs_rel_errors(self, g_pt: Sequence[Any]) -> list[tuple[Array, Array]]:
        """The errors of the gradient `g_pt`, a list like `gf`. ValueError where lengths or shapes differ."""
        if len(g_pt) != len(self.gf):
            raise ValueError("argument has wrong number of elements", len(g_pt))
        errors = []
        for position, (a, b) in enumerate(zip(g_pt, self.gf, strict=True)):
            if a.shape != b.shape:
                raise ValueError(f"argument element {position} has wrong shape {(a.shape, b.shape)}")
            errors.append(self.abs_rel_err(a, b))
        return errors

    def max_err(self, g_pt: Sequence[Any], abs_tol: float, rel_tol: float) -> tuple[int, int, float, float]:
        """Where `g_pt` is worst, measured in tolerances: (argument, position in it, absolute, relative error)."""
        worst = (0, 0, 0.0, 0.0)
        most = -1.0
        for position, (absolute, relative) in enumerate(self.abs_rel_errors(g_pt)):
            for what, error in (("abs_err", absolute), ("rel_err", relative)):
                if not np.isfinite(error).all():
                    raise ValueError(f"{what} not finite", repr(error))
            if absolute.size == 0:
                continue
            scaled = np.minimum(absolute / abs_tol, relative / rel_tol).ravel()
            k = int(scaled.argmax())
            if scaled[k] > most:
                most = float(scaled[k])
                worst = (position, k, float(absolute.ravel()[k]), float(relative.ravel()[k]))
        return worst


def verify_grad(
    fun: Callable[..., Any],
    pt: Sequence[Any],
    n_tests: int = 2,
    rng: Any = None,
    eps: float | None = None,
    out_type: str | None = None,
    abs_tol: float | None = None,
    rel_tol: float | None = None,
    mode: Any = None,
    cast_to_output_type: bool = False,
    no_debug_ref: bool = True,
) -> None:
    """Raises GradientError where the gradient of `fun` at `pt` differs from finite differences.

    fun: an Op or a function from variables to one variable. pt: a list of float arrays, one for each argument.
    n_tests: how many random projections of the output are tried. rng: a numpy RandomState or Generator; required.
    eps: the step. abs_tol, rel_tol: an error counts where it exceeds both; they default to the dtypes' precision.
    mode, no_debug_ref: accepted as in Theano. The expressions of the gradient are checked, with the interpreter.
    cast_to_output_type: project in float32 where the output is float32.

    >>> import symtheano.tensor as T
    >>> verify_grad(T.tanh, [np.array([0.5, -1.0])], rng=np.random.RandomState(42))
    """
    points = _points(pt)
    loosest = max((TOLERANCES[p.dtype.name] for p in points), default=TOLERANCES["float64"])
    abs_tol = loosest if abs_tol is None else abs_tol
    rel_tol = loosest if rel_tol is None else rel_tol
    if rng is None:
        raise TypeError(
            "rng should be a valid instance of numpy.random.RandomState (or Generator). You may want to use "
            "theano.tests.unittest_tools.verify_grad instead of theano.gradient.verify_grad."
        )
    inputs = [_input(p, f"input {k}") for k, p in enumerate(points)]
    output = _only_output(fun(*inputs))
    value = _function(inputs, [output])(*points)[0]
    dtype = _projection_dtype(output, cast_to_output_type)
    projection: Any = TensorType(dtype, output.type.broadcastable)("projection")
    cost = (projection * output).sum()
    gradients = grad(cost, inputs, disconnected_inputs="ignore")
    cost_of, gradients_of = _function([projection, *inputs], [cost]), _function([projection, *inputs], gradients)
    for _ in range(n_tests):
        random = _draw(rng, value.shape).astype(projection.type.dtype)
        try:
            measured = numeric_grad(lambda *xs, r=random: cost_of(r, *xs)[0], points, eps, out_type)
            _compare(measured, gradients_of(random, *points), abs_tol, rel_tol)
        except Exception as error:
            text = f"The error happened with the following inputs: {points}\nThe value of the output was: {value}"
            raise add_context(error, text) from None


def _points(pt: Any) -> list[Array]:
    if not isinstance(pt, (list, tuple)):
        raise AssertionError(f"verify_grad needs pt to be a list or tuple of arrays, got {type(pt)}")
    points = [np.array(p) for p in pt]
    for position, p in enumerate(points):
        if p.dtype.name not in TOLERANCES:
            raise TypeError(
                f'verify_grad can work only with floating point inputs, but input {position} has dtype "{p.dtype}".'
            )
    return points


def _compare(measured: numeric_grad, symbolic: list[Any], abs_tol: float, rel_tol: float) -> None:
    arg, position, absolute, relative = measured.max_err(symbolic, abs_tol, rel_tol)
    if absolute > abs_tol and relative > rel_tol:
        raise GradientError(
            arg,
            position,
            symbolic[arg].shape,
            float(symbolic[arg].ravel()[position]),
            float(measured.gf[arg].ravel()[position]),
            absolute,
            relative,
            abs_tol,
            rel_tol,
        )


def _input(p: Array, name: str) -> Any:
    """A variable that can hold `p`."""
    return TensorType(p.dtype.name, [n == 1 for n in p.shape])(name)


def _only_output(output: Any) -> Any:
    if isinstance(output, (list, tuple)):
        raise NotImplementedError("verify_grad can't (yet) autotest gradient of fun with multiple outputs")
    return as_tensor_variable(output)


def _projection_dtype(output: Any, cast_to_output_type: bool) -> str:
    return "float32" if cast_to_output_type and output.type.dtype == "float32" else "float64"


def _draw(rng: Any, shape: tuple[int, ...]) -> Array:
    """Random numbers away from zero, where a finite difference would lose its digits."""
    random = rng.rand(*shape) if hasattr(rng, "rand") else rng.random(shape)
    return np.asarray(random + 0.5)


def _function(inputs: Sequence[Any], outputs: Sequence[Variable]) -> Callable[..., list[Any]]:
    """The numeric function of an expression, by the interpreter; its arguments are cast to the inputs' types."""
    shared = [v for v in graph_inputs(outputs) if isinstance(v, SharedVariable)]

    def call(*values: Any) -> list[Any]:
        env: dict[Variable, Any] = {v: v.get_value(borrow=True) for v in shared}
        env.update((i, np.asarray(x, i.type.dtype)) for i, x in zip(inputs, values, strict=True))
        return evaluate(outputs, env)

    return call


verify_grad.E_grad = GradientError  # type: ignore[attr-defined]
