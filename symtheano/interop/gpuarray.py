"""theano.gpuarray as it is where pygpu is not installed: nothing there, and it says so."""

from __future__ import annotations

from typing import Any, NoReturn

from symtheano.errors import ContextNotDefined

__all__ = [
    "ContextNotDefined",
    "dnn_available",
    "dnn_present",
    "get_context",
    "init_dev",
    "pygpu",
    "pygpu_activated",
    "use",
]

pygpu_activated = False
pygpu = None

_MISSING = "PyGPU is not available: symtheano has no libgpuarray back end; its functions run on config.device."


def init_dev(dev: str, name: str | None = None, preallocate: float | None = None) -> NoReturn:
    """Always ImportError."""
    raise ImportError(_MISSING)


def use(device: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Always ImportError: the device is chosen before the import, with THEANO_FLAGS=device=..."""
    raise ImportError(f"{_MISSING} To choose it, set THEANO_FLAGS=device={device} before symtheano is imported.")


def get_context(name: str | None) -> NoReturn:
    """Always ContextNotDefined (a ValueError)."""
    raise ContextNotDefined(f"context name {name} not defined. {_MISSING}")


def dnn_present() -> bool:
    """Whether cuDNN can be used through libgpuarray: it cannot, and `dnn_present.msg` says why."""
    return False


def dnn_available(context_name: str | None) -> bool:
    """As dnn_present, for a context."""
    return False


_function: Any
for _function in (dnn_present, dnn_available):
    _function.msg, _function.avail = _MISSING, False
