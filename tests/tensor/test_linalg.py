"""Linear algebra: values against NumPy and SciPy in every dtype, complex gradients, empty matrices, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError
from symtheano.tensor import nlinalg, slinalg

DTYPES = ["int32", "float16", "float32", "float64", "complex64", "complex128"]
LinAlgError = np.linalg.LinAlgError


def matrix(m: int, n: int | None = None, dtype: str = "float64", seed: int = 0) -> Any:
    """A well conditioned matrix, of integers where the dtype is."""
    rng = np.random.default_rng(seed)
    n = m if n is None else n
    x = rng.normal(size=(m, n)) + 3 * np.eye(m, n)
    if dtype.startswith("complex"):
        x = x + 1j * rng.normal(size=(m, n))
    return np.round(2 * x).astype(dtype) if dtype.startswith("int") else x.astype(dtype)


def positive(n: int, dtype: str = "float64") -> Any:
    x = matrix(n, dtype=dtype)
    return x @ x.conj().T + np.eye(n, dtype=dtype)


def run(build: Callable[..., Any], *values: Any) -> Any:
    """The value of an expression of inputs of the values' types, compiled."""
    inputs = [T.TensorType(v.dtype.name, (False,) * v.ndim)() for v in values]
    return st.function(inputs, build(*inputs))(*values)


def wide(x: Any) -> Any:
    """A value in the dtype that NumPy's reference needs."""
    return x.astype("float32") if x.dtype == "float16" else x


def check(build: Callable[..., Any], reference: Callable[..., Any], *values: Any) -> None:
    """Compiled values against the reference: dtype, shape, numbers."""
    got, want = run(build, *values), reference(*(wide(v) for v in values))
    if not isinstance(got, list):
        got, want = [got], [want]
    half = any(v.dtype == "float16" for v in values)
    for g, w in zip(got, want, strict=True):
        w = np.asarray(w)
        assert g.dtype == ("float16" if half and w.dtype == "float32" else w.dtype)
        assert g.shape == w.shape
        tolerance = {"float16": 1e-2, "float32": 1e-4, "complex64": 1e-4}.get(g.dtype.name, 1e-10)
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance)


