"""Memory of large results is used again, by nobody who should not have it, and goes back where it came from."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import tapec as tp
from tapec.runtime import jit, result_memory, result_memory_text
from tapec.runtime.result_memory_text import ALLOCATE, CALLOC, FREE, REALLOC

SIZE = result_memory.LEAST // 8

handler_of: Any = np._core.multiarray.get_handler_name  # type: ignore[attr-defined]


@pytest.fixture(name="double")
def _double() -> Any:
    double = tp.function(lambda x: x * 2.0)
    double(np.ones(SIZE))  # recorded
    double(np.ones(SIZE))  # compiled
    return double


def test_a_large_result_takes_the_place_of_one_that_is_gone(double: Any) -> None:
    x = np.arange(SIZE, dtype=np.float64)
    first = double(x)
    place = first.ctypes.data
    assert handler_of(first) == "tapec"
    assert place % 64 == 0
    assert 1024 < place % 4096 < 3072  # far from where malloc's large arrays begin in their pages
    second = double(x)
    assert second.ctypes.data != place
    del first
    assert double(x).ctypes.data == place
    assert np.array_equal(second, 2 * x)


def test_a_view_keeps_its_memory(double: Any) -> None:
    view = double(np.ones(SIZE))[5:9]
    others = [double(np.zeros(SIZE)) for _ in range(3)]
    assert (view == 2).all()
    assert not any(np.shares_memory(view, other) for other in others)


def test_only_large_results_and_only_those(double: Any) -> None:
    """The program's own arrays, and small results, stay with the allocator that the program has chosen."""
    double(np.ones(SIZE))
    assert handler_of(np.empty(SIZE)) == "default_allocator"
    small = tp.function(lambda x: x * 2.0)
    assert [handler_of(small(np.ones(100))) for _ in range(3)] == ["default_allocator"] * 3


def test_results_can_be_resized(double: Any) -> None:
    y = double(np.arange(SIZE, dtype=np.float64))
    for size in (SIZE // 2, 3 * SIZE, 10):
        y.resize(size, refcheck=False)
        assert np.array_equal(y[:10], 2.0 * np.arange(10))


def test_threads_do_not_share_results(double: Any) -> None:
    wrong: list[int] = []

    def work(number: int) -> None:
        x = np.full(SIZE, number, np.float64)
        wrong.extend(number for _ in range(20) if not (double(x) == 2 * number).all())

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_may_outlive_everything() -> None:
    program = """
import sys, numpy as np, tapec as tp
f = tp.function(lambda x: x * 2.0)
sys.kept = [f(np.ones(1 << 20)) for _ in range(3)]
class Last:
    def __init__(self, array): self.array = array
    def __del__(self): assert self.array.sum() == 2 << 20
sys.last = Last(sys.kept[-1])
"""
    subprocess.run([sys.executable, "-c", program], check=True)


class Allocator:
    """The four functions with limits of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
        monkeypatch.setattr(result_memory_text, "LIMIT", limit)
        self.told: list[int] = []
        advice = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        self._madvise = advice(self._hear)
        symbols = {"madvise": ctypes.cast(self._madvise, ctypes.c_void_p).value or 0}
        self.library = jit.compile_module(result_memory_text.result_memory_text(None, 8), symbols=symbols)
        word, pointer = ctypes.c_size_t, ctypes.c_void_p
        self.malloc = self._function(ALLOCATE, pointer, word)
        self.calloc = self._function(CALLOC, pointer, word, word)
        self.realloc = self._function(REALLOC, pointer, pointer, word)
        self.free = self._function(FREE, None, pointer, word)

    def _hear(self, _place: int, size: int, _advice: int) -> int:
        self.told.append(size)
        return 0

    def _function(self, name: str, result: Any, *arguments: Any) -> Any:
        made = ctypes.CFUNCTYPE(result, ctypes.c_void_p, *arguments)(self.library.address(name))
        return lambda *given: made(None, *given)


@pytest.fixture(name="allocator")
def _allocator(monkeypatch: pytest.MonkeyPatch) -> Allocator:
    return Allocator(monkeypatch, 1 << 20)


def test_blocks_are_taken_for_about_their_size_only(allocator: Allocator) -> None:
    block = allocator.malloc(100_000)
    allocator.free(block, 100_000)
    too_small, too_large = allocator.malloc(60_000), allocator.malloc(103_000)
    assert block not in (too_small, too_large)
    assert allocator.malloc(90_000) == block


def test_no_more_than_the_limit_is_kept(allocator: Allocator) -> None:
    blocks = [allocator.malloc(200_000) for _ in range(8)]
    for block in blocks:
        allocator.free(block, 200_000)
    # Five of them are below the limit; what malloc gives anew is filled, so that it is not what a slot gave.
    kept = [allocator.malloc(200_000) for _ in range(8)]
    assert len(set(kept)) == 8
    assert len(set(kept[:5]) & set(blocks[3:])) == 5
    huge = allocator.malloc(2 << 20)
    allocator.free(huge, 2 << 20)  # larger than all that may be kept


def test_the_kernel_hears_of_much_that_waits_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_memory_text, "QUIET", 300_000)
    allocator = Allocator(monkeypatch, 1 << 20)
    for _ in range(3):
        allocator.free(allocator.malloc(200_000), 200_000)
    assert not allocator.told
    blocks = [allocator.malloc(200_000) for _ in range(2)]
    for block in blocks:
        allocator.free(block, 200_000)
    assert allocator.told == [200_704]


def test_calloc_and_realloc(allocator: Allocator) -> None:
    block = allocator.malloc(8000)
    ctypes.memset(block, 7, 8000)
    allocator.free(block, 8000)
    zeros = allocator.calloc(1000, 8)
    assert zeros == block
    assert bytes((ctypes.c_uint8 * 8000).from_address(zeros)) == bytes(8000)
    ctypes.memset(zeros, 3, 8000)
    longer = allocator.realloc(zeros, 50_000)
    assert bytes((ctypes.c_uint8 * 8000).from_address(longer)) == b"\3" * 8000
    assert allocator.realloc(None, 10) is not None
    assert allocator.calloc(1 << 40, 1 << 40) is None
    allocator.free(None, 0)
