"""Authors' Ops that fail, or that break the contract of ops."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from tests.errors.contract import Mistake, Table, check

wrong = Table()
ones = np.ones


class Author(st.Op):
    """An op on vectors; subclasses break one part of it."""

    __props__ = ()
    itypes, otypes = [T.dvector], [T.dvector]

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = inputs[0] * 2

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [output_grads[0] * 2]


class Raising(Author):
    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        raise KeyError("no such entry")


class Silent(Author):
    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        pass


class WrongRank(Author):
    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = np.zeros((2, 2))


class Unfinished(st.Op):
    __props__ = ()
    itypes, otypes = [T.dvector], [T.dvector]


class TooMany(Author):
    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [output_grads[0], output_grads[0]]


class NoneGradient(Author):
    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [None]


class IntegerGradient(Author):
    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [T.cast(output_grads[0], "int64")]


class ScalarGradient(Author):
    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return [output_grads[0].sum()]


class FailingGradient(Author):
    def grad(self, inputs: Any, output_grads: Any) -> Any:
        raise ZeroDivisionError("somewhere in grad")


class BadPattern(Author):
    def connection_pattern(self, node: Any) -> Any:
        return [[True], [True]]


def run(op: st.Op) -> None:
    x = T.dvector("x")
    y = op(x)
    y.name = "y"
    st.function([x], y + 1)(ones(3))


@wrong(KeyError, "no such entry", "Raising", "x", "vector", "(3,)", "perform")
def perform_that_raises() -> None:
    x = T.dvector("x")
    y = Raising()(x)  # <-
    st.function([x], y + 1)(ones(3))


@wrong(ValueError, "Silent", "perform", "output_storage[0]", "x")
def perform_that_gives_nothing() -> None:
    x = T.dvector("x")
    y = Silent()(x)  # <-
    st.function([x], y + 1)(ones(3))


@wrong(ValueError, "WrongRank", "perform", "(2, 2)", "vector", "x")
def perform_that_gives_another_rank() -> None:
    x = T.dvector("x")
    y = WrongRank()(x)  # <-
    st.function([x], y + 1)(ones(3))


@wrong(Exception, "Unfinished", "perform")
def no_perform() -> None:
    x = T.dvector("x")
    y = Unfinished()(x)  # <-
    st.function([x], y)(ones(3))


@wrong(NotImplementedError, "Unfinished", "no gradient", "x", "grad", "disconnected_grad")
def no_gradient() -> None:
    x = T.dvector("x")
    y = Unfinished()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(TypeError, "We expected inputs of types", "vector", "matrix", "Author")
def inputs_of_another_type() -> None:
    x = T.dmatrix("x")
    Author()(x)  # <-


@wrong(ValueError, "We expected 1 inputs but got 2", "Author")
def too_many_inputs() -> None:
    x = T.dvector("x")
    Author()(x, x)  # <-


@wrong(ValueError, "TooMany", "returned the wrong number of gradient terms", "2", "x")
def too_many_gradients() -> None:
    x = T.dvector("x")
    y = TooMany()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(TypeError, "NoneGradient", "returned None for a gradient term", "x", "vector")
def a_gradient_that_is_none() -> None:
    x = T.dvector("x")
    y = NoneGradient()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(TypeError, "IntegerGradient", "integer-valued", "int64", "x")
def a_gradient_of_integers() -> None:
    x = T.dvector("x")
    y = IntegerGradient()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(ValueError, "ScalarGradient", "0 dimensions", "1 are required", "x")
def a_gradient_of_another_rank() -> None:
    x = T.dvector("x")
    y = ScalarGradient()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(ZeroDivisionError, "somewhere in grad", "FailingGradient", "x", "vector")
def a_gradient_that_raises() -> None:
    x = T.dvector("x")
    y = FailingGradient()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(ValueError, "BadPattern", "connection_pattern", "1 rows", "[[True], [True]]")
def a_connection_pattern_of_another_size() -> None:
    x = T.dvector("x")
    y = BadPattern()(x)  # <-
    st.grad(T.sum(y), x)


@wrong(ZeroDivisionError, "halves", "x", "(3,)")
def as_op_that_raises() -> None:
    @st.compile.as_op.as_op(itypes=[T.dvector], otypes=[T.dvector])
    def halves(x: Any) -> Any:
        return 1 // 0

    x = T.dvector("x")
    y = halves(x)  # <-
    st.function([x], y)(ones(3))


@wrong(np.linalg.LinAlgError, "Singular matrix", "Inverse", "a", "(2, 2)")
def a_singular_matrix() -> None:
    class Inverse(st.Op):
        __props__ = ()
        itypes, otypes = [T.dmatrix], [T.dmatrix]

        def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
            output_storage[0][0] = np.linalg.inv(inputs[0])

    a = T.dmatrix("a")
    y = Inverse()(a)  # <-
    st.function([a], y)(np.zeros((2, 2)))


@wrong.parametrize()
def test_ops(mistake: Mistake) -> None:
    check(mistake)
