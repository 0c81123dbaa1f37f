"""How nests are cut: along which axis, where the cuts fall, and what is left in one piece."""

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply, reduce_sum
from tapec.passes import splitting
from tapec.passes.fuse import fuse
from tapec.passes.loops import Nest
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.nest_lanes import lane_count
from tapec.passes.splitting import Split, split_of
from tapec.passes.work import nanoseconds


def nest_of(function, *shapes) -> Nest:
    (nest,) = lower(fuse(materialize(graph_of(function, *(np.zeros(s) for s in shapes))))).steps
    assert isinstance(nest, Nest)
    return nest


def split(function, *shapes) -> Split | None:
    nest = nest_of(function, *shapes)
    return split_of(nest, lane_count(nest, 256))


@pytest.fixture
def fine(monkeypatch):
    """Every nest is large."""
    monkeypatch.setattr(splitting, "GRAIN", 1)


def exp(x):
    return apply(ew.exp, x)


def added(x, w):
    return x + w


def total(axes):
    return lambda x: reduce_sum(x, axes)


def weighted(x, w):
    return reduce_sum(x * w, (0, 1))


def place(cut: Split) -> tuple[int, int, int, bool]:
    return cut.axis, cut.unit, cut.units, cut.folds


def test_small_nests_stay_whole():
    assert split(exp, (1000,)) is None
    assert split(exp, (1_000_000,)) is not None


def test_parts_have_enough_work():
    for n in (100_000, 1_000_000, 10_000_000):
        nest = nest_of(exp, (n,))
        assert splitting.GRAIN <= nanoseconds(nest) / split_of(nest, 8).parts < 2 * splitting.GRAIN


@pytest.mark.usefixtures("fine")
@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (exp, [(10_000,)], (0, 64, 156, False)),  # the last unit takes the 16 that are left
        (added, [(300, 50), (50,)], (0, 1, 300, False)),  # the outermost axis
        (added, [(3, 5000), (5000,)], (1, 64, 78, False)),  # the axis that has enough
        (total((1,)), [(300, 50)], (0, 1, 300, False)),  # rows
        (total((0,)), [(5000,)], (0, 2048, 3, True)),  # one row, by blocks
        (total((1,)), [(2, 50_000)], (1, 2048, 25, True)),  # few rows
        (total((0,)), [(10_000_000,)], (0, 65_536, 153, True)),  # at most 256 numbers to fold
        (weighted, [(300, 50), (50,)], (0, 2048, 8, True)),  # elements of both reduced axes, one behind the other
        (total((0,)), [(50_000, 3)], (0, 256, 196, True)),  # few columns, by blocks of 128
        (total((0,)), [(100, 5000)], (1, 16, 312, False)),  # many columns
        (total((0,)), [(10_000, 1000)], (0, 1024, 10, True)),  # taken row by row: whole rows
        (total((0,)), [(2000, 1000)], (0, 128, 16, True)),
        (total((0,)), [(10_000, 4000)], (1, 16, 250, False)),  # too many columns to leave some sums of each
    ],
)
def test_where_cuts_fall(function, shapes, expected):
    assert place(split(function, *shapes)) == expected


@pytest.mark.usefixtures("fine")
def test_what_can_not_be_cut():
    assert split(total((0,)), (2048,)) is None  # one block
    assert split(exp, (100,)) is None  # one unit
    assert split(exp, ()) is None
