"""The native target: a rewritten graph as machine code, and a host program where not all of it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from symtheano.compile import tiered
from symtheano.compile.agenda import agenda
from symtheano.compile.analyse import Analysis, analyse
from symtheano.compile.branches import Branch, with_branches
from symtheano.compile.fuse import Fusion, fuse
from symtheano.compile.looping import expanded, plan_loop
from symtheano.compile.schedule import Region, Schedule, add_reads, schedule
from symtheano.compile.target.native import callable as calls
from symtheano.compile.target.native import recipe
from symtheano.compile.target.native.better import Better
from symtheano.compile.target.native.host import Host, emit_host, in_terms_of
from symtheano.compile.target.native.host_loop import draws
from symtheano.compile.target.native.launched import Kernels, Made
from symtheano.compile.target.native.llvm import Module, Part
from symtheano.compile.target.native.region import RegionCode, emit_region
from symtheano.compile.target.native.runnable import Runnable
from symtheano.compile.target.native.seeing import Seen
from symtheano.compile.target.native.signature import Input, Output, Signature
from symtheano.compile.target.native.toolchain import OPT, Loaded, Record, build, host, object_keys, recall
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar.rows import is_native
from symtheano.tensor.type import TensorType


@dataclass(frozen=True)
class Native:
    """A function in machine code. entry: the signature of its entry point, where all of it is one region."""

    analysis: Analysis
    fusion: Fusion
    schedule: Schedule
    parts: tuple[Part, ...]  # of the module's text
    loaded: Loaded
    host: Host
    regions: tuple[tuple[RegionCode, Signature], ...]
    entry: Signature | None
    shared: tuple[Variable, ...]  # of the entry's cells
    constants: tuple[Constant, ...]  # of the entry
    kernels: dict[str, Made]
    inputs: int
    seconds: dict[str, float]  # by the steps of compiling
    record: Record  # where the machine code came from
    runnable: Runnable
    exports: list[str]

    def load(self, cells: Sequence[list[Any]], other: Callable[..., Any]) -> Callable[..., Any]:
        """The host program over the storages of the shared variables. other: the NumPy program."""
        return self.runnable.load(cells, other)

    def bind(self, target: Any, cells: Sequence[list[Any]], locks: Sequence[Any], fallback: Callable[..., Any]) -> None:
        """Calls of `target`, an instance of a fast type, go straight into machine code."""
        self.runnable.bind(target, cells, locks, fallback)

    @property
    def seen(self) -> Seen:
        """What people may read of it."""
        return Seen(self)


@dataclass
class Recalled:
    """A function that was made before, maybe by another process. What only people ask for is made again."""

    graph: Callable[[], FunctionGraph]
    inputs: int
    unpack: bool
    floatX: str
    runnable: Runnable
    source: Source
    key: str

    @property
    def entry(self) -> Signature | None:
        """The signature of the entry point."""
        return self.runnable.entry

    @property
    def host(self) -> Host:
        """The host program."""
        return self.runnable.host

    def load(self, cells: Sequence[list[Any]], other: Callable[..., Any]) -> Callable[..., Any]:
        """The host program over the storages of the shared variables. other: the NumPy program."""
        return self.runnable.load(cells, other)

    def bind(self, target: Any, cells: Sequence[list[Any]], locks: Sequence[Any], fallback: Callable[..., Any]) -> None:
        """Calls of `target`, an instance of a fast type, go straight into machine code."""
        self.runnable.bind(target, cells, locks, fallback)

    @cached_property
    def whole(self) -> Native:
        """The function compiled again, with its plans."""
        prepared = prepare(self.graph(), self.inputs, self.unpack, self.floatX)
        assert prepared is not None
        return prepared.finish()

    def better(self) -> Loaded:
        """Better code than the quick one that was kept; from now on it is what is kept."""
        native = self.whole
        recipe.write(self.key, native.runnable, native.parts, native.exports)
        return native.loaded

    def __getattr__(self, name: str) -> Any:
        return getattr(self.whole, name)


def compile_native(graph: FunctionGraph, inputs: int, unpack: bool) -> Native | Recalled | None:
    """A rewritten graph, whose first `inputs` inputs are arguments, as machine code; None where none of it is.

    unpack: the only result is returned itself, not a list.
    """
    return finished(start(graph, inputs, unpack))


def finished(started: Prepared | Recalled | None) -> Native | Recalled | None:
    """What was started, made to the end."""
    return started.finish(quick=config.quick_code) if isinstance(started, Prepared) else started


@dataclass(frozen=True)
class Source:
    """A function before it is rewritten. key: of the closed graph and its phases; None where there is none."""

    inputs: int
    unpack: bool
    floatX: str
    key: str | None


def source_of(graph: FunctionGraph, inputs: int, unpack: bool, phases: Sequence[Any]) -> Source:
    """A closed graph, whose first `inputs` inputs are arguments, and the phases that it will go through."""
    skip = config.check_programs
    return Source(inputs, unpack, config.floatX, None if skip else recipe.key_of(graph, inputs, unpack, phases))


def known(source: Source, graph: Callable[[], FunctionGraph]) -> Recalled | None:
    """The function of a source that was compiled before. graph: gives the rewritten graph, should anybody want it."""
    key = None if source.key is None else recipe.same_as(source.key)
    return None if key is None else _recalled(source, graph, key)


def _recalled(source: Source, graph: Callable[[], FunctionGraph], key: str) -> Recalled | None:
    found = recipe.read(key)
    if found is None:
        return None
    runnable, quick = found
    recalled = Recalled(graph, source.inputs, source.unpack, source.floatX, runnable, source, key)
    if quick:
        tiered.worker.add(Better(runnable, recalled.better, lambda: None))
    return recalled


def start(graph: FunctionGraph, inputs: int, unpack: bool, source: Source | None = None) -> Prepared | Recalled | None:
    """The same, up to the schedule where machine code is not there yet. source: what the graph was made of."""
    source = source or Source(inputs, unpack, config.floatX, None)
    key = recipe.key_of(graph, inputs, unpack)
    recalled = None if key is None or config.check_programs else _recalled(source, lambda: graph, key)
    if recalled is not None and key is not None:
        recipe.link(source.key, key)
        return recalled
    prepared = prepare(graph, inputs, unpack)
    return None if prepared is None else replace(prepared, key=key, source=source.key)


def prepare(graph: FunctionGraph, inputs: int, unpack: bool, floatX: str | None = None) -> Prepared | None:
    """A graph up to its schedule: all that depends on settings which may change meanwhile."""
    floatX = floatX or config.floatX
    clock = Clock()
    small = expanded(with_branches(graph))
    clock.note("expand")
    analysis = analyse(small, is_native, floatX, plan_loop)
    clock.note("analyse")
    fusion = fuse(small, analysis.sizes, analysis.kind_of, analysis.read_for_lengths)
    clock.note("fuse")
    plan = schedule(analysis, fusion)
    clock.note("schedule")
    if config.check_programs:
        agenda(analysis, fusion, plan, inputs).check()
    groups = [g for p in plan.parts if isinstance(p, Region) for g in p.groups]
    branches = any(isinstance(node.op, Branch) for node in small.nodes)
    if all(group.kind == "copy" for group in groups) and not branches:
        return None  # what only copies lets the NumPy program lend memory
    return Prepared(graph, analysis, fusion, plan, inputs, unpack, floatX, clock)


class Clock:
    """Seconds by the names of what they were spent for."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def note(self, name: str) -> None:
        """The time since the last note was spent for `name`."""
        now = time.perf_counter()
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now


