"""A contender's process: `PYTHON -m benchmarks.native.worker NAME SUITE`, from the repository's root.

One request a line on standard input, one answer a line on standard output, both JSON. What libraries print goes to
standard error. An answer is {"ok": ...} or {"error": text}.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import random
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.native.contender import Contender, Run

CONTENDERS: dict[str, tuple[str, str, tuple[Any, ...]]] = {  # name: module, class, arguments
    "symtheano": ("by_symtheano", "Symtheano", ()),
    "jax": ("by_jax", "Jax", ()),
    "jax ahead": ("by_jax", "Jax", (True,)),
    "torch.compile": ("by_torch", "Torch", (True,)),
    "torch": ("by_torch", "Torch", (False,)),
    "pytensor": ("by_pytensor", "Pytensor", ()),
    "numpy": ("by_numpy", "Numpy", ()),
}
SLOW = 0.2  # seconds of a call that is long enough not to be repeated
CHECKED_CALLS = 3  # of a step, before results are compared
LOOP = """
def loop(count, call, args, wait):
    {unpack}
    start = clock()
    for _ in repeat(None, count - 1):
        call({names})
    wait(call({names}))
    return clock() - start
"""


def loop_of(arity: int) -> Callable[..., float]:
    """A loop of calls with so many arguments, written out: nothing else is in what it times but the `for`."""
    names = ", ".join(f"a{k}" for k in range(arity))
    unpack = f"{names}, = args" if arity else "pass"
    space: dict[str, Any] = {"clock": time.perf_counter, "repeat": repeat}
    exec(LOOP.format(names=names, unpack=unpack), space)
    made: Callable[..., float] = space["loop"]
    return made


@dataclass
class Ready:
    """A prepared case: the way to call that was fastest, and how often a sample calls it."""

    run: Run
    call: Callable[..., Any]
    loop: Callable[..., float]
    count: int = 1
    slow: bool = False

    def sample(self, count: int) -> float:
        """Seconds per call. A call before it is not timed, unless it is slow: others had the caches meanwhile."""
        run = self.run
        if not self.slow:
            run.wait(self.call(*run.args))
        gc.collect(0)
        gc.disable()
        try:
            return self.loop(count, self.call, run.args, run.wait) / count
        finally:
            gc.enable()


class Worker:
    """The requests, by their names."""

    def __init__(self, name: str, suite: str = "native"):
        module, kind, arguments = CONTENDERS[name]
        self.cases = import_module(f"benchmarks.{suite}.cases")
        started = time.perf_counter()
        self.contender: Contender = getattr(import_module(f"benchmarks.{suite}.{module}"), kind)(*arguments)
        imported = time.perf_counter()
        self.contender.start()
        self.seconds = {"import": imported - started, "first": time.perf_counter() - imported}
        self.ready: Ready | None = None

    def hello(self) -> dict[str, Any]:
        """Who this is."""
        return {
            "settle": self.contender.settle,
            "facts": self.contender.facts(),
            "versions": {p: _version(p) for p in self.contender.packages},
            "seconds": self.seconds,
            "python": sys.version.split()[0],
        }

    def _case(self, fields: dict[str, Any]) -> Any:
        return self.cases.Case(**{**fields, "shape": tuple(fields["shape"])})

    def _arrays(self, values: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(self.contender.array(a) for a in values)

    def _build(self, case: Any) -> Run:
        return self.contender.build(case, self._arrays(self.cases.inputs(case)))

    def prepare(self, case: dict[str, Any], folder: str, seconds: float) -> dict[str, Any]:
        """Builds a case, saves its results in the folder, and settles how it is timed in samples of `seconds`."""
        self.ready = None
        gc.collect()
        which = self._case(case)
        run = self._build(which)
        files = self._results(run, CHECKED_CALLS if run.state() else 1, Path(folder))
        self.contender.steady(run)
        loop = loop_of(len(run.args))
        found: list[tuple[float, Ready]] = []
        for call in run.calls:
            ready = Ready(run, call, loop)
            each = ready.sample(1)
            ready.slow = each > SLOW
            if not ready.slow:
                guess = min(each, ready.sample(1), ready.sample(1))
                few = max(1, min(1_000, int(seconds / guess)))
                each = statistics.median(ready.sample(few) for _ in range(3))
            ready.count = max(1, min(100_000, round(seconds / each)))
            found.append((each, ready))
        best, self.ready = min(found, key=lambda pair: pair[0])
        return {"files": files, "calls": self.ready.count, "seconds": best}

    def _results(self, run: Run, calls: int, folder: Path) -> list[str]:
        arrays = []
        for _ in range(calls):
            out = run.calls[0](*run.args)
            run.wait(out)
            arrays += self.contender.read(out)
        arrays += self.contender.read(list(run.state()))
        names = [str(folder / f"{k}.npy") for k in range(len(arrays))]
        for name, array in zip(names, arrays):
            np.save(name, array)
        return names

    def time(self) -> float:
        """Seconds per call in one more sample of the prepared case."""
        assert self.ready is not None, "no case is prepared"
        return self.ready.sample(self.ready.count)

    def drop(self) -> None:
        """Forgets the prepared case."""
        self.ready = None
        gc.collect()

    def compile(self, case: dict[str, Any]) -> dict[str, Any]:
        """Seconds from the first variable to the end of the first call, and of each result its mean magnitude."""
        self.contender.all_ways = False
        which = self._case(case)
        data = self._arrays(self.cases.inputs(which))
        gc.collect()
        start = time.perf_counter()
        run = self.contender.build(which, data)
        out = run.calls[0](*run.args)
        run.wait(out)
        seconds = time.perf_counter() - start
        arrays = self.contender.read(out) + self.contender.read(list(run.state()))
        return {"seconds": seconds, "means": [float(np.abs(a.astype("float64")).mean()) for a in arrays]}

    def memory(self, case: dict[str, Any]) -> int:
        """Bytes that three calls hold at their peak, beyond what the process holds after calls on one row.

        The process must have been started with `counted.c` before its C library.
        """
        counted = ctypes.CDLL(None)
        for name in ("counted_held", "counted_most"):
            getattr(counted, name).restype = ctypes.c_long
        which = self._case(case)
        run = self._build(which)
        self.contender.steady(run)
        call, full = run.calls[-1], run.args
        one = self._arrays(self.cases.shortened(which, 1))
        for args in (full, one) if self.contender.first_call_compiles else (one,):
            for _ in range(3):
                run.wait(call(*args))
        gc.collect()
        before: int = counted.counted_held()
        counted.counted_restart()
        for _ in range(3):
            run.wait(call(*full))
        most: int = counted.counted_most()
        return most - before

    def sizes(self, case: dict[str, Any], sizes: list[int], repeats: int) -> list[list[float]]:
        """Of each batch size: the first call's time over the steady time, a number for each of the repeated functions.

        Each repetition is a function of its own, which has seen one other size before.
        """
        which = self._case(case)
        batches = {n: self._arrays(self.cases.shortened(which, n)) for n in sizes}
        found: dict[int, list[float]] = {n: [] for n in sizes}
        for k in range(repeats):
            run = self._build(which)
            call = run.calls[-1]
            run.wait(call(*run.args))
            self.contender.steady(run)
            loop = loop_of(len(run.args))
            for n in random.Random(k).sample(sizes, len(sizes)):
                first = loop(1, call, batches[n], run.wait)
                steady = statistics.median(loop(1, call, batches[n], run.wait) for _ in range(9))
                found[n].append(first / steady)
        return list(found.values())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def main() -> None:
    """Answers until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever else prints
    worker: Worker | None = None
    for line in sys.stdin:
        request = json.loads(line)
        name = request.pop("do")
        try:
            worker = worker or Worker(*sys.argv[1:])
            answer = {"ok": getattr(worker, name)(**request)}
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
