"""Rows of the scalar table as array calls: the text that Elemwise's array rule gives."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np

from symtheano.scalar import ScalarOp, upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.scalar.expr import Expr, expand, linearise, load
from symtheano.scalar.expr import Let as Statement
from symtheano.tensor.array import Let

Dtypes = tuple[str, ...]
Patterns = Sequence[tuple[bool, ...]]  # of each argument: which axes are broadcastable

# Rows computed by symtheano.tensor.kernels, and whether the call takes out=.
KERNELS = {
    "complex": ("complex_from_parts", False),
    "switch": ("select", False),
    "sgn": ("sign", True),
    "clip": ("clip", True),
}


def row_text(op: ScalarOp, dtypes: Dtypes, out: str, args: Sequence[str], let: Let, patterns: Patterns) -> str:
    """The call that computes a row on arrays of `dtypes` and broadcast `patterns`, with a result of dtype `out`.

    A row that is one call becomes that call; a row defined by others is written out step by step, each bound by `let`,
    with its dtype where the step is a call on arrays that already span the shape of the result.
    """
    if op.params:
        return f"xp.asarray({args[0]}).astype({out!r})"
    if op.value is not None and op.name not in KERNELS:
        return _defined(op, dtypes, out, args, let, patterns)
    if op.arity is None:
        return _chain(op, dtypes, out, args, let, patterns)
    return _primitive(op, dtypes, out, args, let)


def ends_in_ufunc(op: ScalarOp) -> bool:
    """Whether the text of `row_text` ends in a call that takes out= (where no conversion of the result is needed)."""
    if op.params:
        return False
    if op.name in KERNELS:
        return KERNELS[op.name][1]
    if op.value is None:
        return op.is_ufunc
    last = _definition(op, op.arity or 2)[-1].op
    return last is not None and last.is_ufunc


@lru_cache(maxsize=1024)
def _definition(op: ScalarOp, nargs: int) -> list[Statement]:
    """The definition of a row as statements over the loads a0, a1, ..."""
    return linearise(expand(op, [load(f"a{k}") for k in range(op.arity or nargs)]))


def _span(patterns: Patterns, positions: Collection[int]) -> bool:
    """Whether the arguments at `positions`, broadcast together, have the shape of all of them broadcast together."""
    return all(
        any(not patterns[k][axis] for k in positions) or all(p[axis] for p in patterns)
        for axis in range(len(patterns[0]))
    )


def _chain(op: ScalarOp, dtypes: Dtypes, out: str, args: Sequence[str], let: Let, patterns: Patterns) -> str:
    """An n-ary row as calls of two arguments."""
    if len(args) == 1:
        return f"xp.array({args[0]})"
    text, so_far = args[0], dtypes[0]
    if len(args) > 2 and so_far != out and is_discrete(op.out(dtypes[:2], out)):
        # The first two alone may overflow in a dtype narrower than the result's, whatever order a rule put them in.
        text, so_far = _converted(text, so_far, out, let), out
    for position, (arg, dtype) in enumerate(zip(args[1:], dtypes[1:], strict=True)):
        last = position == len(args) - 2
        after = out if last else op.out((so_far, dtype), out)
        text = _primitive(op, (so_far, dtype), after, (text, arg), let)
        so_far = after
        if not last:
            text = let(text, after if _span(patterns, range(position + 2)) else None)
    return text


def _defined(op: ScalarOp, dtypes: Dtypes, out: str, args: Sequence[str], let: Let, patterns: Patterns) -> str:
    wanted = op.operands(dtypes, out)
    names = {f"a{k}": _converted(a, d, w, let) for k, (a, d, w) in enumerate(zip(args, dtypes, wanted, strict=True))}
    kinds = {f"a{k}": w for k, w in enumerate(wanted)}
    sources = {f"a{k}": {k} for k in range(len(args))}  # the arguments that a value depends on
    values: dict[str, str] = {}
    statements = _definition(op, len(args))
    for statement in statements:
        if statement.op is None:
            buffer = str(statement.expr.value)
            values[statement.name], kinds[statement.name] = names[buffer], kinds[buffer]
            sources[statement.name] = sources[buffer]
            continue
        own = tuple(kinds[o] for o in statement.operands if isinstance(o, str))
        kind = _result(statement.op, statement, kinds, own, out)
        # Numbers follow the arrays beside them; where there are none, they must say their dtype themselves.
        said = kind if set(own) <= {"bool"} else ""
        operands = [_literal(o, said) if isinstance(o, Expr) else values[o] for o in statement.operands]
        text = _call(statement.op, operands)
        if statement.op.special is not None and kind == "float16":  # scipy.special has no loops for it
            text = f"xp.asarray({text}).astype('float16')"
        if statement is statements[-1]:
            return text if kind == out else f"xp.asarray({text}).astype({out!r})"
        needs = sources[statement.name] = {k for o in statement.operands if isinstance(o, str) for k in sources[o]}
        values[statement.name] = let(text, kind if statement.op.is_ufunc and _span(patterns, needs) else None)
        kinds[statement.name] = kind
    raise AssertionError(f"the row {op.name} is defined by no call")


def _result(op: ScalarOp, statement: Statement, kinds: dict[str, str], own: Dtypes, out: str) -> str:
    """The dtype of a step of a definition; numbers take the dtype of the arrays beside them."""
    like = next((k for k in own if k != "bool"), out)
    return op.out(tuple(kinds[o] if isinstance(o, str) else _number(o, like) for o in statement.operands), out)


def _literal(number: Expr, dtype: str) -> str:
    return f"xp.{dtype}({number.value!r})" if dtype else repr(number.value)


def _number(number: Expr, like: str) -> str:
    """The dtype of a number beside an array of dtype `like`."""
    return upcast(like, "complex64") if isinstance(number.value, complex) else like


def _primitive(op: ScalarOp, dtypes: Dtypes, out: str, args: Sequence[str], let: Let) -> str:
    """One call of numpy or scipy.special that gives the dtype `out`."""
    if natural_dtype(op, dtypes) == out:
        return _call(op, args)
    wanted = op.operands(dtypes, out)
    converted = [_converted(a, d, w, let) for a, d, w in zip(args, dtypes, wanted, strict=True)]
    text = _call(op, converted)
    return text if natural_dtype(op, wanted) == out else f"xp.asarray({text}).astype({out!r})"


def _converted(arg: str, dtype: str, wanted: str, let: Let) -> str:
    return arg if dtype == wanted else let(f"xp.asarray({arg}, {wanted!r})")


def _call(op: ScalarOp, args: Sequence[str]) -> str:
    if op.name in KERNELS:
        return f"kernels.{KERNELS[op.name][0]}(xp, {', '.join(args)})"
    return f"{'special' if op.special else 'xp'}.{op.special or op.numpy}({', '.join(args)})"


@lru_cache(maxsize=8192)
def natural_dtype(op: ScalarOp, dtypes: Dtypes) -> str | None:
    """The dtype that the call itself gives for arguments of `dtypes`, or None where it has no loop for them."""
    if op.special is not None:
        return (
            {"float32": "float32", "float64": "float64"}.get(np.result_type(*dtypes).name)
            if len(set(dtypes)) == 1
            else None
        )
    if op.name == "clip":
        return dtypes[0] if len(set(dtypes)) == 1 else None
    if op.name == "complex":
        return np.result_type(*dtypes, np.complex64).name
    if not op.is_ufunc:
        return np.result_type(*dtypes[1:]).name if op.numpy == "where" else None
    ufunc = getattr(np, op.numpy or op.name)
    try:
        return str(ufunc.resolve_dtypes((*map(np.dtype, dtypes), *(None,) * ufunc.nout))[-1].name)
    except TypeError:
        return None