@dataclass(frozen=True)
class Prepared:
    """A scheduled graph, of which `finish` makes machine code: in this thread or in another one.

    graph: as it was before it was expanded.
    """

    graph: FunctionGraph
    analysis: Analysis
    fusion: Fusion
    schedule: Schedule
    inputs: int
    unpack: bool
    floatX: str
    clock: Clock
    key: str | None = None  # of the recipe to write
    source: str | None = None  # the key of what the graph was made of

    def finish(self, quick: bool = False) -> Native:
        """Machine code in memory, and all that is needed to run it. quick: better code comes later, see better.py."""
        analysis, fusion, plan, clock = self.analysis, self.fusion, self.schedule, self.clock
        graph, inputs = analysis.graph, self.inputs
        clock.note("wait")
        parts = [p for p in plan.parts if isinstance(p, Region)]
        whole = len(plan.parts) == len(parts) == 1 and _all_arrays(graph) and calls.available() is None
        checks = list(dict.fromkeys(c for each in analysis.checks.values() for c in each))
        if whole:
            add_reads(parts[0], checks)
        kernels = Kernels(Module(host()))
        codes = [
            emit_region(kernels, k, part, plan, analysis, fusion, checks if whole else (), self.floatX)
            for k, part in enumerate(parts)
        ]
        program = emit_host(analysis, fusion, plan, inputs, () if whole else checks, self.unpack)
        program = in_terms_of(program, self.graph)
        for loop in program.loops.values():
            steps = loop.op.step.graph
            loop.native = None if draws(loop.op) else compile_native(steps, len(steps.inputs), unpack=False)
        for side in program.sides.values():
            side.native = compile_native(side.graph, len(side.graph.inputs), unpack=False)
        cold = {name for code in codes for name in code.cold()}
        signatures = [_signature(part, plan, graph) for part in parts]
        shared: list[Variable] = []
        constants: list[Constant] = []
        entry = _entry(parts[0], plan, graph, inputs, self.unpack, shared, constants) if whole else None
        exports = _exported(kernels.module, codes)
        for name, function in kernels.module.functions.items():
            function.cold = name in cold
        pieces = tuple(kernels.module.parts())
        clock.note("emit")
        record = Record()
        quick = quick and not config.check_programs and recall(object_keys(pieces), exports) is None
        loaded = build(pieces, exports, level=0 if quick else OPT, record=record, keep=not quick)
        clock.note("build")
        numbers = {v: k for k, v in enumerate(graph.inputs[inputs:])}
        runnable = Runnable(
            loaded=loaded,
            host=program,
            regions=tuple((code.sizes, code.body, s) for code, s in zip(codes, signatures, strict=True)),
            products=tuple(sorted(kernels.outer)),
            entry=entry,
            cells=tuple(numbers[v] for v in shared),
            constants=tuple(v.data for v in constants),
        )
        native = Native(
            analysis=analysis,
            fusion=fusion,
            schedule=plan,
            parts=pieces,
            loaded=loaded,
            host=program,
            regions=tuple(zip(codes, signatures, strict=True)),
            entry=entry,
            shared=tuple(shared),
            constants=tuple(constants),
            kernels=kernels.made,
            inputs=inputs,
            seconds=clock.seconds,
            record=record,
            runnable=runnable,
            exports=exports,
        )

        key, source = self.key, self.source  # what is queued for the background holds no graph

        def keep(level: int = OPT, objects: Sequence[bytes] = ()) -> None:
            if key is not None and recipe.write(key, runnable, pieces, exports, level, objects):
                recipe.link(source, key)

        def generate() -> Loaded:
            better = build(pieces, exports)
            keep()
            return better

        if quick:
            tiered.worker.add(Better(runnable, generate, lambda: keep(0, record.objects)))
        else:
            keep()
        return native


