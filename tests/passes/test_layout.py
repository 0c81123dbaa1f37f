"""Layouts: the sums that they state, and that regular matrices become few runs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapec.passes.layout import MOST_RUNS, layout


def laid_out(starts, entries, positions, ends):
    """The layout over pieces that end there."""
    return layout(starts, entries, positions, np.searchsorted(ends, positions, "right"))


def sums(found, table, size):
    """The entries, by positions and (where there are runs) by slices."""
    by_position = table[found.first].astype(float)
    np.add.at(by_position, found.into, table[found.more])
    assert len(by_position) == size
    if found.runs is None:
        return by_position, None
    rows = []
    for run in found.runs:
        columns = [sum(table[s.start + s.step * np.arange(run.count)] for s in parts) for parts in run.entries]
        rows.append(np.stack(columns, 1).reshape(-1))
    return by_position, np.concatenate(rows) if rows else np.zeros(0)


def banded(n, offsets):
    """Row starts, entries and positions of a matrix whose entry (i, i + offset) is element i of one piece each."""
    starts, positions = [0], []
    for i in range(n):
        positions += [k * n + i for k, offset in enumerate(offsets) if 0 <= i + offset < n]
        starts.append(len(positions))
    return np.array(starts), np.arange(len(positions)), np.array(positions), n * np.arange(1, len(offsets) + 1)


@pytest.mark.parametrize(
    ("offsets", "runs"),
    [((0,), [(20, 1)]), ((-1, 0, 1), [(1, 2), (18, 3), (1, 2)]), ((-2, -1, 0, 1, 2), [(2, 3), (1, 4), (16, 5)])],
)
def test_bands_are_few_runs(offsets, runs):
    starts, entries, positions, ends = banded(20, offsets)
    found = laid_out(starts, entries, positions, ends)
    assert found.runs is not None
    if len(offsets) < 5:
        assert [(run.count, len(run.entries)) for run in found.runs] == runs
    assert len(found.runs) <= 5
    table = np.random.default_rng(0).normal(size=ends[-1])
    by_position, by_slice = sums(found, table, len(positions))
    np.testing.assert_array_equal(by_position, table[positions])
    np.testing.assert_array_equal(by_slice, table[positions])


def test_rows_that_take_turns():
    """Blocks of 2 by 2 on the diagonal, one piece for each of their entries."""
    n = 30
    positions = (np.arange(n)[:, None] + n * np.arange(4)).reshape(-1)
    found = laid_out(np.arange(0, 4 * n + 1, 2), np.arange(4 * n), positions, n * np.arange(1, 5))
    assert found.runs is not None
    assert [(run.count, len(run.entries)) for run in found.runs] == [(n, 4)]


def test_slices_do_not_go_on_into_the_next_piece():
    found = laid_out(np.arange(7), np.arange(6), np.arange(6), np.array([3, 6]))
    assert found.runs is not None
    assert [run.count for run in found.runs] == [3, 3]


def test_a_run_ends_where_a_row_does_not_go_on():
    """Rows of two entries, of which one lies elsewhere in the table."""
    n, odd = 200, 140
    positions = np.stack([np.arange(n), n + np.arange(n)], 1)
    positions[odd, 1] += 1
    found = laid_out(np.arange(0, 2 * n + 1, 2), np.arange(2 * n), positions.reshape(-1), np.array([n, 2 * n + 1]))
    assert found.runs is not None
    assert [(run.count, len(run.entries)) for run in found.runs] == [(odd, 2), (2, 8), (52, 2)]
    by_position, by_slice = sums(found, np.random.default_rng(0).normal(size=2 * n + 1), 2 * n)
    np.testing.assert_array_equal(by_slice, by_position)


def test_irregular_matrices_are_left_to_positions():
    positions = np.random.default_rng(0).permutation(500)
    assert laid_out(np.arange(501), np.arange(500), positions, np.array([500])).runs is None
    assert MOST_RUNS < 100


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_sums(data):
    lengths = np.array(data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=10)))
    starts = np.append(0, np.cumsum(lengths))
    size = int(starts[-1])
    addends = np.array(data.draw(st.lists(st.integers(1, 2), min_size=size, max_size=size)), int)
    entries = np.repeat(np.arange(starts[-1]), addends)
    step = data.draw(st.integers(0, 4))
    regular = (step * np.arange(len(entries))) % 12
    drawn = data.draw(st.lists(st.integers(0, 11), min_size=len(entries), max_size=len(entries)))
    positions = np.where(data.draw(st.booleans()), regular, np.array(drawn, int)).astype(int)
    found = laid_out(starts, entries, positions, np.array([5, 12]))
    table = np.random.default_rng(0).integers(-9, 9, 12)
    expected = np.zeros(starts[-1])
    np.add.at(expected, entries, table[positions])
    by_position, by_slice = sums(found, table, starts[-1])
    np.testing.assert_array_equal(by_position, expected)
    if by_slice is not None:
        np.testing.assert_array_equal(by_slice, expected)


def test_long_runs_are_found_over_many_windows_and_end_where_they_end():
    """The search looks at few rows first."""
    n, m = 5000, 700
    starts, entries, positions, ends = banded(n, (0, 1))
    later = np.arange(m)[:, None] * 7 + 2 * n + np.arange(2)
    starts = np.concatenate([starts, starts[-1] + 2 * np.arange(1, m + 1)])
    positions = np.concatenate([positions, later.reshape(-1)])
    entries = np.arange(len(positions))
    found = laid_out(starts, entries, positions, np.append(ends, positions.max() + 1))
    assert [run.count for run in found.runs] == [n - 1, 1, m]
    table = np.random.default_rng(0).normal(size=positions.max() + 1)
    np.testing.assert_array_equal(sums(found, table, len(positions))[1], table[positions])
