"""The compile report: what was rewritten, what runs, and how much memory the plan needs."""
from __future__ import annotations

from collections import Counter

from symtheano.compile.pipeline import Compiled
from symtheano.compile.program import Call, Copy, Free, Program, Step
from symtheano.graph.variable import Variable

_ITEMSIZE = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "int32": 4, "uint32": 4, "float32": 4, "complex64": 8, "complex128": 16}


def text_report(compiled: Compiled) -> str:
    """The report as text."""
    report, program = compiled.report, compiled.program
    lines = [f"graph: {report.nodes_before} nodes, {report.nodes_after} after rewriting"]
    lines += [f"  {name}: {1e3 * seconds:.2f} ms, {nodes} nodes after it" for name, seconds, nodes in report.phases]
    lines.append("rules fired: " + (", ".join(f"{n} x{k}" for n, k in sorted(report.fired.items())) or "none"))
    kinds = Counter(type(s).__name__.lower() for s in program)
    lines.append("steps: " + ", ".join(f"{k} {n}" for n, k in sorted(kinds.items())))
    reused = sum(isinstance(s, Call) and s.consumes is not None for s in program)
    lines.append(f"calls that write into memory that is there already: {reused}")
    lines.append(f"peak memory of intermediate values and outputs: {peak_memory(program)}")
    lines += [f"time, {name}: {1e3 * s:.2f} ms" for name, s in report.seconds.items()]
    return "\n".join(lines)


def peak_memory(program: Program) -> str:
    """The most memory that is ours at one time, as a sum of products of sizes (bytes where sizes are static).

    The step with the most live values (the most static bytes among those) is taken where sizes are symbolic.
    """
    alive: dict[str, Call | Copy] = {}
    best: tuple[int, int, list[str]] = (0, 0, [])
    for step in program:
        _follow(step, alive)
        sizes = [_bytes(s, program) for s in alive.values()]
        static = sum(s for s in sizes if isinstance(s, int))
        candidate = (len(sizes), static, [s for s in sizes if isinstance(s, str)])
        best = max(best, candidate, key=lambda c: (c[0], c[1]))
    terms = Counter(best[2])
    parts = [f"{k} x {t}" if k > 1 else t for t, k in terms.items()]
    return " + ".join([*parts, f"{best[1]} bytes"] if best[1] or not parts else parts)


def _follow(step: Step, alive: dict[str, Call | Copy]) -> None:
    if isinstance(step, Free):
        for name in step.names:
            alive.pop(name, None)
    elif isinstance(step, Call):
        if step.consumes is not None:
            owned = alive.pop(step.consumes, None)
            if owned is None:
                return
        alive[step.outs[0]] = step
    elif isinstance(step, Copy):
        alive[step.out] = step


def _bytes(step: Call | Copy, program: Program) -> int | str:
    name = step.outs[0] if isinstance(step, Call) else step.out
    variable = program.variables.get(name)
    sizes = step.sizes if isinstance(step, Call) else None
    dtype = (step.dtype if isinstance(step, Call) else None) or getattr(getattr(variable, "type", None), "dtype", "float64")
    if sizes is None:
        sizes = tuple(n if n is not None else "?" for n in getattr(getattr(variable, "type", None), "shape", ()))  # type: ignore[misc]
    item = _ITEMSIZE.get(dtype, 8)
    static = item
    symbolic: list[str] = []
    for n in sizes:
        if isinstance(n, int):
            static *= n
        else:
            symbolic.append(_size_name(n, program))
    return static if not symbolic else f"{static}*{'*'.join(symbolic)} bytes"


def _size_name(size: object, program: Program) -> str:
    """`x0.shape[1]` where some argument or shared variable has that size, else n?."""
    if isinstance(size, Variable):
        return program.size_names.get(size, "n?")
    return "n?"


