"""How a sparse matrix is put together of few products: worked out once for each structure."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any, Literal, NamedTuple, TypeAlias, final

import numpy as np

from tapec.passes.coloring import color_columns, star_color
from tapec.passes.compression import DEARER, Compression, compressed, compressions
from tapec.passes.cut import Cut, Side
from tapec.passes.index_sets import relation
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
        """The matrix with these entries, as a `csr_array` that shares the pattern's index arrays."""
        made = copy(self.pattern)  # a shallow one; the constructor would check the index arrays again
        made.data = data
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
    if best.compression.count > (2 if mode == "star" else 1):
        # Colours of the whole matrix can be fewer where items overlap.
        whole = coarse()
        if mode == "star":
            star = _star(whole, shape)
            if star.compression.work(whole) + star.pattern.nnz < best.work:
                return star
        elif _fewest(whole, mode) < best.compression.count or whole.links.nnz < fine.links.nnz:
            other = _least(whole, mode, DEARER * best.compression.count)
            if other is not None and other.work < best.work:
                return _plan(shape, mode, other.compression, whole, True)
    return _plan(shape, mode, best.compression, fine, False)


class _Candidate(NamedTuple):
    """A compression, and about how many elements are computed and put together."""

    compression: Compression
    work: int


def _least(cut: Cut, mode: Literal["auto", "forward", "reverse"], most: int | None = None) -> _Candidate | None:
    """The compression of least work; None if each takes more than `most` products."""
    found = [_Candidate(one, one.work(cut) + cut.links.nnz) for one in compressions(cut, mode, most)]
    return min(found, key=lambda candidate: (candidate.work, candidate.compression.count), default=None)


def _fewest(cut: Cut, mode: Mode) -> int:
    """A number of colours with which nobody can do with fewer."""
    by_rows = int(np.diff(cut.links.indptr).max(initial=0))
    by_columns = int(np.bincount(cut.links.indices, minlength=1).max(initial=0))
    return by_rows if mode == "forward" else by_columns if mode == "reverse" else min(by_rows, by_columns)


def _plan(shape: tuple[int, int], mode: Mode, compression: Compression, cut: Cut, whole: bool) -> Plan:
    ends = np.repeat(np.arange(cut.links.shape[0]), np.diff(cut.links.indptr))
    variables = cut.links.indices.astype(np.int64)
    rows, columns = _places(cut.terms.places)[ends], _places(cut.variables.places)[variables]
    colors = np.concatenate([*compression.colors, np.zeros(0, np.int64)])
    if compression.direction == "forward":
        pieces, positions, limits = _table(compression, cut.terms, colors[variables], ends)
    else:
        pieces, positions, limits = _table(compression, cut.variables, colors[ends], variables)
    order = np.lexsort((columns, rows))
    order = order[(rows[order] >= 0) & (columns[order] >= 0)]
    keys = (rows * shape[1] + columns)[order]
    fresh = np.ones(len(keys), bool)
    fresh[1:] = keys[1:] != keys[:-1]
    pattern = relation(rows[order][fresh], columns[order][fresh], shape)
    return _finished(pattern, mode, compression, whole, pieces, np.cumsum(fresh) - 1, positions[order], limits)


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
    pieces, positions, limits = _table(compression, whole.terms, colors, term_of[read])
    return _finished(pattern, "star", compression, True, pieces, np.arange(pattern.nnz), positions, limits)


def _places(places: list[Array]) -> Array:
    return np.concatenate([*places, np.zeros(0, np.int64)])


def _table(
    compression: Compression, side: Side, colors: Array, elements: Array
) -> tuple[list[tuple[int, int]], Array, Array]:
    """Pieces of the table, for each addend its position there, and where slices of it must end.

    Args:
        compression: the products.
        side: what they give.
        colors: of each addend, which product it is read from.
        elements: its place among all elements of the blocks that products give.
    """
    starts, count = side.starts, compression.count
    blocks = np.searchsorted(starts, elements, "right") - 1
    sizes, offsets = np.diff(starts), elements - starts[blocks]
    if not compression.separate:
        ends = np.cumsum(np.repeat(sizes, count))
        firsts = np.cumsum(sizes * count) - sizes * count
        return [(b, 0) for b in range(len(sizes))], firsts[blocks] + colors * sizes[blocks] + offsets, ends
    used, piece = np.unique(blocks * max(count, 1) + colors, return_inverse=True)
    pieces = [(int(key) // count, int(key) % count) for key in used]
    ends = np.cumsum([sizes[block] for block, _ in pieces], dtype=np.int64)
    firsts = ends - np.array([sizes[block] for block, _ in pieces], np.int64)
    return pieces, firsts[piece.reshape(-1)] + offsets, ends


def _finished(
    pattern: Any, mode: Mode, compression: Compression, whole: bool, pieces: list[tuple[int, int]], entries: Array,
    positions: Array, limits: Array,
) -> Plan:  # fmt: skip
    """With the pattern's index arrays frozen: all matrices share them."""
    pattern.indices.flags.writeable = False
    pattern.indptr.flags.writeable = False
    found = layout(pattern.indptr.astype(np.int64), entries, positions, limits)
    return Plan(pattern, mode, compression, whole, pieces, found)
