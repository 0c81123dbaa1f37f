"""The inverse of the normal distribution function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapec.random.generator import number
from tapec.surface.primitives import log, minimum, select, sqrt
from tapec.tensor import Tensor

# Wichura, "Algorithm AS 241: the percentage points of the normal distribution", 1988, PPND16; lowest power first.
_CENTER = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
     1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip


def normal_quantile(p: Tensor) -> Tensor:
    """Where the normal distribution function is p: float64, for p from 1.4e-11 to 1 - 1.4e-11."""
    one = number(1.0, np.float64)
    q = p - number(0.5, np.float64)
    center = q * _ratio(number(0.180625, np.float64) - q * q, _CENTER)
    tail = _ratio(sqrt(-log(minimum(p, one - p))) - number(1.6, np.float64), _TAIL)
    return select(abs(q) <= 0.425, center, select(q < 0, -tail, tail))


def _ratio(x: Tensor, coefficients: tuple[Sequence[float], Sequence[float]]) -> Tensor:
    above, below = (_polynomial(x, c) for c in coefficients)
    return above / below


def _polynomial(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    total = number(coefficients[-1], np.float64)
    for c in reversed(coefficients[:-1]):
        total = total * x + number(c, np.float64)
    return total
