"""Logarithms of sums of exponentials."""

from __future__ import annotations

from math import inf, log
from typing import Any

import numpy as np

from tapec.dispatch import cast, lift
from tapec.ops import reduction
from tapec.surface import primitives as p
from tapec.surface.reductions import reduce
from tapec.surface.registry import implements, refuse
from tapec.surface.short_floats import in_single
from tapec.tensor import Tensor


def shift(x: Tensor, axis: Any) -> Tensor:
    """The largest element along axes, or 0 where that is infinite, held constant: results do not depend on it."""
    top = p.stop_gradient(reduce(reduction.max, x, axis, True))
    return p.select(abs(top) < inf, top, 0)


@in_single
def log_sum_exp(x: Any, axis: Any, keepdims: bool) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow; -inf where all elements are -inf, or there are none."""
    t = p.floating(x)
    if not t._array.size:
        return reduce(reduction.sum, t, axis, keepdims) - inf
    base = shift(t, axis)
    total = reduce(reduction.sum, p.exp(t - base), axis, keepdims)
    zero = total == 0  # all -inf: the logarithm's infinite derivative is kept away from them
    if not keepdims:
        base = reduce(reduction.max, base, axis, False)
    return p.select(zero, -inf, base + p.log(p.select(zero, 1, total)))


@implements((np.logaddexp, "reduce"))
def _logaddexp_reduce(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    **options: Any,
) -> Tensor:
    refuse(ufunc, out=out, **options)
    return log_sum_exp(lift(array) if dtype is None else cast(lift(array), np.dtype(dtype)), axis, keepdims)


@implements((np.logaddexp2, "reduce"))
def _logaddexp2_reduce(ufunc: np.ufunc, array: Any, *given: Any, **options: Any) -> Tensor:
    return _logaddexp_reduce(ufunc, p.floating(array) * log(2), *given, **options) / log(2)
