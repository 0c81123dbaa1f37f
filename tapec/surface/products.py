"""Matrix and vector products in NumPy's shapes, made of the one batched `matmul`."""

from __future__ import annotations

from math import prod
from operator import index
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, OPERATORS, TENSOR_FUNCTIONS
from tapec.dispatch import apply, cast, lift, located, promote
from tapec.errors import MatrixShapeError, ShapeError
from tapec.ir.dtypes import FLOATS
from tapec.ops import contraction
from tapec.ops import elementwise as ew
from tapec.surface.axes import one_axis, several_axes
from tapec.surface.movement import moveaxis
from tapec.surface.primitives import broadcast, reduce_sum, reshape, transpose
from tapec.surface.registry import implements, refuse
from tapec.surface.short_floats import in_single
from tapec.surface.ufuncs import binary_operator, read
from tapec.tensor import Tensor

_I64, _BOOL = np.dtype(np.int64), np.dtype(np.bool_)


def batched_matmul(a: Tensor, b: Tensor) -> Tensor:
    """The primitive, on operands of one dtype; booleans by way of integers."""
    if a._array.dtype.kind == "b":
        return apply(contraction.matmul, (cast(a, _I64), cast(b, _I64))) != 0
    return apply(contraction.matmul, (a, b))


def _mismatch(name: str, a: Tensor, b: Tensor, m: int, n: int) -> ShapeError:
    raise located(ShapeError(f"{name}: shapes {a.shape} and {b.shape} not aligned: {m} != {n}"))


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    p, q = a._array.shape, b._array.shape
    if not p or not q:
        raise located(ShapeError(f"matmul takes operands with at least one axis, got shapes {p} and {q}"))
    if len(p) == len(q) == 2 and p[1] == q[0]:
        return batched_matmul(a, b)
    inner = q[0] if len(q) == 1 else q[-2]
    if p[-1] != inner:
        raise _mismatch("matmul", a, b, p[-1], inner)
    if len(p) == 1 and len(q) == 1:
        return inner_product(a, b, 1)
    if len(q) == 1:
        return reshape(batched_matmul(_rows(a), reshape(b, (inner, 1))), p[:-1])
    if len(p) == 1:
        return reshape(_matmul(reshape(a, (1, p[0])), b), (*q[:-2], q[-1]))
    if len(q) == 2:  # one matrix for all batches: a single, larger product
        return reshape(batched_matmul(_rows(a), b), (*p[:-1], q[-1]))
    try:
        batch = ew.broadcast_shapes(p[:-2], q[:-2])
    except ShapeError:
        raise located(ShapeError(f"matmul: batches of shapes {p} and {q} do not broadcast")) from None
    return batched_matmul(broadcast(a, batch + p[-2:]), broadcast(b, batch + q[-2:]))


def _rows(a: Tensor) -> Tensor:
    shape = a._array.shape
    return reshape(a, (prod(shape[:-1]), shape[-1]))


@in_single
def inner_product(a: Tensor, b: Tensor, axes: int) -> Tensor:
    """Sum of products over the last `axes` axes."""
    product = apply(ew.mul, (a, b))
    rank = product._array.ndim
    if product._array.dtype.kind == "b":
        return TENSOR_FUNCTIONS[np.any](product, tuple(range(rank - axes, rank)))
    return reduce_sum(product, tuple(range(rank - axes, rank)))


binary_operator("matmul", np.matmul, None, _matmul)
_general_operator = OPERATORS["matmul"]


def _matmul_operator(a: Any, b: Any) -> Any:
    """`a @ b`: for tensors of one floating dtype there is nothing to look up."""
    a, b = read(a), read(b)
    if type(a) is Tensor and type(b) is Tensor and not (a._weak or b._weak):
        dtype = a._array.dtype
        if dtype is b._array.dtype and dtype.kind in FLOATS:
            return _matmul(a, b)
    return _general_operator(a, b)


OPERATORS["matmul"] = _matmul_operator


@implements(np.linalg.matmul)
def _linalg_matmul(x1: Any, x2: Any, /) -> Tensor:
    return TENSOR_FUNCTIONS[np.matmul](x1, x2)


def _matching(name: str, a: Tensor, b: Tensor) -> None:
    if a._array.shape[-1:] != b._array.shape[-1:] or not a._array.ndim:
        raise located(ShapeError(f"{name}: shapes {a.shape} and {b.shape} differ in the last axis"))


def _vecdot(a: Tensor, b: Tensor) -> Tensor:
    _matching("vecdot", a, b)
    return inner_product(a, b, 1)


def _matvec(a: Tensor, b: Tensor) -> Tensor:
    return reshape_last(_matmul(a, reshape(b, (*b._array.shape, 1))))


def _vecmat(a: Tensor, b: Tensor) -> Tensor:
    shape = a._array.shape
    product = _matmul(reshape(a, (*shape[:-1], 1, shape[-1])), b)
    return reshape(product, (*product._array.shape[:-2], product._array.shape[-1]))


def reshape_last(x: Tensor) -> Tensor:
    """Without the last axis, which has one element."""
    return reshape(x, x._array.shape[:-1])


for _name, _ufunc, _formula in (
    ("vecdot", np.vecdot, _vecdot),
    ("matvec", np.matvec, _matvec),
    ("vecmat", np.vecmat, _vecmat),
):
    binary_operator(_name, _ufunc, None, _formula)


@implements(np.linalg.vecdot)
def _linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    a, b = promote(lift(x1), lift(x2))
    return _vecdot(moveaxis(a, axis, -1), moveaxis(b, axis, -1))


