"""Colourings: valid on random patterns by networkx and by brute force, as good as networkx's greedy ones."""

from itertools import permutations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tapec.passes.coloring import color_columns, color_groups, star_color

PATTERNS = arrays(bool, st.tuples(st.integers(0, 7), st.integers(0, 7)), elements=st.booleans())
SYMMETRIC = st.integers(0, 7).flatmap(lambda n: arrays(bool, (n, n))).map(lambda a: a | a.T)


def conflicts(pattern):
    """The columns as vertices, joined where some row has both."""
    graph = nx.Graph()
    graph.add_nodes_from(range(pattern.shape[1]))
    for row in pattern:
        columns = np.flatnonzero(row)
        graph.add_edges_from((i, j) for i in columns for j in columns if i < j)
    return graph


@given(PATTERNS)
def test_columns_of_one_colour_share_no_row(pattern):
    colors = color_columns(sp.csr_array(pattern))
    graph = conflicts(pattern)
    assert len(colors) == pattern.shape[1]
    assert all(colors[i] != colors[j] for i, j in graph.edges)
    columns = pattern.shape[1]
    orders = (range(columns), np.argsort(-pattern.sum(0), kind="stable").tolist())
    greedy = [nx.greedy_color(graph, lambda *_, order=order: order) for order in orders]
    assert colors.max(initial=-1) == min(max(c.values(), default=-1) for c in greedy)


@given(PATTERNS, st.integers(0, 5))
def test_giving_up(pattern, most):
    colors = color_columns(sp.csr_array(pattern))
    limited = color_columns(sp.csr_array(pattern), most)
    if colors.max(initial=-1) < most:
        np.testing.assert_array_equal(limited, colors)
    else:
        assert limited is None


@given(PATTERNS, st.data())
def test_groups_of_one_colour_share_no_row(pattern, data):
    columns = pattern.shape[1]
    groups = np.array(data.draw(st.lists(st.integers(0, 4), min_size=columns, max_size=columns)), np.int64)
    colors = color_groups(sp.csr_array(pattern), groups)
    counts = [np.bincount(groups[row], minlength=1).max(initial=0) for row in pattern]
    assert (colors is None) == (max(counts, default=0) > 1)
    if colors is not None:
        assert len(colors) == columns
        assert all(len(set(colors[groups == group])) <= 1 for group in range(5))
        assert all(len(set(colors[row])) == row.sum() for row in pattern)


def test_no_groups_where_they_are_too_many_to_be_bits():
    pattern = sp.csr_array(np.eye(70, dtype=bool))
    assert color_groups(pattern, np.arange(70)) is None
    assert color_groups(pattern, np.arange(70) % 62).tolist() == [0] * 70


@given(SYMMETRIC)
def test_star_colours(pattern):
    colors = star_color(sp.csr_array(pattern))
    n = len(pattern)
    off = pattern & ~np.eye(n, dtype=bool)
    assert not np.any(off & (colors[:, None] == colors))
    for a, b, c, d in permutations(range(n), 4):
        if off[a, b] and off[b, c] and off[c, d]:
            assert len({colors[a], colors[b], colors[c], colors[d]}) > 2


@pytest.mark.parametrize(("offsets", "count"), [((-1, 0, 1), 3), ((-2, -1, 0, 1, 2), 5), ((0,), 1), ((-1, 1), 2)])
def test_bands_get_as_many_colours_as_rows_have_entries(offsets, count):
    n = 10**4
    band = sp.diags_array([np.ones(n, bool)] * len(offsets), offsets=offsets, shape=(n, n), dtype=bool).tocsr()
    assert color_columns(band).max() + 1 == count


def test_stars_need_few():
    n = 10**4
    arrow = sp.eye_array(n, dtype=bool).tolil()
    arrow[0] = True
    arrow[:, 0] = True
    assert star_color(arrow.tocsr()).max() + 1 == 2
    assert color_columns(arrow.tocsr()).max() + 1 == n
    band = sp.diags_array([np.ones(n, bool)] * 3, offsets=(-1, 0, 1), shape=(n, n), dtype=bool).tocsr()
    assert star_color(band).max() + 1 == 3
