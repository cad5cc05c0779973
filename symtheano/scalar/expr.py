"""Scalar expressions: what a kernel computes for one point of its index space.

    expr  ::=  load(buffer, index...)      an element of a buffer; the index is one expression for each axis
            |  const(number)               a number without a dtype of its own: it takes that of its context
            |  index(name)                 a coordinate of the index space, or a symbolic size
            |  call(op, expr...)           a row of the scalar table

    m = Builder()
    x = load("x", (index("i"),))
    text(m.exp(x) + 1)                     ->  "exp(x[i]) + 1"
    expand(TABLE["sigmoid"], (x,))         ->  inv(1 + exp(-x[i]))        down to rows that targets know

Equal expressions are one object (they are interned), so identity is equality, sharing is explicit, and every function
here is linear in the number of distinct nodes. None of them recurses: expressions may be thousands of nodes deep.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, cast
from weakref import WeakValueDictionary

import numpy as np

from symtheano.scalar.dtypes import autocast, complex_of, is_discrete, upcast
from symtheano.scalar.namespace import ArrayNamespace
from symtheano.scalar.op import TABLE, ScalarOp
from symtheano.scalar.op import cast as cast_op

Kind = Literal["load", "const", "index", "call"]
Number = bool | int | float | complex | np.generic


class Expr:
    """A node of an expression; made by `load`, `const`, `index` and `call` only. Immutable."""

    __slots__ = ("__weakref__", "args", "kind", "value")

    kind: Kind
    value: Any  # the buffer, the number, the coordinate's name, or the ScalarOp
    args: tuple[Expr, ...]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("an Expr is immutable")

    def __reduce__(self) -> tuple[Callable[..., Expr], tuple[Any, ...]]:
        # A flat list of nodes: pickling nested tuples would recurse.
        nodes = postorder((self,))
        place = {node: position for position, node in enumerate(nodes)}
        return _rebuild, (tuple((n.kind, n.value, tuple(place[a] for a in n.args)) for n in nodes),)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: Any) -> Expr:
        return self

    def __repr__(self) -> str:
        return text(self)

    def __add__(self, other: Expr | Number) -> Expr:
        return call(TABLE["add"], self, as_expr(other))

    def __radd__(self, other: Number) -> Expr:
        return call(TABLE["add"], as_expr(other), self)

    def __sub__(self, other: Expr | Number) -> Expr:
        return call(TABLE["sub"], self, as_expr(other))

    def __rsub__(self, other: Number) -> Expr:
        return call(TABLE["sub"], as_expr(other), self)

    def __mul__(self, other: Expr | Number) -> Expr:
        return call(TABLE["mul"], self, as_expr(other))

    def __rmul__(self, other: Number) -> Expr:
        return call(TABLE["mul"], as_expr(other), self)

    def __truediv__(self, other: Expr | Number) -> Expr:
        return call(TABLE["true_div"], self, as_expr(other))

    def __rtruediv__(self, other: Number) -> Expr:
        return call(TABLE["true_div"], as_expr(other), self)

    def __floordiv__(self, other: Expr | Number) -> Expr:
        return call(TABLE["int_div"], self, as_expr(other))

    def __rfloordiv__(self, other: Number) -> Expr:
        return call(TABLE["int_div"], as_expr(other), self)

    def __mod__(self, other: Expr | Number) -> Expr:
        return call(TABLE["mod"], self, as_expr(other))

    def __rmod__(self, other: Number) -> Expr:
        return call(TABLE["mod"], as_expr(other), self)

    def __pow__(self, other: Expr | Number) -> Expr:
        return call(TABLE["pow"], self, as_expr(other))

    def __rpow__(self, other: Number) -> Expr:
        return call(TABLE["pow"], as_expr(other), self)

    def __neg__(self) -> Expr:
        return call(TABLE["neg"], self)

    def __abs__(self) -> Expr:
        return call(TABLE["abs_"], self)


# ----- Making expressions -----

# The key holds ids of the operands. They stay valid as long as the entry does: the node keeps its operands alive,
# and the entry goes when the node goes.
_INTERNED: WeakValueDictionary[tuple[Any, ...], Expr] = WeakValueDictionary()
_LOCK = threading.Lock()


def _intern(kind: Kind, value: Any, args: tuple[Expr, ...], key: Any) -> Expr:
    full_key = (kind, key, tuple(map(id, args)))
    with _LOCK:
        found = _INTERNED.get(full_key)
        if found is None:
            found = object.__new__(Expr)
            object.__setattr__(found, "kind", kind)
            object.__setattr__(found, "value", value)
            object.__setattr__(found, "args", args)
            _INTERNED[full_key] = found
    return found


def load(buffer: str, index: Iterable[Expr | int] = ()) -> Expr:
    """The element of `buffer` at `index`, one expression for each axis."""
    return _intern("load", buffer, tuple(map(as_expr, index)), buffer)


def const(number: Number) -> Expr:
    """A number. 1, 1.0, True, -0.0 and np.float32(1) are different constants."""
    return _intern("const", number, (), (type(number), repr(number)))


def index(name: str) -> Expr:
    """The coordinate or size called `name`, an int64."""
    return _intern("index", name, (), name)


def call(op: ScalarOp, *args: Expr | Number) -> Expr:
    """`op` applied to expressions or numbers."""
    if (op.arity is not None and len(args) != op.arity) or not args:
        raise TypeError(f"{op.name}: takes {op.arity or 'at least 1'} operand(s), got {len(args)}")
    return _intern("call", op, tuple(map(as_expr, args)), op)


def as_expr(value: Expr | Number) -> Expr:
    """An expression as it is, a number as a constant."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, Number):
        return const(value)
    raise TypeError(f"a scalar expression is made of expressions and numbers, not of {type(value).__name__}: {value!r}")