UNARY: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "inverse": (nlinalg.matrix_inverse, np.linalg.inv),
    "pinv": (nlinalg.pinv, np.linalg.pinv),
    "det": (nlinalg.det, np.linalg.det),
    "slogdet": (nlinalg.slogdet, np.linalg.slogdet),
    "eigh": (nlinalg.eigh, np.linalg.eigh),
    "eigh U": (lambda x: nlinalg.eigh(x, "U"), lambda x: np.linalg.eigh(x, "U")),
    "svd": (nlinalg.svd, np.linalg.svd),
    "svd values": (lambda x: nlinalg.svd(x, 0, 0), lambda x: np.linalg.svd(x, compute_uv=False)),
    "qr": (nlinalg.qr, np.linalg.qr),
    "eigvalsh": (slinalg.eigvalsh, np.linalg.eigvalsh),
    "power": (lambda x: nlinalg.matrix_power(x, -2), lambda x: np.linalg.matrix_power(x, -2)),
    "norm": (nlinalg.norm, np.linalg.norm),
    "norm 2": (lambda x: nlinalg.norm(x, 2), lambda x: np.linalg.norm(x, 2)),
    "norm -2": (lambda x: nlinalg.norm(x, -2), lambda x: np.linalg.norm(x, -2)),
    "norm nuc": (lambda x: nlinalg.norm(x, "nuc"), lambda x: np.linalg.norm(x, "nuc")),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_values_and_dtypes(name: str, dtype: str) -> None:
    build, reference = UNARY[name]
    if dtype == "float16" and name.startswith(("norm", "power")) and name not in ("norm 2", "norm -2", "norm nuc"):
        pytest.skip("made of several ops, which round to float16 in between")
    check(build, reference, matrix(3, dtype=dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_solving_values_and_dtypes(dtype: str) -> None:
    a, p, b = matrix(3, dtype=dtype), positive(3, dtype), matrix(3, 2, dtype, seed=1)
    check(slinalg.solve, np.linalg.solve, a, b)
    check(slinalg.solve, np.linalg.solve, a, b[:, 0])
    if dtype != "int32":  # scipy's dtype for integers is float32
        for lower in (True, False):
            check(
                lambda x, lower=lower: slinalg.cholesky(x, lower),
                lambda x, lower=lower: scipy.linalg.cholesky(x, lower=lower),
                p,
            )
            check(lambda x, y, lower=lower: slinalg.solve_triangular(x, y, lower),
                  lambda x, y, lower=lower: scipy.linalg.solve_triangular(x, y, lower=lower), a, b)  # fmt: skip
            check(lambda x, y, lower=lower: slinalg.eigvalsh(x, y, lower),
                  lambda x, y, lower=lower: scipy.linalg.eigvalsh(x, y, lower=lower), a + a.conj().T, p)  # fmt: skip
    check(
        slinalg.expm,
        scipy.linalg.expm,
        matrix(3, dtype=dtype) / np.asarray(4, dtype) if dtype != "int32" else np.eye(3, dtype=dtype),
    )


def test_dtypes_of_two_operands_are_upcast() -> None:
    for left, right, want in [("float32", "float64", "float64"), ("float32", "complex64", "complex64"),
                              ("int8", "float32", "float64"), ("float16", "float32", "float32")]:  # fmt: skip
        x = slinalg.solve(T.matrix(dtype=left), T.matrix(dtype=right))
        assert x.dtype == want
        assert run(slinalg.solve, np.eye(2).astype(left), np.ones((2, 1), right)).dtype == want


@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("unit", [False, True])
def test_solve_triangular_has_scipys_options(trans: Any, unit: bool) -> None:
    a, b = matrix(3, dtype="complex128"), matrix(3, 2, seed=1)
    for lower in (True, False):
        check(
            lambda x, y, lower=lower: slinalg.solve_triangular(x, y, lower, trans, unit),
            lambda x, y, lower=lower: scipy.linalg.solve_triangular(x, y, trans, lower, unit),
            a,
            b,
        )


def test_cho_solve() -> None:
    p, b = positive(4, "complex128"), matrix(4, 2, seed=1)
    for lower in (True, False):
        got = run(lambda x, y, lower=lower: slinalg.cho_solve((slinalg.cholesky(x, lower), lower), y), p, b)
        np.testing.assert_allclose(got, np.linalg.solve(p, b))


def test_eig() -> None:
    x = np.array([[2.0, 1.0], [0.5, -1.0]])
    w, v = run(nlinalg.eig, x)
    np.testing.assert_allclose(x @ v, w * v)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    with pytest.raises(LinAlgError, match="complex eigenvalues"):
        run(nlinalg.eig, turn)
    w, v = run(nlinalg.eig, turn.astype("complex128"))
    np.testing.assert_allclose(turn @ v, w * v, atol=1e-15)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3)])
@pytest.mark.parametrize("mode", ["reduced", "complete", "r", "raw"])
def test_qr_modes(mode: str, shape: tuple[int, int]) -> None:
    check(lambda x: nlinalg.qr(x, mode), lambda x: np.linalg.qr(x, mode), matrix(*shape))


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (1, 3)])
def test_svd_shapes(full: bool, shape: tuple[int, int]) -> None:
    check(lambda x: nlinalg.svd(x, full), lambda x: np.linalg.svd(x, full), matrix(*shape))


