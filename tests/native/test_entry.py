"""The entry in machine code: what it takes, what it gives, and that whatever does not fit reaches Python untouched."""

from __future__ import annotations

import ctypes
import gc
import pickle
import threading
import weakref
from typing import Any

import numpy as np
import pytest

from symtheano.compile.target.native import abi, toolchain
from symtheano.compile.target.native.callable import (
    PATIENCE_SHARED,
    CtypesRegion,
    Entry,
    available,
    bind,
    bound,
    fast_type,
    region,
)
from symtheano.compile.target.native.entry import entry_module
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function
from symtheano.compile.target.native.signature import HEADER, Input, Output, Signature
from tests.native.entries import (
    Target,
    accumulate,
    add_one,
    add_up,
    callable_of,
    compiled,
    counter,
    element,
    loop,
    misaligned,
    vector_plus_one,
)

pytestmark = pytest.mark.skipif(available() is not None, reason=str(available()))
NUMBERS = [d for d in LLVM_TYPES if d not in ("float16", "bool")]


def plus_one(signature: Signature | None = None, **options: Any) -> Any:
    signature = signature or vector_plus_one()
    return callable_of(signature, compiled(signature, add_one, **options))


# ---------------------------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("ndim", [0, 1, 2, 4])
def test_arrays_go_in_and_out(dtype: str, ndim: int) -> None:
    f = plus_one(vector_plus_one(dtype, ndim))
    x = np.arange(2 * 3 * 4, dtype=dtype).reshape((2, 3, 4, 1)[:ndim] if ndim == 4 else (24, 1)[:ndim] or (24,))
    x = x if ndim else x.reshape(-1)[5:6].reshape(())
    y = f(x)
    assert type(y) is np.ndarray and y.dtype is np.dtype(dtype) and y.shape == x.shape and y.flags.carray
    np.testing.assert_array_equal(y, x + np.ones((), dtype))
    assert not f.calls


class Sub(np.ndarray):
    pass


