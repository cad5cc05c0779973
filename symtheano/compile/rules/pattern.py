"""Rules written as equations: a left side, a right side, and where they hold.

    Rule("log1p", T.log(1 + x), T.log1p(x), domain=x > -1)

The sides are tensor expressions over wildcards, made by `wild`. A wildcard matches any tensor; one that occurs twice
matches one variable (the graph is interned, so equal expressions are one variable). A constant matches through
broadcasting. Commutative operands match in any order; in a sum or product of many operands one bare wildcard takes what
the others leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from symtheano.compile.rules.match import cast_to, constant_value, like, literal
from symtheano.compile.rules.sign import holds
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar import ScalarOp
from symtheano.scalar.dtypes import COMPLEX, FLOAT
from symtheano.tensor.elemwise import Elemwise
from symtheano.tensor.type import tensor_type

Bindings = dict[Variable, Any]

KINDS: Mapping[str, Callable[[str], bool]] = {
    "float": FLOAT.__contains__,
    "real": lambda dtype: dtype not in COMPLEX,
    "any": lambda dtype: True,
}


def wild(name: str) -> Any:
    """A wildcard of patterns: a 0-d float64 variable that stands for any tensor."""
    return tensor_type("float64", ())(name)


class Rule:
    """`lhs = rhs`, applied from left to right.

    domain: comparisons that say where lhs is a real number: what the certificate proves. Elsewhere both sides are nan,
        or `differs` says what changes.
    requires: comparisons that must be *known* to hold, from signs and ranges, before the rule applies.
    kinds: which dtypes it is for: "float", "real" (also integers) or "any" (also complex).
    differs: where the two sides differ although both are defined, and why that is wanted.
    unproved: why SymPy cannot prove it. margin: by how many ulp the right side may be less accurate.
    sample: the interval from which the certificate draws values.
    """

    def __init__(
        self,
        name: str,
        lhs: Any,
        rhs: Any,
        *,
        domain: Any = (),
        requires: Any = (),
        kinds: str = "float",
        differs: str = "",
        unproved: str = "",
        margin: float = 1.0,
        sample: tuple[float, float] = (-4.0, 4.0),
    ):
        self.name = name
        self.lhs, self.rhs = lhs, rhs
        self.domain = tuple(domain) if isinstance(domain, (tuple, list)) else (domain,)
        self.requires = tuple(requires) if isinstance(requires, (tuple, list)) else (requires,)
        self.kinds = kinds
        self.differs, self.unproved = differs, unproved
        self.margin, self.sample = margin, sample
        if lhs.owner is None:
            raise ValueError(f"rule {name}: the left side must be an expression, not the wildcard {lhs}")
        self.wildcards = _wildcards(lhs)
        strange = [v for v in _wildcards(rhs) if v not in self.wildcards]
        if strange:
            raise ValueError(f"rule {name}: {strange[0]} occurs on the right side only")
        self.tracks: tuple[Op | type[Op], ...] = (lhs.owner.op,)
        self._accepts = KINDS[kinds]
        self._nested = any(i.owner is not None for i in lhs.owner.inputs)
        self._match = compile_node(lhs)
        self._quick = _quick_check(lhs)

    def __call__(self, node: Apply) -> list[Any] | None:
        inputs = node.inputs
        if not self._quick(inputs):
            return None
        (old,) = node.outputs
        accepts = self._accepts
        if not accepts(old.type.dtype) and old.type.dtype != "bool":
            return None
        for bound in self._match(inputs, {}):
            if self._fits(bound, old) and all(holds(c, bound) for c in self.requires):
                return [like(self._build(bound, old), old)]
        return None

    def _fits(self, bound: Bindings, old: Any) -> bool:
        """Whether the dtypes are the rule's, and no inner integer operation wraps in a dtype of its own."""
        dtypes = {v.type.dtype for v in bound.values()}
        if not all(map(self._accepts, dtypes)):
            return False
        return not self._nested or dtypes <= {old.type.dtype} or all(d in FLOAT for d in dtypes)

    def _build(self, bound: Bindings, old: Any) -> Any:
        dtype = old.type.dtype
        env = dict(bound) if dtype == "bool" else {w: cast_to(v, dtype) for w, v in bound.items()}
        return build(self.rhs, env, old)

    @property
    def statement(self) -> str:
        """The rule as a line of text."""
        text = f"{formula(self.lhs)} -> {formula(self.rhs)}"
        if self.requires:
            text += f"   if {' and '.join(map(formula, self.requires))}"
        return text

    def __repr__(self) -> str:
        return f"rule {self.name}: {self.statement}"


def _wildcards(v: Any) -> list[Variable]:
    found: dict[Variable, None] = {}
    stack = [v]
    while stack:
        each = stack.pop()
        if each.owner is not None:
            stack.extend(reversed(each.owner.inputs))
        elif not isinstance(each, Constant):
            found[each] = None
    return list(found)


def build(pattern: Any, env: Mapping[Variable, Any], old: Any) -> Any:
    """The expression `pattern` with wildcards replaced, constants in the dtype of `old`."""
    if pattern.owner is None:
        return literal(pattern.data.item(), old) if isinstance(pattern, Constant) else env[pattern]
    return pattern.owner.op(*(build(i, env, old) for i in pattern.owner.inputs))


# -- matching ------------------------------------------------------------------------------------------------------
# A pattern is compiled to functions that yield every way to match. Patterns are a few nodes deep, so these may recurse.

