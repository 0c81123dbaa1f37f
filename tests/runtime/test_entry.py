"""Native entries and their plain Python twin: what they give back, captured arrays, guards and misses."""

import ctypes
import gc
import threading
from typing import Any

import numpy as np
import pytest
from entry_calls import DONE, F32, F64, I64, MATRIX, Call, Maker, Pair, matrix

from tapec.ir import dtypes
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_spec import (
    ArrayOut,
    DataclassNode,
    DictNode,
    EntrySpec,
    Gate,
    IntLeaf,
    ListNode,
    ObjectOut,
    ScalarOut,
    TupleNode,
)

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
