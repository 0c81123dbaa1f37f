"""DLPack's capsules: memory of the host or of a device handed to other libraries, and taken from them, without a copy.

Capsules are NumPy's own, whose deleters may run in any thread and at any time; for memory of a device the number of the
device in them is changed. NumPy looks at addresses only.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from tapec.ir import dtypes

Array = np.ndarray[Any, Any]

CPU: Final = 1
CUDA: Final = 2
_READ_ONLY: Final = 1
# The names last as long as the process: a capsule does not copy the one that it is given.
_OLD, _NEW = b"dltensor", b"dltensor_versioned"
_USED: Final = {_OLD: ctypes.c_char_p(b"used_" + _OLD), _NEW: ctypes.c_char_p(b"used_" + _NEW)}
_KINDS: Final = {0: "i", 1: "u", 2: "f", 6: "b"}  # by DLPack's number
_BFLOAT: Final = 4  # which NumPy does not know: its capsules are those of unsigned integers with the number put in


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Managed(ctypes.Structure):
    _fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class _Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", _Tensor),
    )


class Imported(NamedTuple):
    """Memory that another library has handed over.

    Attributes:
        address: of the first element.
        device: its device's type and number.
        dtype: of the elements.
        shape: extents, outermost first.
        strides: in elements; None for row-major order.
        release: gives the memory back, once.
    """

    address: int
    device: tuple[int, int]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    release: Callable[[], None]


class _Memory:
    """What NumPy makes an array of that keeps `owner` alive."""

    def __init__(
        self,
        address: int,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        strides: tuple[int, ...] | None,
        owner: Any,
        read_only: bool,
    ) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3, "shape": shape, "typestr": dtype.str, "data": (address, read_only), "strides": strides,
        }  # fmt: skip


def exported(
    address: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    strides: tuple[int, ...] | None,
    owner: Any,
    device: tuple[int, int],
    max_version: tuple[int, int] | None,
    writable: bool,
) -> Any:
    """A capsule around memory.

    Args:
        address: of the first element.
        dtype: of the elements.
        shape: extents, outermost first.
        strides: in bytes; None for row-major order.
        owner: kept alive until the consumer is done.
        device: DLPack's type and number of the device.
        max_version: what the consumer understands; None for the protocol before 1.0, which has no word for memory that
            must not be written to.
        writable: whether the consumer may write.
    """
    versioned = max_version is not None and max_version[0] >= 1
    bfloat = dtypes.is_bfloat16(dtype)
    memory = _Memory(
        address, np.dtype(np.uint16) if bfloat else dtype, shape, strides, owner, versioned and not writable
    )
    capsule = np.asarray(memory).__dlpack__(max_version=max_version)
    tensor = _managed(capsule)[1].tensor
    tensor.device_type, tensor.device_id = device
    if bfloat:
        tensor.code = _BFLOAT
    return capsule


def imported(capsule: Any) -> Imported:
    """What is in a capsule, which is empty afterwards.

    Raises:
        BufferError: the elements are of no type that NumPy has.
        DTypeError: they are of bfloat16, and the package `ml_dtypes` is not installed.
    """
    name, managed = _managed(capsule)
    tensor = managed.tensor
    dtype = _dtype(tensor)
    shape = tuple(tensor.shape[: tensor.ndim])
    strides = tuple(tensor.strides[: tensor.ndim]) if tensor.strides else None
    address, deleter = ctypes.addressof(managed), managed.deleter

    def release() -> None:
        if deleter:
            _Deleter(deleter)(address)

    rename = ctypes.pythonapi.PyCapsule_SetName
    rename.argtypes, rename.restype = [ctypes.py_object, ctypes.c_char_p], ctypes.c_int
    rename(capsule, _USED[name])
    return Imported(
        (tensor.data or 0) + tensor.byte_offset,
        (tensor.device_type, tensor.device_id),
        dtype,
        shape,
        strides,
        release,
    )


def _dtype(tensor: Any) -> np.dtype[Any]:
    if (tensor.code, tensor.bits, tensor.lanes) == (_BFLOAT, 16, 1):
        return dtypes.bfloat16().numpy
    if tensor.code not in _KINDS or tensor.lanes != 1:
        raise BufferError(f"DLPack's type {tensor.code} of {tensor.bits} bits is none of NumPy's")
    return np.dtype(f"{_KINDS[tensor.code]}{tensor.bits // 8}")


def borrowed(found: Imported) -> Array:
    """What was handed over, as an array that must not be written to; the memory goes back when nobody has it."""
    owner = _Owner()
    weakref.finalize(owner, found.release).atexit = False
    itemsize = found.dtype.itemsize
    strides = None if found.strides is None else tuple([s * itemsize for s in found.strides])
    bits = np.asarray(_Memory(found.address, np.dtype(f"u{itemsize}"), found.shape, strides, owner, True))
    return bits.view(found.dtype)


class _Owner:
    """Whose end is the end of memory that was borrowed."""


def _managed(capsule: Any) -> tuple[bytes, Any]:
    """The name of a capsule, and what it holds."""
    check, pointer = ctypes.pythonapi.PyCapsule_IsValid, ctypes.pythonapi.PyCapsule_GetPointer
    for function in (check, pointer):
        function.argtypes = [ctypes.py_object, ctypes.c_char_p]
    check.restype, pointer.restype = ctypes.c_int, ctypes.c_void_p
    for name, kind in ((_NEW, _Versioned), (_OLD, _Managed)):
        if check(capsule, name):
            return name, kind.from_address(pointer(capsule, name))
    raise BufferError("this is no capsule of DLPack, or one that has been used")