def test_lstsq() -> None:
    a, b = matrix(5, 3), matrix(5, 2, seed=1)
    for value in (b, b[:, 0]):
        got = run(lambda x, y: nlinalg.lstsq()(x, y, 1e-10), a, value)
        for g, w in zip(got, np.linalg.lstsq(a, value, 1e-10), strict=True):
            np.testing.assert_allclose(g, w)
    for bad in ((a[0], b[0], 0), (a, b, np.zeros(2))):
        x, y = (T.TensorType("float64", (False,) * np.ndim(v))() for v in bad[:2])
        with pytest.raises(LinAlgError):
            st.function([x, y], nlinalg.lstsq()(x, y, bad[2])[0])(*bad[:2])
    x = T.dmatrix()
    empty = nlinalg.lstsq()(x, b[:2], -1)[1]  # a wide matrix leaves no residuals
    np.testing.assert_array_equal(st.grad(empty.sum(), x).eval({x: a[:2]}), np.zeros((2, 3)))


@pytest.mark.parametrize("orders", [[None, 0, 1, 2, 2.5, -1, "inf", "-inf", np.inf, -np.inf],
                                    [None, "fro", "nuc", 1, -1, 2, -2, "inf", "-inf", np.inf, -np.inf]])  # fmt: skip
def test_norms(orders: list[Any]) -> None:
    x = matrix(3, 4) if "fro" in orders else matrix(5, 1)[:, 0]
    for ord in orders:
        numpy_ord = {"inf": np.inf, "-inf": -np.inf}.get(ord, ord) if isinstance(ord, str) else ord
        np.testing.assert_allclose(run(lambda v, ord=ord: nlinalg.norm(v, ord), x), np.linalg.norm(x, numpy_ord))


def test_kron() -> None:
    for m, n in [((2, 3), (4, 5)), ((1, 3), (4, 1))]:
        a, b = np.random.default_rng(0).normal(size=m), np.random.default_rng(1).normal(size=n)
        np.testing.assert_allclose(run(slinalg.kron, a, b), np.kron(a, b))
    a, b = np.arange(2.0), np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(run(slinalg.kron, a, b), np.kron(a[None], b).ravel())
    a, b = np.arange(24.0).reshape(2, 3, 4), np.arange(10.0).reshape(2, 5)
    want = np.concatenate(np.concatenate(np.multiply.outer(a, b), axis=1), axis=1)  # scipy.linalg.kron, while it was
    np.testing.assert_allclose(run(slinalg.kron, a, b), want)
    with pytest.raises(TypeError, match="sum to 3 or more"):
        slinalg.kron(np.ones(2), np.ones(3))


def test_tensorsolve_moves_axes() -> None:
    a, b = matrix(24).reshape(2, 12, 3, 8), matrix(3, 8)
    check(lambda x, y: nlinalg.tensorsolve(x, y, (0, 1)), lambda x, y: np.linalg.tensorsolve(x, y, (0, 1)), a, b)
    check(lambda x: nlinalg.tensorinv(x), np.linalg.tensorinv, matrix(24).reshape(4, 6, 8, 3))
    with pytest.raises(LinAlgError, match="tensorinv"):
        run(nlinalg.tensorinv, np.ones((2, 3, 4)))


@pytest.mark.parametrize("build", [
    nlinalg.matrix_inverse, nlinalg.det, lambda x: nlinalg.slogdet(x)[1], lambda x: nlinalg.eigh(x)[0],
    slinalg.cholesky, slinalg.expm, slinalg.eigvalsh, lambda x: slinalg.solve(x, T.zeros((x.shape[0], 2))),
    lambda x: slinalg.solve_triangular(x, T.zeros((x.shape[0], 2))), lambda x: nlinalg.svd(x)[1],
    lambda x: nlinalg.qr(x)[1], lambda x: nlinalg.eig(x)[0],
])  # fmt: skip
@pytest.mark.parametrize("n", [0, 1])
def test_empty_and_small_matrices(build: Callable[..., Any], n: int) -> None:
    x = T.dmatrix()
    value = np.full((n, n), 2.0)
    out = build(x)
    result, gradient = st.function([x], [out, st.grad(T.sum(out), x)])(value)
    assert result.shape in {(), (n,), (n, n), (n, 2)}
    assert gradient.shape == (n, n)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("build", [nlinalg.matrix_inverse, slinalg.cholesky, slinalg.expm, lambda x: nlinalg.svd(x)[1]])
