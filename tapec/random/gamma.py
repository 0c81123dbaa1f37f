"""Gamma variates with the derivative in their shape parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.dispatch import apply, cast, lift
from tapec.ops import elementwise as ew
from tapec.ops import sampling
from tapec.random import generator as streams
from tapec.random.continuous import positive, standard_normal
from tapec.random.generator import Generator, number
from tapec.random.parameters import Shape, extents, floating_dtype, parameter
from tapec.surface.primitives import both, either, exp, filled, log, select, sqrt, stop_gradient
from tapec.tensor import Tensor

_F64 = np.dtype(np.float64)


def gamma(alpha: Any, shape: Shape | None = None, dtype: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Numbers with the gamma distribution of density z**(alpha - 1) exp(-z) / Γ(alpha); multiply them by a scale.

    Derivatives of every order flow to `alpha`, by implicit reparameterisation (Figurnov et al., 2018): each number
    moves as that quantile of the distribution does. A gradient costs about 56 exponentials for each number, in float64.

    Args:
        alpha: shape parameter of the distribution, above 0.
        shape: of the result, to which `alpha` broadcasts; that of `alpha` for None.
        dtype: of the result, floating; without it that of `alpha`, float32 for a Python number.
        generator: the stream to draw from; the default one for None.

    Raises:
        ValueError: an `alpha` is not a finite number above 0.
        ShapeError: `alpha` does not broadcast to `shape`.
        DTypeError: `dtype` is not floating.

    >>> import tapec as tp
    >>> alpha = tp.Variable(2.0)
    >>> with tp.GradientTape() as tape:
    ...     z = tp.random.gamma(alpha)
    >>> bool(tape.gradient(z, alpha) > 0)
    True
    """
    given = lift(alpha)
    size = given.shape if shape is None else extents(shape)
    wanted = floating_dtype(dtype, given)
    concentration = parameter(given, wanted, size, "alpha")
    fixed = cast(stop_gradient(concentration), _F64)
    if not bool(both(fixed > 0, fixed < np.inf).all()):
        raise ValueError(f"gamma takes finite shape parameters above 0, got {alpha!r}")
    sample = cast(_standard_gamma(generator or streams.DEFAULT, fixed, size), wanted)
    return apply(sampling.gamma_sample, (sample, concentration))


def _standard_gamma(generator: Generator, alpha: Tensor, size: tuple[int, ...]) -> Tensor:
    """By Marsaglia and Tsang (2000). Where alpha < 1: a draw for alpha + 1, times u**(1 / alpha).

    Rejected candidates are drawn again, all at once; more than 95 of 100 are accepted in each round.
    """
    small = alpha < 1
    d = select(small, alpha + 1.0, alpha) - number(1 / 3, _F64)
    c = number(1.0, _F64) / sqrt(d * 9.0)
    accepted, sample = filled(False, size, np.dtype(np.bool_)), filled(0.0, size, _F64)
    while not bool(accepted.all()):
        x = standard_normal(generator, size, _F64)
        root = x * c + 1.0
        v = root * root * root
        inside = v > 0
        fits = log(positive(generator.word(size), _F64)) < x * x * 0.5 + d - d * v + d * log(select(inside, v, 1))
        sample = select(accepted, sample, d * v)
        accepted = either(accepted, both(inside, fits))
    shrink = exp(log(positive(generator.word(size), _F64)) / alpha)
    return apply(ew.select, (small, sample * shrink, sample))
