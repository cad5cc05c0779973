"""What rules find out of variables and nodes of closed graphs, kept on them: it goes when they go."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

T = TypeVar("T")
D = TypeVar("D")


class Memo(Generic[T]):
    """A mapping whose keys are variables or nodes and whose entries are attributes of the keys.

    A WeakKeyDictionary will not do: a value that leads back to its key would keep both for ever.
    """

    def __init__(self, name: str):
        self._name = f"_memo_{name}"  # such attributes are not pickled, see Variable.__getstate__

    def __contains__(self, key: Any) -> bool:
        return self._name in key.__dict__

    def __getitem__(self, key: Any) -> T:
        value: T = key.__dict__[self._name]
        return value

    def get(self, key: Any, default: Any = None) -> Any:
        """The entry of `key`, or `default`."""
        return key.__dict__.get(self._name, default)

    def __setitem__(self, key: Any, value: T) -> None:
        key.__dict__[self._name] = value
