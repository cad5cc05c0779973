"""Convolution, written from its definition with loops: what the tests compare with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """The parameters of a convolution, and the shapes of image and filters."""

    image: tuple[int, ...]
    kernel: tuple[int, ...]
    border_mode: Any = "valid"
    subsample: tuple[int, ...] = (1, 1)
    filter_dilation: tuple[int, ...] = (1, 1)
    filter_flip: bool = True
    num_groups: int = 1
    unshared: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the op's class."""
        names = ("border_mode", "subsample", "filter_dilation", "filter_flip", "num_groups")
        extra = {"unshared": True} if self.unshared else {}
        return {name: getattr(self, name) for name in names} | extra

    @property
    def dilated(self) -> tuple[int, ...]:
        """The lengths of the filter, dilated."""
        d = len(self.subsample)
        return tuple((k - 1) * s + 1 for k, s in zip(self.kernel[-d:], self.filter_dilation, strict=True))

    @property
    def pads(self) -> list[tuple[int, int]]:
        """Zeros before and after each axis."""
        by_name = {"valid": lambda k: 0, "full": lambda k: k - 1, "half": lambda k: k // 2}
        if isinstance(self.border_mode, str):
            return [(by_name[self.border_mode](k),) * 2 for k in self.dilated]
        modes = (self.border_mode,) * len(self.subsample) if isinstance(self.border_mode, int) else self.border_mode
        return [(m, m) if isinstance(m, int) else m for m in modes]

    @property
    def out(self) -> tuple[int, ...]:
        """The lengths of the output."""
        spans = zip(self.image[2:], self.pads, self.dilated, self.subsample, strict=True)
        return tuple((n + sum(pad) - k) // s + 1 for n, pad, k, s in spans)


def convolution(img: Array, kern: Array, case: Case) -> Array:
    """out[n, o, p] = sum over c, i of kern[o, c, i] * padded[n, c, p * stride + i' * dilation]; i' = i, or flipped."""
    d = len(case.subsample)
    filters = kern.shape[-d:]
    padded = np.pad(img, [(0, 0), (0, 0), *case.pads])
    of_group, channels = kern.shape[0] // case.num_groups, kern.shape[-d - 1]
    result = np.zeros((img.shape[0], kern.shape[0], *case.out), img.dtype)
    for o in range(kern.shape[0]):
        first = (o // of_group) * channels
        for position in np.ndindex(*case.out):
            weights = kern[(o, *position)] if case.unshared else kern[o]
            for at in np.ndindex(*filters):
                place = tuple(
                    p * s + (k - 1 - i if case.filter_flip else i) * step
                    for p, s, i, k, step in zip(
                        position, case.subsample, at, filters, case.filter_dilation, strict=True
                    )
                )
                seen = padded[(slice(None), slice(first, first + channels), *place)]
                result[(slice(None), o, *position)] += seen @ weights[(slice(None), *at)]
    return result
