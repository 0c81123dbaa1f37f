"""Scalings by constants that become one round as they did, where numbers end and where they lie closest."""

import numpy as np
import pytest
from graph_text import graph_of
from random_graphs import assert_same_bits, evaluate

from tapec.passes.simplify import Simplify

NUMBERS = 512


def at_the_ends(dtype, seed):
    """Numbers of every exponent, more of them among the least and the largest ones, of either sign."""
    rng = np.random.default_rng(seed)
    info = np.finfo(dtype)
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    least = rng.integers(0, 64, NUMBERS // 4).astype(unsigned).view(dtype)
    subnormal = rng.integers(0, 1 << (info.nmant + 4), NUMBERS // 4).astype(unsigned).view(dtype)
    largest = (info.max * rng.uniform(0, 1, NUMBERS // 4)).astype(dtype)
    any_ = rng.integers(0, info.max.view(unsigned), NUMBERS // 4).astype(unsigned).view(dtype)
    numbers = np.concatenate([least, subnormal, largest, any_])
    return numbers * np.where(rng.random(NUMBERS) < 0.5, dtype(-1), dtype(1))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("c", [3.0, 100.0, -7.0, 4096.0, -16777215.0, 1e15])
def test_scalings_by_integers_keep_every_bit(dtype, c):
    name = {np.float64: "f64", np.float32: "f32"}[dtype]
    one, many = f"tensor<{name}>", f"tensor<{NUMBERS}x{name}>"
    graph = graph_of(f"""
^bb0(%arg0: {many}):
  %0 = "tapec.constant"() {{value = {c!r} : f64, dtype = "{name}"}} : () -> {one}
  %1 = "tapec.constant"() {{value = -8.0 : f64, dtype = "{name}"}} : () -> {one}
  %2 = "tapec.mul"(%arg0, %0) : ({many}, {one}) -> {many}
  %3 = "tapec.add"(%2, %2) : ({many}, {many}) -> {many}
  %4 = "tapec.mul"(%2, %1) : ({many}, {one}) -> {many}
  %5 = "tapec.add"(%arg0, %arg0) : ({many}, {many}) -> {many}
  %6 = "tapec.mul"(%5, %0) : ({many}, {one}) -> {many}
  "tapec.return"(%3, %4, %6) : ({many}, {many}, {many}) -> ()
""")
    simplified = Simplify().run(graph)
    assert all(v.op.primitive.name == "mul" and v.op.operands[0] is simplified.inputs[0] for v in simplified.outputs)
    for seed in range(5):
        x = at_the_ends(dtype, seed)
        assert_same_bits(evaluate(simplified, [x]), evaluate(graph, [x]))


def test_with_a_fraction_the_bits_would_change():
    """Why the rules ask for integers."""
    x = np.float64(15 * 5e-324)
    assert x * 0.1 + x * 0.1 != x * 0.2
    assert (x + x) * 0.1 != x * 0.1 * 2
