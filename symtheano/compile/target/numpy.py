"""The numpy target: a Program as one readable Python function, over numpy or (with the same text) cupy.

The text is straight-line SSA with names of our own. User text enters it only as `file:line` comments, stripped of
everything but plain characters.
"""

from __future__ import annotations

import copy
import itertools
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symtheano.compile.program import Assign, Call, Check, Copy, Free, Perform, Program, Step, View
from symtheano.errors import ShapeMismatchError
from symtheano.graph.interpret import perform
from symtheano.graph.type import Type
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import array_scope
from symtheano.tensor.type import TensorType

_serial = itertools.count()
_UNSAFE = re.compile(r"[^\w./\\ -]")


@dataclass(frozen=True, slots=True)
class Source:
    """Generated text, and which step each of its lines belongs to."""

    text: str
    steps: dict[int, Step]
    performs: dict[str, Apply]


def emit(program: Program, unpack: bool, poison: bool = False) -> Source:
    """The Python function `run` of a program.

    unpack: return the only output itself, not a list. poison: overwrite freed memory with garbage (a check of plans).
    """
    emitter = _Emitter(program, poison)
    emitter.line(f"def run({', '.join(program.inputs)}):")
    for k, name in enumerate(program.shared):
        emitter.line(f"    {name} = k{k}[0]", comment=describe(program.variables[name]))
    emitter.guard_written()
    for step in program.steps:
        emitter.step(step)
    outs = [emitter.returned(name) for name in program.outputs]
    emitter.line(f"    return {outs[0] if unpack else '[' + ', '.join(outs) + ']'}")
    head = [f"# {n} = {_constant(v)}" for n, v in program.constants.items()]
    return Source("\n".join([*head, *emitter.lines]) + "\n", emitter.steps_at(len(head)), emitter.performs)


def load(source: Source, program: Program, cells: Sequence[list[Any]], backend: str = "numpy") -> Callable[..., Any]:
    """The running function; `cells` are the storages of the shared variables, in order."""
    scope = array_scope(source.text, backend)
    scope.update((name, _single(value)) for name, value in program.constants.items())
    scope.update((f"k{k}", cell) for k, cell in enumerate(cells))
    scope["mismatch"] = _mismatch
    scope["poison"] = _poison
    scope["apart"] = apart
    scope["deepcopy"] = copy.deepcopy
    scope.update((name, performer(node)) for name, node in source.performs.items())
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


def describe(variable: Variable) -> str:
    """dtype and number of dimensions, for a comment."""
    kind = variable.type
    return f"{kind.dtype}, {kind.ndim}-d" if isinstance(kind, TensorType) else type(kind).__name__


class _Emitter:
    def __init__(self, program: Program, poison: bool):
        self.program, self.poison = program, poison
        self.lines: list[str] = []
        self.performs: dict[str, Apply] = {}
        self._steps: dict[int, Step] = {}
        self._writes = {s.consumes for s in program.steps if isinstance(s, Call)}

    def steps_at(self, offset: int) -> dict[int, Step]:
        return {line + offset: step for line, step in self._steps.items()}

    def line(self, text: str, comment: str = "", step: Step | None = None) -> None:
        self.lines.append(f"{text:<48}  # {comment}" if comment else text)
        if step is not None:
            self._steps[len(self.lines)] = step

    def guard_written(self) -> None:
        """What is overwritten must be writable and share no memory with what is read: settled before anything else."""
        program = self.program
        given = [n for n in (*program.shared, *program.inputs) if isinstance(program.variables[n].type, TensorType)]
        written = [n for n in given if n in self._writes]
        names = ", ".join([*written, *(n for n in given if n not in written)])
        if len(given) > 1 and written:
            self.line(f"    {names} = apart({len(written)}, {names})")
        elif written:
            self.line(f"    if not {names}.flags.writeable: {names} = {names}.copy()")

    def returned(self, name: str) -> str:
        """A value as it leaves: numpy gives scalars for 0-d results, callers get arrays."""
        variable = self.program.variables.get(name)
        if variable is not None and isinstance(variable.type, TensorType) and variable.type.ndim == 0:
            return f"xp.asarray({name})"
        return name

    def step(self, step: Step) -> None:
        """Appends the line of one step."""
        where = _where(step)
        if isinstance(step, Check):
            right = str(step.length) if step.length is not None else f"{step.right}.shape[{step.right_axis}]"
            self.line(f"    if {step.left}.shape[{step.left_axis}] != {right}: mismatch()", where, step)
        elif isinstance(step, View):
            self.line(f"    {', '.join(step.outs)}{',' * (len(step.node.outputs) > 1)} = {step.text}", where, step)
        elif isinstance(step, Call):
            self.line(f"    {', '.join(step.outs)} = {step.source}" if step.outs else f"    {step.source}", where, step)
        elif isinstance(step, Copy):
            kind = self.program.variables.get(step.source)
            copied = "xp.array" if kind is None or isinstance(kind.type, TensorType) else "deepcopy"
            self.line(f"    {step.out} = {copied}({step.source})", "a copy", step)
        elif isinstance(step, Perform):
            name = f"p{len(self.performs)}"
            self.performs[name] = step.node
            self.line(f"    {', '.join(step.outs)}, = {name}({', '.join(step.args)})", where, step)
        elif isinstance(step, Free):
            if self.poison:
                self.line(f"    poison({', '.join(step.names)})", step=step)
            self.line(f"    del {', '.join(step.names)}", step=step)
        else:
            self._assign(step)

    def _assign(self, step: Assign) -> None:
        cell = f"k{self.program.shared.index(step.target)}"
        comment = "updated in place" if step.in_place else "updated"
        self.line(f"    {cell}[0] = {self.returned(step.value)}", comment, step)


def _where(step: Step) -> str:
    node = getattr(step, "node", None)
    trace = node.trace if node is not None else None
    if trace is None:
        return ""
    return f"{_UNSAFE.sub('?', os.path.basename(trace.filename))[:60]}:{trace.lineno}"


def _constant(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, threshold=6, edgeitems=2, max_line_width=10_000).replace("\n", "")
        return f"{value.dtype} {text if len(text) < 60 else '...'} {value.shape or ''}".strip()
    return type(value).__name__


def _single(value: Any) -> Any:
    """A 0-d array as numpy's scalar, which is faster to compute with."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def _mismatch() -> None:
    raise ShapeMismatchError("Input dimension mis-match.")


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

    What it gives is made what its types and its view_map say: arrays of these dtypes, in memory of their own.
    """
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
