"""Authors' scalar functions: Theano's ScalarOp, UnaryScalarOp and BinaryScalarOp, and Elemwise of them.

    class Square(UnaryScalarOp):
        def impl(self, x):
            return x * x

        def grad(self, inputs, output_grads):
            return [2 * inputs[0] * output_grads[0]]

    square = Elemwise(Square(upgrade_to_float, name="square"))

Theano's scalar variables are 0-d tensors here; its scalar types are their types. A function of numbers is applied to
each element by NumPy (`nfunc_spec` names a NumPy or SciPy function for whole arrays). The gradient, which the author
writes for scalars, is taken on 0-d variables and then put on the tensors.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from symtheano.config import config
from symtheano.errors import MethodNotDefined, explain
from symtheano.graph.op import Op
from symtheano.graph.type import Type
from symtheano.graph.variable import Apply, Variable
from symtheano.graph.walk import substitute
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_complex, is_discrete, real_of
from symtheano.scalar.dtypes import upgrade_to_float as _float_of
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import Elemwise, check_broadcast, functions, pad_left, unbroadcast, zeros_of
from symtheano.tensor.type import TensorType, tensor_type

__all__ = [
    "AuthorElemwise",
    "BinaryScalarOp",
    "Scalar",
    "ScalarOp",
    "UnaryScalarOp",
    "as_scalar",
    "float_out",
    "float_out_nocomplex",
    "get_scalar_type",
    "int_out",
    "int_out_nocomplex",
    "real_out",
    "same_out",
    "same_out_float_only",
    "same_out_min8",
    "same_out_nobool",
    "same_out_nocomplex",
    "specific_out",
    "transfer_type",
    "unary_out_lookup",
    "upcast_out",
    "upcast_out_min8",
    "upcast_out_no_complex",
    "upcast_out_nobool",
    "upgrade_to_float",
    "upgrade_to_float64",
    "upgrade_to_float_no_complex",
]

Preference = Callable[..., Sequence[Type]]


# -- types ---------------------------------------------------------------------------------------------------------


def get_scalar_type(dtype: str) -> TensorType:
    """The type of scalars of a dtype, which is that of 0-d tensors.

    >>> get_scalar_type("float32")
    TensorType(float32, scalar)
    """
    return tensor_type(config.floatX if dtype == "floatX" else dtype, ())


class _ScalarTypes(type):
    def __call__(cls, dtype: str) -> TensorType:
        return get_scalar_type(dtype)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TensorType) and instance.ndim == 0


class Scalar(metaclass=_ScalarTypes):
    """Theano's class of scalar types: `Scalar(dtype)` is `get_scalar_type(dtype)`, and each such type is one."""

    @staticmethod
    def upcast(*types: Any) -> str:
        """The smallest dtype that holds all of the types."""
        return upcast(*_dtypes(types))


def as_scalar(x: Any, name: str | None = None) -> Any:
    """`x` (a number, a 0-d variable, or the node of one) as a 0-d variable. TypeError for what has dimensions."""
    variable = as_tensor_variable(x, name)
    if variable.type.ndim:
        problem = f"Cannot convert {x} to Scalar"
        raise TypeError(
            explain(problem, operands=[f"{variable}: {variable.type}"], remedy="take one element, or a sum")
        )
    return variable


def _dtypes(types: Sequence[Any]) -> list[str]:
    return [t.dtype for t in types]


def upcast_out(*types: Any) -> tuple[Type, ...]:
    """The smallest type that holds all of them."""
    return (get_scalar_type(upcast(*_dtypes(types))),)


def upcast_out_nobool(*types: Any) -> tuple[Type, ...]:
    """As upcast_out; TypeError where that is bool."""
    if upcast(*_dtypes(types)) == "bool":
        raise TypeError("bool output not supported")
    return upcast_out(*types)


def upcast_out_min8(*types: Any) -> tuple[Type, ...]:
    """As upcast_out, and int8 for bool."""
    return (get_scalar_type("int8"),) if upcast(*_dtypes(types)) == "bool" else upcast_out(*types)


def upcast_out_no_complex(*types: Any) -> tuple[Type, ...]:
    """As upcast_out; TypeError for complex ones."""
    _refuse_complex(types)
    return upcast_out(*types)


def upgrade_to_float(*types: Any) -> tuple[Type, ...]:
    """The smallest float (or complex) type for all of them: float32 for bool and integers to 16 bits, else float64."""
    return (get_scalar_type(upcast(*(_float_of(d) for d in _dtypes(types)))),)


def upgrade_to_float_no_complex(*types: Any) -> tuple[Type, ...]:
    """As upgrade_to_float; TypeError for complex ones."""
    _refuse_complex(types)
    return upgrade_to_float(*types)


def upgrade_to_float64(*types: Any) -> tuple[Type, ...]:
    """float64."""
    return (get_scalar_type("float64"),)


