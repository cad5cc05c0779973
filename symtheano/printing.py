"""Expressions as text: `pp` (one formula), `debugprint` (a tree), `min_informative_str`; and the op Print.

    pp(s ** 2 + 1)          ((s ** TensorConstant{2}) + TensorConstant{1})
    debugprint(T.tanh(x))   Elemwise{tanh,no_inplace} [id A] ''
                             |x [id B]

`pprint.assign(op, printer)` gives an op another spelling.
"""

from __future__ import annotations

import copy
import hashlib
import io
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symtheano.compile.io import SymbolicInput, SymbolicOutput
from symtheano.compile.runtime import Function
from symtheano.errors import explain
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.op import Op
from symtheano.graph.queries import io_toposort
from symtheano.graph.variable import Apply, Constant, Scratchpad, Variable
from symtheano.graph.walk import toposort
from symtheano.printing_tree import Ids, Tree, char_from_number
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.index import Subtensor
from symtheano.tensor.join import Join, MakeVector
from symtheano.tensor.passing import Print

__all__ = [
    "DefaultPrinter",
    "FunctionPrinter",
    "IgnorePrinter",
    "LeafPrinter",
    "OperatorPrinter",
    "PPrinter",
    "PatternPrinter",
    "Print",
    "PrinterState",
    "debugprint",
    "default_printer",
    "hex_digest",
    "leaf_printer",
    "min_informative_str",
    "position_independent_str",
    "pp",
    "pprint",
    "var_descriptor",
]

special = {"middle_dot": "\\dot", "big_sigma": "\\Sigma"}
greek = {name: f"\\{name}" for name in ("alpha", "beta", "gamma", "delta", "epsilon")}


# -- formulas ------------------------------------------------------------------------------------------------------


class PrinterState(Scratchpad):
    """What printers share while one expression is printed: `pprinter`, `precedence`, and the texts so far in `memo`."""

    def __init__(self, props: Scratchpad | Mapping[str, Any] | None = None, **more_props: Any):
        known = vars(props) if isinstance(props, Scratchpad) else props or {}
        vars(self).update({**known, **more_props})
        self.memo: dict[Variable, str] = {}


class _Printer:
    """A way to write a variable. Subclasses define `text(output, node, pstate)`; each variable is written once."""

    def process(self, output: Variable, pstate: Any) -> str:
        """The text of `output`."""
        if output not in pstate.memo:
            if output.owner is None:
                raise TypeError(
                    f"{type(self).__name__} cannot represent {output}: it is not the result of an operation"
                )
            pstate.memo[output] = self.text(output, output.owner, pstate)
        found: str = pstate.memo[output]
        return found

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        raise NotImplementedError(f"{type(self).__name__} must define text(output, node, pstate)")


def _written(v: Variable, pstate: Any, precedence: float = -1000) -> str:
    """An operand's text."""
    before = getattr(pstate, "precedence", None)
    pstate.precedence = precedence
    try:
        text: str = pstate.pprinter.process(v, pstate)
        return text
    finally:
        pstate.precedence = before


class OperatorPrinter(_Printer):
    """`(x + y)`, or `(-x)` where there is one operand. Always in parentheses: precedence and assoc change nothing."""

    def __init__(self, operator: str, precedence: float, assoc: str = "left"):
        if assoc not in ("left", "right", "either"):
            raise AssertionError(f"assoc must be left, right or either, not {assoc!r}")
        self.operator, self.precedence, self.assoc = operator, precedence, assoc

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        operands = [_written(i, pstate, self.precedence) for i in node.inputs]
        if len(operands) == 1:
            return f"({self.operator}{operands[0]})"
        return f"({f' {self.operator} '.join(operands)})"


class PatternPrinter(_Printer):
    """`|%(0)s|`: a pattern (or a pattern and the precedences of the operands) for each output."""

    def __init__(self, *patterns: Any):
        self.patterns = [(p, ()) if isinstance(p, str) else (p[0], tuple(p[1:])) for p in patterns]

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        pattern, precedences = self.patterns[output.index or 0]
        wanted = (*precedences, *(1000,) * len(node.inputs))
        return pattern % {
            str(k): _written(v, pstate, p) for k, (v, p) in enumerate(zip(node.inputs, wanted, strict=False))
        }


class FunctionPrinter(_Printer):
    """`name(x, y)`: a name for each output."""

    def __init__(self, *names: str):
        self.names = names

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        return f"{self.names[output.index or 0]}({', '.join(_written(i, pstate) for i in node.inputs)})"


class IgnorePrinter(_Printer):
    """The first operand."""

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        return _written(node.inputs[0], pstate)


class LeafPrinter:
    """The variable's name (Greek letters as in LaTeX), or what str gives."""

    def process(self, output: Variable, pstate: Any) -> str:
        """The text of `output`."""
        text: str = pstate.memo.setdefault(output, greek.get(output.name or "") or str(output))
        return text


