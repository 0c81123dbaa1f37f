"""Element types: the fixed set of NumPy dtypes that graphs and machine code know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tapec.errors import DTypeError

Kind = Literal["b", "i", "u", "f"]


@dataclass(frozen=True, slots=True, eq=False)
class DType:
    """One element type. There is exactly one object per type, so `is` compares.

    Args:
        name: MLIR's spelling, for example `f64`, `ui8` or `i1`.
        kind: `b` boolean, `i` signed, `u` unsigned, `f` floating.
        bits: width in an array, in bits; a boolean takes 8, as in NumPy.
        numpy: the native-endian NumPy dtype.
    """

    name: str
    kind: Kind
    bits: int
    numpy: np.dtype[Any]

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.bits // 8

    @property
    def is_float(self) -> bool:
        """Whether derivatives exist with respect to it."""
        return self.kind == "f"

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return by_name, (self.name,)


BOOL = DType("i1", "b", 8, np.dtype(np.bool_))
I8 = DType("i8", "i", 8, np.dtype(np.int8))
I16 = DType("i16", "i", 16, np.dtype(np.int16))
I32 = DType("i32", "i", 32, np.dtype(np.int32))
I64 = DType("i64", "i", 64, np.dtype(np.int64))
U8 = DType("ui8", "u", 8, np.dtype(np.uint8))
U16 = DType("ui16", "u", 16, np.dtype(np.uint16))
U32 = DType("ui32", "u", 32, np.dtype(np.uint32))
U64 = DType("ui64", "u", 64, np.dtype(np.uint64))
F32 = DType("f32", "f", 32, np.dtype(np.float32))
F64 = DType("f64", "f", 64, np.dtype(np.float64))

ALL: tuple[DType, ...] = (BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F32, F64)
_BY_NAME = {d.name: d for d in ALL}
# NumPy numbers C types: `long` and `long long` are both 64 bits wide here, so the table is filled by kind and width.
_BY_NUM: dict[int, DType] = {
    np.dtype(char).num: d for char in "?bhilqBHILQfd" for d in ALL if d.numpy == np.dtype(char)
}


def by_name(name: str) -> DType:
    """The dtype that MLIR spells `name`; `DTypeError` if there is none."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise DTypeError(f"unknown element type {name!r}; known are {', '.join(_BY_NAME)}") from None


def of(dtype: np.dtype[Any]) -> DType:
    """The `DType` of a NumPy dtype; `DTypeError` for one that tapec does not hold (complex, object, strings, ...).

    Byte order is not looked at here: arrays are made native where they enter (`tapec.tensor`).
    """
    found = _BY_NUM.get(dtype.num)
    if found is None:
        known = ", ".join(str(d.numpy) for d in ALL)
        remedy = (
            "pass tp.ComplexTensor(z.real, z.imag)"
            if dtype.kind == "c"
            else f"convert with .astype() to one of {known}"
        )
        raise DTypeError(f"arrays of dtype {dtype} are not supported; {remedy}")
    return found
