"""Memory: nothing stays behind when functions are deleted, and the plan's peak is what NumPy allocates."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import psutil

import symtheano as st
import symtheano.tensor as T
from benchmarks.harness import Result, Row
from benchmarks.mlp import HIDDEN, INPUTS, batch_of, compiled, initial, peak

HOW = """
A cycle builds a network of other sizes and constants, its gradient and its function with updates, calls it once, and
deletes it all. Resident memory is read after a garbage collection, before and after the cycles, past a warm-up. The
plan's peak is what `f.report()` says for the MLP step at batch 600, evaluated for these sizes, against what NumPy
holds at most during a call.
"""


def cycle(k: int) -> None:
    """Builds, runs and deletes a function."""
    width = 4 + k % 7
    x = T.matrix(f"x{k}", dtype="float64")
    w = st.shared(np.full((3, width), 0.1 + k), name=f"w{k}")
    cost = T.nnet.softmax(T.dot(x, w) * (1.5 + k) + k).sum() + T.sqr(T.tanh(w)).mean()
    f = st.function([x], cost, updates=[(w, w - 0.01 * st.grad(cost, w))])
    f(np.ones((2, 3)))


def growth(cycles: int, warm_up: int) -> tuple[float, int]:
    """MB that resident memory grows over `cycles`, and how many more objects Python tracks."""
    process = psutil.Process()
    for k in range(warm_up):
        cycle(k)
    gc.collect()
    before, objects = process.memory_info().rss, len(gc.get_objects())
    for k in range(warm_up, warm_up + cycles):
        cycle(k)
    gc.collect()
    return (process.memory_info().rss - before) / 2**20, len(gc.get_objects()) - objects


def planned(function: Any, values: dict[str, Any]) -> int:
    """The peak that the report tells, for these arrays of arguments and shared variables (x0, s0, ...)."""
    _, text = function.report().split("at the peak: ")
    first, *rest = text.splitlines()
    formulas = [line for line in rest if line.startswith("  ")] if first == "the greatest of" else [first]
    return max(int(eval(formula, dict(values))) for formula in formulas)


def main(quick: bool = False) -> Result:
    """Cycles of compiling, and the plan's peak."""
    result = Result("Memory", HOW)
    cycles = 100 if quick else 1_000
    megabytes, objects = growth(cycles, 30 if quick else 200)
    result.rows.append(
        Row(
            f"growth of resident memory over {cycles:,} functions",
            megabytes,
            "MB",
            5.0,
            note=f"{objects:+,} Python objects",
        )
    )
    for momentum in (False, True):
        f, _ = compiled(initial("float32"), momentum, "float32")
        x, y = batch_of(600, "float32")
        sizes = {"x0": x, "x1": y} | {f"s{k}": s.get_value() for k, s in enumerate(f.get_shared())}
        said, measured = planned(f, sizes), peak(lambda: f(x, y))  # noqa: B023
        name = "with momentum" if momentum else "plain"
        note = f"{measured:,} and {said:,} bytes; hidden values {4 * 600 * HIDDEN:,}, W {4 * INPUTS * HIDDEN:,}"
        result.rows.append(
            Row(f"MLP step, {name}: measured peak / peak of the plan", measured / said, "x", 1.1, note=note)
        )
    return result