def _rebuild(nodes: tuple[tuple[Kind, Any, tuple[int, ...]], ...]) -> Expr:
    made: list[Expr] = []
    for kind, value, places in nodes:
        args = tuple(made[place] for place in places)
        if kind == "load":
            made.append(load(value, args))
        elif kind == "const":
            made.append(const(value))
        elif kind == "index":
            made.append(index(value))
        else:
            made.append(call(value, *args))
    return made[-1]


class Builder:
    """The namespace of expressions: `Builder().exp(x)` is call(TABLE["exp"], x)."""

    def __getattr__(self, name: str) -> Callable[..., Expr]:
        row = TABLE.get(name)
        if row is None:
            raise AttributeError(f"the scalar table has no row {name!r}")
        return lambda *args: call(row, *args)

    def cast(self, x: Expr | Number, dtype: str) -> Expr:
        """x converted to `dtype`."""
        return call(cast_op(dtype), x)


_BUILDER = Builder()

# ----- Walking -----


def postorder(roots: Iterable[Expr]) -> list[Expr]:
    """Every distinct node below `roots`, operands before their users, in order of first use."""
    done: dict[Expr, None] = {}
    for root in roots:
        stack: list[tuple[Expr, Iterator[Expr]]] = [(root, iter(root.args))]
        while stack:
            node, pending = stack[-1]
            if node in done:
                stack.pop()
                continue
            following = next((arg for arg in pending if arg not in done), None)
            if following is None:
                done[node] = None
                stack.pop()
            else:
                stack.append((following, iter(following.args)))
    return list(done)


