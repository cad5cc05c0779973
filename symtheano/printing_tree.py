"""The lines that `debugprint` writes: a tree of inputs below each variable, and the steps of the loops in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scan.op import Scan


class Ids:
    """Names for nodes and inputs, in the order they are asked for."""

    def __init__(self, kind: str, given: dict[Any, str]):
        self.kind = kind
        self.given = given

    def of(self, obj: Any) -> str:
        if obj not in self.given:
            number = len(self.given)
            name = {"CHAR": char_from_number(number), "int": str(number), "id": str(id(obj)), "": ""}[self.kind]
            self.given[obj] = "output" if obj == "output" else f"[id {name}]" if name else ""
        return self.given[obj]


def char_from_number(number: int) -> str:
    """0 -> A, 25 -> Z, 26 -> BA: the number in letters."""
    text = chr(ord("A") + number % 26)
    while number := number // 26:
        text = chr(ord("A") + number % 26) + text
    return text


class Tree:
    """The lines of `debugprint`."""

    def __init__(self, out: Any, ids: Ids, done: dict[Any, str], print_type: bool, stop_on_name: bool):
        self.out, self.ids, self.done = out, ids, done
        self.print_type, self.stop_on_name = print_type, stop_on_name
        self.storage = False
        self.loops: list[Variable] = []  # results of loops that were met, one for each

    def write_loops(self, depth: int) -> None:
        """What one step of each loop computes; its inputs with the ids of what the loop is given for them."""
        if self.loops:
            print("\nInner graphs of the scan ops:", file=self.out)
        for v in self.loops:  # which grows where there are loops in loops
            node: Any = v.owner
            op: Scan = node.op
            given = {i: self.ids.of(o.owner or o) for i, o in zip(op.inputs, node.inputs[1:], strict=True)}
            print("", file=self.out)
            self.write(v, depth, {}, {})
            for output in op.outputs:
                self.write(output, depth, {}, {}, " >", given)

    def write(
        self,
        root: Variable,
        depth: int,
        order: Mapping[Apply, int],
        readers: Mapping[Variable, Sequence[Any]],
        margin: str = "",
        given: Mapping[Variable, str] | None = None,
    ) -> None:
        """The tree below one variable. given: ids of what stands for variables in a graph around this one."""
        # variable, what its line begins with, what its inputs' begin with, depth left
        stack = [(root, margin, margin, depth)]
        while stack:
            v, prefix, below, left = stack.pop()
            if left == 0:
                continue
            kind = f" <{v.type}>" if self.print_type else ""
            node = v.owner
            if node is None:
                self.done[v] = self.ids.of(v)
                outer = f" -> {given[v]}" if given is not None and v in given else ""
                print(f"{prefix}{v} {self.done[v]}{kind}{outer}{self._kept(v)}", file=self.out)
                continue
            seen = node in self.done
            if not seen and isinstance(node.op, Scan):
                self.loops.append(v)
            self.done[node] = self.ids.of(node)
            which = "" if len(node.outputs) == 1 else f".{v.index}"
            place = str(order[node]) if node in order else ""
            name = f"{prefix}{node.op}{which} {self.done[node]}{kind} '{v.name or ''}'"
            print(f"{name}   {place}{self._kept(v)}{self._clients(v, order, readers)}", file=self.out)
            if seen or (self.stop_on_name and v.name is not None):
                continue
            last = len(node.inputs) - 1
            stack.extend(
                (v, f"{below} |", f"{below}{'  ' if k == last else ' |'}", left - 1)
                for k, v in reversed(list(enumerate(node.inputs)))
            )

    def _kept(self, v: Variable) -> str:
        return "" if not self.storage else f" {[v.data]}" if isinstance(v, Constant) else " [None]"

    def _clients(self, v: Variable, order: Mapping[Apply, int], readers: Mapping[Variable, Sequence[Any]]) -> str:
        found = readers.get(v, ())
        return f" clients:{[(self.ids.of(n), order.get(n, '')) for n in found]}" if len(found) > 1 else ""
