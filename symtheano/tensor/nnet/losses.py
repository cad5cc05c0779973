"""Losses: crossentropies of probabilities, of logits and of labels; the confusion matrix; hierarchical softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.alloc import zeros
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.dot import batched_dot, dot, tensordot
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.join import join
from symtheano.tensor.math import cast
from symtheano.tensor.nnet.crossentropy import (
    PickLabel,
    crossentropy_categorical_1hot,
    crossentropy_softmax_argmax_1hot_with_bias,
)
from symtheano.tensor.nnet.softmax import softmax
from symtheano.tensor.reduce import max_and_argmax
from symtheano.tensor.sizes import shape_i
from symtheano.tensor.type import tensor_type

__all__ = [
    "ConfusionMatrix",
    "binary_crossentropy",
    "categorical_crossentropy",
    "confusion_matrix",
    "crossentropy_softmax_1hot",
    "crossentropy_softmax_1hot_with_bias",
    "crossentropy_softmax_max_and_argmax_1hot",
    "crossentropy_softmax_max_and_argmax_1hot_with_bias",
    "h_softmax",
    "prepend_0_to_each_row",
    "prepend_1_to_each_row",
    "prepend_scalar_to_each_row",
    "sigmoid_binary_crossentropy",
]


def binary_crossentropy(output: Any, target: Any) -> Any:
    """-(target * log(output) + (1 - target) * log(1 - output)), elementwise.

    output: probabilities; target: probabilities or 0 and 1. Infinite or nan where an output is exactly 0 or 1, unless
    it is a sigmoid that the compiler sees: then the loss is computed from the sigmoid's argument.

    >>> binary_crossentropy([0.5, 0.25], [0, 1]).eval()
    array([0.69314718, 1.38629436])
    """
    output, target = as_tensor_variable(output), as_tensor_variable(target)
    return -(target * functions.log(output) + (1.0 - target) * functions.log(1.0 - output))


def sigmoid_binary_crossentropy(output: Any, target: Any) -> Any:
    """binary_crossentropy(sigmoid(output), target) computed from `output` itself: finite for large values.

    >>> sigmoid_binary_crossentropy([0.0, -1000.0], [1, 0]).eval()
    array([0.69314718, 0.        ])
    """
    return functions.sigmoid_binary_crossentropy(output, target)


def categorical_crossentropy(coding_dist: Any, true_dist: Any) -> Any:
    """The crossentropy of each row of `coding_dist` under the true distribution: -sum(true_dist * log(coding_dist)).

    coding_dist: probabilities, one distribution a row. true_dist: distributions of the same shape, or integer labels
    with one dimension less, where the loss of row i is -log(coding_dist[i, true_dist[i]]). Raises TypeError for other
    numbers of dimensions, and for labels that are not integers.

    >>> categorical_crossentropy(as_tensor_variable([[0.5, 0.5]]), as_tensor_variable([1])).type
    TensorType(float64, (True,))
    """
    p, t = as_tensor_variable(coding_dist), as_tensor_variable(true_dist)
    if t.type.ndim == p.type.ndim:
        return -(t * functions.log(p)).sum(axis=p.type.ndim - 1)
    if t.type.ndim == p.type.ndim - 1:
        return crossentropy_categorical_1hot(p, t)
    raise TypeError(
        explain(
            "rank mismatch between coding and true distributions",
            operation="categorical_crossentropy",
            operands=[f"{v}: {v.type}, ndim {v.type.ndim}" for v in (p, t)],
            remedy="true_dist has the dimensions of coding_dist (distributions), or one less (integer labels)",
        )
    )


# ----- Softmax and crossentropy at once -----


def crossentropy_softmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[-log(softmax(x + b)[i, y_idx[i]]), softmax(x + b)] of a matrix, a vector and integer labels.

    x: (n, classes), b: (classes,), both of floats. y_idx: (n,), integers from 0 to classes - 1. Results: (n,) and (n,
    classes).

    >>> [v.eval() for v in crossentropy_softmax_1hot_with_bias([[0.0, 0.0]], [0.0, 0.0], [1])]
    [array([0.69314718]), array([[0.5, 0.5]])]
    """
    loss, probabilities, _ = crossentropy_softmax_argmax_1hot_with_bias(x, b, y_idx, **kwargs)
    return [loss, probabilities]