FROZEN = np.zeros(3)
FROZEN.flags.writeable = False
WRONG: dict[str, tuple[Any, ...]] = {
    "a list": ([1.0, 2.0],),
    "a number": (1.5,),
    "None": (None,),
    "another dtype": (np.zeros(3, np.float32),),
    "the other byte order": (np.zeros(3, np.dtype("f8").newbyteorder()),),
    "more dimensions": (np.zeros((3, 1)),),
    "no dimension": (np.zeros(()),),
    "a numpy scalar": (np.float64(1),),
    "a step": (np.zeros(6)[::2],),
    "backwards": (np.zeros(6)[::-1],),
    "a subclass": (np.zeros(3).view(Sub),),
    "misaligned": (misaligned("float64", 3),),
    "no argument": (),
    "two arguments": (np.zeros(3), np.zeros(3)),
    "an object array": (np.array([1.0, None], object),),
    "a masked array": (np.ma.zeros(3),),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_reaches_python(what: str) -> None:
    f, args = plus_one(), WRONG[what]
    assert f(*args) == "python"
    ((seen, kwargs),) = f.calls
    assert all(a is b for a, b in zip(seen, args, strict=True)) and not kwargs


def test_keywords_reach_python() -> None:
    f, x = plus_one(), np.zeros(3)
    assert f(x, scale=2) == f(x=x) == f(*[x], **{"a": 1}) == "python"
    assert f.calls == [((x,), {"scale": 2}), ((), {"x": x}), ((x,), {"a": 1})]
    assert f(*[x], **{}).shape == (3,)


def test_an_exception_of_the_fallback_passes() -> None:
    def refuse(self: Any, *args: Any) -> Any:
        raise KeyError(args)

    signature = vector_plus_one()
    f = fast_type(Target)()
    bind(f, Entry(compiled(signature, add_one), signature, fallback=refuse))
    with pytest.raises(KeyError):
        f("no array")


def test_read_only_arrays_are_read_but_not_written() -> None:
    assert plus_one()(FROZEN).tolist() == [1, 1, 1]
    signature = Signature((Input("float64", (None,), 0, written=True), Input("float64", (), 1)), (), ())
    f = callable_of(signature, compiled(signature, accumulate))
    assert f(FROZEN, np.array(2.0)) == "python" and not FROZEN.any()
    x = np.zeros(3)
    assert f(x, np.array(2.0)) == [] and x.tolist() == [2, 2, 2]


def test_fortran_order_reaches_python() -> None:
    f = plus_one(vector_plus_one("float32", 2))
    assert f(np.zeros((3, 4), np.float32, order="F")) == "python"
    assert f(np.zeros((3, 4), np.float32).T) == "python"
    assert f(np.zeros((3, 1), np.float32).T).shape == (1, 3)  # which is in both orders
    assert f(np.zeros((0, 4), np.float32).T).shape == (4, 0)


def test_lengths_of_the_type_are_checked() -> None:
    one = Input("float64", (None, 1, 3), 0)
    f = plus_one(Signature((one,), (Output("float64", 3),), (0,), "only"))
    assert f(np.zeros((5, 1, 3))).shape == (5, 1, 3)
    assert f(np.zeros((0, 1, 3))).shape == (0, 1, 3)
    for shape in (5, 2, 3), (5, 1, 1), (5, 3, 1):
        assert f(np.zeros(shape)) == "python"


def test_arrays_that_were_pickled_fit() -> None:
    """Their dtype is not NumPy's own object."""
    x = pickle.loads(pickle.dumps(np.arange(3.0)))
    assert x.dtype is not np.dtype("float64")
    f = plus_one()
    assert f(x).tolist() == [1, 2, 3] and f(x).dtype is np.dtype("float64") and not f.calls


def test_an_argument_that_is_not_read_is_checked_all_the_same() -> None:
    one, other = Input("float64", (None,), 1), Input("float32", (None, None), 0, read=False)
    f = plus_one(Signature((other, one), (Output("float64", 1),), (0,)))
    assert f(np.zeros((2, 2), np.float32), np.zeros(2))[0].tolist() == [1, 1]
    assert f(np.zeros((2, 2)), np.zeros(2)) == f(None, np.zeros(2)) == "python"


def test_many_arguments() -> None:
    count = 40
    inputs = tuple(Input("int64", (None,), count - 1 - k) for k in range(count))
    f = plus_one(Signature(inputs, (Output("int64", 1),), (0,), "only"))
    args = [np.full(2, k) for k in range(count)]
    assert f(*args).tolist() == [count, count]
    args[3] = args[3].astype(np.int32)
    assert f(*args) == "python"


# ------------------------------------------------------------------------------------------------------------- results


def test_results_in_a_list_a_tuple_or_alone() -> None:
    x = np.array([1.0, 2.0])
    inputs, outputs = (Input("float64", (None,), 0),), (Output("float64", 1),) * 3
    several = plus_one(Signature(inputs, outputs, (0, 1, 2)))(x)
    assert type(several) is list and [y.tolist() for y in several] == [[2, 3]] * 3
    assert len({y.ctypes.data for y in several}) == 3
    pair = plus_one(Signature(inputs, outputs, (2, 0), "tuple"))(x)
    assert type(pair) is tuple and len(pair) == 2
    twice = plus_one(Signature(inputs, outputs[:1], (0, 0)))(x)
    assert twice[0] is twice[1]
    assert plus_one(Signature(inputs, outputs, ()))(x) == []
    assert plus_one(Signature(inputs, outputs, (1,), "only"))(x).tolist() == [2, 3]


def test_no_inputs() -> None:
    signature = Signature((), (Output("int32", 1),), (0,))

    def sizes(f: Function, s: Signature) -> None:
        f.set_slot("%frame", s.frame.outputs[0] + 1, "2")
        f.ret("0")

    def body(f: Function, s: Signature) -> None:
        for k in "01":
            f.store("i32", f"7{k}", element(f, s.frame.outputs[0], "int32", k)[1], 4)
        f.ret("0")

    f = callable_of(signature, compiled(signature, body, sizes=sizes))
    assert f()[0].tolist() == [70, 71]
    assert f(1) == "python"


def failing(f: Function, signature: Signature) -> None:
    """A status that is the first element, which is an int32."""
    f.ret(f.load("i32", f.slot("%frame", signature.frame.inputs[0], "ptr"), 4))


def test_a_status_of_the_body_reaches_python() -> None:
    signature = Signature((Input("int32", (None,), 0),), (Output("int32", 1),) * 2, (0, 1))
    f = callable_of(signature, compiled(signature, failing, bytes_=5000))
    assert len(f(np.zeros(3, np.int32))) == 2
    assert f(np.ones(3, np.int32)) == "python" and len(f.calls) == 1


def test_a_status_of_sizes_reaches_python() -> None:
    signature = vector_plus_one()

    def sizes(f: Function, s: Signature) -> None:
        n = f.slot("%frame", s.frame.inputs[0] + 1)
        f.set_slot("%frame", s.frame.outputs[0] + 1, n)
        f.ret(f.emit(f"zext i1 {f.emit(f'icmp eq i64 {n}, 5')} to i32"))

    f = callable_of(signature, compiled(signature, add_one, sizes=sizes))
    assert f(np.zeros(4)).shape == (4,) and f(np.zeros(5)) == "python"


@pytest.mark.parametrize("length", [1 << 62, -1])
def test_lengths_that_numpy_refuses_raise(length: int) -> None:
    signature = vector_plus_one()

    def sizes(f: Function, s: Signature) -> None:
        f.set_slot("%frame", s.frame.outputs[0] + 1, str(length))
        f.ret("0")

    f = callable_of(signature, compiled(signature, add_one, sizes=sizes))
    with pytest.raises((ValueError, MemoryError)):
        f(np.zeros(1))


# ---------------------------------------------------------------------------------------------------- shared variables


def test_an_update_in_place() -> None:
    signature, s = counter(), np.zeros(3)
    f = callable_of(signature, compiled(signature, accumulate), [[s]])
    for _ in range(5):
        assert f(np.array(2.0)) == []
    assert s.tolist() == [10] * 3 and not f.calls


def test_an_update_by_a_new_array() -> None:
    inputs = Input("float64", (None,), cell=0), Input("float64", (), argument=0)
    old = np.zeros(3)
    for returned in (), (0,), (1, 0), (0, 0, 1):
        signature = Signature(inputs, (Output("float64", 1),) * 2, returned, stored=((0, 0),))
        cell = [old]
        f = callable_of(signature, compiled(signature, add_up), [cell])
        result = f(np.array(2.0))
        assert cell[0].tolist() == [2, 2, 2] and not old.any()
        assert [r is cell[0] for r in result] == [k == 0 for k in returned]
    only = Signature(inputs, (Output("float64", 1),), (0,), "only", stored=((0, 0),))
    f = callable_of(only, compiled(only, add_up), [cell])
    assert f(np.array(2.0)) is cell[0]


def test_two_updates_see_old_values() -> None:
    inputs = tuple(Input("int64", (None,), cell=k) for k in range(2))
    signature = Signature(inputs, (Output("int64", 1),) * 2, (), stored=((0, 1), (1, 0)))
    cells = [[np.array([1, 2])], [np.array([10, 20])]]
    f = callable_of(signature, compiled(signature, add_up), cells)
    assert f() == [] and [c[0].tolist() for c in cells] == [[11, 22]] * 2


def test_what_is_in_a_cell_is_checked() -> None:
    signature, x = counter(), np.array(1.0)
    values: list[Any] = [np.zeros(3, np.float32), np.zeros((3, 1)), FROZEN, np.zeros(6)[::2], [0.0], None, 3.0]
    for value in values:
        f = callable_of(signature, compiled(signature, accumulate), [[value]])
        assert f(x) == "python"
    for storage in [], [np.zeros(3)] * 2:
        assert callable_of(signature, compiled(signature, accumulate), [storage])(x) == "python"
    assert not FROZEN.any()


def test_written_memory_is_read_by_nobody_else() -> None:
    signature = counter(Input("float64", (None,), argument=0))
    memory = np.zeros(10)
    s = memory[2:6]
    f = callable_of(signature, compiled(signature, accumulate), [[s]])
    for apart in memory[6:10], memory[:2], np.zeros(4), memory[4:4]:
        assert f(apart) == [], apart
    for overlapping in s, memory[5:9], memory[1:5], memory, memory[2:3], memory[5:6]:
        assert f(overlapping) == "python"


@pytest.mark.parametrize("count", [2, 5, 8, 30])
def test_written_memory_of_many(count: int) -> None:
    """Few pairs are compared one by one, many in vectors: each pair must be found."""
    cells = [[np.zeros(4)] for _ in range(count)]
    inputs = tuple(Input("float64", (None,), cell=k, written=k % 2 == 0) for k in range(count))
    signature = Signature(inputs, (), ())
    f = callable_of(signature, compiled(signature, accumulate), cells)
    assert f() == []
    pairs = [(j, k) for j in range(count) for k in range(count) if j != k and (j % 2 == 0 or k % 2 == 0)]
    for j, k in pairs:
        before = cells[j][0]
        cells[j][0] = cells[k][0][3:]
        assert f() == "python", (j, k)
        cells[j][0] = before
    if count > 3:
        cells[1][0] = cells[3][0]  # both are only read
    assert f() == []


def test_a_lock_that_is_held_leads_to_python() -> None:
    signature, lock, x = counter(), threading.RLock(), np.array(1.0)
    f = callable_of(signature, compiled(signature, accumulate), [[np.zeros(2)]], [lock])
    assert f(x) == []
    with lock:
        assert f(x) == "python"
        with lock:
            assert f(x) == "python"
        assert f(x) == "python"
    assert f(x) == []
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    assert f(x) == "python"
    done.set()
    other.join()
    assert f(x) == []


def test_constants_are_arrays_of_the_region() -> None:
    """They are not shared variables: long work on them releases the GIL, and they do not lie in what is written."""
    inputs = Input("float64", (None,), 0, written=True), Input("float64", (None,), constant=0)
    signature, constant = Signature(inputs, (), ()), np.array([1.0, 2.0])
    code = compiled(signature, accumulate, work=10**9)
    f, x = callable_of(signature, code, constants=[constant]), np.zeros(2)
    assert f(x) == [] and f(x) == [] and x.tolist() == [2, 4]
    assert f(constant) == "python" and constant.tolist() == [1, 2]
    assert callable_of(signature, code, constants=[np.ones(2, np.float32)])(x) == "python"


def test_long_work_on_shared_variables_leads_to_python() -> None:
    signature, x = counter(), np.array(1.0)
    cell = [np.zeros(2)]
    code = compiled(signature, accumulate, work=1000)
    assert callable_of(signature, code, [cell], patience=999)(x) == "python" and not cell[0].any()
    assert callable_of(signature, code, [cell], patience=1000)(x) == []
    long = compiled(signature, accumulate, work=PATIENCE_SHARED + 1)
    assert callable_of(signature, long, [cell])(x) == "python"


# ------------------------------------------------------------------------------------------------------------- objects


def test_the_object_is_an_ordinary_one() -> None:
    f = plus_one()
    assert isinstance(f, Target) and type(f).__name__ == "Target" and type(f).__doc__ == Target.__doc__
    assert type(f).__module__ == Target.__module__
    assert fast_type(Target) is type(f) and bound(f) and callable(f)
    f.note = 3
    assert f.note == 3 and "note" in f.__dict__
    seen = weakref.ref(f)
    f.itself = f
    del f
    gc.collect()
    assert seen() is None


def test_without_an_entry_python_is_called() -> None:
    f = fast_type(Target)()
    assert not bound(f) and f(1, a=2) == "python" and f.calls == [((1,), {"a": 2})]


def test_an_object_gets_one_entry() -> None:
    f, signature = plus_one(), vector_plus_one()
    with pytest.raises(ValueError, match="already"):
        bind(f, Entry(compiled(signature, add_one), signature))


def test_classes_with_fields_are_refused() -> None:
    class Wide:
        __slots__ = ("a", "b", "c")

    with pytest.raises(TypeError, match="fields"):
        fast_type(Wide)


def test_a_signature_must_make_sense() -> None:
    one, out = Input("float64", (), 0), Output("float64", 0)
    for inputs, returned, result, stored in [
        ((Input("float64", (), 1),), (0,), "list", ()),
        ((one, one), (0,), "list", ()),
        ((Input("float64", ()),), (0,), "list", ()),
        ((Input("float64", (), 0, 0),), (0,), "list", ()),
        ((Input("float64", (), constant=0, written=True),), (0,), "list", ()),
        ((Input("float64", (), 0, written=True, read=False),), (0,), "list", ()),
        ((one,), (1,), "list", ()),
        ((one,), (0, 0), "only", ()),
        ((one,), (0,), "list", ((0, 0), (0, 1))),
    ]:
        with pytest.raises(ValueError):
            Signature(inputs, (out,), returned, result, stored)  # type: ignore[arg-type]
    signature = counter()
    with pytest.raises(ValueError, match="1 shared variables, 0 cells"):
        callable_of(signature, compiled(signature, accumulate))


def test_a_table_has_no_hole() -> None:
    f = plus_one()
    empty = {name for name, value in zip(HEADER, f._binding.table) if not value}
    nothing = {"celled", "constant", "cells", "stored", "written", "returned", "container_new", "container_set"}
    assert empty == {"outer", "share", *nothing}


@pytest.mark.parametrize("machine", toolchain.HOSTS)
def test_code_for_every_machine(machine: str) -> None:
    """And it calls nothing by name: Windows would have a function for large stacks."""
    host = toolchain.HOSTS[machine]
    text = toolchain.assembly(str(entry_module(host)), host)
    assert "entry:" in text and "chkstk" not in text


def test_why_it_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abi, "_ARRAY_EMPTY", 185)  # another function
    monkeypatch.setattr(abi, "_CHECKS", {"the layout of arrays": lambda: False})
    reason = abi.available.__wrapped__()
    assert reason is not None and reason.startswith("the layout of arrays is not as expected in Python 3.")
    monkeypatch.setattr(abi.sys.implementation, "name", "pypy")
    assert abi.available.__wrapped__() == "pypy has other objects than CPython"


