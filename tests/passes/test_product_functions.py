"""Which functions a product calls: none that it has no use for, and one for everything that can come up."""

from itertools import product as every

import pytest

from tapec.ir import dtypes
from tapec.passes.product_functions import functions, routine
from tapec.passes.product_names import ALONE, FIELD, FUNCTIONS, ON_THREADS, symbol
from tapec.passes.product_plan import Axes, Axis, layout, matrices, matrix_axes, part_layout
from tapec.passes.product_text import product_functions


def called(words, dtype=dtypes.F64, bits=256):
    """By what it is for, without prefix and dtype."""
    prefix, _, suffix = symbol("|", dtype).partition("|")
    names = functions(dtype, words, bits)
    return {k: v.removeprefix(prefix).removesuffix(suffix) for k, v in zip(FUNCTIONS, names, strict=True) if v}


def plain(m, n, k, a=None, b=None):
    return matrices((1, m, n, k), a or (0, k, 1), b or (0, n, 1))


def test_tiles_of_the_shapes_that_there_are():
    def tiles(words, **kwargs):
        found = called(words, **kwargs)
        return [found[x] for x in ("tile", "narrow_tile", "low_tile")]

    assert tiles(plain(60, 64, 60)) == ["tile"] * 3
    assert tiles(plain(60, 66, 60)) == ["tile", "narrow_tile", "tile"]
    assert tiles(plain(60, 70, 60)) == ["tile"] * 3
    assert tiles(plain(62, 64, 60)) == ["tile", "tile", "low_tile"]
    assert tiles(plain(65, 64, 60)) == ["tile"] * 3
    assert tiles(plain(61, 3, 600)) == ["narrow_tile", "narrow_tile", "low_tile"]
    assert tiles(plain(3, 100, 600)) == ["low_tile"] * 3
    assert tiles(plain(60, 68, 60), dtype=dtypes.F32, bits=512) == ["tile", "narrow_tile", "tile"]


def test_parts_may_end_within_tiles():
    axes = matrix_axes((1, 600, 64, 60), (0, 60, 1), (0, 64, 1))
    assert called(part_layout(axes._replace(row=(Axis(66, 60, 0),)), by_rows=True))["low_tile"] == "low_tile"
    assert called(part_layout(axes, by_rows=True))["low_tile"] == "tile"
    assert called(part_layout(axes._replace(row=(Axis(66, 60, 0),)), by_rows=False))["low_tile"] == "tile"
    wide = layout(matrix_axes((1, 120, 256, 600), (0, 600, 1), (0, 256, 1)))
    assert wide[FIELD["parts"]] > 1
    assert called(wide, dtype=dtypes.F32)["narrow_tile"] == "tile"
    assert called(wide, dtype=dtypes.F32, bits=512)["narrow_tile"] == "narrow_tile"  # parts of 16 columns


def test_where_there_are_many_tiles_the_last_may_compute_more_than_there_is():
    assert called(plain(602, 64, 60))["low_tile"] == "tile"
    assert called(plain(60, 642, 60))["narrow_tile"] == "tile"


def test_copies_of_operands_as_they_lie():
    assert "copy_left" not in called(plain(60, 60, 60))
    assert called(plain(60, 256, 60))["copy_left"] == "left_rows"
    assert called(plain(60, 60, 60, a=(0, 1, 60)))["copy_left"] == "left_slivers"
    assert "copy_left" not in called(plain(10, 60, 600, a=(0, 1, 10)))
    whole = called(plain(60, 64, 60))
    assert (whole["copy_group"], "copy_right" in whole) == ("right_group", False)
    cut = called(plain(60, 60, 60))
    assert (cut["copy_group"], cut["copy_right"]) == ("right_group", "right_by_columns")
    turned = called(plain(60, 64, 60, b=(0, 1, 60)))
    assert ("copy_group" in turned, turned["copy_right"]) == (False, "right_by_inner")
    assert called(plain(60, 64, 60, b=(0, 2, 120)))["copy_right"] == "right_by_element"
    assert "copy_right" not in called(plain(12, 64, 60))  # read in place
    assert called(plain(12, 60, 60))["copy_right"] == "right_by_columns"


def test_one_row():
    assert called(plain(1, 600, 300)) == {
        "part": "row_part_by_columns", "offsets": "even_offsets", "row": "row_by_columns"
    }  # fmt: skip
    assert called(plain(1000, 1, 100))["row"] == "row_in_order"
    assert called(plain(1000, 1, 1000))["row"] == "row_along_columns"
    assert called(plain(1, 600, 300, b=(0, 1200, 2)))["part"] == "part"


def test_offsets_of_several_axes():
    windows = (Axis(8, 100, 0), Axis(30, 3, 0))
    axes = Axes((), windows, (Axis(40, 0, 1),), (Axis(100, 1, 40),))
    assert called(layout(axes))["offsets"] == "offsets"
    assert called(plain(60, 60, 60))["offsets"] == "even_offsets"


def test_threads_for_several_parts():
    assert routine(plain(40, 40, 40)) == ALONE
    assert routine(plain(400, 400, 400)) == ON_THREADS


@pytest.mark.parametrize("bits", [128, 256, 512])
def test_there_is_a_text_of_each(bits):
    for m, n, (row, inner), (b_inner, b_column), dtype in every(
        (1, 5, 62), (1, 3, 70, 300), ((300, 1), (1, 62)), ((300, 1), (1, 300), (2, 600)), (dtypes.F32, dtypes.F64)
    ):
        words = matrices((1, m, n, 300), (0, row, inner), (0, b_inner, b_column))
        names = [name for name in functions(dtype, words, bits) if name]
        assert [f.name for f in product_functions([routine(words), *names], bits)] == [routine(words), *names]
