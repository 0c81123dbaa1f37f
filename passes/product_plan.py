"""What a large matrix product is told: how its operands lie, how it reads them, and how it is cut among threads.

Nothing here touches the bits of the result (`passes.product_text`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, prod
from typing import NamedTuple

from tapec.passes.product_names import (
    AXES,
    BLOCK,
    BY_COLUMNS,
    BY_ELEMENT,
    BY_INNER,
    CHUNK,
    COLUMNS,
    COPY_ROWS,
    CUT_BATCH,
    CUT_COLUMNS,
    CUT_ROWS,
    FIELD,
    FIELDS,
    IN_PLACE,
    KEEP,
    ROWS,
    SLIVERS,
)

GRAIN = 2**20  # multiplications of a part, some tens of microseconds
ROW_GRAIN = 2**17  # the same where every element of the right operand is used once: memory binds
WIDE = 256  # columns from which on rows of the left operand are copied: several panels share what that costs
NEAR = 12  # elements between steps of the left operand of which a block stays in the first-level cache where it lies
FEW_ROWS = 4 * ROWS  # up to which a panel of the right operand is read where it lies rather than copied
AHEAD = 1 << 11  # elements of which memory is asked before they are needed


class Axis(NamedTuple):
    """One axis of an index: its extent, and the strides of the left and the right operand along it, in elements."""

    extent: int
    a: int
    b: int


class Axes(NamedTuple):
    """The axes of a product's four indices, each at most `AXES` long, outermost first."""

    batch: tuple[Axis, ...]
    row: tuple[Axis, ...]
    column: tuple[Axis, ...]
    inner: tuple[Axis, ...]


def merged(axes: Sequence[Axis]) -> tuple[Axis, ...]:
    """The same index with as few axes as can be: no extents of 1, and neighbours that one stride walks joined."""
    out: list[Axis] = []
    for axis in axes:
        if axis.extent == 1:
            continue
        if out and out[-1].a == axis.extent * axis.a and out[-1].b == axis.extent * axis.b:
            out[-1] = Axis(out[-1].extent * axis.extent, axis.a, axis.b)
        else:
            out.append(axis)
    return tuple(out)


def matrix_axes(extents: tuple[int, int, int, int], a: tuple[int, ...], b: tuple[int, ...]) -> Axes:
    """The axes of a product of plain matrices.

    Args:
        extents: batch, m, n, k, each at least 1.
        a: strides of the left operand: batch, row, inner.
        b: strides of the right one: batch, inner, column.
    """
    batch, m, n, k = extents
    return Axes((Axis(batch, a[0], b[0]),), (Axis(m, a[1], 0),), (Axis(n, 0, b[2]),), (Axis(k, a[2], b[1]),))


