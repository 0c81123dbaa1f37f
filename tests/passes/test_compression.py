"""Compressions: colours by coordinates, and directions that are not looked at."""

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import apply
from tapec.passes import compression
from tapec.passes.compression import compressions
from tapec.passes.cut import separate


def lengths(axis):
    """The cut of a function that gives the length of each vector along an axis."""

    def function(x):
        return apply(ew.sqrt, apply(ew.exp, apply(reduction.sum, apply(ew.sin, x), axes=(axis,))))

    def cut(shape):
        graph = graph_of(function, np.ones(shape))
        return separate(graph, graph.outputs, [graph.outputs[0].type.size], graph.inputs, {})

    return cut


def colors(found):
    return {one.direction: [c.tolist() for c in one.colors] for one in found}


@pytest.mark.parametrize(("axis", "expected"), [(1, [0, 1, 2] * 7), (0, [0] * 7 + [1] * 7 + [2] * 7)])
def test_coordinates_are_coloured_and_not_each_element(axis, expected, monkeypatch):
    monkeypatch.setattr(compression, "color_columns", None)
    cut = lengths(axis)((7, 3) if axis == 1 else (3, 7))
    assert colors(compressions(cut, "auto")) == {"forward": [expected], "reverse": [[0] * 7]}


def test_a_direction_of_many_products_is_not_looked_at():
    cut = lengths(1)((9, 5))
    assert colors(compressions(cut, "auto")) == {"reverse": [[0] * 9]}
    assert colors(compressions(cut, "forward")) == {"forward": [list(range(5)) * 9]}
    assert compressions(cut, "forward", 4) == []


def test_elements_have_colours_of_their_own_where_items_overlap():
    def function(x):
        return apply(ew.sqrt, apply(reduction.sum, apply(ew.exp, x), axes=(0, 1)))

    graph = graph_of(function, np.ones((2, 3)))
    cut = separate(graph, graph.outputs, [1], graph.inputs, {})
    assert colors(compressions(cut, "forward")) == {"forward": [list(range(6))]}
