"""Linear algebra run now, and the machine code of its routines: one per primitive and dtype, made when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from tapec.errors import LinearAlgebraError
from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import attributes_key
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.passes.lapack import names
from tapec.passes.lapack.plans import BLAS_MATRIX, DENSE, MATRIX, OPERANDS, Plan, plan
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
    return recipes.build(("linalg", primitive, dtype.name), write, symbols).library


class _Call(NamedTuple):
    """How a primitive runs on operands of given types."""

    results: tuple[TensorType, ...]
    plan: Plan
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
    key = (primitive, attributes_key(attributes), *[(a.dtype.num, a.shape) for a in arrays])
    call = _CALLS.get(key)
    if call is None:
        if len(_CALLS) >= _MOST_CALLS:
            _CALLS.clear()
        call = _CALLS[key] = _prepare(primitive, arrays, attributes)
    given: list[Any] = []
    for array, kind in zip(arrays, OPERANDS[primitive.name], strict=True):
        if kind == DENSE:
            given.append(np.ascontiguousarray(array))
        elif kind in (MATRIX, BLAS_MATRIX):
            matrix, strides = _matrix(array, kind)
            given += (matrix, *strides)
    outputs = [np.empty(t.shape, t.dtype.numpy) for t in call.results]
    scratch = [np.empty(count, dtype.numpy) for dtype, count in call.plan.scratch]
    status = call.routine(call.plan.batch, *call.plan.sizes, *given, *outputs, *scratch)
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
    dtype = types[0].dtype
    made = plan(primitive.name, dtype, tuple([t.shape for t in types]), attributes)
    letters = {MATRIX: "piii", BLAS_MATRIX: "piii", DENSE: "p"}
    operands = "".join([letters.get(kind, "") for kind in OPERANDS[primitive.name]])
    signature = "i" * (1 + len(made.sizes)) + operands + "p" * (len(results) + len(made.scratch))
    return _Call(results, made, raw_entry(address(names.symbol(primitive.name, dtype)), signature))


def _matrix(x: Array, kind: str) -> tuple[Array, tuple[int, int, int]]:
    """An array that the routine can read, with its strides (batch, row, column) in elements."""
    find = strided_matrix if kind == BLAS_MATRIX else batch_strides
    itemsize = x.itemsize
    found = find(x.shape, tuple([s // itemsize for s in x.strides]))
    if found is None:
        x = np.ascontiguousarray(x)
        found = find(x.shape, tuple([s // itemsize for s in x.strides]))
        assert found is not None
    return x, found
