"""The entry point in machine code: how Python reaches a region. It checks, allocates, computes, returns, stores.

There is one, generated once for the process, for all functions. It has the signature of a vectorcall function; `self`
is an instance of a type made by callable.fast_type, in which lies the address of a table (signature.table_of) that says
what is taken and given, and where the region's `sizes` and `body` are. The code itself knows no address, so it can be
kept on disk. It checks what Python would have to: whatever does not fit goes to the fallback, with the same arguments,
before anything was written.

While it holds the GIL, nothing it calls runs other Python code between the first look at an array and the last store
into a cell, so a call is as atomic as one that takes the locks of its shared variables. (The container of the results
is made before: that may start the garbage collector.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache

from symtheano.compile.target.native.abi import LAYOUT, lock_word
from symtheano.compile.target.native.arenas import emit_arenas, memory_of
from symtheano.compile.target.native.llvm import Function, Host, Module
from symtheano.compile.target.native.signature import CELL, HEADER, INPUT, OUTPUT, RETURNED, STORED
from symtheano.compile.target.native.toolchain import Loaded, build_once, host
from symtheano.config import config

STACK_BLOCK = 2048  # bytes of a call's own memory that are taken from the stack
STACK_ARENA = 1024  # and of scratch memory
_FEW_PAIRS = 32  # of arrays, that are compared one by one
_ARGUMENTS = (1 << 63) - 1  # the bits of `nargsf` that are a number
_SLOW = "inttoptr (i64 1 to ptr)"  # what @run returns where the fallback must be called


@cache
def machine_entry() -> int:
    """The address of the entry, which stays."""
    layout = f"entry {sys.version} {lock_word()} {LAYOUT} {config.check_programs}"
    _loaded.append(build_once(layout, lambda: str(entry_module()), ["entry"]))
    return _loaded[0].address("entry")


_loaded: list[Loaded] = []


def entry_module(machine: Host | None = None) -> Module:
    """The code of the entry, for a machine (this one) and this Python."""
    module = Module(machine or host())
    emit_arenas(module)
    _emit_apart(module)
    _Run(module).write()
    _emit_entry(module)
    return module


def _word(f: Function, table: str, name: str, type_: str = "ptr") -> str:
    """A word of a table's header."""
    return f.slot(table, HEADER.index(name), type_)


def _need(f: Function, condition: str, otherwise: str) -> None:
    """Goes on where an i1 is true."""
    following = f.label("next")
    f.branch(condition, following, otherwise)
    f.start(following)


def _emit_entry(module: Module) -> None:
    """@entry: the function that Python calls. It finds memory for the call, and calls the fallback where it must."""
    params = [("ptr", "self"), ("ptr", "args"), ("i64", "nargsf"), ("ptr", "kwnames")]
    f = module.function("entry", params, "ptr", linkage="")
    table = f.load("ptr", f.gep("%self", str(LAYOUT.table)), 8)
    count = f.emit(f"and i64 %nargsf, {_ARGUMENTS}")
    fits = f.emit(f"icmp eq i64 {count}, {_word(f, table, 'arguments', 'i64')}")
    _need(f, f.emit(f"and i1 {fits}, {f.emit('icmp eq ptr %kwnames, null')}"), "slow")
    size = _word(f, table, "block", "i64")
    small, large = f.label("small"), f.label("large")
    f.branch(f.emit(f"icmp ule i64 {size}, {STACK_BLOCK}"), small, large)
    f.start(small)
    block = f.alloca(f"[{STACK_BLOCK} x i8]")
    result = f.call("@run", "ptr", [("ptr", "%args"), ("ptr", table), ("ptr", block)])
    _need(f, f.emit(f"icmp ne ptr {result}, {_SLOW}"), "slow")
    f.ret(result)
    f.start(large)
    cell = f.call("@arena_own", "ptr", [("i64", size), ("ptr", _word(f, table, "malloc"))])
    _need(f, f.emit(f"icmp ne ptr {cell}, null"), "slow")
    result = f.call("@run", "ptr", [("ptr", "%args"), ("ptr", table), ("ptr", memory_of(f, cell))])
    f.call("@arena_give", "void", [("ptr", cell), ("ptr", _word(f, table, "free"))])
    _need(f, f.emit(f"icmp ne ptr {result}, {_SLOW}"), "slow")
    f.ret(result)
    f.start("slow")
    fallback = _word(f, table, "fallback")
    _need(f, f.emit(f"icmp ne ptr {fallback}, null"), "none")
    bound = f.call(_word(f, table, "method_new"), "ptr", [("ptr", fallback), ("ptr", "%self")])
    _need(f, f.emit(f"icmp ne ptr {bound}, null"), "lost")
    args = [("ptr", bound), ("ptr", "%args"), ("i64", "%nargsf"), ("ptr", "%kwnames")]
    result = f.call(_word(f, table, "vectorcall"), "ptr", args)
    f.call(_word(f, table, "decref"), "void", [("ptr", bound)])
    f.ret(result)
    f.start("none")
    none = _word(f, table, "none")
    f.call(_word(f, table, "incref"), "void", [("ptr", none)])
    f.ret(none)
    f.start("lost")
    f.ret("null")


