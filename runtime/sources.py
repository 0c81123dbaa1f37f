"""Which tapec this is: machine code may be found without writing its text again only where the writer is the same."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from tapec import ir
from tapec.runtime.cache_entry import digest_of

_FLOORS: Final = ("errors.py", "ir", "ops", "passes", "runtime")
_GRAIN: Final = 1e9  # nanoseconds: time stamps of files are coarser than clocks


@cache
def fingerprint() -> bytes | None:
    """A digest of what decides how a graph becomes LLVM IR: the compiler's own files, Python, and NumPy.

    Files are told apart as Python tells whether a `.pyc` is stale: by path, size and time of change. None if there are
    no files to look at (a zip archive, say), or if one has been changed since this process began to import them, so
    that what runs and what lies there may differ.
    """
    root = Path(ir.__file__).parent.parent
    try:
        files = sorted(_files(str(root)))
    except OSError:
        return None
    if not files or max(changed for _, _, changed in files) > ir.LOADED * 1e9 - _GRAIN:
        return None
    return digest_of(repr((sys.version, np.__version__, files)).encode())


def _files(root: str) -> list[tuple[str, int, int]]:
    """Path, size and time of change of every source file of the lower floors."""
    found = []
    waiting = [os.path.join(root, name) for name in _FLOORS[1:]]  # noqa: PTH118 - paths as objects take twice as long
    status = os.stat(os.path.join(root, _FLOORS[0]))  # noqa: PTH116, PTH118
    found.append((_FLOORS[0], status.st_size, status.st_mtime_ns))
    while waiting:
        with os.scandir(waiting.pop()) as listing:
            for item in listing:
                if item.name.endswith(".py"):
                    status = item.stat()
                    found.append((item.path, status.st_size, status.st_mtime_ns))
                elif not item.name.startswith((".", "__")) and item.is_dir():
                    waiting.append(item.path)
    return found
