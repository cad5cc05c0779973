"""The contenders as processes: where their Pythons are, how they are asked, what happens when they do not answer."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / ".bench"  # the peers' virtual environments, and caches of what they compile
OURS = "symtheano"
HOMES = {"jax": "jax", "torch.compile": "torch", "torch": "torch", "pytensor": "pytensor"}  # contender: environment
AHEAD = "jax ahead"  # in the suite of loops: products with inputs are taken before them
CONTENDERS = (OURS, "jax", AHEAD, "torch.compile", "torch", "pytensor", "numpy")  # as tables have them
TITLES = {"jax": "JAX", AHEAD: "JAX, products ahead", "pytensor": "PyTensor", "numpy": "NumPy"}
MINUTES = 600.0  # seconds within which anything ordinary is answered


class PeerError(Exception):
    """A contender could not do what it was asked; the text says why."""


class PeerTimeout(PeerError):
    """It took longer than it was given."""


def title(contender: str) -> str:
    """How tables write it."""
    return TITLES.get(contender, contender)


def pythons(given: Mapping[str, str | None], homes: Mapping[str, str] = HOMES) -> dict[str, str]:
    """The Python of each contender that is there; `given`: of the environments, those that were named."""
    found = {OURS: sys.executable}
    for contender, home in homes.items():
        path = Path(given.get(home) or BENCH / home / "bin" / "python")
        if path.exists():
            found[contender] = str(path)
    return found | {"numpy": sys.executable}


def environment(contender: str, cache: Path, threads: int = 0, preload: Path | None = None) -> dict[str, str]:
    """Its variables: what it keeps on disk goes to the folder `cache`; threads: 0 leaves their number to the peers."""
    variables = dict(os.environ)
    for name in ("OPENBLAS", "MKL", "OMP"):
        variables.pop(f"{name}_NUM_THREADS", None)
        if contender == OURS or threads:
            variables[f"{name}_NUM_THREADS"] = str(1 if contender == OURS else threads)
    if preload:
        variables["LD_PRELOAD"] = str(preload)
    if threads == 1:
        variables["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    flags = variables.get("SYMTHEANO_FLAGS", "")
    variables["SYMTHEANO_FLAGS"] = ",".join(filter(None, [flags, f"base_compiledir={cache}"]))
    variables["PYTENSOR_FLAGS"] = f"base_compiledir={cache}"
    variables["NUMBA_CACHE_DIR"] = str(cache)
    variables["TORCHINDUCTOR_CACHE_DIR"] = str(cache)
    variables.pop("JAX_COMPILATION_CACHE_DIR", None)
    return variables


class Peer:
    """A running contender."""

    def __init__(
        self,
        contender: str,
        python: str,
        cache: Path,
        log: Path,
        threads: int = 0,
        preload: Path | None = None,
        suite: str = "native",
    ):
        self.contender = contender
        cache.mkdir(parents=True, exist_ok=True)
        with log.open("a") as errors:
            self.process = subprocess.Popen(
                [python, "-m", "benchmarks.native.worker", contender, suite],
                cwd=ROOT, env=environment(contender, cache, threads, preload),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        self.selector = selectors.DefaultSelector()
        assert self.process.stdout is not None
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.rest = b""
        try:
            self.hello: dict[str, Any] = self.ask("hello")
        except PeerError:
            self.close()
            raise

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def ask(self, do: str, limit: float = MINUTES, **fields: Any) -> Any:
        """The answer to a request, or PeerError; a contender that was not done after `limit` seconds is ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **fields}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerError("its process has ended") from None
        answer = json.loads(self._line(time.monotonic() + limit, limit))
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["ok"]

    def _line(self, end: float, limit: float) -> bytes:
        assert self.process.stdout is not None
        while b"\n" not in self.rest:
            if not self.selector.select(max(0.0, end - time.monotonic())):
                self.process.kill()
                self.process.wait()
                raise PeerTimeout(f"more than {limit:.0f} s")
            part = os.read(self.process.stdout.fileno(), 1 << 16)
            if not part:
                raise PeerError(f"its process ended with status {self.process.wait()}")
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def close(self) -> None:
        """Ends the process."""
        self.selector.close()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
