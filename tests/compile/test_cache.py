"""The cache of artefacts: what comes back is what was put, or nothing; no folder and no file of others is trusted."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symtheano.compile import cache as module
from symtheano.compile.cache import HEADER, MEBI, STALE, TOUCH, Cache, pack, unpack
from symtheano.compile.cache_command import main
from symtheano.config import config
from symtheano.errors import TheanoConfigWarning

posix = pytest.mark.skipif(os.name != "posix", reason="owners and modes are posix's")
KEYS = [hashlib.sha256(bytes([n])).hexdigest() for n in range(100)]
PLAIN = next(key for key in KEYS if int(key[:8], 16) % module.PRUNE_EVERY)  # its writer does not prune
PRUNING = next(key for key in KEYS if not int(key[:8], 16) % module.PRUNE_EVERY)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "made" / "on demand" / "artefacts")


def test_put_and_get(cache: Cache) -> None:
    assert cache.get("object", PLAIN) is None
    cache.put("object", PLAIN, b"payload")
    cache.put("function", PLAIN, b"")
    assert cache.get("object", PLAIN) == b"payload"
    assert cache.get("function", PLAIN) == b""
    cache.put("object", PLAIN, b"another")
    assert cache.get("object", PLAIN) == b"another"
    assert [each.kind for each in cache.entries()] == ["function", "object"]


@given(st.binary(max_size=200), st.data())
def test_a_file_that_was_changed_anyhow_is_no_good(payload: bytes, data: st.DataObject) -> None:
    whole = pack("object", "k1", payload)
    assert unpack("object", "k1", whole) == payload
    position = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[position] ^= 1 << data.draw(st.integers(0, 7))
    for wrong in (bytes(flipped), whole[:position], whole + b"\0", b""):
        with pytest.raises(ValueError):
            unpack("object", "k1", wrong)
    for kind, key in (("object", "k2"), ("function", "k1")):
        with pytest.raises(ValueError):
            unpack(kind, key, whole)


@pytest.mark.parametrize("damage", ["short", "empty", "flipped", "renamed", "text"])
def test_damaged_files_are_deleted_and_made_again(cache: Cache, damage: str) -> None:
    cache.put("object", PLAIN, b"payload")
    path = cache.path("object", PLAIN)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "short": whole[: HEADER.size + 3],
            "empty": b"",
            "flipped": whole[:-1] + b"x",
            "renamed": pack("object", PRUNING, b"payload"),
            "text": b"not an artefact" * 100,
        }[damage]
    )
    assert cache.get("object", PLAIN) is None
    assert not path.exists()
    cache.put("object", PLAIN, b"payload")
    assert cache.get("object", PLAIN) == b"payload"


def test_keys_are_of_parts_not_of_their_text() -> None:
    keys = [module.key(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), (b"abc", b"", b""))]
    assert len(set(keys)) == len(keys)
    assert module.key("é") == module.key("é".encode())


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".", "a.b", "a\n"])
def test_names_stay_in_the_folder(cache: Cache, name: str) -> None:
    for kind, key in (("object", name), (name, "key")):
        with pytest.raises(ValueError):
            cache.path(kind, key)


@posix
def test_folders_and_files_are_the_users_alone(cache: Cache) -> None:
    cache.put("object", PLAIN, b"payload")
    path = cache.path("object", PLAIN)
    assert stat.S_IMODE(cache.folder.stat().st_mode) == stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("open_to", [0o020, 0o002])
def test_a_file_others_may_write_is_not_used(cache: Cache, open_to: int) -> None:
    cache.put("object", PLAIN, b"payload")
    cache.path("object", PLAIN).chmod(0o600 | open_to)
    assert cache.get("object", PLAIN) is None


@posix
def test_a_file_of_another_user_is_not_used(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put("object", PLAIN, b"payload")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert cache.get("object", PLAIN) is None


@posix
def test_a_link_is_not_followed(cache: Cache, tmp_path: Path) -> None:
    cache.put("object", PLAIN, b"payload")
    path = cache.path("object", PLAIN)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert cache.get("object", PLAIN) is None
    assert (tmp_path / "elsewhere").exists()


@posix
@pytest.mark.parametrize("what", ["writable", "link", "another's", "a file", "kind writable"])
def test_folders_that_are_refused(cache: Cache, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.folder.parent.mkdir(parents=True)
    if what == "link":
        (tmp_path / "elsewhere").mkdir()
        cache.folder.symlink_to(tmp_path / "elsewhere")
    elif what == "a file":
        cache.folder.write_text("")
    else:
        cache.folder.mkdir(mode=0o700)
        (cache.folder / "object").mkdir(mode=0o700)
    if what.endswith("writable"):
        (cache.folder if what == "writable" else cache.folder / "object").chmod(0o777)
    if what == "another's":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.warns(TheanoConfigWarning, match="compiledir"):
        cache.put("object", PLAIN, b"payload")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        cache.put("object", PLAIN, b"payload")
        assert cache.get("object", PLAIN) is None
    assert not list((tmp_path / "elsewhere").glob("*/*")) and not cache.entries()


def test_a_full_disk(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.put("object", PLAIN, b"payload")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.warns(TheanoConfigWarning, match="No space left"):
        cache.put("object", PRUNING, b"payload")
    assert [each.key for each in cache.entries()] == [PLAIN]  # no temporary file stays


def test_the_folder_disappears(cache: Cache) -> None:
    cache.put("object", PLAIN, b"payload")
    cache.path("object", PLAIN).unlink()
    cache.path("object", PLAIN).parent.rmdir()
    cache.folder.rmdir()
    assert cache.get("object", PLAIN) is None
    cache.put("object", PLAIN, b"payload")
    assert cache.get("object", PLAIN) == b"payload"


def test_off() -> None:
    with config.change_flags(cache=False):
        module.put("object", PLAIN, b"payload")
        assert module.get("object", PLAIN) is None


def test_the_settings_say_where(tmp_path: Path) -> None:
    with config.change_flags(compiledir=str(tmp_path / "chosen")):
        module.put("object", PLAIN, b"payload")
        assert module.get("object", PLAIN) == b"payload"
        assert module.current().folder == tmp_path / "chosen" / "artefacts"
    with config.change_flags(compiledir=str(tmp_path / "other")):
        assert module.get("object", PLAIN) is None


# ------------------------------------------------------------------------------------------------------------- sizes


def aged(cache: Cache, count: int, size: int) -> list[str]:
    """Artefacts of `size` bytes, header and all, used one after the other."""
    for age, key in enumerate(KEYS[:count]):
        cache.put("object", key, bytes(size - HEADER.size))
        os.utime(cache.path("object", key), (0, time.time() - 100 * (count - age)))
    return KEYS[:count]


def test_prune_deletes_the_least_recently_used(cache: Cache) -> None:
    keys = aged(cache, 10, 1000)
    assert [each.key for each in cache.prune(4500)] == keys[:6]
    assert [each.key for each in cache.entries()] == keys[6:]
    assert not cache.prune(4500)


def test_reading_counts_as_use(cache: Cache) -> None:
    keys = aged(cache, 5, 1000)
    for age, key in enumerate(keys):
        os.utime(cache.path("object", key), (0, time.time() - 2 * TOUCH + age))
    assert cache.get("object", keys[0]) is not None
    assert [each.key for each in cache.prune(2000)] == keys[1:4]


def test_some_writers_prune(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "artefacts", 5000)
    for key in KEYS:
        cache.put("object", key, bytes(500))
    cache.put("object", PRUNING, bytes(500))
    assert sum(each.size for each in cache.entries()) <= 5000
    assert cache.get("object", PRUNING) is not None


def test_what_a_dead_process_left_is_deleted_when_old(cache: Cache) -> None:
    cache.put("object", PLAIN, b"payload")
    old, new = (cache.path("object", PLAIN).with_suffix(f".{name}") for name in ("old", "new"))
    for each in (old, new):
        each.write_bytes(b"half")
    os.utime(old, (0, time.time() - STALE - 10))
    cache.prune(MEBI)
    assert not old.exists() and new.exists()
    assert cache.get("object", PLAIN) == b"payload"


# --------------------------------------------------------------------------------------------- threads and processes


def test_threads_share_a_cache(cache: Cache) -> None:
    wrong: list[bytes | None] = []

    def work(number: int) -> None:
        for turn in range(100):
            key = KEYS[turn % 3]
            cache.put("object", key, key.encode() * 50)
            found = cache.get("object", key)
            if found != key.encode() * 50:
                wrong.append(found)
            if number == 0 and turn % 10 == 0:
                cache.prune(MEBI)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _process(folder: str, number: int) -> int:
    """How many reads were neither a whole payload nor a missing one."""
    cache, wrong = Cache(Path(folder), 3000), 0
    for turn in range(150):
        key = KEYS[(turn + number) % 12]
        cache.put("object", key, key.encode() * 10)
        wrong += cache.get("object", key) not in (None, key.encode() * 10)
    return wrong


def test_processes_share_a_folder(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(_process, [(str(tmp_path / "artefacts"), number) for number in range(2)])
    assert found == [0, 0]


# ----------------------------------------------------------------------------------------------------------- command


@pytest.fixture
def used(tmp_path: Path) -> Cache:
    """The cache of the settings, with two artefacts."""
    config.compiledir = str(tmp_path)
    module.put("object", PLAIN, bytes(1000))
    module.put("function", PRUNING, bytes(2000))
    return module.current()


def test_path_and_list(used: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["path"]) == 0
    assert capsys.readouterr().out == f"{used.folder}\n"
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[-1] for line in lines[:2]} == {PLAIN, PRUNING}
    assert lines[2].startswith(f"2 artefacts, {3000 + 2 * HEADER.size} bytes in ")


def test_verify(used: Cache, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify"]) == 0
    used.path("object", PLAIN).write_bytes(b"damage")
    assert main(["verify"]) == 1
    assert capsys.readouterr().out.endswith("1 artefact, 6 bytes damaged and deleted\n")
    assert [each.key for each in used.entries()] == [PRUNING]


def test_prune_and_clear(used: Cache) -> None:
    os.utime(used.path("object", PLAIN), (0, 1e9))
    assert main(["prune"]) == 0 and len(used.entries()) == 2
    used.put("object", KEYS[5], bytes(MEBI))
    assert main(["prune", "--limit", "1"]) == 0
    assert not [each for each in used.entries() if each.size > MEBI] and len(used.entries()) <= 1
    assert main(["clear"]) == 0
    assert used.entries() == []


def test_clear_leaves_other_files(used: Cache) -> None:
    (used.folder / "object" / "NOTES.txt").write_text("mine")
    main(["clear"])
    assert (used.folder / "object" / "NOTES.txt").exists()


def test_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "symtheano.compile.cache_command"]
    flags = {**os.environ, "SYMTHEANO_FLAGS": f"compiledir={tmp_path}"}
    done = subprocess.run([*command, "path"], env=flags, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "artefacts")
    assert subprocess.run(command, env=flags, capture_output=True, check=False).returncode == 2
