"""The step of a loop is rewritten by the rules that rewrite what it stands in."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_example import loop
from symtheano.graph.rule import NestedRule, RuleIndex
from symtheano.graph.variable import Apply
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.elemwise import functions

m = functions


def with_step(node: Apply, step: Step) -> list[Any]:
    """The outputs of the loop of `node` with another step of the same form."""
    op: Scan = node.op
    return Scan(step, op.n_consts, op.n_carry, op.until, op.truncate, op.name)(*node.inputs, return_list=True)  # type: ignore[no-any-return]


def _step_in_normal_form(node: Apply, index: RuleIndex) -> list[Any] | None:
    """The step of a loop in the normal form of all rules."""
    step = node.op.step
    if index in step.normal:
        return None
    new = Step(step.graph.rewrite(index))
    new.normal.add(index)
    if new == step:
        step.normal.add(index)
        return None
    return with_step(node, new)


loop_step = NestedRule(
    "loop_step",
    _step_in_normal_form,
    (Scan,),
    [on(lambda a, b: loop(lambda p, x: m.log(1 + p * 1.0) * x, [], [b], [a]).after(0), 2, 1)],
    "each of its rewritings has a certificate of its own",
)