leaf_printer = LeafPrinter()


class DefaultPrinter(_Printer):
    """`op(x, y)`; inputs by their names."""

    def process(self, output: Variable, pstate: Any) -> str:
        return leaf_printer.process(output, pstate) if output.owner is None else super().process(output, pstate)

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        return f"{node.op}({', '.join(_written(i, pstate) for i in node.inputs)})"


default_printer = DefaultPrinter()


class PPrinter:
    """Expressions as formulas: `pprint(x)`; `pprint(inputs, outputs, updates)` for a program of several lines.

    >>> import symtheano.tensor as T
    >>> s, x = T.dscalar("s"), T.dmatrix("x")
    >>> print(pprint(s ** 2 + 1), pprint(T.dot(x, x.T)))
    ((s ** TensorConstant{2}) + TensorConstant{1}) (x \\dot x.T)
    """

    def __init__(self) -> None:
        self.printers: list[tuple[Callable[[Any, Variable], Any], Any]] = []
        self.printers_dict: dict[Any, Any] = {}

    def assign(self, condition: Any, printer: Any) -> None:
        """The printer for an op, for a class of ops, or where `condition(pstate, variable)` holds (last one first)."""
        if isinstance(condition, (Op, type)):
            self.printers_dict[condition] = printer
        else:
            self.printers.insert(0, (condition, printer))

    def process(self, r: Variable, pstate: Any = None) -> str:
        """The text of a variable."""
        if pstate is None or isinstance(pstate, dict):
            pstate = PrinterState(pstate, pprinter=self)
            for node in toposort([r])[:-1]:  # operands first: no recursion, however deep the expression is
                for output in node.outputs:
                    pstate.memo.setdefault(output, self._one(output, pstate))
        return self._one(r, pstate)

    def _one(self, r: Variable, pstate: Any) -> str:
        if r in pstate.memo:
            found: str = pstate.memo[r]
            return found
        printer = None
        if r.owner is not None:
            printer = self.printers_dict.get(r.owner.op) or self.printers_dict.get(type(r.owner.op))
        if printer is None:
            printer = next(p for condition, p in self.printers if condition(pstate, r))
        text: str = printer.process(r, pstate)
        return text

    def clone(self) -> PPrinter:
        """A printer with the same assignments, and further ones of its own."""
        new = copy.copy(self)
        new.printers, new.printers_dict = list(self.printers), dict(self.printers_dict)
        return new

    def clone_assign(self, condition: Any, printer: Any) -> PPrinter:
        """A clone with one more assignment."""
        new = self.clone()
        new.assign(condition, printer)
        return new

    def process_graph(self, inputs: Any, outputs: Any, updates: Any = None, display_inputs: bool = False) -> str:
        """One line for each named variable, update and output of a program, in order of computation."""
        inputs, outputs = ([v] if isinstance(v, Variable) else list(v) for v in (inputs, outputs))
        pairs = dict(updates or {})
        states = {new: old for old, new in pairs.items()}
        lines = [f"inputs: {', '.join(map(str, [*inputs, *pairs]))}"] if display_inputs else []
        middle, ends, last = [], [], []
        for node in io_toposort([*inputs, *pairs], [*outputs, *pairs.values()]):
            for v in node.outputs:
                text = self._definition(v)
                if v in states:
                    ends.append(f"{states[v]} <- {text}")
                if v in outputs:
                    name = v.name or f"out[{outputs.index(v)}]"
                    last.append((outputs.index(v), f"return {text}" if len(outputs) == 1 else f"{name} = {text}"))
                elif v.name is not None:
                    middle.append(f"{v.name} = {text}")
        return "\n".join([*lines, *middle, *ends, *(text for _, text in sorted(last))])

    def _definition(self, v: Variable) -> str:
        """The text of `v`, with the named variables below it by their names."""

        class Named:
            """Writes a named variable by its name: whatever its op, it is asked first."""

            @staticmethod
            def process(r: Variable, pstate: Any = None) -> str:
                return leaf_printer.process(r, pstate) if r.name is not None and r is not v else self._one(r, pstate)

        return self._one(v, PrinterState(pprinter=Named))

    def __call__(self, *args: Any) -> str:
        if not args:
            raise TypeError("Not enough arguments to call.")
        if len(args) == 1 or (len(args) == 2 and isinstance(args[1], (PrinterState, dict))):
            return self.process(*args)
        return self.process_graph(*args)


