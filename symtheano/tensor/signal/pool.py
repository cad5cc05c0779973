"""Pooling: the maximum, sum or average of windows over the last axes of a tensor (`theano.tensor.signal.pool`)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.scalar_constant import extract_constant
from symtheano.tensor.shape import patternbroadcast
from symtheano.tensor.signal.pool_kernels import output_length
from symtheano.tensor.sizes import is_integer, known_lengths, size_vector, vector_items
from symtheano.tensor.type import tensor_type

__all__ = [
    "AveragePoolGrad",
    "DownsampleFactorMaxGradGrad",
    "MaxPoolGrad",
    "Pool",
    "PoolGrad",
    "max_pool_2d_same_size",
    "pool_2d",
    "pool_3d",
]

MODES = ("max", "sum", "average_inc_pad", "average_exc_pad")


def older_names(ws: Any, stride: Any, pad: Any, ds: Any, st: Any, padding: Any, level: int = 3) -> tuple[Any, Any, Any]:
    """(ws, stride, pad), where the older names ds, st and padding may stand for them, with a warning.

    Raises ValueError where both names of an argument are given, or no window size.
    """
    values = []
    both = (("ws", ws, "ds", ds), ("stride", stride, "st", st), ("pad", pad, "padding", padding))
    for name, value, old, given in both:
        if given is None:
            values.append(value)
            continue
        if value is not None and not (name == "pad" and isinstance(value, (tuple, list)) and not any(value)):
            raise ValueError(
                f"You can't provide a tuple value to both '{name}' and '{old}'. Please provide it only to '{name}'."
            )
        warnings.warn(f"DEPRECATION: the '{old}' parameter is replaced by the parameter '{name}'.", stacklevel=level)
        values.append(given)
    if values[0] is None:
        raise ValueError("You must provide a tuple value for the window size.")
    return values[0], values[1], values[2]


class _Pooling(ArrayOp):
    """What the pooling ops share: windows over the last `ndim` axes of their first input.

    ignore_border: only whole windows count; otherwise the last ones may be cut off. The inputs ws, stride and pad are
    integer vectors of length `ndim`: the windows' lengths, their distances, and the padding on both sides.
    """

    __props__ = ("ignore_border", "mode", "ndim")
    out_argument = True
    _tensors = 1  # inputs before ws, stride and pad

    def __init__(self, ignore_border: bool = False, mode: str = "max", ndim: int = 2, openmp: bool | None = None):
        mode = "max" if mode == "max_deterministic" else mode
        if mode not in MODES:
            raise ValueError(
                f"Pool mode parameter only support 'max', 'sum', 'average_inc_pad' and 'average_exc_pad'. Got {mode}"
            )
        if ndim < 1:
            raise ValueError(f"pooling needs ndim >= 1, got {ndim}")
        self.ignore_border, self.mode, self.ndim = bool(ignore_border), mode, int(ndim)

    def _inputs(self, tensors: Sequence[Any], ws: Any, stride: Any, pad: Any) -> list[Any]:
        """All inputs as variables, the windows' checked; TypeError for wrong dtypes or dimensions."""
        variables: list[Any] = [as_tensor_variable(v) for v in tensors]
        if any(v.type.ndim != variables[0].type.ndim or v.type.ndim < self.ndim for v in variables):
            self._wrong(TypeError, f"pooling over {self.ndim} axes needs at least as many dimensions", variables)
        if any(is_complex(v.type.dtype) for v in variables):
            self._wrong(TypeError, "complex numbers have no order, and averages of them no use here", variables)
        stride = ws if stride is None else stride
        pad = (0,) * self.ndim if pad is None else pad
        words = (("downsample", "ws", ws), ("Stride", "stride", stride), ("Padding", "pad", pad))
        windows = [self._vector(word, name, v) for word, name, v in words]
        known = [known_lengths(v, self.ndim) for v in windows]
        if any(known[2]) and not self.ignore_border:
            raise NotImplementedError(f"padding works only with ignore_border=True; got pad={pad}")
        for w, s, p in zip(*known, strict=True):
            if (w is not None and w < 1) or (s is not None and s < 1) or (p is not None and p < 0):
                raise ValueError(f"pooling needs ws, stride >= 1 and pad >= 0; got ws={ws}, stride={stride}, pad={pad}")
            if w is not None and p is not None and p >= w:
                raise NotImplementedError(f"padding must be smaller than the window; got pad={pad}, ws={ws}")
        return [*variables, *windows]

    def _vector(self, word: str, name: str, value: Any) -> Any:
        v = as_tensor_variable(value) if not isinstance(value, (tuple, list)) else None
        if v is None and any(isinstance(n, (float, np.floating)) for n in value):
            v = as_tensor_variable(value)
        if v is not None and not is_integer(v.type.dtype):
            what = "Pool downsample" if word == "downsample" else word
            raise TypeError(f"{what} parameters must be ints; {name} is {value}: {v.type}")
        if v is not None and v.type.ndim != 1:
            raise AssertionError(f"{name} must be a vector of {self.ndim} integers, got {value}: {v.type}")
        v = size_vector(value if v is None else v)
        if v.type.shape[0] not in (None, self.ndim):
            raise ValueError(f"{name} must have {self.ndim} elements, got {value}")
        return v

    def _wrong(self, error: type[Exception], problem: str, variables: Sequence[Any]) -> None:
        told = [f"{v}: {v.type}, shape {v.type.shape}" for v in variables]
        raise error(explain(f"{self}: {problem}.", operation=str(self), operands=told, remedy="see pool_2d"))

    def _of_x(self, x: Any, windows: Sequence[Any]) -> tuple[int | None, ...]:
        """What is known of the output's shape."""
        known = [known_lengths(v, self.ndim) for v in windows]
        pooled: list[int | None] = []
        for n, w, s, p in zip(x.type.shape[-self.ndim :], *known, strict=True):
            if n is None or w is None or s is None or p is None:
                pooled.append(None)
            else:
                length = output_length(n, w, s, p, self.ignore_border)
                pooled.append(None if length == 1 else length)  # Theano's type says nothing of these axes
        return (*x.type.shape[: -self.ndim], *pooled)

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[k < self._tensors] for k in range(len(node.inputs))]


