"""SciPy's universal functions that are made of functions recorded here: `scipy.special.expit(t)`, `xlogy`, ...

They are entered by name, so that SciPy is not imported for them: who calls one has imported it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapec.array_protocol import FOREIGN_UFUNCS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, lift
from tapec.ops import elementwise as ew
from tapec.surface.exponential import softplus
from tapec.surface.primitives import INFINITY, both, either, expm1, log, log1p, select
from tapec.surface.registry import refuse
from tapec.surface.ufuncs import run
from tapec.tensor import Tensor

_Formula = Callable[..., Tensor]
_SPECIAL = FOREIGN_UFUNCS.setdefault("scipy.special", {})


def _special(formula: _Formula) -> _Formula:
    """Decorator: the formula is what the ufunc of its name, without the underscore, computes in its loop's dtype."""

    def call(function: np.ufunc, *inputs: Any, **options: Any) -> Any:
        refuse(function, **options)
        return run(function, formula, tuple([lift(value) for value in inputs]))

    _SPECIAL[formula.__name__.removeprefix("_")] = call
    return formula


@_special
def _expit(x: Tensor) -> Tensor:
    return apply(ew.sigmoid, (x,))


@_special
def _log_expit(x: Tensor) -> Tensor:
    return -softplus(-x)


@_special
def _logit(x: Tensor) -> Tensor:
    return log(x) - log1p(-x)


@_special
def _erf(x: Tensor) -> Tensor:
    return apply(ew.erf, (x,))


@_special
def _expm1(x: Tensor) -> Tensor:
    return expm1(x)


@_special
def _log1p(x: Tensor) -> Tensor:
    return log1p(x)


@_special
def _exp2(x: Tensor) -> Tensor:
    return TENSOR_FUNCTIONS[np.exp2](x)


@_special
def _exp10(x: Tensor) -> Tensor:
    return TENSOR_FUNCTIONS[np.power](lift(10.0, x._array.dtype), x)


@_special
def _cbrt(x: Tensor) -> Tensor:
    return TENSOR_FUNCTIONS[np.cbrt](x)


@_special
def _xlogy(x: Tensor, y: Tensor) -> Tensor:
    """Zero where x is, whatever the logarithm, which is the derivative by x all the same."""
    return _times_finite(x, log(y), y)


@_special
def _xlog1py(x: Tensor, y: Tensor) -> Tensor:
    return _times_finite(x, log1p(y), y)


@_special
def _entr(x: Tensor) -> Tensor:
    return select(x < 0, -INFINITY, -_xlogy(x, x))


@_special
def _rel_entr(x: Tensor, y: Tensor) -> Tensor:
    return select(_is_infinite(x, y), INFINITY, _times_finite(x, log(x) - log(y), y))


@_special
def _kl_div(x: Tensor, y: Tensor) -> Tensor:
    return select(_is_infinite(x, y), INFINITY, _times_finite(x, log(x) - log(y), y) - x + y)


@_special
def _huber(delta: Tensor, r: Tensor) -> Tensor:
    size = abs(r)
    found = select(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta))
    return select(delta < 0, INFINITY, found)


def _is_infinite(x: Tensor, y: Tensor) -> Tensor:
    """Whether the relative entropy is infinite: outside of where it is defined, and where only `y` is zero."""
    outside = either(either(x < 0, y < 0), both(x > 0, y == 0))
    return both(outside, both(x == x, y == y))


def _times_finite(x: Tensor, factor: Tensor, y: Tensor) -> Tensor:
    """The product, which is zero where `x` is unless `y` is NaN."""
    return select(y == y, apply(ew.strong_mul, (x, factor)), y)