class _ElemwisePrinter(_Printer):
    """Arithmetic as operators, other functions by their names."""

    _OPERATORS = {
        "add": "+", "mul": "*", "sub": "-", "neg": "-", "true_div": "/", "int_div": "//", "pow": "**", "mod": "%",
    }  # fmt: skip

    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        row = node.op.scalar_op
        name = row.params[0] if row.params else "fill" if row.name == "second" else row.name
        if name in self._OPERATORS:
            return OperatorPrinter(self._OPERATORS[name], 0).text(output, node, pstate)
        if name == "identity":
            return _written(node.inputs[0], pstate)
        if name == "abs_":
            return f"|{_written(node.inputs[0], pstate)}|"
        return FunctionPrinter(name).text(output, node, pstate)


class _DimShufflePrinter(_Printer):
    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        (x,) = node.inputs
        order = list(node.op.new_order)
        while order and order[0] == "x":
            del order[0]  # what broadcasting adds by itself
        text = _written(x, pstate, 1000)
        if order == list(range(x.type.ndim)):
            return text
        if order == list(reversed(range(x.type.ndim))):
            return f"{text}.T"
        return f"DimShuffle{{{', '.join(map(str, order))}}}({text})"


class _SubtensorPrinter(_Printer):
    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        values = iter(node.inputs[1:])

        def entry(key: Any) -> str:
            if key is None:
                return ""
            if isinstance(key, int):
                return str(key)
            if isinstance(key, slice):
                parts = [entry(part) for part in (key.start, key.stop, key.step)]
                return ":".join(parts if parts[2] else parts[:2])
            v = next(values)
            return f"Constant{{{v.data}}}" if isinstance(v, Constant) else _written(v, pstate)

        keys = ", ".join([entry(key) for key in node.op.idx_list])
        return f"{_written(node.inputs[0], pstate, 1000)}[{keys}]"


class _ListPrinter(_Printer):
    def text(self, output: Variable, node: Apply, pstate: Any) -> str:
        return f"[{', '.join(_written(i, pstate, 1000) for i in node.inputs)}]"


pprint = pp = PPrinter()
pprint.assign(lambda pstate, r: True, default_printer)
for _op, _printer in {
    Elemwise: _ElemwisePrinter(),
    DimShuffle: _DimShufflePrinter(),
    Subtensor: _SubtensorPrinter(),
    MakeVector: _ListPrinter(),
    Join: FunctionPrinter("join"),
    Alloc: FunctionPrinter("alloc"),
    Dot: OperatorPrinter(special["middle_dot"], -1, "left"),
}.items():
    pprint.assign(_op, _printer)


# -- trees ---------------------------------------------------------------------------------------------------------


def debugprint(
    obj: Any,
    depth: int = -1,
    print_type: bool = False,
    file: Any = None,
    ids: str = "CHAR",
    stop_on_name: bool = False,
    done: dict[Any, str] | None = None,
    print_storage: bool = False,
    print_clients: bool = False,
    used_ids: dict[Any, str] | None = None,
) -> Any:
    """Writes what `obj` is computed from, one line for each variable, indented by its depth.

    obj: a variable, node, compiled function, FunctionGraph, In or Out, or a list of these. depth: how far down (-1:
    all). file: a file, None for standard output, "str" to return the text. ids: how nodes are named: "CHAR", "int",
    "id" (Python's), "" (not). stop_on_name: write nothing below variables with a name. print_clients: with a function,
    also who reads a result that several do. done, used_ids: the ids given so far, to go on with in a later call. A
    node is written out where it is met first. For functions each line ends with the node's place in the order of the
    graph. print_storage: with a function, what is kept of each value between calls: constants; [None] for others.

    >>> import symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> text = debugprint(T.tanh(x), file="str")
    >>> [line.rstrip() for line in text.splitlines()]
    ["Elemwise{tanh,no_inplace} [id A] ''", ' |x [id B]']
    """
    if not isinstance(depth, int):
        raise Exception(f"depth parameter must be an int; got {depth!r}")
    if ids not in ("CHAR", "int", "id", ""):
        raise ValueError(f"ids must be 'CHAR', 'int', 'id' or ''; got {ids!r}")
    out = io.StringIO() if file == "str" else sys.stdout if file is None else file
    names = Ids(ids, {} if used_ids is None else used_ids)
    tree = Tree(out, names, {} if done is None else done, print_type, stop_on_name)
    for each in obj if isinstance(obj, (list, tuple, set)) else [obj]:
        if isinstance(each, (int, float, np.ndarray)):
            print(each, file=out)
            continue
        roots, order = _roots(each)
        readers = _readers(roots, order) if print_clients and order else {}
        tree.storage = print_storage and isinstance(each, Function)
        for root in roots:
            tree.write(root, depth, {node: k for k, node in enumerate(order)}, readers)
    tree.write_loops(depth)
    if isinstance(out, io.StringIO) and file == "str":
        return out.getvalue()
    if file is None:
        sys.stdout.flush()
    return file


