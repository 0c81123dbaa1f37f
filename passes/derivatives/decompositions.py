"""Derivatives of QR factors, eigenvectors and singular vectors.

Where eigenvalues or singular values coincide, the vectors of their space may be turned into each other and have no
derivative: what depends on them then has the derivative NaN or infinity. The values themselves have one, and it is used
alone where nothing depends on the vectors.

Sources: Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2010), for QR; Giles (2008), as
in `solving`, for eigenvectors; Townsend, "Differentiating the singular value decomposition" (2016).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapec.ir.graph import Op
from tapec.ops import linalg
from tapec.ops.symbolic import Sym, broadcast, matmul
from tapec.passes.derivatives.matrices import (
    columns,
    diagonal,
    from_diagonal,
    from_lower,
    reciprocal_off_diagonal,
    rows,
    to_lower,
    triangle,
    triangular,
    turned,
)
from tapec.passes.derivatives.table import Flow, Rows, Structured

_Received = list[tuple[int, Sym | None]]


def _all_results(op: Op, active: Sequence[int], active_values: Callable[..., object]) -> Sequence[int]:
    return range(len(op.results))


def _tangent_of_operand(operands: list[Sym], moving: dict[int, Sym]) -> Sym:
    return broadcast(moving[0], operands[0].shape)


def _full(cts: list[Sym | None], outs: list[Sym]) -> list[Sym | None]:
    return [None if ct is None else broadcast(ct, out.shape) for ct, out in zip(cts, outs, strict=True)]


def _sum(a: Sym | None, b: Sym | None) -> Sym | None:
    return b if a is None else a if b is None else a + b


# QR ------------------------------------------------------------------------------------------------------------------


def _push_qr(
    op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Callable[..., object]
) -> list[Sym | None]:
    q, r = outs
    x = turned(triangular(r, turned(_tangent_of_operand(operands, moving)), lower=False, transposed=True))
    m = matmul(turned(q), x)
    below = triangle(m, below=True, strict=True)
    upper = m - (below - turned(below))
    return [x - matmul(q, upper), matmul(upper, r)]


def _pull_qr(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Callable[..., object]
) -> _Received:
    q, r = outs
    ct_q, ct_r = _full(cts, outs)
    m = None if ct_r is None else matmul(r, turned(ct_r))
    m = _sum(m, None if ct_q is None else -matmul(turned(ct_q), q))
    assert m is not None
    whole = matmul(q, from_lower(m))
    if ct_q is not None:
        whole = ct_q + whole
    return [(0, turned(triangular(r, turned(whole), lower=False)))]


# Eigenvectors of symmetric matrices ----------------------------------------------------------------------------------


def _gaps(w: Sym) -> Sym:
    """1 / (w_j - w_i), and 0 on the diagonal."""
    return reciprocal_off_diagonal(columns(w) - rows(w))


def _push_eigh(
    op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Callable[..., object]
) -> list[Sym | None]:
    w, v = outs
    m = matmul(turned(v), matmul(from_lower(_tangent_of_operand(operands, moving)), v))
    return [diagonal(m), matmul(v, _gaps(w) * m)]


def _pull_eigh(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Callable[..., object]
) -> _Received:
    w, v = outs
    ct_w, ct_v = _full(cts, outs)
    if ct_v is None:
        assert ct_w is not None
        whole = matmul(v * columns(ct_w), turned(v))
    else:
        inner = _gaps(w) * matmul(turned(v), ct_v)
        if ct_w is not None:
            inner = inner + from_diagonal(ct_w)
        whole = matmul(matmul(v, inner), turned(v))
    return [(0, to_lower((whole + turned(whole)) * 0.5))]


# Singular values -----------------------------------------------------------------------------------------------------


def _push_svd(
    op: Op, outs: list[Sym], operands: list[Sym], moving: dict[int, Sym], tangent: Callable[..., object]
) -> list[Sym | None]:
    u, s, vt = outs
    da = _tangent_of_operand(operands, moving)
    *_, m, n = da.shape
    on_right, on_left = matmul(da, turned(vt)), matmul(turned(u), da)
    inner = matmul(turned(u), on_right)
    even = (inner + turned(inner)) * _gaps(s) * 0.5
    odd = (inner - turned(inner)) * reciprocal_off_diagonal(columns(s) + rows(s)) * 0.5
    du, dvt = matmul(u, even + odd), matmul(turned(even - odd), vt)
    if m > n:
        du = du + (on_right - matmul(u, inner)) / columns(s)
    if n > m:
        dvt = dvt + (on_left - matmul(inner, vt)) / rows(s)
    return [du, diagonal(inner), dvt]


def _pull_svd(
    op: Op, outs: list[Sym], operands: list[Sym], cts: list[Sym | None], flow: Flow, adjoint: Callable[..., object]
) -> _Received:
    u, s, vt = outs
    ct_u, ct_s, ct_vt = _full(cts, outs)
    *_, m, n = operands[0].shape
    if ct_u is None and ct_vt is None:
        assert ct_s is not None
        return [(0, matmul(u * columns(ct_s), vt))]
    left = None if ct_u is None else _skew(matmul(turned(u), ct_u))
    right = None if ct_vt is None else _skew(matmul(vt, turned(ct_vt)))
    total = _sum(left, right)
    assert total is not None
    inner = total * _gaps(s) * 0.5
    unlike = _sum(left, None if right is None else -right)
    assert unlike is not None
    inner = inner + unlike * reciprocal_off_diagonal(columns(s) + rows(s)) * 0.5
    if ct_s is not None:
        inner = inner + from_diagonal(ct_s)
    rest = matmul(u, inner)
    if ct_u is not None and m > n:
        rest = rest + (ct_u - matmul(u, matmul(turned(u), ct_u))) / columns(s)
    received = matmul(rest, vt)
    if ct_vt is not None and n > m:
        received = received + matmul(u, (ct_vt - matmul(matmul(ct_vt, turned(vt)), vt)) / rows(s))
    return [(0, received)]


def _skew(x: Sym) -> Sym:
    return x - turned(x)


ROWS: Rows = {
    linalg.qr: Structured(_all_results, _push_qr, _pull_qr),
    linalg.eigh: Structured(_all_results, _push_eigh, _pull_eigh),
    linalg.svd: Structured(_all_results, _push_svd, _pull_svd),
}
