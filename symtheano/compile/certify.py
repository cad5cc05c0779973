"""What is known of each rule, proved and measured: its certificate. Needs sympy and mpmath; loaded only when named.

    python -m symtheano.compile.certify        prints docs/rules.md

A rule written as an equation gets three certificates: SymPy proves both sides equal on the domain; mpmath computes
the truth at random points and on the boundary set (zeros, infinities, nan, subnormal numbers, the edges of overflow),
and the right side must never be worse than the left; the errors of both, in units in the last place (ulp), are
measured in float32 and float64. A rule that is a function must fire on its examples and leave the values as they are.
"""

from __future__ import annotations

import itertools
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mpmath
import numpy as np
import sympy

from symtheano.compile.loop_rounds import LoopPhase
from symtheano.compile.rules import EXPAND, PHASES, AnyRule, phase_rules
from symtheano.compile.rules.example import Example
from symtheano.compile.rules.loop_parts import LoopRule
from symtheano.compile.rules.pattern import Rule, build, formula
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.graph.rule import FunctionRule
from symtheano.graph.variable import Constant
from symtheano.scalar.symbolic import mpmath_namespace, sympy_namespace
from symtheano.tensor.type import tensor_type

DIGITS = 40  # of the truth at random points; the boundary set needs more, as 1 + 1e-300 is not 1
BOUNDARY_DIGITS = 700
RANDOM_POINTS = 200
SIZES = (4, 1, 0, 5)
FLOATS = ("float32", "float64")


@dataclass
class Accuracy:
    """Errors in ulp against the 40-digit truth: (median, maximum) of the left and of the right side."""

    lhs: tuple[float, float]
    rhs: tuple[float, float]


