"""The functions for matrix products as machine code, made when first needed.

Small products have a routine for each dtype. Large ones have many functions, of which a product calls a few
(`passes.product_functions`): those that a program needs and no other has needed before become one module.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from tapec.ir.dtypes import DType
from tapec.passes import matmul_names, product_functions
from tapec.passes.threads_names import PARALLEL
from tapec.runtime import jit, recipes, threads
from tapec.runtime.target import vector_bits

_LIBRARIES: Final[dict[str, jit.Library]] = {}  # by the names of what they define
_LOCK: Final = threading.RLock()
# The loops of products walk along pointers already.
_POINTERS: Final = jit.Options(passes=("sroa", "simplify_cfg"), strength_reduction=False)


def address(dtype: DType) -> int:
    """Address of the routine that `passes.matmul_text.matmul_routine` describes, good for the life of the process."""
    name = matmul_names.symbol(dtype)
    with _LOCK:
        if name not in _LIBRARIES:
            _LIBRARIES[name] = _small(dtype)
        return _LIBRARIES[name].address(name)


def functions(names: Iterable[str]) -> dict[str, int]:
    """Addresses of the functions that `passes.product_text` describes, good likewise."""
    wanted = sorted(set(names))
    with _LOCK:
        missing = [name for name in wanted if name not in _LIBRARIES]
        if missing:
            _LIBRARIES.update(dict.fromkeys(missing, _large(missing)))
        return {name: _LIBRARIES[name].address(name) for name in wanted}


def large_product(dtype: DType, layout: tuple[int, ...]) -> tuple[int, np.ndarray[Any, np.dtype[np.int64]]]:
    """Address of the routine for large products of a layout, and the words that it takes."""
    routine = product_functions.routine(layout)
    names = product_functions.functions(dtype, layout, vector_bits())
    found = functions([routine, *filter(None, names)])
    return found[routine], np.array([*layout, *(found[name] if name else 0 for name in names)], np.int64)


def _small(dtype: DType) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.matmul_text import matmul_routine

        return recipes.Written(module_text(matmul_routine(dtype)))

    return recipes.build(("matmul", dtype.name), write).library


def _large(names: list[str]) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.llvm_text import module_text
        from tapec.passes.product_text import product_functions

        return recipes.Written(module_text(product_functions(names, vector_bits())), opt=_POINTERS)

    return recipes.build(("product", *names), write, _symbols).library


def _symbols(names: tuple[str, ...]) -> Mapping[str, int]:
    """Threads are looked for where a product wants them only: that takes tens of milliseconds."""
    return {PARALLEL: threads.address()} if PARALLEL in names else {}
