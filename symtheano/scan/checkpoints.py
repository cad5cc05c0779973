"""scan_checkpoints: a loop of loops, of which gradients keep only the states between the inner loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.updates import OrderedUpdates
from symtheano.scan.frontend import scan
from symtheano.scan.length import count_of
from symtheano.scan.taps import OutputInfo, as_list, outputs_of, sequences_of
from symtheano.tensor.alloc import zeros
from symtheano.tensor.arange import arange
from symtheano.tensor.elemwise import functions
from symtheano.tensor.join import concatenate
from symtheano.tensor.reshape import reshape
from symtheano.tensor.sizes import as_size, constant_dim, shape_i, shape_list

__all__ = ["scan_checkpoints"]


def scan_checkpoints(
    fn: Callable[..., Any],
    sequences: Any = (),
    outputs_info: Any = None,
    non_sequences: Any = (),
    name: str = "checkpointscan_fn",
    n_steps: Any = None,
    save_every_N: int = 10,
    padding: bool = True,
) -> tuple[Any, OrderedUpdates]:
    """scan, of which gradients keep every save_every_N-th state and compute the others again, where they need them.

    Outputs are those of the last step only, with a leading axis of length 1. Outputs that feed back have the tap -1;
    all sequences have n_steps elements. padding=False saves a copy of the sequences, but the number of steps must be
    a multiple of save_every_N.

    >>> import symtheano, symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> total, _ = scan_checkpoints(lambda e, s: s + e, x, T.constant(0, dtype="float64"), save_every_N=2)
    >>> total.eval({x: [1.0, 2.0, 3.0]})
    array([6.])
    """
    series, infos, fixed = _variables(sequences), outputs_of(outputs_info), as_list(non_sequences)
    _check(infos, save_every_N)
    if not series and n_steps is None:
        raise ValueError(
            explain(
                "scan_checkpoints: no information about the number of steps provided.",
                remedy="provide a value for n_steps, or an input sequence",
            )
        )
    n = shape_i(series[0], 0) if n_steps is None else count_of(n_steps)[0]
    chunks = _Chunks(n, save_every_N, padding)

    def outer_step(length: Any, *args: Any) -> Any:
        parts, states = args[: len(series)], iter(args[len(series) : len(args) - len(fixed)])
        inner, updates = scan(
            fn,
            sequences=list(parts),
            outputs_info=[next(states) if info.taps else None for info in infos],
            non_sequences=list(args[len(args) - len(fixed) :]),
            n_steps=length if chunks.ragged else save_every_N,
            name=f"{name}_inner",
            return_list=True,
        )
        return [x[-1] for x in inner or []], updates

    outputs, updates = scan(
        outer_step,
        sequences=[chunks.lengths(), *map(chunks.cut, series)],
        outputs_info=[info.initial for info in infos],
        non_sequences=fixed,
        name=f"{name}_outer",
    )
    return ([x[-1:] for x in outputs] if isinstance(outputs, list) else outputs[-1:]), updates


class _Chunks:
    """n steps as chunks of `size`; where they are ragged, the last one may be shorter, and sequences are padded."""

    def __init__(self, n: Any, size: int, padding: bool):
        self.n, self.size = n, size
        known = constant_dim(n)
        self.ragged = padding and (known is None or known % size != 0)
        self.count = functions.int_div(n + size - 1, size) if known is None else as_size(-(-known // size))

    def lengths(self) -> Any:
        """How many steps each chunk has."""
        left = self.n - arange(self.count) * self.size
        return functions.minimum(left, as_size(self.size)) if self.ragged else left

    def cut(self, x: Any) -> Any:
        """A sequence as a sequence of chunks."""
        rest = shape_list(x)[1:]
        x = x[: self.n]
        if self.ragged:
            x = concatenate([x, zeros((self.count * self.size - shape_i(x, 0), *rest), x.type.dtype)], axis=0)
        return reshape(x, (self.count, self.size, *rest), ndim=x.type.ndim + 1)


def _variables(sequences: Any) -> list[Any]:
    return [info.variable for info in sequences_of(sequences)]


def _check(infos: Sequence[OutputInfo], size: Any) -> None:
    if any(info.stacked for info in infos):
        raise RuntimeError(
            explain("scan_checkpoints doesn't work with taps.", remedy="use scan, or carry the older values yourself")
        )
    if not isinstance(size, int) or size < 1:
        raise ValueError(explain(f"save_every_N must be a positive int, not {size!r}.", remedy="such as 10"))