# ------------------------------------------------------------------------------------------------------------- regions

MADE = {"machine code": region, "ctypes": lambda code, signature: CtypesRegion(code, signature.as_region())}


@pytest.fixture(params=MADE)
def make_region(request: pytest.FixtureRequest) -> Any:
    """Both ways to call a region."""
    return MADE[request.param]


def test_a_region_gives_a_tuple_or_none(make_region: Any) -> None:
    signature = vector_plus_one("float32", 2)
    r = make_region(compiled(signature, add_one), signature)
    (y,) = r(np.zeros((2, 3), np.float32))
    assert y.dtype == np.float32 and y.tolist() == [[1] * 3] * 2
    for wrong in (), (np.zeros((2, 3)),), (np.zeros((2, 3), np.float32).T,), (y, y), ([[1.0]],), (np.float32(1),):
        assert r(*wrong) is None


def test_a_region_takes_what_a_cell_has_as_an_argument(make_region: Any) -> None:
    inputs = Input("float64", (None,), cell=1, written=True), Input("float64", (None,), argument=0)
    signature = Signature(inputs, (), (), stored=())
    r = make_region(compiled(signature, accumulate, work=10**9), signature)
    s, x = np.zeros(3), np.ones(3)
    assert r(s, x) == () and s.tolist() == [1, 1, 1]
    assert r(s, s) is None and r(FROZEN, x) is None and r(s, s[1:]) is None
    assert s.tolist() == [1, 1, 1]