@dataclass
class Certificate:
    """What is known of a rule. `problems` is empty where it holds."""

    name: str
    statement: str
    domain: str = ""
    symbolic: str = ""
    points: int = 0
    better: int = 0  # boundary points where only the right side gives the truth
    differs: int = 0  # ... where the sides differ as the rule says
    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether the rule may be used."""
        return not self.problems


def certify(rule: AnyRule) -> Certificate:
    """The certificate of a rule."""
    with np.errstate(all="ignore"):
        return _certify_equation(rule) if isinstance(rule, Rule) else _certify_function(rule)


# -- equations: the proof ----------------------------------------------------------------------------------------------


def _certify_equation(rule: Rule) -> Certificate:
    conditions = [formula(c) for c in (*rule.domain, *rule.requires)]
    result = Certificate(rule.name, rule.statement, " and ".join(conditions))
    proved = is_proved(rule)
    result.symbolic = "proved" if proved else f"not proved: {rule.unproved}"
    if not proved and not rule.unproved:
        result.problems.append("SymPy does not prove it, and the rule does not say why")
    _check_points(rule, result)
    return result


def is_proved(rule: Rule) -> bool:
    """Whether SymPy finds both sides equal for real wildcards in the domain."""
    symbols = _symbols(rule)
    left, right = (_value(side, symbols, sympy_namespace) for side in (rule.lhs, rule.rhs))
    difference = left - right
    for transform in _TRANSFORMS:
        try:
            if transform(difference) == 0:
                return True
        except (TypeError, ValueError, NotImplementedError, AttributeError):
            continue
    return _exponentials_agree(left, right)


_TRANSFORMS = (
    lambda d: d,
    sympy.simplify,
    lambda d: sympy.simplify(sympy.expand_log(d)),
    lambda d: sympy.simplify(d.rewrite(sympy.exp)),
    lambda d: sympy.simplify(sympy.expand_log(sympy.expand(d.rewrite(sympy.exp)), force=False)),
    lambda d: sympy.simplify(d.rewrite(sympy.erf)),
    lambda d: sympy.simplify(sympy.piecewise_fold(d.rewrite(sympy.Piecewise))),
    lambda d: sympy.simplify(sympy.refine(d)),
)


def _exponentials_agree(left: Any, right: Any) -> bool:
    """exp is injective on the reals (only there), and takes logarithms away."""
    if not (left.is_real and right.is_real):
        return False
    try:
        return bool(sympy.simplify(sympy.expand(sympy.exp(left) - sympy.exp(right), power_exp=True)) == 0)
    except (TypeError, ValueError, NotImplementedError):
        return False


def _symbols(rule: Rule) -> dict[Any, Any]:
    """A real symbol for each wildcard, or an expression of symbols that satisfies the conditions."""
    found: dict[Any, Any] = {w: sympy.Symbol(str(w.name), real=True) for w in rule.wildcards}
    for condition in (*rule.domain, *rule.requires):
        left, right = condition.owner.inputs
        relation = condition.owner.op.scalar_op.name
        if left not in found:
            continue
        if relation == "neq":
            found[left] = sympy.Symbol(str(left.name), real=True, nonzero=True)
            continue
        bound = found[right] if right in found else sympy.nsimplify(right.data.item())
        strict = relation in ("lt", "gt")
        step = sympy.Symbol(f"{left.name}_", **({"positive": True} if strict else {"nonnegative": True}))
        found[left] = bound + step if relation in ("gt", "ge") else bound - step
    return found


def _value(pattern: Any, env: Mapping[Any, Any], m: Any) -> Any:
    """The value of a pattern in the namespace `m`."""
    if pattern in env:
        return env[pattern]
    if isinstance(pattern, Constant):
        number = pattern.data.item()
        return sympy.nsimplify(number) if m is sympy_namespace else mpmath.mpf(number)
    arguments = [_value(i, env, m) for i in pattern.owner.inputs]
    return m.function(pattern.owner.op.scalar_op)(*arguments)


# -- equations: the measurement ----------------------------------------------------------------------------------------


def boundary_set(dtype: str) -> list[float]:
    """Where floating point breaks: zeros, units, infinities, nan, subnormal numbers, the edges of overflow."""
    info = np.finfo(dtype)
    edge = float(np.log(info.max))
    tiny, small, large = float(info.smallest_subnormal), float(info.tiny), float(info.max)
    eps = float(info.eps)
    positive = [0.0, tiny, small, eps, 1e-4, 0.5, 1.0, 1.0 + eps, 2.0, edge - 1, edge + 1, 2 * edge, 1e5, 1e15, large]
    values = [sign * v for v in positive for sign in (1.0, -1.0)] + [float("inf"), -float("inf"), float("nan")]
    return [float(np.dtype(dtype).type(v)) for v in values]


def _check_points(rule: Rule, result: Certificate) -> None:
    for dtype in FLOATS:
        random, boundary = _random_points(rule, dtype), _boundary_points(rule, dtype)
        result.points += len(random) + len(boundary)
        left, right = _evaluate(rule, random, dtype)
        truths = [_truth(rule.lhs, rule, p, DIGITS) for p in random]
        result.accuracy[dtype] = _accuracy(left, right, truths, dtype)
        _judge_accuracy(rule, result, dtype)
        left, right = _evaluate(rule, boundary, dtype)
        for point, a, b in zip(boundary, left, right, strict=True):
            _judge(rule, result, point, float(a), float(b), dtype)


def _random_points(rule: Rule, dtype: str) -> list[tuple[float, ...]]:
    rng = np.random.default_rng(zlib.crc32(rule.name.encode()))
    points: list[tuple[float, ...]] = []
    for _ in range(100 * RANDOM_POINTS):
        values = rng.uniform(*rule.sample, size=len(rule.wildcards)).astype(dtype)
        values += rng.normal(scale=1e-3, size=len(values)).astype(dtype)  # uniform numbers are multiples of 2**-53
        point = tuple(float(v) for v in values)
        if _inside(rule, point, (*rule.domain, *rule.requires)):
            points.append(point)
        if len(points) == RANDOM_POINTS:
            break
    return points


def _boundary_points(rule: Rule, dtype: str) -> list[tuple[float, ...]]:
    """The boundary set, for several wildcards its product thinned out, where the rule may apply."""
    values = boundary_set(dtype)
    points = list(itertools.product(values, repeat=len(rule.wildcards)))
    return [p for p in points[:: max(1, len(points) // 300)] if _inside(rule, p, rule.requires)]


def _inside(rule: Rule, point: Sequence[float], conditions: Sequence[Any]) -> bool:
    env = dict(zip(rule.wildcards, point, strict=True))
    for condition in conditions:
        left, right = (env[i] if i in env else i.data.item() for i in condition.owner.inputs)
        holds = {"gt": left > right, "ge": left >= right, "lt": left < right, "le": left <= right, "neq": left != right}
        if not holds[condition.owner.op.scalar_op.name] and left == left and right == right:
            return False
    return True


def _evaluate(rule: Rule, points: Sequence[tuple[float, ...]], dtype: str) -> Any:
    """Both sides at all points, computed in `dtype`."""
    inputs: list[Any] = [tensor_type(dtype, (None,))(w.name) for w in rule.wildcards]
    env = dict(zip(rule.wildcards, inputs, strict=True))
    graph = FunctionGraph(inputs, [build(side, env, inputs[0]) for side in (rule.lhs, rule.rhs)])
    columns = [np.array([p[k] for p in points], dtype) for k in range(len(inputs))]
    return [np.broadcast_to(v, len(points)) for v in interpret(graph, columns)]


def _truth(side: Any, rule: Rule, point: Sequence[float], digits: int) -> Any:
    """The real value of a side, or None where it has none."""
    if not np.isfinite(point).all():
        return None
    with mpmath.workdps(digits):
        try:
            value = _value(
                side, {w: mpmath.mpf(v) for w, v in zip(rule.wildcards, point, strict=True)}, mpmath_namespace
            )
            value = mpmath.mpmathify(value)
        except (ValueError, ZeroDivisionError, OverflowError):
            return None
        if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
            return None
        return value


def _ulps(value: float, truth: Any, dtype: str) -> float:
    """The distance of `value` from the truth in units of the last place at the truth."""
    kind = np.dtype(dtype).type
    with mpmath.workdps(BOUNDARY_DIGITS):
        if abs(truth) > mpmath.mpf(float(np.finfo(dtype).max)):
            return 0.0 if value == float(mpmath.sign(truth)) * np.inf else np.inf
        if not np.isfinite(value):
            return np.inf
        unit = mpmath.mpf(float(np.spacing(kind(abs(float(truth))))))
        return float(abs(mpmath.mpf(float(value)) - truth) / unit)


def _accuracy(left: Any, right: Any, truths: Sequence[Any], dtype: str) -> Accuracy:
    def summary(values: Any) -> tuple[float, float]:
        errors = [_ulps(float(v), t, dtype) for v, t in zip(values, truths, strict=True) if t is not None]
        return (float(np.median(errors)), float(np.max(errors))) if errors else (0.0, 0.0)

    return Accuracy(summary(left), summary(right))


def _judge_accuracy(rule: Rule, result: Certificate, dtype: str) -> None:
    a = result.accuracy[dtype]
    if a.rhs[1] > max(a.lhs[1], 1.0) + rule.margin or a.rhs[0] > max(a.lhs[0], 0.5) + rule.margin:
        result.problems.append(
            f"{dtype}: the right side is less accurate: {a.rhs} ulp instead of {a.lhs} (median, max)"
        )


def _judge(rule: Rule, result: Certificate, point: Sequence[float], a: float, b: float, dtype: str) -> None:
    """One boundary point: the sides agree, or the right one is right, or the rule says that they differ."""
    if a == b or (a != a and b != b):
        return
    truth = _truth(rule.lhs, rule, point, BOUNDARY_DIGITS)
    if truth is not None:
        before, after = _ulps(a, truth, dtype), _ulps(b, truth, dtype)
        if after <= before + rule.margin or after <= 4 + rule.margin:
            result.better += before > 4 + rule.margin
            return
    if rule.differs:
        result.differs += 1
        return
    known = "" if truth is None else f" (the truth is {mpmath.nstr(truth, 8)})"
    result.problems.append(f"{dtype}: at {point} the left side is {a}, the right side {b}{known}")


# -- rules that are functions ------------------------------------------------------------------------------------------


def _certify_function(rule: FunctionRule) -> Certificate:
    statement = " ".join(rule.doc.split())
    result = Certificate(rule.name, statement, symbolic=f"by construction: {rule.reason}")
    if not rule.examples:
        result.problems.append("the rule has no example")
    for example in rule.examples:
        for dtype in FLOATS if isinstance(example, Example) and example.dtype == "float64" else (None,):
            graph = FunctionGraph(*(example(dtype) if isinstance(example, Example) else example()))
            rewritten = fired_on(rule, graph)
            if rewritten is None:
                result.problems.append(f"the rule does not fire on its example\n{graph}")
                continue
            for size in SIZES:
                result.points += _same_values(graph, rewritten, size, result)
    return result


def fired_on(rule: AnyRule, graph: FunctionGraph) -> FunctionGraph | None:
    """The graph rewritten by `rule`, alone or (where it builds on others) with more; None where it does not fire."""
    if isinstance(rule, LoopRule):
        fired: Counter[str] = Counter()
        rewritten = LoopPhase((rule,), PHASES["stabilize"]).rewrite(graph, fired)
        rewritten.check()
        return rewritten if fired[rule.name] else None
    for rules in ((rule,), (rule, *PHASES["canonicalize"]), phase_rules()):
        rewritten = graph.rewrite(rules)
        if rewritten.fired[rule.name]:
            rewritten.check()
            return rewritten
    return None


def example_values(graph: FunctionGraph, size: int) -> list[Any]:
    """Random inputs for a graph: every axis has length `size`; integers are indices within it."""
    rng = np.random.default_rng(size)
    values = []
    for i in graph.inputs:
        kind: Any = i.type
        shape = (size,) * kind.ndim
        whole = kind.dtype.startswith(("int", "uint", "bool"))
        data = rng.integers(0, max(size, 1), shape) if whole else rng.normal(size=shape)
        values.append(np.asarray(data, kind.dtype))
    return values


def _same_values(graph: FunctionGraph, rewritten: FunctionGraph, size: int, result: Certificate) -> int:
    values = example_values(graph, size)
    try:
        before = interpret(graph, values)
    except (ValueError, IndexError, AssertionError):
        return 0  # the example has no meaning for this size
    for a, b in zip(before, interpret(rewritten, values), strict=True):
        tolerance = 1e-4 if a.dtype in (np.float32, np.complex64) else 1e-9
        if a.dtype != b.dtype or a.shape != b.shape or not np.allclose(a, b, tolerance, tolerance, equal_nan=True):
            result.problems.append(f"for size {size} the value {a} becomes {b}\n{graph}\n{rewritten}")
    return sum(np.size(a) for a in before)


# -- the document ------------------------------------------------------------------------------------------------------


def document() -> str:
    """docs/rules.md: every rule with its certificate."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# The rewrite rules and their certificates"
    yield ""
    yield "Written by `make docs` from the rules themselves; see [writing_rules.md](writing_rules.md). `x`, `y`, `z`"
    yield "stand for any tensors. *Proved* is by SymPy, for real numbers in the domain. Errors are in ulp against a"
    yield "40-digit truth, median and maximum over random points in the domain: *left* is what the user wrote, *right*"
    yield "what is computed. *Better* counts boundary points (zeros, infinities, nan, subnormal numbers, overflow)"
    yield "where only the right side gives the truth; *differs* says where the sides differ otherwise, and why that is"
    yield "wanted. Errors depend on the machine's libraries in their last digit."
    seen: set[str] = set()
    for phase, rules in {**PHASES, "expand": EXPAND}.items():
        new = [r for r in rules if r.name not in seen]
        seen.update(r.name for r in new)
        yield ""
        yield f"## {phase}"
        yield ""
        yield from _table([r for r in new if isinstance(r, Rule)])
        yield from _list([r for r in new if isinstance(r, FunctionRule)])


def _table(rules: Sequence[Rule]) -> Iterator[str]:
    if not rules:
        return
    columns = ["rule", "statement", "domain", "proof"]
    columns += [f"{dtype} {side}" for dtype in FLOATS for side in ("left", "right")]
    columns += ["better", "differs"]
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for rule in rules:
        c = certify(rule)
        errors = [_pair(p) for d in FLOATS for p in (c.accuracy[d].lhs, c.accuracy[d].rhs)]
        cells = [c.name, f"`{rule.statement}`", c.domain, c.symbolic, *errors, str(c.better or ""), rule.differs]
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def _pair(errors: tuple[float, float]) -> str:
    return ", ".join("0" if e < 0.005 else f"{e:.1g}" if e < 0.1 or e >= 100 else f"{e:.2g}" for e in errors)


def _list(rules: Sequence[FunctionRule]) -> Iterator[str]:
    for rule in rules:
        c = certify(rule)
        examples = "1 example" if len(rule.examples) == 1 else f"{len(rule.examples)} examples"
        yield f"- **{c.name}**: {c.statement} *Why: {rule.reason}.* Holds on {examples}, {c.points} values compared."


if __name__ == "__main__":
    sys.stdout.write(document())
