"""The derivative table on floats of 16 bits: every primitive, both modes, against its derivatives in float64.

Tolerances are for formulas of a few ops, each of which is rounded to 11 bits: 2**-8 of the number itself, and as much
of 1 where terms of that size cancel. Those that lose more say why.
"""

from __future__ import annotations

import numpy as np
import pytest
from derivative_cases import cases

import tapec as tp
from tapec import ops
from tapec.dispatch import apply
from tapec.errors import DTypeError
from tapec.ir import dtypes
from tapec.ir.builder import result_types
from tapec.ir.types import tensor_type
from tapec.ops import PRIMITIVES
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Excused, Missing
from tapec.tape import GradientTape
from tapec.tensor import make

HALF = np.dtype(np.float16)
TOLERANCE = 2.0**-8
LOOSE = {
    "integer_pow": 2.0**-6,  # up to the seventh power, whose factors have been rounded
    "pow": 2.0**-6,  # the exponent times the logarithm magnifies what rounding does to both
}
TABLE = [
    p
    for p in PRIMITIVES.values()
    if not p.regions
    and p.family.name not in {"linalg", "attached", "transform"}
    and not isinstance(DERIVATIVES.get(p), Excused | Missing)
    and p is not ops.sampling.gamma_sample  # its derivative is computed in float64: tests/random/test_gamma.py
]
REFUSING = [p for p in PRIMITIVES.values() if p.family.name in {"linalg", "attached", "transform"}]


def _operands(case, dtype):
    """The case's operands, rounded to float16, as an array of `dtype` where they are floats."""
    return [x.astype(HALF).astype(dtype) if x.dtype.kind == "f" else x for x in (np.asarray(x) for x in case.operands)]


def _derivatives(primitive, case, dtype):
    """Gradients of the sum, and the tangent along ones, of the floating operands that move."""
    tensors = [make(x) for x in _operands(case, dtype)]
    moving = [t for i, t in enumerate(tensors) if i not in case.constants]
    with GradientTape() as tape:
        tape.watch(moving)
        y = apply(primitive, tuple(tensors), case.attributes)
    gradients = tape.gradient(y, moving)
    with tp.ForwardAccumulator(moving, [make(np.ones_like(t.numpy())) for t in moving]) as accumulator:
        y = apply(primitive, tuple(tensors), case.attributes)
    return [*gradients, accumulator.jvp(y)], moving, y


@pytest.mark.parametrize(
    ("primitive", "case"), [pytest.param(p, case, id=f"{p.name}-{case}") for p in TABLE for case in cases(p)]
)
def test_derivatives_in_the_dtype_of_their_primal(primitive, case):
    found, moving, y = _derivatives(primitive, case, HALF)
    expected, *_ = _derivatives(primitive, case, np.dtype(np.float64))
    tolerance = LOOSE.get(primitive.name, TOLERANCE)
    for a, b, primal in zip(found, expected, [*moving, y], strict=True):
        assert a.dtype == primal.dtype
        np.testing.assert_allclose(a.numpy().astype(np.float64), b.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("primitive", REFUSING, ids=lambda p: p.name)
def test_what_has_no_routines_says_so(primitive):
    types = (tensor_type(dtypes.F16, (2, 2)),) * primitive.arity
    with pytest.raises(DTypeError, match="takes float32 or float64, got float16; cast first"):
        result_types(primitive, types, dict.fromkeys(primitive.attributes, 0))


def test_the_derivative_of_a_cast_is_the_cast_back():
    x = make(np.array([1.0, 2.0], np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = np.sum(x.astype(HALF) * np.float16(0.1))
    gradient = tape.gradient(y, x)
    assert gradient.dtype == np.float32
    assert gradient.tolist() == [float(np.float16(0.1))] * 2
