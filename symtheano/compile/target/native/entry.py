"""The entry point in machine code: how Python reaches a region. It checks, allocates, computes, returns, stores.

It has the signature of a vectorcall function. `self` is an instance of a type made by callable.fast_type; in it lies
the address of a table (8-byte slots, SLOTS and then what a signature adds), through which all else is reached: the code
itself knows no address and can be kept on disk. What it checks is what Python would have to: anything that does not fit
goes to the fallback, with the same arguments, before anything was written.

While it holds the GIL, nothing it calls runs other Python code between the look at the locks of shared variables and
the last store, so a call is as atomic as one that takes them. (The container of the results is made before: that may
start the garbage collector.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from symtheano.compile.target.native.abi import ALIGNED, C_CONTIGUOUS, LAYOUT, WRITEABLE, lock_word
from symtheano.compile.target.native.arenas import emit_arenas, memory_of
from symtheano.compile.target.native.frame import Frame, frame_of
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function, Module

DTYPES = (*LLVM_TYPES, "complex64", "complex128")
FUNCTIONS = (
    *("empty", "incref", "decref", "list_new", "list_set", "tuple_new", "tuple_set", "method_new", "vectorcall"),
    *("save_thread", "restore_thread", "no_memory", "malloc", "free"),
)
_VALUES = ("ndarray", "none", "fallback", "pool", "patience", "outer")
SLOTS = (*FUNCTIONS, *_VALUES, *(f"dtype {d}" for d in DTYPES))  # of every table; then the cells, then the locks
STACK_ARENA = 1024  # bytes of scratch memory that are taken from the stack
_FEW_PAIRS = 24  # of arrays, that are compared one by one
_ARGUMENTS = (1 << 63) - 1  # the bits of `nargsf` that are a number


@dataclass(frozen=True)
class Input:
    """One array that goes in, and where it comes from: an argument, or the cell of a shared variable.

    shape: None where any length will do. written: the region overwrites it. read: False for an argument that is checked
    and then ignored; it has no place in the frame.
    """

    dtype: str
    shape: tuple[int | None, ...]
    argument: int | None = None
    cell: int | None = None
    written: bool = False
    read: bool = True


@dataclass(frozen=True)
class Output:
    """One new array."""

    dtype: str
    ndim: int


@dataclass(frozen=True)
class Signature:
    """What an entry takes and gives.

    inputs: those that are read are those of the region, in its order. returned: positions of outputs, in order; result:
    as what. stored: (output, cell) for each shared variable that becomes that new array. fallback: whether calls that
    do not fit go to the table's fallback; otherwise their result is None.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    returned: tuple[int, ...]
    result: Literal["only", "list", "tuple"] = "list"
    stored: tuple[tuple[int, int], ...] = ()
    fallback: bool = True

    def __post_init__(self) -> None:
        arguments = sorted(i.argument for i in self.inputs if i.argument is not None)
        if arguments != list(range(len(arguments))):
            raise ValueError(f"every argument belongs to one input, not {arguments}")
        if any((i.argument is None) == (i.cell is None) for i in self.inputs):
            raise ValueError("an input comes from an argument or from a cell")
        if self.result == "only" and len(self.returned) != 1:
            raise ValueError(f"the only result is one of {len(self.returned)}")
        kept = [k for k, _ in self.stored]
        if len(set(kept)) != len(kept):
            raise ValueError("two shared variables would be the same array")

    @cached_property
    def arguments(self) -> int:
        """How many there are."""
        return sum(i.argument is not None for i in self.inputs)

    @cached_property
    def cells(self) -> int:
        """How many shared variables there are."""
        numbers = [i.cell for i in self.inputs if i.cell is not None] + [cell for _, cell in self.stored]
        return max(numbers, default=-1) + 1

    @cached_property
    def read(self) -> tuple[Input, ...]:
        """The inputs of the region."""
        return tuple(i for i in self.inputs if i.read)

    @cached_property
    def frame(self) -> Frame:
        """The region's frame."""
        return frame_of([len(i.shape) for i in self.read], [o.ndim for o in self.outputs])

    def as_region(self) -> Signature:
        """The same region called from a program in Python: arrays in, also those of cells; a tuple or None out."""
        inputs = tuple(replace(one, argument=k, cell=None) for k, one in enumerate(self.read))
        return Signature(inputs, self.outputs, tuple(range(len(self.outputs))), "tuple", (), fallback=False)