def matrices(extents: tuple[int, int, int, int], a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The layout of a product of plain matrices; the arguments are those of `matrix_axes`."""
    return layout(matrix_axes(extents, a, b))


def common(a: tuple[Sequence[int], Sequence[int]], b: tuple[Sequence[int], Sequence[int]]) -> tuple[Axis, ...] | None:
    """One index over axes of both operands: extents and strides of each; None if no axes divide both alike."""
    (extents_a, strides_a), (extents_b, strides_b) = (tuple(map(list, x)) for x in (a, b))
    out: list[Axis] = []
    while extents_a and extents_b:
        if extents_a[-1] == 1 or extents_b[-1] == 1:
            for extents, strides in ((extents_a, strides_a), (extents_b, strides_b)):
                if extents[-1] == 1:
                    extents.pop(), strides.pop()
                    break
            continue
        n = gcd(extents_a[-1], extents_b[-1])
        if n not in (extents_a[-1], extents_b[-1]):
            return None
        out.append(Axis(n, strides_a[-1], strides_b[-1]))
        for extents, strides in ((extents_a, strides_a), (extents_b, strides_b)):
            extents[-1] //= n
            strides[-1] *= n
    return tuple(reversed(out))


def _cut_out(x: tuple[Sequence[int], Sequence[int]], start: int, stop: int) -> tuple[Sequence[int], Sequence[int]]:
    return x[0][start:stop], x[1][start:stop]


def axes_of(
    a: tuple[Sequence[int], Sequence[int]],
    a_axes: tuple[int, ...],
    b: tuple[Sequence[int], Sequence[int]],
    b_axes: tuple[int, ...],
) -> Axes | None:
    """The axes of a `contract` of views; None if they are more than the routine can walk.

    Args:
        a: shape and strides of the left operand.
        a_axes: how many of its axes are batch, rows, inner index.
        b: shape and strides of the right operand.
        b_axes: how many of its axes are batch, inner index, columns.
    """
    (batch, rows, inner), (b_batch, b_inner, columns) = (
        [_cut_out(x, sum(counts[:i]), sum(counts[: i + 1])) for i in range(3)]
        for x, counts in ((a, a_axes), (b, b_axes))
    )
    batches, inners = common(batch, b_batch), common(inner, b_inner)
    if batches is None or inners is None:
        return None
    row = tuple(Axis(n, s, 0) for n, s in zip(*rows, strict=True))
    column = tuple(Axis(n, 0, s) for n, s in zip(*columns, strict=True))
    axes = Axes(*(merged(group) for group in (batches, row, column, inners)))
    return axes if all(len(group) <= AXES for group in axes) else None


def exchanged(axes: Axes) -> Axes:
    """The axes of the transposed product, the right operand first."""
    groups = (axes.batch, axes.column, axes.row, axes.inner)
    return Axes(*(tuple([Axis(axis.extent, axis.b, axis.a) for axis in group]) for group in groups))


def part_layout(axes: Axes, by_rows: bool) -> tuple[int, ...]:
    """As `layout`, for whoever asks for units of its own: each is one of the rows, or one matrix."""
    words = list(layout(axes))
    cut = CUT_BATCH if not by_rows else CUT_COLUMNS if words[FIELD["swapped"]] else CUT_ROWS
    words[FIELD["cut"]], words[FIELD["unit"]] = cut, 1
    words[FIELD["parts"]] = max(2, words[FIELD["parts"]])
    return tuple(words)


def layout(axes: Axes) -> tuple[int, ...]:
    """The words of `FIELDS` for a product; all extents are at least 1."""
    groups = Axes(*(merged(group) for group in axes))
    swapped = not groups.column and bool(groups.row)
    if swapped:  # a column is as good as a row, and the right operand is the one whose panels fill vectors
        groups = exchanged(groups)
    batch, m, n, k = (prod([axis.extent for axis in group]) for group in groups)
    words: dict[str, int] = {"batch": batch, "m": m, "n": n, "k": k, "swapped": int(swapped)}
    for name, group in zip(Axes._fields, groups, strict=True):
        padded = (Axis(1, 0, 0),) * (AXES - len(group)) + group
        for i, axis in enumerate(padded):
            words |= {f"{name}_extent{i}": axis.extent, f"{name}_a{i}": axis.a, f"{name}_b{i}": axis.b}
    words["read_a"] = _reads_left(groups, n)
    words["read_b"] = _reads_right(groups, m)
    words["ahead"] = _ahead(groups, words["read_b"])
    words |= _cut(batch, m, n, k, words["read_b"])
    return tuple(words[name] for name in FIELDS)


def _unit(group: tuple[Axis, ...], operand: str) -> bool:
    return not group or getattr(group[-1], operand) == 1


def _reads_left(groups: Axes, n: int) -> int:
    """Whether the left operand is copied: several panels will read it, and its elements are scattered."""
    if not _unit(groups.inner, "a"):
        return KEEP if n <= 32 or all(abs(axis.a) <= NEAR for axis in groups.inner) else SLIVERS
    return COPY_ROWS if len(groups.inner) == 1 and n >= WIDE else KEEP


def _reads_right(groups: Axes, m: int) -> int:
    if len(groups.column) <= 1 and _unit(groups.column, "b"):
        return IN_PLACE if 1 < m <= FEW_ROWS and len(groups.inner) <= 1 else BY_COLUMNS
    return BY_INNER if len(groups.inner) <= 1 and _unit(groups.inner, "b") else BY_ELEMENT


def _ahead(groups: Axes, read: int) -> int:
    """How far ahead of what one row is multiplied by memory is asked for more of the right operand, in elements.

    Where its columns are short and lie one behind the other; long ones a processor foresees by itself.
    """
    k = prod([axis.extent for axis in groups.inner])
    dense = read == BY_INNER and len(groups.column) == 1 and groups.column[0].b == k <= BLOCK
    return AHEAD if dense else 0


def _cut(batch: int, m: int, n: int, k: int, read: int) -> dict[str, int]:
    """The index that is cut: matrices where there are many, else the longer side.

    One row is cut where that gives every part long runs of memory.
    """
    most = batch * m * n * k // (ROW_GRAIN if m == 1 else GRAIN)
    if batch >= 8 or n == 1:
        cut, unit, extent = CUT_BATCH, 1, batch
    elif m == 1:
        cut, unit, extent = CUT_COLUMNS, COLUMNS if read == BY_INNER else CHUNK, n
    elif m >= n:
        cut, unit, extent = CUT_ROWS, ROWS, m
    else:
        cut, unit, extent = CUT_COLUMNS, 16, n
    units = -(-extent // unit)
    return {"cut": cut, "unit": unit, "units": units, "parts": max(1, min(units, most))}
