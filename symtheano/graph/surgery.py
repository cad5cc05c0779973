"""clone: an expression with parts of it replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import graph_inputs, substitute


def clone(
    output: Any,
    replace: Mapping[Variable, Any] | Iterable[tuple[Variable, Any]] | None = None,
    strict: bool = True,
    share_inputs: bool = True,
    copy_inputs: bool | None = None,
) -> Any:
    """`output` (a variable, or a list of them) with the keys of `replace` replaced by its values, all at once.

    strict: replacements must have the types of what they replace. share_inputs=False also makes new input variables,
    also of those in `replace` (shared variables keep their storage). copy_inputs: Theano's older name for share_inputs.

    >>> import symtheano, symtheano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> float(symtheano.clone(x + 1, replace={x: y}).eval({y: 2.0}))
    3.0
    """
    share = share_inputs if copy_inputs is None else copy_inputs
    outputs: Sequence[Variable] = list(output) if isinstance(output, (list, tuple)) else [output]
    pairs = list(replace.items()) if isinstance(replace, Mapping) else list(replace or ())
    mapping = {
        old: old.type.filter_variable(new) if strict or not isinstance(new, Variable) else new for old, new in pairs
    }
    results = substitute(outputs, mapping, strict)
    if not share:
        leaves = [v for v in graph_inputs(results) if not isinstance(v, Constant)]
        results = substitute(results, {v: v.clone() for v in leaves})
    return results if isinstance(output, (list, tuple)) else results[0]