def emit_entry(module: Module, name: str, signature: Signature, sizes: str = "sizes", body: str = "body") -> None:
    """Adds the exported function `name` to a module that has the region's functions `sizes` and `body`."""
    emit_arenas(module)
    _Entry(module, name, signature, sizes, body).write()


class _Entry:
    """One entry point under construction.

    Labels: `slow` and `lost` where nothing is held yet, `undo` and `fail` where references are: `outs` holds the new
    arrays that are still ours, `result` the container.
    """

    def __init__(self, module: Module, name: str, signature: Signature, sizes: str, body: str) -> None:
        self.module, self.signature, self.sizes, self.body = module, signature, sizes, body
        params = [("ptr", "self"), ("ptr", "args"), ("i64", "nargsf"), ("ptr", "kwnames")]
        self.f = module.function(name, params, "ptr", linkage="")
        self.layout = signature.frame
        self.container = signature.result != "only"

    def write(self) -> None:
        f, signature = self.f, self.signature
        self.frame = f.alloca(f"[{self.layout.size} x i64]")
        self.outs = f.alloca(f"[{len(signature.outputs) + 1} x ptr]", 8)
        self.table = f.load("ptr", f.gep("%self", str(LAYOUT.table)), 8)
        self._check_arguments()
        self._make_container()
        self._check_locks()
        self._take_cells()
        self._check_overlap()
        self._need_zero(f.call(f"@{self.sizes}", "i32", [("ptr", self.frame)]), "undo")
        self._check_patience()
        self._make_outputs()
        self._fill_container()
        self._compute()
        self._store()
        f.ret(self._result())
        self._ends()

    # -- small words -------------------------------------------------------------------------------------------------
    def _slot(self, name: str) -> str:
        """What the table says."""
        return self.f.slot(self.table, SLOTS.index(name), "i64" if name == "patience" else "ptr")

    def _call(self, name: str, returns: str, *args: tuple[str, str]) -> str:
        """A call of one of Python's or NumPy's functions."""
        return self.f.call(self._slot(name), returns, args)

    def _cell(self, number: int) -> str:
        return self.f.slot(self.table, len(SLOTS) + number, "ptr")

    def _need(self, condition: str, otherwise: str) -> None:
        """Goes on where an i1 is true."""
        following = self.f.label("next")
        self.f.branch(condition, following, otherwise)
        self.f.start(following)

    def _need_zero(self, status: str, otherwise: str) -> None:
        self._need(self.f.emit(f"icmp eq i32 {status}, 0"), otherwise)

    def _out(self, k: int) -> str:
        return self.f.slot(self.outs, k, "ptr")

    def _set_out(self, k: int, value: str) -> None:
        self.f.set_slot(self.outs, k, value, "ptr")

    # -- what goes in ------------------------------------------------------------------------------------------------
    def _check_arguments(self) -> None:
        f, signature = self.f, self.signature
        count = f.emit(f"and i64 %nargsf, {_ARGUMENTS}")
        fits = f.emit(f"icmp eq i64 {count}, {signature.arguments}")
        positional = f.emit("icmp eq ptr %kwnames, null")
        self._need(f.emit(f"and i1 {fits}, {positional}"), "slow")
        for one, place in self._placed():
            if one.argument is not None:
                self._take(one, f.slot("%args", one.argument, "ptr"), place, "slow")
        for k in range(len(signature.outputs) + 1):  # the last is the container
            self._set_out(k, "null")

    def _placed(self) -> list[tuple[Input, str | None]]:
        """Each input with its place in the frame, if it has one."""
        places = iter(self.layout.inputs)
        return [
            (one, self.f.gep(self.frame, str(8 * next(places))) if one.read else None) for one in self.signature.inputs
        ]

    def _take(self, one: Input, array: str, place: str | None, otherwise: str) -> None:
        """Checks an array and writes it into the frame."""
        taker = _emit_taker(self.module, one)
        args = [("ptr", array), ("ptr", self.table)] + ([] if place is None else [("ptr", place)])
        self._need(self.f.call(f"@{taker}", "i1", args), otherwise)

    def _make_container(self) -> None:
        if self.container:
            size = str(len(self.signature.returned))
            made = self._call(f"{self.signature.result}_new", "ptr", ("i64", size))
            self._need(self.f.emit(f"icmp ne ptr {made}, null"), "lost")
            self._set_out(len(self.signature.outputs), made)

    def _check_locks(self) -> None:
        """All locks must be free. Whoever waits for one of them gets it when we return."""
        f, cells = self.f, self.signature.cells
        held = "0"
        for k in range(cells):
            lock = f.slot(self.table, len(SLOTS) + cells + k, "ptr")
            word = f.load("i64", f.gep(lock, str(lock_word())), 8)
            held = f.emit(f"or i64 {held}, {word}")
        if cells:
            self._need(f.emit(f"icmp eq i64 {held}, 0"), "undo")
            for k in range(cells):
                size = f.load("i64", f.gep(self._cell(k), str(LAYOUT.list_size)), 8)
                self._need(f.emit(f"icmp eq i64 {size}, 1"), "undo")

    def _take_cells(self) -> None:
        for one, place in self._placed():
            if one.cell is not None:
                self._take(one, self.f.load("ptr", self._item(one.cell), 8), place, "undo")

    def _item(self, cell: int) -> str:
        """Where the value of a shared variable is."""
        return self.f.load("ptr", self.f.gep(self._cell(cell), str(LAYOUT.list_items)), 8)

    # -- overlaps ----------------------------------------------------------------------------------------------------
    def _check_overlap(self) -> None:
        """What is written shares no memory with anything else that is read."""
        ordered = sorted(zip(self.signature.read, self.layout.inputs), key=lambda pair: not pair[0].written)
        written = sum(one.written for one, _ in ordered)
        pairs = [(j, k) for j in range(written) for k in range(j + 1, len(ordered))]
        if not pairs:
            return
        ranges = [self._range(one, place) for one, place in ordered]
        if len(pairs) > _FEW_PAIRS:
            self._need(_apart(self.module, self.f, ranges, written), "undo")
            return
        f, overlap = self.f, "false"
        for j, k in pairs:
            before = f.emit(f"icmp ult i64 {ranges[j][0]}, {ranges[k][1]}")
            behind = f.emit(f"icmp ult i64 {ranges[k][0]}, {ranges[j][1]}")
            overlap = f.emit(f"or i1 {overlap}, {f.emit(f'and i1 {before}, {behind}')}")
        self._need(f.emit(f"xor i1 {overlap}, true"), "undo")

    def _range(self, one: Input, place: int) -> tuple[str, str]:
        """First and last address of an array."""
        f = self.f
        start, size = f.slot(self.frame, place), str(np.dtype(one.dtype).itemsize)
        for axis in range(len(one.shape)):
            size = f.emit(f"mul i64 {size}, {f.slot(self.frame, place + 1 + axis)}")
        return start, f.emit(f"add i64 {start}, {size}")

    # -- what comes out ----------------------------------------------------------------------------------------------
    def _check_patience(self) -> None:
        """Long work on shared variables holds their locks, not the GIL: Python takes them."""
        if self.signature.cells:
            self._need(self.f.emit(f"xor i1 {self._is_long()}, true"), "undo")

    def _is_long(self) -> str:
        work = self.f.slot(self.frame, self.layout.work)
        return self.f.emit(f"icmp sgt i64 {work}, {self._slot('patience')}")

    def _make_outputs(self) -> None:
        f = self.f
        for k, (out, place) in enumerate(zip(self.signature.outputs, self.layout.outputs)):
            dtype = self._slot(f"dtype {out.dtype}")
            self._call("incref", "void", ("ptr", dtype))  # the function takes a reference
            lengths = f.gep(self.frame, str(8 * (place + 1)))
            args = ("i32", str(out.ndim)), ("ptr", lengths), ("ptr", dtype), ("i32", "0")
            array = self._call("empty", "ptr", *args)
            self._need(f.emit(f"icmp ne ptr {array}, null"), "fail")
            self._set_out(k, array)
            data = f.load("ptr", f.gep(array, str(LAYOUT.data)), 8)
            f.set_slot(self.frame, place, data, "ptr")

    def _fill_container(self) -> None:
        """Before computing: nobody must see a list with holes, should the GIL be released."""
        if not self.container:
            return
        stored = {k for k, _ in self.signature.stored}
        container = self._out(len(self.signature.outputs))
        for position, k in enumerate(self.signature.returned):
            array = self._out(k)
            if k in stored or k in self.signature.returned[:position]:
                self._call("incref", "void", ("ptr", array))
            args = ("ptr", container), ("i64", str(position)), ("ptr", array)
            self._call(f"{self.signature.result}_set", "i32", *args)  # takes the reference
        for k in dict.fromkeys(self.signature.returned):
            if k not in stored:
                self._set_out(k, "null")

    def _compute(self) -> None:
        f, layout = self.f, self.layout
        f.set_slot(self.frame, layout.outer, self._slot("outer"), "ptr")
        need = f.slot(self.frame, layout.bytes)
        own = f.alloca(f"[{STACK_ARENA} x i8]")
        borrow, ready, before = f.label("borrow"), f.label("ready"), f.block
        f.branch(f.emit(f"icmp ugt i64 {need}, {STACK_ARENA}"), borrow, ready)
        f.start(borrow)
        functions = ("ptr", self._slot("malloc")), ("ptr", self._slot("free"))
        taken = f.call("@arena_take", "ptr", [("ptr", self._slot("pool")), ("i64", need), *functions])
        self._need(f.emit(f"icmp ne ptr {taken}, null"), "no_memory")
        memory = memory_of(f, taken)
        after = f.block
        f.jump(ready)
        f.start(ready)
        cell = f.emit(f"phi ptr [null, %{before}], [{taken}, %{after}]")
        arena = f.emit(f"phi ptr [{own}, %{before}], [{memory}, %{after}]")
        f.set_slot(self.frame, layout.arena, arena, "ptr")
        status = self._call_body()
        f.when(f.emit(f"icmp ne ptr {cell}, null"), lambda: self._give_back(cell))
        self._need_zero(status, "undo")

    def _give_back(self, cell: str) -> None:
        self.f.call("@arena_give", "void", [("ptr", cell), ("ptr", self._slot("free"))])

    def _call_body(self) -> str:
        """The computation, without the GIL where it takes long and touches nothing shared."""
        f = self.f
        if self.signature.cells:
            return self._run()
        free, held, after = f.label("free"), f.label("held"), f.label("after")
        f.branch(self._is_long(), free, held)
        f.start(free)
        state = self._call("save_thread", "ptr")
        long = self._run()
        self._call("restore_thread", "void", ("ptr", state))
        f.jump(after)
        f.start(held)
        short = self._run()
        f.jump(after)
        f.start(after)
        return f.emit(f"phi i32 [{long}, %{free}], [{short}, %{held}]")

    def _run(self) -> str:
        return self.f.call(f"@{self.body}", "i32", [("ptr", self.frame)])

    def _store(self) -> None:
        """All cells get their new arrays before any old one goes, which may run code of others."""
        f, stored = self.f, self.signature.stored
        olds = []
        for k, cell in stored:
            item = self._item(cell)
            olds.append(f.load("ptr", item, 8))
            f.store("ptr", self._out(k), item, 8)
        if not self.container and self.signature.returned[0] in dict(stored):
            self._call("incref", "void", ("ptr", self._out(self.signature.returned[0])))
        for old in olds:
            self._call("decref", "void", ("ptr", old))

    def _result(self) -> str:
        used = {*self.signature.returned, *(k for k, _ in self.signature.stored)}
        for k in range(len(self.signature.outputs)):
            if k not in used:
                self._call("decref", "void", ("ptr", self._out(k)))
        return self._out(len(self.signature.outputs) if self.container else self.signature.returned[0])

    # -- what does not fit ---------------------------------------------------------------------------------------------
    def _ends(self) -> None:
        f = self.f
        f.start("no_memory")
        self._call("no_memory", "ptr")
        f.jump("fail")
        f.start("fail")
        self._drop()
        f.jump("lost")
        f.start("lost")
        f.ret("null")
        f.start("undo")
        self._drop()
        f.jump("slow")
        f.start("slow")
        if not self.signature.fallback:
            self._call("incref", "void", ("ptr", self._slot("none")))
            f.ret(self._slot("none"))
            return
        bound = self._call("method_new", "ptr", ("ptr", self._slot("fallback")), ("ptr", "%self"))
        self._need(f.emit(f"icmp ne ptr {bound}, null"), "lost")
        args = ("ptr", bound), ("ptr", "%args"), ("i64", "%nargsf"), ("ptr", "%kwnames")
        result = self._call("vectorcall", "ptr", *args)
        self._call("decref", "void", ("ptr", bound))
        f.ret(result)

    def _drop(self) -> None:
        """Gives back every reference that is held; null is none."""
        for k in range(len(self.signature.outputs) + 1):
            self._call("decref", "void", ("ptr", self._out(k)))


