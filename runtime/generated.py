"""Eager runs of generated code: elementwise primitives, reductions and matrix products on whole arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tapec.errors import CompilationError
from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.passes.identities import of_nothing
from tapec.passes.kernel_status import KERNEL
from tapec.passes.materialize import strided_matrix
from tapec.passes.matmul_names import TOO_LARGE
from tapec.runtime import jit, matmul, recipes
from tapec.runtime.raw_entry import raw_entry
from tapec.runtime.target import vector_bits

Array = np.ndarray[Any, Any]
_Kernel = Callable[..., int]

_KERNELS: dict[tuple[Any, ...], _Kernel] = {}
_LIBRARIES: list[jit.Library] = []  # kernels live as long as the process: there are few, and anybody may hold one
_LOCK = threading.Lock()


def _kernel(key: tuple[Any, ...], description: tuple[str, ...], text: Callable[[], str], signature: str) -> _Kernel:
    """The kernel that is kept under `key`; `description` says the same to other processes."""
    found = _KERNELS.get(key)
    if found is None:
        with _LOCK:
            found = _KERNELS.get(key)
            if found is None:
                library = recipes.build(description, lambda: recipes.Written(text())).library
                _LIBRARIES.append(library)
                found = _KERNELS[key] = raw_entry(library.address(KERNEL), signature)
    return found


def _elementwise_kernel(key: tuple[Any, ...], primitive: Primitive, dtype: DType, scalar: tuple[bool, ...]) -> _Kernel:
    def text() -> str:
        from tapec.passes.eager_kernels import elementwise_kernel

        return elementwise_kernel(primitive, dtype, scalar, vector_bits())

    description = ("elementwise", primitive.name, dtype.name, repr(scalar))
    return _kernel(key, description, text, "i" + "p" * (len(scalar) + 1))


def _reduction_kernel(primitive: Primitive, dtype: DType, row: bool) -> _Kernel:
    def text() -> str:
        from tapec.passes.eager_kernels import reduction_kernel

        return reduction_kernel(primitive, dtype, row, vector_bits())

    description = ("reduction", primitive.name, dtype.name, repr(row))
    return _kernel((primitive, dtype, row), description, text, "iiiipp")


def elementwise(primitive: Primitive, arrays: list[Array], attributes: dict[str, Any]) -> Array:
    """One elementwise primitive without attributes, on operands of one dtype that broadcast."""
    if len(arrays) == 1:
        (x,) = arrays
        x = x if x.flags.c_contiguous else np.ascontiguousarray(x)
        out = np.empty(x.shape, x.dtype)
        kernel = _KERNELS.get((primitive, x.dtype.num)) or _unary(primitive, dtypes.of(x.dtype))
        kernel(x.size, x, out)
        return out
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    dtype = dtypes.of(arrays[0].dtype)
    scalar = tuple([a.size == 1 for a in arrays])
    dense = [
        np.ascontiguousarray(a if one or a.shape == shape else np.broadcast_to(a, shape))
        for a, one in zip(arrays, scalar, strict=True)
    ]
    out = np.empty(shape, dtype.numpy)
    kernel = _elementwise_kernel((primitive, dtype, scalar), primitive, dtype, scalar)
    kernel(out.size, *dense, out)
    return out


def _unary(primitive: Primitive, dtype: DType) -> _Kernel:
    return _elementwise_kernel((primitive, dtype.numpy.num), primitive, dtype, (False,))


class _Reduction(NamedTuple):
    """How a reduction of one shape runs: outer × reduced × inner elements, with axes in the order `permutation`."""

    out_shape: tuple[int, ...]
    permutation: tuple[int, ...] | None
    outer: int
    reduced: int
    inner: int
    kernel: _Kernel


_REDUCTIONS: dict[tuple[Any, ...], _Reduction] = {}
_MOST_REDUCTIONS = 4096


def reduction(primitive: Primitive, arrays: list[Array], attributes: dict[str, Any]) -> Array:
    """`sum`, `prod`, `max` or `min` over axes."""
    (x,) = arrays
    axes: tuple[int, ...] = attributes["axes"]
    key = (primitive, x.dtype.num, x.shape, axes)
    plan = _REDUCTIONS.get(key)
    if plan is None:
        if x.size == 0:
            return _of_nothing(primitive, x, attributes)
        if len(_REDUCTIONS) >= _MOST_REDUCTIONS:
            _REDUCTIONS.clear()
        plan = _REDUCTIONS[key] = _plan(primitive, dtypes.of(x.dtype), x.shape, axes)
    out_shape, permutation, outer, n, inner, kernel = plan
    if n == 1:
        return np.array(x.reshape(out_shape), order="C")
    if permutation is not None:
        x = x.transpose(permutation)
    if not x.flags.c_contiguous:
        x = np.ascontiguousarray(x)
    out = np.empty(out_shape, x.dtype)
    kernel(outer, n, inner, n * inner, x, out)
    return out


def _of_nothing(primitive: Primitive, x: Array, attributes: dict[str, Any]) -> Array:
    dtype = dtypes.of(x.dtype)
    # raises where nothing has no value
    (result,) = primitive.family.infer(primitive, (tensor_type(dtype, x.shape),), attributes)
    return np.full(result.shape, of_nothing(primitive.name, dtype), x.dtype)


def _plan(primitive: Primitive, dtype: DType, shape: tuple[int, ...], axes: tuple[int, ...]) -> _Reduction:
    kept = [i for i in range(len(shape)) if i not in axes]
    out_shape = tuple([shape[i] for i in kept])
    n = prod([shape[i] for i in axes])
    row = n == 1 or next(i for i in reversed(range(len(shape))) if shape[i] > 1) in axes
    inner_axes = [] if row else [i for i in kept if i > max(axes)]
    order = (*[i for i in kept if i not in inner_axes], *axes, *inner_axes)
    inner = prod([shape[i] for i in inner_axes])
    kernel = _reduction_kernel(primitive, dtype, row)
    permutation = None if order == tuple(range(len(shape))) else order
    return _Reduction(out_shape, permutation, prod(shape) // (n * inner), n, inner, kernel)


def product(primitive: Primitive, arrays: list[Array], attributes: dict[str, Any]) -> Array:
    """Batched matrix product."""
    a, b = arrays
    dtype = dtypes.of(a.dtype)
    *batch, m, k = a.shape
    n = b.shape[-1]
    if a.dtype != b.dtype or b.shape[:-1] != (*batch, k):
        primitive.family.infer(
            primitive, (tensor_type(dtype, a.shape), tensor_type(dtypes.of(b.dtype), b.shape)), attributes
        )
    (a, a_strides), (b, b_strides) = _matrix(a), _matrix(b)
    out = np.empty((*batch, m, n), dtype.numpy)
    routine = _KERNELS.get((primitive, dtype))
    if routine is None:
        routine = _KERNELS[primitive, dtype] = raw_entry(matmul.address(dtype), "iiiipiiipiiip")
    status = routine(prod(batch), m, n, k, a, *a_strides, b, *b_strides, out)
    if status == TOO_LARGE:
        raise CompilationError(f"matmul of {a.shape} and {b.shape}: BLAS takes extents below 2**31 only")
    assert status == 0, status
    return out


def _matrix(x: Array) -> tuple[Array, tuple[int, int, int]]:
    """An array that a matrix product can read, with its strides (batch, row, column) in elements."""
    itemsize = x.itemsize
    found = strided_matrix(x.shape, tuple([s // itemsize for s in x.strides]))
    if found is None:
        x = np.ascontiguousarray(x)
        found = strided_matrix(x.shape, tuple([s // itemsize for s in x.strides]))
        assert found is not None
    return x, found
