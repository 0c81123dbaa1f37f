"""Transposes of Fourier transforms, which are linear: of the pairs, as real numbers."""

from __future__ import annotations

from tapec.ir import dtypes
from tapec.ops import creation, transform
from tapec.ops.symbolic import Sym, apply, broadcast, equal, reshape, select
from tapec.passes.derivatives.table import Linear, Rows


def _fft(i: int, ct: Sym, out: Sym, x: Sym, *, inverse: bool) -> Sym:
    return apply(transform.fft, broadcast(ct, out.shape), inverse=not inverse)


def _rfft(i: int, ct: Sym, out: Sym, x: Sym) -> Sym:
    n = x.shape[-1]
    return apply(transform.irfft, broadcast(ct, out.shape) * _weights(ct, n, 0.5), size=n)


def _irfft(i: int, ct: Sym, out: Sym, x: Sym, *, size: int) -> Sym:
    return apply(transform.rfft, broadcast(ct, out.shape)) * _weights(ct, size, 2.0)


def _weights(like: Sym, n: int, inner: float) -> Sym:
    """A number per pair of the first half: 1 where it stands for itself, `inner` where the second half repeats it."""
    count = n // 2 + 1
    attributes = {"axis": 0, "shape": (count,), "dtype": dtypes.I64.name}
    number = Sym(like.builder, like.builder.emit(creation.iota, (), attributes).result)
    alone = equal(number, 0)
    if n % 2 == 0:
        alone = select(equal(number, count - 1), True, alone)
    return reshape(select(alone, 1.0, inner, like=like), (count, 1))


ROWS: Rows = {
    transform.fft: Linear(None, _fft),
    transform.rfft: Linear(None, _rfft),
    transform.irfft: Linear(None, _irfft),
}
