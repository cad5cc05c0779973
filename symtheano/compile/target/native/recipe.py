"""Recipes: what a compiled function is made of, kept on disk beside its machine code, as JSON.

A process that compiles a graph which was compiled before needs neither fusion nor code generation: the canonical text
of the rewritten graph leads to the recipe, the recipe to the objects. From the text of the graph as it was given one
comes to that of the rewritten graph, so that it need not be rewritten either. Only functions that are machine code from
end to end have recipes. What people may ask of a function (its kernels, its plan) is made again when they do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from symtheano.compile import cache
from symtheano.compile.canonical import Uncanonical, canonical_text, package_text
from symtheano.compile.rules import OURS
from symtheano.compile.target.native.host import Host
from symtheano.compile.target.native.llvm import Part
from symtheano.compile.target.native.runnable import Runnable
from symtheano.compile.target.native.signature import Input, Output, Signature
from symtheano.compile.target.native.toolchain import OPT, host, object_keys, recall
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph

KIND = "recipe"
SOURCE = "source"  # from the key of a graph as it was given to that of the rewritten one
_MOST = 1 << 16  # bytes of constants in a recipe


def key_of(graph: FunctionGraph, inputs: int, unpack: bool, phases: Sequence[Any] = ()) -> str | None:
    """The key of a graph that is to go through `phases` still; None where it has none, or there is no cache."""
    if not config.cache or any(rule not in OURS for _, rules in phases for rule in rules):
        return None
    try:
        text = canonical_text(graph)
    except Uncanonical:
        return None
    text += "".join(f"\n{name}: {' '.join(rule.name for rule in rules)}" for name, rules in phases)
    machine = host()
    settings = f"{inputs} {unpack} {config.floatX} {machine.triple} {machine.cpu} {machine.features}"
    return cache.key(package_text(), np.__version__, settings, text)


def link(source: str | None, key: str) -> None:
    """Graphs of the key `source` become, rewritten, graphs of the other key."""
    if source is not None:
        cache.put(SOURCE, source, key.encode())


def same_as(source: str) -> str | None:
    """The key that graphs of the key `source` have when they are rewritten, if that is known."""
    found = cache.get(SOURCE, source)
    return None if found is None else found.decode()


def read(key: str) -> tuple[Runnable, bool] | None:
    """The function kept under a key, and whether its code is the quick one; None where a part of it is missing."""
    payload = cache.get(KIND, key)
    if payload is None:
        return None
    found = json.loads(payload)
    loaded = recall(found["objects"], found["exports"])
    if loaded is None:
        return None
    arrays = {name: _array(value) for name, value in found["host_constants"].items()}
    runnable = Runnable(
        loaded=loaded,
        host=Host(found["host"], arrays, {}, {}, {}),
        regions=tuple((sizes, body, _signature(s)) for sizes, body, s in found["regions"]),
        products=tuple(found["products"]),
        entry=_signature(found["entry"]),
        cells=tuple(found["cells"]),
        constants=tuple(map(_array, found["constants"])),
    )
    return runnable, found["level"] == 0


def write(
    key: str, runnable: Runnable, parts: tuple[Part, ...], exports: list[str], level: int = OPT, objects: Any = ()
) -> bool:
    """Keeps a function that is machine code from end to end; says whether it is. objects: code not kept so far."""
    constants = [*runnable.constants, *runnable.host.constants.values()]
    plain = all(isinstance(c, np.ndarray) and c.dtype.kind in "biufc" for c in constants)
    if runnable.entry is None or runnable.host.performs or not plain or sum(c.nbytes for c in constants) > _MOST:
        return False
    names = object_keys(parts, level)
    for name, data in zip(names, objects):
        cache.put("object", name, data)
    payload = {
        "objects": names,
        "level": level,
        "exports": exports,
        "host": runnable.host.text,
        "host_constants": {name: _text(value) for name, value in runnable.host.constants.items()},
        "regions": [(sizes, body, asdict(s)) for sizes, body, s in runnable.regions],
        "products": runnable.products,
        "entry": asdict(runnable.entry),
        "cells": runnable.cells,
        "constants": list(map(_text, runnable.constants)),
    }
    cache.put(KIND, key, json.dumps(payload).encode())
    return True


def _signature(fields: dict[str, Any]) -> Signature:
    inputs = tuple(Input(**{**one, "shape": tuple(one["shape"])}) for one in fields["inputs"])
    outputs = tuple(Output(**one) for one in fields["outputs"])
    stored = tuple((out, cell) for out, cell in fields["stored"])
    return Signature(inputs, outputs, tuple(fields["returned"]), fields["result"], stored)


def _text(array: Any) -> tuple[str, list[int], str]:
    return array.dtype.str, list(array.shape), np.ascontiguousarray(array).tobytes().hex()


def _array(text: tuple[str, list[int], str]) -> Any:
    dtype, shape, data = text
    return np.frombuffer(bytes.fromhex(data), np.dtype(dtype)).reshape(shape).copy()
