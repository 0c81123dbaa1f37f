"""`tf.random`: `tp.random`, under TensorFlow's argument names. The numbers are others than TensorFlow's."""

from __future__ import annotations

from typing import Any

import numpy as np

import tapec.random as streams
from tapec.compat.tensorflow._conversion import extents, operand
from tapec.compat.unknown_names import refuses
from tapec.ir.dtypes import FLOATS
from tapec.tensor import Tensor

__all__ = ["categorical", "gamma", "normal", "set_seed", "shuffle", "truncated_normal", "uniform"]

_F32 = np.dtype(np.float32)


def set_seed(seed: int) -> None:
    """`tp.random.seed`."""
    streams.seed(seed)


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = _F32, *, name: str | None = None) -> Tensor:
    """`tp.random.normal`."""
    return streams.normal(extents(shape), mean, stddev, dtype)


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = _F32, *, name: str | None = None
) -> Tensor:
    """`tp.random.truncated_normal`."""
    return streams.truncated_normal(extents(shape), mean, stddev, dtype)


def uniform(shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = _F32, *, name: str | None = None) -> Tensor:
    """`tp.random.uniform`, or `tp.random.randint` for an integer dtype."""
    if np.dtype(dtype).kind in FLOATS:
        return streams.uniform(extents(shape), minval, 1.0 if maxval is None else maxval, dtype)
    return streams.randint(minval, maxval, extents(shape), dtype)


def gamma(shape: Any, alpha: Any, beta: Any = 1.0, dtype: Any = _F32, *, name: str | None = None) -> Tensor:
    """`tp.random.gamma` for each element of `alpha`, in `shape`; `beta` is the inverse of the scale."""
    concentration, rate = operand(alpha, dtype), operand(beta, dtype)
    inner = np.broadcast_shapes(concentration.shape, rate.shape)
    return streams.gamma(concentration, (*extents(shape), *inner)) / rate


def categorical(logits: Any, num_samples: int, dtype: Any = np.int64, *, name: str | None = None) -> Tensor:
    """`tp.random.categorical`."""
    return streams.categorical(operand(logits), num_samples, dtype)


def shuffle(value: Any, *, name: str | None = None) -> Tensor:
    """The rows in random order: `tp.random.permutation`."""
    return streams.permutation(operand(value))


__getattr__ = refuses("tf.random", __all__)
