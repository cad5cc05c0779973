"""What a native function shows of itself: its program, its kernels as pseudo-C, LLVM's text, assembly.

All of it is made when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symtheano.compile.agenda import Agenda, agenda
from symtheano.compile.naming import Names
from symtheano.compile.schedule import Region
from symtheano.compile.target.native.account import account
from symtheano.compile.target.native.llvm import Part
from symtheano.compile.target.native.pseudo import kernel_text, region_text
from symtheano.compile.target.native.toolchain import OPT, assembly


@dataclass(frozen=True)
class Seen:
    """The views of a target.Native."""

    native: Any

    @property
    def program(self) -> Agenda:
        """The schedule as tasks over named values."""
        n = self.native
        return agenda(n.analysis, n.fusion, n.schedule, n.inputs)

    @property
    def names(self) -> Names:
        """The names of values in all the texts."""
        n = self.native
        return Names(n.analysis, n.fusion, n.schedule, n.inputs)

    def source(self) -> str:
        """The program as a comment; pseudo-C of the kernels; for each region what it checks and launches."""
        names = self.names
        regions = [p for p in self.native.schedule.parts if isinstance(p, Region)]
        texts = ["\n".join(f"// {line}" for line in str(self.program).splitlines())]
        texts += [kernel_text(name, made) for name, made in self.native.kernels.items()]
        for k, (region, (code, _)) in enumerate(zip(regions, self.native.regions, strict=True)):
            texts.append(region_text(k, code, names, region.reads, region.gives))
        return "\n\n".join(texts)

    def llvm(self) -> str:
        """The module in LLVM's language, as it is compiled."""
        return "\n".join(f"; {_title(part)}\n{part.text}" for part in self.native.parts)

    def assembly(self) -> str:
        """The machine code in the assembly language of this machine."""
        return "\n".join(
            f"# {_title(part)}\n{assembly(part.text, level=0 if part.cold else OPT)}" for part in self.native.parts
        )

    def report(self) -> list[str]:
        """Lines of the report."""
        return account(self.native, self.names)

    def texts(self) -> dict[str, Any]:
        """What `f.source(...)` can be asked for, by name: functions that make the texts."""
        return {"native": self.source, "llvm": self.llvm, "host": self.host}

    def host(self) -> str:
        """The host program, its loops and the sides of its branches."""
        host = self.native.host
        inner = (*host.loops.items(), *host.sides.items())
        return "\n".join([host.text, *(f"# {name}\n{each.text}" for name, each in inner)])


def _title(part: Part) -> str:
    return "sizes and sequences, level 0 of code generation" if part.cold else f"kernels, level {OPT}"
