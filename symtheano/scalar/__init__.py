"""The scalar language: dtypes, the table of scalar functions (each declared once), and expressions of them.

    TABLE["tanh"].out(("int8",), "float64")  -> "float32"
    TABLE["tanh"].partials(m, x, z)          -> (1 - z * z,)

Independent of the graph language; needs numpy alone. `scalar.symbolic` needs sympy and mpmath and is loaded only
when it is named; `scalar.namespace` loads scipy when a special function is first called.
"""

from symtheano.scalar import arithmetic, functions, logic, special
from symtheano.scalar.dtypes import autocast, upcast
from symtheano.scalar.op import TABLE, ScalarOp, cast

__all__ = ["TABLE", "ScalarOp", "arithmetic", "autocast", "cast", "functions", "logic", "special", "upcast"]
