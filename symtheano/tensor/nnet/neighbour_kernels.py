"""Patches of images on NumPy (and CuPy) arrays."""

from __future__ import annotations

from typing import Any

__all__ = ["images2neibs", "neibs2images"]

Pair = tuple[int, int]


def _counts(shape: Any, patch: Pair, step: Pair, mode: str) -> Pair:
    """How many patches there are along rows and columns; TypeError where they do not fit, ValueError for sizes < 1."""
    if min(step) < 1:
        raise ValueError(f"neib_step wrong step ; values <= 0. Got {step}")
    if min(patch) < 1:
        raise ValueError(f"neib_shape values <=0. Got {patch}")
    counts = []
    for k, (n, c, s) in enumerate(zip(shape[2:], patch, step, strict=True)):
        if mode == "wrap_centered":
            if c % 2 != 1:
                raise TypeError(f"Images2Neibs: in mode wrap_centered need patch with odd shapes, got {patch}")
            if n < c:
                raise TypeError(
                    "Images2Neibs: in wrap_centered mode, don't support image shapes smaller then the patch shapes: "
                    f"neib_shape={patch}, ten4[2:]={tuple(shape[2:])}"
                )
            counts.append(-(-n // s))
            continue
        room = {"half": n - c % 2, "full": n + c - 2}.get(mode, n - c)
        if mode != "ignore_borders" and (n < c or room % s):
            raise TypeError(f"neib_shape[{k}]={c}, neib_step[{k}]={s} and ten4.shape[{2 + k}]={n} not consistent")
        counts.append(max(room // s + 1, 0))
    return counts[0], counts[1]


def _pads(patch: Pair, mode: str) -> Pair:
    """The margin in front of rows and columns."""
    if mode in ("half", "wrap_centered"):
        return patch[0] // 2, patch[1] // 2
    return (patch[0] - 1, patch[1] - 1) if mode == "full" else (0, 0)


def _places(xp: Any, n: int, c: int, s: int, count: int, pad: int, mode: str) -> Any:
    """For each patch (rows) and element (columns) its index along one axis of the image with its margins."""
    at = xp.arange(count)[:, None] * s + xp.arange(c)[None, :]
    return (at - pad) % max(n, 1) if mode == "wrap_centered" else at


def _geometry(xp: Any, shape: Any, patch: Any, step: Any, mode: str) -> tuple[Any, Any, Pair, Pair, Pair, Any]:
    """(row indices, column indices, counts, patch, margin, lengths of the image with its margins)."""
    sizes, steps = (int(patch[0]), int(patch[1])), (int(step[0]), int(step[1]))
    counts, pads = _counts(shape, sizes, steps, mode), _pads(sizes, mode)
    rows, columns = (
        _places(xp, n, c, s, count, pad, mode)
        for n, c, s, count, pad in zip(shape[2:], sizes, steps, counts, pads, strict=True)
    )
    margin = (0, 0) if mode == "wrap_centered" else pads
    lengths = tuple(n + 2 * pad for n, pad in zip(shape[2:], margin, strict=True))
    return rows, columns, counts, sizes, margin, lengths


def images2neibs(xp: Any, x: Any, patch: Any, step: Any, mode: str) -> Any:
    """The patches of images (batch, channels, rows, columns), one a row."""
    rows, columns, counts, sizes, margin, lengths = _geometry(xp, x.shape, patch, step, mode)
    if any(margin):
        padded = xp.zeros((*x.shape[:2], *lengths), x.dtype)
        padded[:, :, margin[0] : margin[0] + x.shape[2], margin[1] : margin[1] + x.shape[3]] = x
        x = padded
    cells = x[:, :, rows[:, None, :, None], columns[None, :, None, :]]  # (batch, channels, patches, patch)
    return cells.reshape(x.shape[0] * x.shape[1] * counts[0] * counts[1], sizes[0] * sizes[1])


def neibs2images(xp: Any, neibs: Any, patch: Any, step: Any, shape: Any, mode: str) -> Any:
    """The adjoint of `images2neibs`: patches added up in images of the given shape."""
    wanted = tuple(int(n) for n in shape)
    if len(wanted) != 4:
        raise ValueError(f"original_shape must be the 4 lengths of images, got {wanted}")
    try:
        rows, columns, counts, sizes, margin, lengths = _geometry(xp, wanted, patch, step, mode)
    except TypeError as error:
        raise ValueError(f"patches {tuple(patch)} do not make up images of shape {wanted}: {error}") from error
    expected = (wanted[0] * wanted[1] * counts[0] * counts[1], sizes[0] * sizes[1])
    if neibs.shape != expected:
        raise ValueError(f"images of shape {wanted} have patches of shape {expected} in all, not {tuple(neibs.shape)}")
    cells = neibs.reshape(*wanted[:2], *counts, *sizes)
    images = xp.zeros((*wanted[:2], *lengths), neibs.dtype)
    apart = int(step[0]) >= sizes[0] and int(step[1]) >= sizes[1] and mode != "wrap_centered"
    if apart:
        images[:, :, rows[:, None, :, None], columns[None, :, None, :]] = cells
    else:
        for i in range(sizes[0]):  # of one element of the patches no two have the same place
            for j in range(sizes[1]):
                images[:, :, rows[:, i][:, None], columns[:, j][None, :]] += cells[..., i, j]
    return images[:, :, margin[0] : margin[0] + wanted[2], margin[1] : margin[1] + wanted[3]]
