"""The convolution ops: the convolution, and its gradients by the filters and by the image. All three are bilinear, and
the gradients of each are the other two, so derivatives of any order exist.

The words of the arguments are Theano's: img (batch, input channels, lengths...), kern (output channels, input channels
of a group, lengths...), topgrad (batch, output channels, lengths...), the cotangent of the output.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np

from symtheano.errors import NotScalarConstantError, ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, times, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.nnet.conv_shapes import assert_shape, border_mode_to_pad, get_conv_output_shape
from symtheano.tensor.scalar_constant import get_scalar_constant_value
from symtheano.tensor.shape import patternbroadcast
from symtheano.tensor.sizes import is_integer, known_lengths, size_vector, vector_items
from symtheano.tensor.type import tensor_type

__all__ = [
    "AbstractConv",
    "AbstractConv2d",
    "AbstractConv2d_gradInputs",
    "AbstractConv2d_gradWeights",
    "AbstractConv3d",
    "AbstractConv3d_gradInputs",
    "AbstractConv3d_gradWeights",
    "AbstractConv_gradInputs",
    "AbstractConv_gradWeights",
    "BaseAbstractConv",
]


class BaseAbstractConv(ArrayOp):
    """What the three ops share: the parameters of a convolution.

    convdim: 2 or 3 axes. imshp, kshp: the shapes of image and filters where they are known (None for an unknown
    length): static knowledge for the output's type, and checked at run time (ValueError). border_mode: "valid", "full",
    "half", a number of zeros around the image, or for each axis a number or a pair (before, after). subsample: strides.
    filter_flip: True for a convolution, False for a correlation. filter_dilation: distance of a filter's elements.
    num_groups: channels and filters are divided in groups that do not see each other. unshared: each position has its
    own filter: (output channels, output lengths..., input channels, filter lengths...).
    """

    __props__ = (
        "convdim",
        "border_mode",
        "subsample",
        "filter_flip",
        "imshp",
        "kshp",
        "filter_dilation",
        "num_groups",
        "unshared",
    )
    out_argument = True
    _classes: ClassVar[dict[tuple[str, int], type[BaseAbstractConv]]] = {}  # filled at the end of this file

    def __init__(
        self,
        convdim: int,
        imshp: Sequence[Any] | None = None,
        kshp: Sequence[Any] | None = None,
        border_mode: Any = "valid",
        subsample: Sequence[int] | None = None,
        filter_flip: bool = True,
        filter_dilation: Sequence[int] | None = None,
        num_groups: int = 1,
        unshared: bool = False,
    ):
        if convdim not in (2, 3):
            raise ValueError(f"convolution dimension {convdim} is not supported: there are ops for 2 and 3")
        if num_groups < 1:
            raise ValueError(f"num_groups must have value greater than zero, got {num_groups}")
        if unshared and convdim != 2:
            raise NotImplementedError(f"Unshared convolution not implemented for {convdim}D")
        self.convdim = convdim
        self.unshared = bool(unshared)
        self.border_mode = _normal_border(border_mode, convdim)
        self.imshp = _declared("imshp", imshp, 2 + convdim)
        self.kshp = _declared("kshp", kshp, 2 + 2 * convdim if unshared else 2 + convdim)
        self.filter_flip = bool(filter_flip)
        self.subsample = _steps("subsample", subsample, convdim)
        self.filter_dilation = _steps("filter_dilation", filter_dilation, convdim)
        self.num_groups = int(num_groups)

    # -- helpers of the subclasses -----------------------------------------------------------------------------------
    def _twin(self, kind: str) -> Any:
        """The op of another kind ("forward", "weights", "inputs") with the same parameters."""
        extra = {"unshared": self.unshared} if self.convdim == 2 else {}
        return self._classes[kind, self.convdim](
            imshp=self.imshp,
            kshp=self.kshp,
            border_mode=self.border_mode,
            subsample=self.subsample,
            filter_flip=self.filter_flip,
            filter_dilation=self.filter_dilation,
            num_groups=self.num_groups,
            **extra,
        )

    def _operands(self, **operands: Any) -> list[Any]:
        """The operands as variables of their common dtype; TypeError where one has the wrong number of dimensions."""
        variables = {name: as_tensor_variable(v) for name, v in operands.items()}
        dtype = upcast(*(v.type.dtype for v in variables.values()))
        for name, v in variables.items():
            many = self.unshared and name == "kern"
            ndim = 2 + self.convdim * (2 if many else 1)
            if v.type.ndim != ndim:
                raise TypeError(
                    explain(
                        f"{name} must be {ndim}D tensor{' for unshared convolution' if many else ''}",
                        operation=type(self).__name__,
                        operands=[f"{n}: {u}: {u.type}" for n, u in variables.items()],
                        remedy="reshape it, or add axes of length 1 with dimshuffle: images are (batch, channels, "
                        "lengths...), filters (output channels, input channels, lengths...)",
                    )
                )
        return [cast(v, dtype) for v in variables.values()]

    def _known(self, name: str, v: Any, declared: Sequence[int | None]) -> tuple[int | None, ...]:
        """What is known of a shape, from its type and the declared one; ShapeMismatchError where they disagree."""
        static = v.type.shape
        if any(m is not None and n is not None and m != n for m, n in zip(static, declared)):
            told = [f"{v}: shape {static}", f"declared: {declared}"]
            raise ShapeMismatchError(self._mismatch(f"the {name} are declared with another shape", told))
        return tuple(n if m is None else m for m, n in zip(static, declared))

    def _mismatch(self, problem: str, operands: list[str]) -> str:
        return explain(
            f"{type(self).__name__}: {problem}.",
            operation=str(self),
            operands=operands,
            remedy="images are (batch, channels, lengths...), filters (kernels, channels / num_groups, lengths...)",
        )

    def _check_channels(self, img: Sequence[int | None], kern: Sequence[int | None]) -> None:
        """ShapeMismatchError where the channels of images and filters are known to differ."""
        channels, of_group = img[1], kern[-self.convdim - 1]
        bad = channels is not None and of_group is not None and channels != of_group * self.num_groups
        for n in (channels, kern[0]):
            bad = bad or (n is not None and n % self.num_groups != 0)
        if bad:
            problem = "the channels of images and filters do not agree"
            told = [f"img: shape {tuple(img)}", f"kern: shape {tuple(kern)}", f"num_groups: {self.num_groups}"]
            raise ShapeMismatchError(self._mismatch(problem, told))

    def _spec(self) -> str:
        """The parameters as the text of a call, for the array rule."""
        border = self.border_mode
        if not isinstance(border, str):
            border = border_mode_to_pad(border, self.convdim, ())
        parts = [repr(border), str(self.subsample), str(self.filter_dilation)]
        parts += [] if self.filter_flip else ["flip=False"]
        parts += [] if self.num_groups == 1 else [f"groups={self.num_groups}"]
        parts += ["unshared=True"] if self.unshared else []
        declared = (("imshp", self.imshp), ("kshp", self.kshp))
        parts += [f"{name}={shape}" for name, shape in declared if any(n is not None for n in shape)]
        return f"conv_kernels.Spec({', '.join(parts)})"

    def _lengths(self, shape: Any) -> Any:
        """The input `shape` of the gradients: an integer vector with one element for each axis."""
        vector = size_vector(tuple(shape) if isinstance(shape, list) else shape)
        if not is_integer(vector.type.dtype) or vector.type.shape[0] not in (None, self.convdim):
            raise TypeError(
                f"{type(self).__name__}: shape must be {self.convdim} integers, got {vector}, {vector.type}"
            )
        return vector

    def flops(self, inp: Sequence[Any], outp: Sequence[Any]) -> Any:
        """Multiplications and additions: of the convolution of shapes `inp` (image, filters) to outp (one shape)."""
        (image, filters), (output,) = inp, outp
        if image[1] != filters[1] * self.num_groups:
            raise ValueError(f"the image has {image[1]} channels, the filters {filters[1]} in {self.num_groups} groups")
        return 2 * prod(filters[2:]) * prod(output[2:]) * image[1] * filters[0] * image[0] / self.num_groups


def _normal_border(mode: Any, convdim: int) -> Any:
    """A border mode as it is kept: a name, or for each axis a number or a pair; "valid" for no padding at all."""
    pads = border_mode_to_pad(mode, convdim, (1,) * convdim)  # checks it
    if isinstance(mode, str):
        return mode
    return tuple(a if a == b else (a, b) for a, b in pads) if any(map(any, pads)) else "valid"


def _declared(name: str, shape: Sequence[Any] | None, length: int) -> tuple[int | None, ...]:
    if shape is None:
        return (None,) * length
    known: list[int | None] = []
    try:
        for n in tuple(shape):
            known.append(None if n is None else int(get_scalar_constant_value(n, only_process_constants=True)))
    except (NotScalarConstantError, TypeError) as error:
        raise ValueError(f"{name} should be None or a tuple of constant int values, got {shape}") from error
    if len(known) != length:
        raise ValueError(f"{name} should have {length} elements, got {shape}")
    return tuple(known)


def _steps(name: str, steps: Sequence[int] | None, convdim: int) -> tuple[int, ...]:
    if steps is None:
        return (1,) * convdim
    if isinstance(steps, (int, np.integer)) or len(steps) != convdim:
        raise ValueError(f"{name} must have {convdim} elements, got {steps}")
    if any(int(s) != s or s < 1 for s in steps):
        raise ValueError(f"{name} must be integers >= 1, got {tuple(steps)}")
    return tuple(int(s) for s in steps)


def _typed(dtype: str, known: Sequence[int | None], ones: Sequence[bool]) -> Any:
    """A variable with these lengths; broadcastable only where `ones` says so, as Theano's types have it."""
    return tensor_type(dtype, tuple(1 if one else None if n == 1 else n for n, one in zip(known, ones, strict=True)))()


