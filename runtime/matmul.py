"""The matrix product routines as machine code: one address per dtype, made when first needed."""

from __future__ import annotations

import threading
from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes import matmul_text
from tapec.passes.llvm_text import module_text
from tapec.runtime import blas, jit

_LIBRARIES: Final[dict[DType, jit.Library]] = {}
_LOCK: Final = threading.Lock()


def address(dtype: DType) -> int:
    """Address of the routine that `passes.matmul_text.matmul_routine` describes, good for the life of the process."""
    library = _LIBRARIES.get(dtype)
    if library is None:
        with _LOCK:
            library = _LIBRARIES.get(dtype)
            if library is None:
                symbols = {matmul_text.blas_symbol(n): blas.address(n) for n in matmul_text.blas_names(dtype)}
                library = jit.compile_module(module_text(matmul_text.matmul_routine(dtype)), symbols=symbols)
                _LIBRARIES[dtype] = library
    return library.address(matmul_text.symbol(dtype))
