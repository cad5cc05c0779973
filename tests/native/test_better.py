"""Quick code first: the better one takes over, gives the same bits, and is what is kept on disk."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.target.native import better, target
from symtheano.compile.target.native.toolchain import OPT
from symtheano.config import config


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of a user's session: nothing checked, quick code first, no cache; time to see it before it is better."""
    monkeypatch.setattr(better, "CALM", 0.7)
    before = {name: config.get(name) for name in ("check_programs", "target", "cache", "quick_code")}
    for name, value in (("check_programs", False), ("target", "native"), ("cache", False), ("quick_code", True)):
        config.set(name, value)
    yield
    for name, value in before.items():
        config.set(name, value)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_give_the_same_bits(quick: None, dtype: str, rng: np.random.Generator) -> None:
    x = T.matrix("x", dtype=dtype)
    h = T.tanh(x) * T.exp(-x) + T.nnet.softmax(x)
    f = st.function([x], [h, h.sum(), h.sum(axis=0), T.dot(h, h.T), T.grad(T.sqr(h).sum(), x)])
    values = [rng.normal(size=s).astype(dtype) for s in ((3, 5), (70, 33), (1, 1000))]
    first = [[r.copy() for r in f(v)] for v in values]
    assert not f.compiled.native.runnable.improved.is_set()
    assert f.compiled.native.runnable.improved.wait(60)
    assert len(f._binding.codes) == 2
    for v, wanted in zip(values, first, strict=True):
        for one, other in zip(f(v), wanted, strict=True):
            np.testing.assert_array_equal(one, other)


def test_functions_that_are_gone_are_left_out(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    x, made = T.dvector("x"), []
    generate = target.build

    def build(*args: Any, **kwargs: Any) -> Any:
        made.append(kwargs.get("level", OPT))
        return generate(*args, **kwargs)

    monkeypatch.setattr(target, "build", build)
    for k in range(20):
        st.function([x], T.tanh(x) * float(k + 3))
    f = st.function([x], T.tanh(x) - 1)
    gc.collect()
    assert f.compiled.native.runnable.improved.wait(60)
    assert made.count(OPT) <= 2  # its own, and that of a function that was gone during its turn


def test_calls_go_on_meanwhile(quick: None) -> None:
    s = st.shared(np.zeros(1000))
    f = st.function([], s.sum(), updates=[(s, s + 1)])
    calls, threads = 300, 4

    def work() -> None:
        for _ in range(calls):
            f()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for w in workers:
        w.start()
    assert f.compiled.native.runnable.improved.wait(60)
    for w in workers:
        w.join()
    np.testing.assert_array_equal(s.get_value(), np.full(1000, float(calls * threads)))


def test_the_interpreter_may_end_at_any_moment() -> None:
    program = (
        "import symtheano as st, symtheano.tensor as T, sys\n"
        "st.config.target, st.config.cache = 'native', False\n"
        "x = T.dvector()\n"
        "for k in range(4):\n"
        "    f = st.function([x], T.tanh(x) * T.exp(x) + k)\n"
        "    print(float(f([0.0])[0]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["0.0", "1.0", "2.0", "3.0"]), done.stderr