class _Bilinear(BaseAbstractConv):
    """An op linear in each of its first two inputs."""

    def _pullbacks(self, a: Any, b: Any, g: Any) -> tuple[Any, Any]:
        """The cotangents of real a and b."""
        raise NotImplementedError

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a: Any
        b: Any
        a, b, *sizes = inputs
        rest = [disconnected_type() for _ in sizes]
        if is_discrete(outputs[0].type.dtype):
            return [zeros_of(a), zeros_of(b), *rest]
        terms = self._pullbacks(conj(a), conj(b), output_grads[0])
        fitted = [patternbroadcast(times(g, 1, v), v.type.broadcastable) for g, v in zip(terms, (a, b), strict=True)]
        return [*fitted, *rest]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        (a, b, *sizes), (ta, tb, *_) = inputs, eval_points
        terms = [] if ta is None else [self(ta, b, *sizes)]
        terms += [] if tb is None else [self(a, tb, *sizes)]
        return [functions.add(*terms) if terms else None]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]][: len(node.inputs)]


class AbstractConv(_Bilinear):
    """The convolution of img with kern: op(img, kern)."""

    def make_node(self, img: Any, kern: Any) -> Apply:
        img, kern = self._operands(img=img, kern=kern)
        img = assert_shape(img, self.imshp, "AbstractConv shape mismatch: shape of image does not match given imshp.")
        kern = assert_shape(kern, self.kshp, "AbstractConv shape mismatch: shape of filters does not match given kshp.")
        image, filters = self._known("images", img, self.imshp), self._known("filters", kern, self.kshp)
        self._check_channels(image, filters)
        known = get_conv_output_shape(image, filters, self.border_mode, self.subsample, self.filter_dilation)
        if any(n is not None and n < 1 for n in known[2:]):
            told = [f"img: shape {image}", f"kern: shape {filters}", f"border_mode: {self.border_mode!r}"]
            raise ShapeMismatchError(self._mismatch(f"the output would have the invalid shape {known}", told))
        ones = [img.type.broadcastable[0], kern.type.broadcastable[0], *(False for _ in known[2:])]
        return Apply(self, [img, kern], [_typed(img.type.dtype, known, ones)])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"conv_kernels.forward(xp, {', '.join(args)}, {self._spec()})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        image, filters = (
            tuple(n if known is None else known for n, known in zip(shape, declared, strict=True))
            for shape, declared in zip(shapes, (self.imshp, self.kshp), strict=True)
        )
        return [get_conv_output_shape(image, filters, self.border_mode, self.subsample, self.filter_dilation)]

    def _pullbacks(self, a: Any, b: Any, g: Any) -> tuple[Any, Any]:
        d = self.convdim
        by_image = self._twin("inputs")(b, g, _last_lengths(a, d))
        return by_image, self._twin("weights")(a, g, _last_lengths(b, d))


