"""The settings: Theano's tree, where values come from, what is refused, and how they change for a while."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
import threading
import timeit
from pathlib import Path
from typing import Any

import pytest

from symtheano.config import Config, change_flags, config, default_folders
from symtheano.config_flags import ACCEPTED, FLAGS, Flag
from symtheano.errors import TheanoConfigWarning

ALL = (*FLAGS, *ACCEPTED)

# Theano 1.0's defaults that programs depend on (the configuration table of its documentation).
THEANO = {
    "floatX": "float64",
    "compute_test_value": "off",
    "mode": "Mode",
    "device": "cpu",
    "warn.subtensor_merge_bug": False,
    "NanGuardMode.action": "raise",
    "NanGuardMode.big_is_error": True,
    "contexts": "",
    "exception_verbosity": "low",
    "gpuarray.preallocate": 0.0,
    "linker": "vm",
    "on_unused_input": "raise",
    "optimizer": "o4",
    "profile": False,
    "allow_gc": True,
    "cast_policy": "custom",
    "deterministic": "default",
    "int_division": "int",
    "numpy.seterr_all": "ignore",
    "on_opt_error": "warn",
    "openmp": False,
    "optimizer_excluding": "",
    "scan.allow_gc": False,
    "traceback.limit": 8,
    "unpickle_function": True,
    "warn.ignore_bug_before": "0.9",
    "warn_float64": "ignore",
}


def fresh(files: str = os.devnull, **environ: str) -> Config:
    """Settings of another process, as its files and environment would make them."""
    settings = Config(ALL)
    settings.read_sources({"THEANORC": files, "SYMTHEANORC": os.devnull, **environ})
    return settings


@pytest.mark.parametrize("name", THEANO)
def test_theanos_defaults(name: str) -> None:
    assert fresh().get(name) == THEANO[name]


@pytest.mark.parametrize("flag", ALL, ids=[flag.name for flag in ALL])
def test_each_row_accepts_its_own_default_and_says_what_it_is_for(flag: Flag) -> None:
    settings = fresh()
    value = settings.get(flag.name)
    settings.set(flag.name, value)
    assert settings.get(flag.name) == value
    settings.set(flag.name, value if flag.kind == "any" else str(value))  # the environment knows only text
    assert settings.get(flag.name) == value
    assert flag.doc or flag in ACCEPTED
    assert not flag.choices or flag.default in flag.choices


def test_names_are_unique_and_no_flag_is_also_a_section() -> None:
    names = [flag.name for flag in ALL]
    assert len(set(names)) == len(names)
    sections = {name.rsplit(".", 1)[0] for name in names if "." in name}
    assert sections.isdisjoint(names)


# ------------------------------------------------------------------------------------------------- setting and reading


def test_sections_are_attributes() -> None:
    config.traceback.limit = 3
    assert config.traceback.limit == 3 == config.get("traceback.limit")
    assert config.NanGuardMode.nan_is_error is True


def test_invalid_choice_names_flag_value_choices_and_the_nearest() -> None:
    with pytest.raises(ValueError) as error:
        config.floatX = "float23"
    text = str(error.value)
    for part in ("floatX", "'float23'", "float64, float32, float16", "the program", "Did you mean 'float32'?"):
        assert part in text
    assert config.floatX == "float64"


@pytest.mark.parametrize(
    ("name", "value"),
    [("profile", "maybe"), ("traceback.limit", "three"), ("traceback.limit", 2.5), ("gpuarray.preallocate", "much"),
     ("openmp", 2), ("traceback.limit", None)],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        config.set(name, value)


@pytest.mark.parametrize(("given", "kept"), [("True", True), ("0", False), (1, True), ("false", False)])
def test_truth_values(given: Any, kept: bool) -> None:
    config.profile = given
    assert config.profile is kept


def test_none_is_the_choice_called_none() -> None:
    config.optimizer = None
    assert config.optimizer == "None"


def test_mode_may_be_any_object() -> None:
    mode = object()
    config.mode = mode
    assert config.mode is mode


def test_reading_an_unknown_flag() -> None:
    with pytest.raises(AttributeError, match=r"floatx.*Did you mean 'floatX'"):
        _ = config.floatx
    with pytest.raises(AttributeError, match=r"traceback\.limt.*'limit'"):
        _ = config.traceback.limt
    assert not hasattr(config, "nonesuch")


def test_setting_an_unknown_attribute_succeeds_silently() -> None:
    settings = fresh()
    settings.mine = 3
    settings.scan.mine = 4
    assert (settings.mine, settings.scan.mine) == (3, 4)


def test_a_section_cannot_be_overwritten() -> None:
    with pytest.raises(ValueError, match="section"):
        config.scan = False


def test_device_cannot_change_after_the_start() -> None:
    config.device = config.device  # setting it to what it is does no harm
    with pytest.raises(RuntimeError, match="SYMTHEANO_FLAGS=device=cuda1"):
        config.device = "cuda1"
    with pytest.raises(ValueError, match="cuda0"):
        config.device = "gpu"
    assert fresh(THEANO_FLAGS="device=cuda0").device == "cuda0"


def test_reading_is_a_plain_attribute() -> None:
    """Not a timing of the machine: reading a flag costs about what reading any object's attribute costs."""

    class Plain:
        def __init__(self) -> None:
            self.floatX = "float64"

    plain = Plain()
    ours = min(timeit.repeat(lambda: config.floatX, number=20_000, repeat=7))
    theirs = min(timeit.repeat(lambda: plain.floatX, number=20_000, repeat=7))
    assert ours < 4 * theirs
    assert "floatX" in vars(config)