class _Run:
    """@run(args, table, block): the result of a call; null after an exception; _SLOW.

    Labels: `undo` and `fail`, which give back what is held: the words at `outs` are the new arrays that are still ours
    (null: none), and then the container.
    """

    def __init__(self, module: Module) -> None:
        params = [("ptr", "args"), ("ptr", "table"), ("ptr", "block")]
        self.f = module.function("run", params, "ptr")
        self.f.noinline = True

    def write(self) -> None:
        f = self.f
        self._each_out(lambda place: f.store("ptr", "null", place, 8))
        self._make_container()
        self._records("given", len(INPUT), self._take_argument)
        self._records("cells", len(CELL), self._check_cell)
        self._records("celled", len(INPUT), self._take_cell)
        self._records("constant", len(INPUT), self._take_constant)
        self._check_overlap()
        f.store("ptr", self._word("outer"), self._inside("outer_slot"), 8)
        self._need_zero(f.call(self._word("sizes"), "i32", [("ptr", "%block")]), "undo")
        self.long = f.emit(f"icmp sgt i64 {self._at('work_slot', 'i64')}, {self._word('patience', 'i64')}")
        self.shared = f.emit(f"icmp ne i64 {self._word('cells', 'i64')}, 0")
        # Long work on shared variables holds their locks, not the GIL: Python takes them.
        _need(f, f.emit(f"xor i1 {f.emit(f'and i1 {self.long}, {self.shared}')}, true"), "undo")
        self._records("outputs", len(OUTPUT), self._make_output)
        self._records("returned", len(RETURNED), self._fill_container)
        self._compute()
        self._store()
        self._finish()
        self._ends()

    # -- small words -------------------------------------------------------------------------------------------------
    def _word(self, name: str, type_: str = "ptr") -> str:
        return _word(self.f, "%table", name, type_)

    def _call(self, name: str, returns: str, *args: tuple[str, str]) -> str:
        """A call of a function that the table has."""
        return self.f.call(self._word(name), returns, args)

    def _inside(self, name: str) -> str:
        """The place in the block that a word of the table says."""
        return self.f.gep("%block", self._word(name, "i64"))

    def _at(self, name: str, type_: str = "ptr") -> str:
        return self.f.load(type_, self._inside(name), 8)

    def _need(self, condition: str, otherwise: str) -> None:
        _need(self.f, condition, otherwise)

    def _need_zero(self, status: str, otherwise: str) -> None:
        self._need(self.f.emit(f"icmp eq i32 {status}, 0"), otherwise)

    def _records(self, section: str, size: int, body: Callable[[str, str], None]) -> None:
        """body(record, number) for each record of a section. Records of inputs are longer by their lengths."""
        f = self.f
        first, count = self._word(f"{section}_at"), self._word(section, "i64")

        def step(i: str, records: list[str]) -> list[str]:
            record = records[0]
            body(record, i)
            if size != len(INPUT):
                return [f.gep(record, str(8 * size))]
            return [f.gep(record, f.emit(f"add i64 {self._field(record, 'ndim', 'i64')}, {size}"), "i64")]

        f.loop("0", count, 1, [("ptr", first)], step)

    def _field(self, record: str, name: str, type_: str = "ptr", fields: tuple[str, ...] = INPUT) -> str:
        return self.f.slot(record, fields.index(name), type_)

    # -- what goes in ------------------------------------------------------------------------------------------------
    def _take_argument(self, record: str, _: str) -> None:
        place = self.f.gep("%args", self._field(record, "source", "i64"))
        self._take(record, self.f.load("ptr", place, 8))

    def _take_cell(self, record: str, _: str) -> None:
        self._take(record, self.f.load("ptr", self._item(self._field(record, "source")), 8))

    def _take_constant(self, record: str, _: str) -> None:
        self._take(record, self._field(record, "source"))

    def _item(self, cell: str) -> str:
        """Where the value of a shared variable is, in the list that is its cell."""
        return self.f.load("ptr", self.f.gep(cell, str(LAYOUT.list_items)), 8)

    def _check_cell(self, record: str, _: str) -> None:
        """Nobody may hold its lock. Whoever waits for it gets it when we return."""
        f = self.f
        lock, cell = self._field(record, "lock", fields=CELL), self._field(record, "list", fields=CELL)
        held = f.load("i64", f.gep(lock, str(lock_word())), 8)
        size = f.load("i64", f.gep(cell, str(LAYOUT.list_size)), 8)
        free, one = f.emit(f"icmp eq i64 {held}, 0"), f.emit(f"icmp eq i64 {size}, 1")
        self._need(f.emit(f"and i1 {free}, {one}"), "undo")

    def _take(self, record: str, array: str) -> None:
        """Checks an array, and writes its address and lengths into the frame, its ends into the ranges."""
        f = self.f
        kind = f.load("ptr", f.gep(array, str(LAYOUT.type)), 8)
        self._need(f.emit(f"icmp eq ptr {kind}, {self._word('ndarray')}"), "undo")
        self._check_dtype(record, array)
        ndim, wanted = self._field(record, "ndim", "i64"), self._field(record, "flags", "i32")
        same = f.emit(
            f"icmp eq i32 {f.load('i32', f.gep(array, str(LAYOUT.ndim)), 4)}, {f.emit(f'trunc i64 {ndim} to i32')}"
        )
        flags = f.emit(f"and i32 {f.load('i32', f.gep(array, str(LAYOUT.flags)), 4)}, {wanted}")
        self._need(f.emit(f"and i1 {same}, {f.emit(f'icmp eq i32 {flags}, {wanted}')}"), "undo")
        place = f.gep("%block", self._field(record, "place", "i64"))
        data, lengths = f.load("ptr", f.gep(array, str(LAYOUT.data)), 8), f.load(
            "ptr", f.gep(array, str(LAYOUT.lengths)), 8
        )  # fmt: skip
        f.store("ptr", data, place, 8)

        def axis(k: str, bytes_: list[str]) -> list[str]:
            length = f.load("i64", f.gep(lengths, k, "i64"), 8)
            expected = f.load("i64", f.gep(record, f.emit(f"add i64 {k}, {len(INPUT)}"), "i64"), 8)
            any_, equal = f.emit(f"icmp slt i64 {expected}, 0"), f.emit(f"icmp eq i64 {expected}, {length}")
            self._need(f.emit(f"or i1 {any_}, {equal}"), "undo")
            f.store("i64", length, f.gep(place, f.emit(f"add i64 {k}, 1"), "i64"), 8)
            return [f.emit(f"mul i64 {bytes_[0]}, {length}")]

        (size,) = f.loop("0", ndim, 1, [("i64", self._field(record, "itemsize", "i64"))], axis)
        number = self._field(record, "range", "i64")
        start = f.emit(f"ptrtoint ptr {data} to i64")
        f.store("i64", start, f.gep(self._inside("starts"), number, "i64"), 8)
        f.store("i64", f.emit(f"add i64 {start}, {size}"), f.gep(self._inside("ends"), number, "i64"), 8)

    def _check_dtype(self, record: str, array: str) -> None:
        """The dtype is NumPy's own object, or (as in arrays that were pickled) another one for the same numbers."""
        f = self.f
        dtype = f.load("ptr", f.gep(array, str(LAYOUT.descr)), 8)
        same, other = f.label("same"), f.label("other")
        f.branch(f.emit(f"icmp eq ptr {dtype}, {self._field(record, 'dtype')}"), same, other)
        f.start(other)
        number = f.load("i32", f.gep(dtype, str(LAYOUT.type_num)), 4)
        order = f.load("i8", f.gep(dtype, str(LAYOUT.byteorder)), 1)
        fits = f.emit(f"icmp eq i32 {number}, {self._field(record, 'type_num', 'i32')}")
        native = f.emit(f"icmp eq i8 {order}, {self._field(record, 'byteorder', 'i8')}")
        self._need(f.emit(f"and i1 {fits}, {native}"), "undo")
        f.jump(same)
        f.start(same)

    def _check_overlap(self) -> None:
        """What is written shares no memory with anything else that is read."""
        f = self.f
        written, ranges = self._word("written", "i64"), self._word("ranges", "i64")

        def check() -> None:
            padded = self._word("padded", "i64")
            pairs = f.emit(f"mul i64 {written}, {ranges}")
            args = [("ptr", self._inside("starts")), ("ptr", self._inside("ends")), ("i64", written)]
            few, many, done = f.label("few"), f.label("many"), f.label("done")
            f.branch(f.emit(f"icmp ule i64 {pairs}, {_FEW_PAIRS}"), few, many)
            f.start(few)
            self._need(f.call("@apart_few", "i1", [*args, ("i64", ranges)]), "undo")
            f.jump(done)
            f.start(many)
            self._need(f.call("@apart_many", "i1", [*args, ("i64", ranges), ("i64", padded)]), "undo")
            f.jump(done)
            f.start(done)

        f.when(f.emit(f"icmp ne i64 {written}, 0"), check)

    # -- what comes out ----------------------------------------------------------------------------------------------
    def _each_out(self, body: Callable[[str], None]) -> None:
        """body(place) for the words of new arrays and of the container."""
        f = self.f
        first = self._inside("outs")
        count = f.emit(f"add i64 {self._word('outputs', 'i64')}, 1")

        def step(k: str, _: list[str]) -> None:
            body(f.gep(first, k, "i64"))

        f.loop("0", count, 1, [], step)

    def _make_container(self) -> None:
        f = self.f
        function, size = self._word("container_new"), self._word("returned", "i64")

        def make() -> None:
            made = f.call(function, "ptr", [("i64", size)])
            self._need(f.emit(f"icmp ne ptr {made}, null"), "lost")
            f.store("ptr", made, self._inside("only"), 8)

        f.when(f.emit(f"icmp ne ptr {function}, null"), make)

    def _make_output(self, record: str, number: str) -> None:
        f = self.f
        dtype = self._field(record, "dtype", fields=OUTPUT)
        place = f.gep("%block", self._field(record, "place", "i64", OUTPUT))
        self._call("incref", "void", ("ptr", dtype))  # the function takes a reference
        args = ("i32", self._field(record, "ndim", "i32", OUTPUT)), ("ptr", f.gep(place, "8")), ("ptr", dtype)
        array = self._call("empty", "ptr", *args, ("i32", "0"))
        self._need(f.emit(f"icmp ne ptr {array}, null"), "fail")
        f.store("ptr", array, f.gep(self._inside("outs"), number, "i64"), 8)
        data = f.load("ptr", f.gep(array, str(LAYOUT.data)), 8)
        f.store("ptr", data, place, 8)
        if config.check_programs:
            ndim = self._field(record, "ndim", "i64", OUTPUT)
            _poison(f, data, _bytes_of(f, array, f.gep(place, "8"), ndim))

    def _fill_container(self, record: str, number: str) -> None:
        """Before computing: nobody must see a list with holes, should the GIL be released.

        The container takes a reference: ours, which then is none, or one more.
        """
        f = self.f
        place = f.gep("%block", self._field(record, "out", "i64", RETURNED))
        array, share = f.load("ptr", place, 8), self._field(record, "share", "i64", RETURNED)
        self._share(share, array)
        self._call("container_set", "i32", ("ptr", self._at("only")), ("i64", number), ("ptr", array))
        shared = f.emit(f"icmp ne i64 {share}, 0")
        f.store("ptr", f.emit(f"select i1 {shared}, ptr {array}, ptr null"), place, 8)

    def _share(self, wanted: str, array: str) -> None:
        """One more reference, where it is wanted."""
        f = self.f
        f.when(f.emit(f"icmp ne i64 {wanted}, 0"), lambda: void(self._call("incref", "void", ("ptr", array))))

    def _compute(self) -> None:
        f = self.f
        need, own = self._at("bytes_slot", "i64"), f.alloca(f"[{STACK_ARENA} x i8]")
        borrow, ready, before = f.label("borrow"), f.label("ready"), f.block
        f.branch(f.emit(f"icmp ugt i64 {need}, {0 if config.check_programs else STACK_ARENA}"), borrow, ready)
        f.start(borrow)
        functions = ("ptr", self._word("malloc")), ("ptr", self._word("free"))
        taken = f.call("@arena_take", "ptr", [("ptr", self._word("pool")), ("i64", need), *functions])
        self._need(f.emit(f"icmp ne ptr {taken}, null"), "no_memory")
        memory, after = memory_of(f, taken), f.block
        f.jump(ready)
        f.start(ready)
        cell = f.emit(f"phi ptr [null, %{before}], [{taken}, %{after}]")
        arena = f.emit(f"phi ptr [{own}, %{before}], [{memory}, %{after}]")
        f.store("ptr", arena, self._inside("arena_slot"), 8)
        if config.check_programs:
            _poison(f, arena, need)
        status = self._call_body()
        give = [("ptr", cell), ("ptr", self._word("free"))]
        f.when(f.emit(f"icmp ne ptr {cell}, null"), lambda: void(f.call("@arena_give", "void", give)))
        self._need_zero(status, "undo")

    def _call_body(self) -> str:
        """The computation, without the GIL where it takes long (and touches nothing shared: that was settled)."""
        f = self.f
        free, held, after = f.label("free"), f.label("held"), f.label("after")
        f.branch(self.long, free, held)
        f.start(free)
        state = self._call("save_thread", "ptr")
        long = self._call("body", "i32", ("ptr", "%block"))
        self._call("restore_thread", "void", ("ptr", state))
        f.jump(after)
        f.start(held)
        short = self._call("body", "i32", ("ptr", "%block"))
        f.jump(after)
        f.start(after)
        return f.emit(f"phi i32 [{long}, %{free}], [{short}, %{held}]")

    def _store(self) -> None:
        """All cells get their new arrays before any old one goes, which may run code of others."""
        f = self.f
        olds = self._inside("olds")

        def swap(record: str, number: str) -> None:
            item = self._item(self._field(record, "list", fields=STORED))
            f.store("ptr", f.load("ptr", item, 8), f.gep(olds, number, "i64"), 8)
            place = f.gep("%block", self._field(record, "out", "i64", STORED))
            f.store("ptr", f.load("ptr", place, 8), item, 8)

        self._records("stored", len(STORED), swap)

    def _finish(self) -> None:
        """The result; references to old values and to outputs that nobody asked for go."""
        f = self.f
        only = self._inside("only")
        result = f.load("ptr", only, 8)
        self._share(self._word("share", "i64"), result)
        f.store("ptr", "null", only, 8)
        olds = self._inside("olds")

        def forget(record: str, number: str) -> None:
            f.store("ptr", "null", f.gep("%block", self._field(record, "out", "i64", STORED)), 8)
            self._call("decref", "void", ("ptr", f.load("ptr", f.gep(olds, number, "i64"), 8)))

        self._records("stored", len(STORED), forget)
        self._each_out(self._drop)
        f.ret(result)

    def _drop(self, place: str) -> None:
        """Gives a reference back, if it is one."""
        f = self.f
        held = f.load("ptr", place, 8)
        f.when(f.emit(f"icmp ne ptr {held}, null"), lambda: void(self._call("decref", "void", ("ptr", held))))

    def _ends(self) -> None:
        f = self.f
        f.start("no_memory")
        self._call("no_memory", "ptr")
        f.jump("fail")
        f.start("fail")
        self._each_out(self._drop)
        f.jump("lost")
        f.start("lost")
        f.ret("null")
        f.start("undo")
        self._each_out(self._drop)
        f.ret(_SLOW)


