"""Results of nests that move more than the caches hold are written past them, and are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from graph_making import graph_of

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes import streaming
from tapec.passes.loops import Nest
from tapec.passes.steps import Tiles
from tapec.passes.streaming import streamed
from tapec.runtime import result_memory
from tapec.runtime.pipeline import forms_of

MARK = "!nontemporal"
LARGE = np.ones(1 << 21)


def _text(function: Any, *arrays: np.ndarray[Any, Any]) -> str:
    return forms_of(graph_of(function, *arrays), 256).text


def test_large_maps_write_past_the_caches_and_small_ones_do_not() -> None:
    assert MARK in _text(lambda x: x * 2.0, LARGE)
    assert MARK not in _text(lambda x: x * 2.0, LARGE[: 1 << 19])
    assert "fence seq_cst" in _text(lambda x: x * 2.0, LARGE)


def test_what_neighbours_read_moves_once() -> None:
    """Three loads of 8 MB and a store of 8 MB are 16 MB of memory."""
    text = _text(lambda x: _inner(x, 0) + _inner(x, 1) * _inner(x, 2), LARGE[: 1 << 20])
    assert MARK not in text


def _inner(x: Sym, start: int) -> Sym:
    return apply(movement.slice_, x, start=(start,), step=(1,), size=(x.shape[0] - 2,))


def test_a_vector_need_lie_on_no_more_than_its_own_boundary() -> None:
    """Rows of 1,000 float32 begin in the middle of a line every second time; they all go past the caches."""
    text = _text(lambda x: x * 2.0, np.ones((8000, 1000), np.float32))
    stores = [line for line in text.splitlines() if MARK in line]
    assert stores
    assert all("align 32" in line for line in stores)


def test_what_is_read_again_stays_in_the_cache() -> None:
    def normalised(x: Sym) -> Sym:
        y = apply(ew.exp, x)
        total = apply(movement.reshape, reduce_sum(y, (1,)), shape=(2048, 1))
        return y / broadcast(total, (2048, 1024))

    program = forms_of(graph_of(normalised, LARGE.reshape(2048, 1024)), 256).program
    (tiles,) = [s for s in program.steps if isinstance(s, Tiles)]
    assert [b.kind for b in streamed(tiles.nests, tiles.local)] == ["output"]


def test_results_of_reductions_are_not_written_past_the_caches() -> None:
    (nest,) = forms_of(graph_of(lambda x: reduce_sum(x, (0,)), LARGE), 256).program.steps
    assert isinstance(nest, Nest)
    assert not streamed([nest])


def test_short_rows_are_not_written_past_the_caches() -> None:
    """Rows of ten numbers, each of which begins in the middle of a line, cost four times as much that way."""

    def distances(x: Sym, means: Sym) -> Sym:
        shape = (25, 20_000, 10)
        return broadcast(x, shape) - broadcast(apply(movement.reshape, means, shape=(25, 1, 10)), shape)

    assert MARK not in _text(distances, np.ones((20_000, 10)), np.ones((25, 10)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_same_results_wherever_arrays_lie(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Aligned results (of our own memory) and others, lengths that no vector divides, and rows that begin anywhere."""
    monkeypatch.setattr(streaming, "BEYOND_CACHES", 0)
    rng = np.random.default_rng(0)
    for least in (0, 1 << 60):
        monkeypatch.setattr(result_memory, "LEAST", least)
        for shape in ((5,), (1003,), (64, 129), (33, 7, 50), (70_001,)):
            f = tp.function(lambda x, y: (x + y, np.exp(x) * y, np.concatenate([x[:1], y, x])))
            x, y = (rng.normal(size=shape).astype(dtype) for _ in "xy")
            with tp.eager():
                expected = f(x, y)
            for _ in range(3):
                for got, wanted in zip(f(x, y), expected, strict=True):
                    assert np.array_equal(got, wanted)