class Pool(_Pooling):
    """The maximum, sum or average of each window: op(x, ws, stride=ws, pad=0).

    mode: "max"; "sum"; "average_inc_pad", padding counting as zeros; "average_exc_pad", padding not counting.
    """

    @staticmethod
    def out_shape(
        imgshape: Sequence[Any],
        ws: Any = None,
        ignore_border: bool = False,
        stride: Any = None,
        pad: Any = None,
        ndim: int | None = 2,
        ds: Any = None,
        st: Any = None,
        padding: Any = None,
    ) -> list[Any]:
        """The shape of the output for an input of shape `imgshape`, numbers or symbolic sizes.

        >>> Pool.out_shape((10, 3, 7, 7), (2, 2))
        [10, 3, 4, 4]
        """
        ws, stride, pad = older_names(ws, stride, pad, ds, st, padding)
        ndim = 2 if ndim is None else ndim
        if len(imgshape) < ndim:
            raise TypeError(f"imgshape must have at least {ndim} dimensions")
        stride = ws if stride is None else stride
        pad = (0,) * ndim if pad is None else pad
        pooled = []
        for k in range(ndim):
            n = extract_constant(imgshape[k - ndim])
            n = int(n) if not isinstance(n, Variable) else n
            pooled.append(_symbolic_length(n, ws[k], stride[k], pad[k], ignore_border))
        return list(imgshape[:-ndim]) + pooled

    def make_node(self, x: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        inputs = self._inputs([x], ws, stride, pad)
        known = self._of_x(inputs[0], inputs[1:])
        if not self.ignore_border and any(n == 0 for n in inputs[0].type.shape[-self.ndim :]):
            self._wrong(ShapeMismatchError, "there is nothing in the windows", inputs[:1])
        return Apply(self, inputs, [tensor_type(inputs[0].type.dtype, known)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"pool_kernels.pool(xp, {', '.join(args)}, {self.mode!r}, {self.ignore_border})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        windows = [vector_items(v, self.ndim) for v in node.inputs[1:]]
        ws, stride, pad = windows
        return [tuple(self.out_shape(list(shapes[0]), ws, self.ignore_border, stride, pad, self.ndim))]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        x, *windows = inputs
        rest = [disconnected_type() for _ in windows]
        if is_discrete(x.type.dtype):
            return [zeros_of(x), *rest]
        if self.mode == "max":
            return [MaxPoolGrad(self.ignore_border, self.ndim)(x, outputs[0], output_grads[0], *windows), *rest]
        return [AveragePoolGrad(self.ignore_border, self.mode, self.ndim)(x, output_grads[0], *windows), *rest]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        (x, *windows), t = inputs, eval_points[0]
        if t is None:
            return [None]
        if self.mode != "max":
            return [self(t, *windows)]
        return [DownsampleFactorMaxGradGrad(self.ignore_border, "max", self.ndim)(x, self(*inputs), t, *windows)]


def _symbolic_length(n: Any, w: Any, s: Any, p: Any, ignore_border: bool) -> Any:
    """`pool_kernels.output_length` for numbers or symbolic sizes."""
    values = [extract_constant(v) if isinstance(v, Variable) else v for v in (n, w, s, p)]
    if not any(isinstance(v, Variable) for v in values):
        return output_length(int(values[0]), int(values[1]), int(values[2]), int(values[3]), ignore_border)
    n, w, s, p = (v if isinstance(v, Variable) else int(v) for v in values)
    padded = n if isinstance(p, int) and p == 0 else n + 2 * p
    if ignore_border:
        same = w is s or (isinstance(w, int) and isinstance(s, int) and w == s)
        return padded // s if same else functions.maximum((padded - w) // s + 1, 0)
    apart = (padded - 1) // s + 1
    overlapping = functions.maximum((padded - 1 - w + s) // s, 0) + 1
    if isinstance(w, int) and isinstance(s, int):
        return apart if s >= w else overlapping
    return functions.switch(functions.ge(s, w), apart, overlapping)


class PoolGrad(_Pooling):
    """An op whose output has the shape of its first input x, and that has no derivative by x where it has one."""

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def _like(self, x: Any, inputs: Sequence[Any], g: Any) -> Apply:
        return Apply(self, list(inputs), [tensor_type(g.type.dtype, x.type.shape)()])


def _floats(*variables: Any) -> str:
    """The dtype of a cotangent: that of all of these."""
    return upcast(*(v.type.dtype for v in variables))


class MaxPoolGrad(PoolGrad):
    """The gradient of Pool in mode "max": op(x, maxout, gz, ws, stride, pad). Every element of x that is equal to its
    window's maximum gets the window's gz: where there are ties, all of them."""

    _tensors = 3

    def __init__(self, ignore_border: bool, ndim: int = 2, openmp: bool | None = None):
        super().__init__(ignore_border, "max", ndim)

    def make_node(self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        inputs = self._inputs([x, maxout, gz], ws, stride, pad)
        x, maxout, gz, *windows = inputs
        gz = cast(gz, _floats(x, gz))
        return self._like(x, [x, maxout, gz, *windows], gz)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"pool_kernels.max_grad(xp, {', '.join(args)}, {self.ignore_border})"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x, maxout, gz, *windows = inputs
        back = DownsampleFactorMaxGradGrad(self.ignore_border, "max", self.ndim)(x, maxout, output_grads[0], *windows)
        return [zeros_of(x), zeros_of(maxout), _fitted(back, gz), *(disconnected_type() for _ in windows)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x, maxout, _, *windows = inputs
        t = eval_points[2]
        return [None if t is None else self(x, maxout, t, *windows)]


def _fitted(g: Any, x: Any) -> Any:
    """A cotangent with the broadcast pattern of x."""
    return patternbroadcast(g, x.type.broadcastable)


class DownsampleFactorMaxGradGrad(_Pooling):
    """The adjoint of MaxPoolGrad by gz: op(x, maxout, ggx, ws, stride, pad), for each window the sum of ggx where x is
    the window's maximum. It is the forward derivative of Pool in mode "max", too."""

    _tensors = 3

    def __init__(self, ignore_border: bool, mode: str = "max", ndim: int = 2, openmp: bool | None = None):
        if mode != "max":
            raise ValueError(f'DownsampleFactorMaxGradGrad: mode must be "max", got {mode!r}')
        super().__init__(ignore_border, mode, ndim)

    def make_node(self, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None) -> Apply:
        x, maxout, ggx, *windows = self._inputs([x, maxout, gz], ws, stride, pad)
        ggx = cast(ggx, _floats(x, ggx))
        return Apply(self, [x, maxout, ggx, *windows], [tensor_type(ggx.type.dtype, maxout.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"pool_kernels.max_grad_grad(xp, {', '.join(args)}, {self.ignore_border})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x, maxout, ggx, *windows = inputs
        back = MaxPoolGrad(self.ignore_border, self.ndim)(x, maxout, output_grads[0], *windows)
        return [zeros_of(x), zeros_of(maxout), _fitted(back, ggx), *(disconnected_type() for _ in windows)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x, maxout, _, *windows = inputs
        t = eval_points[2]
        return [None if t is None else self(x, maxout, t, *windows)]


class AveragePoolGrad(PoolGrad):
    """The gradient of Pool in the other modes: op(x, gz, ws, stride, pad). Of x only the shape counts."""

    _tensors = 2

    def __init__(self, ignore_border: bool, mode: str = "average_inc_pad", ndim: int = 2):
        if mode == "max":
            raise ValueError('AveragePoolGrad: the mode is "sum" or an average; for "max" there is MaxPoolGrad')
        super().__init__(ignore_border, mode, ndim)

    def make_node(self, x: Any, gz: Any, ws: Any, stride: Any = None, pad: Any = None, dummy: Any = None) -> Apply:
        x, gz, *windows = self._inputs([x, gz], ws, stride, pad)
        gz = cast(gz, _floats(x, gz))
        return self._like(x, [x, gz, *windows], gz)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"pool_kernels.mean_grad(xp, {', '.join(args)}, {self.mode!r}, {self.ignore_border})"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x, gz, *windows = inputs
        back = Pool(self.ignore_border, self.mode, self.ndim)(output_grads[0], *windows)
        return [zeros_of(x), _fitted(back, gz), *(disconnected_type() for _ in windows)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x, _, *windows = inputs
        t = eval_points[1]
        return [None if t is None else self(x, t, *windows)]


# -- functions -------------------------------------------------------------------------------------------------------


def max_pool_2d_same_size(input: Any, patch_size: Any) -> Any:
    """`input` (4 dimensions), with all elements but the maxima of its patches set to zero.

    patch_size: (rows, columns) of the patches, which do not overlap; incomplete ones count as nothing but zeros.

    >>> max_pool_2d_same_size([[[[1, 2], [3, 4]]]], (2, 2)).eval()
    array([[[[0, 0],
             [0, 4]]]])
    """
    output = Pool(True)(input, patch_size)
    return MaxPoolGrad(True)(input, output, output, patch_size)


def pool_2d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: Any = (0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """The maximum, sum or average of windows over the last two axes.

    input: 2 dimensions or more. ws: (rows, columns) of a window. stride: distances of the windows, ws where not given.
    pad: zeros (for "max": nothing) on both sides of each axis; needs ignore_border=True, and less than ws
    (NotImplementedError). ignore_border: leave incomplete windows at the end out; None means False, with a warning.
    mode: "max", "sum", "average_inc_pad" (padding counts as zeros) or "average_exc_pad". ds, st, padding: older names
    of ws, stride and pad. In the gradient of "max" every element equal to the maximum gets it.

    >>> pool_2d(np.ones((2, 3, 8, 8)), (2, 2), ignore_border=True).type.shape
    (2, 3, 4, 4)
    """
    return _pooled(2, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


def pool_3d(
    input: Any,
    ws: Any = None,
    ignore_border: bool | None = None,
    stride: Any = None,
    pad: Any = (0, 0, 0),
    mode: str = "max",
    ds: Any = None,
    st: Any = None,
    padding: Any = None,
) -> Any:
    """`pool_2d` over the last three axes.

    >>> pool_3d(np.ones((2, 3, 8, 8, 8)), (2, 2, 2), ignore_border=True).type.shape
    (2, 3, 4, 4, 4)
    """
    return _pooled(3, input, ws, ignore_border, stride, pad, mode, ds, st, padding)


def _pooled(
    d: int, input: Any, ws: Any, ignore_border: Any, stride: Any, pad: Any, mode: str, ds: Any, st: Any, padding: Any
) -> Any:
    ws, stride, pad = older_names(ws, stride, pad, ds, st, padding, level=4)
    input = as_tensor_variable(input)
    if input.type.ndim < d:
        raise NotImplementedError(f"pool_{d}d requires a dimension >= {d}; {input} has type {input.type}")
    if ignore_border is None:
        warnings.warn(
            f"pool_{d}d() will have the parameter ignore_border default value changed to True (currently False). To "
            "have consistent behavior with all versions, explicitly add the parameter ignore_border=True.",
            stacklevel=3,
        )
        ignore_border = False
    return Pool(ignore_border, mode, d)(input, ws, stride, pad)
