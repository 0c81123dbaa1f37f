"""The code of native entries as machine code, once in a process for all entries of one structure."""

from __future__ import annotations

import threading
from typing import Final

from tapec.runtime import cpython, jit
from tapec.runtime.entry_table import symbols

_LIBRARIES: Final[dict[str, jit.Library]] = {}
_LOCK: Final = threading.Lock()
# An entry runs through once and mostly calls C functions: LLVM's quick path makes it in a third of the time (6 ms for
# two arrays) and costs 10 ns per call.
_QUICK: Final = jit.Options(passes=(), codegen_level=0)


def entry_supported() -> bool:
    """Whether this interpreter takes native entries: CPython 3.10 to 3.14 with its lock, 64 bits, NumPy 2."""
    return not cpython.unsupported()


def library_of(text: str) -> jit.Library:
    """The code of an entry, compiled once in a process for all entries of one structure."""
    with _LOCK:
        library = _LIBRARIES.get(text)
        if library is None:
            library = _LIBRARIES[text] = jit.compile_module(text, opt=_QUICK, symbols=symbols())
        return library
