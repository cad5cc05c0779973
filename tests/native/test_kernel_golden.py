"""The text of small kernels is what it was; if it should be something else, write it again and read the difference.

python -m tests.native.test_kernel_golden
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.native import kernels

pytest.importorskip("llvmlite")

from symtheano.compile.target.native.toolchain import HOSTS
from tests.native.kernel_numpy import module_of

FOLDER = Path(__file__).parent / "golden"
CASES = {
    "map.avx512": kernels.elementwise(lambda x, y: x * y + 1.0, "float32", "float32", "ij,j"),
    "map.neon": kernels.elementwise(lambda x, y: x * y + 1.0, "float32", "float32", "ij,j"),
    "sum_of_rows.avx512": kernels.reduction("add", "float32", "float64", "i", "j", "ij"),
    "sum_of_columns.avx512": kernels.reduction("add", "float64", "float64", "j", "i", "ij"),
    "scatter_add.avx512": kernels.scatter_add("float32"),
}


def text(name: str) -> str:
    """The kernel, and its code."""
    case = CASES[name]
    classes = {b.name: tuple("s" * (b.ndim - 1) + "c" * bool(b.ndim)) for b in case.kernel.buffers}
    module, layout = module_of(case.kernel, classes, HOSTS[name.partition(".")[2]])
    head = [*str(case.kernel).splitlines(), "", f"split {layout.split} by {layout.grain}, scratch {layout.scratch}"]
    return "\n".join([*(f"; {line}".rstrip() for line in head), "", module])


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    assert text(name) == (FOLDER / f"{name}.ll").read_text(encoding="utf-8"), (
        "python -m tests.native.test_kernel_golden"
    )


def test_every_text_belongs_to_a_kernel() -> None:
    assert {p.name.removesuffix(".ll") for p in FOLDER.glob("*.ll")} == set(CASES)


if __name__ == "__main__":
    for each in CASES:
        (FOLDER / f"{each}.ll").write_text(text(each), encoding="utf-8")
