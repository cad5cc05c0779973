"""``symtheano-cache``: what lies in the cache of compiled artefacts, and how to be rid of it.

    symtheano-cache list      every artefact: bytes, when it was last used, kind, key
    symtheano-cache path      the folder
    symtheano-cache verify    reads all of them; deletes those that are damaged
    symtheano-cache prune     deletes the least recently used until they fit into --limit MiB (config.cache_limit)
    symtheano-cache clear     deletes all of them

It is also ``python -m symtheano.compile.cache_command``. Programs may be running: they compile again what they miss.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from symtheano.compile.cache import MEBI, Entry, current
from symtheano.config import config

COMMANDS = {
    "list": "print every artefact: bytes, last use, kind and key",
    "path": "print the folder",
    "verify": "read all of them and delete those that are damaged",
    "prune": "delete the least recently used until they fit into the limit",
    "clear": "delete all of them",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the arguments say; 1 where `verify` found damaged artefacts."""
    parser = argparse.ArgumentParser(
        prog="symtheano-cache",
        description="The compiled artefacts that symtheano keeps on disk.",
        epilog="The folder is config.compiledir: SYMTHEANO_FLAGS=compiledir=... chooses another.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == "prune":
            command.add_argument("--limit", type=int, default=config.cache_limit, metavar="MIB", help="%(default)s")
    chosen = parser.parse_args(arguments)
    cache = current()
    if chosen.command == "path":
        print(cache.folder)
    elif chosen.command == "list":
        entries = cache.entries()
        for each in entries:
            print(f"{each.size:>9} {_when(each.used)} {each.kind} {each.key}")
        print(_count(entries, "in", str(cache.folder)))
    elif chosen.command == "verify":
        good, bad = cache.verify()
        print(_count(good, "good"))
        print(_count(bad, "damaged and deleted"))
        return 1 if bad else 0
    else:
        limit = chosen.limit * MEBI if chosen.command == "prune" else None
        print(_count(cache.clear() if limit is None else cache.prune(limit), "deleted"))
    return 0


def _count(entries: Sequence[Entry], *what: str) -> str:
    number = f"{len(entries)} artefact" + "s" * (len(entries) != 1)
    return " ".join([f"{number}, {sum(each.size for each in entries)} bytes", *what])


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


if __name__ == "__main__":
    sys.exit(main())
