"""The most memory a program holds at one time: its intermediate values and outputs, as sums of products of sizes.

Sizes may be symbolic, so that several moments can be the greatest, depending on the lengths: all of them are told.
Arguments, shared variables and what a library routine needs inside one call are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from symtheano.compile.program import Call, Copy, Fork, Free, Loop, Program, Step
from symtheano.compile.sizes import Size
from symtheano.graph.variable import Variable
from symtheano.tensor.type import TensorType

Amount = dict[tuple[str, ...], int]  # {("x0.shape[0]",): 8, (): 16} stands for 8*x0.shape[0] + 16 bytes


def peaks(program: Program) -> list[Amount]:
    """The amounts held at those moments that no other moment surpasses for long axes."""
    alive: dict[str, Amount] = {}
    moments: list[Amount] = []
    for step in program:
        before = _total(alive.values()) if isinstance(step, Fork) else {}
        if not _follow(step, alive, program):
            continue
        now = _total(alive.values())
        within = _within(step, program) if isinstance(step, Loop) else []
        moments += [_total([now, amount]) for amount in within] or [now]
        if isinstance(step, Fork):  # what a side gives is counted in the side
            moments += [_total([before, amount]) for amount in _sides(step, program)]
    return greatest(moments)


def _total(amounts: Iterable[Amount]) -> Amount:
    found: Amount = {}
    for amount in amounts:
        for lengths, bytes_ in amount.items():
            found[lengths] = found.get(lengths, 0) + bytes_
    return found


def _within(loop: Loop, program: Program) -> list[Amount]:
    """What the steps of a loop hold beside its results: what is carried, and the values of one step."""
    body = program.loops[loop.body]
    inner = body.program
    given: dict[str, Amount] = {}
    for k, (name, argument) in enumerate(zip(inner.inputs, loop.args, strict=True)):
        shape = program.shapes.get(argument, ())[k >= body.op.n_consts + body.op.n_carry :]
        for axis, size in enumerate(shape):
            given[f"{name}.shape[{axis}]"] = _product(1, [size], program)
    alone = {s.carried for s in body.states if s.carried is not None and s.ndim and not s.trace}
    carried = _total(_amount(name, None, None, inner) for name in inner.inputs if name in alone)
    moments = [_total([carried, amount]) for amount in peaks(inner)] or [carried]
    return [_total(_outside(amount, given)) for amount in moments]


def _sides(fork: Fork, program: Program) -> list[Amount]:
    """What the sides of a fork hold, its results included."""
    found: list[Amount] = []
    for side in (fork.holds, fork.other):
        inner = program.sides[side.program]
        given: dict[str, Amount] = {}
        for name, argument in zip(inner.inputs, side.args, strict=True):
            for axis, size in enumerate(program.shapes.get(argument, ())):
                given[f"{name}.shape[{axis}]"] = _product(1, [size], program)
        found += [_total(_outside(amount, given)) for amount in peaks(inner)]
    return found


def _outside(amount: Amount, given: Mapping[str, Amount]) -> Iterable[Amount]:
    """An amount of the step of a loop, in the lengths that the program around it knows."""
    for lengths, bytes_ in amount.items():
        outer: list[str] = []
        for length in lengths:
            ((names, factor),) = given.get(length, {("n?",): 1}).items()
            outer += names
            bytes_ *= factor
        yield {tuple(sorted(outer)): bytes_}


def greatest(moments: Iterable[Amount]) -> list[Amount]:
    """Those that no other one surpasses."""
    found: list[Amount] = []
    for now in moments:
        if not any(_surpasses(other, now) for other in found):
            found = [other for other in found if not _surpasses(now, other)] + [now]
    return found


def peak_memory(program: Program) -> str:
    """The peak in bytes: a number, a formula in the shapes of arguments and shared variables, or a list of formulas."""
    texts = [amount_text(amount) for amount in peaks(program)] or ["0"]
    return texts[0] if len(texts) == 1 else "\n  ".join(["the greatest of", *texts])


def _surpasses(a: Amount, b: Amount) -> bool:
    """Whether `a` is as much as `b` where axes are long: products of many lengths count before those of fewer."""
    degrees = sorted({len(lengths) for lengths in (*a, *b)}, reverse=True)
    for degree in degrees:
        terms = {lengths for lengths in (*a, *b) if len(lengths) == degree}
        differences = [a.get(t, 0) - b.get(t, 0) for t in terms]
        if any(d < 0 for d in differences):
            return False
        if any(differences):
            return True
    return True


def amount_text(amount: Amount) -> str:
    """An amount as a formula: 8*x0.shape[0] + 16."""
    terms = sorted(amount.items(), key=lambda term: (-len(term[0]), term[0]))
    return " + ".join("*".join([str(bytes_), *lengths]) for lengths, bytes_ in terms if bytes_) or "0"


def _follow(step: Step, alive: dict[str, Amount], program: Program) -> bool:
    """Brings `alive` past one step; whether there may be more in it now."""
    if isinstance(step, Free):
        for name in step.names:
            alive.pop(name, None)
        return False
    if isinstance(step, Copy):
        alive[step.out] = _amount(step.out, None, program.shapes.get(step.source), program)
        return True
    if isinstance(step, Fork):
        alive.update((name, _amount(name, None, None, program)) for name in step.outs)
        return True
    if isinstance(step, Loop):
        results = program.loops[step.body].results
        alive.update(
            (name, _collected(name, kind, program)) for name, (kind, _) in zip(step.outs, results, strict=True)
        )
        return True
    if not isinstance(step, Call):
        return False
    if step.consumes is not None:
        held = alive.pop(step.consumes, None)
        if held is not None:  # None: the memory of an argument or a shared variable
            alive[step.outs[0]] = held
        return False
    several = len(step.outs) > 1  # then the step's dtype and sizes are those of the first result only
    for name in step.outs:
        alive[name] = _amount(name, None if several else step.dtype, None if several else step.sizes, program)
    return True


def _amount(name: str, dtype: str | None, sizes: Sequence[Size] | None, program: Program) -> Amount:
    kind = getattr(program.variables.get(name), "type", None)
    if sizes is None:
        sizes = program.shapes.get(name)
    known: Sequence[object] = sizes if sizes is not None else getattr(kind, "shape", ())
    return _product(np.dtype(dtype or getattr(kind, "dtype", None) or "float64").itemsize, known, program)


def _collected(name: str, kind: str, program: Program) -> Amount:
    """A result of a loop; one that has also what the first step finds has a row more."""
    if not isinstance(getattr(program.variables.get(name), "type", None), TensorType):
        return {}
    sizes = program.shapes.get(name, ())
    amounts = [_amount(name, None, sizes, program)]
    return _total([*amounts, _amount(name, None, sizes[1:], program)] if kind == "both" else amounts)


def _product(bytes_: int, sizes: Iterable[object], program: Program) -> Amount:
    lengths = []
    for n in sizes:
        if isinstance(n, int):
            bytes_ *= n
        else:
            lengths.append(program.size_names.get(n, "n?") if isinstance(n, Variable) else "n?")
    return {tuple(sorted(lengths)): bytes_}