def crossentropy_softmax_1hot(x: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[-log(softmax(x)[i, y_idx[i]]), softmax(x)] of a matrix and integer labels.

    >>> [v.eval() for v in crossentropy_softmax_1hot([[0.0, 0.0]], [1])]
    [array([0.69314718]), array([[0.5, 0.5]])]
    """
    return crossentropy_softmax_1hot_with_bias(x, _no_bias(x), y_idx, **kwargs)


def crossentropy_softmax_max_and_argmax_1hot_with_bias(x: Any, b: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[loss, softmax(x + b), the largest probability of each row, its index].

    Arguments as for `crossentropy_softmax_1hot_with_bias`.

    >>> every = crossentropy_softmax_max_and_argmax_1hot_with_bias(np.zeros((2, 3)), np.zeros(3), [1, 0])
    >>> [v.type.ndim for v in every]
    [1, 2, 1, 1]
    """
    loss, probabilities = crossentropy_softmax_1hot_with_bias(x, b, y_idx, **kwargs)
    return [loss, probabilities, *max_and_argmax(probabilities, axis=-1)]


def crossentropy_softmax_max_and_argmax_1hot(x: Any, y_idx: Any, **kwargs: Any) -> list[Any]:
    """[loss, softmax(x), the largest probability of each row, its index].

    >>> [v.type.ndim for v in crossentropy_softmax_max_and_argmax_1hot(np.zeros((2, 3)), [1, 0])]
    [1, 2, 1, 1]
    """
    return crossentropy_softmax_max_and_argmax_1hot_with_bias(x, _no_bias(x), y_idx, **kwargs)


def _no_bias(x: Any) -> Any:
    x = as_tensor_variable(x)
    return zeros((shape_i(x, 1),), x.type.dtype)


# ----- Rows -----


def prepend_scalar_to_each_row(val: Any, m: Any) -> Any:
    """The matrix `m` with a column of `val` in front; the dtype of `m`.

    Raises TypeError where `val` is no scalar or `m` no matrix.

    >>> prepend_scalar_to_each_row(9, [[1, 2], [3, 4]]).eval()
    array([[9, 1, 2],
           [9, 3, 4]])
    """
    val, m = as_tensor_variable(val), as_tensor_variable(m)
    if val.type.ndim != 0:
        raise TypeError(f"the value to prepend must be a scalar; {val} has type {val.type}")
    if m.type.ndim != 2:
        raise TypeError(f"expected a matrix; {m} has type {m.type}")
    column = zeros((shape_i(m, 0), 1), m.type.dtype) + cast(val, m.type.dtype)
    return join(1, column, m)


def prepend_0_to_each_row(m: Any) -> Any:
    """The matrix `m` with a column of zeros in front.

    >>> prepend_0_to_each_row([[1, 2], [3, 4]]).eval()
    array([[0, 1, 2],
           [0, 3, 4]])
    """
    return prepend_scalar_to_each_row(0, m)


def prepend_1_to_each_row(m: Any) -> Any:
    """The matrix `m` with a column of ones in front: a bias as one more weight.

    >>> prepend_1_to_each_row([[1, 2], [3, 4]]).eval()
    array([[1, 1, 2],
           [1, 3, 4]])
    """
    return prepend_scalar_to_each_row(1, m)


# ----- Confusion matrix -----


class ConfusionMatrix(ArrayOp):
    """How often each actual class was predicted as each class: an int64 matrix, and the classes in order."""

    __props__ = ()

    def make_node(self, actual: Any, pred: Any) -> Apply:
        actual, pred = as_tensor_variable(actual), as_tensor_variable(pred)
        dtype = upcast(actual.type.dtype, pred.type.dtype)
        return Apply(self, [actual, pred], [tensor_type("int64", (None, None))(), tensor_type(dtype, (None,))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.confusion_matrix(xp, {', '.join(args)})"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(i) for i in inputs]


def confusion_matrix(actual: Any, pred: Any) -> list[Any]:
    """[matrix, order]: matrix[i, j] counts where `actual` is order[i] and `pred` is order[j].

    actual, pred: vectors of equal length; `order` has the values in them, sorted. ValueError for other dimensions.

    >>> [v.eval() for v in confusion_matrix([0, 1, 1], [0, 1, 0])]
    [array([[1, 0],
           [1, 1]]), array([0, 1])]
    """
    for name, v in (("actual", as_tensor_variable(actual)), ("pred", as_tensor_variable(pred))):
        if v.type.ndim != 1:
            raise ValueError(f"{name} must be 1-d tensor variable; it has type {v.type}")
    return list(ConfusionMatrix()(actual, pred))


# ----- Hierarchical softmax -----


def h_softmax(
    x: Any,
    batch_size: Any,
    n_outputs: Any,
    n_classes: int,
    n_outputs_per_class: int,
    W1: Any,
    b1: Any,
    W2: Any,
    b2: Any,
    target: Any = None,
) -> Any:
    """Two-level hierarchical softmax: the probability of a class times that of an output in its class.

    x: (batch_size, features). W1, b1: (features, n_classes), (n_classes,). W2, b2: (n_classes, features,
    n_outputs_per_class), (n_classes, n_outputs_per_class). target: integer labels; then only their probabilities are
    computed, a vector. Without: all of them, (batch_size, n_outputs). Cost grows with the square root of n_outputs.
    Raises TypeError for labels that are no integers.

    >>> W1, b1, W2, b2 = np.ones((5, 2)), np.ones(2), np.ones((2, 5, 3)), np.ones((2, 3))
    >>> h_softmax(np.ones((1, 5)), 1, 6, 2, 3, W1, b1, W2, b2).eval().round(4)
    array([[0.1667, 0.1667, 0.1667, 0.1667, 0.1667, 0.1667]])
    """
    x, W2, b2 = as_tensor_variable(x), as_tensor_variable(W2), as_tensor_variable(b2)
    class_probs = softmax(dot(x, W1) + b1)
    if target is None:
        activations = tensordot(x, W2, (1, 1)) + b2
        within = softmax(activations.reshape((-1, n_outputs_per_class)))
        within = within.reshape((batch_size, n_classes, n_outputs_per_class))
        every = (class_probs.dimshuffle(0, 1, "x") * within).reshape((batch_size, n_classes * n_outputs_per_class))
        return every[:, :n_outputs]
    labels: Any = as_tensor_variable(target)
    if not is_discrete(labels.type.dtype):
        raise TypeError(f"h_softmax: the target must be integer labels; it has type {labels.type}")
    labels = labels.flatten()
    classes, outputs = labels // n_outputs_per_class, labels % n_outputs_per_class
    within = softmax(batched_dot(x, W2[classes]) + b2[classes])
    pick = PickLabel()
    return pick(class_probs, classes) * pick(within, outputs)
