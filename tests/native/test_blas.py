"""The BLAS as native code calls it: every layout against whole-number products, threads left as they were."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading

import numpy as np
import pytest

from symtheano.compile.target.native import blas as native
from symtheano.compile.target.native.blas import GEMMS, SIGNATURE, Blas, Routines, blas, code, in_numpy, in_scipy
from symtheano.compile.target.native.toolchain import HOSTS, object_for


@pytest.fixture(scope="module", params=["numpy", "scipy"])
def found(request: pytest.FixtureRequest) -> Blas:
    routines = (in_numpy if request.param == "numpy" else in_scipy)()
    if routines is None:
        pytest.skip(f"{request.param} has no BLAS that can be called")
    return Blas(routines)


def whole(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Small whole numbers, complex ones too: products and sums of them are exact."""
    values = rng.integers(-8, 9, shape).astype(dtype)
    return values + 1j * rng.integers(-8, 9, shape) if dtype.startswith("complex") else values


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum over k, without a BLAS."""
    return (a[:, :, None] * b[None]).sum(axis=1).astype(a.dtype)


@pytest.mark.parametrize("dtype", GEMMS)
@pytest.mark.parametrize(("m", "n", "k"), [(1, 1, 1), (3, 2, 5), (1, 40, 7), (40, 1, 7), (65, 33, 129), (4, 4, 0)])
def test_products(found: Blas, rng: np.random.Generator, dtype: str, m: int, n: int, k: int) -> None:
    a, b = whole(rng, (m, k), dtype), whole(rng, (k, n), dtype)
    a, b = a.astype(dtype), b.astype(dtype)
    np.testing.assert_array_equal(found.gemm(a, b), product(a, b))


@pytest.mark.parametrize("dtype", GEMMS)
@pytest.mark.parametrize("ta", [0, 1, 2])
@pytest.mark.parametrize("tb", [0, 1, 2])
def test_transposed_wide_rows_scaled_and_added(
    found: Blas, rng: np.random.Generator, dtype: str, ta: int, tb: int
) -> None:
    m, n, k = 9, 20, 13
    turned = (lambda x: x, lambda x: x.T, lambda x: x.conj().T)
    a = whole(rng, ((m, k) if ta == 0 else (k, m))[:1] + (30,), dtype).astype(dtype)
    b = whole(rng, ((k, n) if tb == 0 else (n, k))[:1] + (31,), dtype).astype(dtype)
    c = whole(rng, (m, 32), dtype).astype(dtype)
    alpha, beta = np.array(2, dtype), np.array(-3, dtype)
    op_a = turned[ta](a[:, : k if ta == 0 else m])
    op_b = turned[tb](b[:, : n if tb == 0 else k])
    expected = c.copy()
    expected[:, :n] = 2 * product(op_a, op_b) - 3 * c[:, :n]
    call = SIGNATURE(found.pointers[GEMMS[dtype]])
    status = call(
        ta, tb, m, n, k, alpha.ctypes.data, a.ctypes.data, 30, b.ctypes.data, 31, beta.ctypes.data, c.ctypes.data, 32
    )
    assert status == 0
    np.testing.assert_array_equal(c, expected)


def test_beta_zero_reads_nothing(found: Blas) -> None:
    a, out = np.ones((2, 2)), np.full((2, 2), np.nan)
    one, zero = np.ones(1), np.zeros(1)
    call = SIGNATURE(found.pointers["dgemm"])
    p = [x.ctypes.data for x in (one, a, zero, out)]
    assert call(0, 0, 2, 2, 2, p[0], p[1], 2, p[1], 2, p[2], p[3], 2) == 0
    np.testing.assert_array_equal(out, 2)


def test_sizes_beyond_its_integers_are_refused(found: Blas) -> None:
    call = SIGNATURE(found.pointers["sgemm"])
    beyond = 2 ** (found.routines.bits - 1)
    for value in {beyond % 2**63 or -1, -1}:  # 2^63 as a signed number is negative
        assert call(0, 0, 1, 1, 1, None, None, value, None, 1, None, None, 1) == 1


def test_it_works(found: Blas) -> None:
    assert found.works()


def test_a_blas_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    right = in_numpy()
    if right is None:
        pytest.skip("NumPy has no BLAS that can be called")
    nothing = ctypes.CFUNCTYPE(None)(lambda: None)
    address = ctypes.cast(nothing, ctypes.c_void_p).value or 0
    wrong = Routines("wrong", 64, dict.fromkeys(right.gemms, address))
    assert not Blas(wrong).works()
    for each in ("in_numpy", "in_scipy"):
        monkeypatch.setattr(native, each, lambda: None)
    assert blas.__wrapped__() is None


def threads_of(found: Blas) -> int:
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(found.routines.get_threads)())


def set_threads(found: Blas, number: int) -> None:
    ctypes.CFUNCTYPE(None, ctypes.c_int)(found.routines.set_threads)(number)


def test_one_thread_inside_and_the_users_number_outside(found: Blas) -> None:
    """dgemm is replaced by a function that looks at the number of threads, and calls another product."""
    if not found.routines.set_threads:
        pytest.skip("not OpenBLAS")
    seen: list[int] = []
    small = np.ones((2, 2), np.float32)

    def look(*_: object) -> None:
        seen.append(threads_of(found))
        spy.gemm(small, small)
        seen.append(threads_of(found))

    callback = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13, ctypes.c_int64, ctypes.c_int64)(look)
    gemms = {**found.routines.gemms, "dgemm": ctypes.cast(callback, ctypes.c_void_p).value or 0}
    routines = found.routines
    spy = Blas(Routines("spy" + routines.origin, routines.bits, gemms, routines.get_threads, routines.set_threads))
    before = threads_of(found)
    try:
        for number in (2, 1):
            set_threads(found, number)
            seen.clear()
            spy.gemm(np.ones((2, 2)), np.ones((2, 2)))
            assert seen == [1, 1]
            assert threads_of(found) == number
    finally:
        set_threads(found, before)


def test_many_threads_inside_at_once(found: Blas, rng: np.random.Generator) -> None:
    before = threads_of(found) if found.routines.get_threads else 0
    a, b = whole(rng, (70, 60), "float64"), whole(rng, (60, 50), "float64")
    expected, wrong = product(a, b), []

    def work() -> None:
        for _ in range(200):
            if not np.array_equal(found.gemm(a, b), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not before or threads_of(found) == before


def test_numpys_blas_is_found_without_scipy() -> None:
    if in_numpy() is None:
        pytest.skip("NumPy has no BLAS that can be called")
    script = """
import sys
from symtheano.compile.target.native.blas import pointers
assert set(pointers()) == {"sgemm", "dgemm", "cgemm", "zgemm"}
assert "scipy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_code_for_other_machines(name: str) -> None:
    assert object_for(code(HOSTS[name].triple), HOSTS[name])