def _roots(obj: Any) -> tuple[Sequence[Variable], Sequence[Apply]]:
    """The variables to write, and the nodes in order where there is one."""
    if isinstance(obj, Variable):
        return [obj], ()
    if isinstance(obj, Apply):
        return obj.outputs, ()
    if isinstance(obj, Function):
        obj = obj.graph
    if isinstance(obj, FunctionGraph):
        return obj.outputs, obj.toposort()
    if isinstance(obj, (SymbolicInput, SymbolicOutput)):
        return [obj.variable], ()
    raise TypeError(
        explain(
            "debugprint cannot print an object of this type",
            operands=[f"{obj!r} of type {type(obj).__name__}"],
            remedy="give a variable, a node, a compiled function, a FunctionGraph, or a list of these",
        )
    )


def _readers(roots: Iterable[Variable], order: Iterable[Apply]) -> dict[Variable, list[Any]]:
    """Who reads each variable: "output" where the function gives it, and nodes."""
    readers: dict[Variable, list[Any]] = {v: ["output"] for v in roots}
    for node in order:
        for v in node.inputs:
            readers.setdefault(v, []).append(node)
    return readers


class _TagGenerator:
    """Tags in order: A, B, ..., Z, BA, ..."""

    def __init__(self) -> None:
        self.cur_tag_number = 0

    def get_tag(self) -> str:
        """The next tag."""
        self.cur_tag_number += 1
        return char_from_number(self.cur_tag_number - 1)


def min_informative_str(
    obj: Any,
    indent_level: int = 0,
    _prev_obs: dict[int, str] | None = None,
    _tag_generator: _TagGenerator | None = None,
) -> str:
    """As much of an expression as it takes to say it in terms of named variables and inputs, a line for each variable.

    >>> import symtheano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> print(min_informative_str(T.exp(x) * y))
    A. Elemwise{mul,no_inplace}
     B. Elemwise{exp,no_inplace}
      C. x
     D. y
    """
    seen = {} if _prev_obs is None else _prev_obs
    tags = _tag_generator or _TagGenerator()
    lines, stack = [], [(obj, indent_level)]
    while stack:
        v, level = stack.pop()
        if id(v) in seen:
            lines.append(f"{' ' * level}<{seen[id(v)]}>")
            continue
        seen[id(v)] = tags.get_tag()
        owner = getattr(v, "owner", None)
        if isinstance(v, np.ndarray):
            name = "<ndarray>"
        elif getattr(v, "name", None) is not None:
            name = v.name
        elif owner is not None:
            name = str(owner.op)
            stack.extend((i, level + 1) for i in reversed(owner.inputs))
        else:
            name = str(v)
        lines.append(f"{' ' * level}{seen[id(v)]}. {name}")
    return "\n".join(lines)


def var_descriptor(
    obj: Any, _prev_obs: dict[int, str] | None = None, _tag_generator: _TagGenerator | None = None
) -> str:
    """An expression in one line that is the same in every process; names count for inputs only.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> var_descriptor(T.exp(x) * x)
    'A=Elemwise{mul,no_inplace}(B=Elemwise{exp,no_inplace}(C=x),<C>)'
    """
    seen = {} if _prev_obs is None else _prev_obs
    tags = _tag_generator or _TagGenerator()
    pieces: list[str] = []
    stack: list[Any] = [obj]
    while stack:
        v = stack.pop()
        if isinstance(v, str):  # punctuation
            pieces.append(v)
            continue
        if id(v) in seen:
            pieces.append(f"<{seen[id(v)]}>")
            continue
        seen[id(v)] = tags.get_tag()
        pieces.append(f"{seen[id(v)]}=")
        owner = getattr(v, "owner", None)
        if owner is not None:
            pieces.append(f"{owner.op}(")
            after = [part for i in owner.inputs for part in (i, ",")][:-1]
            stack += [")", *reversed(after)]
        else:
            pieces.append(_leaf_descriptor(v))
    return "".join(pieces)


def _leaf_descriptor(v: Any) -> str:
    if isinstance(v, np.ndarray):
        strides = ",".join(map(str, v.strides))
        return f"<ndarray:strides=[{strides}],digest={hashlib.sha256(v.tobytes()).hexdigest()}>"
    if getattr(v, "name", None) is not None:
        return str(v.name)
    text = str(v)
    return position_independent_str(v) if " at 0x" in text else text


def position_independent_str(obj: Any) -> str:
    """A variable's type. NotImplementedError for what is no variable."""
    if not isinstance(obj, Variable):
        raise NotImplementedError(f"only variables have a text without addresses; got {type(obj).__name__}")
    return f"theano_var{{type={obj.type}}}"


def hex_digest(x: Any) -> str:
    """A hash of an array's content, with its strides and shape."""
    parts = ("strides", x.strides), ("shape", x.shape)
    layout = "".join(f"|{name}=[{','.join(map(str, value))}]" for name, value in parts)
    return hashlib.sha256(x.tobytes()).hexdigest() + layout
