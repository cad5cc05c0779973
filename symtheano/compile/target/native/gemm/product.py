"""A matrix product with an epilogue, as a launched function (see layout.py): acc[i, j] is the sum of A[i, k] B[k, j].

    W -= lr * x.T @ d       kernel [i, j; ] *W: float32[2], lr: float32[0]
                              once:  W[i, j] = W[i, j] - lr * acc[i, j]

The epilogue is an ordinary kernel over the product's two axes which reads it as the buffer "acc". It is emitted as any
kernel is, and runs on one block of sums after the other while they are in the first cache.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from symtheano.compile.kernel import Buffer, Kernel, Stage, Statement, Store
from symtheano.compile.target.native.gemm.drive import DONE, PARAMS, emit_drive, scratch_terms
from symtheano.compile.target.native.gemm.shape import Shape, shape_for
from symtheano.compile.target.native.kernel import emit_kernel
from symtheano.compile.target.native.layout import ABI, Layout, Slot
from symtheano.compile.target.native.llvm import Function, Module
from symtheano.errors import CheckError
from symtheano.scalar.expr import Expr, index, load, postorder, with_args

ACC = "acc"
Access = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class GemmSpec:
    """dtype: of A, B and the sums, float32 or float64. epilogue: has two axes, those of the product, and no inner ones.

    Each of its buffers is read and written at one place: an axis is indexed by an axis of the product or a constant.
    """

    dtype: str
    epilogue: Kernel

    @cached_property
    def axes(self) -> tuple[str, str]:
        """The names of the product's axes."""
        first, second = self.epilogue.axes
        return first, second

    @cached_property
    def moves(self) -> dict[str, tuple[int | None, ...]]:
        """For each buffer of the epilogue, of each of its axes, the axis of the product that moves along it."""
        found: dict[str, tuple[int | None, ...]] = {}
        names = {b.name for b in self.epilogue.buffers} | {ACC}
        for name, place in self._places():
            if name in names and found.setdefault(name, self._move(name, place)) != self._move(name, place):
                raise CheckError(f"{name} is read at several places in the epilogue of a product\n{self.epilogue}")
        return found

    def _places(self) -> list[tuple[str, tuple[Expr, ...]]]:
        places = []
        for statement in self.epilogue.statements():
            if isinstance(statement, Store):
                places.append((statement.buffer, statement.index))
            places += [(n.value, n.args) for n in postorder((statement.expr,)) if n.kind == "load"]
        return places

    def _move(self, name: str, place: Sequence[Expr]) -> tuple[int | None, ...]:
        if any(e.kind not in ("index", "const") for e in place):
            raise CheckError(f"{name} is read at a computed place in the epilogue of a product\n{self.epilogue}")
        return tuple(self.axes.index(e.value) if e.kind == "index" else None for e in place)

    def copied_to(self) -> str | None:
        """The buffer that receives the sums as they are, if that is all there is to do."""
        statements = list(self.epilogue.statements())
        if len(statements) != 1 or not isinstance(statements[0], Store) or statements[0].add:
            return None
        store, place = statements[0], tuple(map(index, self.axes))
        dtype = {b.name: b.dtype for b in self.epilogue.buffers}[store.buffer]
        return store.buffer if store.expr is load(ACC, place) and store.index == place and dtype == self.dtype else None


def emit_gemm(module: Module, name: str, spec: GemmSpec, access: Access, shared: bool = False) -> Layout:
    """The function `name`. access: of the epilogue's buffers, as for `emit_kernel`.

    shared: the loops and tiles are not in this module, their address is an argument: Slot("function", "gemm.float32").
    """
    return _Product(module, name, spec, access, shared).emit()


