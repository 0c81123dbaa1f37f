"""Products that run tile by tile (`tapec.passes.tile_products`): calls of the routine's function of a part.

Of a product of many matrices, a tile is some of them; of one with tiled rows, it is those rows. Of one that adds over
them, each block of the inner index is a product of its own; the blocks are added in order behind the last tile, as the
routine itself adds them.
"""

from __future__ import annotations

from math import prod

from tapec.passes.library.lines import address
from tapec.passes.library.product import layout_constant
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import count_loop, exact_vector_loop, i64, when
from tapec.passes.loops import Buffer
from tapec.passes.places import Surroundings
from tapec.passes.product_functions import functions
from tapec.passes.product_names import BLOCK, FIELD
from tapec.passes.product_plan import part_layout
from tapec.passes.steps import Product

_LANES = 16  # results that are summed side by side


def emit_product(f: FunctionText, product: Product, around: Surroundings, start: Reg, stop: Reg) -> None:
    """Appends the share of the positions from `start` to `stop`."""
    if product.partials is not None:
        _blocks(f, product, product.partials, around, start, stop)
        return
    matrices, batch = _matrices(f, product, around), product.axes.batch
    if batch:
        inside = i64(prod([axis.extent for axis in batch[1:]]))
        start, stop = f.mul(start, inside), f.mul(stop, inside)
    _call(f, product, part_layout(product.axes, by_rows=not batch), around, matrices, start, stop)


def _matrices(f: FunctionText, product: Product, around: Surroundings) -> tuple[Reg, Reg, Reg]:
    """Addresses of the left operand, the right one and the result."""
    left, right = product.operands
    assert product.step.result is not None
    return address(f, left, around), address(f, right, around), around.pointer(product.step.result)


def _call(
    f: FunctionText,
    product: Product,
    words: tuple[int, ...],
    around: Surroundings,
    matrices: tuple[Reg, Reg, Reg],
    first: Reg,
    stop: Reg,
) -> None:
    """Calls the function of a part."""
    a, b, c = matrices
    swapped = bool(words[FIELD["swapped"]])
    call = f.alloca("ptr", 4, align=8)
    for i, pointer in enumerate(
        (layout_constant(f, product.dtype, words, around), *((b, a) if swapped else (a, b)), c)
    ):
        f.store(pointer, f.element_pointer(call, i64(i), "ptr"))
    part = functions(product.dtype, words, around.vector_bits)[0]
    assert part is not None
    f.call(part, "void", call, first, stop)


def _blocks(f: FunctionText, product: Product, partials: Buffer, around: Surroundings, start: Reg, stop: Reg) -> None:
    """The blocks of a tile, which begins where one of them does."""
    element = memory_element(product.dtype)
    axes = product.axes
    ((extent, along_a, along_b),) = axes.inner
    whole, rest = divmod(extent, BLOCK)
    a, b, _ = _matrices(f, product, around)
    to = around.pointer(partials)

    def block(first: Reg, steps: int) -> None:
        words = part_layout(axes._replace(inner=(axes.inner[0]._replace(extent=steps),)), by_rows=False)
        left = f.element_pointer(a, f.mul(first, i64(along_a)), element)
        right = f.element_pointer(b, f.mul(first, i64(along_b)), element)
        index = f.binary("udiv", first, i64(BLOCK))
        out = f.element_pointer(to, f.mul(index, i64(product.results)), element)
        _call(f, product, words, around, (left, right, out), i64(0), i64(1))

    if whole:
        count_loop(f, start, f.intrinsic("smin", stop, i64(whole * BLOCK)), BLOCK, lambda first: block(first, BLOCK))
    if rest:
        when(f, f.icmp("eq", stop, i64(extent)), lambda: block(i64(whole * BLOCK), rest))


def emit_product_end(f: FunctionText, product: Product, partials: Buffer, around: Surroundings) -> None:
    """Appends the sum of the blocks, in order."""
    element = memory_element(product.dtype)
    m, n = (prod([axis.extent for axis in group]) for group in (product.axes.row, product.axes.column))
    blocks = partials.size // product.results
    base = around.pointer(partials)
    assert product.step.result is not None
    result = around.pointer(product.step.result)

    def row(i: Reg) -> None:
        def some(j: Reg, width: int) -> None:
            at = f.element_pointer(base, f.add(f.mul(i, i64(n)), j), element)
            total = f.alloca(Reg("", element, width).type, 1)
            f.store(f.load(at, element, width), total)

            def add(index: Reg) -> None:
                block = f.element_pointer(at, f.mul(index, i64(product.results)), element)
                f.store(f.fadd(f.load(total, element, width), f.load(block, element, width)), total)

            count_loop(f, i64(1), i64(blocks), 1, add)
            value = f.load(total, element, width)
            if not product.turned or m == 1:
                f.store(value, f.element_pointer(result, f.add(f.mul(i, i64(n)), j), element))
                return
            for lane in range(width):
                to = f.add(f.mul(f.add(j, i64(lane)), i64(m)), i)
                f.store(f.extract(value, lane) if width > 1 else value, f.element_pointer(result, to, element))

        exact_vector_loop(f, n, _LANES, some)

    count_loop(f, i64(0), i64(m), 1, row)
