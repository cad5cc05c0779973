"""Theano's `theano.tensor.nnet.corr`: CorrMM is AbstractConv2d without flipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.tensor.nnet.conv_ops import AbstractConv2d

__all__ = ["CorrMM"]


def CorrMM(
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1),
    filter_dilation: Sequence[int] = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
    openmp: bool | None = None,
) -> AbstractConv2d:
    """The op of a correlation of images with filters: CorrMM(...)(img, kern). openmp has no effect."""
    return AbstractConv2d(None, None, border_mode, subsample, False, filter_dilation, num_groups, unshared)
