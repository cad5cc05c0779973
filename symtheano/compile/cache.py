"""Compiled artefacts on disk: bytes by (kind, key), checked whenever they are read, never trusted.

    key = cache.key("text of the program", triple, version)
    payload = cache.get("object", key)
    if payload is None:
        cache.put("object", key, payload := compile())

An artefact is executable code, so the folder (``artefacts`` in ``config.compiledir``) belongs to the user alone, and so
does each file that is read. A file says what it is in its first line of bytes: a magic, the length of the payload, and
the SHA-256 of kind, key and payload. What is short, damaged, renamed or foreign is deleted and counts as missing.

Files appear by ``os.replace``, so readers see all of one or nothing, and there is no lock. Where the folder cannot be
made, read or written, everything works without it; the user is told once. The least recently used files go when
``config.cache_limit`` is passed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import struct
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from symtheano.config import config
from symtheano.errors import TheanoConfigWarning

MAGIC = b"symtheano artefact 1\n"
HEADER = struct.Struct(f"<{len(MAGIC)}sQ32s")  # magic, length of the payload, SHA-256 of kind, key and payload
FOLDER = "artefacts"
MEBI = 1 << 20
TOUCH = 3600.0  # seconds: how exactly the time of the last use is known
STALE = 3600.0  # seconds: a temporary file this old was left behind by a process that died
PRUNE_EVERY = 64  # one key in so many makes its writer look at the sizes of all files
NAME = re.compile(r"[a-z0-9_]+")


def key(*parts: str | bytes) -> str:
    """The SHA-256 of the parts, each with its length, so that no two lists of parts run into one text."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def get(kind: str, key: str) -> bytes | None:
    """The payload kept under this kind and key; None where there is none, or the cache is off."""
    return current().get(kind, key) if config.cache else None


def put(kind: str, key: str, payload: bytes) -> None:
    """Keeps the payload, if it can. Failing to is no error: it will be computed again."""
    if config.cache:
        current().put(kind, key, payload)


def current() -> Cache:
    """The cache in ``config.compiledir``."""
    return _cache(config.compiledir, config.cache_limit)


@lru_cache(maxsize=16)
def _cache(folder: str, limit: int) -> Cache:
    return Cache(Path(folder) / FOLDER, limit * MEBI)


@dataclass(frozen=True)
class Entry:
    """A file of the cache. used: when it was last read or written, in seconds since 1970."""

    kind: str
    key: str
    path: Path
    size: int
    used: float


