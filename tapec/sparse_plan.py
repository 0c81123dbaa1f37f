"""How a sparse matrix is read out of few products with it: pattern, colours and positions, worked out once."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Direction: TypeAlias = Literal["forward", "reverse"]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The plan for one pattern.

    Attributes:
        pattern: a boolean `scipy.sparse.csr_array` with sorted indices.
        direction: products are with columns (forward) or with rows (reverse).
        colors: of each column, or of each row.
        count: number of colours.
        positions: for each entry, in the order of the pattern, its place among the products one after another.
    """

    pattern: Any
    direction: Direction
    colors: Array
    count: int
    positions: Array

    def matrix(self, data: Array) -> Any:
        """The matrix with these entries, as a `csr_array` that shares the pattern's index arrays."""
        made = copy(self.pattern)  # a shallow one; the constructor would check the index arrays again
        made.data = data
        return made


def plan_jacobian(pattern: Any, mode: Literal["auto", "forward", "reverse"]) -> Plan:
    """The plan for a matrix of this pattern, by columns or rows; `"auto"` takes what needs fewer colours."""
    from tapec.passes.coloring import color_columns

    frozen = _frozen(pattern)
    forward = color_columns(frozen) if mode != "reverse" else None
    transposed = frozen.T.tocsr()
    reverse = None
    if mode != "forward":
        # Forward mode is taken where both need as many: it does not have to keep intermediates.
        most = None if forward is None else int(forward.max(initial=-1))
        reverse = color_columns(transposed, most)
    rows = np.repeat(np.arange(frozen.shape[0]), np.diff(frozen.indptr))
    columns = frozen.indices.astype(np.int64)
    if reverse is not None:
        positions = reverse[rows] * frozen.shape[1] + columns
        return _plan(frozen, "reverse", reverse, positions)
    assert forward is not None
    return _plan(frozen, "forward", forward, forward[columns] * frozen.shape[0] + rows)


def plan_hessian(pattern: Any) -> Plan:
    """The plan for a symmetric matrix whose pattern, with its transpose, is this one."""
    from tapec.passes.coloring import star_color

    symmetric = pattern + pattern.T
    frozen = _frozen(symmetric.tocsr())
    colors = star_color(frozen)
    size = frozen.shape[0]
    rows = np.repeat(np.arange(size), np.diff(frozen.indptr))
    columns = frozen.indices.astype(np.int64)
    # An entry is read from the product of its column's colour, unless its row has another entry in that colour.
    count = int(colors.max(initial=-1)) + 1
    keys = rows * count + colors[columns]
    keys[rows == columns] = -1
    order = np.argsort(keys, kind="stable")
    same = np.zeros(len(keys), bool)
    equal = keys[order][1:] == keys[order][:-1]
    same[order[1:]] |= equal
    same[order[:-1]] |= equal
    same[rows == columns] = False
    direct, mirrored = colors[columns] * size + rows, colors[rows] * size + columns
    return _plan(frozen, "forward", colors, np.where(same, mirrored, direct))


def _plan(pattern: Any, direction: Direction, colors: Array, positions: Array) -> Plan:
    return Plan(pattern, direction, colors, int(colors.max(initial=-1)) + 1, positions)


def _frozen(pattern: Any) -> Any:
    """A copy whose index arrays can't be written to: all matrices of the pattern share them."""
    found = pattern.tocsr().copy()
    found.sum_duplicates()
    found.data = np.ones(found.nnz, bool)
    found.indices.flags.writeable = False
    found.indptr.flags.writeable = False
    return found
