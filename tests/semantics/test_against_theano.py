"""Where symtheano differed from Theano: every expected value here was observed from Theano 1.0.5 (Python linker).

A program that built the same expressions under both found them; each literal is what the real Theano gave.
"""

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_an_extremum_over_no_axes_is_that_of_all(name):
    x = T.tensor3("x")
    y = getattr(T, name)(x, axis=())
    assert (y.type.ndim, y.dtype) == (0, "int64" if name.startswith("arg") else x.dtype)
    value = np.array([[[3.0, 1.0]], [[2.0, 7.0]]])
    assert y.eval({x: value}) == {"max": 7.0, "min": 1.0, "argmax": 3, "argmin": 1}[name]
    assert [v.ndim for v in T.max_and_argmax(x, axis=(), keepdims=True)] == [3, 3]
    assert T.sum(x, axis=()).ndim == 3


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64"])
def test_a_norm_of_whole_numbers_is_a_float(dtype):
    x = T.TensorType(dtype, (False,))("x")
    assert x.norm(1).dtype == "float64"
    assert T.fvector().norm(1).dtype == "float32"


def test_dtypes_of_activations():
    dtypes = {d: T.nnet.elu(T.vector(dtype=d)).dtype for d in ("uint8", "uint16", "int32", "float16")}
    assert dtypes == {"uint8": "float32", "uint16": "float32", "int32": "float64", "float16": "float16"}
    assert T.nnet.softsign(T.vector(dtype="float16")).dtype == "float16"


IN_FLOAT = {"1j": TypeError, "'a'": ValueError, "[[1], [2, 3]]": ValueError}
IN_INT = {**IN_FLOAT, "float('nan')": ValueError, "1e40": OverflowError}


@pytest.mark.parametrize("downcast", [None, True, False])
@pytest.mark.parametrize(
    ("dtype", "value", "error"),
    [(d, v, e) for d in ("float32", "float64") for v, e in IN_FLOAT.items()]
    + [(d, v, e) for d in ("int8", "int64") for v, e in IN_INT.items()],
)
def test_what_is_no_number_is_refused(dtype, value, error, downcast):
    x = T.TensorType(dtype, ())("x")
    f = theano.function([theano.In(x, allow_downcast=downcast)], x)
    with pytest.raises(error):
        f(eval(value))


@pytest.mark.parametrize(("dtype", "value"), [("float32", 1.5), ("float16", 3.0), ("int8", 3.0), ("int64", 3.0)])
def test_allow_downcast_false_takes_what_keeps_its_value(dtype, value):
    x = T.TensorType(dtype, ())("x")
    f = theano.function([theano.In(x, allow_downcast=False)], x)
    got = f(value)
    assert (got, got.dtype) == (value, dtype)
    with pytest.raises(TypeError):
        f(0.1)


@pytest.mark.parametrize("optimizer", [None, "fast_compile", "fast_run"])
def test_partial_sums_have_the_dtype_of_the_result(optimizer):
    a, b = T.vector("a", dtype="bool"), T.vector("b", dtype="int8")
    f = theano.function([a, b], T.add(a, b, a), mode=theano.Mode(linker="py", optimizer=optimizer))
    got = f(np.array([True, False]), np.array([4, -2], "int8"))
    assert (got.tolist(), got.dtype) == ([6, -2], "int8")