def same_out(type: Any) -> tuple[Type, ...]:
    """The type itself."""
    return (type,)


def same_out_nobool(type: Any) -> tuple[Type, ...]:
    """The type itself; TypeError for bool."""
    if type.dtype == "bool":
        raise TypeError("bool input not supported")
    return (type,)


def same_out_min8(type: Any) -> tuple[Type, ...]:
    """The type itself, and int8 for bool."""
    return (get_scalar_type("int8"),) if type.dtype == "bool" else (type,)


def same_out_nocomplex(type: Any) -> tuple[Type, ...]:
    """The type itself; TypeError for complex ones."""
    _refuse_complex([type])
    return (type,)


def same_out_float_only(type: Any) -> tuple[Type, ...]:
    """The type itself; TypeError where it is no float."""
    if is_discrete(type.dtype) or is_complex(type.dtype):
        raise TypeError("only float type are supported")
    return (type,)


def int_out(*types: Any) -> tuple[Type, ...]:
    """int64."""
    return (get_scalar_type("int64"),)


def int_out_nocomplex(*types: Any) -> tuple[Type, ...]:
    """int64; TypeError for complex ones."""
    _refuse_complex(types)
    return int_out()


def float_out(*types: Any) -> tuple[Type, ...]:
    """float64."""
    return (get_scalar_type("float64"),)


def float_out_nocomplex(*types: Any) -> tuple[Type, ...]:
    """float64; TypeError for complex ones."""
    _refuse_complex(types)
    return float_out()


def real_out(type: Any) -> tuple[Type, ...]:
    """The type of the real part."""
    return (get_scalar_type(real_of(type.dtype)),)


def _refuse_complex(types: Sequence[Any]) -> None:
    if any(is_complex(d) for d in _dtypes(types)):
        raise TypeError("complex argument not supported")


class _Preference:
    """A preference with parameters; equal where those are."""

    def __init__(self, *spec: Any):
        self.spec = spec

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Preference) and type(self) is type(other) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(type(self))


class specific_out(_Preference):
    """`specific_out(float32, int8)`: these types, whatever the inputs are."""

    def __call__(self, *types: Any) -> tuple[Type, ...]:
        return self.spec


class transfer_type(_Preference):
    """`transfer_type(0)`: the type of that input; None for the smallest that holds all inputs."""

    def __call__(self, *types: Any) -> tuple[Type, ...]:
        return tuple(upcast_out(*types)[0] if k is None else types[k] for k in self.spec)


class unary_out_lookup(_Preference):
    """`unary_out_lookup({int8: int32})`: the type that the table has for that of the input; TypeError for others."""

    def __call__(self, *types: Any) -> tuple[Type, ...]:
        key = types[0] if len(types) == 1 else types
        if key not in self.spec[0]:
            raise TypeError(types)
        found = self.spec[0][key]
        return tuple(found) if isinstance(found, (list, tuple)) else (found,)


# -- scalar ops ----------------------------------------------------------------------------------------------------


class ScalarOp(Op):
    """A function of numbers, defined by its author.

    A subclass defines `impl(self, *numbers)`, and `grad(inputs, output_grads)` or `L_op` to differentiate; `nin` and
    `nout` say how many inputs and outputs there are. `output_types_preference(*types)` gives the types of the outputs
    (or a method `output_types(types)` does). `nfunc_spec = (name, nin, nout)` names a function of NumPy, or one with
    its path as in "scipy.special.i0e", that computes whole arrays. Two are equal where class and preference are.
    Calling one applies it to every element of its arguments.
    """

    nin: ClassVar[int] = -1
    nout: ClassVar[int] = 1
    nfunc_spec: ClassVar[tuple[str, int, int] | None] = None

    def __init__(self, output_types_preference: Preference | None = None, name: str | None = None):
        if output_types_preference is not None:
            if not callable(output_types_preference):
                raise TypeError(
                    "Expected a callable for the 'output_types_preference' argument to "
                    f"{type(self)}. (got: {output_types_preference})"
                )
            self.output_types_preference = output_types_preference
        self.name = name

    def impl(self, *inputs: Any) -> Any:
        """The value (a tuple where nout > 1) for numbers."""
        raise MethodNotDefined("impl", type(self), type(self).__name__)

    def output_types(self, types: Sequence[Type]) -> Sequence[Type]:
        """The types of the outputs for inputs of `types`."""
        preference = getattr(self, "output_types_preference", None)
        if preference is None:
            raise NotImplementedError(f"Cannot calculate the output types for {self}: give output_types_preference")
        return preference(*types)  # type: ignore[no-any-return]

    def make_node(self, *inputs: Any) -> Apply:
        return AuthorElemwise(self).make_node(*inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScalarOp) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> Any:
        return type(self), getattr(self, "output_types_preference", None)

    def __str__(self) -> str:
        return getattr(self, "name", None) or type(self).__name__


