"""A matrix product with an epilogue, as a launched function (see layout.py): acc[i, j] is the sum of A[i, k] B[k, j].

    W -= lr * x.T @ d       kernel [i, j; ] *W: float32[2], lr: float32[0]
                              once:  W[i, j] = W[i, j] - lr * acc[i, j]

The epilogue is an ordinary kernel over the product's two axes which reads it as the buffer "acc". It is emitted as any
kernel is, and runs on one block of sums after the other while they are in the first cache. Copies and scaled additions
like this one the tiles do themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from symtheano.compile.kernel import Buffer, Kernel, Stage, Statement
from symtheano.compile.target.native.gemm import outer
from symtheano.compile.target.native.gemm.choice import Choice, choice_for
from symtheano.compile.target.native.gemm.drive import DONE, FIELDS, drive_params, emit_drive, scratch_terms
from symtheano.compile.target.native.gemm.outer import Matrix, Outer
from symtheano.compile.target.native.gemm.shape import Shape, shape_for
from symtheano.compile.target.native.gemm.spec import ACC, Direct, GemmSpec
from symtheano.compile.target.native.kernel import emit_kernel
from symtheano.compile.target.native.layout import ABI, Layout, Scratch, Slot
from symtheano.compile.target.native.llvm import Function, Module, float_literal
from symtheano.scalar.expr import Expr, load, postorder, with_args

__all__ = ["GemmSpec", "emit_gemm"]
Access = Mapping[str, tuple[str, ...]]


def emit_gemm(
    module: Module,
    name: str,
    spec: GemmSpec,
    access: Access,
    shared: bool = False,
    choice: Choice | None = None,
) -> Layout:
    """The function `name`. access: of the epilogue's buffers, as for `emit_kernel`; of "A" it saves memory to know.

    shared: the loops and tiles are not in this module, their address is an argument: Slot("function", "gemm.float32").
    choice: when to call the BLAS instead, whose address (or null) is an argument then: Slot("function", "sgemm").
    """
    return _Product(module, name, spec, access, shared, choice or choice_for(module.host)).emit()


class _Product:
    def __init__(self, module: Module, name: str, spec: GemmSpec, access: Access, shared: bool, choice: Choice) -> None:
        self.module, self.name, self.spec, self.access = module, name, spec, access
        self.shared, self.choice = shared, choice
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
        self.direct = spec.direct
        if self.direct is not None and any(self.access[b] != ("s", "c") for b in self._matrices(self.direct)):
            self.direct = None
        self.outer = self.choice.work is not None
        # What tiles do themselves needs no epilogue; but without masks they do whole tiles only, and the BLAS adds in
        # place only.
        copies = self.direct is not None and self._matrices(self.direct) in ((self.direct.out,), (self.direct.out,) * 2)
        self.calls = self.direct is None or not shape.masks or (self.outer and not copies)
        self.slots += self._epilogue() if self.calls or self.direct is None else self._needed(self.direct)
        if self.shared:
            self.slots += (Slot("function", f"gemm.{spec.dtype}"),)
        if self.outer:
            self.slots += (Slot("function", outer.NAMES[spec.dtype]),)
        if self.calls:
            self._done()
        self._launch()
        return Layout(self.name, self.slots, i, self._scratch(), cost=0.33 / shape.lanes)

    def _scratch(self) -> tuple[Scratch, ...]:
        terms = scratch_terms(self.shape, "k", self.access.get("A") != ("s", "c"))
        return (*terms, outer.scratch_term(self.shape, self.spec.axes[1])) if self.outer else terms

    @staticmethod
    def _matrices(direct: Direct) -> tuple[str, ...]:
        return (direct.out,) if direct.old is None else (direct.out, direct.old)

    def _needed(self, direct: Direct) -> tuple[Slot, ...]:
        """The slots that tiles need."""
        slots = [Slot(kind, b, 0) for b in self._matrices(direct) for kind in ("pointer", "stride")]
        if direct.factor is not None and direct.factor.kind == "load":
            slots.append(Slot("pointer", direct.factor.value))
        return tuple(dict.fromkeys(slots))

    def _epilogue(self) -> tuple[Slot, ...]:
        """Emits the epilogue's kernel; the slots it needs from us."""
        self.spec.moves  # noqa: B018 - raises where the epilogue is none
        kernel = self._block_kernel()
        classes = {**self.access, ACC: ("s", "c"), **dict.fromkeys(self.origins.values(), ())}
        self.inner = emit_kernel(self.module, f"{self.name}.epilogue", kernel, classes, tiles=False)
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
        loops = Slot("function", f"gemm.{self.spec.dtype}")
        drive = f.slot("%args", self.slots.index(loops), "ptr") if self.shared else emit_drive(self.module, self.shape)
        c, near, factor = ("null", "0"), self._near(f), "0.0"
        if self.direct is not None:
            c = self._matrix(f, self.direct.out)
            if self.direct.old is not None:
                near, factor = self._matrix(f, self.direct.old), self._factor(f, self.direct)
        if self.outer:
            self._outer(f, Matrix(*c), Matrix(*near), factor)
        adds = "true" if self.direct is not None and self.direct.old is not None else "false"
        done = f"@{self.name}.done" if self.calls else "null"
        values = [*(f"%{n}" for _, n in ABI), *c, done, *near, adds, factor]
        f.call(drive, "void", [(t, v) for (t, _), v in zip(drive_params(self.shape), values, strict=True)])
        f.ret("0")

    def _outer(self, f: Function, c: Matrix, old: Matrix, factor: str) -> None:
        """Lets the BLAS do it and returns, if that is the choice."""
        field = {name: f.slot("%args", k, "ptr" if name in "ab" else "i64") for k, name in enumerate(FIELDS)}
        function = f.slot("%args", self.slots.index(Slot("function", outer.NAMES[self.spec.dtype])), "ptr")
        call = Outer(f, self.shape, field, function)
        ours, theirs = f.label("ours"), f.label("theirs")
        f.branch(call.can(self.choice), theirs, ours)
        f.start(theirs)
        direct = self.direct
        if direct is not None and direct.old is None:
            call.whole(c, "1.0", False)
        elif direct is not None and direct.old == direct.out:
            call.whole(c, factor, True)
        else:
            call.blocks("%scratch", lambda sums, row, rows: self._call_done(f, sums, row, rows, field["cols"]))
        f.ret("0")
        f.start(ours)

    def _call_done(self, f: Function, sums: str, row: str, rows: str, cols: str) -> None:
        values = ["%args", sums, cols, row, rows, "0", cols]
        f.call(f"@{self.name}.done", "void", [(t, v) for (t, _), v in zip(DONE, values, strict=True)])

    def _matrix(self, f: Function, name: str) -> tuple[str, str]:
        """A buffer's pointer and the elements from one row to the next."""
        pointer, row = (self.slots.index(Slot(kind, name, 0)) for kind in ("pointer", "stride"))
        return f.slot("%args", pointer, "ptr"), f.slot("%args", row)

    def _near(self, f: Function) -> tuple[str, str]:
        """A buffer that is written as the product lies."""
        for buffer in self.spec.epilogue.buffers:
            beside = buffer.written and self.access[buffer.name] == ("s", "c")
            if beside and self.spec.moves[buffer.name] == (0, 1) and Slot("stride", buffer.name, 0) in self.slots:
                return self._matrix(f, buffer.name)
        return "%scratch", "0"

    def _factor(self, f: Function, direct: Direct) -> str:
        """A number: of the sums. x - y * z is x + -y * z, to the bit."""
        kind, factor = self.shape.type, direct.factor
        assert factor is not None
        if factor.kind == "const":
            number = np.dtype(self.spec.dtype).type(factor.value)
            return float_literal(float(-number if direct.minus else number))
        pointer = f.slot("%args", self.slots.index(Slot("pointer", factor.value)), "ptr")
        value = f.load(kind, pointer, self.shape.size)
        return f.emit(f"fneg {kind} {value}") if direct.minus else value

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
            return ("%sums", "ptr") if slot.kind == "pointer" else ("%sums_row", "i64")
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
