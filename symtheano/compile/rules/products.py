"""Products as lists of factors: what cancels, what fuses, and when a product is worth distributing over a sum.

The gradients of log(sigmoid(x)), log(softmax(x)) and their like are products of something that vanishes and something
that is infinite. Written as factors above and below the line they cancel: t / p * p is t.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, args_of, cast_to, constant_value, is_constant, like, literal
from symtheano.compile.rules.memo import Memo
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import FLOAT
from symtheano.tensor.careduce import Sum
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions
from symtheano.tensor.index_advanced import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
)
from symtheano.tensor.index_basic import IncSubtensor, Subtensor
from symtheano.tensor.nnet.crossentropy import CrossentropyCategorical1HotGrad, PickLabel, PlaceLabel
from symtheano.tensor.nnet.softmax import Softmax
from symtheano.tensor.reduce import LogSumExp

m = functions
LIMIT = 16  # factors of a product, and terms of a sum, that are looked at
Order = tuple[Any, ...] | None
_WRITERS = (IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1)
_READERS = (Subtensor, AdvancedSubtensor, AdvancedSubtensor1)


class Factor(NamedTuple):
    """`base` with its axes in `order` (None: as they are). Equal factors are equal values."""

    base: Any
    order: Order

    def make(self) -> Any:
        """The variable."""
        return self.base if self.order is None else dimshuffle(self.base, self.order)


def as_factor(v: Any) -> Factor:
    """`v` as a factor: its dimshuffle apart."""
    if v.owner is not None and type(v.owner.op) is DimShuffle:
        return Factor(v.owner.inputs[0], v.owner.op.new_order)
    return Factor(v, None)


@dataclass
class Product:
    """sign * (the product of `above`) / (the product of `below`), in one dtype."""

    sign: int = 1
    above: list[Factor] = field(default_factory=list)
    below: list[Factor] = field(default_factory=list)

    def times(self, other: Product) -> Product:
        """The product of both."""
        return Product(self.sign * other.sign, self.above + other.above, self.below + other.below)


class Taken(NamedTuple):
    """A product that is shared, and so may not change."""

    sign: int
    above: tuple[Factor, ...]
    below: tuple[Factor, ...]


_taken: Memo[Taken] = Memo("taken")  # a variable of a closed graph never changes
_PARTS = {"mul", "true_div", "neg", "inv", "sqr"}


def product_of(v: Any) -> Product:
    """`v` taken apart into factors, through products, quotients, signs and dimshuffles of its dtype."""
    found = taken(v)
    return Product(found.sign, list(found.above), list(found.below))


def taken(v: Any, depth: int = 16) -> Taken:
    """As `product_of`; what is deeper than `depth`, or makes more than LIMIT factors, counts as one factor."""
    found: Taken | None = _taken.get(v, None)
    if found is None:
        found = _take(v, depth)
        _taken[v] = found
    return found


def _take(v: Any, depth: int) -> Taken:
    whole = Taken(1, (Factor(v, None),), ())
    owner = v.owner
    if owner is None or depth == 0:
        return whole
    if type(owner.op) is DimShuffle:
        inner, order = taken(owner.inputs[0], depth - 1), owner.op.new_order
        above, below = ([Factor(f.base, _after(order, f)) for f in factors] for factors in (inner.above, inner.below))
        return Taken(inner.sign, tuple(above), tuple(below))
    if type(owner.op) is not Elemwise or owner.op.scalar_op.name not in _PARTS:
        return whole
    name = owner.op.scalar_op.name
    dtype = v.type.dtype
    parts = [taken(i, depth - 1) if i.type.dtype == dtype else Taken(1, (Factor(i, None),), ()) for i in owner.inputs]
    if name == "inv":
        (p,) = parts
        return Taken(p.sign, p.below, p.above)
    if name == "sqr":
        parts = parts * 2
    elif name == "true_div":
        p, q = parts
        parts = [p, Taken(q.sign, q.below, q.above)]
    if sum(len(p.above) + len(p.below) for p in parts) > LIMIT:
        return whole
    sign = -1 if name == "neg" else 1
    for p in parts:
        sign *= p.sign
    return Taken(sign, tuple(f for p in parts for f in p.above), tuple(f for p in parts for f in p.below))


def _after(order: Sequence[Any], f: Factor) -> Order:
    """The order of axes of a factor's base that its own order, then `order`, makes."""
    if f.order is None:
        return tuple(order)
    made = tuple("x" if o == "x" else f.order[o] for o in order)
    return None if made == tuple(range(f.base.type.ndim)) else made