# ---------------------------------------------------------------------------------------------------------- one array


def _emit_taker(module: Module, one: Input) -> str:
    """A function that checks an array of one kind and writes its address and lengths into the frame. Its name."""
    shape = "x".join("n" if n is None else str(n) for n in one.shape)
    name = f"take_{one.dtype}_{shape}{'_written' if one.written else ''}{'' if one.read else '_unread'}"
    if name in module.functions:
        return name
    params = [("ptr", "array"), ("ptr", "table")] + ([("ptr", "place")] if one.read else [])
    f = module.function(name, params, "i1")
    f.noinline = True
    kind = f.load("ptr", f.gep("%array", str(LAYOUT.type)), 8)
    _or_false(f, f.emit(f"icmp eq ptr {kind}, {f.slot('%table', SLOTS.index('ndarray'), 'ptr')}"))
    _check_dtype(f, one.dtype)
    ndim = f.load("i32", f.gep("%array", str(LAYOUT.ndim)), 4)
    wanted = C_CONTIGUOUS | ALIGNED | (WRITEABLE if one.written else 0)
    flags = f.emit(f"and i32 {f.load('i32', f.gep('%array', str(LAYOUT.flags)), 4)}, {wanted}")
    fits = f.emit(f"icmp eq i32 {ndim}, {len(one.shape)}")
    _or_false(f, f.emit(f"and i1 {fits}, {f.emit(f'icmp eq i32 {flags}, {wanted}')}"))
    lengths = f.load("ptr", f.gep("%array", str(LAYOUT.lengths)), 8)
    good = "true"
    for axis, expected in enumerate(one.shape):
        length = f.slot(lengths, axis)
        if expected is not None:
            good = f.emit(f"and i1 {good}, {f.emit(f'icmp eq i64 {length}, {expected}')}")
        if one.read:
            f.set_slot("%place", 1 + axis, length)
    if one.read:
        f.set_slot("%place", 0, f.load("ptr", f.gep("%array", str(LAYOUT.data)), 8), "ptr")
    f.ret(good)
    return name


