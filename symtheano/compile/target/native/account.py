"""What the report of a function says of its machine code: what runs, what was fused, work, memory, time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from symtheano.compile.analyse import Analysis
from symtheano.compile.branches import Branch
from symtheano.compile.fuse import Group
from symtheano.compile.lengths import Length
from symtheano.compile.naming import Names, groups_of, operations, results
from symtheano.compile.peak import Amount, amount_text, greatest
from symtheano.compile.schedule import Region, members
from symtheano.compile.target.native.account_loops import Through, loop_lines
from symtheano.compile.target.native.gemm.choice import choice_for
from symtheano.compile.target.native.gemm.shape import shape_for
from symtheano.compile.target.native.launched import Launch
from symtheano.compile.target.native.pool import thread_count
from symtheano.compile.target.native.region import RegionCode
from symtheano.compile.target.native.scratch import CHUNKS
from symtheano.compile.target.native.toolchain import host
from symtheano.graph.text import operation
from symtheano.graph.variable import Apply
from symtheano.scan.op import Scan
from symtheano.tensor.array import ArrayOp
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.type import TensorType


def account(native: Any, names: Names) -> list[str]:
    """The lines of the report. native: a target.Native."""
    parts = (_entry, _launches, _loops, _steps, _fusions, _refusals, _updates, _work, _memory, _code, _seconds)
    return [line for part in parts for line in part(native, names)]


def _codes(native: Any) -> list[RegionCode]:
    return [code for code, _ in native.regions]


def _launches_of(native: Any) -> Iterator[Launch]:
    for code in _codes(native):
        yield from code.launches


def _entry(native: Any, names: Names) -> Iterator[str]:
    regions, steps = len(native.regions), sum(not isinstance(p, Region) for p in native.schedule.parts)
    if native.entry is not None:
        yield "runs as machine code: Python calls its entry"
    else:
        yield f"runs as machine code in {regions} region{'s' * (regions != 1)}, called by a Python program" + (
            f" with {steps} step{'s' * (steps != 1)} of its own" if steps else ""
        )


def _launches(native: Any, names: Names) -> Iterator[str]:
    """Which functions there are, how often they are launched, and over what."""
    launches = list(_launches_of(native))
    times = Counter(launch.name for launch in launches)
    yield f"launches: {len(launches)} of {len(native.kernels)} kernels"
    seen: set[str] = set()
    for launch in launches:
        if launch.name in seen:
            continue
        seen.add(launch.name)
        made = native.kernels[launch.code]
        what = f"product of {made.dtype}, {_who_multiplies(made.dtype)}: " if made.dtype else ""
        often = f", {times[launch.name]} times" if times[launch.name] > 1 else ""
        over = " x ".join(map(names.length, launch.points))
        yield f"  {launch.name}{often}: {what}{_task(launch.group)}{f' over {over}' if over else ''}"


def _loops(native: Any, names: Names) -> Iterator[str]:
    """What is a loop in machine code."""
    lines = [line for code in _codes(native) for line in loop_lines(code, native.analysis, names, names)]
    if lines:
        yield "loops:"
        yield from lines


def _task(group: Group) -> str:
    return f"checks places ({operations(group)})" if group.kind == "check" else operations(group)


def _who_multiplies(dtype: str) -> str:
    shape = shape_for(host(), dtype)
    return f"{choice_for(host())} of {shape.tall} x {shape.columns}"


def _steps(native: Any, names: Names) -> Iterator[str]:
    """What is Python, and why."""
    found = [p for p in native.schedule.parts if not isinstance(p, Region)]
    if found:
        yield "steps in Python:"
    loops = iter(native.host.loops.values())
    for group in found:
        if group.head is not None and isinstance(group.head.op, Scan):
            yield from _host_loop(group.head.op, next(loops).native)
        else:
            yield f"  {operations(group) if group.head else 'copy'}: {_why_step(group.head)}"


def _host_loop(op: Scan, step: Any) -> Iterator[str]:
    """step: a target.Native, or None where none of it is machine code."""
    if step is None:
        yield f"  {op}: a NumPy program, without machine code"
        return
    regions = sum(isinstance(p, Region) for p in step.schedule.parts)
    yield f"  {op}: a loop in Python; of its step {regions} region{'s are' if regions != 1 else ' is'} machine code"
    yield from (f"  {line}" for line in _steps(step, step.seen.names))


def _why_step(node: Apply | None) -> str:
    if node is None:
        return "a copy that no kernel makes"
    if isinstance(node.op, Branch):
        return "only the side that is taken runs, each a function of its own"
    if not isinstance(node.op, ArrayOp):
        return "its author's code is Python"
    variables: list[Any] = [*node.inputs, *node.outputs]
    if not all(isinstance(v.type, TensorType) for v in variables):
        return "not all of it are arrays"
    dtypes = ", ".join(dict.fromkeys(v.type.dtype for v in variables))
    if isinstance(node.op, Elemwise):
        return f"no machine code for {node.op.scalar_op.name} of {dtypes}"
    if hasattr(node.op, "loop"):
        return "its lengths follow from values that are computed first"
    return "NumPy's or SciPy's function does it"


# ------------------------------------------------------------------------------------------------------------- fusion


def _fusions(native: Any, names: Names) -> Iterator[str]:
    found = [g for g in groups_of(native.schedule) if len(list(_working(g))) > 1]
    if found:
        yield "fused, each in one pass:"
    for group in found:
        outs = ", ".join(map(names.of, results(group, native.fusion)))
        yield f"  {outs}: {operations(group)}"


def _working(group: Group) -> Iterator[Apply]:
    return (n for n in members(group) if not isinstance(n.op, DimShuffle))


def _refusals(native: Any, names: Names) -> Iterator[str]:
    """Values that are not computed by a group that reads them, and why."""
    lines: dict[str, None] = {}
    for group in groups_of(native.schedule):
        outs = ", ".join(map(names.of, results(group, native.fusion))) or group.kind
        for node, reason in group.notes:
            if node not in group.maps and node is not group.head and native.fusion.home.get(node) is not None:
                made = node.outputs[0]
                name = names.known.get(made, "")
                lines[f"  {operation(node)}{f' ({name})' if name else ''} into {outs}: {reason}"] = None
    if lines:
        yield "not fused:"
        yield from lines


def _updates(native: Any, names: Names) -> Iterator[str]:
    graph = native.analysis.graph
    for title, inside in (("in place", True), ("in fresh memory", False)):
        found = [
            names.of(graph.inputs[t]) for p, t in graph.updates.items() if (p in native.schedule.in_place) is inside
        ]
        if found:
            yield f"updates {title}: {', '.join(found)}"


# ------------------------------------------------------------------------------------------------------ work and memory


def _key(lengths: list[Length] | tuple[Length, ...], names: Any) -> tuple[int, tuple[str, ...]]:
    """A product of lengths: the number, and the others."""
    number = 1
    for n in lengths:
        number *= n if isinstance(n, int) else 1
    return number, tuple(sorted(names.length(n) for n in lengths if not isinstance(n, int)))


def _work(native: Any, names: Names) -> Iterator[str]:
    total: dict[tuple[str, ...], float] = {}
    for launch in _launches_of(native):
        number, lengths = _key(launch.points, names)
        total[lengths] = total.get(lengths, 0.0) + number * launch.cost
    terms = sorted(total.items(), key=lambda term: (-len(term[0]), term[0]))
    yield f"estimated nanoseconds: {' + '.join('*'.join([f'{cost:.3g}', *lengths]) for lengths, cost in terms) or '0'}"


def _memory(native: Any, names: Names) -> Iterator[str]:
    """The most bytes: what regions give lives to the end, one region's scratch memory at a time."""
    outputs: Amount = {}
    moments: list[Amount] = []
    graph = native.analysis.graph
    parts = [p for p in native.schedule.parts if isinstance(p, Region)]
    for part, code in zip(parts, _codes(native), strict=True):
        for item in part.gives:
            variable: Any = graph.outputs[item] if isinstance(item, int) else item
            lengths = [native.analysis.lengths.of(n) for n in native.analysis.sizes.of(variable)]
            _add(outputs, np.dtype(variable.type.dtype).itemsize, lengths, names)
        moments += _scratch(native, code, names, native.analysis)
    for moment in moments:
        for lengths_, bytes_ in outputs.items():
            moment[lengths_] = moment.get(lengths_, 0) + bytes_
    texts = [amount_text(a) for a in greatest(moments)] or ["0"]
    text = texts[0] if len(texts) == 1 else "\n  ".join(["the greatest of", *texts])
    yield f"bytes of intermediate values and outputs at the peak: {text}"


