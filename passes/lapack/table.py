"""Which function writes the routine of which primitive."""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir.dtypes import DType
from tapec.passes.lapack.spectral import eig, eigh, qr, svd
from tapec.passes.lapack.triangular import cholesky, lu, lu_solve, triangular_solve
from tapec.passes.llvm_text import FunctionText

ROUTINES: dict[str, Callable[[DType], list[FunctionText]]] = {
    "lu": lu,
    "lu_solve": lu_solve,
    "cholesky": cholesky,
    "triangular_solve": triangular_solve,
    "qr": qr,
    "eigh": eigh,
    "svd": svd,
    "eig": eig,
}
