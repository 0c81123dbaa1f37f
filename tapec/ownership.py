"""Whether an array may be written to because nobody else can see it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_getrefcount = getattr(sys, "getrefcount", None)  # not every interpreter counts references
_locked = getattr(sys, "_is_gil_enabled", lambda: True)()  # without its lock another thread may be about to take one


def _alone() -> int:
    box = [np.empty(1)]
    return -1 if _getrefcount is None or not _locked else _getrefcount(box[0])


_ALONE = _alone()


def taken_over(box: list[Any]) -> np.ndarray[Any, Any]:
    """The array in `box`, for writing: the array itself if the box is all that holds it, or else a copy.

    Views hold the array that they look at, and Tensors hold theirs, so that whoever could see a change is counted.
    """
    alone = _getrefcount is not None and _getrefcount(box[0]) == _ALONE
    array = box.pop()
    flags = array.flags
    if alone and flags.owndata and flags.writeable and flags.c_contiguous:
        return array  # type: ignore[no-any-return]
    return np.array(array, order="C")
