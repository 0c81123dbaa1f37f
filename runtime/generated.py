"""Eager runs of generated code: elementwise primitives, reductions and matrix products on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import contraction
from tapec.ops import reduction as reduce
from tapec.passes.materialize import batch_strides
from tapec.passes.matmul_names import is_dot, is_small
from tapec.passes.product_functions import routine as product_routine
from tapec.passes.product_plan import matrices
from tapec.passes.threads_names import HISTORY
from tapec.runtime import matmul
from tapec.runtime.conversions import converted
from tapec.runtime.kept_kernels import KERNELS, Kernel, kernel_of
from tapec.runtime.linalg import execute_linalg, execute_linalg_with
from tapec.runtime.raw_entry import raw_entry
from tapec.runtime.reductions import reduction
from tapec.runtime.target import vector_bits
from tapec.runtime.transforms import execute_transform

Array = np.ndarray[Any, Any]


def _elementwise_kernel(key: tuple[Any, ...], primitive: Primitive, dtype: DType, scalar: tuple[bool, ...]) -> Kernel:
    def text() -> str:
        from tapec.passes.eager_kernels import elementwise_kernel

        return elementwise_kernel(primitive, dtype, scalar, vector_bits())

    description = ("elementwise", primitive.name, dtype.name, repr(scalar))
    return kernel_of(key, description, text, "i" + "p" * (len(scalar) + 1))


def unary(primitive: Primitive) -> Callable[[Array], Array]:
    """An elementwise primitive of one operand, without attributes, as a function of it."""
    kernels: dict[int, Kernel] = {}  # by the dtype's number

    def run(x: Array) -> Array:
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        dtype = x.dtype
        out = np.empty(x.shape, dtype)
        kernel = kernels.get(dtype.num)
        if kernel is None:
            key = (primitive, dtype.num)
            kernel = kernels[dtype.num] = _elementwise_kernel(key, primitive, dtypes.of(dtype), (False,))
        kernel(x.size, x, out)
        return out

    return run


def elementwise(primitive: Primitive) -> Callable[..., Array]:
    """An elementwise primitive without attributes as a function of operands that broadcast and are of one dtype."""
    plans: dict[tuple[Any, ...], _Spread] = {}

    def run(*arrays: Array) -> Array:
        key = (arrays[0].dtype.num, *[a.shape for a in arrays])
        plan = plans.get(key)
        if plan is None:
            if len(plans) >= _MOST_SHAPES:
                plans.clear()
            plan = plans[key] = _spread(primitive, arrays)
        shape, repeated, kernel, dtype = plan
        if repeated:
            arrays = tuple([a if a.size == 1 else np.broadcast_to(a, shape) for a in arrays])
        out = np.empty(shape, dtype)
        kernel(out.size, *[a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in arrays], out)
        return out

    return run


class _Spread(NamedTuple):
    """How operands of some shapes become those of one elementwise kernel."""

    shape: tuple[int, ...]
    repeated: bool
    kernel: Kernel
    dtype: np.dtype[Any]


_MOST_SHAPES = 4096


def _spread(primitive: Primitive, arrays: Sequence[Array]) -> _Spread:
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    scalar = tuple([a.size == 1 for a in arrays])
    repeated = any(not one and a.shape != shape for a, one in zip(arrays, scalar, strict=True))
    dtype = arrays[0].dtype
    result = np.dtype(np.bool_) if primitive.result == "bool" else dtype
    return _Spread(shape, repeated, _several(primitive, dtypes.of(dtype), scalar), result)


def _several(primitive: Primitive, dtype: DType, scalar: tuple[bool, ...]) -> Kernel:
    key = (primitive, dtype, scalar)
    return KERNELS.get(key) or _elementwise_kernel(key, primitive, dtype, scalar)


class _Product(NamedTuple):
    """How a matrix product of operands of one layout runs.

    Attributes:
        copied: which operands it reads from a dense copy.
        shape: of the result.
        run: takes the operands and the result.
    """

    copied: tuple[bool, bool]
    shape: tuple[int, ...]
    run: Callable[[Array, Array, Array], object]


_PRODUCTS: dict[tuple[Any, ...], _Product] = {}
_MOST_PRODUCTS = 4096


def product(a: Array, b: Array) -> Array:
    """Batched matrix product."""
    key = (a.dtype.num, a.shape, a.strides, b.dtype.num, b.shape, b.strides)
    plan = _PRODUCTS.get(key)
    if plan is None:
        if len(_PRODUCTS) >= _MOST_PRODUCTS:
            _PRODUCTS.clear()
        plan = _PRODUCTS[key] = _product_plan(a, b)
    copied, shape, run = plan
    if copied[0]:
        a = np.ascontiguousarray(a)
    if copied[1]:
        b = np.ascontiguousarray(b)
    out = np.empty(shape, a.dtype)
    run(a, b, out)
    return out


def _product_plan(a: Array, b: Array) -> _Product:
    dtype = dtypes.of(a.dtype)
    *batch, m, k = a.shape
    n = b.shape[-1]
    if a.dtype != b.dtype or b.shape[:-1] != (*batch, k):
        contraction.matmul.family.infer(
            contraction.matmul, (tensor_type(dtype, a.shape), tensor_type(dtypes.of(b.dtype), b.shape)), {}
        )
    shape = (*batch, m, n)
    if dtype.is_short:
        return _Product((False, False), shape, _in_single)
    if is_dot(dtype, m, n, k):
        return _Product((False, False), shape, _dot)
    (copied_a, strides_a), (copied_b, strides_b) = _matrix(a), _matrix(b)
    copied, extents = (copied_a, copied_b), (prod(batch), m, n, k)
    if 0 in shape or k == 0 or is_small(dtype, m, n, k):
        routine = _product_routine(dtype, "small", lambda: raw_entry(matmul.address(dtype), "iiiipiiipiiip"))
        return _Product(copied, shape, lambda a, b, out: routine(*extents, a, *strides_a, b, *strides_b, out))
    layout = matrices(extents, strides_a, strides_b)
    routine_address, words = matmul.large_product(dtype, layout)
    large = _product_routine(
        dtype, product_routine(layout), lambda: raw_entry(routine_address, "ppppp", release_gil=True)
    )
    return _Product(copied, shape, partial(large, np.zeros(HISTORY, np.int64), words))


def _in_single(a: Array, b: Array, out: Array) -> None:
    """The product of floats of 16 bits, as compiled programs have it (`passes.widen`)."""
    out[...] = converted(product(*[converted(x, dtypes.F32) for x in (a, b)]), dtypes.of(out.dtype))


def _dot(a: Array, b: Array, out: Array) -> None:
    """Products of rows and columns, as `passes.dot_products` has them in compiled programs."""
    axes = {"axes": (a.ndim - 2,)}
    for i in range(a.shape[-2]):
        for j in range(b.shape[-1]):
            out[..., i, j] = reduction(reduce.sum, [a[..., i, :] * b[..., :, j]], axes)


def _product_routine(dtype: DType, size: str, make: Callable[[], Kernel]) -> Kernel:
    key = (contraction.matmul, dtype, size)
    routine = KERNELS.get(key)
    if routine is None:
        routine = KERNELS[key] = make()
    return routine


def _matrix(x: Array) -> tuple[bool, tuple[int, int, int]]:
    """Whether a matrix product must read a copy, and the strides (batch, row, column) in elements of what it reads."""
    itemsize = x.itemsize
    found = None
    if not any(s % itemsize for s in x.strides):
        found = batch_strides(x.shape, tuple([s // itemsize for s in x.strides]))
    if found is not None:
        return False, found
    found = batch_strides(x.shape, np.empty(x.shape, np.bool_).strides)  # of one byte each
    assert found is not None
    return True, found


def runner(primitive: Primitive) -> Callable[..., Array]:
    """A primitive without attributes as a function of its operands."""
    if primitive.family.name == "contraction":
        return product
    if primitive.family.name == "transform":
        return lambda x: execute_transform(primitive, (x,), {})
    if primitive.family.name == "linalg":
        return partial(execute_linalg, primitive)
    return unary(primitive) if primitive.arity == 1 else elementwise(primitive)


# By family: primitives with attributes, as functions of the primitive, the operands and the attributes.
WITH_ATTRIBUTES = {"reduction": reduction, "linalg": execute_linalg_with, "transform": execute_transform}
