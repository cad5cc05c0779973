"""Writes docs/vecmath.md: how far each function in machine code is from the truth, measured (some minutes)."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import numpy as np

from symtheano.scalar.vecmath import FUNCTIONS

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "tests" / "scalar"))
samples = import_module("vecmath_samples")
COUNT = 20_000
HEAD = """# Elementary and special functions in machine code

Native targets call no mathematical library: `symtheano/scalar/vecmath` writes each function as branch-free arithmetic
on a register, the same for one lane and for many. Written by `docs/make_vecmath.py`; tested at fewer points by
`tests/scalar/test_vecmath.py`.

* ulp: the largest error found, in units of the last place of the true value, against mpmath with 40 digits, at up to
  {count} points of each type: where the function varies, close to 0 and 1, and spread evenly over the exponents of
  all floats (denormals too), and the ends of the format. 0.5 is correct rounding.
* operations: of the usual path, constants not counted. Some have a second path for arguments that are seldom, out of
  line: huge arguments of sin, cos and tan (1e5 in float32, 1e7 in float64), the tails of erfinv and erfcinv,
  negative arguments of the gamma family.
* Special values (signed zeros, infinities, nan) are NumPy's and SciPy's. Results that are denormal are rounded as
  others are.
* The same bits for every number of lanes and for all processors with fused multiply-add. Without it `fma` is a product
  and a sum: results are then less accurate (pow, gamma, erfc and trigonometric functions near their zeros most of all).
* gammaln and psi at negative arguments: units of the last place of the largest term of the reflection formula, where
  that is larger than the value; j0 and j1 beyond 5: of the amplitude of the wave. Near their zeros there, digits
  cancel.

| function | float32: ulp | operations | float64: ulp | operations |
|---|---|---|---|---|
"""


def worst(name: str, dtype: str) -> float:
    """The largest error of a function over the points."""
    xs = samples.points(name, dtype, COUNT if len(samples.ranges(name, dtype)) == 1 else COUNT // 2)
    if len(xs) == 1:
        xs = [np.concatenate([xs[0], samples.allowed_points(name, samples.special_points(dtype))])]
    return float(samples.errors(name, dtype, samples.native(name, dtype, 8)(*xs), xs).max())


def main() -> None:
    with np.errstate(all="ignore"):
        lines = []
        for name in FUNCTIONS:
            cells = [f"{worst(name, dtype):.2f} | {samples.instructions(name, dtype)}" for dtype in samples.DTYPES]
            lines.append(f"| {name} | {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    (HERE / "vecmath.md").write_text(HEAD.format(count=f"{COUNT:,}") + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