class UnaryScalarOp(ScalarOp):
    """A ScalarOp of one number."""

    nin = 1


class BinaryScalarOp(ScalarOp):
    """A ScalarOp of two numbers."""

    nin = 2


# -- Elemwise of them ----------------------------------------------------------------------------------------------


class AuthorElemwise(Op):
    """An author's scalar op on the elements of inputs broadcast together: what `Elemwise(scalar_op)` gives for one."""

    __props__ = ("scalar_op",)

    def __init__(self, scalar_op: ScalarOp, inplace_pattern: Any = None, name: str | None = None, **ignored: Any):
        self.scalar_op = scalar_op
        self.name = name
        self.nin, self.nout = scalar_op.nin, scalar_op.nout

    def __str__(self) -> str:
        return self.name or f"Elemwise{{{self.scalar_op},no_inplace}}"

    def __call__(self, *inputs: Any, return_list: bool = False, name: str | None = None, **kwargs: Any) -> Any:
        outputs = self.make_node(*inputs).outputs
        if name is not None:
            outputs[0].name = name
        return list(outputs) if return_list or len(outputs) != 1 else outputs[0]

    def make_node(self, *inputs: Any) -> Apply:
        if len(inputs) != self.nin and self.nin >= 0:
            raise TypeError(f"Wrong number of inputs for {self}.make_node (got {len(inputs)}, expected {self.nin})")
        variables: list[Any] = [as_tensor_variable(i) for i in inputs]
        ndim = max((v.type.ndim for v in variables), default=0)
        variables = [v if v.type.ndim == ndim else pad_left(v, ndim) for v in variables]
        types: list[Any] = list(self.scalar_op.output_types([get_scalar_type(v.type.dtype) for v in variables]))
        if len(types) != self.nout:
            raise TypeError(f"{self}: {self.nout} output types are needed, output_types gave {types}")
        # The shape is that of any other elementwise function of these inputs.
        shape = functions.add(*variables).type.shape if len(variables) > 1 else variables[0].type.shape
        return Apply(self, variables, [tensor_type(t.dtype, shape)() for t in types])

    def _function(self, nin: int) -> Callable[..., Any]:
        """The function of `nin` arrays."""
        spec = self.scalar_op.nfunc_spec
        if spec is not None and spec[1:] == (nin, self.nout):
            module, _, name = spec[0].rpartition(".")
            return getattr(importlib.import_module(module or "numpy"), name)  # type: ignore[no-any-return]
        function: Callable[..., Any] = np.frompyfunc(self.scalar_op.impl, nin, self.nout)
        return function

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        check_broadcast(node, [np.shape(i) for i in inputs])
        results = self._function(len(inputs))(*inputs)
        outputs: Any = node.outputs
        for cell, result, out in zip(output_storage, results if self.nout > 1 else (results,), outputs, strict=True):
            cell[0] = np.asarray(result).astype(out.type.numpy_dtype)

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        kinds: Any = [node.inputs, node.outputs[0].type.shape]
        shape = []
        for axis, known in enumerate(kinds[1]):
            lengths = [s[axis] for s, i in zip(shapes, kinds[0], strict=True) if i.type.shape[axis] != 1]
            shape.append(lengths[0] if known is None else known)
        return [tuple(shape)] * self.nout

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        pattern = getattr(self.scalar_op, "connection_pattern", None)
        if pattern is not None:
            return pattern(node)  # type: ignore[no-any-return]
        return [[True] * self.nout for _ in node.inputs]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        scalars: list[Any] = [get_scalar_type(v.type.dtype)() for v in (*inputs, *outputs, *output_grads)]
        nin, nout = len(inputs), len(outputs)
        terms = self.scalar_op.L_op(scalars[:nin], scalars[nin : nin + nout], scalars[nin + nout :])
        numbers = [as_tensor_variable(t) if isinstance(t, (int, float)) else t for t in terms]
        if len(numbers) != nin:
            raise ValueError(f"{self.scalar_op}.grad gave {len(numbers)} gradients for {nin} inputs")
        tensors = dict(zip(scalars, (*inputs, *outputs, *output_grads), strict=True))
        lifted = substitute(numbers, tensors, strict=False)
        return [_cotangent(x, g) for x, g in zip(inputs, lifted, strict=True)]


def _cotangent(x: Any, g: Any) -> Variable:
    if not isinstance(g.type, TensorType):
        return g  # type: ignore[no-any-return]
    if is_discrete(x.type.dtype):
        return zeros_of(x)  # type: ignore[no-any-return]
    if g.type.ndim != x.type.ndim:
        g = functions.second(x, g)
    return unbroadcast(g, x)  # type: ignore[no-any-return]


Elemwise.of_author = AuthorElemwise
