"""theano.version: the version of Theano whose names and meaning symtheano has. Its own is symtheano.__version__."""

from __future__ import annotations

__all__ = ["full_version", "short_version", "version"]

version = short_version = full_version = "1.0.5"
