"""CPython and NumPy as machine code sees them: where fields lie, and functions that are made from addresses.

Offsets are those of the headers of CPython 3.10 to 3.14 and NumPy 2; `unsupported` reads real objects through each of
them before anything relies on it.
"""

from __future__ import annotations

import ctypes
import importlib
import struct
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

TYPE: Final = 8  # PyObject.ob_type
SIZE: Final = 16  # PyVarObject.ob_size
LIST_ITEMS: Final = 24  # PyListObject.ob_item
NUMBER: Final = 16  # PyFloatObject.ob_fval, and obval of NumPy's scalars
TUPLE_ITEMS: Final = tuple.__basicsize__  # PyTupleObject.ob_item, which has moved between versions
BYTES: Final = bytes.__basicsize__ - 1  # PyBytesObject.ob_sval

ARRAY_DATA: Final = 16
ARRAY_RANK: Final = 24
ARRAY_SHAPE: Final = 32
ARRAY_DESCR: Final = 56
ARRAY_FLAGS: Final = 64
DESCR_BYTE_ORDER: Final = 26
DESCR_NUMBER: Final = 28
C_CONTIGUOUS_AND_ALIGNED: Final = 0x0101

_FASTCALL_WITH_KEYWORDS: Final = 0x0082
_NEW_BUILTIN: Final = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class NumPyFunctions(NamedTuple):
    """Addresses from NumPy's C interface, by the names of its header."""

    new_from_descr: int
    scalar: int
    set_handler: int


def builtin(address: int, name: str, table: tuple[Any, ...]) -> Callable[..., Any]:
    """A built-in function whose body is at `address`: `PyObject *(table, PyObject **args, Py_ssize_t n, kwnames)`.

    `table` is what the body gets as its first argument; it and all in it live as long as the function.
    """
    method = _MethodDef(name.encode(), address, _FASTCALL_WITH_KEYWORDS, None)
    make = _NEW_BUILTIN(("PyCFunction_NewEx", ctypes.pythonapi))
    made: Callable[..., Any] = make(ctypes.addressof(method), (*table, method), None)
    return made


@cache
def numpy_functions() -> NumPyFunctions:
    """NumPy's C functions that entries call."""
    table = _numpy_table()
    return NumPyFunctions(new_from_descr=table[94], scalar=table[60], set_handler=table[304])


def _numpy_table() -> Any:
    module = importlib.import_module("numpy._core._multiarray_umath")  # private, and what NumPy's own header imports
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )(module._ARRAY_API, None)
    return (ctypes.c_size_t * 305).from_address(int(pointer))


@cache
def unsupported() -> str:
    """Why this interpreter cannot have native entries; the empty string if it can."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} is not CPython"
    if not (3, 10) <= sys.version_info[:2] <= (3, 14):
        return f"Python {sys.version_info.major}.{sys.version_info.minor} is not one of 3.10 to 3.14"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "this Python has no global interpreter lock"
    if struct.calcsize("P") != 8 or sys.byteorder != "little" or object.__basicsize__ != 16:
        return "objects do not begin with two words of 64 bits"
    wrong = [name for name, holds in _checks().items() if not holds]
    return f"the layout of {', '.join(wrong)} differs" if wrong else ""


def _word(thing: object, offset: int, kind: Any = ctypes.c_size_t) -> Any:
    return kind.from_address(id(thing) + offset).value


def _checks() -> dict[str, bool]:
    """Reads objects whose values are known through every offset above."""
    marks = [object(), object()]
    pair = (marks[0], marks[1])
    array = np.zeros((3, 5), np.float32)[:, :4]
    dense, swapped = np.zeros((2, 3), np.int16), np.dtype(np.int32).newbyteorder(">")
    shape = _word(array, ARRAY_SHAPE)
    numbers: list[np.generic] = [
        np.float64(1.5),
        np.float32(1.5),
        np.float16(1.5),
        np.int64(-7),
        np.uint8(200),
        np.bool_(True),
    ]
    return {
        "objects": _word(1.5, TYPE) == id(float),
        "floats": _word(1.5, NUMBER, ctypes.c_double) == 1.5,
        "tuples": [_word(pair, o) for o in (SIZE, TUPLE_ITEMS, TUPLE_ITEMS + 8)] == [2, *map(id, marks)],
        "lists": _word(marks, SIZE) == 2
        and (ctypes.c_size_t * 2).from_address(_word(marks, LIST_ITEMS))[:] == [*map(id, marks)],
        "bytes": _word(b"12345678", BYTES) == int.from_bytes(b"12345678", "little"),
        "arrays": _word(array, ARRAY_DATA) == array.ctypes.data
        and _word(array, ARRAY_RANK, ctypes.c_int) == 2
        and (ctypes.c_int64 * 2).from_address(shape)[:] == [3, 4]
        and _word(array, ARRAY_DESCR) == id(array.dtype),
        "array flags": _word(dense, ARRAY_FLAGS, ctypes.c_int) & 0x0503 == 0x0501
        and _word(array, ARRAY_FLAGS, ctypes.c_int) & 0x0503 == 0x0500
        and _word(dense.T, ARRAY_FLAGS, ctypes.c_int) & 0x0503 == 0x0502,
        "dtypes": all(_word(d, DESCR_NUMBER, ctypes.c_int) == d.num for d in (array.dtype, dense.dtype, swapped))
        and bytes([_word(d, DESCR_BYTE_ORDER, ctypes.c_uint8) for d in (array.dtype, swapped)]) == b"=>",
        "NumPy scalars": all(
            bytes((ctypes.c_uint8 * x.itemsize).from_address(id(x) + NUMBER)) == x.tobytes() for x in numbers
        ),
        "NumPy's C interface": _numpy_table()[2] == id(np.ndarray),
    }
