"""Images cut into patches, one a row, and put together again (`theano.tensor.nnet.neighbours`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import zeros_of
from symtheano.tensor.math import cast, ceil_intdiv
from symtheano.tensor.shape import patternbroadcast
from symtheano.tensor.sizes import is_integer, known_lengths, size_vector, vector_items
from symtheano.tensor.type import tensor_type

__all__ = ["Images2Neibs", "Neibs2Images", "images2neibs", "neibs2images"]

MODES = ("valid", "half", "full", "wrap_centered", "ignore_borders")


class _Neighbours(ArrayOp):
    """What both ops share: the mode, and patches given by two integer vectors of length 2."""

    __props__ = ("mode",)

    def __init__(self, mode: str = "valid"):
        if mode not in MODES:
            raise NotImplementedError(
                f"Only modes {', '.join(MODES)} have been implemented for {type(self).__name__}; got {mode!r}"
            )
        self.mode = mode

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.mode}}}"

    def _pair(self, name: str, value: Any, length: int = 2) -> Any:
        v = size_vector(value)
        if v.type.shape[0] not in (None, length) or not is_integer(v.type.dtype):
            raise TypeError(f"{self}: {name} must be {length} integers, got {v}: {v.type}, shape {v.type.shape}")
        return v

    def _wrong(self, problem: str, v: Any) -> str:
        remedy = "images are (batch, channels, rows, columns); patches a matrix, one patch a row"
        return explain(f"{self}: {problem}", operation=str(self), operands=[f"{v}: {v.type}"], remedy=remedy)


class Images2Neibs(_Neighbours):
    """op(images, neib_shape, neib_step=neib_shape): see `images2neibs`."""

    def make_node(self, ten4: Any, neib_shape: Any, neib_step: Any = None) -> Apply:
        ten4 = as_tensor_variable(ten4)
        if ten4.type.ndim != 4:
            raise AssertionError(self._wrong("images must have 4 dimensions", ten4))
        shape = self._pair("neib_shape", neib_shape)
        step = shape if neib_step is None else self._pair("neib_step", neib_step)
        rows, columns = known_lengths(shape, 2)
        width = None if rows is None or columns is None or rows * columns == 1 else rows * columns
        return Apply(self, [ten4, shape, step], [tensor_type(ten4.type.dtype, (None, width))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"neighbour_kernels.images2neibs(xp, {', '.join(args)}, {self.mode!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        sizes, steps = (vector_items(v, 2) for v in node.inputs[1:])
        counts = [self._count(n, c, s) for n, c, s in zip(shapes[0][2:], sizes, steps, strict=True)]
        return [(counts[0] * counts[1] * shapes[0][1] * shapes[0][0], sizes[0] * sizes[1])]

    def _count(self, n: Any, c: Any, step: Any) -> Any:
        """How many patches there are along an axis of length n."""
        if self.mode == "wrap_centered":
            return ceil_intdiv(n, step)
        room = {"half": lambda: n - c % 2, "full": lambda: n + c - 2}.get(self.mode, lambda: n - c)()
        return room // step + 1

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        x, shape, step = inputs
        rest = [disconnected_type(), disconnected_type()]
        if is_discrete(x.type.dtype):
            return [zeros_of(x), *rest]
        back = Neibs2Images(self.mode)(output_grads[0], shape, step, x.shape)
        return [patternbroadcast(back, x.type.broadcastable), *rest]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], *inputs[1:])]


class Neibs2Images(_Neighbours):
    """The adjoint of Images2Neibs, op(neibs, neib_shape, neib_step, image shape): patches added up in their places."""

    def make_node(self, neibs: Any, neib_shape: Any, neib_step: Any, original_shape: Any) -> Apply:
        neibs = as_tensor_variable(neibs)
        if neibs.type.ndim != 2:
            raise AssertionError(self._wrong("patches must have 2 dimensions", neibs))
        shape, step = self._pair("neib_shape", neib_shape), self._pair("neib_step", neib_step)
        original = self._pair("original_shape", original_shape, 4)
        known = tuple(None if n == 1 else n for n in known_lengths(original, 4))
        dtype = neibs.type.dtype if neibs.type.dtype != "bool" else upcast("bool", "int8")
        return Apply(self, [cast(neibs, dtype), shape, step, original], [tensor_type(dtype, known)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"neighbour_kernels.neibs2images(xp, {', '.join(args)}, {self.mode!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(vector_items(node.inputs[3], 4))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [False], [False]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        neibs: Any
        neibs, shape, step, _ = inputs
        rest = [disconnected_type() for _ in range(3)]
        if is_discrete(neibs.type.dtype):
            return [zeros_of(neibs), *rest]
        back = Images2Neibs(self.mode)(output_grads[0], shape, step)
        return [patternbroadcast(back, neibs.type.broadcastable), *rest]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], *inputs[1:])]


def images2neibs(ten4: Any, neib_shape: Any, neib_step: Any = None, mode: str = "valid") -> Any:
    """The patches of images as the rows of a matrix.

    ten4: (batch, channels, rows, columns). neib_shape: (rows, columns) of a patch. neib_step: their distances,
    neib_shape where not given. Result: (patches, rows * columns of a patch): the patches of the first channel of the
    first image come first, row by row.

    mode: "valid": patches must fit exactly (TypeError at run time). "ignore_borders": what is left over at the end is
    ignored. "half", "full": "valid" after padding with neib_shape // 2, or neib_shape - 1, zeros on all sides.
    "wrap_centered": patches, of odd lengths, around every element (or every neib_step), the image going round.
    Gradients exist for all modes.

    >>> images2neibs(np.arange(16.0).reshape(1, 1, 4, 4), (2, 2)).eval()
    array([[ 0.,  1.,  4.,  5.],
           [ 2.,  3.,  6.,  7.],
           [ 8.,  9., 12., 13.],
           [10., 11., 14., 15.]])
    """
    return Images2Neibs(mode)(ten4, neib_shape, neib_step)


def neibs2images(neibs: Any, neib_shape: Any, original_shape: Any, mode: str = "valid") -> Any:
    """Images put together from patches that do not overlap: the inverse of `images2neibs`.

    neibs: the result of images2neibs(images, neib_shape, mode=mode). original_shape: the shape of the images, 4
    integers. mode: "valid" or "ignore_borders", which leaves zeros where no patch was; others raise
    NotImplementedError.

    >>> neibs2images(np.ones((4, 4)), (2, 2), (1, 1, 4, 4)).type
    TensorType(float64, 4D)
    """
    if mode not in ("valid", "ignore_borders"):
        raise NotImplementedError(f"neibs2images do not support mode={mode}: patches overlap there")
    return Neibs2Images(mode)(neibs, neib_shape, neib_shape, original_shape)
