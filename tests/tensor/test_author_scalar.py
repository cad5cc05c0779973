"""Authors' scalar functions (theano.scalar.UnaryScalarOp and kin) in Elemwise."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.special

import symtheano as st
import symtheano.tensor as T
from symtheano.interop import scalar_names
from symtheano.tensor import author_scalar as s
from symtheano.tensor.author_scalar import AuthorElemwise, BinaryScalarOp, ScalarOp, UnaryScalarOp

RNG = np.random.RandomState(0)


class Square(UnaryScalarOp):
    def impl(self, x: Any) -> Any:
        return x * x

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [2 * inputs[0] * output_grads[0]]


class I1e(UnaryScalarOp):
    nfunc_spec = ("scipy.special.i1e", 1, 1)


class I0e(UnaryScalarOp):
    """As a library writes it: rows and other authors' functions in the gradient."""

    nfunc_spec = ("scipy.special.i0e", 1, 1)

    def impl(self, x: Any) -> Any:
        return scipy.special.i0e(x)

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        (x,) = inputs
        return (output_grads[0] * (i1e(x) - scalar_names.NAMES["sgn"](x) * i0e(x)),)


class Ratio(BinaryScalarOp):
    def impl(self, x: Any, y: Any) -> Any:
        return x / y

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
        (g,), (_, y), (z,) = output_grads, inputs, outputs
        return [g / y, -g * z / y]


class SinCos(ScalarOp):
    nin, nout = 1, 2

    def impl(self, x: Any) -> Any:
        return np.sin(x), np.cos(x)

    def output_types(self, types: Any) -> Any:
        return [types[0], types[0]]

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [output_grads[0] * T.cos(inputs[0]) - output_grads[1] * T.sin(inputs[0])]


i1e, i0e = I1e(s.upgrade_to_float_no_complex, "i1e"), I0e(s.upgrade_to_float_no_complex, "i0e")


def test_values_types_and_names() -> None:
    square = T.Elemwise(Square(s.upgrade_to_float, name="square"), name="mine")
    x = T.imatrix("x")
    y = square(x)
    assert isinstance(square, AuthorElemwise) and str(square) == "mine" and str(i0e) == "i0e"
    assert str(T.Elemwise(i0e)) == "Elemwise{i0e,no_inplace}"
    assert y.type == T.dmatrix
    np.testing.assert_array_equal(
        y.eval({x: np.arange(6, dtype="int32").reshape(2, 3)}), np.arange(6).reshape(2, 3) ** 2
    )
    assert y.eval({x: np.zeros((0, 3), "int32")}).shape == (0, 3)


def test_a_named_function_computes_whole_arrays() -> None:
    x = T.fvector("x")
    out = T.Elemwise(i0e)(x)
    value = np.array([0.1, 2.0], "float32")
    np.testing.assert_allclose(out.eval({x: value}), scipy.special.i0e(value), rtol=1e-6)
    assert out.dtype == "float32"


@pytest.mark.parametrize("op", [Square(s.upgrade_to_float), i0e])
def test_gradients_of_unary(op: Any) -> None:
    st.verify_grad(T.Elemwise(op), [RNG.rand(3, 4) + 0.1], rng=RNG)


def test_gradients_with_broadcasting() -> None:
    ratio = T.Elemwise(Ratio(s.upcast_out))
    st.verify_grad(ratio, [RNG.rand(3, 4), RNG.rand(4) + 0.5], rng=RNG)
    st.verify_grad(ratio, [RNG.rand(1, 4), RNG.rand(3, 4) + 0.5], rng=RNG)
    x, y = T.dmatrix("x"), T.dvector("y")
    with pytest.raises(ValueError, match="differ in axis 1"):
        ratio(x, y).eval({x: np.ones((2, 3)), y: np.ones(1)})
    f = st.function([x, y], ratio(x, y).shape)
    assert f(np.ones((2, 3)), np.ones(3)).tolist() == [2, 3]
    assert not any(isinstance(n.op, AuthorElemwise) for n in f.maker.fgraph.toposort())


def test_second_derivatives_and_rop() -> None:
    x = T.dvector("x")
    cube = T.Elemwise(Square(s.upgrade_to_float))(x) * x
    first = st.grad(cube.sum(), x)
    np.testing.assert_allclose(st.grad(first.sum(), x).eval({x: [1.0, 2.0]}), [6.0, 12.0])
    np.testing.assert_allclose(st.Rop(cube, x, T.ones_like(x)).eval({x: [1.0, 2.0]}), [3.0, 12.0])


def test_two_outputs() -> None:
    x = T.dvector("x")
    sin, cos = T.Elemwise(SinCos())(x)
    np.testing.assert_allclose((sin**2 + cos**2).eval({x: [0.5, 3.0]}), [1.0, 1.0])
    np.testing.assert_allclose(st.grad((sin + 2 * cos).sum(), x).eval({x: [0.5]}), [np.cos(0.5) - 2 * np.sin(0.5)])


