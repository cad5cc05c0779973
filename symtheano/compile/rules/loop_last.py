"""Only the last step is read, or there is only one: no rows are kept, no loop is run."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.index import entries_of
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.match import like
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scan.op import Scan
from symtheano.scan.prune import meaning
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.convert import constant
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.index import subtensor
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.index_key import is_full
from symtheano.tensor.sizes import as_size, constant_dim, shape_i
from symtheano.tensor.type import TensorType

m = functions


@rule(
    Subtensor,
    examples=[
        on(lambda a, b: loop(lambda p, x: p * x, [], [b], [a]).after(0)[-1], 2, 1),
        on(lambda a, b: loop(lambda p, x: [p * x, p + x], [], [b], [a]).after(1)[-1, 1:], 2, 1),
        on(lambda a, b: loop(lambda p, x: p * x, [], [b], [a]).after(0)[-1:], 2, 1),
        on(lambda a, b: loop(lambda p: p * 2, [], [b], n=4).after(0)[3], 2, 1),
        on(lambda a, b: loop(lambda p, x: p * x, [], [b], [a]).before(0)[0], 2, 1),
        on(lambda a, b: _ran(loop(lambda p, x: [p * x, x.sum() > 0], [], [b], [a], until=True))[-1], 2, 1),
    ],
)
def only_last_is_read(node: Apply) -> list[Any] | None:
    """after[-1] -> last, and before[0] -> what the loop starts with; an error where no step ran stays one."""
    entries = entries_of(node)
    found = _loop_below(node.inputs[0]) if entries else None
    if found is None:
        return None
    rows, steps = found
    kind, state = meaning(rows.owner.op, rows.index)
    last = -1 if kind == "after" else 0
    first, *rest = entries
    known = constant_dim(steps)
    here = first == last or (kind == "after" and known is not None and first == known - 1)
    if isinstance(first, slice):
        here = kind == "after" and first.start == -1 and first.stop is None and first.step in (None, 1)
    if not here:
        return None
    owner = rows.owner
    value = owner.outputs[owner.op.last(state)] if kind == "after" else owner.inputs[1 + owner.op.n_consts + state]
    if value.type.shape != rows.type.shape[1:] and value.type.broadcastable != rows.type.broadcastable[1:]:
        return None
    ran = subtensor(dimshuffle(value, ["x", *range(value.type.ndim)]), [slice(None, steps)])
    return [like(subtensor(ran, [slice(None) if isinstance(first, slice) else last, *rest]), node.outputs[0])]


def _loop_below(v: Any) -> tuple[Any, Any] | None:
    """The rows of a loop that `v` is, and how many of them steps have written; None where it is anything else."""
    owner = v.owner
    if owner is None:
        return None
    if isinstance(owner.op, Scan):
        kind, _ = meaning(owner.op, v.index)
        return (v, owner.inputs[0]) if kind in ("after", "before") and not owner.op.until else None
    if type(owner.op) is not Subtensor or owner.inputs[0].owner is None:
        return None
    rows, op = owner.inputs[0], owner.inputs[0].owner.op
    if not isinstance(op, Scan) or not op.until or meaning(op, rows.index)[0] != "after":
        return None
    first, *rest = entries_of(owner)
    steps = rows.owner.outputs[op.steps]
    cut = isinstance(first, slice) and first.start in (None, 0) and first.stop is steps and first.step in (None, 1)
    return (rows, steps) if cut and all(map(is_full, rest)) else None


def _ran(made: Any) -> Any:
    return made.after(0)[: made.steps]


@rule(
    Scan,
    examples=[
        on(lambda a, b: loop(lambda p, x: [p * x, p + x], [], [b], [a[:1]], n=1).after(1), 2, 1),
        on(lambda a, b: _all(loop(lambda p, x: [p * x, p + x], [], [b], [a[:1]], n=1)), 2, 1),
        on(
            lambda a, b: (made := loop(lambda p: [p * 2, p.sum() > 0], [], [b], n=1, until=True)).last(0) * made.steps,
            2,
            1,
        ),
    ],
    reason="it is what the loop does",
)
def loop_of_one_step(node: Apply) -> list[Any] | None:
    """A loop of one step is that step."""
    op: Scan = node.op
    if constant_dim(node.inputs[0]) != 1:
        return None
    consts, carry, xs = op.split(node.inputs[1:])
    found = op.step.on([*consts, *carry, *(_first(x, v) for x, v in zip(xs, op.split(op.step.inputs)[2], strict=True))])
    states = [like(v, o) for v, o in zip(found, node.outputs, strict=False)]
    outs = [*states[: op.n_states]]
    outs += [_as_rows(states[k]) for k in op.tensors]
    outs += [_as_rows(carry[k]) for k in op.carried_tensors]
    outs += [as_size(1)] if op.until else []
    return [like(v, o) if isinstance(o.type, TensorType) else v for v, o in zip(outs, node.outputs, strict=True)]


def _all(made: Any) -> list[Any]:
    return [made.last(0), made.after(0), made.before(0), made.last(1), made.after(1)]


def _first(x: Any, inner: Any) -> Any:
    return inner.type.filter_variable(x[0])


def _as_rows(v: Any) -> Any:
    return dimshuffle(v, ["x", *range(v.type.ndim)])


@rule(
    Scan,
    examples=[
        on(lambda a, b: [(made := loop(lambda p: p * 2, [], [b], n=0)).last(0), made.after(0), made.before(0)], 2, 1)
    ],
)
def loop_of_no_step(node: Apply) -> list[Any] | None:
    """A loop of no step leaves what it started with, and no rows."""
    op: Scan = node.op
    if constant_dim(node.inputs[0]) != 0 or op.n_states > op.n_carry or len(node.inputs) > 1 + op.n_consts + op.n_carry:
        return None
    _, carry, _ = op.split(node.inputs[1:])
    outs = [*carry, *(_none(carry[k]) for k in op.tensors), *(_none(carry[k]) for k in op.carried_tensors)]
    outs += [as_size(0)] if op.until else []
    return [like(v, o) if isinstance(o.type, TensorType) else v for v, o in zip(outs, node.outputs, strict=True)]


def _none(v: Any) -> Any:
    return Alloc()(constant(0, dtype=v.type.dtype), 0, *(shape_i(v, k) for k in range(v.type.ndim)))


@rule(
    Subtensor,
    examples=[
        on(lambda a: a[::-1][::-1], 2),
        on(lambda a: a[::-1][0, 1:], 2),
        on(lambda a: a[::-1][-1], 2),
    ],
)
def reversed_twice(node: Apply) -> list[Any] | None:
    """x[::-1][::-1] -> x, x[::-1][0] -> x[-1]."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not Subtensor:
        return None
    inner, outer = entries_of(x.owner), entries_of(node)
    if not inner or not outer or not _is_reversal(inner[0]) or not all(map(is_full, inner[1:])):
        return None
    first, *rest = outer
    if _is_reversal(first):
        found: Any = slice(None)
    elif isinstance(first, int):
        found = -1 - first
    else:
        return None
    entries = [found, *rest]
    source = x.owner.inputs[0]
    return [like(source if all(map(is_full, entries)) else subtensor(source, entries), node.outputs[0])]


def is_reversed(v: Any) -> bool:
    """Whether `v`, a Subtensor, is x[::-1]."""
    first, *rest = entries_of(v.owner) or [None]
    return _is_reversal(first) and all(map(is_full, rest))


def _is_reversal(entry: Any) -> bool:
    return isinstance(entry, slice) and (entry.start, entry.stop, entry.step) == (None, None, -1)


LOOPS_READ = (reversed_twice, only_last_is_read, loop_of_one_step, loop_of_no_step)
