"""Integers and truth values. Nothing here has a derivative: what they depend on only moves their probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.dispatch import apply, cast, lift
from tapec.errors import DTypeError, ShapeError
from tapec.ir import dtypes
from tapec.ops import elementwise as ew
from tapec.ops import ordering
from tapec.random import generator as streams
from tapec.random.continuous import half_open, positive
from tapec.random.generator import Generator, number
from tapec.random.parameters import Shape, extents, parameter
from tapec.surface.primitives import log, select, stop_gradient, take
from tapec.tensor import Tensor

_F64 = np.dtype(np.float64)
_U64 = np.dtype(np.uint64)


def bernoulli(p: Any = 0.5, shape: Shape | None = None, *, generator: Generator | None = None) -> Tensor:
    """Truth values that are true with probability `p`.

    Args:
        p: probabilities.
        shape: of the result, to which `p` broadcasts; that of `p` for None.
        generator: the stream to draw from; the default one for None.

    Raises:
        ShapeError: `p` does not broadcast to `shape`.

    >>> bernoulli(1.0, (3,)).tolist()
    [True, True, True]
    """
    probability = lift(p)
    size = probability.shape if shape is None else extents(shape)
    threshold = stop_gradient(parameter(probability, _F64, size, "p"))
    return half_open((generator or streams.DEFAULT).word(size), _F64) < threshold


def randint(
    low: int, high: int | None = None, shape: Shape = (), dtype: Any = np.int64, *, generator: Generator | None = None
) -> Tensor:
    """Integers from `low` to `high - 1`, or from 0 to `low - 1` if `high` is None; each is equally likely.

    Args:
        low: smallest integer.
        high: the first integer beyond.
        shape: of the result.
        dtype: of the result, an integer one.
        generator: the stream to draw from; the default one for None.

    Raises:
        ValueError: there is no integer in the range, or `dtype` does not hold it.
        DTypeError: `dtype` is no integer dtype.

    >>> sorted(set(randint(3, shape=100).tolist()))
    [0, 1, 2]
    """
    first, beyond = (0, low) if high is None else (low, high)
    wanted, size = np.dtype(dtype), extents(shape)
    if dtypes.of(wanted).kind not in "iu":
        raise DTypeError(f"randint gives integers, got dtype {wanted}")
    info = np.iinfo(wanted)
    if not info.min <= first < beyond <= int(info.max) + 1:
        raise ValueError(f"randint: {first} up to below {beyond} is empty, or more than {wanted} holds")
    offset = cast(_below(beyond - first, size, generator or streams.DEFAULT), wanted)
    return apply(ew.add, (offset, number(first, wanted)))  # both wrap around, so that the sum is right for any range


def _below(span: int, size: tuple[int, ...], generator: Generator) -> Tensor:
    """Words below `span`; those from the last multiple of it on are drawn again, or small ones would be likelier."""
    word = generator.word(size)
    if span == 2**64:
        return word
    excess = 2**64 % span
    if excess:
        last = number(2**64 - excess - 1, _U64)
        while bool((word > last).any()):
            word = select(word > last, generator.word(size), word)
    return apply(ew.remainder, (word, number(span, _U64)))


def permutation(x: Any, *, generator: Generator | None = None) -> Tensor:
    """The integers below `x` in random order, or a tensor with its rows in random order; all orders are equally likely.

    Args:
        x: a number of integers, or a tensor or array with at least one axis.
        generator: the stream to draw from; the default one for None.

    Raises:
        ShapeError: `x` is a tensor without axes that is no integer, or a negative number.

    >>> sorted(permutation(4).tolist())
    [0, 1, 2, 3]
    """
    rows = lift(x)
    if not rows.ndim:
        if rows.dtype.kind not in "iu" or int(rows) < 0:
            raise ShapeError(f"permutation takes a number of integers or an array with axes, got {x!r}")
        return _order(int(rows), generator)
    return take(rows, _order(rows.shape[0], generator), 0)


def _order(count: int, generator: Generator | None) -> Tensor:
    return apply(ordering.argsort, ((generator or streams.DEFAULT).word((count,)),), {"axis": 0})


def categorical(
    logits: Any, num_samples: int | None = None, dtype: Any = np.int64, *, generator: Generator | None = None
) -> Tensor:
    """Class numbers, class k with a probability proportional to exp(logits[..., k]).

    By the Gumbel-max method (Gumbel, 1954): the largest of logits + Gumbel noise.

    Args:
        logits: unnormalised log-probabilities, shape (..., classes); -inf for a class that never comes.
        num_samples: how many are drawn of each distribution; the result has no axis for them if it is None.
        dtype: of the result, an integer one.
        generator: the stream to draw from; the default one for None.

    Returns:
        Shape (...) or (..., num_samples).

    Raises:
        ShapeError: `logits` has no axis, or no classes.
        DTypeError: `dtype` is no integer dtype.

    >>> categorical([[0.0, float("-inf")], [float("-inf"), 0.0]], 3).tolist()
    [[0, 0, 0], [1, 1, 1]]
    """
    scores = cast(stop_gradient(lift(logits)), _F64)
    wanted = np.dtype(dtype)
    if dtypes.of(wanted).kind not in "iu":
        raise DTypeError(f"categorical gives integers, got dtype {wanted}")
    if not scores.ndim or not scores.shape[-1]:
        raise ShapeError(f"categorical takes logits of shape (..., classes), got {scores.shape}")
    *batch, classes = scores.shape
    size = (*batch, classes) if num_samples is None else (*batch, num_samples, classes)
    if num_samples is not None:
        scores = scores.reshape((*batch, 1, classes))
    waiting = -log(positive((generator or streams.DEFAULT).word(size), _F64))
    noise = -log(NUMPY_FUNCTIONS[np.maximum](waiting, 2.0**-65))  # a word that is all ones waits 0
    return cast(NUMPY_FUNCTIONS[np.argmax](scores + noise, axis=-1), wanted)
