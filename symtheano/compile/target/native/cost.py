"""How long a kernel takes for a point, estimated from its instructions: whether threads pay is decided by it."""

from __future__ import annotations

import numpy as np

from symtheano.compile.target.native.levels import Levels
from symtheano.compile.target.native.nest import Nest
from symtheano.compile.target.native.point import Access, Point

CYCLE = 0.2  # nanoseconds for an instruction of one vector
BYTE = 0.01  # nanoseconds to load or store a byte, from a cache that is not the nearest
APART = 1.5  # instructions for each lane whose element lies on its own

_WEIGHTS = {"div": 8.0, "sqrt": 8.0, "idiv": 20.0, "irem": 20.0}


def nanoseconds(point: Point, levels: Levels, nest: Nest, lanes: int) -> float:
    """For each point of all axes; what is computed less often is not counted."""
    count = size = 0.0
    inner = any(s.inner for s in point.steps)
    depth = nest.innermost if inner else nest.point
    for number, step in enumerate(point.steps):
        if inner and not step.inner:
            continue
        for place in levels.needed[number]:
            instr, level = point.code.instrs[place], levels.of[place]
            read = point.reads.get(instr.detail) if instr.op == "input" else None
            if level.depth == depth and read is not None:
                count += _access(read.access, lanes)
                size += _size(read.access)
            elif level.depth == depth and instr.op != "input" and (level.wide or nest.vector is None):
                count += _WEIGHTS.get(instr.op, 1.0)
        for write in step.writes:
            count += _access(write.access, lanes)
            size += _size(write.access)
        count += 2 * len(step.folds)
    return max(CYCLE * count / lanes, BYTE * size) + CYCLE / lanes


def _access(access: Access, lanes: int) -> float:
    return 1.0 if access.along in ("same", "beside") else APART * lanes


def _size(access: Access) -> int:
    return 0 if access.along == "same" else np.dtype(access.dtype).itemsize
