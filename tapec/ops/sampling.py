"""Elementwise primitives of random numbers and of functions that are declared as wholes.

Random bits come from Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a function of
a 128-bit counter and a 64-bit key without any state, so that every element of a draw is computed by itself. Operands of
fewer bits are widened, and the result is cut to their width.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.ir.primitive import Primitive
from tapec.ops.elementwise import ELEMENTWISE
from tapec.ops.registry import define
from tapec.ops.short_floats import in_single

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def _philox(low: Any, high: Any, key: Any) -> tuple[Any, Any]:
    """The 128 bits as two words. Each 32-bit word of the paper is kept in 64 bits, which hold its products."""
    low, high, key = (np.asarray(x).astype(np.uint64) for x in (low, high, key))
    c0, c1, c2, c3 = low & _LOW, low >> _HALF, high & _LOW, high >> _HALF
    k0, k1 = key & _LOW, key >> _HALF
    m0, m1 = (np.uint64(m) for m in MULTIPLIERS)
    for i in range(ROUNDS):
        if i:
            k0, k1 = (k0 + np.uint64(KEY_STEPS[0])) & _LOW, (k1 + np.uint64(KEY_STEPS[1])) & _LOW
        p0, p1 = c0 * m0, c2 * m1
        c0, c1, c2, c3 = (p1 >> _HALF) ^ c1 ^ k0, p1 & _LOW, (p0 >> _HALF) ^ c3 ^ k1, p0 & _LOW
    return c0 | c1 << _HALF, c2 | c3 << _HALF


def _philox_low(low: Any, high: Any, key: Any) -> Any:
    return _philox(low, high, key)[0].astype(low.dtype)


def _philox_high(low: Any, high: Any, key: Any) -> Any:
    return _philox(low, high, key)[1].astype(low.dtype)


def _gamma_sample(sample: Any, alpha: Any) -> Any:
    return np.array(np.broadcast_arrays(sample, alpha)[0])


@in_single
def _adjust_contrast(image: Any, factor: Any, mean: Any) -> Any:
    return (image - mean) * factor + mean


# The meanings have the bits of the generated code, which is not why `exact` is false: NumPy takes some hundred passes
# over memory for what the generated code does in registers, so eager runs call that (docs/design/0011-random.md).
philox_low = define(
    Primitive("philox_low", ELEMENTWISE, 3, _philox_low, "Philox4x32-10 of counter (low, high) and key: first 64 bits.",
              exact=False, operand_kinds="u")
)  # fmt: skip
philox_high = define(
    Primitive("philox_high", ELEMENTWISE, 3, _philox_high, "Philox4x32-10 of counter (low, high) and key: the others.",
              exact=False, operand_kinds="u")
)  # fmt: skip
gamma_sample = define(
    Primitive("gamma_sample", ELEMENTWISE, 2, _gamma_sample,
              "Its first operand, a draw from the gamma distribution of shape `alpha`, which moves with alpha.",
              operand_kinds="f")
)  # fmt: skip
adjust_contrast = define(
    Primitive("adjust_contrast", ELEMENTWISE, 3, _adjust_contrast, "(image - mean) * factor + mean.", operand_kinds="f")
)
