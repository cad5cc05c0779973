"""Function: what `symtheano.function` returns."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakMethod

from symtheano.compile.entry import Guard, make_entries
from symtheano.compile.explain import runtime_context
from symtheano.compile.io import In, Out
from symtheano.compile.listing import Listing
from symtheano.compile.mode import Mode
from symtheano.compile.pipeline import Compiled, compile_graph
from symtheano.compile.profiling import ProfileStats
from symtheano.compile.program import Check
from symtheano.compile.report import text_report
from symtheano.compile.target.choice import chosen
from symtheano.compile.tiered import Tier
from symtheano.errors import add_context, explain
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.shared import Container, SharedVariable


@dataclass(frozen=True)
class Spec:
    """All a function is made of, before compiling: enough to copy it, pickle it, and build it again.

    graph: the closed graph as the user wrote it, its inputs the arguments and then the shared variables; its outputs
    the returned ones, then the new values of stateful inputs, then the updates of shared variables.
    """

    graph: FunctionGraph
    ins: tuple[In, ...]
    outs: tuple[Out, ...]
    shared: tuple[SharedVariable, ...]
    mode: Mode
    name: str | None
    unpack: bool
    keys: tuple[str, ...] | None
    stateful: tuple[int, ...] = ()
    profile: Any = None
    defaults: tuple[Any, ...] = field(default=(), compare=False)


@dataclass
class Maker:
    """What clients of Theano look at: `f.maker.fgraph`, `.inputs`, `.outputs`, `.mode`, `.profile`."""

    compiled: Compiled
    inputs: list[In]
    outputs: list[Out]
    mode: Mode
    profile: Any = None

    @property
    def fgraph(self) -> FunctionGraph:
        """The rewritten graph."""
        return self.compiled.graph


class Function:
    """A compiled function. Call it with values; it gives values.

    It is thread-safe: a call keeps its state on its own stack, and shared variables are locked while they are used.
    `f.graph` is the rewritten graph, `f.program` the plan, `f.source` the generated text, `f.report()` says what the
    compiler did.
    """

    def __init__(self, spec: Spec):
        clock = time.perf_counter()
        self.spec = spec
        # A state is replaced after the call, never overwritten during it: a call that raises must leave it as it was.
        mutable = [k for k, i in enumerate(spec.ins) if i.mutable and k not in spec.stateful]
        borrows = [o.borrow for o in spec.outs] + [False] * len(spec.stateful)
        unpack = spec.unpack and not spec.stateful
        borrowed = [k for k, i in enumerate(spec.ins) if i.borrow]
        self.compiled: Compiled = compile_graph(
            spec.graph, len(spec.ins), borrows, spec.mode, unpack, mutable, borrowed
        )
        containers = [s.container for s in spec.shared]
        self._numpy: Callable[..., Any] | None = None
        self._tier: Tier | None = None
        self._host: Callable[..., Any] | None = None  # of machine code
        ranked = sorted(dict.fromkeys(containers), key=_rank)
        self._entry, self._trusted, self._entry_text = make_entries(
            self._program(),
            spec.ins,
            ranked,
            spec.name or "",
            self.compiled.has_perform,
            _read(spec.graph)[: len(spec.ins)],
        )
        self._cells = _input_cells(spec)
        self._optional = {k for k, i in enumerate(spec.ins) if i.value is not None or i.update is not None}
        used = sorted({*ranked, *(self._cells[k] for k in spec.stateful)}, key=_rank)
        self._state = Guard(used) if spec.stateful else None
        self._names = {i.name: k for k, i in enumerate(spec.ins) if i.name is not None}
        self._ambiguous = {n for n, count in Counter(i.name for i in spec.ins).items() if count > 1}
        self._arity = -1 if spec.stateful or spec.keys is not None or spec.profile is not None else len(spec.ins)
        self._fast = self._entry
        self._trust = False
        self.name = spec.name
        self.profile: ProfileStats | None = spec.profile
        self.maker = Maker(self.compiled, list(spec.ins), list(spec.outs), spec.mode, self.profile)
        self.output_keys = None if spec.keys is None else list(spec.keys)
        self.unpack_single = spec.unpack
        self.return_none = not spec.outs
        self._enter(containers)
        if self._tier is not None:
            self._tier.later()
        self.compiled.report.seconds["total"] = time.perf_counter() - clock
        if self.profile is not None:
            self.profile.compile_time += self.compiled.report.seconds["total"]

    # -- making ----------------------------------------------------------------------------------------------------
    def _program(self) -> Callable[..., Any]:
        """What runs behind the checks of arguments."""
        if self.compiled.pending is not None:
            self._tier = Tier(self._numpy_program(), self.compiled.pending, WeakMethod(self._take_over))
            return self._tier
        if self.compiled.native is None:
            return self._numpy_program()
        return self._native_program(self.compiled.native)

    def _take_over(self, native: Any) -> Callable[..., Any]:
        """Machine code is there now: calls go to it. Its program, for those that come through Python."""
        self.compiled.native, self.compiled.pending = native, None
        run = self._native_program(native)
        self._enter([s.container for s in self.spec.shared])
        return run

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for what is made in the background: machine code (`Mode(tiered=True)`), or better one than the first.

        timeout: seconds. Gives whether machine code runs now, as good as it will be.
        """
        if self._tier is not None:
            self._tier.wait(timeout)
        native = self.compiled.native
        if native is None or not native.runnable.pending:
            return native is not None
        return bool(native.runnable.improved.wait(timeout))

    def _native_program(self, native: Any) -> Callable[..., Any]:
        """The host program of machine code, loaded by the first call that comes through Python."""
        storages = [s.container.storage for s in self.spec.shared]

        def attempt(*args: Any) -> Any:
            if self._host is None:
                self._host = native.load(storages, self._by_numpy)
            try:
                return self._host(*args)
            except Exception as error:
                if self._context(error):
                    raise
            return self._by_numpy(*args)  # which raises where it can be explained, too

        return attempt

    def _numpy_program(self) -> Callable[..., Any]:
        """The NumPy program, loaded when it is first needed."""
        if self._numpy is None:
            self._numpy = self.compiled.load([s.container.storage for s in self.spec.shared])
        return self._numpy

    def _by_numpy(self, *args: Any) -> Any:
        return self._numpy_program()(*args)

    def _enter(self, containers: Sequence[Container]) -> None:
        """Lets calls go straight into machine code, where all of the function is."""
        native = self.compiled.native
        if native is not None and native.entry is not None and self._arity >= 0 and type(self) is not Function:
            cells, locks = [c.storage for c in containers], [c.lock for c in containers]
            native.bind(self, cells, locks, Function.__call__)

    # -- calling ---------------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs or len(args) != self._arity:
                return self._call_general(args, kwargs)
            return self._fast(*args)
        except Exception as error:
            context = self._context(error)
            if context:
                add_context(error, context)
            raise

    def _context(self, error: Exception) -> str:
        """What the step that raised was about."""
        found = ""
        if self._host is not None:
            host = self.compiled.native.host
            found = runtime_context(error, self._host, host.lines, host.variables)
            for told in (t for side in host.sides.values() for t in side.told()):
                found = found or runtime_context(error, *told)
        if self._numpy is not None and not found:
            source, variables = self.compiled.source, self.compiled.program.variables
            nodes = {line: getattr(step, "node", None) for line, step in source.steps.items()}
            compared = {line: step.reads for line, step in source.steps.items() if isinstance(step, Check)}
            found = runtime_context(error, self._numpy, nodes, variables, source.variables, compared)
        return found

    @property
    def trust_input(self) -> bool:
        """True skips the checks of the inputs: they must be arrays of exactly the declared types."""
        return self._trust

    @trust_input.setter
    def trust_input(self, value: bool) -> None:
        self._trust = bool(value)
        self._fast = self._trusted if value else self._entry

    def _call_general(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """The call with keywords, defaults, stateful inputs, named outputs or a profile."""
        subset = kwargs.pop("output_subset", None)
        clock = time.perf_counter()
        if self._state is None:
            results = self._fast(*self._bind(args, kwargs))
        else:
            with self._state:
                results = self._advance(self._fast(*self._bind(args, kwargs)))
        if self.profile is not None:
            self.profile.record(time.perf_counter() - clock)
        if subset is not None:
            return self._subset(results, subset)
        return results if self.spec.keys is None else dict(zip(self.spec.keys, results, strict=True))

    def _advance(self, results: list[Any]) -> Any:
        """Stores the new values of stateful inputs; what remains is returned."""
        spec, returned = self.spec, len(self.spec.outs)
        for k, new in zip(spec.stateful, results[returned:], strict=True):
            self._cells[k].storage[0] = new
        return results[0] if spec.unpack else results[:returned]

    def _subset(self, results: Any, subset: Sequence[Any]) -> Any:
        keys = self.spec.keys
        results = [results] if self.spec.unpack else results
        if keys is not None:
            return {k: results[keys.index(k)] for k in subset}
        return [results[k] for k in subset]

    def _bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Positional and keyword arguments and defaults, as one value for each input."""
        ins = self.spec.ins
        if len(args) > len(ins):
            raise self._miscalled(
                f"Too many parameter passed to theano function{self._called()}: it takes {len(ins)}, not {len(args)}.",
                "pass one value for each input; shared variables and constants are no arguments",
            )
        values: dict[int, Any] = dict(enumerate(args))
        for name, value in kwargs.items():
            position = self._names.get(name)
            if position is None:
                raise self._miscalled(
                    f"Unknown input or state: {name}.",
                    "use the name of an input's variable, or the one given by In(variable, name=...)",
                )
            if name in self._ambiguous:
                raise self._miscalled(
                    f"Ambiguous name: {name}: several inputs have it.",
                    "give the inputs names of their own: In(variable, name=...)",
                )
            if position in values:
                raise self._miscalled(
                    f"Multiple values for input: {name}.", f"pass it once: by position {position}, or by name"
                )
            values[position] = value
        for k, one in enumerate(ins):
            if k in values:
                continue
            cell = self._cells[k]
            if k not in self._optional or cell.storage[0] is None:
                shown = one.name or f"{k} (0-based, {one.variable.type})"
                raise self._miscalled(
                    f"Missing required input: {shown}.",
                    "pass a value for it, or give it a default with In(variable, value=...)",
                )
            values[k] = cell.data if k in self.spec.stateful else copy.copy(cell.data)
        return [values[k] for k in range(len(ins))]

    def _called(self) -> str:
        return f" {self.name!r}" if self.name else ""

    def _miscalled(self, problem: str, remedy: str) -> TypeError:
        """The error for arguments that do not match the inputs."""
        named = list(self._names)
        unnamed = len(self.spec.ins) - len(named)
        plural, others = "s" * (len(named) != 1), "s" * (unnamed != 1)
        text = f"The function{self._called()} has {len(named)} named input{plural} ({', '.join(named)})"
        if unnamed:
            text += f", and {unnamed} unnamed input{others} which thus cannot be accessed through keyword arguments"
        operands = [f"{k}: {one.name or '(no name)'}: {one.variable.type}" for k, one in enumerate(self.spec.ins)]
        return TypeError(explain(f"{problem} {text}.", operands=operands, where=None, remedy=remedy))

    # -- seeing ----------------------------------------------------------------------------------------------------
    @property
    def graph(self) -> FunctionGraph:
        """The graph after rewriting."""
        return self.compiled.graph

    @property
    def program(self) -> Any:
        """The steps and the memory plan of what runs: a Program, or the Agenda of machine code. Print it."""
        native = self.compiled.native
        return self.compiled.program if native is None else native.seen.program

    @property
    def source(self) -> Listing:
        """The text of what runs: the NumPy program, or pseudo-C of machine code. `f.source("numpy")`: one of them.

        With machine code there are "native", "numpy", "llvm" and "host": the Python program around the regions.
        """
        native = self.compiled.native
        texts: dict[str, Callable[[], str]] = {"numpy": lambda: self.compiled.source.text}
        if native is None:
            return Listing(self.compiled.source.text, texts)
        texts = {**native.seen.texts(), **texts}
        return Listing(texts["native"](), texts)

    def asm(self) -> str:
        """The machine code in assembly language. ValueError where there is none."""
        if self.compiled.native is None:
            raise ValueError("this function has no machine code: it is a NumPy program")
        text: str = self.compiled.native.seen.assembly()
        return text

    def report(self) -> str:
        """What the compiler did: phases, rules fired, steps, memory."""
        return text_report(self.compiled, "" if self._tier is None else self._tier.state)

    # -- state -----------------------------------------------------------------------------------------------------
    def get_shared(self) -> list[SharedVariable]:
        """The shared variables the function uses."""
        return list(self.spec.shared)

    def free(self) -> None:
        """Nothing to do: no storage outlives a call. Kept for Theano's callers."""

    def sync_shared(self) -> None:
        """Nothing to do: values are never kept elsewhere. Kept for Theano's callers."""

    @property
    def outputs(self) -> list[Out]:
        """The outputs as they were asked for: `f.outputs[0].variable`."""
        return list(self.spec.outs)

    @property
    def input_storage(self) -> list[Container]:
        """A container for each input, and one for each shared variable."""
        return [*self._cells, *(s.container for s in self.spec.shared)]

    @property
    def container(self) -> _Containers:
        """Containers by variable, name or position: `f.container[x].value`."""
        return _Containers(self)

    @property
    def value(self) -> _Values:
        """Values of stateful inputs and shared variables: `f.value[x]`."""
        return _Values(self)

    @property
    def finder(self) -> _Containers:
        return self.container

    @property
    def defaults(self) -> list[tuple[bool, bool, Any]]:
        """(required, restored after the call, value) of each input, as Theano's."""
        stateful = self.spec.stateful
        return [(k not in self._optional, k not in stateful, cell.data) for k, cell in enumerate(self._cells)]

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.value[key] = value

    def __contains__(self, key: Any) -> bool:
        return self._find(key) is not None

    def _states(self) -> list[Any]:
        """What has a container: inputs and shared variables."""
        return [*(i.variable for i in self.spec.ins), *self.spec.shared]

    def _find(self, key: Any) -> Container | None:
        if isinstance(key, int):
            return self.input_storage[key] if 0 <= key < len(self.input_storage) else None
        for one, cell in zip(self.spec.ins, self._cells, strict=True):
            if one.variable is key or (isinstance(key, str) and one.name == key):
                return cell
        for s in self.spec.shared:
            if s is key or (isinstance(key, str) and s.name == key):
                return s.container
        return None

    # -- copies ----------------------------------------------------------------------------------------------------
    def copy(
        self,
        share_memory: bool = False,
        swap: Mapping[SharedVariable, SharedVariable] | None = None,
        delete_updates: bool = False,
        name: str | None = None,
        profile: Any = None,
    ) -> Function:
        """The same function, with other shared variables (`swap`: old -> new of the same type) or without updates."""
        spec = self.spec
        replaced = dict(swap or {})
        _check_swap(replaced, spec.shared)
        graph = spec.graph
        if delete_updates:
            keep = len(spec.outs) + len(spec.stateful)
            graph = graph.with_outputs(graph.outputs[:keep], {})
        new_spec = replace(
            spec,
            graph=graph,
            shared=tuple(replaced.get(s, s) for s in spec.shared),
            name=name if name is not None else f"{spec.name or ''} copy".strip(),
            profile=ProfileStats.of(profile),
            defaults=tuple(map(_default_of_copy, spec.ins, self._cells)),
        )
        return make_function(new_spec)

    def __copy__(self) -> Function:
        return self.copy(name=self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Function:
        # Through memo what this function shares with others that are copied along (variables, containers) stays shared.
        spec = replace(
            self.spec,
            ins=copy.deepcopy(self.spec.ins, memo),
            shared=copy.deepcopy(self.spec.shared, memo),
            defaults=copy.deepcopy(self._cells, memo),
        )
        new = make_function(spec)
        new.trust_input = self.trust_input
        return new

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (replace(self.spec, defaults=self._cells, profile=None), self._trust)


def make_function(spec: Spec) -> Function:
    """The function of a specification: an object that Python calls straight into machine code, where it can."""
    target = chosen(spec.mode)
    kind = Function if target is None else target.function_type(Function)
    made: Function = kind(spec)
    return made


def _rebuild(spec: Spec, trust: bool) -> Function:
    function = make_function(spec)
    function.trust_input = trust
    return function


def _read(graph: FunctionGraph) -> list[bool]:
    """For each input of a graph whether anything depends on it."""
    used = {v for node in graph.nodes for v in node.inputs} | set(graph.outputs)
    return [i in used for i in graph.inputs]


def _check_swap(replaced: Mapping[SharedVariable, Any], shared: Sequence[SharedVariable]) -> None:
    for old, new in replaced.items():
        if old not in shared:
            raise ValueError(
                explain(
                    f"SharedVariable {old} does not exist in the function, so it cannot be swapped",
                    operands=[f"{s}: {s.type}" for s in shared],
                    remedy="swap={old: new}, where old is one of the function's shared variables (above)",
                )
            )
        if not isinstance(new, SharedVariable) or new.type != old.type:
            raise TypeError(
                explain(
                    f"{old} cannot be swapped with {new}: it must be a shared variable of the same type",
                    operands=[f"{old}: {old.type}", f"{new}: {getattr(new, 'type', type(new).__name__)}"],
                    remedy="make one of that type: shared(value, broadcastable=...)",
                )
            )


def _rank(container: Container) -> int:
    return container.rank


def _input_cells(spec: Spec) -> tuple[Container, ...]:
    """A container for each input; it holds None where there is neither a default value nor state."""
    defaults = (*spec.defaults, *(None,) * (len(spec.ins) - len(spec.defaults)))
    return tuple(_input_cell(one, default) for one, default in zip(spec.ins, defaults, strict=True))


def _input_cell(one: In, default: Any) -> Container:
    value = one.value if default is None else default
    if isinstance(value, Container):
        return value
    cell = Container(one.variable.type, [None], one.strict, one.allow_downcast, one.name)
    if value is not None:
        _set_default(cell, one, value)
    return cell


def _default_of_copy(one: In, cell: Container) -> Any:
    """What a copy of the function starts with: the user's container, its own state, or the same default."""
    if isinstance(one.value, Container):
        return cell
    return cell.data if one.update is None else copy.copy(cell.data)


def _set_default(cell: Container, one: In, value: Any) -> None:
    try:
        cell.data = value.get_value() if isinstance(value, SharedVariable) else value
    except (TypeError, ValueError) as error:
        raise type(error)(
            explain(
                f"The default value of the input {one.variable} is not one of its type.",
                operands=[f"{one.variable}: {one.variable.type}", *str(error).splitlines()],
                where=str(one.variable.line or ""),
                remedy="convert it, or give In(allow_downcast=True)",
            )
        ) from error


class _Containers:
    """`f.container[key]`."""

    def __init__(self, function: Function):
        self._function = function

    def __getitem__(self, key: Any) -> Container:
        found = self._function._find(key)
        if found is None:
            known = [f"{v}: {v.type}" for v in self._function._states()]
            text = explain(
                f"Unknown input or state: {key}",
                operands=known or ["(this function has neither state nor shared variables)"],
                where=None,
                remedy="ask for one of these, by variable, name or position",
            )
            raise add_context(KeyError(key), text)
        return found

    def __contains__(self, key: Any) -> bool:
        return self._function._find(key) is not None

    def __len__(self) -> int:
        return len(self._function.input_storage)

    def __iter__(self) -> Iterator[Container]:
        return iter(self._function.input_storage)


class _Values(_Containers):
    """`f.value[key]`."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key).data

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__getitem__(key).data = value