class Cache:
    """A folder of artefacts, at most `limit` bytes (0: no limit). Any number of threads and processes may use one."""

    def __init__(self, folder: Path, limit: int = 0) -> None:
        self.folder, self.limit = folder, limit
        self.problem = ""  # why it is out of use, once told

    # -- reading and writing -------------------------------------------------------------------------------------------
    def get(self, kind: str, key: str) -> bytes | None:
        """The payload, or None. A file that is not what it should be is deleted."""
        if self.problem:
            return None
        path = self.path(kind, key)
        try:
            data, used = _read(path)
            payload = unpack(kind, key, data)
        except FileNotFoundError:
            return None
        except ValueError:
            _delete(path)
            return None
        except OSError as problem:
            self._give_up(problem)
            return None
        if time.time() - used > TOUCH:
            with contextlib.suppress(OSError):
                os.utime(path)
        return payload

    def put(self, kind: str, key: str, payload: bytes) -> None:
        """Writes the file beside its place and moves it there."""
        if self.problem:
            return
        path = self.path(kind, key)
        try:
            self._make_folder(path.parent)
            _write(path, pack(kind, key, payload))
        except OSError as problem:
            self._give_up(problem)
            return
        if self.limit and (int(key[:8], 16) % PRUNE_EVERY == 0 or len(payload) > self.limit // PRUNE_EVERY):
            self.prune(self.limit)

    def path(self, kind: str, key: str) -> Path:
        """Where the artefact lies: one folder for each kind, the key as the name."""
        if not NAME.fullmatch(kind) or not NAME.fullmatch(key):
            raise ValueError(f"no names of artefacts: {kind!r}, {key!r}")
        return self.folder / kind / key

    def _make_folder(self, folder: Path) -> None:
        """Makes the folder; an OSError where it, or the cache itself, is open to others."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        for each in (self.folder, folder):
            each.mkdir(mode=0o700, exist_ok=True)
            reason = "it is a link" if each.is_symlink() else _open_to_others(os.lstat(each))
            if reason:
                raise PermissionError(f"{each} is not used, since {reason}")

    def _give_up(self, problem: OSError) -> None:
        self.problem = str(problem)
        TheanoConfigWarning.warn(
            f"Compiled artefacts are not kept on disk: {problem}. Functions are compiled each time. "
            "Set the flag compiledir to a folder that is yours alone, or cache=False."
        )

    # -- looking after it ----------------------------------------------------------------------------------------------
    def entries(self) -> list[Entry]:
        """All files, the least recently used first."""
        found = []
        for kind in _folders(self.folder):
            for item in _files(kind):
                with contextlib.suppress(OSError):
                    facts = item.stat(follow_symlinks=False)
                    found.append(Entry(kind.name, item.name, Path(item.path), facts.st_size, facts.st_mtime))
        return sorted(found, key=lambda each: (each.used, each.kind, each.key))

    def verify(self) -> tuple[list[Entry], list[Entry]]:
        """The good entries and those that were no good, which are deleted."""
        good, bad = [], []
        for each in self.entries():
            try:
                unpack(each.kind, each.key, _read(each.path)[0])
                good.append(each)
            except (OSError, ValueError):
                _delete(each.path)
                bad.append(each)
        return good, bad

    def prune(self, limit: int) -> list[Entry]:
        """Deletes the least recently used until `limit` bytes are left, and what dead processes left behind."""
        entries = self.entries()
        total = sum(each.size for each in entries if "." not in each.key)
        gone = []
        for each in entries:
            abandoned = "." in each.key and time.time() - each.used > STALE
            if abandoned or (total > limit and "." not in each.key):
                _delete(each.path)
                gone.append(each)
                total -= 0 if abandoned else each.size
        return gone

    def clear(self) -> list[Entry]:
        """Deletes all files; what is there that is not ours stays."""
        entries = self.entries()
        for each in entries:
            _delete(each.path)
        return entries


# ---------------------------------------------------------------------------------------------------------- the file


def pack(kind: str, key: str, payload: bytes) -> bytes:
    """The contents of a file."""
    return HEADER.pack(MAGIC, len(payload), _digest(kind, key, payload)) + payload


def unpack(kind: str, key: str, data: bytes) -> bytes:
    """The payload of a file; a ValueError unless all of it is as `pack` wrote it for this kind and key."""
    if len(data) < HEADER.size:
        raise ValueError("too short")
    magic, length, digest = HEADER.unpack_from(data)
    payload = data[HEADER.size :]
    if magic != MAGIC or length != len(payload) or digest != _digest(kind, key, payload):
        raise ValueError("damaged")
    return payload


def _digest(kind: str, key: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(f"{kind}/{key}/".encode())
    digest.update(payload)
    return digest.digest()


def _read(path: Path) -> tuple[bytes, float]:
    """A file's bytes and the time of its last use. ValueError: a link, another's file, or none at all."""
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    except OSError as problem:
        if problem.errno == errno.ELOOP:
            raise ValueError(f"{path} is a link") from problem
        raise
    with open(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or _open_to_others(facts):
            raise ValueError(f"{path} is no file of ours")
        return file.read(), facts.st_mtime


def _write(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        _delete(Path(temporary))
        raise


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _open_to_others(facts: os.stat_result) -> str:
    """Why somebody else could have written it, or "". (Windows: the user's folders are private anyway.)"""
    if os.name != "posix":
        return ""
    if facts.st_uid != os.geteuid():
        return "it belongs to another user"
    return "others may write to it" if stat.S_IMODE(facts.st_mode) & 0o022 else ""


def _folders(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink())


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Finished artefacts and temporary files of ours (key.random)."""
    with contextlib.suppress(OSError), os.scandir(folder) as items:
        yield from (each for each in items if re.fullmatch(r"[a-z0-9_]+(\.\w+)?", each.name) and not each.is_symlink())