def test_a_region_that_fails_gives_none(make_region: Any) -> None:
    signature = Signature((Input("int32", (None,), 0),), (Output("int32", 1),), (0,))
    r = make_region(compiled(signature, failing), signature)
    assert r(np.zeros(3, np.int32)) is not None and r(np.ones(3, np.int32)) is None


def test_the_other_table_and_scratch_memory_arrive(make_region: Any) -> None:
    signature = Signature((Input("int64", (), 0),), (Output("int64", 1),), (0,))

    def sizes(f: Function, s: Signature) -> None:
        f.set_slot("%frame", s.frame.outputs[0] + 1, "2")
        wanted = f.load("i64", f.slot("%frame", s.frame.inputs[0], "ptr"), 8)
        f.set_slot("%frame", s.frame.bytes, wanted)
        f.ret("0")

    def body(f: Function, s: Signature) -> None:
        frame = s.frame
        arena = f.slot("%frame", frame.arena, "ptr")
        f.intrinsic("llvm.memset.p0.i64", "void", [("ptr", arena), ("i8", "85"), ("i64", f.slot("%frame", frame.bytes)),
                                                  ("i1", "false")])  # fmt: skip
        for k, number in ("0", frame.arena), ("1", frame.outer):
            f.store("i64", f.slot("%frame", number), element(f, frame.outputs[0], "int64", k)[1], 8)
        f.ret("0")

    code = compiled(signature, body, sizes=sizes)
    r = make_region(code, signature)
    for size in 0, 1, 1000, 1024, 1025, 5000, 100_000, 5000, 1 << 20, (1 << 28) + 1:
        ((arena, outer),) = r(np.array(size))
        assert arena % 64 == 0 and outer == 0
    table = (ctypes.c_int64 * 4)()
    f = callable_of(signature, code, outer=ctypes.addressof(table))
    ((_, outer),) = f(np.array(0))
    assert outer == ctypes.addressof(table)
    huge = np.array(1 << 60)
    with pytest.raises(MemoryError):
        f(huge)
    with pytest.raises(MemoryError):
        r(huge)
    ((_, outer),) = f(np.array(2000))


def test_loops_of_the_samples_do_what_they_say() -> None:
    """The ground under these tests: the samples count all elements."""
    signature = Signature((Input("int64", (None, None), 0),), (Output("int64", 2),), (0,), "only")

    def body(f: Function, s: Signature) -> None:
        loop(f, s, lambda i: f.store("i64", i, element(f, s.frame.outputs[0], "int64", i)[1], 8))
        f.ret("0")

    assert callable_of(signature, compiled(signature, body))(np.zeros((2, 3), int)).tolist() == [[0, 1, 2], [3, 4, 5]]
