"""map, reduce, foldl, foldr: scan for the usual cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symtheano.graph.updates import OrderedUpdates
from symtheano.scan.frontend import scan

__all__ = ["foldl", "foldr", "map", "reduce"]


def map(
    fn: Callable[..., Any],
    sequences: Any,
    non_sequences: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`fn` of the elements of sequences, step by step: scan without anything that feeds back.

    >>> import symtheano, symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> symtheano.map(lambda e: e * 2, x)[0].eval({x: [1.0, 2.0]})
    array([2., 4.])
    """
    return scan(
        fn,
        sequences,
        outputs_info=[],
        non_sequences=non_sequences,
        truncate_gradient=truncate_gradient,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
    )


def reduce(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """What the last step of scan gives.

    >>> import symtheano, symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> float(symtheano.reduce(lambda e, s: s + e, x, T.constant(0, dtype="float64"))[0].eval({x: [1.0, 2.0]}))
    3.0
    """
    outputs, updates = scan(
        fn,
        sequences,
        outputs_info=outputs_info,
        non_sequences=non_sequences,
        go_backwards=go_backwards,
        mode=mode,
        name=name,
    )
    last = [x[-1] for x in outputs] if isinstance(outputs, (list, tuple)) else outputs[-1]
    return last, updates


def foldl(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`reduce` from the first elements to the last.

    >>> import symtheano, symtheano.tensor as T
    >>> x, zero = T.dvector("x"), T.constant(0, dtype="float64")
    >>> float(symtheano.foldl(lambda e, s: 10 * s + e, x, zero)[0].eval({x: [1.0, 2.0, 3.0]}))
    123.0
    """
    return reduce(fn, sequences, outputs_info, non_sequences, False, mode, name)


def foldr(
    fn: Callable[..., Any],
    sequences: Any,
    outputs_info: Any,
    non_sequences: Any = None,
    mode: Any = None,
    name: str | None = None,
) -> tuple[Any, OrderedUpdates]:
    """`reduce` from the last elements to the first.

    >>> import symtheano, symtheano.tensor as T
    >>> x, zero = T.dvector("x"), T.constant(0, dtype="float64")
    >>> float(symtheano.foldr(lambda e, s: 10 * s + e, x, zero)[0].eval({x: [1.0, 2.0, 3.0]}))
    321.0
    """
    return reduce(fn, sequences, outputs_info, non_sequences, True, mode, name)
