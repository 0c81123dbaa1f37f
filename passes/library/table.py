"""Which emitter writes which library step."""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir.primitive import Primitive
from tapec.ops import contraction, creation, indexing, ordering, reduction, transform, update
from tapec.passes.library.gather import put, scatter_add, scatter_add_along, take, take_along
from tapec.passes.library.linalg import factorization
from tapec.passes.library.product import contract, guard, matmul
from tapec.passes.library.scans import arg_extreme, cumsum
from tapec.passes.library.sorting import argsort
from tapec.passes.library.transform import fourier
from tapec.passes.library.update import write_window
from tapec.passes.llvm_text import FunctionText
from tapec.passes.materialize import FACTORIZATIONS
from tapec.passes.places import Surroundings
from tapec.passes.steps import LibraryStep

EMITTERS: dict[Primitive, Callable[[FunctionText, LibraryStep, Surroundings], None]] = {
    indexing.take: take,
    indexing.scatter_add: scatter_add,
    indexing.put: put,
    indexing.take_along: take_along,
    indexing.scatter_add_along: scatter_add_along,
    update.slice_set: write_window,
    update.slice_add: write_window,
    ordering.argsort: argsort,
    reduction.argmax: arg_extreme,
    reduction.argmin: arg_extreme,
    reduction.cumsum: cumsum,
    contraction.matmul: matmul,
    contraction.contract: contract,
    creation.guard: guard,
    transform.fft: fourier,
    transform.rfft: fourier,
    transform.irfft: fourier,
    **dict.fromkeys(FACTORIZATIONS, factorization),
}
