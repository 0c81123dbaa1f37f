"""Colourings by which few products with a sparse matrix tell all of its entries.

Greedy, in the given order and by decreasing degree; the better one is kept. Sets of colours are Python's integers as
bit masks, so that a vertex costs as much as it has neighbours, and the whole is linear in the matrix's entries. Terms
and the bounds are those of Gebremedhin, Manne and Pothen, "What color is your Jacobian?", SIAM Review 47 (2005).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np

from tapec.passes.index_sets import IndexSets, Indices

Colors: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]

_MOST_GROUPS: Final = 62  # bits of a number


def color_columns(pattern: IndexSets, most: int | None = None) -> Colors | None:
    """A colour for each column, so that no row has entries in two columns of one colour (partial distance-2 colouring).

    Args:
        pattern: the matrix's pattern.
        most: give up where more colours than these are needed.

    Returns:
        Numbers from 0 up; None where it was given up.
    """
    columns = pattern.T.tocsr()
    fewest = int(np.diff(pattern.indptr).max(initial=0))
    if most is not None and fewest > most:
        return None
    rows_of = _neighbours(columns)
    best: list[int] | None = None
    for order in _orders(np.diff(columns.indptr)):
        found = _distance_two(rows_of, pattern.shape[0], order)
        if best is None or max(found, default=0) < max(best, default=0):
            best = found
        if max(best, default=0) < fewest:
            break
    colors = np.array(best, np.int64)
    return None if most is not None and colors.max(initial=-1) >= most else colors


def color_groups(pattern: IndexSets, groups: Indices) -> Colors | None:
    """A colour for each column, as `color_columns` gives one, if all columns of a group can have the same.

    Args:
        pattern: the matrix's pattern.
        groups: for each column the number of its group, from 0 up.

    Returns:
        Numbers from 0 up, by column; None where a row has two entries in one group, or there are too many groups.
    """
    count = int(groups.max(initial=-1)) + 1
    if count > _MOST_GROUPS:
        return None
    lengths = np.diff(pattern.indptr)
    bits = (np.int64(1) << groups.astype(np.int64))[pattern.indices]
    together = np.bitwise_or.reduceat(bits, pattern.indptr[:-1][lengths > 0]) if len(bits) else bits
    if np.any(np.bitwise_count(together) != lengths[lengths > 0]):
        return None
    sets = np.unique(together).tolist()
    colors: list[int] = []
    for group in range(count):
        near = 0
        for mask in sets:
            if mask >> group & 1:
                near |= mask
        taken = 0
        for other, color in enumerate(colors):
            if near >> other & 1:
                taken |= 1 << color
        colors.append(_lowest_free(taken).bit_length() - 1)
    return np.array(colors, np.int64)[groups]


def star_color(pattern: IndexSets) -> Colors:
    """A colour for each row and column of a symmetric matrix: neighbours differ, and no path of four vertices has two.

    Then every entry stands alone in its row among the columns of its column's colour, or in its column among the rows
    of its row's colour.

    Args:
        pattern: symmetric.
    """
    degrees = np.diff(pattern.indptr)
    neighbours = _neighbours(pattern)
    best: list[int] | None = None
    for order in _orders(degrees):
        found = _star(neighbours, order)
        if best is None or max(found, default=0) < max(best, default=0):
            best = found
        if max(best, default=0) <= 1:
            break
    return np.array(best, np.int64)


def _orders(degrees: np.ndarray[Any, Any]) -> Iterable[list[int]]:
    yield list(range(len(degrees)))
    decreasing = np.argsort(-degrees, kind="stable")
    if not np.array_equal(decreasing, np.arange(len(degrees))):
        yield decreasing.tolist()


def _neighbours(pattern: IndexSets) -> list[list[int]]:
    indices, starts = pattern.indices.tolist(), pattern.indptr.tolist()
    return [indices[a:b] for a, b in pairwise(starts)]


def _lowest_free(mask: int) -> int:
    """The lowest bit that is not in `mask`."""
    return ~mask & (mask + 1)


def _distance_two(rows_of: list[list[int]], rows: int, order: list[int]) -> list[int]:
    taken = [0] * rows  # by row the colours of its columns
    colors = [0] * len(rows_of)
    for column in order:
        mask = 0
        for row in rows_of[column]:
            mask |= taken[row]
        bit = _lowest_free(mask)
        for row in rows_of[column]:
            taken[row] |= bit
        colors[column] = bit.bit_length() - 1
    return colors


def _star(neighbours: list[list[int]], order: list[int]) -> list[int]:
    """A greedy star colouring.

    Coloured vertices form stars: a hub, and all of its neighbours of one colour. Whoever gets a colour must not make a
    path of four with two colours, be it as an end (`ends`: the hubs of the stars that a neighbour is a leaf of) or
    inside (two neighbours of one colour, and one more neighbour of one of these).
    """
    colors = [0] * len(neighbours)  # as a bit; 0 for none
    near = [0] * len(neighbours)  # colours among the neighbours
    twice = [0] * len(neighbours)  # those that two or more of them have
    ends = [0] * len(neighbours)
    first: dict[tuple[int, int], int] = {}  # by vertex and colour the first neighbour of that colour
    for v in order:
        mask = near[v]
        for w in neighbours[v]:
            if colors[w]:
                mask |= ends[w]
                if colors[w] & twice[v]:
                    mask |= near[w]
        bit = colors[v] = _lowest_free(mask)
        for w in neighbours[v]:
            if w == v:
                continue
            color = colors[w]
            if not near[w] & bit:
                near[w] |= bit
                first[w, bit] = v
            else:
                if color:
                    ends[v] |= color
                    if not twice[w] & bit:
                        ends[first[w, bit]] |= color
                twice[w] |= bit
            if color & twice[v]:
                ends[w] |= bit
    return [bit.bit_length() - 1 for bit in colors]