# -- simplification ----------------------------------------------------------------------------------------------------

Fuse = Callable[[Factor, Factor], Factor | None]


def simplify(p: Product) -> bool:
    """Cancels and fuses the factors of `p` in place; whether anything did."""
    changed = False
    for below in list(p.below):
        for position, above in enumerate(p.above):
            if above == below:
                del p.above[position]
            else:
                fused = fused_quotient(above, below)
                if fused is None:
                    continue
                p.above[position] = fused
            p.below.remove(below)
            changed = True
            break
    return _fuse_above(p) or changed


def _fuse_above(p: Product) -> bool:
    for i, a in enumerate(p.above):
        if not _may_fuse(a):
            continue
        for k, b in enumerate(p.above):
            fused = None if i == k else fused_pair(a, b)
            if fused is not None:
                p.above = [f for n, f in enumerate(p.above) if n not in (i, k)] + [fused]
                return True
    return False


def _may_fuse(a: Factor) -> bool:
    owner = a.base.owner
    if owner is None:
        return False
    if type(owner.op) is Elemwise:
        return owner.op.scalar_op.name == "exp"
    return type(owner.op) in _WRITERS or type(owner.op) in (PlaceLabel, CrossentropyCategorical1HotGrad)


def fused_quotient(above: Factor, below: Factor) -> Factor | None:
    """exp(x) / sum(exp(x)) is softmax(x), exp(x) / (1 + exp(x)) is sigmoid(x), x / |x| is sgn(x), and so on."""
    if above.order == below.order and above.base.type.dtype in FLOAT and arg_of(below.base, "abs_") is above.base:
        return Factor(m.sgn(above.base), above.order)
    x = arg_of(above.base, "exp")
    if x is None and above.order == below.order:  # sigmoid(-x) / (1 - sigmoid(x)) is 1
        if _is_other_sigmoid(above.base, below.base) or _is_other_sigmoid(below.base, above.base):
            return Factor(literal(1, above.base), ("x",) * above.base.type.ndim)
    if x is None:
        return None
    owner = below.base.owner
    if owner is None:
        return None
    if type(owner.op) is Sum and owner.inputs[0] is above.base and above.order is None:
        axes = owner.op.axes(x.type.ndim)
        if below.order == _restoring(axes, x.type.ndim) and x.type.dtype == below.base.type.dtype:
            return Factor(softmax_over(x, axes), None)
        return None
    if (
        above.order == below.order
        and type(owner.op) is Elemwise
        and owner.op.scalar_op.name == "add"
        and len(owner.inputs) == 2
    ):
        one, other = owner.inputs
        if other is above.base and is_constant(one, 1):
            return Factor(m.sigmoid(x), above.order)
    negated = arg_of(x, "neg")
    root = None if negated is None else arg_of(negated, "sqr")
    u = arg_of(below.base, "erfc")
    if root is not None and u is not None and above.order == below.order and (u is root or is_negation(u, root)):
        return Factor(m.inv(m.erfcx(u)), above.order)
    return None


def _is_other_sigmoid(v: Any, w: Any) -> bool:
    """Whether v = sigmoid(-x) and w = 1 - sigmoid(x)."""
    u, parts = arg_of(v, "sigmoid"), args_of(w, "sub")
    if u is None or parts is None or not is_constant(parts[0], 1):
        return False
    x = arg_of(parts[1], "sigmoid")
    return x is not None and is_negation(u, x)


def _restoring(axes: Sequence[int], ndim: int) -> Order:
    """The dimshuffle that puts reduced axes back as broadcastable ones."""
    if not ndim:
        return None
    kept = iter(range(ndim))
    return tuple("x" if k in axes else next(kept) for k in range(ndim))


