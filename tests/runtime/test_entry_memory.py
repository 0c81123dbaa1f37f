"""Entries leak nothing, write only what is theirs, and share their code."""

import ctypes
import gc
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from entry_calls import DONE, F32, F64, KERNEL, MATRIX, SCALAR, VECTOR, Call, Maker, Pair, matrix

from tapec.runtime import cpython, entry_code, jit
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_code import entry_supported
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    ArrayOut,
    DataclassNode,
    DictNode,
    EntrySpec,
    FloatLeaf,
    IntLeaf,
    ListNode,
    ObjectOut,
    ScalarOut,
    StaticLeaf,
    TupleNode,
)


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Where an entry must not go, or need not say anything."""


def test_arguments_are_not_written(make: Maker) -> None:
    array = matrix()
    array.flags.writeable = False
    call = Call(make, EntrySpec((MATRIX,), ArrayOut(0, F64, (2, 3))), (48,))
    result = call.entry(array)
    assert not np.shares_memory(result, array)
    assert np.array_equal(array, matrix())


def test_results_belong_to_the_caller_alone(make: Maker) -> None:
    outputs = TupleNode((ArrayOut(0, F64, (3,)), ListNode((ArrayOut(1, F64, (3,)), ScalarOut(2, F64)))))
    entry = Call(make, EntrySpec((), outputs, guards=300)).entry
    result = entry()
    lone: list[Any] = [[object()]]
    assert sys.getrefcount(result) == sys.getrefcount(lone)
    for thing in (result[0], result[1]):
        assert sys.getrefcount(thing) == sys.getrefcount(lone[0]) + 1  # the loop's own name


def leak_entry(make: Maker, status: int, release_gil: bool) -> tuple[Callable[..., Any], tuple[Any, ...], list[Any]]:
    """An entry with every kind of node, compiled so that the kernel itself makes no objects, and arguments for it."""
    library = jit.compile_module(f"define i64 @k(ptr %a, ptr %o, ptr %g) {{\n  ret i64 {status}\n}}\n")
    marker = object()
    pair = DataclassNode(Pair, ("first", "second"), (MATRIX, DictNode(("x",), (SCALAR,))))
    arguments = (MATRIX, ListNode((pair, FloatLeaf())), TupleNode((IntLeaf(), StaticLeaf(marker))))
    leaf = TupleNode((ArrayOut(0, F64, (500,)), ObjectOut(marker)))
    outputs = ListNode((DataclassNode(Pair, ("first", "second"), (leaf, ScalarOut(1, F32))), DictNode(("y",), (leaf,))))
    spec = EntrySpec(arguments, outputs, guards=300, release_gil=release_gil)
    entry = make(spec, library.address("k"), nothing, nothing, library)
    array, point = matrix(), np.float64(12.5)
    pair_given = Pair(array, {"x": point})
    listed: list[Any] = [pair_given, 1234.5]
    args = (array, listed, (123456789, marker))
    return entry, args, [array, point, marker, pair_given, pair_given.second, listed, Pair, np.ndarray, F64.numpy]


@pytest.mark.parametrize("release_gil", [False, True])
@pytest.mark.parametrize("path", ["fine", "miss", "slow", "late mismatch", "keywords"])
def test_no_reference_leaks(make: Maker, path: str, release_gil: bool) -> None:
    entry, args, watched = leak_entry(make, int(path == "miss"), release_gil)
    kwargs = {"extra": watched[0]} if path == "keywords" else {}
    if path == "slow":
        args = (args[0][:1], *args[1:])
    if path == "late mismatch":
        args = (*args[:2], (*args[2], 0))
    answer = entry(*args, **kwargs)
    assert (answer is None) == (path != "fine")
    del answer
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(600):  # until CPython's own stores of free objects are full
            entry(*args, **kwargs)
        gc.collect()
        counts, bytes_before = [sys.getrefcount(x) for x in watched], tracemalloc.get_traced_memory()[0]
        for _ in range(3_000):  # so often that one small object a call outweighs what CPython keeps for itself
            entry(*args, **kwargs)
        gc.collect()
        assert [sys.getrefcount(x) for x in watched] == counts
        assert tracemalloc.get_traced_memory()[0] - bytes_before < 3_000 * object.__basicsize__
    finally:
        tracemalloc.stop()


def test_an_entry_can_go(make: Maker) -> None:
    class Owner:
        pass

    owner: Any = Owner()
    spec = EntrySpec((), DONE)
    library = jit.compile_module("define i64 @k(ptr %a, ptr %o, ptr %g) {\n  ret i64 0\n}\n")
    owner.entry = make(spec, library.address("k"), partial(nothing, owner), nothing, owner)
    gone = weakref.ref(owner)
    assert owner.entry() == "done"
    del owner
    gc.collect()
    assert gone() is None


def test_what_the_kernel_reads_outlives_its_container(make: Maker) -> None:
    """Another thread takes the array out of the list while the kernel runs: it has to stay in memory."""
    held: list[Any] = [np.arange(100_000.0)]
    gone: list[Any] = []

    def kernel(args: Any, outs: Any, guards: Any) -> int:
        worker = threading.Thread(target=held.clear)
        worker.start()
        worker.join()
        gone.extend(np.zeros(100_000) for _ in range(4))
        values = np.frombuffer(ctypes.string_at(args[0], 800_000))
        return int(not np.array_equal(values, np.arange(100_000.0)))

    callback = KERNEL(kernel)
    spec = EntrySpec((ListNode((ArrayLeaf(F64, (100_000,)),)),), DONE, release_gil=True)
    entry = make(spec, ctypes.cast(callback, ctypes.c_void_p).value, nothing, nothing)
    assert entry(held) == "done"
    assert held == []


def test_attributes_that_change_their_surroundings(make: Maker) -> None:
    """The code of a property runs while the list that it stands in is being read."""
    box: list[Any] = []

    @dataclass
    class Mean:
        value: Any

        def __getattribute__(self, name: str) -> Any:
            box.clear()
            return 5

    spec = EntrySpec((ListNode((DataclassNode(Mean, ("value",), (IntLeaf(),)), MATRIX)),), DONE)
    call = Call(make, spec, (8, 48))
    box.extend([Mean(5), matrix()])
    assert call.entry(box) == "done"
    assert call.seen[1] == matrix().tobytes()


@pytest.mark.parametrize("release_gil", [False, True])
def test_threads(make: Maker, release_gil: bool) -> None:
    text = """define i64 @k(ptr %args, ptr %outs, ptr %guards) {
  %x = load ptr, ptr %args
  %o = load ptr, ptr %outs
  %v = load <4 x float>, ptr %x, align 4
  %d = fadd <4 x float> %v, %v
  store <4 x float> %d, ptr %o, align 4
  ret i64 0
}"""
    library = jit.compile_module(text)
    spec = EntrySpec((DictNode(("v",), (VECTOR,)),), ArrayOut(0, F32, (4,)), release_gil=release_gil)
    entry = make(spec, library.address("k"), nothing, nothing, library)
    wrong: list[Any] = []

    def work(seed: int) -> None:
        for i in range(300):
            value = np.full(4, seed + i, np.float32)
            if not np.array_equal(entry({"v": value}), value + value):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(1000 * t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_entries_of_one_structure_share_their_code() -> None:
    make_entry(EntrySpec((MATRIX,), DONE), 1, print, print)
    known = len(entry_code._LIBRARIES)
    make_entry(EntrySpec((ArrayLeaf(F64, (2, 3)),), ObjectOut("other")), 2, print, print)
    assert len(entry_code._LIBRARIES) == known
    make_entry(EntrySpec((ArrayLeaf(F64, (3, 2)),), DONE), 1, print, print)
    assert len(entry_code._LIBRARIES) == known + 1


def test_native_entries_are_built_in_functions() -> None:
    entry = make_entry(EntrySpec((), DONE, name="loss"), 1, print, print)
    assert type(entry) is type(len)
    assert entry.__name__ == "loss"


def test_without_support_the_plain_twin_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpython, "unsupported", lambda: "another interpreter")
    assert not entry_supported()
    call = Call(make_entry, EntrySpec((IntLeaf(),), ScalarOut(0, F64)))
    assert type(call.entry) is not type(len)
    assert call.entry(1) == 0.0
