"""The matrix product routines as machine code: one address per dtype, made when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes.matmul_names import (
    ALONE_BEGIN,
    ALONE_END,
    GET_THREADS,
    SET_THREADS,
    blas_names,
    blas_symbol,
    cut_symbol,
    panel_symbol,
    symbol,
)
from tapec.passes.threads_names import PARALLEL
from tapec.runtime import blas, jit, recipes, threads

_LIBRARIES: Final[dict[str, jit.Library]] = {}
_LOCK: Final = threading.RLock()


def address(dtype: DType) -> int:
    """Address of the routine that `passes.matmul_text.matmul_routine` describes, good for the life of the process."""
    return _library(dtype).address(symbol(dtype))


def cut_address(dtype: DType) -> int:
    """Address of the routine of `passes.matmul_cut_text`, good for the life of the process."""
    return _kept(cut_symbol(dtype), lambda: _cut(dtype)).address(cut_symbol(dtype))


def _library(dtype: DType) -> jit.Library:
    return _kept(symbol(dtype), lambda: _routine(dtype))


def _kept(name: str, make: Callable[[], jit.Library]) -> jit.Library:
    library = _LIBRARIES.get(name)
    if library is None:
        with _LOCK:
            library = _LIBRARIES.get(name)
            if library is None:
                library = _LIBRARIES[name] = make()
    return library


def _routine(dtype: DType) -> jit.Library:
    alone = _alone() if dtype.is_float else {}

    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.matmul_text import matmul_routine

        return recipes.Written(module_text(matmul_routine(dtype, alone=bool(alone))))

    symbols = {blas_symbol(name): blas.address(name) for name in blas_names(dtype)} | alone
    return recipes.build(("matmul", dtype.name, *alone), write, symbols).library


def _cut(dtype: DType) -> jit.Library:
    alone = _alone()

    def write() -> recipes.Written:
        from tapec.passes.matmul_cut_text import matmul_cut_text

        return recipes.Written(matmul_cut_text(dtype, alone=bool(alone)))

    symbols = {panel_symbol(dtype): _library(dtype).address(panel_symbol(dtype))} | alone
    if alone:
        symbols[PARALLEL] = threads.address()
    return recipes.build(("matmul cut", dtype.name, *alone), write, symbols).library


def _alone() -> dict[str, int]:
    """Addresses of the two functions that keep BLAS to one thread; empty where it can't be told."""
    functions = blas.own_threads()
    if functions is None:
        return {}

    def make() -> jit.Library:
        def write() -> recipes.Written:
            from tapec.passes.blas_alone_text import blas_alone_text

            return recipes.Written(blas_alone_text())

        symbols = dict(zip((GET_THREADS, SET_THREADS), functions, strict=True))
        return recipes.build(("blas alone",), write, symbols).library

    library = _kept(ALONE_BEGIN, make)
    return {name: library.address(name) for name in (ALONE_BEGIN, ALONE_END)}
