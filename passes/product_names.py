"""What the functions for large matrix products are called, and how a call of one lies in memory."""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType

PREFIX: Final = "tapec_product_"
# The routines that a program calls: for products of one part, and of several that may run at once.
ALONE: Final = f"{PREFIX}alone"
ON_THREADS: Final = f"{PREFIX}on_threads"
# Tables of offsets, where each index of a product is one axis, and where it may be several.
EVEN_OFFSETS: Final = f"{PREFIX}even_offsets"
OFFSETS: Final = f"{PREFIX}offsets"

# Steps of the inner axis that are one chain: part of what a product is (docs/design/0002-numerics.md).
BLOCK: Final = 256
# Of a tile: 12 accumulators, 2 vectors of columns and an element of the left operand are 15 of 16 registers.
ROWS: Final = 6
LOW_ROWS: Final = 4  # at most so many are left for a tile of its own below the last whole one
GROUP: Final = 4  # panels that are copied together
# Of products with one row: columns whose chains wait in the first-level cache, where they are neighbours; columns that
# are read from beginning to end before the next, where it is the inner index that is contiguous.
CHUNK: Final = 512
COLUMNS: Final = 32
AXES: Final = 3  # axes that each of batch, rows, columns and inner index may be made of

# Words of the layout that a call is described by; see `passes.product_plan`.
FIELDS: Final = (
    *[f"{group}_{what}{axis}" for group, whats in (
        ("batch", ("extent", "a", "b")), ("row", ("extent", "a")), ("column", ("extent", "b")),
        ("inner", ("extent", "a", "b")),
    ) for what in whats for axis in range(AXES)],
    "batch", "m", "n", "k", "swapped", "read_a", "read_b", "ahead", "cut", "unit", "units", "parts",
)  # fmt: skip
# Words behind these: addresses of the functions that this very product calls; see `passes.product_functions`.
FUNCTIONS: Final = (
    "part", "offsets", "copy_left", "copy_group", "copy_right", "tile", "narrow_tile", "low_tile", "row",
)  # fmt: skip
FIELD: Final = {name: i for i, name in enumerate((*FIELDS, *FUNCTIONS))}

# How the right operand's panels are read (`read_b`): contiguous columns, contiguous inner index, neither; or in place.
BY_COLUMNS, BY_INNER, BY_ELEMENT, IN_PLACE = range(4)

# How the left operand is read (`read_a`): in place, or from a copy of its rows, or of slivers of as many as a tile has.
KEEP, COPY_ROWS, SLIVERS = range(3)

# What is cut (`cut`).
CUT_BATCH, CUT_ROWS, CUT_COLUMNS = range(3)


def symbol(what: str, dtype: DType) -> str:
    """Name of a function for a floating dtype; `passes.product_text` says which there are."""
    return f"{PREFIX}{what}_{dtype.name}"


def panel_width(dtype: DType, vector_bits: int) -> int:
    """Columns of a tile."""
    return 2 * vector_bits // dtype.bits