def softmax_over(x: Any, axes: Sequence[int]) -> Any:
    """softmax of `x` over some axes."""
    if len(axes) == 1:
        return Softmax(axes[0] - x.type.ndim)(x)
    total = Factor(LogSumExp(tuple(axes))(x), _restoring(axes, x.type.ndim)).make()
    return m.exp(m.sub(x, total))


def fused_pair(a: Factor, b: Factor) -> Factor | None:
    """exp(x) * sigmoid(-x) is sigmoid(x); inc(0, i, v / p[i]) * p is inc(0, i, v)."""
    x = arg_of(a.base, "exp")
    if x is not None:
        y = arg_of(b.base, "sigmoid")
        if y is not None and a.order == b.order and is_negation(x, y):
            return Factor(m.sigmoid(x), a.order)
        return None
    if a.order != b.order:
        return None
    written = taken_apart(a.base)
    if written is None:
        return None
    op, zeros, value, rest, read = written
    if b.base.type.broadcastable != a.base.type.broadcastable:
        return None
    inner = product_of(value)
    for below in inner.below:
        if _reads(below, b.base, read, rest, value.type.ndim):
            inner.below.remove(below)
            simplify(inner)
            new = like_value(made(inner, value), value)
            inputs = (new, *rest) if type(op) is PlaceLabel else (zeros, new, *rest)
            return Factor(op(*inputs), a.order)
    return None


def taken_apart(v: Any) -> tuple[Any, Any, Any, list[Any], Any] | None:
    """Of zeros that were written into: the op, the zeros, what is written, the index, and the op that reads it."""
    owner = v.owner
    if owner is None:
        return None
    if type(owner.op) is PlaceLabel:
        value, model, labels = owner.inputs
        return owner.op, model, value, [model, labels], PickLabel()
    if type(owner.op) is CrossentropyCategorical1HotGrad:
        g, p, labels = owner.inputs
        return PlaceLabel(), p, m.neg(m.true_div(g, PickLabel()(p, labels))), [p, labels], PickLabel()
    if type(owner.op) in _WRITERS and not owner.op.set_instead_of_inc and is_constant(owner.inputs[0], 0):
        return owner.op, owner.inputs[0], owner.inputs[1], list(owner.inputs[2:]), owner.op.reader()
    return None


def _reads(below: Factor, source: Any, read: Any, rest: Sequence[Any], ndim: int) -> bool:
    """Whether `below` is `source` read at the index that was written."""
    owner = below.base.owner
    if owner is None or type(owner.op) is not type(read) or below.base.type.ndim != ndim:
        return False
    if below.order is not None or owner.inputs[0] is not source:
        return False
    if type(read) is PickLabel:
        return owner.inputs[1] is rest[1]
    same = len(owner.inputs) - 1 == len(rest) and all(i is r for i, r in zip(owner.inputs[1:], rest, strict=True))
    return same and owner.op == read


def like_value(v: Any, old: Any) -> Any:
    """`v` with the dtype and shape of the written value `old`."""
    v = cast_to(v, old.type.dtype)
    return v if v.type.broadcastable == old.type.broadcastable else m.second(old, v)


def is_negation(x: Any, y: Any) -> bool:
    """Whether y = -x by its form."""
    if arg_of(x, "neg") is y or arg_of(y, "neg") is x:
        return True
    a, b = args_of(x, "sub"), args_of(y, "sub")
    if a is not None and b is not None:
        return a[0] is b[1] and a[1] is b[0]
    a, b = args_of(x, "mul"), args_of(y, "mul")
    if a is None or b is None or len(a) != len(b):
        return False
    c, d = constant_value(a[0]), constant_value(b[0])
    return c is not None and d is not None and c == -d and all(i is j for i, j in zip(a[1:], b[1:], strict=True))


# -- building ----------------------------------------------------------------------------------------------------------


def made(p: Product, old: Any) -> Any:
    """The expression of `p`: small factors are multiplied with each other first."""
    above, below = _multiplied(p.above), _multiplied(p.below)
    if above is None:
        result = literal(1, old) if below is None else m.inv(below)
    else:
        result = above if below is None else m.true_div(above, below)
    return m.neg(result) if p.sign < 0 else result