def _last_lengths(x: Any, d: int) -> Any:
    return size_vector(tuple(vector_items(x.shape)[-d:]))


class AbstractConv_gradWeights(_Bilinear):
    """The gradient of a convolution by its filters: op(img, topgrad, lengths of the filters)."""

    def make_node(self, img: Any, topgrad: Any, shape: Any) -> Apply:
        img, topgrad = self._operands(img=img, topgrad=topgrad)
        message = "AbstractConv_gradWeights shape mismatch: shape of image does not match given imshp."
        img = assert_shape(img, self.imshp, message)
        lengths = self._lengths(shape)
        image = self._known("images", img, self.imshp)
        known = self._filters(image[1], topgrad.type.shape, known_lengths(lengths, self.convdim))
        known = tuple(n if n is not None else declared for n, declared in zip(known, self.kshp, strict=True))
        ones: list[bool] = [False] * len(known)
        ones[0] = topgrad.type.broadcastable[1]
        ones[-self.convdim - 1] = img.type.broadcastable[1]
        return Apply(self, [img, topgrad, lengths], [_typed(img.type.dtype, known, ones)])

    def _filters(self, channels: Any, top: Sequence[Any], lengths: Sequence[Any]) -> tuple[Any, ...]:
        of_group = channels if channels is None or self.num_groups == 1 else channels // self.num_groups
        return (top[1], *(top[2:] if self.unshared else ()), of_group, *lengths)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"conv_kernels.grad_weights(xp, {', '.join(args)}, {self._spec()})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [self._filters(shapes[0][1], shapes[1], vector_items(node.inputs[2], self.convdim))]

    def _pullbacks(self, a: Any, b: Any, g: Any) -> tuple[Any, Any]:
        return self._twin("inputs")(g, b, _last_lengths(a, self.convdim)), self._twin("forward")(a, g)


