"""scan: Theano's way of writing loops, in terms of the op Scan (op.py)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from symtheano.errors import add_context, explain
from symtheano.graph.updates import OrderedUpdates
from symtheano.graph.variable import Variable
from symtheano.scan.building import Loop
from symtheano.scan.length import aligned, count_of, one_step
from symtheano.scan.returned import Returned, returned, until
from symtheano.scan.states import matched
from symtheano.scan.taps import OutputInfo, SequenceInfo, as_list, names, outputs_of, sequences_of
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.shape import shape_padleft, unbroadcast
from symtheano.tensor.type import TensorType

__all__ = ["scan", "until"]


def scan(
    fn: Callable[..., Any],
    sequences: Any = None,
    outputs_info: Any = None,
    non_sequences: Any = None,
    n_steps: Any = None,
    truncate_gradient: int = -1,
    go_backwards: bool = False,
    mode: Any = None,
    name: str | None = None,
    profile: Any = False,
    allow_gc: bool | None = None,
    strict: bool = False,
    return_list: bool = False,
) -> tuple[Any, OrderedUpdates]:
    """A loop: applies `fn` again and again, to elements of sequences and to what it returned before.

    fn: called once, with variables: for each sequence its element (each of its taps), then for each output that feeds
    back what it was one step (each of its taps) ago, then the non_sequences. It returns outputs, then updates of shared
    variables (a dict or pairs), then until(condition); each may be missing.
    sequences: tensors, whose first axis is gone through, or dicts(input=tensor, taps=[...]).
    outputs_info: for each output None (it does not feed back), its initial state, or dict(initial=stack of states, the
    oldest first; taps=[-2, -1]). Left out: no output feeds back.
    n_steps: an int or 0-d integer variable; None: as many as the shortest sequence has.
    truncate_gradient: through how many steps gradients go back; -1: all. go_backwards: goes through sequences from the
    end. name: for messages. strict: shared variables must be listed in non_sequences.
    return_list: gives a list also where there is one output. mode, profile, allow_gc: accepted for Theano's sake.

    Returns the outputs (each with a leading axis of the steps, without the initial state; a variable where there is
    one, a list where there are several, None where there is none) and the updates, to be passed to `function`.

    >>> import symtheano, symtheano.tensor as T
    >>> A, k = T.dvector("A"), T.iscalar("k")
    >>> powers, _ = symtheano.scan(lambda p, A: p * A, outputs_info=T.ones_like(A), non_sequences=A, n_steps=k)
    >>> powers.eval({A: [1.0, 2.0], k: 3})
    array([[1., 2.],
           [1., 4.],
           [1., 8.]])
    """
    series, infos, fixed = sequences_of(sequences), outputs_of(outputs_info), _non_sequences(non_sequences)
    count, known = count_of(n_steps)
    if known == 1:
        outputs, updates = _inlined(fn, series, infos, fixed, go_backwards)
    else:
        n, xs = aligned(series, count, known, go_backwards)
        loop = Loop(series, infos, fixed)
        result = _called(fn, loop.arguments)
        outputs, updates = loop.closed(result, strict).run(n, xs, truncate_gradient, name)
    if not outputs:
        return None, updates
    return (outputs[0] if len(outputs) == 1 and not return_list else outputs), updates


def _non_sequences(given: Any) -> list[Any]:
    return [v if isinstance(v, Variable) else as_tensor_variable(v) for v in as_list(given)]


def _inlined(
    fn: Callable[..., Any], series: Sequence[SequenceInfo], infos: Sequence[OutputInfo], fixed: list[Any], back: bool
) -> tuple[list[Any], OrderedUpdates]:
    """One step without a loop; updates are what fn says."""
    fed = [info.starts()[tap] for info in infos for tap in info.taps]
    result = _called(fn, [*one_step(series, back), *fed, *fixed])
    matched(infos, result.outputs)
    outputs = [unbroadcast(shape_padleft(o), 0) if isinstance(o.type, TensorType) else o for o in result.outputs]
    return outputs, OrderedUpdates(result.updates)


def _called(fn: Callable[..., Any], arguments: Sequence[Any]) -> Returned:
    """What a step returns; a TypeError for a function of another number of arguments says what scan passes."""
    try:
        value = fn(*arguments)
    except TypeError as error:
        if _takes(fn, arguments):
            raise
        raise add_context(
            error,
            explain(
                f"scan calls the function of a step with {len(arguments)} arguments.",
                operands=names(arguments),
                remedy="its arguments are: for each sequence one for each tap; for each output that feeds back one for "
                "each tap; the non_sequences",
            ),
        ) from None
    return returned(value)


def _takes(fn: Callable[..., Any], arguments: Sequence[Any]) -> bool:
    try:
        inspect.signature(fn).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # a builtin that does not tell
        pass
    return True
