"""About how many vector instructions one elementwise primitive takes.

Apart from the rows themselves (`tapec.passes.scalar.table`), since what only weighs programs needs no code generation.
"""

from __future__ import annotations

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.ops import sampling

# Vector instructions of a row, roughly, where it is not one or two.
_COSTS: dict[Primitive, int] = {
    ew.div: 4, ew.sqrt: 5, ew.floor_divide: 30, ew.remainder: 25, ew.strong_mul: 3, ew.zero_mul: 5, ew.maximum: 3,
    ew.minimum: 3, ew.sign: 5, ew.integer_pow: 3, ew.exp: 25, ew.expm1: 30, ew.log: 35, ew.log1p: 40, ew.sin: 22,
    ew.cos: 22, ew.atan: 35, ew.atan2: 45, ew.tanh: 50, ew.sigmoid: 40, ew.erf: 65, ew.pow: 110, ew.copy: 0,
    ew.stop_gradient: 0, ew.barrier: 0, sampling.philox_low: 100, sampling.philox_high: 100, sampling.gamma_sample: 0,
    sampling.adjust_contrast: 3,
}  # fmt: skip


def cost(primitive: Primitive, dtype: DType) -> int:
    """About how many vector instructions a row takes, an addition being 1; `dtype` is the last operand's.

    float32 formulas are somewhat shorter than float64 ones, and divisions of 64-bit integers are done one by one.
    """
    base = _COSTS.get(primitive, 1)
    if primitive in (ew.floor_divide, ew.remainder) and dtype.kind in "iu":
        return 60 if dtype.bits == 64 else 20
    return base if dtype is not dtypes.F32 or base < 20 else base * 3 // 4
