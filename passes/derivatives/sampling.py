"""Derivatives of `tapec.ops.sampling`: the implicit one of gamma draws, and an op that is declared without any."""

from __future__ import annotations

from tapec.ir import dtypes
from tapec.ir.builder import Builder
from tapec.ops import creation, sampling
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, cast, reduce_sum, reshape, select
from tapec.passes.derivatives.table import Excused, Missing, Partials, Rows

# The double exponential rule for integrals over (0, ∞) of what decays exponentially (Takahasi and Mori, 1974): with
# these nodes the error of `gamma_derivative` is below 3e-11 for alpha from 1e-3 to 1e6 (docs/design/0011-random.md).
NODES, FIRST, LAST = 56, -3.4, 4.0
_SHIFT = 10


def digamma(x: Sym) -> Sym:
    """The logarithmic derivative of the gamma function, for x > 0 in float64 (DLMF 5.5.2 and 5.11.2)."""
    below = 1.0 / x
    for k in range(1, _SHIFT):
        below = below + 1.0 / (x + float(k))
    y = x + float(_SHIFT)
    q = 1.0 / (y * y)
    tail = q * (1 / 12 - q * (1 / 120 - q * (1 / 252 - q * (1 / 240 - q * (1 / 132 - q * (691 / 32760))))))
    return apply(ew.log, y) - 0.5 / y - tail - below


def gamma_derivative(sample: Sym, alpha: Sym) -> Sym:
    """dz/dα of the α-quantile path through z = `sample`: -(∂F(z; α)/∂α) / p(z; α) (Figurnov et al., 2018).

    Since ∂F/∂α is the integral of (log t - ψ(α)) p(t) from 0 to z, and minus that from z to ∞, p(z) cancels:

        z ≤ α:  z ∫ (v + ψ(α) - log z) exp(-αv - z expm1(-v)) dv            with t = z exp(-v)
        z > α:  z ∫ (log1p(v) + log z - ψ(α)) (1 + v)^(α - 1) exp(-z v) dv  with t = z (1 + v)

    both over (0, ∞), where the weights fall from 1. The sum over the nodes is smooth in z and α, so that its own
    derivatives are those of the integral; `scale` only places the nodes, and the integral does not depend on it.
    """
    dtype = alpha.dtype
    z, a = cast(sample, dtypes.F64), cast(alpha, dtypes.F64)
    z = select(z < 2.0**-1022, 2.0**-1022, z)  # a draw that has underflowed: the derivative is 0 but for rounding
    z, a = _with_axis(z), _with_axis(a)
    above = z > a
    distance = apply(ew.abs, z - a)
    scale = 2.0 / (distance + apply(ew.sqrt, distance * distance + 2.0 * z))
    scale = apply(ew.stop_gradient, apply(ew.maximum, scale, 1.0 / apply(ew.maximum, z, a)))
    nodes, weights = _rule(z.builder)
    v = scale * nodes
    log_ratio = select(above, apply(ew.log1p, v), -v)
    growth = select(above, v, apply(ew.expm1, -v))
    offset = log_ratio + (apply(ew.log, z) - digamma(a))
    weight = apply(ew.exp, a * log_ratio - z * growth)
    integrand = select(above, offset / (v + 1.0), -offset) * weight * (z * scale * weights)
    return cast(reduce_sum(integrand, (len(integrand.shape) - 1,)), dtype)


def _with_axis(x: Sym) -> Sym:
    return reshape(x, (*x.shape, 1))


def _rule(builder: Builder) -> tuple[Sym, Sym]:
    """Nodes x = exp(t - exp(-t)) at equal steps of t, and their weights dx."""
    step = (LAST - FIRST) / (NODES - 1)
    position = builder.emit(creation.iota, (), {"axis": 0, "shape": (NODES,), "dtype": dtypes.F64.name})
    t = Sym(builder, position.result) * step + FIRST
    fall = apply(ew.exp, -t)
    nodes = apply(ew.exp, t - fall)
    return nodes, nodes * (fall + 1.0) * step


_BITS = Excused("random bits are integers, which have no derivative")

ROWS: Rows = {
    sampling.philox_low: _BITS,
    sampling.philox_high: _BITS,
    sampling.gamma_sample: Partials((1.0, lambda out, sample, alpha: gamma_derivative(out, alpha))),
    sampling.adjust_contrast: Missing("declared without a gradient, as TensorFlow's op is"),
}
