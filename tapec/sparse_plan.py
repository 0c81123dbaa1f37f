"""How a sparse matrix is put together of few products: worked out once for each structure."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias, final

import numpy as np

from tapec.ir.dtypes import is_short
from tapec.passes.coloring import color_columns, star_color
from tapec.passes.compression import DEARER, Compression, compressed, compressions
from tapec.passes.cut import Cut, Side
from tapec.passes.index_sets import IndexSets, index_sets, relation
from tapec.passes.layout import Layout, layout

Array: TypeAlias = np.ndarray[Any, Any]
Direction: TypeAlias = Literal["forward", "reverse"]
Mode: TypeAlias = Literal["auto", "forward", "reverse", "star"]


@final
class Plan:
    """The plan for one structure.

    Args:
        pattern: a boolean `scipy.sparse.csr_array` with sorted indices.
        mode: which products may be taken; `"star"` stands for a symmetric matrix.
        compression: the products that are taken.
        whole: whether of the whole function, or of the middle that it has been cut to.
        pieces: the parts of the products that entries are read from, as block and colour, one after another in the
            table; of products that are taken all at once, each block is one part with all colours.
        layout: the entries as sums over the table.
    """

    def __init__(
        self,
        pattern: Any,
        mode: Mode,
        compression: Compression,
        whole: bool,
        pieces: list[tuple[int, int]],
        layout: Layout,
    ) -> None:
        self.pattern = pattern
        self.compression = compression
        self.whole = whole
        self.pieces = pieces
        self.layout = layout
        self._mode = mode

    @cached_property
    def coloring(self) -> tuple[Direction, Array]:
        """A colouring of the matrix by itself: whether of its columns or rows, and their colours."""
        if self._mode == "star":
            return "forward", star_color(self.pattern + self.pattern.T.tocsr())
        forward = color_columns(self.pattern) if self._mode != "reverse" else None
        reverse = None
        if self._mode != "forward":
            # Forward mode is taken where both need as many: it does not have to keep intermediates.
            most = None if forward is None else int(forward.max(initial=-1))
            reverse = color_columns(self.pattern.T.tocsr(), most)
        if reverse is not None:
            return "reverse", reverse
        assert forward is not None
        return "forward", forward

    def matrix(self, data: Array) -> Any:
        """The matrix with these entries, as a `csr_array` that shares the pattern's index arrays.

        SciPy has no floats of 16 bits: their matrices are of float32.
        """
        made = copy(self.pattern)  # a shallow one; the constructor would check the index arrays again
        made.data = data.astype(np.float32) if is_short(data.dtype) else data
        return made


def make_plan(shape: tuple[int, int], mode: Mode, fine: Cut, coarse: Callable[[], Cut]) -> Plan:
    """The plan that takes least work.

    Args:
        shape: of the matrix.
        mode: see `Plan`.
        fine: the function cut so that as little as possible is differentiated.
        coarse: gives the cut that leaves everything to the middle.
    """
    best = _least(fine, "auto" if mode == "star" else mode)
    assert best is not None
    if mode == "star":
        if best.compression.count > 2:  # colours of the whole matrix can be fewer where items overlap
            whole = coarse()
            star = _star(whole, shape)
            if star.compression.work(whole) + star.pattern.nnz < best.work:
                return star
        return _plan(mode, best.compression, fine, False, _entries(fine, shape))
    entries = _entries(fine, shape)
    if best.compression.count > 1 and (
        _fewest(entries.pattern, mode) < best.compression.count or entries.pattern.nnz < fine.links.nnz
    ):
        whole = coarse()
        other = _least(whole, mode, DEARER * best.compression.count)
        if other is not None and other.work < best.work:
            return _plan(mode, other.compression, whole, True, _entries(whole, shape))
    return _plan(mode, best.compression, fine, False, entries)


class _Candidate(NamedTuple):
    """A compression, and about how many elements are computed and put together."""

    compression: Compression
    work: int


def _least(cut: Cut, mode: Literal["auto", "forward", "reverse"], most: int | None = None) -> _Candidate | None:
    """The compression of least work; None if each takes more than `most` products."""
    found = [_Candidate(one, one.work(cut) + cut.links.nnz) for one in compressions(cut, mode, most)]
    return min(found, key=lambda candidate: (candidate.work, candidate.compression.count), default=None)


def _fewest(pattern: IndexSets, mode: Mode) -> int:
    """A number of colours with which nobody can do with fewer."""
    by_rows = int(np.diff(pattern.indptr).max(initial=0))
    by_columns = int(np.bincount(pattern.indices, minlength=1).max(initial=0))
    return by_rows if mode == "forward" else by_columns if mode == "reverse" else min(by_rows, by_columns)


class _Entries(NamedTuple):
    """The entries that a cut's links make.

    Attributes:
        pattern: the matrix's.
        terms: for each addend, by rows and columns, the element of the terms that it belongs to.
        variables: the same of the variables.
        numbers: ascending, the number of the entry that each is added to.
    """

    pattern: IndexSets
    terms: Array
    variables: Array
    numbers: Array


def _entries(cut: Cut, shape: tuple[int, int]) -> _Entries:
    terms = np.repeat(np.arange(cut.links.shape[0]), np.diff(cut.links.indptr))
    variables = cut.links.indices.astype(np.int64)
    rows, columns = _places(cut.terms.places)[terms], _places(cut.variables.places)[variables]
    keys = np.where((rows < 0) | (columns < 0), -1, rows * shape[1] + columns)
    order = np.argsort(keys, kind="stable")  # links come in few ascending runs, which it merges
    order = order[np.searchsorted(keys[order], 0) :]
    rows, columns, keys = rows[order], columns[order], keys[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = keys[1:] != keys[:-1]
    starts = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(np.bincount(rows[fresh], minlength=shape[0]), out=starts[1:])
    pattern = index_sets(starts, columns[fresh], shape[1])
    return _Entries(pattern, terms[order], variables[order], np.cumsum(fresh) - 1)


def _plan(mode: Mode, compression: Compression, cut: Cut, whole: bool, entries: _Entries) -> Plan:
    colors = np.concatenate([*compression.colors, np.zeros(0, np.int64)])
    if compression.direction == "forward":
        table = _table(compression, cut.terms, colors[entries.variables], entries.terms)
    else:
        table = _table(compression, cut.variables, colors[entries.terms], entries.variables)
    return _finished(entries.pattern, mode, compression, whole, entries.numbers, table)


def _star(whole: Cut, shape: tuple[int, int]) -> Plan:
    """By star colours: an entry is read from the product of its column's colour, or its mirror image's."""
    ends = np.repeat(np.arange(whole.links.shape[0]), np.diff(whole.links.indptr))
    at, to = _places(whole.terms.places), _places(whole.variables.places)
    half = relation(at[ends], to[whole.links.indices], shape)
    term_of = np.full(shape[0], -1)
    term_of[at] = np.arange(len(at))
    known = term_of >= 0  # nothing depends on the others, so that their columns have no entries either
    both = (half + half.T.tocsr()).tocoo()
    kept = known[both.row] & known[both.col]
    pattern = relation(both.row[kept], both.col[kept], shape)
    by_place = star_color(pattern)
    rows = np.repeat(np.arange(shape[0]), np.diff(pattern.indptr))
    columns = pattern.indices.astype(np.int64)
    keys = rows * (int(by_place.max(initial=-1)) + 1) + by_place[columns]
    keys[rows == columns] = -1
    order = np.argsort(keys, kind="stable")
    shared = np.zeros(len(keys), bool)
    equal = keys[order][1:] == keys[order][:-1]
    shared[order[1:]] |= equal
    shared[order[:-1]] |= equal
    shared[rows == columns] = False
    compression = compressed(whole, "forward", by_place[to])
    read, colors = np.where(shared, columns, rows), by_place[np.where(shared, rows, columns)]
    table = _table(compression, whole.terms, colors, term_of[read])
    return _finished(pattern, "star", compression, True, np.arange(pattern.nnz), table)


def _places(places: list[Array]) -> Array:
    return np.concatenate([*places, np.zeros(0, np.int64)])


class _Table(NamedTuple):
    """Where addends lie among the products.

    Attributes:
        pieces: see `Plan`.
        positions: of each addend, counted over all pieces one after another.
        parts: for each the number of what strided slices of the table must not leave.
    """

    pieces: list[tuple[int, int]]
    positions: Array
    parts: Array


def _table(compression: Compression, side: Side, colors: Array, elements: Array) -> _Table:
    """The table of the products.

    Args:
        compression: the products.
        side: what they give.
        colors: of each addend, which product it is read from.
        elements: its place among all elements of the blocks that products give.
    """
    starts, count = side.starts, max(compression.count, 1)
    sizes = np.diff(starts)
    blocks = np.repeat(np.arange(len(sizes)), sizes)[elements]
    parts, extents = blocks * count + colors, np.repeat(sizes, count)
    if compression.separate:  # what nobody reads is left out
        is_read = np.bincount(parts, minlength=len(extents)) > 0
        pieces = [divmod(int(key), count) for key in np.flatnonzero(is_read)]
        extents = np.where(is_read, extents, 0)
    else:
        pieces = [(block, 0) for block in range(len(sizes))]
    firsts = np.cumsum(extents) - extents
    return _Table(pieces, firsts[parts] + elements - starts[blocks], parts)


def _finished(
    pattern: IndexSets, mode: Mode, compression: Compression, whole: bool, numbers: Array, table: _Table
) -> Plan:
    """With the pattern's index arrays frozen: all matrices share them."""
    pattern.indices.flags.writeable = False
    pattern.indptr.flags.writeable = False
    found = layout(pattern.indptr.astype(np.int64), numbers, table.positions, table.parts)
    return Plan(pattern, mode, compression, whole, table.pieces, found)