def _scratch(native: Any, code: RegionCode, names: Any, analysis: Analysis) -> list[Amount]:
    """The scratch memory of a region, with that of each launch, or of each loop. names: of its lengths."""
    slots: Amount = {}
    for slot in code.scratch.slots:
        _add(slots, slot.bytes, slot.lengths, names)
    found = [slots]
    for loop in code.loops:
        through = Through(loop, analysis, names)
        buffers = dict(slots)
        for slot in loop.memory.slots:
            _add(buffers, slot.bytes, slot.lengths, names)
        for moment in _scratch(native, loop.inner, through, loop.loop.analysis):
            found.append(dict(buffers))
            for lengths_, bytes_ in moment.items():
                found[-1][lengths_] = found[-1].get(lengths_, 0) + bytes_
    for launch in code.launches:
        layout = native.kernels[launch.code].layout
        if layout.scratch:
            moment = dict(slots)
            for term in layout.scratch:
                lengths = [n for a in term.axes for n in launch.axes[a]]
                _add(moment, term.bytes * (1 if layout.split is None else min(CHUNKS, thread_count())), lengths, names)
            found.append(moment)
    return found


def _add(total: Amount, bytes_: int, lengths: list[Length] | tuple[Length, ...], names: Any) -> None:
    number, key = _key(lengths, names)
    total[key] = total.get(key, 0) + bytes_ * number


# --------------------------------------------------------------------------------------------------------------- making


def _code(native: Any, names: Names) -> Iterator[str]:
    origins = native.record.origins
    if not origins:
        text = "in memory already, of an equal function"
    elif all(origin == "disk" for origin in origins):
        text = "from the cache on disk"
    else:
        text = f"generated for {host().cpu}"
    yield f"machine code: {native.record.size} bytes, {text}"


def _seconds(native: Any, names: Names) -> Iterator[str]:
    seconds = {k: v for k, v in native.seconds.items() if k != "build"}
    seconds |= {"code generation": native.record.generating, "link": native.record.linking}
    yield from (f"time, {name}: {1e3 * s:.2f} ms" for name, s in seconds.items())
