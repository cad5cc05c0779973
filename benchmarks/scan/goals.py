"""The goals of the loops (their issue), each judged from the records of its line."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.native.goals import Judge, Verdict, best, each, medians, most
from benchmarks.native.record import Record

SMALL = 32  # hidden units of networks whose step is small, at batch 1


def _rnn(rs: Sequence[Record]) -> list[Verdict]:
    small = [r for r in rs if r.shape[1:] == (1, SMALL)]
    return [
        each("rnn", small, "jax", 3.0, what="hidden 32, batch 1, each against JAX"),
        each("rnn", [r for r in rs if r not in small], "jax", 1.0, what="all others, each against JAX"),
        best("rnn", rs),
    ]


def _gates(rs: Sequence[Record]) -> list[Verdict]:
    return [each("gates", rs, "jax", 1.0), best("gates", rs)]


def _small(rs: Sequence[Record]) -> list[Verdict]:
    return [each("small", rs, "jax", 3.0), best("small", rs)]


def _tiny(rs: Sequence[Record]) -> list[Verdict]:
    microseconds = {name: 1e6 * value for name, value in medians(rs).items()}
    return [most("tiny", "a step", microseconds, 0.3, "us"), each("tiny", rs, "jax", 3.0), best("tiny", rs)]


def _compile(rs: Sequence[Record]) -> list[Verdict]:
    return [
        each("compile", rs, "jax", 5.0, what="cold, each case against JAX"),
        each("compile", rs, "pytensor", 5.0, what="cold, each case against PyTensor"),
    ]


def _lengths(rs: Sequence[Record]) -> list[Verdict]:
    first = {r.name: max(values) for r in rs if r.kind == "calls" and (values := r.values.get("symtheano"))}
    cold = [seconds for _, seconds in sorted((r.shape, medians([r])[r.name]) for r in rs if r.shape and medians([r]))]
    ratio = cold[1] / cold[0] if len(cold) == 2 else None
    return [
        most("lengths", "slowest first call of 1,000 lengths / steady state", first, 2.0, "x"),
        Verdict("lengths", "compiling 10,000 steps / compiling 10", 1.2, ratio, False),
    ]


def _memory(rs: Sequence[Record]) -> list[Verdict]:
    return [each("memory", rs, "jax", 1.0), best("memory", rs)]


GOALS: dict[str, Judge] = {
    "rnn": _rnn, "gates": _gates, "small": _small, "tiny": _tiny, "compile": _compile, "lengths": _lengths,
    "memory": _memory,
}  # fmt: skip
