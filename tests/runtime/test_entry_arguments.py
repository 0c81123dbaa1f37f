"""What entries take, and what goes the slow way."""

import sys
from collections import OrderedDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from entry_calls import DONE, F64, MATRIX, SCALAR, Call, Maker, Pair, matrix

from tapec.ir import dtypes
from tapec.runtime import jit
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    DataclassNode,
    DictNode,
    EntrySpec,
    FloatLeaf,
    IntLeaf,
    ListNode,
    Node,
    ScalarOut,
    StaticLeaf,
    TupleNode,
    numpy_types,
)

# Equal to the key "ab" of a structure, but another object: strings made at run time are not interned.
EQUAL_STRING = "".join(reversed("ba"))


class Named(NamedTuple):
    first: Any
    second: Any


class MyDict(dict[str, Any]):
    pass


class MyFloat(float):
    pass


class MyArray(np.ndarray[Any, Any]):
    pass


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
