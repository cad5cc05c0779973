"""Who multiplies: our own tiles, or the BLAS. A rule for each kind of machine, from `python -m benchmarks.gemm_table`.

machine             own tiles against OpenBLAS, one thread, 10 to 2000 a side         rule
AVX-512 (Zen 4)     0.87 to 1.6 times as fast, median 1.05; they do epilogues         own tiles, always
                    themselves. Slowest: C - r A B for k up to 20, and 64 a side
AVX2 (the same)     0.87 to 1.7 times; slowest from 1000 a side on                    own tiles, always
Apple's             not measured; Accelerate has a matrix unit that no instruction    BLAS from 2^18 multiplications
                    of ours reaches
others              not measured; the tiles are as for AVX2                           own tiles, always
"""

from __future__ import annotations

from dataclasses import dataclass

from symtheano.compile.target.native.llvm import Function, Host


@dataclass(frozen=True)
class Choice:
    """The BLAS is called where M K N is at least `work` (None: never), and each of the lengths at least `least`."""

    work: int | None = None
    least: int = 16

    def __str__(self) -> str:
        if self.work is None:
            return "own tiles"
        return f"the BLAS from {self.work} multiplications on, if all lengths are at least {self.least}; else own tiles"

    def emit(self, f: Function, m: str, n: str, k: str) -> str:
        """The rule as a condition on lengths: an i1, true for the BLAS."""
        if self.work is None:
            return "false"
        # Lengths of 31 bits, as a BLAS may have no others: the product of two fits 62, of three is compared in parts.
        largest = f.emit(f"or i64 {f.emit(f'or i64 {m}, {n}')}, {k}")
        holds = f.emit(f"icmp ult i64 {largest}, {1 << 31}")
        for length in (m, n, k):
            enough = f.emit(f"icmp sge i64 {length}, {max(1, self.least)}")
            holds = f.emit(f"and i1 {holds}, {enough}")
        area = f.emit(f"mul i64 {m}, {n}")
        each = f.emit(f"udiv i64 {self.work - 1}, {f.intrinsic('llvm.smax.i64', 'i64', [('i64', k), ('i64', '1')])}")
        return f.emit(f"and i1 {holds}, {f.emit(f'icmp ugt i64 {area}, {each}')}")


def choice_for(host: Host) -> Choice:
    """The rule for a machine."""
    return Choice(1 << 18) if "apple" in host.triple else Choice()
