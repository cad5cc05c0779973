"""function_dump: the arguments of `function` in a file, to report or repeat a compilation elsewhere."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any, BinaryIO

from symtheano.compile.mode import Mode
from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Scratchpad
from symtheano.tensor.updates import Pairs


def function_dump(
    filename: str,
    inputs: Sequence[Any],
    outputs: Any = None,
    mode: Mode | str | None = None,
    updates: Pairs = None,
    givens: Pairs = None,
    no_default_updates: bool | Sequence[SharedVariable] = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
    extra_tag_to_remove: str | Sequence[str] = (),
) -> None:
    """Pickles the arguments of `function` into a file instead of compiling.

    `function(**pickle.load(file))` compiles them. extra_tag_to_remove: names of attributes of `variable.tag`
    that are left out, such as those that cannot be pickled.

    >>> import pickle, tempfile, symtheano, symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     symtheano.function_dump(file.name, [x], x + 1)
    ...     f = symtheano.function(**pickle.load(file))
    >>> float(f(2.0))
    3.0
    """
    arguments = {
        "inputs": inputs,
        "outputs": outputs,
        "mode": mode,
        "updates": updates,
        "givens": givens,
        "no_default_updates": no_default_updates,
        "accept_inplace": accept_inplace,
        "name": name,
        "rebuild_strict": rebuild_strict,
        "allow_input_downcast": allow_input_downcast,
        "profile": profile,
        "on_unused_input": on_unused_input,
    }
    with open(filename, "wb") as file:
        _Pickler(file, extra_tag_to_remove).dump(arguments)


class _Pickler(pickle.Pickler):
    """A pickler that leaves some attributes of tags out."""

    def __init__(self, file: BinaryIO, removed: str | Sequence[str]):
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._removed = {removed} if isinstance(removed, str) else set(removed)

    def reducer_override(self, value: Any) -> Any:
        if not self._removed or type(value) is not Scratchpad:
            return NotImplemented
        return Scratchpad, (), {k: v for k, v in vars(value).items() if k not in self._removed}
