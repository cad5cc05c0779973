"""What a native function shows: its program and its check, pseudo-C, LLVM's text, assembly, the report."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.agenda import Agenda
from symtheano.compile.listing import Listing
from symtheano.errors import CheckError

pytest.importorskip("llvmlite")

NATIVE = st.Mode(target="native")


def softmax() -> st.Function:
    x = T.fmatrix("x")
    return st.function([x], T.nnet.softmax(x), mode=NATIVE)


def training() -> st.Function:
    x, y = T.fmatrix("x"), T.ivector("y")
    w, b = st.shared(np.zeros((4, 3), "float32"), name="w"), st.shared(np.zeros(3, "float32"), name="b")
    loss = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(x, w) + b), y).mean()
    slopes = st.grad(loss, [w, b])
    rate = np.float32(0.1)
    updates = [(p, p - rate * g) for p, g in zip((w, b), slopes, strict=True)]
    return st.function([x, y], loss, updates=updates, mode=NATIVE)


def swap() -> st.Function:
    a, b = st.shared(np.zeros(3), name="a"), st.shared(np.ones(3), name="b")
    return st.function([], [a.sum()], updates=[(a, b * 2), (b, a + 1)], mode=NATIVE)


def steps() -> st.Function:
    x = T.dmatrix("x")
    s = st.shared(np.zeros(3), name="s")
    return st.function([x], [T.sort(T.tanh(x).sum(axis=0)) * 3, x.T], updates=[(s, s + 1)], mode=NATIVE)


EXAMPLES: dict[str, Callable[[], st.Function]] = {f.__name__: f for f in (softmax, training, swap, steps)}


@cache
def example(name: str) -> st.Function:
    return EXAMPLES[name]()


def program(name: str) -> Agenda:
    found = example(name).program
    assert isinstance(found, Agenda)
    return found


def is_broken(agenda: Agenda) -> bool:
    try:
        agenda.check()
    except CheckError:
        return True
    return False


# -- the program and its check -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_program_is_in_order(name: str) -> None:
    found = program(name)
    found.check()
    text = str(found)
    assert text.startswith("inputs") and "return" in text and len(text.splitlines()) > len(found.tasks)


def test_the_text_of_a_program() -> None:
    assert str(program("softmax")).splitlines() == [
        "inputs x0; shared; constants",
        "region 0 is given x0; gives v0",
        "  kernel   v0 <- x0: supremum, sub, exp, sum, true_div, over x0.shape[0], folding x0.shape[1]",
        "return v0",
    ]


def depends(later: Any, earlier: Any) -> bool:
    """Whether a task must run after another one."""
    if set(later.reads) & set(earlier.outs) or set(later.needs) & set(earlier.outs):
        return True
    targets = {t for _, t in later.overwrites}
    return bool(targets & set(earlier.reads)) or bool(targets and earlier.can_fail)


def exchanged(agenda: Agenda) -> Iterator[tuple[bool, Agenda]]:
    """Neighbours in the other order, and whether that is wrong."""
    for k, (first, then) in enumerate(itertools.pairwise(agenda.tasks)):
        tasks = list(agenda.tasks)
        tasks[k : k + 2] = [then, first]
        yield depends(then, first), replace(agenda, tasks=tuple(tasks))


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_wrong_order_is_found_and_a_right_one_is_not(name: str) -> None:
    for wrong, other in exchanged(program(name)):
        assert is_broken(other) is wrong, str(other)


def test_both_happens() -> None:
    seen = {wrong for name in EXAMPLES for wrong, _ in exchanged(program(name))}
    assert seen == {True, False}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_task_that_is_missing_or_twice(name: str) -> None:
    found = program(name)
    used = {n for t in found for n in (*t.reads, *t.needs)} | {*found.outputs, *(v for _, v in found.updates)}
    for k, task in enumerate(found.tasks):
        fewer = (*found.tasks[:k], *found.tasks[k + 1 :])
        assert is_broken(replace(found, tasks=fewer)) is bool(used & set(task.outs))
        more = (*found.tasks[:k], task, *found.tasks[k:])
        assert is_broken(replace(found, tasks=more)) is bool(task.outs)


@pytest.mark.parametrize("name", EXAMPLES)
def test_borders_with_holes(name: str) -> None:
    found = program(name)
    for k, border in enumerate(found.borders):
        for change in [{"reads": border.reads[:i] + border.reads[i + 1 :]} for i in range(len(border.reads))]:
            lost = set(border.reads) - set(change["reads"])
            borders = (*found.borders[:k], replace(border, **change), *found.borders[k + 1 :])
            read = {n for t in found if t.region == k for n in (*t.reads, *t.needs)}
            assert is_broken(replace(found, borders=borders)) is bool(lost & read)
        for i in range(len(border.gives)):
            fewer = replace(border, gives=border.gives[:i] + border.gives[i + 1 :])
            assert is_broken(replace(found, borders=(*found.borders[:k], fewer, *found.borders[k + 1 :])))


def test_updates_that_overwrite() -> None:
    found = program("training")
    writers = [t for t in found if t.overwrites]
    assert {target for t in writers for _, target in t.overwrites} == {"s0", "s1"}
    k = found.tasks.index(writers[0])
    wrong = replace(writers[0], overwrites=((writers[0].outs[0], "x0"),))
    assert is_broken(replace(found, tasks=(*found.tasks[:k], wrong, *found.tasks[k + 1 :])))
    late = replace(found.tasks[0], kind="check", outs=(), reads=("x0",), needs=(), overwrites=())
    assert is_broken(replace(found, tasks=(*found.tasks, late)))
    assert not is_broken(replace(found, tasks=(late, *found.tasks)))
    swapped = program("swap")
    assert not any(t.overwrites for t in swapped if "s0" in t.reads and "s1" in t.reads)


def test_compiling_checks_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Agenda] = []
    monkeypatch.setattr(Agenda, "check", lambda self: seen.append(self))
    with st.change_flags(check_programs=False):
        softmax()
    assert not seen
    with st.change_flags(check_programs=True):
        softmax()
    assert len(seen) == 1


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_texts_of_a_function(name: str) -> None:
    f = example(name)
    text = f.source
    assert isinstance(text, str) and text == f.source("native") and str(f.program).splitlines()[0] in text
    assert "def run(" in f.source("numpy") and "def run(" in f.source("host")
    assert "define" in f.source("llvm") and "@body0" in f.source("llvm")
    assert "body0" in f.asm() and "level 1" in f.asm() and "level 0" in f.asm()
    with pytest.raises(ValueError, match="'native', 'llvm', 'host', 'numpy'"):
        f.source("fortran")


@pytest.mark.parametrize("name", EXAMPLES)
def test_pseudo_c_is_well_formed(name: str) -> None:
    """Braces match, functions that are called are there, and a kernel's names are declared before they are read."""
    lines = [line.split("//")[0] for line in example(name).source.splitlines()]
    code = "\n".join(lines)
    assert code.count("{") == code.count("}") and code.count("(") == code.count(")")
    made = set(re.findall(r"^(?:void|int) (\w+)\(", code, re.MULTILINE))
    called = set(re.findall(r"^ +([km]\d+)[.\w]*\(", code, re.MULTILINE))
    assert called and called <= made
    for kernel in re.findall(r"^void .*?^}", code, re.MULTILINE | re.DOTALL):
        declared = set(re.findall(r"(?:\w[\w ]*?[ *])(\w+)(?:\[[^\]]*\])? ?(?=[,)=;])", kernel))
        read = set(re.findall(r"\b([bertijn]_?\w*?\d+)\b", kernel)) - set(re.findall(r"\b\w+_t\b", kernel))
        assert read <= declared | set(re.findall(r"long (\w+)", kernel)), kernel


