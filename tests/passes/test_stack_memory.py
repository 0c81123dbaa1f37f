"""Stack memory stands where LLVM makes registers of it, and names are told apart."""

from __future__ import annotations

import tapec as tp
from tapec.passes.llvm_text import FunctionText


def test_carries_are_registers_beside_a_large_arena():
    """The arena is taken from the heap before anything else; the carries are no memory all the same."""

    def f(x):
        def step(c, _):
            return ((c[1] * 0.5, c[0] * c[1]), None)

        a, b = tp.scan(step, (x, x * 0.9), None, 4_000)[0]
        return a + b

    gradient = tp.value_and_grad(f)
    gradient(0.7)
    text = gradient.inspect(0.7).stages["optimised LLVM IR"]
    assert "aligned_alloc" in text
    assert "alloca [1 x double]" not in text
    assert text.count("phi double") >= 4


def test_names_are_different():
    f = FunctionText("f", "")
    names = [f.fresh(stem) for _ in range(300) for stem in ("", "v", "v1", "tmp4", "tmp47", "tmp")]
    assert len(set(names)) == len(names)
