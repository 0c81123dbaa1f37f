"""The matrix product routines as machine code: one address per dtype, made when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes import matmul_names, product_names
from tapec.passes.threads_names import PARALLEL
from tapec.runtime import jit, recipes, threads
from tapec.runtime.target import vector_bits

_LIBRARIES: Final[dict[str, jit.Library]] = {}
_LOCK: Final = threading.RLock()
# The loops of products walk along pointers already.
_POINTERS: Final = jit.Options(strength_reduction=False)


def address(dtype: DType) -> int:
    """Address of the routine that `passes.matmul_text.matmul_routine` describes, good for the life of the process."""
    return _address(matmul_names.symbol(dtype), lambda: _small(dtype))


def product_address(dtype: DType) -> int:
    """Address of the routine for products of one part that `passes.product_text` describes, good likewise."""
    return _address(product_names.symbol(dtype), lambda: _large(dtype))


def threads_address(dtype: DType) -> int:
    """Address of the routine for products of several parts; threads are looked for."""
    return _address(product_names.symbol(dtype, 2), lambda: _threads(dtype))


def part_address(dtype: DType) -> int:
    """Address of the function of a part that both of them call."""
    return _library(product_names.symbol(dtype), lambda: _large(dtype)).address(product_names.part_name(dtype))


def _address(name: str, make: Callable[[], jit.Library]) -> int:
    return _library(name, make).address(name)


def _library(name: str, make: Callable[[], jit.Library]) -> jit.Library:
    library = _LIBRARIES.get(name)
    if library is None:
        with _LOCK:
            library = _LIBRARIES.get(name)
            if library is None:
                library = _LIBRARIES[name] = make()
    return library


def _small(dtype: DType) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.matmul_text import matmul_routine

        return recipes.Written(module_text(matmul_routine(dtype)))

    return recipes.build(("matmul", dtype.name), write).library


def _large(dtype: DType) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.product_text import product_module

        return recipes.Written(module_text(product_module(dtype, vector_bits())))

    return recipes.build(("product", dtype.name), write, opt=_POINTERS).library


def _threads(dtype: DType) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.product_text import product_threads_module

        return recipes.Written(module_text(product_threads_module(dtype)))

    symbols = {PARALLEL: threads.address(), product_names.part_name(dtype): part_address(dtype)}
    return recipes.build(("product on threads", dtype.name), write, symbols).library
