"""Linear algebra run now, and the machine code of its routines: one per primitive and dtype, made when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from tapec.errors import LinearAlgebraError
from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.passes.lapack import names
from tapec.passes.lapack.plans import BLAS_MATRIX, DENSE, OPERANDS, UNREAD, plan
from tapec.passes.materialize import batch_strides, strided_matrix
from tapec.runtime import blas, jit, recipes
from tapec.runtime.raw_entry import raw_entry

Array = np.ndarray[Any, Any]

_LIBRARIES: Final[dict[str, jit.Library]] = {}
_LOCK: Final = threading.Lock()


def address(symbol: str) -> int:
    """Address of a routine by its name (`tapec.passes.lapack.names`), good for the life of the process."""
    library = _LIBRARIES.get(symbol)
    if library is None:
        with _LOCK:
            library = _LIBRARIES.get(symbol)
            if library is None:
                library = _LIBRARIES[symbol] = _library(*names.routine_of(symbol))
    return library.address(symbol)


def _library(primitive: str, dtype: DType) -> jit.Library:
    def write() -> recipes.Written:
        from tapec.passes.lapack.table import ROUTINES
        from tapec.passes.llvm_text import module_text

        return recipes.Written(module_text(ROUTINES[primitive](dtype)))

    symbols = {
        names.lapack_symbol(stem): blas.address(
            names.lapack_name(stem, dtype), "cython_blas" if stem in names.BLAS else "cython_lapack"
        )
        for stem in names.CALLS[primitive]
    }
    symbols |= {name: _threads_of_lapack().address(name) for name in (names.ALONE_BEGIN, names.ALONE_END)}
    return recipes.build(("linalg", primitive, dtype.name), write, symbols).library


@cache
def _threads_of_lapack() -> jit.Library:
    """The two functions between which LAPACK runs on one thread."""
    functions = blas.own_threads()

    def write() -> recipes.Written:
        from tapec.passes.lapack.alone import own_threads_text, unknown_threads_text

        return recipes.Written(own_threads_text() if functions else unknown_threads_text())

    symbols = dict(zip((names.GET_THREADS, names.SET_THREADS), functions, strict=True)) if functions else {}
    return recipes.build(("lapack alone", str(bool(functions))), write, symbols).library


class _Call(NamedTuple):
    """How a primitive runs on operands of given types and strides.

    `reads` has for each operand that the routine reads its position, whether it must be made dense first, and the
    strides of a matrix (batch, row, column) in elements.
    """

    reads: tuple[tuple[int, bool, tuple[int, ...]], ...]
    outputs: tuple[tuple[tuple[int, ...], np.dtype[Any]], ...]
    scratch: tuple[tuple[int, np.dtype[Any]], ...]
    sizes: tuple[int, ...]
    routine: Callable[..., int]


_CALLS: dict[tuple[Any, ...], _Call] = {}
_MOST_CALLS: Final = 4096


def execute_linalg(primitive: Primitive, *arrays: Array) -> Any:
    """`execute_linalg_with` for a primitive without attributes."""
    return execute_linalg_with(primitive, arrays, {})


def execute_linalg_with(primitive: Primitive, arrays: Sequence[Array], attributes: dict[str, Any]) -> Any:
    """The result, or the results as a tuple.

    Raises:
        ShapeError, DTypeError: see `tapec.ops.linalg`.
        LinearAlgebraError: a matrix is singular or not positive definite, or an iteration does not converge.
    """
    key = (primitive, *attributes.values(), *[(a.dtype.num, a.shape, a.strides) for a in arrays])
    call = _CALLS.get(key)
    if call is None:
        if len(_CALLS) >= _MOST_CALLS:
            _CALLS.clear()
        call = _CALLS[key] = _prepare(primitive, arrays, attributes)
    given: list[Any] = list(call.sizes)
    for position, copied, strides in call.reads:
        array = arrays[position]
        given.append(np.ascontiguousarray(array) if copied else array)
        given += strides
    outputs = [np.empty(shape, dtype) for shape, dtype in call.outputs]
    status = call.routine(*given, *outputs, *[np.empty(count, dtype) for count, dtype in call.scratch])
    if status != names.DONE:
        strange = primitive.name == "eig" and not np.isfinite(arrays[0]).all()
        raise LinearAlgebraError("Array must not contain infs or NaNs" if strange else _FAILURES[primitive.name])
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


# NumPy's own words.
_FAILURES: Final = {
    "lu_solve": "Singular matrix",
    "cholesky": "Matrix is not positive definite",
    "eigh": "Eigenvalues did not converge",
    "svd": "SVD did not converge",
    "eig": "Eigenvalues did not converge",
}


def _prepare(primitive: Primitive, arrays: Sequence[Array], attributes: dict[str, Any]) -> _Call:
    types = tuple([tensor_type(dtypes.of(a.dtype), a.shape) for a in arrays])
    results = primitive.family.infer(primitive, types, attributes)
    made = plan(primitive.name, types[0].dtype, tuple([t.shape for t in types]), attributes)
    reads: list[tuple[int, bool, tuple[int, ...]]] = []
    for position, (array, kind) in enumerate(zip(arrays, OPERANDS[primitive.name], strict=True)):
        if kind == DENSE:
            reads.append((position, not array.flags.c_contiguous, ()))
        elif kind != UNREAD:
            strides = _strides(array, kind)
            dense = strides if strides is not None else _strides(np.empty(array.shape, array.dtype), kind)
            assert dense is not None
            reads.append((position, strides is None, dense))
    signature = "i" * (1 + len(made.sizes)) + "".join(["p" + "i" * len(strides) for _, _, strides in reads])
    signature += "p" * (len(results) + len(made.scratch))
    return _Call(
        tuple(reads),
        tuple([(t.shape, t.dtype.numpy) for t in results]),
        tuple([(count, dtype.numpy) for dtype, count in made.scratch]),
        (made.batch, *made.sizes),
        raw_entry(address(names.symbol(primitive.name, types[0].dtype)), signature),
    )


def _strides(x: Array, kind: str) -> tuple[int, int, int] | None:
    """Strides (batch, row, column) in elements with which the routine can read an array; None if it needs a copy."""
    find = strided_matrix if kind == BLAS_MATRIX else batch_strides
    return find(x.shape, tuple([s // x.itemsize for s in x.strides]))