def _or_false(f: Function, condition: str) -> None:
    good, bad = f.label("good"), f.label("bad")
    f.branch(condition, good, bad)
    f.start(bad)
    f.ret("false")
    f.start(good)


def _check_dtype(f: Function, dtype: str) -> None:
    """The dtype is NumPy's own object, or (as in arrays that were pickled) another one for the same numbers."""
    descr = f.load("ptr", f.gep("%array", str(LAYOUT.descr)), 8)
    usual = f.emit(f"icmp eq ptr {descr}, {f.slot('%table', SLOTS.index(f'dtype {dtype}'), 'ptr')}")
    same, other = f.label("same"), f.label("other")
    f.branch(usual, same, other)
    f.start(other)
    number = f.load("i32", f.gep(descr, str(LAYOUT.type_num)), 4)
    order = f.load("i8", f.gep(descr, str(LAYOUT.byteorder)), 1)
    fits = f.emit(f"icmp eq i32 {number}, {np.dtype(dtype).num}")
    native = f.emit(f"icmp eq i8 {order}, {ord(np.dtype(dtype).byteorder)}")
    _or_false(f, f.emit(f"and i1 {fits}, {native}"))
    f.jump(same)
    f.start(same)


# ------------------------------------------------------------------------------------------------------- many arrays


