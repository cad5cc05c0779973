"""theano.misc.pkl_utils: objects in zip files, their arrays as members that `numpy.load` reads; and `function_dump`."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Scratchpad

__all__ = [
    "CompatUnpickler",
    "PersistentNdarrayID",
    "PersistentNdarrayLoad",
    "PersistentSharedVariableID",
    "StripPickler",
    "dump",
    "function_dump",
    "load",
    "zipadd",
]


class StripPickler(pickle.Pickler):
    """A pickler that leaves out what tags hold only for messages: `trace`, `test_value`, and those named.

    Unlike Theano's it does not change the objects that it pickles.
    """

    def __init__(self, file: Any, protocol: int = 0, extra_tag_to_remove: Any = None):
        super().__init__(file, protocol)
        self.tag_to_remove = ["trace", "test_value", *(extra_tag_to_remove or ())]

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is Scratchpad:
            return Scratchpad, (), {k: v for k, v in vars(obj).items() if k not in self.tag_to_remove}
        return NotImplemented


class CompatUnpickler(pickle.Unpickler):
    """An unpickler for files that Python 2 wrote: pass `encoding="latin1"`."""


class PersistentNdarrayID:
    """Writes each array into the zip file, once, and gives the pickle a reference: `ndarray.name`."""

    def __init__(self, zip_file: zipfile.ZipFile):
        self.zip_file = zip_file
        self.count = 0
        self.seen: dict[int, str] = {}
        self._kept: list[Any] = []  # an id stays this array's only while the array lives

    def _resolve_name(self, obj: Any) -> str:
        self.count += 1
        return f"array_{self.count - 1}"

    def __call__(self, obj: Any) -> str | None:
        if type(obj) is not np.ndarray or obj.dtype.hasobject:
            return None
        if id(obj) not in self.seen:
            name = self._resolve_name(obj)
            zipadd(lambda f: np.lib.format.write_array(f, obj), self.zip_file, name)
            self.seen[id(obj)] = f"ndarray.{name}"
            self._kept.append(obj)
        return self.seen[id(obj)]


class PersistentSharedVariableID(PersistentNdarrayID):
    """As PersistentNdarrayID; the value of a shared variable is stored under the variable's name.

    A second variable of the name x becomes x_2. ValueError for a variable without a name unless `allow_unnamed`, for a
    name that occurs twice unless `allow_duplicates`, and for the name "pkl".
    """

    def __init__(self, zip_file: zipfile.ZipFile, allow_unnamed: bool = True, allow_duplicates: bool = True):
        super().__init__(zip_file)
        self.allow_unnamed, self.allow_duplicates = allow_unnamed, allow_duplicates
        self.name_counter: Counter[str] = Counter()
        self.ndarray_names: dict[int, str] = {}

    def _resolve_name(self, obj: Any) -> str:
        name = self.ndarray_names.get(id(obj))
        if name is None:
            return super()._resolve_name(obj)
        self.name_counter[name] += 1
        count = self.name_counter[name]
        if count == 1:
            return name
        if not self.allow_duplicates:
            raise ValueError(f"multiple shared variables with the name `{name}` found")
        return f"{name}_{count}"

    def __call__(self, obj: Any) -> str | None:
        if isinstance(obj, SharedVariable):
            if obj.name == "pkl":
                raise ValueError("can't pickle shared variable with name `pkl`: that is the member with the pickle")
            if obj.name:
                self.ndarray_names[id(obj.container.storage[0])] = obj.name
            elif not self.allow_unnamed:
                raise ValueError(f"unnamed shared variable, {obj}")
        return super().__call__(obj)


class PersistentNdarrayLoad:
    """Reads the arrays that PersistentNdarrayID wrote."""

    def __init__(self, zip_file: zipfile.ZipFile):
        self.zip_file = zip_file
        self.cache: dict[str, Any] = {}

    def __call__(self, persid: str) -> Any:
        kind, _, name = persid.partition(".")
        if kind != "ndarray":
            raise pickle.UnpicklingError(f"no array of kind {kind!r} can be loaded: {persid}")
        if name not in self.cache:
            with self.zip_file.open(name) as f:
                self.cache[name] = np.lib.format.read_array(f, allow_pickle=False)
        return self.cache[name]


def dump(
    obj: Any,
    file_handler: Any,
    protocol: int = pickle.DEFAULT_PROTOCOL,
    persistent_id: Callable[[zipfile.ZipFile], Callable[[Any], str | None]] = PersistentSharedVariableID,
) -> None:
    """Pickles `obj` into a zip file: the member `pkl`, and one for each array, named after its shared variable.

    file_handler: a file open for writing in binary, or a path. `numpy.load` reads the arrays by their names.

    >>> import io, symtheano
    >>> f = io.BytesIO()
    >>> dump([symtheano.shared(np.arange(2.0), name="w"), np.zeros(3)], f)
    >>> position = f.seek(0)
    >>> sorted(np.load(f).keys())
    ['array_0', 'pkl', 'w']
    """
    with zipfile.ZipFile(file_handler, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as zip_file:
        persistent = persistent_id(zip_file)

        class Pickler(pickle.Pickler):
            def persistent_id(self, obj: Any) -> str | None:
                return persistent(obj)

        def write(f: Any) -> None:
            Pickler(f, protocol).dump(obj)

        zipadd(write, zip_file, "pkl")


def load(f: Any, persistent_load: Callable[[zipfile.ZipFile], Callable[[str], Any]] = PersistentNdarrayLoad) -> Any:
    """What `dump` wrote into the file. As with any pickle: load only what you trust."""
    with zipfile.ZipFile(f, "r") as zip_file:
        loader = persistent_load(zip_file)

        class Unpickler(pickle.Unpickler):
            def persistent_load(self, pid: str) -> Any:
                return loader(pid)

        return Unpickler(io.BytesIO(zip_file.read("pkl"))).load()


def zipadd(func: Callable[[Any], Any], zip_file: zipfile.ZipFile, name: str) -> None:
    """The member `name` of a zip file, with what `func(file)` writes."""
    buffer = io.BytesIO()
    func(buffer)
    zip_file.writestr(name, buffer.getvalue())


def function_dump(
    filename: str,
    inputs: Any,
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
    extra_tag_to_remove: Any = None,
) -> None:
    """Pickles the arguments of `function`, with shared values; `function(**pickle.load(file))` compiles them."""
    arguments = {k: v for k, v in locals().items() if k not in ("filename", "extra_tag_to_remove")}
    with open(filename, "wb") as f:
        StripPickler(f, -1, extra_tag_to_remove).dump(arguments)