class AbstractConv_gradInputs(_Bilinear):
    """The gradient of a convolution by its image, also called transposed convolution: op(kern, topgrad, lengths)."""

    def make_node(self, kern: Any, topgrad: Any, shape: Any) -> Apply:
        kern, topgrad = self._operands(kern=kern, topgrad=topgrad)
        message = "AbstractConv_gradInputs shape mismatch: shape of filters does not match given kshp."
        kern = assert_shape(kern, self.kshp, message)
        lengths = self._lengths(shape)
        filters = self._known("filters", kern, self.kshp)
        known = self._image(filters, topgrad.type.shape, known_lengths(lengths, self.convdim))
        known = tuple(n if n is not None else declared for n, declared in zip(known, self.imshp, strict=True))
        shared = self.num_groups == 1 and kern.type.broadcastable[-self.convdim - 1]
        ones = [topgrad.type.broadcastable[0], shared, *(False for _ in range(self.convdim))]
        return Apply(self, [kern, topgrad, lengths], [_typed(kern.type.dtype, known, ones)])

    def _image(self, filters: Sequence[Any], top: Sequence[Any], lengths: Sequence[Any]) -> tuple[Any, ...]:
        of_group = filters[-self.convdim - 1]
        return (top[0], of_group if of_group is None or self.num_groups == 1 else of_group * self.num_groups, *lengths)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"conv_kernels.grad_inputs(xp, {', '.join(args)}, {self._spec()})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [self._image(shapes[0], shapes[1], vector_items(node.inputs[2], self.convdim))]

    def _pullbacks(self, a: Any, b: Any, g: Any) -> tuple[Any, Any]:
        return self._twin("weights")(g, b, _last_lengths(a, self.convdim)), self._twin("forward")(g, a)


class _In2d(BaseAbstractConv):
    """The signature of ops on images (batch, channels, rows, columns)."""

    def __init__(
        self,
        imshp: Sequence[Any] | None = None,
        kshp: Sequence[Any] | None = None,
        border_mode: Any = "valid",
        subsample: Sequence[int] = (1, 1),
        filter_flip: bool = True,
        filter_dilation: Sequence[int] = (1, 1),
        num_groups: int = 1,
        unshared: bool = False,
    ):
        super().__init__(2, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared)


class _In3d(BaseAbstractConv):
    """The signature of ops on images (batch, channels, depth, rows, columns)."""

    def __init__(
        self,
        imshp: Sequence[Any] | None = None,
        kshp: Sequence[Any] | None = None,
        border_mode: Any = "valid",
        subsample: Sequence[int] = (1, 1, 1),
        filter_flip: bool = True,
        filter_dilation: Sequence[int] = (1, 1, 1),
        num_groups: int = 1,
    ):
        super().__init__(3, imshp, kshp, border_mode, subsample, filter_flip, filter_dilation, num_groups)


class AbstractConv2d(_In2d, AbstractConv):
    """The convolution of images: op(img, kern); the arguments of the class are those of BaseAbstractConv."""


class AbstractConv2d_gradWeights(_In2d, AbstractConv_gradWeights):
    """The gradient of AbstractConv2d by its filters: op(img, topgrad, (rows, columns of a filter))."""


class AbstractConv2d_gradInputs(_In2d, AbstractConv_gradInputs):
    """The gradient of AbstractConv2d by its image: op(kern, topgrad, (rows, columns of the image))."""


class AbstractConv3d(_In3d, AbstractConv):
    """The convolution of volumes: op(img, kern); the arguments of the class are those of BaseAbstractConv."""


class AbstractConv3d_gradWeights(_In3d, AbstractConv_gradWeights):
    """The gradient of AbstractConv3d by its filters: op(img, topgrad, (depth, rows, columns of a filter))."""


class AbstractConv3d_gradInputs(_In3d, AbstractConv_gradInputs):
    """The gradient of AbstractConv3d by its image: op(kern, topgrad, (depth, rows, columns of the image))."""


BaseAbstractConv._classes.update(
    {
        ("forward", 2): AbstractConv2d,
        ("weights", 2): AbstractConv2d_gradWeights,
        ("inputs", 2): AbstractConv2d_gradInputs,
        ("forward", 3): AbstractConv3d,
        ("weights", 3): AbstractConv3d_gradWeights,
        ("inputs", 3): AbstractConv3d_gradInputs,
    }
)