def test_strided_inputs(build: Callable[..., Any]) -> None:
    x = positive(6)
    for view in (x[::2, ::2], x[::-1, ::-1], x.T, np.asfortranarray(x)):
        np.testing.assert_allclose(run(build, view), run(build, view.copy()), rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1)])
def test_gradients_of_matrices_whose_types_know_an_axis_of_length_1(shape: tuple[int, int]) -> None:
    x = T.dscalar()
    matrix = T.as_tensor_variable(np.linspace(1.5, 2.5, shape[0] * shape[1]).reshape(shape)) * x
    builds: list[Callable[..., Any]] = [
        nlinalg.pinv, lambda v: nlinalg.svd(v)[1], lambda v: nlinalg.svd(v, 0)[0], lambda v: nlinalg.qr(v)[0],
        lambda v: nlinalg.qr(v)[1], nlinalg.norm, lambda v: slinalg.kron(v, v), lambda v: nlinalg.lstsq()(v, v, -1)[0],
    ]  # fmt: skip
    if shape == (1, 1):
        builds += [
            nlinalg.matrix_inverse, nlinalg.det, lambda v: nlinalg.eigh(v)[1], lambda v: nlinalg.eig(v)[0],
            slinalg.cholesky, slinalg.expm, lambda v: slinalg.solve(v, v), lambda v: slinalg.solve(v, v[0]),
            slinalg.eigvalsh, lambda v: slinalg.eigvalsh(v, v),
        ]  # fmt: skip
    costs = [T.sum(build(matrix)) for build in builds]
    f = st.function([x], costs)
    slopes = st.function([x], [st.grad(cost, x) for cost in costs])(1.5)
    for k, (above, below) in enumerate(zip(f(1.5 + 1e-6), f(1.5 - 1e-6), strict=True)):
        np.testing.assert_allclose(slopes[k], (above - below) / 2e-6, rtol=1e-6, atol=1e-6, err_msg=str(builds[k]))


# -- complex gradients -----------------------------------------------------------------------------------------------

MIX = np.array([0.7, -0.4, 1.3])


def mixed(x: Any) -> Any:
    """A real number that depends on all elements of a complex expression."""
    return T.sum(T.real(x) * 0.7) - T.sum(T.sqr(T.imag(x))) + T.sum(T.sqr(T.real(x)))


def projector(v: Any) -> Any:
    """sum_k MIX[k] v_k v_k^H: what does not depend on the phases of the vectors."""
    return mixed(T.dot(v * MIX, T.conj(v).T))