def _apart(module: Module, f: Function, ranges: Sequence[tuple[str, str]], written: int) -> str:
    """Whether none of the first `written` ranges overlaps another one (an i1)."""
    _emit_apart(module)
    count = -(-len(ranges) // 8) * 8
    starts, ends = f.alloca(f"[{count} x i64]"), f.alloca(f"[{count} x i64]")
    for k, (start, end) in enumerate([*ranges, *[("-1", "0")] * (count - len(ranges))]):
        f.set_slot(starts, k, start)
        f.set_slot(ends, k, end)
    return f.call("@apart", "i1", [("ptr", starts), ("ptr", ends), ("i64", str(written)), ("i64", str(count))])


def _emit_apart(module: Module) -> None:
    """@apart(starts, ends, written, count): each of the first `written` ranges meets at most one, which is itself."""
    if "apart" in module.functions:
        return
    params = [("ptr", "starts"), ("ptr", "ends"), ("i64", "written"), ("i64", "count")]
    f = module.function("apart", params, "i1")
    f.noinline = True

    def broadcast(value: str) -> str:
        first = f.emit(f"insertelement <8 x i64> poison, i64 {value}, i32 0")
        return f.emit(f"shufflevector <8 x i64> {first}, <8 x i64> poison, <8 x i32> zeroinitializer")

    def outer(i: str, worst: list[str]) -> list[str]:
        start = broadcast(f.load("i64", f.gep("%starts", i, "i64"), 8))
        end = broadcast(f.load("i64", f.gep("%ends", i, "i64"), 8))

        def inner(j: str, counts: list[str]) -> list[str]:
            before = f.emit(f"icmp ult <8 x i64> {start}, {f.load('<8 x i64>', f.gep('%ends', j, 'i64'), 64)}")
            behind = f.emit(f"icmp ult <8 x i64> {f.load('<8 x i64>', f.gep('%starts', j, 'i64'), 64)}, {end}")
            meets = f.emit(f"zext <8 x i1> {f.emit(f'and <8 x i1> {before}, {behind}')} to <8 x i64>")
            return [f.emit(f"add <8 x i64> {counts[0]}, {meets}")]

        counts = f.loop("0", "%count", 8, [("<8 x i64>", "zeroinitializer")], inner)
        total = f.intrinsic("llvm.vector.reduce.add.v8i64", "i64", [("<8 x i64>", counts[0])])
        return [f.intrinsic("llvm.umax.i64", "i64", [("i64", worst[0]), ("i64", total)])]

    worst = f.loop("0", "%written", 1, [("i64", "0")], outer)
    f.ret(f.emit(f"icmp ule i64 {worst[0]}, 1"))