def test_a_call_applies_it_to_numbers_and_tensors() -> None:
    square = Square(s.upgrade_to_float)
    assert float(square(3).eval()) == 9.0
    assert square(T.dmatrix()).type == T.dmatrix


def test_equality_copies_and_pickles() -> None:
    a, b = Square(s.upgrade_to_float, "a"), Square(s.upgrade_to_float, "b")
    assert a == b and hash(a) == hash(b) and a != Square(s.same_out)
    assert T.Elemwise(a) == T.Elemwise(b)
    assert pickle.loads(pickle.dumps(T.Elemwise(a))) == T.Elemwise(a)
    assert copy.copy(T.Elemwise(a)) == T.Elemwise(a)
    x = T.dscalar("x")
    outs = st.function([x], [T.Elemwise(a)(x), T.Elemwise(b)(x)])
    assert len(outs.maker.fgraph.toposort()) == 1


def test_mistakes_are_told() -> None:
    with pytest.raises(TypeError, match="Wrong number of inputs"):
        T.Elemwise(Square(s.same_out))(1, 2)
    with pytest.raises(TypeError, match="Expected a callable"):
        Square("float64")  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="output types"):
        T.Elemwise(Square())(T.dscalar())
    with pytest.raises(TypeError, match="complex"):
        T.Elemwise(i0e)(T.zscalar())
    with pytest.raises(Exception, match="impl"):
        T.Elemwise(UnaryScalarOp(s.same_out))(1.0).eval()


def _type(dtype: str) -> Any:
    return s.get_scalar_type(dtype)


@pytest.mark.parametrize(
    ("preference", "dtypes", "expected"),
    [
        (s.upgrade_to_float, ("int8",), "float32"),
        (s.upgrade_to_float, ("int32",), "float64"),
        (s.upgrade_to_float, ("int8", "float16"), "float32"),
        (s.upgrade_to_float64, ("float32",), "float64"),
        (s.upgrade_to_float_no_complex, ("bool",), "float32"),
        (s.upcast_out, ("int8", "float32"), "float32"),
        (s.upcast_out_min8, ("bool", "bool"), "int8"),
        (s.upcast_out_nobool, ("int8", "bool"), "int8"),
        (s.upcast_out_no_complex, ("int32", "float32"), "float64"),
        (s.same_out, ("int16",), "int16"),
        (s.same_out_min8, ("bool",), "int8"),
        (s.same_out_float_only, ("float16",), "float16"),
        (s.same_out_nocomplex, ("float32",), "float32"),
        (s.same_out_nobool, ("int8",), "int8"),
        (s.int_out, ("float32",), "int64"),
        (s.float_out_nocomplex, ("int8",), "float64"),
        (s.real_out, ("complex64",), "float32"),
        (s.transfer_type(1), ("float32", "int8"), "int8"),
        (s.transfer_type(None), ("float32", "int32"), "float64"),
        (s.specific_out(_type("int8")), ("float32",), "int8"),
        (s.unary_out_lookup({_type("int8"): _type("int32")}), ("int8",), "int32"),
    ],
)
def test_output_type_preferences(preference: Any, dtypes: tuple[str, ...], expected: str) -> None:
    assert [t.dtype for t in preference(*map(_type, dtypes))] == [expected]


@pytest.mark.parametrize(
    ("preference", "dtype"),
    [
        (s.upgrade_to_float_no_complex, "complex64"),
        (s.same_out_nocomplex, "complex64"),
        (s.int_out_nocomplex, "complex128"),
        (s.upcast_out_nobool, "bool"),
        (s.same_out_nobool, "bool"),
        (s.same_out_float_only, "int8"),
        (s.unary_out_lookup({}), "int8"),
    ],
)
def test_preferences_that_refuse(preference: Any, dtype: str) -> None:
    with pytest.raises(TypeError):
        preference(_type(dtype))


def test_rows_and_their_classes() -> None:
    names = scalar_names.NAMES
    assert isinstance(T.exp.scalar_op, names["Exp"]) and not isinstance(T.exp.scalar_op, names["Add"])
    assert isinstance(T.cast(T.dscalar(), "int8").owner.op.scalar_op, names["Cast"])
    assert names["Identity"](s.same_out, name="i") == names["identity"]
    assert T.Elemwise(names["exp"]) == T.exp
    x = T.dmatrix("x")
    assert names["add"](x, x).owner.op == T.add
    assert names["float64"] == T.dscalar and isinstance(names["int8"], s.Scalar)
    assert s.Scalar("float32") == T.fscalar and s.Scalar.upcast(T.iscalar, T.fscalar) == "float64"
    assert scalar_names.cast(x, "floatX").type == T.dmatrix
    assert [v.dtype for v in scalar_names.as_common_dtype(T.iscalar(), T.fscalar())] == ["float64", "float64"]
    assert s.as_scalar(2).type == T.bscalar
    with pytest.raises(TypeError, match="Cannot convert"):
        s.as_scalar(x)