def test_the_kernel_of_a_softmax() -> None:
    text = example("softmax").source
    (kernel,) = re.findall(r"^void .*?^}", text, re.MULTILINE | re.DOTALL)
    folds = [line.strip() for line in kernel.splitlines() if "r0 =" in line or "r1" in line]
    assert "float r0 = -INFINITY;" in folds and "float r1 = 0;" in folds
    assert "exp(" in kernel and "/ r1" in kernel and "threads share it" in kernel


def test_products_and_updates_in_place() -> None:
    text = example("training").source
    assert "acc += A[i0][k] * B[k][i1]" in text and "- 0.1f * acc;" in text
    assert re.search(r"m\d+\(x0\.T, v\d+, s0, s0, ", text)
    assert "if (!(x0.shape[1] == s0.shape[0])) return 1;" in text


def test_no_text_of_the_users_is_code() -> None:
    x = T.dvector("x */ evil(); \n int y; \\ \u202e /*")
    x.name = "x */\nevil(); \\"
    y = T.exp(x)
    y.name = "evil\n();\r\u2028evil()"
    f = st.function([x], y, mode=NATIVE)
    for line in f.source.splitlines():
        assert "evil" not in line.split("//")[0]
    assert "evil" in f.source and f.source.isascii() and "evil" not in f.source("llvm") + f.asm()


