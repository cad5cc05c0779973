"""The version, under Theano's names."""

from __future__ import annotations

__version__ = "0.1.0"
version = short_version = full_version = __version__