Matcher = Callable[[Any, Bindings], Iterator[Bindings]]
NodeMatcher = Callable[[Sequence[Any], Bindings], Iterator[Bindings]]


def compile_pattern(pattern: Any) -> Matcher:
    """The matcher of one operand."""
    if isinstance(pattern, Constant):
        return _constant_matcher(pattern.data.item())
    if pattern.owner is None:
        return _wildcard_matcher(pattern)
    row: ScalarOp = pattern.owner.op.scalar_op
    inner = compile_node(pattern)

    def match(v: Any, bound: Bindings) -> Iterator[Bindings]:
        owner = v.owner
        if owner is not None and type(owner.op) is Elemwise and owner.op.scalar_op == row:
            yield from inner(owner.inputs, bound)

    return match


def _constant_matcher(number: Any) -> Matcher:
    def match(v: Any, bound: Bindings) -> Iterator[Bindings]:
        if constant_value(v) == number:
            yield bound

    return match


def _wildcard_matcher(wildcard: Variable) -> Matcher:
    def match(v: Any, bound: Bindings) -> Iterator[Bindings]:
        known = bound.get(wildcard)
        if known is None:
            yield {**bound, wildcard: v}
        elif known is v:
            yield bound

    return match


def compile_node(pattern: Any) -> NodeMatcher:
    """The matcher of all operands of a node whose op already agrees."""
    op = pattern.owner.op
    parts = [compile_pattern(i) for i in pattern.owner.inputs]
    if not op.scalar_op.commutative:
        return _ordered(parts)
    bare = [i.owner is None and not isinstance(i, Constant) for i in pattern.owner.inputs]
    rest = pattern.owner.inputs[bare.index(True)] if op.scalar_op.arity is None and sum(bare) == 1 else None
    order = sorted(range(len(parts)), key=lambda k: bare[k])  # the most particular operands first
    return _any_order([parts[k] for k in order], rest, op)


def _ordered(parts: Sequence[Matcher]) -> NodeMatcher:
    if len(parts) == 1:
        (only,) = parts
        return lambda inputs, bound: only(inputs[0], bound)

    def match(inputs: Sequence[Any], bound: Bindings, k: int = 0) -> Iterator[Bindings]:
        if k == len(parts):
            yield bound
            return
        for more in parts[k](inputs[k], bound):
            yield from match(inputs, more, k + 1)

    return match


def _any_order(parts: Sequence[Matcher], rest: Variable | None, op: Any) -> NodeMatcher:
    count = len(parts)

    def match(inputs: Sequence[Any], bound: Bindings, k: int = 0) -> Iterator[Bindings]:
        if k == count:
            if not inputs:
                yield bound
            return
        if k == count - 1 and rest is not None and len(inputs) > 1:
            remainder = op(*inputs)
            known = bound.get(rest)
            if known is None:
                yield {**bound, rest: remainder}
            return
        if len(inputs) > count - k and rest is None:
            return
        for position, v in enumerate(inputs):
            for more in parts[k](v, bound):
                yield from match([*inputs[:position], *inputs[position + 1 :]], more, k + 1)

    return match


def _quick_check(pattern: Any) -> Callable[[Sequence[Any]], bool]:
    """A cheap necessary condition on a node's operands: the rows and constants the pattern names are there."""
    operands = pattern.owner.inputs
    ordered = not pattern.owner.op.scalar_op.commutative
    for position, operand in enumerate(operands):
        if operand.owner is not None:
            row = operand.owner.op.scalar_op
            return _row_at(position, row) if ordered else _row_anywhere(row)
    for position, operand in enumerate(operands):
        if isinstance(operand, Constant):
            number = operand.data.item()
            if ordered:
                return lambda inputs: constant_value(inputs[position]) == number
            return lambda inputs: any(constant_value(i) == number for i in inputs)
    if len(operands) == 2 and operands[0] is operands[1]:
        return lambda inputs: len(inputs) == 2 and inputs[0] is inputs[1]
    return lambda inputs: True


def _row_at(position: int, row: ScalarOp) -> Callable[[Sequence[Any]], bool]:
    def check(inputs: Sequence[Any]) -> bool:
        owner = inputs[position].owner
        return owner is not None and type(owner.op) is Elemwise and owner.op.scalar_op is row

    return check


def _row_anywhere(row: ScalarOp) -> Callable[[Sequence[Any]], bool]:
    def check(inputs: Sequence[Any]) -> bool:
        for i in inputs:
            owner = i.owner
            if owner is not None and type(owner.op) is Elemwise and owner.op.scalar_op is row:
                return True
        return False

    return check


# -- text ----------------------------------------------------------------------------------------------------------

_INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "true_div": "/",
    "pow": "**",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "neq": "!=",
    "eq": "==",
}
_LEVEL = {"add": 1, "sub": 1, "mul": 2, "true_div": 2, "neg": 3, "pow": 4}


def formula(v: Any, outer: int = 0) -> str:
    """A pattern as text: log(1 + x)."""
    if v.owner is None:
        return _number(v.data.item()) if isinstance(v, Constant) else str(v.name)
    name = v.owner.op.scalar_op.name
    operands = v.owner.inputs
    level = _LEVEL.get(name, 0)
    if name == "neg":
        text = f"-{formula(operands[0], level)}"
    elif name in _INFIX:
        tight = level + (name in ("sub", "true_div", "pow"))
        text = f" {_INFIX[name]} ".join(formula(o, tight if k else level) for k, o in enumerate(operands))
    else:
        return f"{name}({', '.join(map(formula, operands))})"
    return f"({text})" if level < outer else text


def _number(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