def test_numpy_programs_show_themselves() -> None:
    x = T.dvector("x")
    f = st.function([x], x + 1, mode="FAST_COMPILE")
    assert f.source == f.source("numpy") and "def run(x0)" in f.source and "runs as a NumPy program" in f.report()
    with pytest.raises(ValueError, match="no machine code"):
        f.asm()
    with pytest.raises(ValueError, match="'native'"):
        f.source("native")


def test_a_listing_is_text() -> None:
    listing = Listing("a", {"numpy": lambda: "b"})
    assert listing == "a" and listing("numpy") == "b" and f"{listing}" == "a"


# -- the report --------------------------------------------------------------------------------------------------------


def test_the_report_of_a_training_step() -> None:
    text = example("training").report()
    assert "runs as machine code: Python calls its entry" in text
    assert re.search(r"launches: \d+ of \d+ kernels", text) and "product of float32, own tiles of" in text
    assert "updates in place: s0, s1" in text and "not fused:" in text and "dot (v" in text
    assert re.search(r"estimated nanoseconds: [\d.e-]+\*", text) and "at the peak: " in text
    assert re.search(r"machine code: \d+ bytes, (generated|from the cache|in memory)", text)
    for phase in ("expand", "analyse", "fuse", "schedule", "emit", "code generation", "link"):
        assert re.search(rf"^time, {phase}: \d+\.\d+ ms$", text, re.MULTILINE)


def test_the_report_of_steps_in_python() -> None:
    text = example("steps").report()
    assert "runs as machine code in 2 regions, called by a Python program with 1 step of its own" in text
    assert "  sort: NumPy's or SciPy's function does it" in text


def test_peaks_are_formulas() -> None:
    x = T.TensorType("float64", shape=(3, 5))("x")
    f = st.function([x], T.exp(x), mode=NATIVE)
    assert "bytes of intermediate values and outputs at the peak: 120\n" in f.report()
    x = T.dmatrix("x")
    f = st.function([x], T.exp(x), mode=NATIVE)
    assert "at the peak: 8*x0.shape[0]*x0.shape[1]\n" in f.report()


def test_updates_that_swap_are_told() -> None:
    assert "updates in fresh memory: s" in example("swap").report()


def test_code_that_is_there_already() -> None:
    x = T.dvector("x")
    with st.change_flags(cache=False):
        first = st.function([x], T.tanh(x * 0.123456), mode=NATIVE)
        second = st.function([x], T.tanh(x * 0.123456), mode=NATIVE)
    assert "generated for" in first.report() and "in memory already" in second.report()


def test_a_function_that_is_known_on_disk(tmp_path: Path) -> None:
    """It is run from there; what people ask for is made then, and the report says so."""
    x = T.dvector("x")
    with st.change_flags(cache=True, compiledir=str(tmp_path), check_programs=False, quick_code=False):
        made, known = (st.function([x], T.tanh(x * 0.654321), mode=NATIVE) for _ in range(2))
        assert known.source == made.source and str(known.program) == str(made.program)
        assert "was known on disk" in known.report() and "was known on disk" not in made.report()