@implements(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Tensor:
    refuse(np.dot, out=out)
    x, y = promote(lift(a), lift(b))
    p, q = x._array.shape, y._array.shape
    if not p or not q:
        return apply(ew.mul, (x, y))
    if len(q) <= 2:
        return _matmul(x, y)
    if p[-1] != q[-2]:
        raise _mismatch("dot", x, y, p[-1], q[-2])
    return _contract(x, y, (len(p) - 1,), (len(q) - 2,))


@implements(np.vdot)
def _vdot(a: Any, b: Any, /) -> Tensor:
    x, y = promote(lift(a), lift(b))
    if x._array.size != y._array.size:
        raise _mismatch("vdot", x, y, x._array.size, y._array.size)
    return inner_product(reshape(x, (x._array.size,)), reshape(y, (y._array.size,)), 1)


@implements(np.inner)
def _inner(a: Any, b: Any, /) -> Tensor:
    x, y = promote(lift(a), lift(b))
    if not x._array.ndim or not y._array.ndim:
        return apply(ew.mul, (x, y))
    _matching("inner", x, y)
    return _contract(x, y, (x._array.ndim - 1,), (y._array.ndim - 1,))


@implements(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Tensor:
    refuse(np.outer, out=out)
    x, y = promote(lift(a), lift(b))
    return apply(ew.mul, (reshape(x, (x._array.size, 1)), reshape(y, (1, y._array.size))))


@implements(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Tensor:
    if lift(x1)._array.ndim != 1 or lift(x2)._array.ndim != 1:
        raise located(ShapeError("linalg.outer takes two vectors"))
    return _outer(x1, x2)


def _contract(a: Tensor, b: Tensor, axes_a: tuple[int, ...], axes_b: tuple[int, ...]) -> Tensor:
    free_a = [i for i in range(a._array.ndim) if i not in axes_a]
    free_b = [i for i in range(b._array.ndim) if i not in axes_b]
    shape_a, shape_b = a._array.shape, b._array.shape
    k = prod(shape_a[i] for i in axes_a)
    out = tuple([shape_a[i] for i in free_a] + [shape_b[i] for i in free_b])
    if not free_a and not free_b:
        return inner_product(reshape(transpose(a, axes_a), (k,)), reshape(transpose(b, axes_b), (k,)), 1)
    left = reshape(transpose(a, (*free_a, *axes_a)), (prod(shape_a[i] for i in free_a), k))
    right = reshape(transpose(b, (*axes_b, *free_b)), (k, prod(shape_b[i] for i in free_b)))
    return reshape(batched_matmul(left, right), out)


@implements(np.tensordot, np.linalg.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    x, y = promote(lift(a), lift(b))
    if np.ndim(axes) == 0:
        count = index(axes)
        axes_a: Any = list(range(x._array.ndim - count, x._array.ndim))
        axes_b: Any = list(range(count))
    else:
        axes_a, axes_b = axes
    first = several_axes(tuple(np.atleast_1d(axes_a).tolist()), x._array.ndim)
    second = several_axes(tuple(np.atleast_1d(axes_b).tolist()), y._array.ndim)
    if [x._array.shape[i] for i in first] != [y._array.shape[i] for i in second]:
        raise located(ShapeError(f"tensordot: shapes {x.shape} and {y.shape} differ on axes {first} and {second}"))
    return _contract(x, y, first, second)


@implements(np.kron)
def _kron(a: Any, b: Any) -> Tensor:
    x, y = promote(lift(a), lift(b))
    rank = max(x._array.ndim, y._array.ndim)
    p = (1,) * (rank - x._array.ndim) + x._array.shape
    q = (1,) * (rank - y._array.ndim) + y._array.shape
    left = reshape(x, tuple([n for extent in p for n in (extent, 1)]))
    right = reshape(y, tuple([n for extent in q for n in (1, extent)]))
    return reshape(apply(ew.mul, (left, right)), tuple([m * n for m, n in zip(p, q, strict=True)]))


@implements(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = promote(lift(a), lift(b))
    x, y = moveaxis(x, axisa, -1), moveaxis(y, axisb, -1)
    if x._array.shape[-1] != 3 or y._array.shape[-1] != 3:
        raise located(ShapeError(f"cross takes vectors of three components, got shapes {x.shape} and {y.shape}"))
    a0, a1, a2 = (x[..., i] for i in range(3))
    b0, b1, b2 = (y[..., i] for i in range(3))
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]
    stacked: Tensor = NUMPY_FUNCTIONS[np.stack](parts, axis=-1)
    return moveaxis(stacked, -1, one_axis(axisc, stacked._array.ndim))


@implements(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    return _cross(x1, x2, axis=axis)


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Any, *, out: Any = None) -> Tensor:
    refuse(np.linalg.multi_dot, out=out)
    result = lift(arrays[0])
    for other in arrays[1:]:
        result = _dot(result, other)
    return result


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: Any) -> Tensor:
    x, exponent = lift(a), index(n)
    if x._array.ndim < 2 or x._array.shape[-1] != x._array.shape[-2]:
        raise located(MatrixShapeError(f"linalg.matrix_power takes square matrices, got shape {x.shape}"))
    if exponent < 0:
        x, exponent = NUMPY_FUNCTIONS[np.linalg.inv](x), -exponent
    square, out = x, None
    while exponent:
        if exponent & 1:
            out = square if out is None else _matmul(out, square)
        exponent >>= 1
        if exponent:
            square = _matmul(square, square)
    if out is None:
        return broadcast(lift(np.eye(x._array.shape[-1], dtype=x._array.dtype)), x._array.shape)
    return out