def function_type(base: type) -> type:
    """The type of functions: one whose instances may be called straight into machine code, where Python lets us."""
    return base if calls.available() is not None else calls.fast_type(base)


def _exported(module: Module, codes: Sequence[RegionCode]) -> list[str]:
    names = [name for code in codes for name in (code.sizes, code.body)]
    for name in names:
        module.functions[name].linkage = ""
    return names


def _all_arrays(graph: FunctionGraph) -> bool:
    return all(isinstance(v.type, TensorType) for v in (*graph.inputs, *graph.outputs))


def _input(variable: Any, plan: Schedule, **source: Any) -> Input:
    written = variable in plan.in_place.values()
    return Input(variable.type.dtype, tuple(variable.type.shape), written=written, **source)


def _signature(region: Region, plan: Schedule, graph: FunctionGraph) -> Signature:
    """The region as a function of all it reads."""
    reads = tuple(_input(v, plan, argument=k) for k, v in enumerate(region.reads))
    outputs = tuple(_output(item, graph) for item in region.gives)
    return Signature(reads, outputs, tuple(range(len(outputs))), "tuple")


def _output(item: Variable | int, graph: FunctionGraph) -> Output:
    variable: Any = graph.outputs[item] if isinstance(item, int) else item
    return Output(variable.type.dtype, variable.type.ndim)


def _entry(
    region: Region,
    plan: Schedule,
    graph: FunctionGraph,
    inputs: int,
    unpack: bool,
    shared: list[Variable],
    constants: list[Constant],
) -> Signature:
    """The signature of a function that is one region; `shared` and `constants` get what its numbers mean."""
    places = {v: k for k, v in enumerate(graph.inputs)}

    def number(variable: Any, among: list[Any]) -> int:
        if variable not in among:
            among.append(variable)
        return among.index(variable)

    found: list[Input] = []
    for variable in region.reads:
        place = places.get(variable, inputs)
        if place < inputs:
            found.append(_input(variable, plan, argument=place))
        elif isinstance(variable, Constant):
            found.append(_input(variable, plan, constant=number(variable, constants)))
        else:
            found.append(_input(variable, plan, cell=number(variable, shared)))
    read = set(region.reads)
    for k, variable in enumerate(graph.inputs[:inputs]):
        if variable not in read:
            kind: Any = variable.type
            found.append(Input(kind.dtype, tuple(kind.shape), argument=k, read=False))
    at = {item: k for k, item in enumerate(region.gives)}
    returned, stored = [], []
    for position, output in enumerate(graph.outputs):
        if position in plan.in_place:
            continue
        output_at = at[position] if position in at else at[output]
        target = graph.updates.get(position)
        if target is None:
            returned.append(output_at)
        else:
            stored.append((output_at, number(graph.inputs[target], shared)))
    outputs = tuple(_output(item, graph) for item in region.gives)
    result = "only" if unpack else "list"
    return Signature(tuple(found), outputs, tuple(returned), result, tuple(stored))  # type: ignore[arg-type]