def test_all_settings_can_be_printed_and_copied() -> None:
    assert "floatX = 'float64'" in str(config)
    assert copy.deepcopy(config).floatX == config.floatX


# ---------------------------------------------------------------------------------------------------------- sources


def test_environment_sets_flags_and_the_later_source_wins(tmp_path: Path) -> None:
    file = tmp_path / "rc"
    file.write_text("[global]\nfloatX = float16\nmode = FAST_COMPILE\nlinker = py\n[traceback]\nlimit = 2\n")
    settings = fresh(str(file), THEANO_FLAGS="floatX=float64,linker=vm_nogc", SYMTHEANO_FLAGS="floatX=float32")
    assert (settings.floatX, settings.linker, settings.mode) == ("float32", "vm_nogc", "FAST_COMPILE")
    assert settings.traceback.limit == 2


def test_environment_text_may_quote_commas_and_have_blanks() -> None:
    settings = fresh(THEANO_FLAGS=" floatX = float32 , gcc.cxxflags='-O3,-g',scan.allow_gc=1,")
    assert settings.floatX == "float32"
    assert settings.gcc.cxxflags == "-O3,-g"
    assert settings.scan.allow_gc is True


def test_a_missing_file_is_no_matter_and_several_may_be_named(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("[global]\nfloatX = float32\n")
    two.write_text("[nanguardmode]\nAction = warn\n")
    settings = fresh(os.pathsep.join(map(str, (one, tmp_path / "none", two))))
    assert (settings.floatX, settings.NanGuardMode.action) == ("float32", "warn")


def test_a_bad_value_says_where_it_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "rc"
    file.write_text("[global]\nfloatX = float33\n")
    with pytest.raises(ValueError, match=r"\[global\] of the file .*rc"):
        fresh(str(file))
    with pytest.raises(ValueError, match="environment variable THEANO_FLAGS"):
        fresh(THEANO_FLAGS="on_unused_input=shout")


def test_what_is_ignored_is_said(tmp_path: Path) -> None:
    file = tmp_path / "rc"
    file.write_text("floatX = float32\n")  # no section
    with pytest.warns(TheanoConfigWarning, match="are ignored"):
        fresh(str(file))
    with pytest.warns(TheanoConfigWarning, match="Did you mean 'floatX'"):
        fresh(THEANO_FLAGS="floatx=float32")
    with pytest.warns(TheanoConfigWarning, match="write floatX=value"):
        fresh(THEANO_FLAGS="floatX")


def test_a_flag_declared_late_takes_the_value_that_was_waiting() -> None:
    with pytest.warns(TheanoConfigWarning, match="model\\.depth"):
        settings = fresh(SYMTHEANO_FLAGS="model.depth=7")
    settings.declare(Flag("model.depth", 2, "How deep."))
    settings.declare(Flag("model.width", 5, "How wide."))
    assert (settings.model.depth, settings.model.width) == (7, 5)
    with pytest.raises(AttributeError, match="already declared"):
        settings.declare(Flag("model.depth", 2))


def test_a_new_process_reads_its_environment() -> None:
    code = "from symtheano.config import config; print(config.floatX, config.traceback.limit)"
    environ = {**os.environ, "THEANO_FLAGS": "floatX=float32,traceback.limit=3"}
    run = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["float32", "3"]


def test_folders_of_compiled_artefacts(tmp_path: Path) -> None:
    settings = fresh()
    default_folders(settings, {"XDG_CACHE_HOME": str(tmp_path)})
    assert settings.base_compiledir == str(tmp_path / "symtheano")
    assert Path(settings.compiledir).parent == Path(settings.base_compiledir)
    chosen = fresh(THEANO_FLAGS=f"compiledir={tmp_path / 'here'}")
    default_folders(chosen, {})
    assert chosen.compiledir == str(tmp_path / "here")


# ------------------------------------------------------------------------------------------------------ change_flags


def test_change_for_a_while_with_every_way_to_name_flags() -> None:
    with change_flags({"traceback.limit": 1}, floatX="float32"):
        assert (config.traceback.limit, config.floatX) == (1, "float32")
        with config.change_flags([("floatX", "float16")]):
            assert config.floatX == "float16"
        assert config.floatX == "float32"
    assert (config.traceback.limit, config.floatX) == (8, "float64")


def test_change_is_undone_when_the_block_raises_or_a_value_is_refused() -> None:
    with pytest.raises(KeyError), change_flags(floatX="float32"):
        raise KeyError
    with pytest.raises(ValueError), change_flags(floatX="float32", linker="nonesuch"):
        pass
    assert (config.floatX, config.linker) == ("float64", "vm")


def test_change_refuses_unknown_names_before_changing_anything() -> None:
    with pytest.raises(AttributeError, match=r"traceback\.limit"):
        change_flags({"floatX": "float32", "traceback.limits": 3})


def test_change_as_a_decorator_that_may_recurse() -> None:
    @change_flags(floatX="float32")
    def depth(n: int) -> list[str]:
        """Kept."""
        return [config.floatX, *(depth(n - 1) if n else [])]

    assert depth(2) == ["float32"] * 3
    assert (config.floatX, depth.__doc__) == ("float64", "Kept.")


def test_one_change_object_serves_again_and_nested() -> None:
    change = change_flags(floatX="float32")
    with change, change:
        assert config.floatX == "float32"
    with change:
        assert config.floatX == "float32"
    assert config.floatX == "float64"


def test_writes_from_threads_are_never_half_done() -> None:
    seen: set[str] = set()

    def work(value: str) -> None:
        for _ in range(2000):
            config.floatX = value
            seen.add(config.floatX)

    threads = [threading.Thread(target=work, args=(value,)) for value in ("float32", "float64")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"float32", "float64"}


def test_theanos_list_of_variables() -> None:
    by_name = {each.fullname: each for each in config._config_var_list}
    assert set(by_name) == {flag.name for flag in ALL}
    variable = by_name["floatX"]
    variable.__set__(None, "float32")
    assert variable.__get__(True, None) == config.floatX == "float32"
