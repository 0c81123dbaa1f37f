"""Native entries and their plain Python twin: what they take, hand over and give back, and no leaks."""

import ctypes
import gc
import sys
import threading
import tracemalloc
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from tapec.ir import dtypes
from tapec.runtime import cpython, entry_code, entry_python, jit
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_code import entry_supported
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    ArrayOut,
    DataclassNode,
    DictNode,
    EntrySpec,
    FloatLeaf,
    Gate,
    IntLeaf,
    ListNode,
    Node,
    ObjectOut,
    ScalarOut,
    StaticLeaf,
    TupleNode,
    numpy_types,
)

Maker = Callable[..., Callable[..., Any]]
KERNEL = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int64)
)
F64, F32, I64 = dtypes.F64, dtypes.F32, dtypes.I64
# Equal to the key "ab" of a structure, but another object: strings made at run time are not interned.
EQUAL_STRING = "".join(reversed("ba"))
MATRIX, VECTOR, SCALAR = ArrayLeaf(F64, (2, 3)), ArrayLeaf(F32, (4,)), ArrayLeaf(F64, ())


@pytest.fixture(params=["native", "python"])
def make(request: pytest.FixtureRequest) -> Maker:
    if request.param == "native":
        assert entry_supported(), cpython.unsupported()
        return make_entry
    return entry_python.make_python_entry


class Call:
    """An entry around a kernel in Python, and what became of its calls."""

    def __init__(self, make: Maker, spec: EntrySpec, sizes: tuple[int, ...] = (), status: int = 0) -> None:
        self.seen: list[bytes] = []
        self.slow: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.missed: list[tuple[Any, ...]] = []

        def kernel(args: Any, outs: Any, guards: Any) -> int:
            self.seen = [ctypes.string_at(args[i], size) for i, size in enumerate(sizes)]
            for out in spec.outs:
                count = int(np.prod(out.shape)) if isinstance(out, ArrayOut) else 1
                values = (np.arange(count) + 10 * out.index).astype(out.dtype.numpy)
                ctypes.memmove(outs[out.index], values.ctypes.data, values.nbytes)
            for i in range(spec.guards):
                guards[i] = i * i - 5
            return status

        def slow(*args: Any, **kwargs: Any) -> str:
            self.slow.append((args, kwargs))
            return "slow"

        def miss(*args: Any) -> str:
            self.missed.append(args)
            return "miss"

        self.kernel = KERNEL(kernel)
        address = ctypes.cast(self.kernel, ctypes.c_void_p).value
        self.entry = make(spec, address, slow, miss)


@dataclass
class Pair:
    first: Any
    second: Any


class Named(NamedTuple):
    first: Any
    second: Any


class MyDict(dict[str, Any]):
    pass


class MyFloat(float):
    pass


class MyArray(np.ndarray[Any, Any]):
    pass