COMPLEX: dict[str, Callable[..., Any]] = {
    "inverse": lambda x: mixed(nlinalg.matrix_inverse(x)),
    "pinv": lambda x: mixed(nlinalg.pinv(x[:, :2])),
    "det": lambda x: mixed(nlinalg.det(x)),
    "slogdet": lambda x: mixed(nlinalg.slogdet(x)[0]) + nlinalg.slogdet(x)[1],
    "eigh": lambda x: projector(nlinalg.eigh(x)[1]) + T.sum(nlinalg.eigh(x, "U")[0] * MIX),
    "eig": lambda x: projector(nlinalg.eig(x)[1]) + mixed(nlinalg.eig(x)[0] * MIX),
    "svd": lambda x: projector(nlinalg.svd(x)[0]) + projector(T.conj(nlinalg.svd(x)[2]).T),
    "svd product": lambda x: mixed(T.dot(nlinalg.svd(x)[0] * MIX, nlinalg.svd(x)[2])),
    "svd tall": lambda x: mixed(T.dot(nlinalg.svd(x[:, :2])[0][:, :2] * MIX[:2], nlinalg.svd(x[:, :2])[2])),
    "qr": lambda x: sum(mixed(v) for v in nlinalg.qr(x)),
    "qr wide": lambda x: sum(mixed(v) for v in nlinalg.qr(x[:2])),
    "solve": lambda x: mixed(slinalg.solve(x, x[0])),
    "solve triangular": lambda x: mixed(slinalg.solve_triangular(x, x, True, 2)),
    "cholesky": lambda x: mixed(slinalg.cholesky(T.dot(x, T.conj(x).T))),
    "cholesky upper": lambda x: mixed(slinalg.cholesky(T.dot(x, T.conj(x).T), False)),
    "eigvalsh": lambda x: T.sum(MIX * slinalg.eigvalsh(x + T.conj(x).T, T.dot(x, T.conj(x).T))),
    "expm": lambda x: mixed(slinalg.expm(x / 4)),
    "norm": lambda x: nlinalg.norm(x) + nlinalg.norm(x, "nuc") + nlinalg.norm(x[0], 3),
    "tensorsolve": lambda x: mixed(nlinalg.tensorsolve(x.reshape((3, 1, 3)), x[:1].T)),
    "lstsq": lambda x: mixed(nlinalg.lstsq()(x[:, :2], x[:, 2], -1)[0]),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex_gradients(name: str) -> None:
    """The gradient is d/d(real part) + i d/d(imaginary part) of a real cost."""
    x = T.zmatrix()
    cost = COMPLEX[name](x)
    f, g = st.function([x], cost), st.function([x], st.grad(cost, x))
    at = matrix(3, dtype="complex128")
    want = np.zeros_like(at)
    h = 1e-6
    for k in np.ndindex(at.shape):
        for unit in (1.0, 1j):
            ends = []
            for step in (h, -h):
                moved = at.copy()
                moved[k] += step * unit
                ends.append(float(f(moved)))
            want[k] += unit * (ends[0] - ends[1]) / (2 * h)
    np.testing.assert_allclose(g(at), want, rtol=1e-5, atol=1e-6)


# -- special values --------------------------------------------------------------------------------------------------


def test_gradients_of_equal_eigenvalues() -> None:
    """The sum of eigenvalues is the trace, also where they are equal."""
    x = T.dmatrix()
    for values in (nlinalg.eigh(x)[0], nlinalg.svd(x, compute_uv=False), slinalg.eigvalsh(x)):
        np.testing.assert_allclose(st.grad(T.sum(values), x).eval({x: np.eye(3)}), np.eye(3), atol=1e-15)


def test_gradient_is_in_the_triangle_that_is_read() -> None:
    x = T.dmatrix()
    p, weights = positive(3), np.array([0.3, 1.1, 2.0])
    for build, lower in [(slinalg.Cholesky(True), True), (slinalg.Cholesky(False), False),
                         (lambda v: nlinalg.eigh(v, "L")[0], True), (lambda v: nlinalg.eigh(v, "U")[0], False),
                         (lambda v: slinalg.eigvalsh(v, p, True), True),
                         (lambda v: slinalg.eigvalsh(p, v, False), False),
                         (lambda v: slinalg.solve_triangular(v, p, True), True)]:  # fmt: skip
        gradient = st.grad(T.sum(build(x) * weights), x).eval({x: p})
        np.testing.assert_array_equal(gradient, (np.tril if lower else np.triu)(gradient))
        assert np.all(gradient[np.tril_indices(3) if lower else np.triu_indices(3)] != 0)


@pytest.mark.parametrize(
    "bad", [np.array([[1, 0.2], [0.2, -2]]), np.array([[1, 0.2], [np.nan, 2]]), np.full((2, 2), np.inf)]
)
def test_cholesky_of_a_matrix_that_has_none(bad: Any) -> None:
    x = T.dmatrix()
    with pytest.raises(LinAlgError, match="not positive definite"):
        slinalg.cholesky(x).eval({x: bad})
    out = slinalg.cholesky(x, on_error="nan")
    value, gradient = st.function([x], [out, st.grad(T.sum(out), x)])(bad)
    assert np.isnan(value).all()
    assert np.isnan(gradient).all()


def test_a_singular_matrix_leaves_shared_variables_alone() -> None:
    s, x = st.shared(1.0), T.dmatrix()
    f = st.function([x], nlinalg.matrix_inverse(x), updates=[(s, s + 1)])
    with pytest.raises(LinAlgError):
        f(np.zeros((2, 2)))
    assert s.get_value() == 1
    with pytest.raises(LinAlgError):
        slinalg.solve_triangular(x, x).eval({x: np.zeros((2, 2))})


def test_log_det_is_stable() -> None:
    x = T.dmatrix()
    big = 1e30 * (np.eye(20) + 0.1)
    want = np.linalg.slogdet(big)[1]
    for out in (T.log(nlinalg.det(x)), T.log(abs(nlinalg.det(x)))):
        f = st.function([x], [out, st.grad(out, x)])
        value, gradient = f(big)
        np.testing.assert_allclose(value, want)
        np.testing.assert_allclose(gradient, np.linalg.inv(big).T)
    assert np.isnan(T.log(nlinalg.det(x)).eval({x: np.diag([1.0, -1.0])}))
    assert T.log(nlinalg.det(x)).eval({x: np.zeros((2, 2))}) == -np.inf


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("build", [
    nlinalg.matrix_inverse, nlinalg.det, nlinalg.slogdet, nlinalg.eig, nlinalg.eigh, slinalg.cholesky, slinalg.expm,
    slinalg.eigvalsh, lambda x: nlinalg.matrix_power(x, 2), lambda x: slinalg.solve(x, np.ones(2)),
    lambda x: slinalg.solve_triangular(x, np.ones(2)),
])  # fmt: skip
def test_shapes_are_checked_when_the_graph_is_built(build: Callable[..., Any]) -> None:
    with pytest.raises(ShapeMismatchError, match="2 by 3"):
        build(np.ones((2, 3)))
    with pytest.raises(TypeError, match="needs a matrix"):
        build(T.dtensor3())


def test_solve_tells_lengths() -> None:
    with pytest.raises(ShapeMismatchError, match="3 equations with 2 right sides"):
        slinalg.solve(np.eye(3), np.ones(2))
    with pytest.raises(TypeError, match="right sides"):
        slinalg.solve(T.dmatrix(), T.dtensor3())
    with pytest.raises(ValueError, match="A_structure"):
        slinalg.Solve("square")
    with pytest.raises(ShapeMismatchError):
        nlinalg.tensorsolve(np.ones((2, 3, 6)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="ind"):
        nlinalg.tensorinv(T.dmatrix(), 2)
    with pytest.raises(ValueError, match="mode"):
        nlinalg.qr(T.dmatrix(), "full")


def test_diagonals_under_nlinalgs_names() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert T.nlinalg is nlinalg
    np.testing.assert_array_equal(run(nlinalg.diag, x), np.diag(x))
    np.testing.assert_array_equal(run(nlinalg.diag, x[0]), np.diag(x[0]))
    np.testing.assert_array_equal(run(nlinalg.trace, x), np.trace(x))
    with pytest.raises(TypeError):
        nlinalg.alloc_diag(x)
    with pytest.raises(TypeError):
        nlinalg.diag(T.dscalar())


def test_names_that_shapes_know() -> None:
    """A shape alone needs no LAPACK."""
    x, y = T.dmatrix(), T.dmatrix()
    outs = [nlinalg.matrix_inverse(x), slinalg.solve(x, y), nlinalg.svd(x)[0], nlinalg.qr(x)[1], nlinalg.pinv(x)]
    f = st.function([x, y], [o.shape for o in outs])
    assert "xp.linalg" not in str(f.source)
    assert [tuple(v) for v in f(np.ones((4, 4)), np.ones((4, 2)))] == [(4, 4), (4, 2), (4, 4), (4, 4), (4, 4)]
