"""Functions of neural networks that NumPy lacks. They take tensors, Variables and arrays, and give tensors."""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, lift
from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.surface import exponential
from tapec.surface.axes import one_axis
from tapec.surface.log_sums import log_sum_exp, shift
from tapec.surface.primitives import exp, expm1, floating, log, minimum, select
from tapec.surface.reductions import reduce
from tapec.surface.short_floats import in_single
from tapec.tensor import Tensor


def relu(x: Any) -> Tensor:
    """x where x > 0, else 0; NaN stays NaN. The derivative at 0 is 0.

    Example:
        >>> relu(np.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """
    t = lift(x)
    return apply(ew.relu, (t if t._array.dtype.kind != "b" else floating(t),))


def leaky_relu(x: Any, negative_slope: float = 0.01) -> Tensor:
    """x where x > 0, else `negative_slope * x`.

    Example:
        >>> leaky_relu(np.array([-1.0, 2.0])).tolist()
        [-0.01, 2.0]
    """
    t = floating(x)
    return select(t > 0, t, t * negative_slope)


@in_single
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """x where x > 0, else `alpha * (exp(x) - 1)` (Clevert et al., 2015).

    Example:
        >>> elu(np.array([-1.0, 2.0])).numpy().round(4).tolist()
        [-0.6321, 2.0]
    """
    t = floating(x)
    positive = t > 0
    return select(positive, t, alpha * expm1(select(positive, 0, t)))


@in_single
def selu(x: Any) -> Tensor:
    """Scaled `elu` with the constants of Klambauer et al. (2017).

    Example:
        >>> selu(1.0).item()
        1.0507009873554805
    """
    return 1.0507009873554804934 * elu(x, 1.6732632423543772848)


def sigmoid(x: Any) -> Tensor:
    """1 / (1 + exp(-x)).

    Example:
        >>> sigmoid(0.0).item()
        0.5
    """
    return apply(ew.sigmoid, (floating(x),))


@in_single
def log_sigmoid(x: Any) -> Tensor:
    """log(sigmoid(x)), without underflow.

    Example:
        >>> log_sigmoid(-1000.0).item()
        -1000.0
    """
    return -exponential.softplus(-floating(x))


@in_single
def softplus(x: Any) -> Tensor:
    """log(1 + exp(x)), without overflow.

    Example:
        >>> float(softplus(1000.0))
        1000.0
    """
    return exponential.softplus(floating(x))


@in_single
def silu(x: Any) -> Tensor:
    """x * sigmoid(x), also called swish.

    Example:
        >>> silu(1.0).numpy().round(4).item()
        0.7311
    """
    t = floating(x)
    return t * sigmoid(t)


@in_single
def mish(x: Any) -> Tensor:
    """x * tanh(softplus(x)) (Misra, 2019).

    Example:
        >>> mish(1.0).numpy().round(4).item()
        0.8651
    """
    t = floating(x)
    return t * apply(ew.tanh, (exponential.softplus(t),))


@in_single
def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x times the normal distribution function at x (Hendrycks and Gimpel, 2016).

    Args:
        x: values.
        approximate: the paper's formula with tanh instead of the error function.

    Example:
        >>> gelu(1.0).numpy().round(4).item()
        0.8413
    """
    t = floating(x)
    if approximate:
        inner = sqrt(2 / pi) * (t + 0.044715 * (t * t * t))
        return 0.5 * t * (1 + apply(ew.tanh, (inner,)))
    return 0.5 * t * (1 + apply(ew.erf, (t / sqrt(2),)))


def erf(x: Any) -> Tensor:
    """The error function.

    Example:
        >>> erf(1.0).numpy().round(4).item()
        0.8427
    """
    return apply(ew.erf, (floating(x),))


def hard_tanh(x: Any) -> Tensor:
    """x clipped to -1 .. 1.

    Example:
        >>> hard_tanh(np.array([-3.0, 0.5])).tolist()
        [-1.0, 0.5]
    """
    return TENSOR_FUNCTIONS[np.clip](floating(x), -1.0, 1.0)


def relu6(x: Any) -> Tensor:
    """x clipped to 0 .. 6.

    Example:
        >>> relu6(np.array([-3.0, 8.0])).tolist()
        [0.0, 6.0]
    """
    t = relu(x)
    return minimum(t, lift(6, t._array.dtype))


@in_single
def softsign(x: Any) -> Tensor:
    """x / (1 + |x|).

    Example:
        >>> softsign(3.0).item()
        0.75
    """
    t = floating(x)
    return t / (1 + abs(t))


@in_single
def softmax(x: Any, axis: int | None = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis (over all elements for None), without overflow.

    Example:
        >>> softmax(np.array([0.0, np.log(3.0)])).numpy().round(12).tolist()
        [0.25, 0.75]
    """
    t = floating(x)
    powers = exp(t - shift(t, _axis(t, axis)))
    return powers / reduce(reduction.sum, powers, _axis(t, axis), True)


@in_single
def log_softmax(x: Any, axis: int | None = -1) -> Tensor:
    """log(softmax(x)) along an axis, without underflow.

    Example:
        >>> log_softmax(np.array([0.0, 1000.0])).tolist()
        [-1000.0, 0.0]
    """
    t = floating(x)
    shifted = t - shift(t, _axis(t, axis))
    return shifted - log(reduce(reduction.sum, exp(shifted), _axis(t, axis), True))


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow; -inf where all elements are -inf.

    Example:
        >>> logsumexp(np.array([1000.0, 1000.0])).numpy().round(4).item()
        1000.6931
    """
    return log_sum_exp(x, axis, keepdims)


def _axis(x: Tensor, axis: int | None) -> int | None:
    return None if axis is None else one_axis(axis, x._array.ndim)


def one_hot(indices: Any, num_classes: int, dtype: Any = np.float32) -> Tensor:
    """1 at each index along a new last axis, else 0; all 0 for an index outside 0 .. num_classes - 1.

    Example:
        >>> one_hot(np.array([1, 0]), 3).tolist()
        [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    where = NUMPY_FUNCTIONS[np.expand_dims](lift(indices), -1)
    return TENSOR_FUNCTIONS[np.astype](where == np.arange(num_classes), dtype)


@in_single
def softmax_cross_entropy(logits: Any, labels: Any, axis: int = -1) -> Tensor:
    """Cross entropy between `softmax(logits)` and the distributions `labels`, one number per row.

    Args:
        logits: unnormalized log-probabilities, shape (..., classes).
        labels: probabilities of the same shape; `one_hot` makes them of class numbers.
        axis: the axis of classes.

    Example:
        >>> softmax_cross_entropy(np.zeros(4), one_hot(1, 4)).numpy().round(4).item()
        1.3863
    """
    return -(reduce(reduction.sum, log_softmax(logits, axis) * labels, axis, False))
