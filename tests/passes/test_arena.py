"""Buffers that live at the same time never share a byte, and the arena is no larger than it must be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tapec.ir import dtypes
from tapec.passes.arena import ALIGNMENT, _Placed, lifetimes, plan
from tapec.passes.loops import Access, Buffer, Load, Nest, Store


def _step(*buffers: Buffer) -> Nest:
    body = tuple(Load(i, Access(b, 0, ())) for i, b in enumerate(buffers))
    return Nest((), (), body, False, "test")


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_no_overlap(spans: list[tuple[int, int, int]]) -> None:
    """Random sizes and lifetimes."""
    buffers = [Buffer(f"tmp{i}", dtypes.F64, size, "temporary") for i, (size, _, _) in enumerate(spans)]
    uses: list[list[Buffer]] = [[] for _ in range(10)]
    for buffer, (_, first, last) in zip(buffers, spans, strict=True):
        uses[first].append(buffer)
        uses[last].append(buffer)
    steps = [_step(*use) for use in uses]
    offsets, total = plan(steps)
    alive = lifetimes(steps)
    assert set(offsets) == set(buffers)
    for a in buffers:
        assert offsets[a] % ALIGNMENT == 0
        assert offsets[a] + a.size * 8 <= total
        for b in buffers:
            together = alive[a][0] <= alive[b][1] and alive[b][0] <= alive[a][1]
            if a is not b and together and a.size and b.size:
                assert offsets[a] + a.size * 8 <= offsets[b] or offsets[b] + b.size * 8 <= offsets[a]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9), st.integers(0, 9)), max_size=20))
def test_each_lies_as_low_as_it_can(spans: list[tuple[int, int, int]]) -> None:
    """Largest first, each at the lowest place that is free while it lives: found here by trying every place in turn."""
    placed = _Placed(len(spans))
    taken: list[tuple[int, int, int, int]] = []
    for length, a, b in spans:
        first, last = min(a, b), max(a, b)
        alive = [t for t in taken if t[2] <= last and first <= t[3]]
        expected = next(
            at for at in sorted({0, *(t[1] for t in alive)}) if all(at + length <= t[0] or t[1] <= at for t in alive)
        )
        assert placed.place(length, first, last) == expected
        taken.append((expected, expected + length, first, last))
    assert placed.total == max((t[1] for t in taken), default=0)


def test_dead_memory_is_used_again() -> None:
    """A chain of four temporaries needs room for two."""
    chain = [Buffer(f"tmp{i}", dtypes.F64, 100, "temporary") for i in range(4)]
    steps = [_step(chain[0]), *(_step(a, b) for a, b in pairwise(chain))]
    assert plan(steps)[1] == 2 * 832


def test_inputs_and_outputs_take_no_arena() -> None:
    """Only temporaries are planned."""
    out = Buffer("out0", dtypes.F64, 10, "output")
    nest = Nest(
        (10,),
        (False,),
        (Load(0, Access(Buffer("in0", dtypes.F64, 10, "input"), 0, (1,))), Store(0, Access(out, 0, (1,)))),
        False,
        "t",
    )
    assert plan([nest]) == ({}, 0)