class _Product:
    def __init__(self, module: Module, name: str, spec: GemmSpec, access: Access, shared: bool) -> None:
        self.module, self.name, self.spec, self.access, self.shared = module, name, spec, access, shared
        self.shape: Shape = shape_for(module.host, spec.dtype)
        self.origins: dict[str, str] = {}  # of an axis whose coordinate is a value: the buffer that has the first one

    def emit(self) -> Layout:
        spec, shape = self.spec, self.shape
        i, j = spec.axes
        self.slots: tuple[Slot, ...] = (
            *(Slot("pointer", "A"), Slot("stride", "A", 0), Slot("stride", "A", 1)),
            *(Slot("pointer", "B"), Slot("stride", "B", 0), Slot("stride", "B", 1)),
            *(Slot("size", i), Slot("size", j), Slot("size", "k")),
        )
        out = spec.copied_to()
        self.out = out if out is not None and self.access[out][1] == "c" else None
        # The loops write what needs no epilogue; without masks, only whole tiles of it.
        self.calls = self.out is None or not shape.masks
        self.slots += self._epilogue() if self.calls else (Slot("pointer", str(out)), Slot("stride", str(out), 0))
        if self.shared:
            self.slots += (Slot("function", f"gemm.{spec.dtype}"),)
        if self.calls:
            self._done()
        self._launch()
        return Layout(self.name, self.slots, i, scratch_terms(shape, i, "k"), cost=0.33 / shape.lanes)

    def _epilogue(self) -> tuple[Slot, ...]:
        """Emits the epilogue's kernel; the slots it needs from us."""
        self.spec.moves  # noqa: B018 - raises where the epilogue is none
        kernel = self._block_kernel()
        classes = {**self.access, ACC: ("s", "c"), **dict.fromkeys(self.origins.values(), ())}
        self.inner = emit_kernel(self.module, f"{self.name}.epilogue", kernel, classes)
        assert not self.inner.scratch, kernel
        ours = (ACC, *self.origins.values())
        return tuple(s for s in self.inner.slots if s.kind != "size" and s.name not in ours)

    def _block_kernel(self) -> Kernel:
        """The epilogue of a block: coordinates that are values count from the block's first."""
        epilogue = self.spec.epilogue
        buffers = {b.name: b for b in epilogue.buffers} | {ACC: Buffer(ACC, self.spec.dtype, 2)}
        stages = tuple(Stage(s.inner, tuple(map(self._moved, s.body))) for s in epilogue.stages)
        buffers |= {b: Buffer(b, "int64", 0) for b in self.origins.values()}
        return replace(epilogue, buffers=tuple(buffers.values()), stages=stages)

    def _moved(self, statement: Statement) -> Statement:
        made: dict[Expr, Expr] = {}
        for node in postorder((statement.expr,)):
            if node.kind == "index":
                origin = self.origins.setdefault(node.value, f"first.{node.value}")
                made[node] = node + load(origin)
            else:
                made[node] = node if node.kind == "load" else with_args(node, tuple(made[a] for a in node.args))
        return replace(statement, expr=made[statement.expr])

    # -- the function that is launched ---------------------------------------------------------------------------------
    def _launch(self) -> None:
        """Runs the loops. What they need are the first slots."""
        f = self.module.function(self.name, ABI, "i32")
        drive = f.slot("%args", len(self.slots) - 1, "ptr") if self.shared else emit_drive(self.module, self.shape)
        c, c_row, done = "null", "0", f"@{self.name}.done" if self.calls else "null"
        if self.out is not None:
            c = f.slot("%args", self.slots.index(Slot("pointer", self.out)), "ptr")
            c_row = f.slot("%args", self.slots.index(Slot("stride", self.out, 0)))
        values = [*(f"%{n}" for _, n in ABI), c, c_row, done]
        f.call(drive, "void", [(t, v) for (t, _), v in zip(PARAMS, values, strict=True)])
        f.ret("0")

    # -- the epilogue of a block -------------------------------------------------------------------------------------
    def _done(self) -> None:
        """Launches the epilogue's kernel: each buffer from the block's first element on."""
        f = self.module.function(f"{self.name}.done", DONE)
        args = f.alloca(f"[{max(1, len(self.inner.slots))} x i64]")
        for place, slot in enumerate(self.inner.slots):
            f.set_slot(args, place, *self._argument(f, slot))
        end = dict(zip(self.spec.axes, ("%rows", "%cols"))).get(self.inner.split or "", "0")
        f.call(f"@{self.inner.name}", "i32", [("ptr", args), ("i64", "0"), ("i64", end), ("ptr", "null")])
        f.ret()

    def _argument(self, f: Function, slot: Slot) -> tuple[str, str]:
        first = dict(zip(self.spec.axes, ("%row", "%col")))
        if slot.kind == "size":
            return dict(zip(self.spec.axes, ("%rows", "%cols")))[slot.name], "i64"
        if slot.name == ACC:
            return ("%sums", "ptr") if slot.kind == "pointer" else (str(self.shape.columns), "i64")
        for axis, origin in self.origins.items():
            if slot.name == origin:
                held = f.alloca("i64", 8)
                f.store("i64", first[axis], held, 8)
                return held, "ptr"
        kind = "ptr" if slot.kind == "pointer" else "i64"
        value = f.slot("%args", self.slots.index(slot), kind)
        return (value if slot.kind == "stride" else self._moved_to_block(f, slot.name, value)), kind

    def _moved_to_block(self, f: Function, name: str, pointer: str) -> str:
        """The buffer from the block's first element on."""
        itemsize = np.dtype({b.name: b.dtype for b in self.spec.epilogue.buffers}[name]).itemsize
        for axis, move in enumerate(self.spec.moves.get(name, ())):
            if move is not None:
                steps = f.emit(f"mul i64 {('%row', '%col')[move]}, {itemsize}")
                if self.access[name][axis] != "c":
                    stride = f.slot("%args", self.slots.index(Slot("stride", name, axis)))
                    steps = f.emit(f"mul i64 {steps}, {stride}")
                pointer = f.gep(pointer, steps)
        return pointer
