"""Which kernels do a library step; what stands here neither is done by a library, or not at all."""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir.primitive import Primitive
from tapec.ops import contraction, indexing, ordering, reduction
from tapec.passes.cuda.gathers import gather_kernels, take_along_items, take_items
from tapec.passes.cuda.items import Items
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.line_steps import line_items, line_kernels
from tapec.passes.cuda.line_updates import ordered_items, update_along_items
from tapec.passes.cuda.orders import argsort_kernels
from tapec.passes.cuda.products import product_items, product_kernels
from tapec.passes.cuda.scatters import update_along_kernels, update_kernels
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.steps import LibraryStep

STEPS: dict[Primitive, Callable[[LibraryStep, Workspace], list[Kernel]]] = {
    indexing.take: gather_kernels,
    indexing.take_along: gather_kernels,
    indexing.put: update_kernels,
    indexing.scatter_add: update_kernels,
    indexing.scatter_add_along: update_along_kernels,
    ordering.argsort: argsort_kernels,
    reduction.argmax: line_kernels,
    reduction.argmin: line_kernels,
    reduction.cumsum: line_kernels,
    contraction.matmul: product_kernels,
}

# Those whose parts need not wait for each other.
ITEMS: dict[Primitive, Callable[[LibraryStep], Items]] = {
    indexing.take: take_items,
    indexing.take_along: take_along_items,
    indexing.put: ordered_items,
    indexing.scatter_add: ordered_items,
    indexing.scatter_add_along: update_along_items,
    reduction.argmax: line_items,
    reduction.argmin: line_items,
    reduction.cumsum: line_items,
    contraction.matmul: product_items,
}
