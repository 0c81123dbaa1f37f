"""`tf.keras.initializers`: those of `tp.layers.initializers`, under Keras' names."""

from __future__ import annotations

from functools import partial

from tapec.compat.unknown_names import refuses
from tapec.layers import initializers
from tapec.layers.initializers import Constant as Constant
from tapec.layers.initializers import RandomNormal as RandomNormal
from tapec.layers.initializers import VarianceScaling as VarianceScaling
from tapec.layers.initializers import get as get

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform", "Ones",
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "get",
]  # fmt: skip

Zeros = partial(Constant, 0.0)
Ones = partial(Constant, 1.0)
TruncatedNormal = partial(RandomNormal, truncated=True)
GlorotUniform = partial(VarianceScaling, 1.0, "fan_avg", "uniform")
GlorotNormal = partial(VarianceScaling, 1.0, "fan_avg")
HeUniform = partial(VarianceScaling, 2.0, "fan_in", "uniform")
HeNormal = partial(VarianceScaling, 2.0, "fan_in")
LecunUniform = partial(VarianceScaling, 1.0, "fan_in", "uniform")
LecunNormal = partial(VarianceScaling, 1.0, "fan_in")


def RandomUniform(minval: float = -0.05, maxval: float = 0.05) -> initializers.RandomUniform:  # noqa: N802
    """Uniformly distributed between two numbers."""
    return initializers.RandomUniform(minval, maxval)


__getattr__ = refuses("tf.keras.initializers", __all__)
