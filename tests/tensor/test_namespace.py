"""The namespace theano.tensor: the names this stage owes, where they come from, and Theano's own list of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import symtheano.tensor as T
from symtheano.scalar import TABLE
from symtheano.tensor.sharedvar import TensorSharedVariable, shared

SHARED = Path(__file__).resolve().parents[3] / "shared"

GROUPS = {
    "classes": """TensorType TensorVariable TensorConstant TensorConstantSignature Tensor Variable Constant Apply Op
        Type Generic Elemwise DimShuffle AsTensorError NotScalarConstantError EmptyConstantError ShapeError
        NoneConst""",
    "constants": "as_tensor as_tensor_variable constant cast get_scalar_constant_value extract_constant",
    "elementwise": """log sqrt exp tanh sin log1p cos arctan2 cosh gammaln sinh expm1 inv arccos arctan erf tan arcsin
        arctanh i0 i1 arccosh arcsinh gamma gammainc deg2rad exp2 gammaincc gammal gammau iv j0 j1 jv log10 log2 psi
        rad2deg tri_gamma switch where eq neq le gt lt ge and_ bitwise_and bitwise_or or_ bitwise_not bitwise_xor invert
        isinf_ isnan_ isinf isnan xor maximum add minimum mod mul true_div floor_div int_div floor erfc ceil erfcx
        erfcinv erfinv trunc sqr square abs_ tensor_copy sgn angle complex complex_from_polar fill second imag real
        round_half_away_from_zero round_half_to_even round iround chi2sf clip conj neg pow power sub allclose isclose
        largest smallest divmod ceil_intdiv""",
    "reductions": """sum prod mean var std max min argmax argmin max_and_argmax all any ptp CAReduce Sum MaxAndArgmax
        Argmax makeKeepDims""",
    "products": "dot tensordot batched_dot batched_tensordot outer Dot",
    "shapes": """shape reshape flatten squeeze transpose swapaxes shape_padleft shape_padright shape_padaxis
        addbroadcast unbroadcast patternbroadcast specify_shape Reshape Shape SpecifyShape Rebroadcast
        get_vector_length""",
    "joining": "join concatenate stack stacklists split tile repeat roll horizontal_stack vertical_stack Join Split",
    "indexing": """set_subtensor inc_subtensor take nonzero nonzero_values flatnonzero choose Subtensor IncSubtensor
        AdvancedSubtensor AdvancedSubtensor1 AdvancedIncSubtensor AdvancedIncSubtensor1 advanced_set_subtensor1""",
    "new tensors": """alloc Alloc AllocEmpty zeros ones zeros_like ones_like eye Eye identity_like tri tril triu arange
        ARange mgrid ogrid diag diagonal ExtractDiag AllocDiag full full_like empty linspace trace""",
    "order": "sort argsort cumsum cumprod",
    "dtypes": """float_dtypes int_dtypes uint_dtypes discrete_dtypes continuous_dtypes complex_dtypes all_dtypes
        integer_dtypes float_types int_types complex_types""",
    "gradients": "grad Lop Rop verify_grad consider_constant grad_not_implemented grad_undefined DisconnectedType",
    "subpackages": "nnet",
}

METHODS = """T __abs__ __add__ __and__ __array_priority__ __bool__ __ceil__ __div__ __divmod__ __dot__ __floor__
    __floordiv__ __ge__ __getitem__ __gt__ __invert__ __iter__ __le__ __lt__ __matmul__ __mod__ __mul__ __neg__
    __nonzero__ __or__ __pow__ __radd__ __rand__ __rdiv__ __rdivmod__ __rdot__ __rfloordiv__ __rmod__ __rmul__ __ror__
    __rpow__ __rsub__ __rtruediv__ __rxor__ __sub__ __truediv__ __trunc__ __xor__ all any arccos arccosh arcsin arcsinh
    arctan arctanh argmax argmin argsort astype broadcastable ceil choose clip clone compress conj conjugate copy cos
    cosh cumprod cumsum deg2rad diagonal dimshuffle dot dtype eval exp exp2 expm1 fill flatten floor get_parents
    get_scalar_constant_value imag log log10 log1p log2 max mean min name ndim nonzero nonzero_values norm ones_like
    owner prod ptp rad2deg ravel real repeat reshape round searchsorted shape sin sinh size sort sqrt squeeze std sum
    swapaxes tag take tan tanh trace transfer transpose trunc type var zeros_like""".split()


@pytest.mark.parametrize("group", GROUPS)
def test_names(group: str) -> None:
    missing = [name for name in GROUPS[group].split() if not hasattr(T, name)]
    assert not missing


def test_every_row_of_the_table_is_a_function() -> None:
    missing = {name for name in TABLE if not callable(getattr(T, name, getattr(T.nnet, name, None)))}
    assert missing <= {"leaky_relu"}  # a step of nnet.relu


@pytest.mark.parametrize("variable", [T.matrix("x"), T.constant([[1.0]]), shared(1.0)], ids=["x", "c", "s"])
def test_members_of_variables(variable: Any) -> None:
    kind = type(variable)
    missing = [name for name in METHODS if not hasattr(kind, name) and name not in vars(variable)]
    assert not missing
    if issubclass(kind, TensorSharedVariable):
        assert all(hasattr(variable, n) for n in "get_value set_value container default_update zero".split())


def test_functions_win_over_modules() -> None:
    for name in ("shape", "join", "dot", "alloc", "arange", "repeat", "sort"):
        assert not isinstance(getattr(T, name), ModuleType), name


def test_all_lists_what_there_is() -> None:
    assert len(set(T.__all__)) == len(T.__all__)
    assert all(hasattr(T, name) for name in T.__all__)
    assert not [name for name in T.__all__ if isinstance(getattr(T, name), ModuleType) and name != "nnet"]
    assert {"fmatrix", "vectors", "dot", "zeros", "TensorType", "as_tensor"} <= set(T.__all__)
    assert not {"annotations", "Any", "np", "TYPE_CHECKING", "ModuleType"} & set(T.__all__)


@pytest.mark.skipif(not (SHARED / "names.json").exists(), reason="Theano's list of names is not here")
def test_theanos_own_list() -> None:
    """check_names.py counts the names of Theano that exist; the floors only ever rise."""
    script = [sys.executable, str(SHARED / "check_names.py"), "symtheano"]
    lines = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    counts = {int(line.split()[1][:-1]): int(line.split()[2]) for line in lines if line.startswith("tier")}
    floors = {1: 400, 2: 190, 3: 340, 4: 140}
    assert all(counts[tier] >= floor for tier, floor in floors.items()), counts


@pytest.mark.skipif(not (SHARED / "names.json").exists(), reason="Theano's list of names is not here")
def test_most_used_names_of_the_tensor_package() -> None:
    later = {"scal", "compile", "gof", "printing", "pprint", "shared_randomstreams", "signal"}  # modules, see interop
    names = json.loads((SHARED / "names.json").read_text(encoding="utf-8"))["theano.tensor"]
    missing = {name for name, entry in names.items() if entry["tier"] == 1 and not hasattr(T, name)}
    assert missing <= later
