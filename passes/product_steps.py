"""How the operands of a product step lie, and which products are large."""

from __future__ import annotations

from math import prod

from tapec.ops import contraction
from tapec.passes.matmul_names import is_small
from tapec.passes.product_plan import Axes, axes_of, matrix_axes
from tapec.passes.steps import LibraryStep


def is_large_product(step: LibraryStep) -> bool:
    """Whether a step is a product that the routine for large ones multiplies."""
    if step.primitive is contraction.contract:
        return True
    if step.primitive is not contraction.matmul:
        return False
    a = step.operands[0]
    m, n, k = step.shape[-2], step.shape[-1], a.shape[-1]
    return prod(step.shape) * k > 0 and not is_small(a.buffer.dtype, m, n, k)


def product_axes(step: LibraryStep) -> Axes:
    """The axes of a product, over the operands' memory from their offsets on."""
    a, b = step.operands
    if step.primitive is contraction.matmul:
        *batch, m, n = step.shape
        return matrix_axes((prod(batch), m, n, a.shape[-1]), a.strides, b.strides)
    counts = step.attributes
    axes = axes_of((a.shape, a.strides), counts["a_axes"], (b.shape, b.strides), counts["b_axes"])
    assert axes is not None
    return axes
