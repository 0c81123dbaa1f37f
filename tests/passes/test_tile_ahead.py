"""Nests that run tile by tile and compute for long ask for the next tile."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

from tapec.ops import elementwise as ew
from tapec.ops import reduction
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum, reshape
from tapec.passes import tile_ahead
from tapec.passes.steps import Tiles
from tapec.passes.tile_ahead import asked_ahead
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import forms_of


def _of_rows(row: Sym, x: Sym) -> Sym:
    return broadcast(reshape(row, (x.shape[0], 1)), x.shape)


def softmax(x: Sym) -> Sym:
    y = apply(ew.exp, x - _of_rows(apply(reduction.max, x, axes=(1,)), x))
    return y / _of_rows(reduce_sum(y, (1,)), x)


def centred(x: Sym) -> Sym:
    return x - _of_rows(reduce_sum(x, (1,)), x)


def _tiles(function: Any, x: np.ndarray[Any, Any]) -> Tiles:
    (tiles,) = [s for s in forms_of(graph_of(function, x), 256).program.steps if isinstance(s, Tiles)]
    return tiles


def test_the_nest_that_computes_asks_for_the_next_tile_of_what_it_reads() -> None:
    tiles = _tiles(softmax, np.ones((2048, 512)))
    ((number, asked),) = asked_ahead(tiles).items()
    assert number == 1  # the first one reads, this one finds its argument in the cache and takes exponentials
    assert [(b.kind, distance) for b, distance in asked.items()] == [("input", 512 * tiles.tile)]


def test_small_arrays_and_cheap_nests_ask_for_nothing() -> None:
    assert not asked_ahead(_tiles(softmax, np.ones((256, 512))))
    assert not asked_ahead(_tiles(centred, np.ones((2048, 512))))


def test_the_code_asks_for_whole_lines() -> None:
    """Two requests for the 16 numbers of a vector loop in float64, one in float32."""
    for dtype, count in ((np.float64, 2), (np.float32, 1)):
        x = np.ones((2048, 1024), dtype)
        ahead = 1024 * _tiles(softmax, x).tile
        element = "double" if dtype is np.float64 else "float"
        text = forms_of(graph_of(softmax, x), 256).text
        offsets = re.findall(rf"getelementptr {element}, ptr %\w+, i64 (\d+)\n  call void @llvm.prefetch", text)
        assert len(set(offsets)) >= count
        assert {int(o) - ahead for o in offsets} <= set(range(0, 64, 64 // np.dtype(dtype).itemsize))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(600, 70), (257, 129)])
def test_the_results_are_the_same(shape: tuple[int, int], dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the last tile, behind which there is nothing."""
    monkeypatch.setenv("TAPEC_CACHE", "0")  # which knows nothing of other settings
    monkeypatch.setattr(tile_ahead, "LEAST", 0)
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    graph = graph_of(softmax, x)
    compiled = compile_graph(graph)
    assert "llvm.prefetch" in compiled.text
    assert_same_bits(compiled.run([x])[1], interpret(graph, [x])[0])