DONE = ObjectOut("done")


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Where an entry must not go, or need not say anything."""


def matrix() -> Any:
    return np.arange(6.0).reshape(2, 3)


# What is taken -----------------------------------------------------------------------------------------------------

TAKEN: list[tuple[Node, Any, list[bytes]]] = [
    (MATRIX, matrix(), [matrix().tobytes()]),
    (ArrayLeaf(F64, (0, 3)), np.zeros((0, 3)), [b""]),
    (SCALAR, np.array(2.5), [np.float64(2.5).tobytes()]),
    (SCALAR, np.float64(2.5), [np.float64(2.5).tobytes()]),
    (ArrayLeaf(dtypes.BOOL, ()), np.bool_(True), [b"\x01"]),
    (ArrayLeaf(dtypes.U16, ()), np.uint16(513), [b"\x01\x02"]),
    (FloatLeaf(), -1.25, [np.float64(-1.25).tobytes()]),
    (IntLeaf(), -7, [np.int64(-7).tobytes()]),
    (IntLeaf(), 2**63 - 1, [np.int64(2**63 - 1).tobytes()]),
    (IntLeaf(), -(2**63), [np.int64(-(2**63)).tobytes()]),
    (StaticLeaf(None), None, []),
    (StaticLeaf(True), True, []),
    (StaticLeaf("relu"), sys.intern("relu"), []),
    (TupleNode(()), (), []),
    (TupleNode((FloatLeaf(), TupleNode((IntLeaf(),)))), (1.0, (2,)), [np.float64(1).tobytes(), np.int64(2).tobytes()]),
    (ListNode((FloatLeaf(), ListNode(()))), [1.0, []], [np.float64(1).tobytes()]),
    (DictNode(("a", "b"), (IntLeaf(), StaticLeaf(None))), {"a": 1, "b": None}, [np.int64(1).tobytes()]),
    (DictNode(("ab", "c"), (IntLeaf(), FloatLeaf())), {EQUAL_STRING: 1, "c": 2.0},
     [np.int64(1).tobytes(), np.float64(2).tobytes()]),
    (DictNode(("a",), (DictNode(("x", "y"), (MATRIX, IntLeaf())),)), {"a": {"x": matrix(), "y": 3}},
     [matrix().tobytes(), np.int64(3).tobytes()]),
    (DataclassNode(Pair, ("second", "first"), (IntLeaf(), ListNode((MATRIX,)))), Pair([matrix()], 4),
     [np.int64(4).tobytes(), matrix().tobytes()]),
]  # fmt: skip


@pytest.mark.parametrize(("node", "value", "expected"), TAKEN, ids=[f"{t[0]}"[:60] for t in TAKEN])
def test_takes(make: Maker, node: Node, value: Any, expected: list[bytes]) -> None:
    call = Call(make, EntrySpec((node,), DONE), tuple(map(len, expected)))
    assert call.entry(value) == "done"
    assert call.seen == expected
    assert not call.slow


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
def test_takes_every_dtype_under_each_of_numpys_names(make: Maker, dtype: dtypes.DType) -> None:
    call = Call(make, EntrySpec((ArrayLeaf(dtype, (3,)), ArrayLeaf(dtype, ())), DONE), (3 * dtype.itemsize,) * 1)
    for name in numpy_types(dtype):
        array = np.arange(3).astype(name)
        assert call.entry(array, array[1]) == "done"
        assert call.seen == [array.tobytes()]
        tagged = np.dtype(name, metadata={"unit": "m"})
        assert call.entry(array.astype(tagged), np.array(1, name)) == "done"


# What is not taken -------------------------------------------------------------------------------------------------

REFUSED: list[tuple[Node, Any]] = [
    (MATRIX, matrix().astype(np.float32)),
    (MATRIX, matrix().astype(np.int64)),
    (MATRIX, matrix().astype(">f8")),
    (MATRIX, matrix().reshape(3, 2)),
    (MATRIX, matrix().reshape(2, 3, 1)),
    (MATRIX, matrix().reshape(6)),
    (MATRIX, np.asfortranarray(matrix())),
    (MATRIX, np.zeros((2, 6))[:, ::2]),
    (MATRIX, np.zeros(49, np.uint8)[1:].view(np.float64).reshape(2, 3)),
    (MATRIX, matrix().view(MyArray)),
    (MATRIX, np.ma.masked_array(matrix())),
    (MATRIX, matrix().tolist()),
    (MATRIX, None),
    (SCALAR, 2.5),
    (SCALAR, np.float32(2.5)),
    (SCALAR, np.zeros(1)),
    (ArrayLeaf(F64, (1,)), np.float64(1.0)),
    (ArrayLeaf(dtypes.BOOL, ()), True),
    (FloatLeaf(), 1),
    (FloatLeaf(), np.float64(1.0)),
    (FloatLeaf(), MyFloat(1.0)),
    (IntLeaf(), True),
    (IntLeaf(), 1.0),
    (IntLeaf(), 2**63),
    (IntLeaf(), -(2**63) - 1),
    (IntLeaf(), np.int64(1)),
    (StaticLeaf(None), False),
    (StaticLeaf(True), 1),
    (TupleNode((IntLeaf(),)), [1]),
    (TupleNode((IntLeaf(),)), (1, 2)),
    (TupleNode((IntLeaf(), IntLeaf())), Named(1, 2)),
    (ListNode((IntLeaf(),)), (1,)),
    (ListNode((IntLeaf(),)), []),
    (ListNode((IntLeaf(),)), [1, 2]),
    (ListNode((IntLeaf(), MATRIX)), [1, 2]),
    (DictNode(("a",), (IntLeaf(),)), {"b": 1}),
    (DictNode(("a",), (IntLeaf(),)), {"a": 1, "b": 2}),
    (DictNode(("a", "b"), (IntLeaf(), IntLeaf())), {"a": 1}),
    (DictNode(("a",), (IntLeaf(),)), {"a": 1.0}),
    (DictNode(("a", "b"), (IntLeaf(), IntLeaf())), {"b": 2, "a": 1}),
    (DictNode(("a", "b"), (IntLeaf(), IntLeaf())), {"a": 1, 2: 2}),
    (DictNode(("a",), (IntLeaf(),)), MyDict(a=1)),
    (DictNode(("a",), (IntLeaf(),)), OrderedDict(a=1)),
    (DataclassNode(Pair, ("first", "second"), (IntLeaf(), IntLeaf())), (1, 2)),
    (DataclassNode(Pair, ("first", "second"), (IntLeaf(), IntLeaf())), SimpleNamespace(first=1, second=2)),
    (DataclassNode(Pair, ("first", "second"), (IntLeaf(), IntLeaf())), Pair(1, "2")),
    (DataclassNode(Pair, ("first", "absent"), (IntLeaf(), IntLeaf())), Pair(1, 2)),
]


@pytest.mark.parametrize(("node", "value"), REFUSED, ids=[f"{i}-{type(t[1]).__name__}" for i, t in enumerate(REFUSED)])
def test_other_arguments_go_the_slow_way(make: Maker, node: Node, value: Any) -> None:
    call = Call(make, EntrySpec((IntLeaf(), node), DONE))
    counted = value is not None and type(value) is not int and type(value) is not bool  # those are shared with others
    before = sys.getrefcount(value)
    assert call.entry(5, value) == "slow"
    (args, kwargs) = call.slow.pop()
    assert args[0] == 5
    assert args[1] is value
    assert kwargs == {}
    del args
    assert sys.getrefcount(value) == before or not counted


def test_another_number_of_arguments_and_keywords_go_the_slow_way(make: Maker) -> None:
    call = Call(make, EntrySpec((IntLeaf(), IntLeaf()), DONE))
    for args, kwargs in [
        ((), {}),
        ((1,), {}),
        ((1, 2, 3), {}),
        ((1,), {"y": 2}),
        ((), {"x": 1, "y": 2}),
        ((1, 2), {"z": 0}),
    ]:
        assert call.entry(*args, **kwargs) == "slow"
        assert call.slow.pop() == (args, kwargs)
    assert call.entry(1, 2) == "done"


def test_no_arguments(make: Maker) -> None:
    call = Call(make, EntrySpec((), ScalarOut(0, F64)))
    assert call.entry() == 0.0
    assert call.entry(1) == "slow"


def test_errors_of_slow_miss_and_attributes_reach_the_caller(make: Maker) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise ZeroDivisionError(str(len(args)))

    @dataclass
    class Moody:
        first: Any

        def __getattribute__(self, name: str) -> Any:
            raise KeyError(name) if name == "first" else AttributeError(name)

    library = jit.compile_module("define i64 @k(ptr %a, ptr %o, ptr %g) {\n  ret i64 3\n}\n")
    entry = make(EntrySpec((IntLeaf(),), DONE), library.address("k"), fail, fail, library)
    with pytest.raises(ZeroDivisionError, match="3"):
        entry(1)
    with pytest.raises(ZeroDivisionError, match="2"):
        entry(1, 2)
    node = DataclassNode(Moody, ("first",), (IntLeaf(),))
    entry = make(EntrySpec((IntLeaf(), node), DONE), library.address("k"), fail, fail, library)
    with pytest.raises(KeyError, match="first"):
        entry(1, Moody(1))


# Results -----------------------------------------------------------------------------------------------------------


def test_arrays_and_scalars(make: Maker) -> None:
    outputs = TupleNode((ScalarOut(0, F64), ArrayOut(1, F32, (2, 3)), ArrayOut(2, F64, ()), ArrayOut(3, I64, (0, 2))))
    call = Call(make, EntrySpec((), outputs))
    scalar, array, point, empty = call.entry()
    assert type(scalar) is np.float64
    assert scalar == 0.0
    assert array.dtype == np.float32
    assert np.array_equal(array, 10 + np.arange(6).reshape(2, 3))
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.flags.owndata
    assert point.shape == ()
    assert point == 20.0
    assert (empty.shape, empty.dtype) == ((0, 2), np.int64)
    assert call.entry()[1] is not array


@pytest.mark.parametrize("dtype", dtypes.ALL, ids=str)
def test_scalars_of_every_dtype(make: Maker, dtype: dtypes.DType) -> None:
    value = Call(make, EntrySpec((), TupleNode((ScalarOut(0, F64), ScalarOut(1, dtype))))).entry()[1]
    assert type(value) is dtype.numpy.type
    assert value == dtype.numpy.type(10)


def test_containers(make: Maker) -> None:
    marker = object()
    inner = DictNode(("w", "b"), (ArrayOut(0, F64, (2,)), ListNode((ScalarOut(1, F64), TupleNode(())))))
    pair = DataclassNode(Pair, ("first", "second"), (TupleNode((inner,)), ObjectOut(marker)))
    outputs = ListNode((pair, DictNode((), ()), ArrayOut(0, F64, (2,)), DictNode(("z",), (pair,))))
    result = Call(make, EntrySpec((), outputs)).entry()
    assert type(result) is list
    first, empty, shared, last = result
    assert type(first) is Pair
    assert list(first.first[0]) == ["w", "b"]
    assert first.first[0]["b"] == [10.0, ()]
    assert first.second is marker
    assert empty == {}
    assert shared is first.first[0]["w"] is last["z"].first[0]["w"]
    assert np.array_equal(shared, [0.0, 1.0])


def test_failure_of_a_results_class_reaches_the_caller(make: Maker) -> None:
    class Picky:
        def __init__(self, **kwargs: Any) -> None:
            raise ZeroDivisionError(str(sorted(kwargs)))

    outputs = ListNode((ArrayOut(0, F64, (3,)), DataclassNode(Picky, ("a", "b"), (ArrayOut(1, F64, (2,)), DONE))))
    call = Call(make, EntrySpec((), outputs))
    with pytest.raises(ZeroDivisionError, match=r"\['a', 'b'\]"):
        call.entry()


def test_specs_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="gap"):
        EntrySpec((), ScalarOut(1, F64))
    with pytest.raises(ValueError, match="output 0 is used as"):
        EntrySpec((), TupleNode((ScalarOut(0, F64), ScalarOut(0, F32))))
    with pytest.raises(TypeError, match="cannot stand in a result"):
        EntrySpec((), TupleNode((IntLeaf(),)))
    with pytest.raises(TypeError, match="cannot stand in an argument"):
        EntrySpec((TupleNode((ScalarOut(0, F64),)),), DONE)


# Captured arrays, guards, misses -----------------------------------------------------------------------------------


def test_captured_arrays_come_behind_the_arguments(make: Maker) -> None:
    kept = np.arange(3.0)
    call = Call(make, EntrySpec((IntLeaf(),), DONE, captured=(kept, kept * 2)), (8, 24, 24))
    del kept
    gc.collect()
    call.entry(9)
    assert call.seen == [np.int64(9).tobytes(), np.arange(3.0).tobytes(), (np.arange(3.0) * 2).tobytes()]


@pytest.mark.parametrize("guards", [0, 1, 7, 256, 257, 5000])
@pytest.mark.parametrize("release_gil", [False, True])
def test_miss_gets_status_guards_and_arguments(make: Maker, guards: int, release_gil: bool) -> None:
    outputs = TupleNode((ScalarOut(0, F64), ArrayOut(1, F64, (3,))))
    spec = EntrySpec((IntLeaf(), ListNode((MATRIX,))), outputs, guards=guards, release_gil=release_gil)
    call = Call(make, spec, status=4)
    value = [matrix()]
    assert call.entry(3, value) == "miss"
    status, seen, *args = call.missed.pop()
    assert status == 4
    assert np.array_equal(np.frombuffer(seen, np.int64), np.arange(guards) ** 2 - 5)
    assert args[0] == 3
    assert args[1] is value
    fine = Call(make, spec)
    assert fine.entry(3, value)[1][2] == 12.0


def test_a_closed_gate_sends_calls_the_slow_way(make: Maker) -> None:
    # As an address: the reference is borrowed, and `py_object` would release it.
    address = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))()
    own = ctypes.cast(address, ctypes.py_object).value
    closing: list[int] = []
    gate = Gate("tapec test gate", lambda: bool(closing))
    call = Call(make, EntrySpec((IntLeaf(),), DONE, gate=gate))
    assert call.entry(1) == "done"
    own[gate.key] = closing
    try:
        assert call.entry(1) == "done"
        closing.append(1)
        assert call.entry(1) == "slow"
        other: list[Any] = []
        if make is make_entry:  # the dict is the thread's own
            worker = threading.Thread(target=lambda: other.append(call.entry(1)))
            worker.start()
            worker.join()
            assert other == ["done"]
    finally:
        del own[gate.key]


# Memory ------------------------------------------------------------------------------------------------------------


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
