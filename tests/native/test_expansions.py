"""The examples of the expanding rules in machine code: the values of the NumPy program, for axes of several lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as st
from symtheano.compile.certify import SIZES, example_values
from symtheano.compile.rules.example import Example
from symtheano.compile.rules.expand import EXPANSIONS
from symtheano.graph.fgraph import FunctionGraph

EXAMPLES = [(f"{rule.name} {k}", example) for rule in EXPANSIONS for k, example in enumerate(rule.examples)]
DTYPES = ("float32", "float64")
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "float64": 1e-12}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("example", [e for _, e in EXAMPLES], ids=[n for n, _ in EXAMPLES])
def test_values(example: Any, dtype: str) -> None:
    follows = isinstance(example, Example) and example.dtype == "float64"
    if not follows and dtype != DTYPES[0]:
        pytest.skip("the example has dtypes of its own")
    inputs, outputs = example(dtype) if follows else example()
    native, reference = (
        st.function(inputs, outputs, mode=st.Mode(target=target), on_unused_input="ignore")
        for target in ("native", "numpy")
    )
    for size in SIZES:
        values = example_values(FunctionGraph(inputs, outputs), size)
        try:
            wanted = reference(*values)
        except (ValueError, IndexError, AssertionError) as error:
            with pytest.raises(type(error)):
                native(*values)
            continue
        for got, want in zip(native(*values), wanted, strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            tolerance = TOLERANCE.get(want.dtype.name, 0)
            np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance, err_msg=f"size {size}")
