"""The callable of one specialisation as a built-in function whose body is machine code.

It checks the arguments by reading their memory, calls the kernel, and returns new arrays. Where the arguments are not
those of the specialisation it calls `slow`, where the kernel refuses `miss`: Python functions with the same meaning.
Interpreters that do not have CPython's layout get the same callable in plain Python (`runtime.entry_python`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapec.runtime import cpython
from tapec.runtime.entry_code import entry_supported, library_of
from tapec.runtime.entry_python import make_python_entry
from tapec.runtime.entry_spec import EntrySpec
from tapec.runtime.entry_table import Table
from tapec.runtime.entry_text import SYMBOL, entry_text


def make_entry(
    spec: EntrySpec, kernel: int, slow: Callable[..., Any], miss: Callable[..., Any], keep: object = None
) -> Callable[..., Any]:
    """A callable for one specialisation.

    Args:
        spec: structure of arguments and result.
        kernel: address of the kernel, whose interface `EntrySpec` describes.
        slow: called as `slow(*args, **kwargs)` when the arguments do not have that structure; its result is returned.
        miss: called as `miss(status, guards, *args)` when the kernel returns another status than 0, with the guards as
            bytes, 8 for each.
        keep: lives as long as the callable, for example the library that the kernel is in.
    """
    if not entry_supported():
        return make_python_entry(spec, kernel, slow, miss, keep)
    table = Table()
    library = library_of(entry_text(spec, table))
    return cpython.builtin(library.address(SYMBOL), spec.name, (*table.items(kernel, slow, miss), library, keep))
