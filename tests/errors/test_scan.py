"""Loops that cannot be: what scan's caller gave, what the function of a step returned, what came when it ran."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import MissingInputError, ShapeMismatchError
from symtheano.scan.frontend import until
from tests.errors.contract import Mistake, Table, check

wrong = Table()
ones = np.ones


# -- arguments of scan -------------------------------------------------------------------------------------------------


@wrong(ValueError, "No information about the number of steps provided", "n_steps argument of scan", "input sequence")
def neither_sequences_nor_n_steps() -> None:
    st.scan(lambda s: s + 1, outputs_info=T.zeros(3))  # <-


@wrong(ValueError, "n_steps must be an int. dtype provided is float32", "n: ", "cast")
def float_n_steps() -> None:
    n = T.fscalar("n")
    st.scan(lambda s: s + 1, outputs_info=T.zeros(3), n_steps=n)  # <-


@wrong(ValueError, "n_steps must be an int. dtype provided is float", "3.0")
def a_float_as_n_steps() -> None:
    st.scan(lambda s: s + 1, outputs_info=T.zeros(3), n_steps=3.0)  # <-


@wrong(ValueError, "n_steps must be an int", "n: ", "vector")
def a_vector_as_n_steps() -> None:
    n = T.lvector("n")
    st.scan(lambda s: s + 1, outputs_info=T.zeros(3), n_steps=n)  # <-


@wrong(ValueError, "n_steps must be an int", "'ten' of type str")
def text_as_n_steps() -> None:
    st.scan(lambda s: s + 1, outputs_info=T.zeros(3), n_steps="ten")  # <-


@wrong(ValueError, "n_steps must not be negative", "-2", "go_backwards=True")
def negative_n_steps() -> None:
    st.scan(lambda s: s + 1, outputs_info=T.zeros(3), n_steps=-2)  # <-


@wrong(ValueError, "-2 steps", "for{cpu,walk}", "go_backwards=True")
def negative_n_steps_when_it_runs() -> None:
    n = T.lscalar("n")
    y, _ = st.scan(lambda s: s + 1, outputs_info=T.zeros(3), n_steps=n, name="walk")  # <-
    st.function([n], y)(-2)


@wrong(
    ValueError,
    "The sequence x is long enough for 3 steps, but n_steps is 5",
    "x: TensorType(float64, matrix)",
    "(3, 2)",
)
def a_sequence_that_is_too_short() -> None:
    x = T.constant(ones((3, 2)), name="x")
    st.scan(lambda e: e, x, n_steps=5)  # <-


@wrong(ValueError, "The sequence x with the taps [-2, 0] is long enough for 1 steps, but n_steps is 2", "(3,)")
def a_sequence_that_is_too_short_for_its_taps() -> None:
    x = T.constant(ones(3), name="x")
    st.scan(lambda a, b: a + b, {"input": x, "taps": [-2, 0]}, n_steps=2)  # <-


@wrong(ValueError, "The sequence x[t] has 3 elements, but the loop runs 5 steps", "for{cpu,walk}", "x[t]", "(3, 2)")
def a_sequence_that_is_too_short_when_it_runs() -> None:
    x, n = T.dmatrix("x"), T.lscalar("n")
    y, _ = st.scan(lambda e, s: s + e, x, T.zeros(2), n_steps=n, name="walk")  # <-
    st.function([x, n], y)(ones((3, 2)), 5)


@wrong(ValueError, "Sequence 1 of scan is a scalar", "y: TensorType(float64, scalar)", "non_sequences")
def a_scalar_as_sequence() -> None:
    x, y = T.dvector("x"), T.dscalar("y")
    st.scan(lambda a, b: a + b, [x, y])  # <-


@wrong(ValueError, "Sequence 0 is a dict without 'input'", "inputs", "dict(input=sequence, taps=[...])")
def a_sequence_under_another_key() -> None:
    st.scan(lambda e: e, {"inputs": T.dvector("x")})  # <-


@wrong(ValueError, "The taps of sequence 0 must be an integer or a list of integers, not [0.5]")
def taps_that_are_no_integers() -> None:
    st.scan(lambda e: e, {"input": T.dvector("x"), "taps": [0.5]})  # <-


@wrong(ValueError, "The taps of sequence 0 must be", "[]")
def no_taps() -> None:
    st.scan(lambda: T.zeros(1), {"input": T.dvector("x"), "taps": []})  # <-


@wrong(TypeError, "scan: sequence 0 is no tensor", "object")
def a_sequence_that_is_no_tensor() -> None:
    st.scan(lambda e: e, object())  # <-


@wrong(ValueError, "Using `return_steps` has been deprecated", "outputs_info[0]", "result[-1]")
def return_steps() -> None:
    st.scan(lambda s: s, outputs_info={"initial": T.zeros(2), "return_steps": 1}, n_steps=2)  # <-


@wrong(ValueError, "If you are using slices of an output you need to provide a initial state for it", "taps=[-2]")
def taps_without_an_initial_state() -> None:
    st.scan(lambda s: s, outputs_info={"taps": [-2]}, n_steps=2)  # <-


@wrong(ValueError, "All the taps must be different", "outputs_info[1]", "taps=[-1, -1]")
def the_same_tap_twice() -> None:
    st.scan(lambda a, b: [a, b], outputs_info=[None, {"initial": T.zeros(2), "taps": [-1, -1]}], n_steps=2)  # <-


@wrong(ValueError, "All the tap values must be smaller than 0", "outputs_info[0]", "taps=[-1, 0]")
def a_tap_of_the_present() -> None:
    st.scan(lambda a, b: a, outputs_info={"initial": T.zeros(2), "taps": [-1, 0]}, n_steps=2)  # <-


@wrong(ValueError, "All the tap values must be smaller than 0", "outputs_info[0]", "taps=[-1, 1]")
def future_taps_of_an_output() -> None:
    st.scan(lambda a, b: a, outputs_info={"initial": T.zeros(2), "taps": [-1, 1]}, n_steps=2)  # <-


@wrong(ValueError, "output 0 (s) has too few values for the taps [-3, -1]", "(2,)", "stack 3 values")
def an_initial_state_of_too_few_values() -> None:
    s = T.constant(ones(2), name="s")
    st.scan(lambda a, b: a + b, outputs_info={"initial": s, "taps": [-3, -1]}, n_steps=2)  # <-


@wrong(ValueError, "output 0 (s) has too few values for the taps [-2]", "s: TensorType(float64, scalar)")
def an_initial_state_without_a_time_axis() -> None:
    s = T.dscalar("s")
    st.scan(lambda a: a, outputs_info={"initial": s, "taps": [-2]}, n_steps=2)  # <-


@wrong(IndexError, "s", "(2,)")
def an_initial_state_of_too_few_values_when_it_runs() -> None:
    s = T.dvector("s")
    y, _ = st.scan(lambda a: a, outputs_info={"initial": s, "taps": [-3]}, n_steps=2)  # <-
    st.function([s], y)(ones(2))


@wrong(TypeError, "positional argument", "with 2 arguments", "x[t]: TensorType(float64, scalar)", "s[t-1]: ")
def a_function_of_too_few_arguments() -> None:
    x, s = T.dvector("x"), T.dscalar("s")
    st.scan(lambda e: e, x, s)  # <-


@wrong(TypeError, "missing 1 required positional argument", "with 1 arguments", "x[t]")
def a_function_of_too_many_arguments() -> None:
    x = T.dvector("x")
    st.scan(lambda e, s: e + s, x)  # <-


@wrong(TypeError, "Wrong", remedy=False)
def a_function_that_raises() -> None:
    def step(e: Any) -> Any:
        raise TypeError("Wrong")

    st.scan(step, T.dvector("x"))


@wrong(MissingInputError, "ScanOp is missing an input: w", "w: TensorType(float64, scalar)", "non_sequences")
def strict_and_not_listed() -> None:
    w = st.shared(2.0, "w")  # <-
    st.scan(lambda e: e * w, T.dvector("x"), strict=True)


# -- what the function returned ----------------------------------------------------------------------------------------


@wrong(ValueError, "value of your scan lambda expression may only be made of", "3.5 of type float", "constant")
def a_number_returned() -> None:
    st.scan(lambda e: 3.5, T.dvector("x"))  # <-


@wrong(ValueError, "may only be made of", "None of type NoneType")
def nothing_returned() -> None:
    st.scan(lambda e: None, T.dvector("x"))  # <-


@wrong(ValueError, "may only be made of", "of type ndarray")
def an_array_among_outputs() -> None:
    st.scan(lambda e: [e, ones(2)], T.dvector("x"))  # <-


@wrong(ValueError, "has been restricted: you have to always return first the outputs", "afterwards the updates")
def updates_before_outputs() -> None:
    a = st.shared(0.0)
    st.scan(lambda e: ({a: a + e}, [e]), T.dvector("x"))  # <-


@wrong(ValueError, "has been restricted: you have to always return first the outputs", "at the end the condition")
def a_condition_before_outputs() -> None:
    st.scan(lambda e: (until(e > 1), e), T.dvector("x"))  # <-


@wrong(ValueError, "Scan cannot parse the return value of your lambda expression", "outputs, updates")
def four_parts_returned() -> None:
    st.scan(lambda e: (e, {}, until(e > 1), {}), T.dvector("x"))  # <-


@wrong(AssertionError, "The condition of until() must be a scalar", "TensorType(bool, vector)", "any(condition)")
def a_condition_that_is_a_vector() -> None:
    def step(e: Any) -> Any:
        above = e > 1  # <-
        return e, until(above)

    st.scan(step, T.dmatrix("x"))


@wrong(TypeError, "update target must be a SharedVariable: v", "v: TensorType(float64, scalar)")
def an_update_of_no_shared_variable() -> None:
    v = T.dscalar("v")
    st.scan(lambda e: {v: v + e}, T.dvector("x"))  # <-


@wrong(TypeError, "An update must have the same type as the original shared variable", "a: TensorType(float64, vector)")
def an_update_of_another_type() -> None:
    a = st.shared(ones(2), "a")
    st.scan(lambda e: {a: e + a.sum()}, T.dvector("x"))  # <-


@wrong(
    ValueError,
    "Please provide None as outputs_info for any output that does not feed back into scan",
    "outputs_info has 1 entries, the function returned 2 outputs",
    "outputs_info[0]: s: TensorType(float64, scalar)",
    "returned 1: ",
)
def more_outputs_than_outputs_info() -> None:
    s = T.dscalar("s")
    st.scan(lambda e, p: [p + e, e], T.dvector("x"), s)  # <-


@wrong(ValueError, "Please provide None as outputs_info", "has 2 entries, the function returned 1 outputs", "None")
def fewer_outputs_than_outputs_info() -> None:
    st.scan(lambda e, p: p + e, T.dvector("x"), [T.dscalar("s"), None])  # <-


@wrong(ValueError, "Please provide None as outputs_info", "has 2 entries, the function returned 1 outputs")
def fewer_outputs_in_one_step() -> None:
    st.scan(lambda e, p: p + e, T.dvector("x"), [T.dscalar("s"), None], n_steps=1)  # <-


# -- states that change ------------------------------------------------------------------------------------------------

INNER = "When compiling the inner function of scan the following error has been encountered: The initial state"


@wrong(
    ValueError,
    INNER,
    "output 0 has dtype int8, while the result of the inner function (`fn`) has dtype float64",
    "TensorType(int8, scalar)",
    "x[t]",
)
def a_state_of_another_dtype() -> None:
    x = T.dvector("x")

    def step(e: Any, s: Any) -> Any:
        return s + e  # <-

    st.scan(step, x, 0)


@wrong(TypeError, INNER, "output 0 (s) has dtype float32", "has dtype float64", "s[t-1]: TensorType(float32, scalar)")
def a_state_of_less_precision() -> None:
    x, s = T.dvector("x"), T.fscalar("s")
    st.scan(lambda e, p: p + e, x, s)  # <-


@wrong(
    ValueError, INNER, "output 1 (s) has 1 dimension(s)", "(`fn`) has 2 dimension(s)", "s: TensorType(float64, vector)"
)
def a_state_of_another_rank() -> None:
    s, M = T.dvector("s"), T.dmatrix("M")
    st.scan(lambda p: [M, p + M], outputs_info=[None, s], n_steps=2)  # <-


@wrong(ValueError, INNER, "output 0 (s) has 2 dimension(s)", "(`fn`) has 1 dimension(s)")
def a_stack_of_states_with_one_tap() -> None:
    s = T.dmatrix("s")
    st.scan(lambda p: p.sum(axis=0), outputs_info=[{"initial": s, "taps": [-1]}], n_steps=2)  # <-


@wrong(ValueError, INNER, "output 0 has length 1 in axis 0 by its type", "(1, 3)", "(2, 3)", "unbroadcast(initial, 0)")
def a_state_that_is_stretched() -> None:
    st.scan(lambda p: p + ones((2, 3)), outputs_info=T.zeros((1, 3)), n_steps=2)  # <-


@wrong(ShapeMismatchError, INNER, "output 0 has shape (2,) at each step", "(`fn`) has shape (3,)", "s")
def a_state_of_another_length() -> None:
    def step(p: Any) -> Any:
        return T.zeros(3) + p.sum()  # <-

    st.scan(step, outputs_info=T.zeros(2), n_steps=2)


@wrong(
    ShapeMismatchError, "changed the shape of its state s[t-1]: (2,) before the step, (3,) after it", "for{cpu,walk}"
)
def a_state_of_another_length_when_it_runs() -> None:
    s = T.dvector("s")

    def step(p: Any) -> Any:
        return T.concatenate([p, p[:1]])  # <-

    y, _ = st.scan(step, outputs_info=s, n_steps=2, name="walk")
    st.function([s], y)(ones(2))


@wrong(ValueError, "x[t]", "s[t-1]", "(2,)", "(3,)")
def elements_and_states_of_different_lengths() -> None:
    x, s = T.dmatrix("x"), T.dvector("s")
    y, _ = st.scan(lambda e, p: p + e, x, s)  # <-
    st.function([x, s], y)(ones((4, 2)), ones(3))


@wrong.parametrize()
def test_loops(mistake: Mistake) -> None:
    check(mistake)
