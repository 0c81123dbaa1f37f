"""The matrix product routines as machine code: one address per dtype, made when first needed."""

from __future__ import annotations

import threading
from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes.matmul_names import blas_names, blas_symbol, symbol
from tapec.runtime import blas, jit, recipes

_LIBRARIES: Final[dict[DType, jit.Library]] = {}
_LOCK: Final = threading.Lock()


def address(dtype: DType) -> int:
    """Address of the routine that `passes.matmul_text.matmul_routine` describes, good for the life of the process."""
    library = _LIBRARIES.get(dtype)
    if library is None:
        with _LOCK:
            library = _LIBRARIES.get(dtype)
            if library is None:
                library = _LIBRARIES[dtype] = _library(dtype)
    return library.address(symbol(dtype))


def _library(dtype: DType) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.matmul_text import matmul_routine

        return recipes.Written(module_text(matmul_routine(dtype)))

    symbols = {blas_symbol(name): blas.address(name) for name in blas_names(dtype)}
    return recipes.build(("matmul", dtype.name), write, symbols).library
