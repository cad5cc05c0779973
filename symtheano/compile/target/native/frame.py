"""Frame: the 8-byte slots through which `sizes` and `body` of a region get their arguments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """Numbers of slots. An array is its data pointer and then its lengths: `inputs[k]` is the slot of the pointer.
    Behind the lengths of a strided one are its strides, in elements.

    Of outputs, `sizes` writes the lengths and the caller then the pointers. bytes: of scratch memory that `body` needs
    (written by `sizes`); arena: its address (by the caller, 64-byte aligned); work: estimated nanoseconds (by `sizes`);
    outer: the address of the table of functions that a region calls (by the caller, before `sizes`). pieces: among how
    many threads at most a launch is divided (written by `sizes`, read by `body`). size: how many slots there are.
    """

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    bytes: int
    arena: int
    work: int
    outer: int
    pieces: int
    size: int


def frame_of(inputs: Sequence[int], outputs: Sequence[int], strided: Collection[int] = ()) -> Frame:
    """The frame for arrays with these numbers of dimensions. strided: the numbers of inputs that have strides."""
    places, following = [], 0
    for number, ndim in enumerate((*inputs, *outputs)):
        places.append(following)
        following += 1 + ndim * (2 if number in strided else 1)
    count = len(inputs)
    return Frame(
        inputs=tuple(places[:count]),
        outputs=tuple(places[count:]),
        bytes=following,
        arena=following + 1,
        work=following + 2,
        outer=following + 3,
        pieces=following + 4,
        size=following + 5,
    )
