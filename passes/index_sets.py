"""Sets of indices, one for each element of a value: the rows of a boolean matrix in compressed form.

All functions take and give `scipy.sparse.csr_array`s of True with sorted rows, and work on whole arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

import numpy as np

from tapec.errors import DensePatternError

IndexSets: TypeAlias = Any  # scipy.sparse.csr_array, which has no types and is imported when it is first needed
Indices: TypeAlias = np.ndarray[Any, Any]

MOST_ENTRIES: Final = 2**28  # of one value: 1 GiB of indices
LOCAL_ENTRIES: Final = 64  # of one element, on average, where patterns are to be `local`
_FREE_ENTRIES: Final = 2**20  # of a value, whatever it is
_LOCAL: ContextVar[bool] = ContextVar("_LOCAL", default=False)


def identity(size: int, width: int, first: int) -> IndexSets:
    """The sets {first}, {first + 1}, ... of `size` elements, among `width` indices."""
    return index_sets(np.arange(size + 1), np.arange(first, first + size), width)


def empty(size: int, width: int) -> IndexSets:
    """`size` empty sets."""
    return index_sets(np.zeros(size + 1, np.int32), np.zeros(0, np.int32), width)


def gather(sets: IndexSets, positions: Indices) -> IndexSets:
    """The set at each of `positions`; an empty one where that is negative.

    Raises:
        DensePatternError: they would have more entries than fit in memory.
    """
    starts, indices = sets.indptr, sets.indices
    lengths = np.where(positions < 0, 0, np.diff(starts)[positions]) if len(starts) > 1 else np.zeros(len(positions))
    ends = np.zeros(len(positions) + 1, np.int64)
    np.cumsum(lengths, out=ends[1:])
    check_entries(int(ends[-1]), len(positions), sets.shape[1])
    entries = np.repeat(np.where(positions < 0, 0, positions), lengths.astype(np.int64))
    offsets = np.arange(ends[-1]) + np.repeat(-ends[:-1], np.diff(ends)) + starts[entries]
    return index_sets(ends, indices[offsets], sets.shape[1])


def union(a: IndexSets, b: IndexSets) -> IndexSets:
    """The union of each set of `a` with that of `b`."""
    if a is b or same(a, b):
        return a
    both = a + b
    check_entries(both.nnz, *both.shape)
    return both


@contextmanager
def local() -> Iterator[None]:
    """Within it sets of more than `LOCAL_ENTRIES` entries, on average over a large value, do not fit either."""
    token = _LOCAL.set(True)
    try:
        yield
    finally:
        _LOCAL.reset(token)


def same(a: IndexSets, b: IndexSets) -> bool:
    """Whether the sets are equal."""
    return np.array_equal(a.indptr, b.indptr) and np.array_equal(a.indices, b.indices)


def merge(sets: IndexSets, groups: Indices, count: int) -> IndexSets:
    """For each of `count` groups the union of the sets whose entry in `groups` is its number."""
    order = np.argsort(groups, kind="stable")
    starts = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(groups, minlength=count), out=starts[1:])
    return compose(index_sets(starts, order, len(groups)), sets)


def compose(outer: IndexSets, inner: IndexSets) -> IndexSets:
    """For each set of `outer` the union of the sets of `inner` whose numbers it holds."""
    product = outer @ inner
    product.sort_indices()
    return product


def stack(parts: Sequence[IndexSets]) -> IndexSets:
    """The sets of all parts, one after another."""
    from scipy.sparse import vstack

    return vstack(parts, format="csr") if len(parts) > 1 else parts[0]


def relation(rows: Indices, columns: Indices, shape: tuple[int, int]) -> IndexSets:
    """The sets that hold `columns[k]` in the set number `rows[k]`."""
    from scipy.sparse import coo_array

    check_entries(len(rows), *shape)
    found = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=shape).tocsr()
    found.sum_duplicates()
    return found


def check_entries(entries: int, sets: int, width: int) -> None:
    """Raises `DensePatternError` if a value has too many."""
    if entries > MOST_ENTRIES or (_LOCAL.get() and entries > _FREE_ENTRIES + LOCAL_ENTRIES * sets):
        raise DensePatternError(
            f"the sparsity pattern of an intermediate value would have {entries:,} entries among {width:,} arguments, "
            "more than fit in memory: almost everything depends on almost everything there. Take products with the "
            "derivative (tp.jvp, tp.vjp, tp.hvp) instead of the whole of it"
        )


def index_sets(starts: Indices, indices: Indices, width: int) -> IndexSets:
    """The sets `indices[starts[k]:starts[k + 1]]`, each of which is sorted."""
    from scipy.sparse import csr_array

    parts = (np.ones(len(indices), bool), indices.astype(np.int32, copy=False), starts.astype(np.int32, copy=False))
    made = csr_array(parts, shape=(len(starts) - 1, width))
    made.has_sorted_indices = True
    return made
