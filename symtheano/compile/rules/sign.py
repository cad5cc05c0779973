"""What is known of the values of a variable: the interval it lies in, from the table's ranges and its computation.

The interval speaks of the numbers a float computation can give, rounding, underflow and overflow included; it says
nothing of nan. `interval(sqr(x) + 1e-6)` is (1e-6, inf) whatever x is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from symtheano.compile.rules.memo import Memo
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar import cast as cast_row
from symtheano.scalar.dtypes import FLOAT, is_complex, is_discrete
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.sizes import is_length
from symtheano.tensor.type import TensorType

INF = math.inf


class Interval(NamedTuple):
    """The closed interval [lo, hi]."""

    lo: float
    hi: float


EVERYTHING = Interval(-INF, INF)

_known: Memo[Interval] = Memo("interval")  # a variable of a closed graph never changes

# Ops whose outputs hold elements of these inputs (None: of all of them) and nothing else.
_MOVES: dict[str, Sequence[int] | None] = {
    "DimShuffle": (0,),
    "Reshape": (0,),
    "Subtensor": (0,),
    "AdvancedSubtensor": (0,),
    "AdvancedSubtensor1": (0,),
    "Alloc": (0,),
    "SpecifyShape": (0,),
    "Rebroadcast": (0,),
    "Split": (0,),
    "MakeVector": None,
    "ExtractDiag": (0,),
    "Max": (0,),
    "Min": (0,),
    "TensorFromScalar": (0,),
    "ScalarFromTensor": (0,),
}
_COUNTS = {"Shape": 0.0, "Shape_i": 0.0, "SliceLength": 0.0, "Argmax": 0.0}
_UNIT = {"Softmax", "SoftmaxWithBias"}


def interval(v: Any) -> Interval:
    """The interval that holds every element of `v` that is not nan."""
    stack = [v]
    while stack:
        each = stack[-1]
        if each in _known:
            stack.pop()
            continue
        missing = [i for i in _relevant(each) if i not in _known]
        if missing and len(stack) < 200:  # what lies deeper counts as unknown
            stack.extend(missing)
            continue
        _known[each] = _derive(each)
        stack.pop()
    return _known[v]


def _relevant(v: Any) -> Sequence[Any]:
    owner = v.owner
    if owner is None or not isinstance(v.type, TensorType):
        return ()
    if type(owner.op) is Elemwise:
        inputs: Sequence[Any] = owner.inputs
        return inputs
    name = type(owner.op).__name__
    if name in _MOVES:
        chosen = _MOVES[name]
        return [owner.inputs[k] for k in (range(len(owner.inputs)) if chosen is None else chosen)]
    start, stop = {"Join": (1, None), "Sum": (0, 1), "Prod": (0, 1)}.get(name, (0, 0))
    found: Sequence[Any] = owner.inputs[start:stop]
    return found


def _derive(v: Any) -> Interval:
    kind = v.type
    if not isinstance(kind, TensorType) or is_complex(kind.dtype):
        return EVERYTHING
    bounds = _of_dtype(kind.dtype)
    if isinstance(v, Constant):
        return _of_data(v.data)
    if v.owner is None:
        return bounds
    found = _of_node(v)
    return Interval(max(found.lo, bounds.lo), min(found.hi, bounds.hi))


def _of_dtype(dtype: str) -> Interval:
    if dtype == "bool":
        return Interval(0.0, 1.0)
    if is_discrete(dtype):
        limits = np.iinfo(dtype)
        return Interval(float(limits.min), float(limits.max))
    return EVERYTHING


def _of_data(data: Any) -> Interval:
    if data.size == 0 or data.size > 4096:
        return _of_dtype(data.dtype.name)
    lo, hi = float(data.min()), float(data.max())
    return EVERYTHING if math.isnan(lo) else Interval(lo, hi)


def _of_node(v: Any) -> Interval:
    op, inputs = v.owner.op, v.owner.inputs
    name = type(op).__name__
    if type(op) is Elemwise:
        if v.type.dtype == "int64" and is_length(v):  # sizes do not wrap
            return Interval(0.0, INF)
        return _of_row(op.scalar_op, v.type.dtype, inputs)
    if type(op) is DimShuffle or name in _MOVES or name == "Join":
        return _union(_known.get(i, EVERYTHING) for i in _relevant(v))
    if name in _COUNTS:
        return Interval(0.0, INF)
    if name in _UNIT:
        return Interval(0.0, 1.0)
    if name in ("Sum", "Prod"):
        x = _known.get(inputs[0], EVERYTHING)
        if is_discrete(v.type.dtype):  # integers wrap
            return EVERYTHING
        if name == "Sum":  # an empty sum is 0
            return Interval(0.0 if x.lo >= 0 else -INF, 0.0 if x.hi <= 0 else INF)
        return Interval(0.0 if x.lo >= 0 else -INF, INF)
    return EVERYTHING


def _union(parts: Any) -> Interval:
    intervals = list(parts)
    return Interval(min(p.lo for p in intervals), max(p.hi for p in intervals)) if intervals else EVERYTHING


# -- elementwise rows ----------------------------------------------------------------------------------------------


def _of_row(row: Any, dtype: str, inputs: Sequence[Any]) -> Interval:
    parts = [_known.get(i, EVERYTHING) for i in inputs]
    name = row.name
    if is_discrete(dtype) and name not in _EXACT:  # integer arithmetic wraps
        return Interval(*row.range) if dtype == "bool" and row.range else EVERYTHING
    if name == "mul" and len(inputs) == 2 and inputs[0] is inputs[1]:
        name = "sqr"
    derive = _ROWS.get(name)
    if name in ("true_div", "inv") and parts[-1].lo == 0 and _has_no_negative_zero(inputs[-1]):
        above = Interval(1 / parts[-1].hi if parts[-1].hi else INF, INF)
        found = _mul([parts[0], above]) if name == "true_div" else above
    elif derive is not None:
        found = derive(parts)
    elif row.params:
        found = parts[0]
    elif row.monotone and name in _MONOTONE:
        ends = sorted((_at(name, parts[0].lo), _at(name, parts[0].hi)))
        found = Interval(ends[0], ends[1])
    else:
        found = EVERYTHING
    if row.range is not None:
        found = Interval(max(found.lo, row.range[0]), min(found.hi, row.range[1]))
    return found


def _sum(a: float, b: float, otherwise: float) -> float:
    total = a + b
    return otherwise if math.isnan(total) else total


def _add(parts: Sequence[Interval]) -> Interval:
    total = parts[0]
    for p in parts[1:]:
        total = Interval(_sum(total.lo, p.lo, -INF), _sum(total.hi, p.hi, INF))
    return total


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _mul(parts: Sequence[Interval]) -> Interval:
    total = parts[0]
    for p in parts[1:]:
        ends = [_product(a, b) for a in total for b in p]
        total = Interval(min(ends), max(ends))
    return total


def _neg(p: Interval) -> Interval:
    return Interval(-p.hi, -p.lo)


def _inverse(p: Interval) -> Interval:
    if p.lo > 0:
        return Interval(1 / p.hi, 1 / p.lo)
    if p.hi < 0:
        return Interval(1 / p.hi, 1 / p.lo)
    return EVERYTHING


def _has_no_negative_zero(v: Any) -> bool:
    """Whether a zero in `v` is surely 0.0, so that 1 / v is not -inf: counts, exponentials, squares."""
    while v.owner is not None and (type(v.owner.op) is DimShuffle or getattr(v.owner.op, "scalar_op", None) in _CASTS):
        v = v.owner.inputs[0]
    if is_discrete(v.type.dtype):
        return True
    return (
        v.owner is not None
        and type(v.owner.op) is Elemwise
        and v.owner.op.scalar_op.name in ("exp", "sqr", "abs_", "sigmoid")
    )


def _square(p: Interval) -> Interval:
    ends = [_product(p.lo, p.lo), _product(p.hi, p.hi)]
    return Interval(0.0 if p.lo <= 0 <= p.hi else min(ends), max(ends))


def _absolute(p: Interval) -> Interval:
    low = 0.0 if p.lo <= 0 <= p.hi else min(abs(p.lo), abs(p.hi))
    return Interval(low, max(abs(p.lo), abs(p.hi)))


def _power(parts: Sequence[Interval]) -> Interval:
    base, exponent = parts
    even = exponent.lo == exponent.hi and math.isfinite(exponent.lo) and exponent.lo % 2 == 0
    return Interval(0.0, INF) if base.lo >= 0 or even else EVERYTHING


def _clip(parts: Sequence[Interval]) -> Interval:
    x, lo, hi = parts
    return Interval(min(max(x.lo, lo.lo), hi.lo), max(min(x.hi, hi.hi), lo.hi))


_ROWS: dict[str, Callable[[Sequence[Interval]], Interval]] = {
    "add": _add,
    "sub": lambda p: _add([p[0], _neg(p[1])]),
    "mul": _mul,
    "true_div": lambda p: _mul([p[0], _inverse(p[1])]),
    "neg": lambda p: _neg(p[0]),
    "inv": lambda p: _inverse(p[0]),
    "sqr": lambda p: _square(p[0]),
    "abs_": lambda p: _absolute(p[0]),
    "pow": _power,
    "maximum": lambda p: Interval(max(p[0].lo, p[1].lo), max(p[0].hi, p[1].hi)),
    "minimum": lambda p: Interval(min(p[0].lo, p[1].lo), min(p[0].hi, p[1].hi)),
    "clip": _clip,
    "switch": lambda p: _union(p[1:]),
    "second": lambda p: p[1],
    "identity": lambda p: p[0],
}
_CASTS = {cast_row(dtype) for dtype in FLOAT}
_EXACT = {"maximum", "minimum", "clip", "switch", "second", "identity", "sgn"}
_MONOTONE: dict[str, tuple[Callable[[float], float], float]] = {  # the function, and its value where that overflows
    "exp": (math.exp, INF),
    "expm1": (math.expm1, INF),
    "log": (lambda x: math.log(x) if x > 0 else -INF, INF),
    "log1p": (lambda x: math.log1p(x) if x > -1 else -INF, INF),
    "sqrt": (lambda x: math.sqrt(x) if x > 0 else 0.0, INF),
    "tanh": (math.tanh, 1.0),
    "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), 0.0),
    "softplus": (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), INF),
    "sgn": (lambda x: float(np.sign(x)), 0.0),
    "erf": (math.erf, 1.0),
    "erfc": (math.erfc, 0.0),
    "arctan": (math.atan, 0.0),
    "sinh": (lambda x: math.copysign(INF, x) if abs(x) > 700 else math.sinh(x), INF),
    "floor": (lambda x: x if math.isinf(x) else float(math.floor(x)), 0.0),
    "ceil": (lambda x: x if math.isinf(x) else float(math.ceil(x)), 0.0),
}


def _at(name: str, x: float) -> float:
    """The function at the end of an interval, or its limit where Python's function overflows."""
    function, overflow = _MONOTONE[name]
    try:
        value = function(x)
    except OverflowError:
        return overflow
    return value


# -- conditions ----------------------------------------------------------------------------------------------------

_DECIDE: dict[str, Callable[[Interval, Interval], bool]] = {
    "gt": lambda a, b: a.lo > b.hi,
    "ge": lambda a, b: a.lo >= b.hi,
    "lt": lambda a, b: a.hi < b.lo,
    "le": lambda a, b: a.hi <= b.lo,
    "neq": lambda a, b: a.lo > b.hi or a.hi < b.lo,
}


def holds(condition: Any, bound: Mapping[Variable, Any]) -> bool:
    """Whether `condition`, a comparison of two wildcards or constants, is known to hold for what they are bound to."""
    left, right = (bound.get(i, i) for i in condition.owner.inputs)
    return _DECIDE[condition.owner.op.scalar_op.name](interval(left), interval(right))


def is_nonnegative(v: Any) -> bool:
    """Whether no element of `v` is known to be below 0."""
    return interval(v).lo >= 0


def is_positive(v: Any) -> bool:
    """Whether every element of `v` is known to be above 0."""
    return interval(v).lo > 0