def _bytes_of(f: Function, array: str, lengths: str, ndim: str) -> str:
    """How many bytes a C-contiguous array has; 0 where it has no axes."""

    def axis(k: str, size: list[str]) -> list[str]:
        return [f.emit(f"mul i64 {size[0]}, {f.load('i64', f.gep(lengths, k, 'i64'), 8)}")]

    def items() -> list[str]:
        strides = f.load("ptr", f.gep(array, str(LAYOUT.strides)), 8)
        last = f.load("i64", f.gep(strides, f.emit(f"sub i64 {ndim}, 1"), "i64"), 8)
        return f.loop("0", ndim, 1, [("i64", last)], axis)

    (size,) = f.when(f.emit(f"icmp ne i64 {ndim}, 0"), items, [("i64", "0")])
    return size


def _poison(f: Function, pointer: str, size: str) -> None:
    """nan, -1 or True in every element of fresh memory (a check): who reads what nobody wrote is found out."""
    f.loop("0", size, 1, [], lambda k, _: f.store("i8", "-1", f.gep(pointer, k), 1))


def void(_: str) -> None:
    """For a call whose value is not needed, as the body of `when`."""


# ------------------------------------------------------------------------------------------------------------ overlaps


def _emit_apart(module: Module) -> None:
    """@apart_few and @apart_many: whether none of the first `written` ranges overlaps another one."""
    params = [("ptr", "starts"), ("ptr", "ends"), ("i64", "written"), ("i64", "count")]
    _one_by_one(module.function("apart_few", params, "i1"))
    _in_vectors(module.function("apart_many", [*params, ("i64", "padded")], "i1"))


