"""Derivatives of the eigenvalues and eigenvectors of any square matrix, which are complex.

A complex number is a pair of real ones on a last axis; cotangents are pairs as well, of the derivatives with respect to
real and imaginary part. Where eigenvalues coincide, the vectors have no derivative, and where the matrix has too few of
them, the values have none either: the results are NaN or infinite.

LAPACK scales each vector to norm 1 and turns it so that its largest component is real; the rules follow both.
Source: Giles, as in `solving`; Boeddeker et al., "On the computation of complex-valued gradients with application to
statistically optimum beamforming" (2017), for the norm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tapec.ir.graph import Op
from tapec.ops import linalg, movement, reduction
from tapec.ops.symbolic import Sym, apply, broadcast, cast, equal, matmul, reduce_sum, reshape, select
from tapec.passes.derivatives.matrices import (
    columns,
    diagonal,
    from_diagonal,
    numbered,
    on_diagonal,
    rows,
    several,
    turned,
)
from tapec.passes.derivatives.table import Flow, Rows, Structured


@dataclass(frozen=True, slots=True)
class Complex:
    """Real and imaginary parts."""

    re: Sym
    im: Sym

    def each(self, change: Callable[[Sym], Sym]) -> Complex:
        """A linear map of both parts."""
        return Complex(change(self.re), change(self.im))

    def __add__(self, other: Complex) -> Complex:
        return Complex(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Complex) -> Complex:
        return Complex(self.re - other.re, self.im - other.im)

    def __mul__(self, other: Complex) -> Complex:
        return Complex(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)

    def scaled(self, factor: Sym) -> Complex:
        """Times real numbers."""
        return Complex(self.re * factor, self.im * factor)

    def __matmul__(self, other: Complex) -> Complex:
        return Complex(
            matmul(self.re, other.re) - matmul(self.im, other.im), matmul(self.re, other.im) + matmul(self.im, other.re)
        )

    @property
    def conjugate(self) -> Complex:
        """The conjugate."""
        return Complex(self.re, -self.im)

    @property
    def adjoint(self) -> Complex:
        """Conjugate and transposed."""
        return Complex(turned(self.re), -turned(self.im))

    @property
    def pairs(self) -> Sym:
        """The two parts on a last axis."""
        re, im = (reshape(part, (*part.shape, 1)) for part in (self.re, self.im))
        return apply(movement.concat, re, im, axis=len(self.re.shape))


def parts(x: Sym) -> Complex:
    """The two parts of pairs on the last axis."""
    *shape, _ = x.shape

    def part(index: int) -> Sym:
        start, step = (0,) * len(shape) + (index,), (1,) * (len(shape) + 1)
        return reshape(apply(movement.slice_, x, start=start, size=(*shape, 1), step=step), tuple(shape))

    return Complex(part(0), part(1))


def _solved(v: Complex, b: Complex, *, adjoint: bool = False) -> Complex:
    """The solution of v x = b, or of its adjoint, as a real system of twice the size."""
    rank, n = len(v.re.shape), v.re.shape[-1]

    def stacked(top: Sym, bottom: Sym) -> Sym:
        return apply(movement.concat, top, bottom, axis=rank - 2)

    whole = apply(movement.concat, stacked(v.re, v.im), stacked(-v.im, v.re), axis=rank - 1)
    packed, pivots = several(linalg.lu, whole)
    found = apply(linalg.lu_solve, whole, packed, pivots, stacked(b.re, b.im), transposed=adjoint)
    ones, zeros = (1,) * rank, (0,) * (rank - 2)
    size = (*found.shape[:-2], n, found.shape[-1])
    top, bottom = (apply(movement.slice_, found, start=(*zeros, first, 0), size=size, step=ones) for first in (0, n))
    return Complex(top, bottom)


def _gaps(w: Complex) -> Complex:
    """1 / (w_j - w_i), and 0 on the diagonal."""
    d = Complex(columns(w.re) - rows(w.re), columns(w.im) - rows(w.im))
    there = on_diagonal(d.re)
    size = select(there, 1.0, d.re * d.re + d.im * d.im)
    return Complex(select(there, 0.0, d.re / size), select(there, 0.0, -d.im / size))


def _column_sums(x: Sym) -> Sym:
    return columns(reduce_sum(x, (len(x.shape) - 2,)))


def _largest(v: Complex) -> Sym:
    """1 at the first largest component of each column, which is real; 0 elsewhere. No derivative flows through it."""
    size = v.re * v.re + v.im * v.im
    if size.shape[-1] == 0:
        return size
    axis = len(size.shape) - 2
    first = apply(reduction.argmax, size, axis=axis)
    return cast(equal(numbered(size, -2), columns(first)), size.dtype)


def _all_results(op: Op, active: Sequence[int], active_values: Callable[..., object]) -> Sequence[int]:
    return (0, 1)


def _push(
    op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Callable[..., object]
) -> list[Sym | None]:
    w, v = parts(outs[0]), parts(outs[1])
    da = broadcast(moving[0], operands[0].shape)
    k = _solved(v, v.each(lambda part: matmul(da, part)))
    dv = v @ (k * _gaps(w))
    along = _column_sums(v.re * dv.re + v.im * dv.im)
    mark = _largest(v)
    turn = _column_sums(mark * dv.im) / _column_sums(mark * v.re)
    dv = dv - v.scaled(along) - Complex(-v.im, v.re).scaled(turn)
    return [k.each(diagonal).pairs, dv.pairs]


def _pull(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Callable[..., object]
) -> list[tuple[int, Sym | None]]:
    w, v = parts(outs[0]), parts(outs[1])
    ct_w, ct_v = (None if ct is None else parts(broadcast(ct, out.shape)) for ct, out in zip(cts, outs, strict=True))
    inner = None if ct_w is None else ct_w.each(from_diagonal)
    if ct_v is not None:
        along = _column_sums(v.re * ct_v.re + v.im * ct_v.im)
        mark = _largest(v)
        turn = _column_sums(v.re * ct_v.im - v.im * ct_v.re) / _column_sums(mark * v.re)
        free = ct_v - v.scaled(along)
        free = Complex(free.re, free.im - mark * turn)
        rest = (v.adjoint @ free) * _gaps(w).conjugate
        inner = rest if inner is None else inner + rest
    assert inner is not None
    return [(0, (_solved(v, inner, adjoint=True) @ v.adjoint).re)]


ROWS: Rows = {linalg.eig: Structured(_all_results, _push, _pull)}
