"""Polynomials and unevaluated sums of two floats (double-double arithmetic).

Sources: T. J. Dekker, "A floating-point technique for extending the available precision" (1971); J.-M. Muller et al.,
"Handbook of Floating-Point Arithmetic", chapters 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.scalar.lanes import Lanes, fma


def coefficients(text: str) -> tuple[float, ...]:
    """Numbers in C's hexadecimal notation, separated by blanks."""
    return tuple(float.fromhex(word) for word in text.split())


def polynomial(x: Lanes, c: Sequence[float]) -> Lanes:
    """Value at x of the polynomial whose coefficients are given from the constant term upwards.

    Even and odd powers are two Horner chains in x*x: that halves the chain of dependent operations, which is what
    bounds the speed of a loop body, for one multiplication more.
    """
    if len(c) < 4:
        return _horner(x, c)
    square = x * x
    return fma(x, _horner(square, c[1::2]), _horner(square, c[0::2]))


def _horner(x: Lanes, c: Sequence[float]) -> Lanes:
    value = x.constant(c[-1])
    for coefficient in reversed(c[:-1]):
        value = fma(value, x, coefficient)
    return value


def fast_two_sum(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """a + b, rounded, and the error of the rounding; |a| >= |b| or a == 0 is the caller's promise."""
    total = a + b
    return total, b - (total - a)


def two_sum(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """a + b, rounded, and the error of the rounding."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def two_product(a: Lanes, b: Lanes) -> tuple[Lanes, Lanes]:
    """a * b, rounded, and the error of the rounding."""
    product = a * b
    return product, fma(a, b, -product)


def quotient(n: Lanes, n_low: Lanes | None, d: Lanes, d_low: Lanes) -> Lanes:
    """(n + n_low) / (d + d_low), a little over half an ulp: one division and one Newton step on the residual."""
    reciprocal = 1.0 / d
    q = n * reciprocal
    low = -(q * d_low) if n_low is None else fma(-q, d_low, n_low)
    return fma(fma(-q, d, n) + low, reciprocal, q)
