"""Long nests of elementary functions take several registers at once, one instruction of each after the other."""

from __future__ import annotations

import platform
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from graph_making import graph_of
from random_graphs import assert_same_bits

import tapec as tp
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reduce_sum
from tapec.passes import llvm_text
from tapec.passes.loops import Nest
from tapec.passes.nest_lanes import in_step, lane_count
from tapec.runtime.driver import compile_graph
from tapec.runtime.interpreter import interpret
from tapec.runtime.pipeline import forms_of


def _values(x: Sym) -> tuple[Sym, Sym, Sym]:
    y = apply(ew.sin, x) * apply(ew.exp, x)
    return y, reduce_sum(y, (0,)), reduce_sum(y * x, (0,))


def _lanes(function: Any, x: np.ndarray[Any, Any]) -> int:
    (nest,) = [s for s in forms_of(graph_of(function, x), 256).program.steps if isinstance(s, Nest)]
    assert in_step(nest, 256) == (lane_count(nest, 256) * nest.register_dtypes[0].bits == 4 * 256)
    return lane_count(nest, 256)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_long_nests_take_four_registers_and_short_ones_two(dtype: Any) -> None:
    native = 32 // np.dtype(dtype).itemsize
    assert _lanes(_values, np.ones(10_000, dtype)) == 4 * native
    assert _lanes(_values, np.ones(1_000, dtype)) == 2 * native
    assert _lanes(lambda x: reduce_sum(apply(ew.sin, x), (1,)), np.ones((2_000, 9), dtype)) == 2 * native


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arithmetic_takes_two_registers_however_long(dtype: Any) -> None:
    """Its instructions wait for few others, so that a third register would only be spilled."""

    def polynomial(x: Sym) -> Sym:
        y = x
        for i in range(10):
            y = y * x + float(i)
        return y

    assert _lanes(polynomial, np.ones(10_000, dtype)) == 2 * 32 // np.dtype(dtype).itemsize


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", [4096, 4096 + 2048 + 40, 9_999, 300_001])
def test_rows_have_the_bits_of_the_fixed_order(dtype: Any, n: int) -> None:
    """Also where a register holds more lanes than the order of sums has, and where a row ends within one."""
    x = np.random.default_rng(n).normal(size=n).astype(dtype)
    graph = graph_of(_values, x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


def test_columns_have_the_bits_of_the_fixed_order() -> None:
    x = np.random.default_rng(1).normal(size=(150, 200)).astype(np.float32)
    graph = graph_of(lambda s: reduce_sum(apply(ew.exp, s) * s, (0,)), x)
    assert_same_bits(compile_graph(graph).run([x])[1], interpret(graph, [x])[0])


def _chained(x: np.ndarray[Any, Any]) -> float:
    """The share of fused multiply-adds whose result the next one waits for."""
    text = tp.function(np.exp).inspect(x).assembly
    results = re.findall(r"\tvfn?madd\w+pd\t.*(%ymm\d+)\n", text)
    return sum(a == b for a, b in pairwise(results)) / len(results)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86 assembly")
def test_no_instruction_waits_for_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM's scheduler alone puts the formulas of the registers one behind the other."""
    assert _chained(np.ones(10_000)) < 0.2
    monkeypatch.setattr(llvm_text, "_MARK", "")
    assert _chained(np.ones(10_001)) > 0.25


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86 assembly")
def test_erf_and_its_derivative_share_an_exponential() -> None:
    def multiplications(function: Any) -> int:
        return len(re.findall(r"\tvf\w+pd\t", function.inspect(np.ones(8192)).assembly))

    value = tp.function(lambda x: tp.nn.erf(x))
    both = tp.value_and_grad(lambda x: np.sum(tp.nn.erf(x)))
    assert multiplications(both) - multiplications(value) < multiplications(tp.function(np.exp)) // 2
