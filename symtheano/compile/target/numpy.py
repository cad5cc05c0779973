"""The numpy target: the text of a Program as a running function, over numpy or (with the same text) cupy."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symtheano.compile.program import Body, Program
from symtheano.compile.target.numpy_text import Source, constants_of
from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.interpret import evaluate, perform
from symtheano.graph.text import expression
from symtheano.graph.type import Type
from symtheano.graph.variable import Apply
from symtheano.scan.op import check_state, run_loop
from symtheano.tensor.array import array_scope
from symtheano.tensor.type import TensorType

_serial = itertools.count()


def load(source: Source, program: Program, cells: Sequence[list[Any]], backend: str = "numpy") -> Callable[..., Any]:
    """The running function; `cells` are the storages of the shared variables, in order."""
    scope = array_scope(source.text, backend)
    scope.update((name, _single(value)) for name, value in constants_of(program).items())
    scope.update((f"k{k}", cell) for k, cell in enumerate(cells))
    scope.update(mismatch=_mismatch, poison=_poison, apart=apart, single=_single, deepcopy=copy.deepcopy)
    scope.update((name, performer(node)) for name, node in source.performs.items())
    for name, body in source.loops.items():
        scope.update({f"other_{name}": _defined(body), f"changed_{name}": _changed(body)})
    return run_of(source.text, scope)


def run_of(text: str, scope: dict[str, Any]) -> Callable[..., Any]:
    """The function `run` that a text defines. Tracebacks show its lines: they ask the loader of its globals."""
    filename = f"symtheano function {next(_serial)}"  # in <> linecache would not ask
    exec(compile(text, filename, "exec"), scope)
    scope["__name__"], scope["__loader__"] = filename, _Loader(text)
    run: Callable[..., Any] = scope["run"]
    return run


@dataclass(frozen=True, slots=True)
class _Loader:
    """What linecache asks for the text of a function when an error is shown, and not before.

    An entry put into linecache.cache would have to leave it with the function, perhaps while somebody walks the cache.
    """

    text: str

    def get_source(self, name: str) -> str:
        return self.text


def _single(value: Any) -> Any:
    """A 0-d array as numpy's scalar, which is faster to compute with."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _mismatch() -> None:
    raise ShapeMismatchError("Input dimension mis-match.")


def _defined(body: Body) -> Callable[..., Any]:
    """A loop by its definition: for no steps at all, and for what raises before the first one, which it explains."""
    op = body.op

    def step(*values: Any) -> list[Any]:
        return evaluate(op.step.outputs, dict(zip(op.step.inputs, values, strict=True)))

    def result(outs: list[Any], kind: str, k: int) -> Any:
        if kind == "both":  # what the first step finds, and what each one leaves
            rows = outs[op.after(k)]
            first = outs[op.before(k)][:1] if len(rows) else outs[op.last(k)][None]
            return np.concatenate([first, rows])
        return outs[-1] if kind == "steps" else outs[getattr(op, kind)(k)]

    def other(n: int, *inputs: Any) -> tuple[Any, ...]:
        given = [np.array(v) if isinstance(i.type, TensorType) else v for i, v in zip(op.step.inputs, inputs)]
        outs = run_loop(op, step, [n, *given])
        return tuple(result(outs, kind, k) for kind, k in body.results)

    return other


def _changed(body: Body) -> Callable[[int, Any, Any], None]:
    """What a loop calls where a step gave a state another shape than it had."""
    op = body.op

    def changed(state: int, old: Any, new: Any) -> None:
        if state < op.n_carry:
            check_state(op, state, old, new)
        result = op.states[state]
        raise ShapeMismatchError(
            explain(
                f"The steps of a loop gave results of different shapes: {np.shape(old)}, then {np.shape(new)}.",
                operation=str(op),
                operands=[f"{result}: {result.type}, shape {np.shape(new)}"],
                expression=expression(result),
                where=str(result.line or ""),
                remedy="what a step returns must have the same shape in every step",
            )
        )

    return changed


def _poison(*values: Any) -> None:
    """Garbage into freed memory: whoever still reads it is found out."""
    for value in values:
        if isinstance(value, np.ndarray) and value.flags.writeable and value.dtype.kind in "fciub":
            value[...] = np.nan if value.dtype.kind in "fc" else 77


def apart(count: int, *arrays: Any) -> tuple[Any, ...]:
    """`arrays`, the first `count` of which will be overwritten: with copies where that would change another one.

    Two arrays overlap only if the same array owns their memory; whatever is not that simple is compared by address.
    """
    owners: set[int] = set()
    for position, array in enumerate(arrays):
        owner = array if array.base is None else array.base
        if id(owner) in owners or (owner is not array and (type(owner) is not np.ndarray or owner.base is not None)):
            return _separated(count, arrays)
        if position < count:
            owners.add(id(owner))
            if not array.flags.writeable:
                return _separated(count, arrays)
    return arrays


def _separated(count: int, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Shared arrays give way to each other; an argument gives way to a shared array, which stays the same object."""
    result = list(arrays)
    for k in range(count):
        if not result[k].flags.writeable or any(np.may_share_memory(result[k], other) for other in result[:k]):
            result[k] = result[k].copy()
    for k in range(count, len(result)):
        if any(np.may_share_memory(result[k], written) for written in result[:count]):
            result[k] = result[k].copy()
    return tuple(result)


def performer(node: Apply) -> Callable[..., Any]:
    """An author's Op as a function of values; storage is fresh for each call, so it is re-entrant.

    What it gives is made what its types and its view_map say: arrays of these dtypes, in memory of their own. An op of
    ours may have a function that does so by itself, as its attribute `direct`.
    """
    direct: Callable[..., Any] | None = getattr(node.op, "direct", None)
    if direct is not None:
        return direct
    tensors = [isinstance(i.type, TensorType) for i in node.inputs]
    declared = {**node.op.view_map, **node.op.destroy_map}
    given = [(k, o, {declared[k][0]} if k in declared else set()) for k, o in enumerate(node.outputs)]

    def run_perform(*values: Any) -> list[Any]:
        values = tuple(np.asarray(v) if t else v for t, v in zip(tensors, values, strict=True))  # numpy gives scalars
        results = perform(node, values)
        for k, variable, lent in given:
            results[k] = _of_type(node, k, results[k], variable.type)
            borrowed = (v for p, v in enumerate(values) if p not in lent)
            if isinstance(results[k], np.ndarray) and any(_overlap(results[k], v) for v in (*borrowed, *results[:k])):
                results[k] = results[k].copy()
        return results

    return run_perform


def _overlap(a: Any, b: Any) -> bool:
    return isinstance(b, np.ndarray) and np.may_share_memory(a, b)


def _of_type(node: Apply, k: int, value: Any, kind: Type) -> Any:
    if not isinstance(kind, TensorType):
        return value
    if value is None:
        raise ValueError(f"{type(node.op).__name__}.perform stored nothing in output_storage[{k}][0]")
    if type(value) is not np.ndarray or value.dtype != kind.numpy_dtype:
        value = np.asarray(value, kind.numpy_dtype)
    if value.ndim != kind.ndim:
        name = type(node.op).__name__
        raise ValueError(f"{name}.perform gave an array of shape {value.shape} for its output {k}, which is a {kind}")
    return value