def _multiplied(factors: Sequence[Factor]) -> Any:
    if not factors:
        return None
    counts = Counter(factors)
    variables = [v for f, n in counts.items() for v in _power(f.make(), n)]
    groups: dict[int, list[Any]] = {}
    for v in variables:
        groups.setdefault(sum(not b for b in v.type.broadcastable), []).append(v)
    total: Any = None
    for size in sorted(groups):
        group = groups[size] if total is None else [total, *groups[size]]
        total = group[0] if len(group) == 1 else m.mul(*group)
    return total


def _power(v: Any, n: int) -> list[Any]:
    """Factors whose product is v**n."""
    return [m.sqr(v)] * (n // 2) + [v] * (n % 2)


# -- distribution ------------------------------------------------------------------------------------------------------


def terms_of(v: Any) -> list[tuple[int, Any]]:
    """The terms of a sum with their signs, through sums, differences and signs of one dtype; [v] where it is none."""
    dtype = v.type.dtype
    terms: list[tuple[int, Any]] = []
    stack = [(1, v)]
    budget = LIMIT
    while stack:
        sign, each = stack.pop()
        budget -= 1
        name = None
        if each.owner is not None and type(each.owner.op) is Elemwise and each.type.dtype == dtype and budget > 0:
            name = each.owner.op.scalar_op.name
        if name == "add":
            stack.extend((sign, i) for i in reversed(each.owner.inputs))
        elif name == "sub":
            stack += [(-sign, each.owner.inputs[1]), (sign, each.owner.inputs[0])]
        elif name == "neg":
            stack.append((-sign, each.owner.inputs[0]))
        else:
            terms.append((sign, each))
    return terms


def distributed(p: Taken, old: Any) -> Any:
    """`p` with one of its sums multiplied out, where that lets a factor of `p` cancel in a term; else None."""
    for position, candidate in enumerate(p.above):
        row = candidate.base.owner
        if candidate.order is not None or row is None or type(row.op) is not Elemwise:
            continue
        if row.op.scalar_op.name not in ("add", "sub") or candidate.base.type.dtype != old.type.dtype:
            continue
        rest = Product(p.sign, [*p.above[:position], *p.above[position + 1 :]], list(p.below))
        terms = terms_of(candidate.base) if rest.above else []
        if not any(taken(t).below or any(map(_may_fuse, taken(t).above)) for _, t in terms):
            continue
        found = _multiplied_out(terms, rest)
        pulled = _pulled(rest, old)
        if pulled is not None:
            more = _multiplied_out(terms, pulled)
            found = more if more[0] > found[0] else found
        if found[0]:
            return summed(found[1], old)
    return None


def _multiplied_out(terms: Sequence[tuple[int, Any]], rest: Product) -> tuple[int, list[Product]]:
    """The product of each term with `rest`, and in how many of them something cancelled."""
    parts: list[Product] = []
    fired = 0
    for sign, term in terms:
        part = product_of(term)
        part.sign *= sign
        part = part.times(rest)
        fired += simplify(part)
        parts.append(part)
    return fired, parts


def _pulled(p: Product, old: Any) -> Product | None:
    """`p` with common factors taken out of the sums among its factors; None where no sum has any.

    In (t / p + u / q) * (p * q * s - p * q) what is infinite at p = 0 meets p only so.
    """
    above: list[Factor] = []
    for f in p.above:
        owner = f.base.owner
        if f.order is None and owner is not None and type(owner.op) is Elemwise and f.base.type.dtype == old.type.dtype:
            if owner.op.scalar_op.name in ("add", "sub"):
                above += _common_first(f)
                continue
        above.append(f)
    return None if len(above) == len(p.above) else Product(p.sign, above, p.below)


def _common_first(f: Factor) -> list[Factor]:
    """The factors that all terms of the sum `f` have, and the sum of what is left; [f] where they have none."""
    parts: list[Product] = []
    for sign, term in terms_of(f.base):
        part = product_of(term)
        part.sign *= sign
        parts.append(part)
    shared = Counter(parts[0].above)
    for part in parts[1:]:
        shared &= Counter(part.above)
    common = list(shared.elements())
    if not common:
        return [f]
    left = summed([Product(part.sign, _without(part.above, common), part.below) for part in parts], f.base)
    return [*common, as_factor(like(left, f.base))]


def summed(parts: Sequence[Product], old: Any) -> Any:
    """The sum of products; s * (1 - t) - t * (1 - s), the gradient of a crossentropy, is s - t."""
    if len(parts) == 2 and Counter(parts[0].below) == Counter(parts[1].below):
        common = [f for f in parts[0].above if f in parts[1].above]
        rests = [(p.sign, _without(p.above, common)) for p in parts]
        difference = _crossed(*rests)
        if difference is not None:
            return made(Product(1, [*common, as_factor(difference)], parts[0].below), old)
    plus = [made(Product(1, p.above, p.below), old) for p in parts if p.sign > 0]
    minus = [made(Product(1, p.above, p.below), old) for p in parts if p.sign < 0]
    if not plus:
        return m.neg(minus[0] if len(minus) == 1 else m.add(*minus))
    total = plus[0] if len(plus) == 1 else m.add(*plus)
    return m.sub(total, minus[0] if len(minus) == 1 else m.add(*minus)) if minus else total


def _without(factors: Sequence[Factor], others: Sequence[Factor]) -> list[Factor]:
    left = list(factors)
    for f in others:
        if f in left:
            left.remove(f)
    return left


def _crossed(left: tuple[int, list[Factor]], right: tuple[int, list[Factor]]) -> Any:
    """s - t, or t - s, where the terms are s * (1 - t) and t * (1 - s) with opposite signs."""
    (sign, one), (other_sign, two) = left, right
    if len(one) != 2 or len(two) != 2:
        return None
    for s, c in (one, one[::-1]):
        for t, d in (two, two[::-1]):
            plus = sign * _complement(c.make(), t.make())
            if plus and plus == -other_sign * _complement(d.make(), s.make()):
                return m.sub(s.make(), t.make()) if plus > 0 else m.sub(t.make(), s.make())
    return None


def _complement(v: Any, x: Any) -> int:
    """1 where v = 1 - x, -1 where v = x - 1, else 0."""
    parts = args_of(v, "sub")
    if parts is None:
        return 0
    a, b = parts
    if is_constant(a, 1) and as_factor(b) == as_factor(x):
        return 1
    return -1 if is_constant(b, 1) and as_factor(a) == as_factor(x) else 0


# -- the rules -----------------------------------------------------------------------------------------------------


@rule(
    m.mul,
    m.true_div,
    reason="x / x is 1, also at 0 and infinity as in Theano; exp(x) / sum(exp(x)) is softmax by definition",
    examples=[
        on(lambda a, b: a * (b / a), 1, 1),
        on(lambda a, b: (a * b) / (b * (a + 1)), 1, 1),
        on(lambda a: m.exp(a) / m.exp(a).sum(axis=1, keepdims=True), 2),
        on(lambda a: m.exp(a) / m.exp(a).sum(), 1),
        on(lambda a, b: (b / (1 + m.exp(a))) * m.exp(a), 1, 1),
        on(lambda a, b: b * m.exp(a) * m.sigmoid(-a), 1, 1),
        on(lambda a, b: m.exp(-m.sqr(a)) * (b / m.erfc(a)), 1, 1),
        on(lambda a, b, c: a * (b / a + c), 1, 1, 1),
        on(lambda s, t: (s * (1 - s)) * ((1 - t) / (1 - s) - t / s), 1, 1),
        on(lambda s, t: ((1 - t) / (1 - s) + t / s) * (t * s * (1 - s) - t * s * s * (1 - s)), 1, 1),
    ],
)
def cancel_factors(node: Apply) -> list[Any] | None:
    """x * (y / x) -> y; exp(x) / sum(exp(x)) -> softmax(x); x * (y / x + z) -> y + x * z, where something cancels."""
    (old,) = node.outputs
    if old.type.dtype not in FLOAT:
        return None
    found = taken(old)
    if found.below or any(map(_may_fuse, found.above)):
        p = product_of(old)
        if simplify(p):
            return [like(made(p, old), old)]
    result = distributed(found, old)
    return None if result is None else [like(result, old)]


PRODUCTS = (cancel_factors,)
