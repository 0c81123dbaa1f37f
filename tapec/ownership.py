"""Whether an array may be written to because nobody else can see it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from tapec.runtime.device_array import Block, DeviceArray

_getrefcount: Any = getattr(sys, "getrefcount", None)  # not every interpreter counts references
_locked = getattr(sys, "_is_gil_enabled", lambda: True)()  # without its lock another thread may be about to take one


def _counted(box: list[Any]) -> tuple[int, int, Any]:
    """References to the array in `box` and, of one that is another's elements in another shape, to that one; which."""
    references = _getrefcount(box[0])
    array = box[0]
    base = array.base
    if type(base) is not np.ndarray or base.size != array.size:
        return references, 0, array
    return references, _getrefcount(base), base


def _counted_there(box: list[Any]) -> tuple[int, int]:
    """References to the array of a device in `box`, and to its memory."""
    return _getrefcount(box[0]), _getrefcount(box[0].block)


def _alone() -> tuple[int, int]:
    """What is counted where nobody else holds an array."""
    if _getrefcount is None or not _locked:
        return -1, -1
    return _counted([np.empty((1, 2)).reshape(2)])[:2]


def _alone_there() -> tuple[int, int]:
    if _ALONE < 0:
        return -1, -1
    nowhere: Any = None
    block = [Block(0, lambda _: None)]
    return _counted_there([DeviceArray(nowhere, block.pop(), 0, np.dtype(np.float64), ())])


_ALONE, _BASE_ALONE = _alone()
_ALONE_THERE = _alone_there()


def taken_over(box: list[Any]) -> np.ndarray[Any, Any]:
    """The array in `box`, for writing: the array itself if the box is all that holds it, or else a copy.

    Views hold the array that they look at, and Tensors hold theirs, so that whoever could see a change is counted.
    """
    if _ALONE < 0:
        return np.array(box.pop(), order="C")
    references, of_base, owner = _counted(box)
    array: np.ndarray[Any, Any] = box.pop()
    alone = references == _ALONE and (owner is array or of_base == _BASE_ALONE)
    if alone and owner.flags.owndata and array.flags.writeable and array.flags.c_contiguous:
        return array
    return np.array(array, order="C")


def taken_over_there(box: list[DeviceArray]) -> DeviceArray:
    """The same of an array on a device. Memory that another library has, or that is another's, is not written to."""
    counted = _counted_there(box) if _ALONE >= 0 else None
    array = box.pop()
    block = array.block
    alone = counted == _ALONE_THERE and block.wait is None and block.release == array.memory.free
    return array if alone else array.copied()
