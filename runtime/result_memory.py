"""Memory for large results: NumPy's arrays, an allocator of our own (`tapec.runtime.result_memory_text`).

NumPy lets a program choose who allocates an array's data (NEP 49); each array remembers who did, and has the same one
free it. An entry chooses this one while it makes a large result, and puts the program's own choice back.
"""

from __future__ import annotations

import ctypes
import mmap
from functools import cache
from typing import Final

from tapec.runtime import jit
from tapec.runtime.result_memory_text import ALLOCATE, CALLOC, FREE, REALLOC, result_memory_text

LEAST: Final = 4 << 20  # bytes of a result from which on this pays: NumPy's own limit for huge pages

_NAME: Final = b"mem_handler"


class _Handler(ctypes.Structure):
    """`PyDataMem_Handler` of NumPy's `ndarraytypes.h`, and the name of the capsule around it."""

    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
        ("capsule_name", ctypes.c_char * 16),
    )


@cache
def _library() -> jit.Library:
    return jit.compile_module(
        result_memory_text(*(getattr(mmap, name, None) for name in ("MADV_HUGEPAGE", "MADV_FREE")))
    )


@cache
def handler() -> object:
    """The capsule that `PyDataMem_SetHandler` takes."""
    functions = [_library().address(name) for name in (ALLOCATE, CALLOC, REALLOC, FREE)]
    made = _Handler(b"tapec", 1, None, *functions, _NAME)
    # Arrays may be freed after this module is gone. llvmlite unloads no code while Python ends; its data stay, too.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))
    start = ctypes.addressof(made)
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return new(("PyCapsule_New", ctypes.pythonapi))(start, start + _Handler.capsule_name.offset, None)
