"""Element types: the fixed set of NumPy dtypes that graphs and machine code know."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

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
        numpy: the native-endian dtype of arrays.
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

    @property
    def is_short(self) -> bool:
        """Whether it is a float of 16 bits: arrays hold it, and arithmetic is done in float32 and rounded to it."""
        return self.kind == "f" and self.bits == 16

    @property
    def digits(self) -> int:
        """Bits of its largest magnitude that are kept: of floats the significand, of integers all but the sign."""
        return _SIGNIFICANDS.get(self.name, 1 if self.kind == "b" else self.bits - (self.kind == "i"))

    @property
    def largest(self) -> float:
        """The largest finite float."""
        return 2.0**127 * (2 - 2.0**-7) if self.name == _BFLOAT16 else float(np.finfo(self.numpy).max)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        return by_name, (self.name,)


_BFLOAT16: Final = "bf16"
_PACKAGE: Final = "ml_dtypes"
_SIGNIFICANDS: Final = {"bf16": 8, "f16": 11, "f32": 24, "f64": 53}  # with the leading one

BOOL = DType("i1", "b", 8, np.dtype(np.bool_))
I8 = DType("i8", "i", 8, np.dtype(np.int8))
I16 = DType("i16", "i", 16, np.dtype(np.int16))
I32 = DType("i32", "i", 32, np.dtype(np.int32))
I64 = DType("i64", "i", 64, np.dtype(np.int64))
U8 = DType("ui8", "u", 8, np.dtype(np.uint8))
U16 = DType("ui16", "u", 16, np.dtype(np.uint16))
U32 = DType("ui32", "u", 32, np.dtype(np.uint32))
U64 = DType("ui64", "u", 64, np.dtype(np.uint64))
F16 = DType("f16", "f", 16, np.dtype(np.float16))
F32 = DType("f32", "f", 32, np.dtype(np.float32))
F64 = DType("f64", "f", 64, np.dtype(np.float64))

ALL: tuple[DType, ...] = (BOOL, I8, I16, I32, I64, U8, U16, U32, U64, F16, F32, F64)  # and bfloat16, once it is known
_BY_NAME = {d.name: d for d in ALL}
# NumPy numbers C types: `long` and `long long` are both 64 bits wide here, so the table is filled by kind and width.
_BY_NUM: dict[int, DType] = {
    np.dtype(char).num: d for char in "?bhilqBHILQefd" for d in ALL if d.numpy == np.dtype(char)
}
_HALF: Final = F16.numpy.num
# Kinds of NumPy's dtypes that are floats here: that of bfloat16, the only one of its kind, is "raw bytes".
FLOATS: Final = "fV"


def by_name(name: str) -> DType:
    """The dtype that MLIR spells `name`; `DTypeError` if there is none. `bf16` imports `ml_dtypes`."""
    found = _BY_NAME.get(name)
    if found is None and name == _BFLOAT16:
        return bfloat16()
    if found is None:
        raise DTypeError(f"unknown element type {name!r}; known are {', '.join(_BY_NAME)}")
    return found


def bfloat16() -> DType:
    """bfloat16, which NumPy has from the package `ml_dtypes`: an 8-bit significand with the exponents of float32.

    Raises:
        DTypeError: the package is not installed.
    """
    known = _BY_NAME.get(_BFLOAT16)
    if known is not None:
        return known
    try:
        package = import_module(_PACKAGE)
    except ImportError:
        raise DTypeError("bfloat16 is a dtype of the package ml_dtypes: pip install ml_dtypes") from None
    return of(np.dtype(package.bfloat16))


def of(dtype: np.dtype[Any]) -> DType:
    """The `DType` of a NumPy dtype; `DTypeError` for one that tapec does not hold (complex, object, strings, ...).

    Byte order is not looked at here: arrays are made native where they enter (`tapec.tensor`).
    """
    found = _BY_NUM.get(dtype.num)
    if found is not None:
        return found
    if dtype.name == "bfloat16" and dtype.type.__module__ == _PACKAGE:  # whoever has an array of it has imported it
        found = _BY_NAME.setdefault(_BFLOAT16, DType(_BFLOAT16, "f", 16, np.dtype(dtype.type)))
        _BY_NUM[dtype.num] = found
        return found
    known = ", ".join(str(d.numpy) for d in ALL)
    remedy = (
        "pass tp.ComplexTensor(z.real, z.imag)" if dtype.kind == "c" else f"convert with .astype() to one of {known}"
    )
    raise DTypeError(f"arrays of dtype {dtype} are not supported; {remedy}")


def is_short(dtype: np.dtype[Any]) -> bool:
    """Whether the dtype of an array that tapec holds is a float of 16 bits: see `DType.is_short`."""
    return dtype.num == _HALF or (dtype.kind == "V" and of(dtype).is_short)


def is_bfloat16(operand: Any) -> bool:
    """Whether something is NumPy's dtype of bfloat16."""
    return isinstance(operand, np.dtype) and operand.kind == "V" and operand.name == "bfloat16"


def promoted(*operands: Any) -> np.dtype[Any]:
    """NumPy's result dtype of dtypes and Python numbers: `np.result_type`.

    bfloat16 goes where float16 goes, and the two together are float32. NumPy itself has no common dtype for bfloat16
    and most others, and Python's numbers are not weak beside it.
    """
    operands = tuple([x.dtype if isinstance(x, np.ndarray | np.generic) else x for x in operands])
    bfloat = next(filter(is_bfloat16, operands), None)
    if bfloat is None:
        return np.result_type(*operands)
    half = F16.numpy
    instead = F32.numpy if any(isinstance(x, np.dtype) and x == half for x in operands) else half
    found = np.result_type(*[instead if is_bfloat16(x) else x for x in operands])
    return bfloat if found == half else found


def can_cast(given: Any, to: Any, casting: Any) -> bool:
    """`np.can_cast`, for which bfloat16 is of another kind than the other floats: here it is cast as float16 is."""
    if is_bfloat16(given) != is_bfloat16(to):
        given, to = (F16.numpy if is_bfloat16(dtype) else dtype for dtype in (given, to))
    return np.can_cast(given, to, casting)
