"""Elementary functions that a program computes in many places are written once."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.ops.symbolic import Sym, apply, broadcast, reduce_sum
from tapec.passes import program_text, tiles
from tapec.passes.steps import Tiles
from tapec.runtime.driver import compile_graph
from tapec.runtime.pipeline import forms_of


def _chain(uses: int) -> Any:
    """A function whose sines and exponentials stand in nests of their own."""

    def f(x: Sym) -> Sym:
        for _ in range(uses):
            x = apply(ew.exp, apply(ew.sin, x) * 0.1) - reduce_sum(x, (0,))
        return x

    return f


def _text(uses: int, size: int) -> str:
    return forms_of(graph_of(_chain(uses), np.ones(size)), 256).text


def test_text_grows_by_less_than_a_formula_per_use() -> None:
    lines = [len(_text(uses, 16).splitlines()) for uses in (20, 40)]
    assert lines[1] - lines[0] < 20 * 60  # 49; a sine and an exponential have 70 more
    assert len(re.findall(r"^define internal .*@tapec_sin_\d+_f64\(", _text(40, 16), re.MULTILINE)) == 1


def test_few_uses_and_long_nests_have_their_formulas_where_they_stand() -> None:
    assert "@tapec_sin_" not in _text(2, 16)
    assert "@tapec_sin_" not in _text(20, 5_000)


def test_tiles_of_short_nests_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether many short nests run together or not, they have few positions to spend a call on."""
    monkeypatch.setattr(tiles, "SEED_BYTES", 0)
    monkeypatch.setattr(tiles, "LEAST_BYTES", 0)
    monkeypatch.setattr(tiles, "TILE_BYTES", 1 << 8)

    def chain(x: Sym) -> Sym:
        for _ in range(8):
            x = apply(ew.sin, x) * broadcast(apply(movement.reshape, reduce_sum(x, (1,)), shape=(32, 1)), (32, 6))
        return x

    forms = forms_of(graph_of(chain, np.ones((32, 6))), 256)
    assert any(isinstance(step, Tiles) for step in forms.program.steps)
    assert "@tapec_sin_" in forms.text


def test_loops_do_not_call() -> None:
    """What runs many times is written out."""

    def body(x: Any) -> Any:
        for _ in range(6):
            x = np.sin(x) - np.sum(x)
        return x

    loop = tp.function(lambda x: tp.fori_loop(0, 100, lambda _, x: body(x), x))
    x = np.ones(16)
    assert "@tapec_sin_" not in loop.inspect(x).stages["LLVM IR"]
    assert "@tapec_sin_" in tp.function(body).inspect(x).stages["LLVM IR"]


@pytest.mark.parametrize("size", [1, 3, 16, 37])
def test_same_bits(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(size).normal(size=size) * 3
    x[0] = 1e300  # huge arguments take another way
    graph = graph_of(_chain(8), x)
    called = compile_graph(graph).run([x])[1]
    monkeypatch.setattr(program_text, "shared_formulas", lambda _: frozenset())
    assert_same_bits(called, compile_graph(graph_of(_chain(8), x)).run([x])[1])
