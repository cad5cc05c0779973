"""Theano's `theano.tensor.nnet.corr3d`: Corr3dMM is AbstractConv3d without flipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.tensor.nnet.conv_ops import AbstractConv3d

__all__ = ["Corr3dMM"]


def Corr3dMM(
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1, 1),
    filter_dilation: Sequence[int] = (1, 1, 1),
    openmp: bool | None = None,
    num_groups: int = 1,
) -> AbstractConv3d:
    """The op of a correlation of volumes with filters: Corr3dMM(...)(img, kern). openmp has no effect."""
    return AbstractConv3d(None, None, border_mode, subsample, False, filter_dilation, num_groups)
