"""Which functions a large matrix product calls, by name.

A product of one layout copies its operands in one way and has tiles of one or two shapes. What it never calls need not
be compiled: code for all products at once took two to four times as long as that for the products of one program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes.product_names import (
    ALONE,
    BY_COLUMNS,
    BY_ELEMENT,
    BY_INNER,
    COPY_ROWS,
    CUT_COLUMNS,
    CUT_ROWS,
    EVEN_OFFSETS,
    FIELD,
    FUNCTIONS,
    GROUP,
    IN_PLACE,
    KEEP,
    LOW_ROWS,
    OFFSETS,
    ON_THREADS,
    ROWS,
    SLIVERS,
    panel_width,
    symbol,
)

# Tiles in a row, or below each other, from which on it does not matter if the last one computes more than there is.
_MANY: Final = 16
_COPY_LEFT: Final = {KEEP: None, COPY_ROWS: "left_rows", SLIVERS: "left_slivers"}
_COPY_RIGHT: Final = {
    BY_COLUMNS: "right_by_columns",
    BY_INNER: "right_by_inner",
    BY_ELEMENT: "right_by_element",
    IN_PLACE: "right_by_columns",
}


def routine(words: Sequence[int]) -> str:
    """The routine that multiplies matrices of a layout."""
    return ON_THREADS if words[FIELD["parts"]] > 1 else ALONE


def functions(dtype: DType, words: Sequence[int], vector_bits: int) -> tuple[str | None, ...]:
    """The names of `FUNCTIONS` for a product; None for those that it has no use for.

    Args:
        dtype: of the matrices.
        words: the layout (`passes.product_plan`).
        vector_bits: width of the machine's vector registers.
    """
    even = all(words[FIELD[f"{group}_extent{axis}"]] == 1 for group in _GROUPS for axis in (0, 1))
    found: dict[str, str | None] = {"offsets": EVEN_OFFSETS if even else OFFSETS}
    if words[FIELD["m"]] == 1 and words[FIELD["read_b"]] <= BY_INNER:
        chosen = _of_one_row(words)
    else:
        chosen = _of_several_rows(words, panel_width(dtype, vector_bits))
    found |= {name: what and symbol(what, dtype) for name, what in chosen.items()}
    return tuple([found.get(name) for name in FUNCTIONS])


_GROUPS: Final = ("batch", "row", "column", "inner")


def _of_one_row(words: Sequence[int]) -> dict[str, str | None]:
    if words[FIELD["read_b"]] == BY_COLUMNS:
        return {"part": "row_part_by_columns", "row": "row_by_columns"}
    return {"part": "row_part_by_inner", "row": "row_in_order" if words[FIELD["ahead"]] else "row_along_columns"}


def _of_several_rows(words: Sequence[int], width: int) -> dict[str, str | None]:
    m, n, read_b = (words[FIELD[name]] for name in ("m", "n", "read_b"))
    half = width // 2
    narrow = n < _MANY * width and any(0 < rest <= half for rest in _rests(words, CUT_COLUMNS, width))
    low = m < _MANY * ROWS and any(0 < rest <= LOW_ROWS for rest in _rests(words, CUT_ROWS, ROWS))
    # What is never called for may stand for what is, and a whole tile for a part of one.
    tile = "low_tile" if m <= LOW_ROWS else "narrow_tile" if n <= half else "tile"
    together = {BY_COLUMNS: GROUP * width, IN_PLACE: width}.get(read_b)
    copied = together is None or _rests(words, CUT_COLUMNS, together) != {0}
    return {
        "part": "part",
        "copy_left": _COPY_LEFT[words[FIELD["read_a"]]],
        "copy_group": "right_group" if read_b == BY_COLUMNS and n >= GROUP * width else None,
        "copy_right": _COPY_RIGHT[read_b] if copied else None,
        "tile": tile,
        "narrow_tile": "narrow_tile" if narrow and m > LOW_ROWS else tile,
        "low_tile": "low_tile" if low else tile,
    }


def _rests(words: Sequence[int], cut: int, size: int) -> set[int]:
    """What may be left of the rows or columns of a part behind as many whole runs of `size` as there are."""
    extent = words[FIELD["m" if cut == CUT_ROWS else "n"]]
    if words[FIELD["cut"]] != cut or words[FIELD["parts"]] == 1:
        return {extent % size}
    starts = [unit * words[FIELD["unit"]] for unit in range(size)]
    return {start % size for start in starts} | {(extent - start) % size for start in starts}
