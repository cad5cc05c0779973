"""Formulas (pp), trees (debugprint), short descriptions: what Theano's read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano import printing as p

s, alpha = T.dscalars("s", "alpha")
i = T.lscalar("i")
x = T.dmatrix("x")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (s**2 + 1, "((s ** TensorConstant{2}) + TensorConstant{1})"),
        (T.dot(x, x), "(x \\dot x)"),
        (x[0], "x[Constant{0}]"),
        (x[i, 1:3], "x[i, Constant{1}:Constant{3}]"),
        (x[::-1], "x[::Constant{-1}]"),
        (x.sum(), "Sum{acc_dtype=float64}(x)"),
        (-s, "(-s)"),
        (abs(s), "|s|"),
        (s / 2 - s // 2, "((s / TensorConstant{2}) - (s // TensorConstant{2}))"),
        (T.exp(x) * 2, "(exp(x) * TensorConstant{2})"),
        (x.T, "x.T"),
        (x.dimshuffle(0, "x", 1), "DimShuffle{0, x, 1}(x)"),
        (T.cast(s, "float32"), "float32(s)"),
        (T.fill(s, 1), "fill(s, TensorConstant{1})"),
        (T.tensor_copy(s) if hasattr(T, "tensor_copy") else s, "s"),
        (T.stack([i, i]), "[i, i]"),
        (T.concatenate([x, x]), "join(TensorConstant{0}, x, x)"),
        (T.nnet.sigmoid(s), "sigmoid(s)"),
        (alpha + 1, "(\\alpha + TensorConstant{1})"),
        (T.switch(s > 0, s, 1), "switch(gt(s, TensorConstant{0}), s, TensorConstant{1})"),
    ],
)
def test_pp(expression: Any, text: str) -> None:
    assert p.pp(expression) == text


def test_pprint_of_a_program() -> None:
    y = T.exp(s)
    y.name = "y"
    w = st.shared(1.0, "w")
    assert p.pprint([s], [y * 2, y + y]) == "y = exp(s)\nout[0] = (y * TensorConstant{2})\nout[1] = (y + y)"
    text = p.pprint.process_graph([s], y * w, {w: w + y}, display_inputs=True)
    assert text == "inputs: s, w\ny = exp(s)\nw <- (w + y)\nreturn (y * w)"
    with pytest.raises(TypeError):
        p.pprint()


def test_assigning_printers() -> None:
    mine = p.pprint.clone()
    mine.assign(T.exp, p.FunctionPrinter("EXP"))
    mine.assign(lambda pstate, r: r.name == "s", type("Leaf", (), {"process": lambda self, r, pstate: "S!"})())
    assert mine(T.exp(s)) == "EXP(S!)" and p.pp(T.exp(s)) == "exp(s)"
    assert p.pprint.clone_assign(T.exp, p.PatternPrinter("e^{%(0)s}"))(T.exp(s)) == "e^{s}"
    assert p.pprint.clone_assign(T.exp, p.IgnorePrinter())(T.exp(s)) == "s"
    assert p.pprint.clone_assign(T.Elemwise, p.OperatorPrinter("@", 1))(s + s) == "(s @ s)"
    assert p.default_printer.process(T.exp(s), p.PrinterState(pprinter=p.pprint)) == "Elemwise{exp,no_inplace}(s)"
    with pytest.raises(TypeError, match="not the result of an operation"):
        p.FunctionPrinter("f").process(s, p.PrinterState(pprinter=p.pprint))


def test_debugprint_of_variables() -> None:
    y = T.tanh(s) * T.tanh(s)
    assert p.debugprint(y, file="str") == (
        "Elemwise{mul,no_inplace} [id A] ''   \n"
        " |Elemwise{tanh,no_inplace} [id B] ''   \n"
        " | |s [id C]\n"
        " |Elemwise{tanh,no_inplace} [id D] ''   \n"
        "   |s [id C]\n"
    )
    t = T.tanh(s)
    t.name = "t"
    assert p.debugprint(t * t, ids="int", print_type=True, file="str").splitlines() == [
        "Elemwise{mul,no_inplace} [id 0] <TensorType(float64, scalar)> ''   ",
        " |Elemwise{tanh,no_inplace} [id 1] <TensorType(float64, scalar)> 't'   ",
        " | |s [id 2] <TensorType(float64, scalar)>",
        " |Elemwise{tanh,no_inplace} [id 1] <TensorType(float64, scalar)> 't'   ",
    ]
    assert "|s" not in p.debugprint(t * t, stop_on_name=True, file="str")
    assert p.debugprint(t, depth=1, ids="", file="str") == "Elemwise{tanh,no_inplace}  't'   \n"
    assert p.debugprint(t, ids="id", file="str").startswith("Elemwise{tanh,no_inplace} [id ")


def test_debugprint_of_functions(capsys: pytest.CaptureFixture[str]) -> None:
    f = st.function([s], [T.tanh(s) * 2, T.tanh(s) + 1])
    p.debugprint(f)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split("''")[1].strip().isdigit()  # the place in the order
    assert p.debugprint(f.graph, file="str").splitlines() == lines
    a, b = T.dvectors("a", "b")
    g = st.function([a, b], [a + b, (a + b) - b], mode=st.Mode(optimizer=None))
    assert p.debugprint(g, print_clients=True, file="str") == (
        "Elemwise{add,no_inplace} [id A] ''   0 clients:[('output', ''), ('[id C]', 1)]\n"
        " |a [id D]\n"
        " |b [id E]\n"
        "Elemwise{sub,no_inplace} [id C] ''   1\n"
        " |Elemwise{add,no_inplace} [id A] ''   0 clients:[('output', ''), ('[id C]', 1)]\n"
        " |b [id E]\n"
    )
    h = st.function([a], a + 1.5, mode=st.Mode(optimizer=None))
    lines = p.debugprint(h, ids="", print_storage=True, file="str").splitlines()
    assert lines[0].endswith("[None]") and lines[1] == " |a  [None]" and "[array" in lines[-1]
    out = io.StringIO()
    assert p.debugprint([s, st.In(s), s.owner or 3, np.arange(2)], file=out) is out
    assert out.getvalue().endswith("3\n[0 1]\n")


def test_debugprint_of_several_outputs_and_shared_ids() -> None:
    outs = T.max_and_argmax(x, axis=0)
    text = p.debugprint(outs, file="str")
    assert ".0 [id A]" in text and ".1 [id A]" in text
    ids: dict[Any, str] = {}
    p.debugprint(x, file="str", used_ids=ids)
    assert "[id B]" in p.debugprint(s, file="str", used_ids=ids)


def test_debugprint_refuses() -> None:
    with pytest.raises(TypeError, match="cannot print an object of this type"):
        p.debugprint("text")
    with pytest.raises(Exception, match="depth parameter must be an int"):
        p.debugprint(s, depth="deep")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="ids must be"):
        p.debugprint(s, ids="char")


def test_letters() -> None:
    assert [p.char_from_number(n) for n in (0, 25, 26, 27, 26 * 26)] == ["A", "Z", "BA", "BB", "BAA"]


def test_short_descriptions() -> None:
    e = T.exp(s)
    e.name = "e"
    assert p.min_informative_str(e * T.log(i)) == (
        "A. Elemwise{mul,no_inplace}\n B. e\n C. Elemwise{log,no_inplace}\n  D. i"
    )
    assert p.min_informative_str(e + e) == "A. Elemwise{add,no_inplace}\n B. e\n <B>"
    assert p.var_descriptor(e + e) == "A=Elemwise{add,no_inplace}(B=Elemwise{exp,no_inplace}(C=s),<B>)"
    a, b = np.arange(4.0), np.arange(4.0).reshape(2, 2)
    assert p.hex_digest(a) != p.hex_digest(b) and p.hex_digest(a) == p.hex_digest(a.copy())
    assert p.var_descriptor(a).startswith("A=<ndarray:strides=[8],digest=")
    assert p.position_independent_str(s) == "theano_var{type=TensorType(float64, scalar)}"


def test_depth_is_no_limit() -> None:
    deep: Any = s
    for _ in range(3000):
        deep = deep + 1
    assert p.pp(deep).count("+") == 3000
    assert len(p.debugprint(deep, file="str").splitlines()) == 6001
    assert p.var_descriptor(deep).startswith("A=")
