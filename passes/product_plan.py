"""What a large matrix product is told: how its operands lie, how it reads them, and how it is cut among threads.

Nothing here touches the bits of the result (`passes.product_text`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from tapec.passes.product_names import (
    AXES,
    BY_COLUMNS,
    BY_ELEMENT,
    BY_INNER,
    CUT_BATCH,
    CUT_COLUMNS,
    CUT_ROWS,
    FIELDS,
    IN_PLACE,
    ROWS,
)

GRAIN = 2**20  # multiplications of a part, some tens of microseconds
ROW_GRAIN = 2**17  # the same where every element of the right operand is used once: memory binds
FEW_ROWS = 4 * ROWS  # up to which a panel of the right operand is read where it lies rather than copied


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


def matrices(extents: tuple[int, int, int, int], a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The layout of a product of plain matrices.

    Args:
        extents: batch, m, n, k, each at least 1.
        a: strides of the left operand: batch, row, inner.
        b: strides of the right one: batch, inner, column.
    """
    batch, m, n, k = extents
    if n == 1:  # a column is as good as a row, and the right operand is the one whose panels fill vectors
        axes = Axes((Axis(batch, b[0], a[0]),), (), (Axis(m, 0, a[1]),), (Axis(k, b[1], a[2]),))
        return layout(axes, swapped=True)
    axes = Axes((Axis(batch, a[0], b[0]),), (Axis(m, a[1], 0),), (Axis(n, 0, b[2]),), (Axis(k, a[2], b[1]),))
    return layout(axes)


def layout(axes: Axes, *, swapped: bool = False) -> tuple[int, ...]:
    """The words of `FIELDS` for a product.

    Args:
        axes: all extents are at least 1.
        swapped: whether the left operand of `axes` is the routine's right one: the result is the transpose.
    """
    groups = Axes(*(merged(group) for group in axes))
    batch, m, n, k = (prod([axis.extent for axis in group]) for group in groups)
    words: dict[str, int] = {"batch": batch, "m": m, "n": n, "k": k, "swapped": int(swapped)}
    for name, group in zip(Axes._fields, groups, strict=True):
        padded = (Axis(1, 0, 0),) * (AXES - len(group)) + group
        for i, axis in enumerate(padded):
            words |= {f"{name}_extent{i}": axis.extent, f"{name}_a{i}": axis.a, f"{name}_b{i}": axis.b}
    words["pack_a"] = int(_packs(groups, n))
    words["read_b"] = _reads(groups, m)
    words |= _cut(batch, m, n, k)
    return tuple(words[name] for name in FIELDS)


def _unit(group: tuple[Axis, ...], operand: str) -> bool:
    return not group or getattr(group[-1], operand) == 1


def _packs(groups: Axes, n: int) -> bool:
    """Whether slivers of the left operand are copied: several panels will read them, and they are scattered."""
    return not _unit(groups.inner, "a") and n > 32


def _reads(groups: Axes, m: int) -> int:
    if len(groups.column) <= 1 and _unit(groups.column, "b"):
        return IN_PLACE if 1 < m <= FEW_ROWS and len(groups.inner) <= 1 else BY_COLUMNS
    return BY_INNER if len(groups.inner) <= 1 and _unit(groups.inner, "b") else BY_ELEMENT


def _cut(batch: int, m: int, n: int, k: int) -> dict[str, int]:
    """The index that is cut: matrices where there are many, else the longer side."""
    most = batch * m * n * k // (ROW_GRAIN if m == 1 else GRAIN)
    if batch >= 8 or batch * min(m, n) == batch:
        cut, unit, extent = CUT_BATCH, 1, batch
    elif m >= n:
        cut, unit, extent = CUT_ROWS, ROWS, m
    else:
        cut, unit, extent = CUT_COLUMNS, 16, n
    units = -(-extent // unit)
    return {"cut": cut, "unit": unit, "units": units, "parts": max(1, min(units, most))}