def _one_by_one(f: Function) -> None:
    f.noinline = True

    def outer(j: str, found: list[str]) -> list[str]:
        start, end = f.load("i64", f.gep("%starts", j, "i64"), 8), f.load("i64", f.gep("%ends", j, "i64"), 8)

        def inner(k: str, found: list[str]) -> list[str]:
            before = f.emit(f"icmp ult i64 {start}, {f.load('i64', f.gep('%ends', k, 'i64'), 8)}")
            behind = f.emit(f"icmp ult i64 {f.load('i64', f.gep('%starts', k, 'i64'), 8)}, {end}")
            return [f.emit(f"or i1 {found[0]}, {f.emit(f'and i1 {before}, {behind}')}")]

        return f.loop(f.emit(f"add i64 {j}, 1"), "%count", 1, [("i1", found[0])], inner)

    (found,) = f.loop("0", "%written", 1, [("i1", "false")], outer)
    f.ret(f.emit(f"xor i1 {found}, true"))


def _in_vectors(f: Function) -> None:
    """Each of the first ranges meets at most one, which is itself. The padding meets none."""
    f.noinline = True

    def pad(k: str, _: list[str]) -> None:
        f.store("i64", "-1", f.gep("%starts", k, "i64"), 8)
        f.store("i64", "0", f.gep("%ends", k, "i64"), 8)

    def broadcast(value: str) -> str:
        first = f.emit(f"insertelement <8 x i64> poison, i64 {value}, i32 0")
        return f.emit(f"shufflevector <8 x i64> {first}, <8 x i64> poison, <8 x i32> zeroinitializer")

    def outer(i: str, worst: list[str]) -> list[str]:
        start = broadcast(f.load("i64", f.gep("%starts", i, "i64"), 8))
        end = broadcast(f.load("i64", f.gep("%ends", i, "i64"), 8))

        def inner(j: str, counts: list[str]) -> list[str]:
            before = f.emit(f"icmp ult <8 x i64> {start}, {f.load('<8 x i64>', f.gep('%ends', j, 'i64'), 8)}")
            behind = f.emit(f"icmp ult <8 x i64> {f.load('<8 x i64>', f.gep('%starts', j, 'i64'), 8)}, {end}")
            meets = f.emit(f"zext <8 x i1> {f.emit(f'and <8 x i1> {before}, {behind}')} to <8 x i64>")
            return [f.emit(f"add <8 x i64> {counts[0]}, {meets}")]

        counts = f.loop("0", "%padded", 8, [("<8 x i64>", "zeroinitializer")], inner)
        total = f.intrinsic("llvm.vector.reduce.add.v8i64", "i64", [("<8 x i64>", counts[0])])
        return [f.intrinsic("llvm.umax.i64", "i64", [("i64", worst[0]), ("i64", total)])]

    f.loop("%count", "%padded", 1, [], pad)
    worst = f.loop("0", "%written", 1, [("i64", "0")], outer)
    f.ret(f.emit(f"icmp ule i64 {worst[0]}, 1"))