def with_args(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """`node` with other operands."""
    if args == node.args:
        return node
    return load(node.value, args) if node.kind == "load" else call(node.value, *args)


def expand(op: ScalarOp, args: Sequence[Expr | Number]) -> Expr:
    """op(*args) in rows that a target knows: expand(sigmoid, (x,)) -> inv(1 + exp(-x))."""
    return expand_all(call(op, *args))


def expand_all(expr: Expr) -> Expr:
    """`expr` with every row that is defined by other rows replaced by its definition, to the end."""
    made: dict[Expr, Expr] = {}
    stack = [expr]
    while stack:
        node = stack[-1]
        if node in made:
            stack.pop()
            continue
        missing = [arg for arg in node.args if arg not in made]
        if missing:
            stack.extend(reversed(missing))
            continue
        new = with_args(node, tuple(made[arg] for arg in node.args))
        if new.kind == "call" and new.value.value is not None:
            # The definition may use defined rows itself: it is expanded first, then this node is looked at again.
            definition = as_expr(new.value.value(_BUILDER, *new.args))
            if definition not in made:
                stack.append(definition)
                continue
            new = made[definition]
        made[node] = new
        made[new] = new
        stack.pop()
    return made[expr]


# ----- Dtypes -----


def dtypes_of(exprs: Sequence[Expr], buffers: Mapping[str, str], floatX: str) -> dict[Expr, str]:
    """The dtype of every node below `exprs`, given those of the buffers.

    A constant has no dtype of its own: beside operands that have one it takes theirs (a float among integers:
    floatX), so it is not in the result unless it is one of `exprs` or has only constants beside it. The dtype to
    write it in, where it is read, is that of `op.operands`.
    """
    found: dict[Expr, str] = {}
    for node in postorder(exprs):
        if node.kind == "index":
            found[node] = "int64"
        elif node.kind == "load":
            found[node] = buffers[node.value]
        elif node.kind == "call":
            found[node] = node.value.out(operand_dtypes(node, found, floatX), floatX)
    for expr in exprs:
        if expr.kind == "const":
            found[expr] = autocast(expr.value, floatX).dtype.name
    return found


def operand_dtypes(node: Expr, found: Mapping[Expr, str], floatX: str) -> tuple[str, ...]:
    """The dtypes of a call's operands, as in `dtypes_of`, constants included."""
    strong = [found[arg] for arg in node.args if arg.kind != "const"]
    strong += [arg.value.dtype.name for arg in node.args if isinstance(arg.value, np.generic)]
    return tuple(found[arg] if arg.kind != "const" else _const_dtype(arg.value, strong, floatX) for arg in node.args)


def _const_dtype(value: Number, strong: list[str], floatX: str) -> str:
    own = autocast(value, floatX).dtype.name
    if isinstance(value, np.generic) or not strong:
        return own
    beside = upcast(*strong)
    if isinstance(value, complex):
        return complex_of(beside)
    if is_discrete(beside):
        if not isinstance(value, float):
            return own if beside == "bool" else beside
        return floatX
    return beside


# ----- Printing and evaluating -----

Operand = str | Expr


class Let(NamedTuple):
    """One step of a straight-line program: `name = op(*operands)`, or a load where op is None.

    An operand is the name of an earlier step, or a leaf: a `const` or an `index`.
    """

    name: str
    op: ScalarOp | None
    operands: tuple[Operand, ...]
    expr: Expr  # the node this step computes; for a load, `expr.value` is the buffer


def linearise(expr: Expr, prefix: str = "t") -> list[Let]:
    """The loads and calls of `expr` in order, each once. The last one is `expr`, unless `expr` is a leaf."""
    return linearise_all((expr,), prefix)[0]


def linearise_all(exprs: Sequence[Expr], prefix: str = "t") -> tuple[list[Let], tuple[Operand, ...]]:
    """The steps of several expressions that share their subexpressions, and the operand that is each one's value."""
    lets: list[Let] = []
    names: dict[Expr, Operand] = {}
    for node in postorder(exprs):
        if node.kind in ("const", "index"):
            names[node] = node
            continue
        name = f"{prefix}{len(lets)}"
        names[node] = name
        row = cast("ScalarOp", node.value) if node.kind == "call" else None
        lets.append(Let(name, row, tuple(names[arg] for arg in node.args), node))
    return lets, tuple(names[expr] for expr in exprs)


_INFIX = {
    "add": ("+", 5),
    "sub": ("-", 5),
    "mul": ("*", 6),
    "true_div": ("/", 6),
    "int_div": ("//", 6),
    "mod": ("%", 6),
    "pow": ("**", 8),
    "lt": ("<", 1),
    "le": ("<=", 1),
    "gt": (">", 1),
    "ge": (">=", 1),
    "eq": ("==", 1),
    "neq": ("!=", 1),
    "or_": ("|", 2),
    "xor": ("^", 3),
    "and_": ("&", 4),
}
_PREFIX = {"neg": "-", "invert": "~"}
_PREFIX_LEVEL, _ATOM = 7, 9


def text(expr: Expr) -> str:
    """Readable text. Calls that are used twice come first, on lines of their own: "t0 = exp(x)\\nt0 + 1 / t0"."""
    nodes = postorder((expr,))
    uses: dict[Expr, int] = {}
    for node in nodes:
        for arg in node.args:
            uses[arg] = uses.get(arg, 0) + 1
    lines: list[str] = []
    written: dict[Expr, tuple[str, int]] = {}  # text, and how tightly its outermost operator binds
    for node in nodes:
        line, level = _node_text(node, [written[arg] for arg in node.args])
        if node.kind == "call" and uses.get(node, 0) > 1:
            lines.append(f"t{len(lines)} = {line}")
            line, level = f"t{len(lines) - 1}", _ATOM
        written[node] = (line, level)
    return "\n".join([*lines, written[expr][0]])


def _node_text(node: Expr, args: list[tuple[str, int]]) -> tuple[str, int]:
    if node.kind == "const":
        negative = repr(node.value).startswith("-")
        return repr(node.value), _PREFIX_LEVEL if negative else _ATOM
    if node.kind == "index":
        return node.value, _ATOM
    plain = ", ".join(line for line, _ in args)
    if node.kind == "load":
        return f"{node.value}[{plain}]" if args else node.value, _ATOM
    name = node.value.name
    if name in _PREFIX:
        line, level = args[0]
        return _PREFIX[name] + (line if level > _PREFIX_LEVEL else f"({line})"), _PREFIX_LEVEL
    if name in _INFIX and len(args) > 1:
        sign, own = _INFIX[name]
        # Left associative: a right operand of the same level needs parentheses (and both sides of a ** or a <).
        first = own + 1 if own in (1, 8) else own
        sides = [line if level >= (own + 1 if i else first) else f"({line})" for i, (line, level) in enumerate(args)]
        return f" {sign} ".join(sides), own
    return f"{name}({plain})", _ATOM


def evaluate(expr: Expr, env: Mapping[str, Any], xp: Any = np) -> Any:
    """The value of `expr`: `env` maps buffers to arrays and coordinates to integers or integer arrays."""
    m = ArrayNamespace(xp)
    values: dict[Expr, Any] = {}
    for node in postorder((expr,)):
        args = [values[arg] for arg in node.args]
        if node.kind == "const":
            values[node] = node.value
        elif node.kind == "index":
            values[node] = env[node.value]
        elif node.kind == "load":
            values[node] = env[node.value][tuple(args)] if args else env[node.value]
        else:
            values[node] = m.function(node.value)(*args)
    return values[expr]
