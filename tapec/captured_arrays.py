"""The arrays that a recorded call read by itself: which stay the user's, to be read anew by each call, and which are
constants, since nobody has them any more.

A NumPy expression such as `np.eye(3)` in a loop makes an array in each round. When the round is over it is gone, and
its contents can never change: arrays of equal contents are then one constant. An array that is still there is read
again at each call; a view of one is read as a slice of its owner, so that `data[t]` is the same in each round but for
where it begins.
"""

from __future__ import annotations

import weakref
import zlib
from typing import Any, Final, NamedTuple, final

import numpy as np

from tapec.ir.graph import Location
from tapec.memory_windows import Array, MemoryWindow, memory_window, offset_in, owner_of
from tapec.recording import user_location
from tapec.runtime.device_array import DeviceArray
from tapec.tensor import Tensor, make

# A view of a larger array is read by itself: derivatives of loops may need the whole owner as it was.
_LARGEST_OWNER: Final = 1 << 26

_Key = tuple[int, int, tuple[int, ...], tuple[int, ...], Any]


class Origin(NamedTuple):
    """Where a tensor that was copied came from.

    Attributes:
        array: what the user's program read.
        owner: of its memory, if that can be told.
        key: what another read of the same memory has in common.
    """

    array: Array
    owner: Array | None
    key: _Key


class Capture(NamedTuple):
    """An input of the graph that stands for an array.

    Attributes:
        value: number of the input in the recording's table.
        held: the array, if it lies on a device, or where it cannot be told whether somebody still has it.
        owner: of its memory; gone when nobody has it.
        view: shape, offset and strides of the array in its owner's memory.
        copy: its contents.
        fingerprint: of them.
        location: the user's line.
    """

    value: int
    held: Array | DeviceArray | None
    owner: weakref.ref[Array] | None
    view: tuple[Any, ...]
    copy: Tensor
    fingerprint: int
    location: Location | None

    def present(self) -> Array | DeviceArray | None:
        """The array as it is now; None if nobody has it any more."""
        if self.held is not None:
            return self.held
        owner = self.owner() if self.owner is not None else None
        if owner is None:
            return None
        shape, offset, strides = self.view
        if offset == 0 and shape == owner.shape and strides == owner.strides:
            return owner
        return np.ndarray(shape, owner.dtype, owner, offset, strides)

    def is_unchanged(self) -> bool:
        """Whether the array still holds what it held when it was first read."""
        array = self.present()
        return array is None or fingerprint(array) == self.fingerprint


@final
class CapturedArrays:
    """The arrays that one recording read."""

    def __init__(self) -> None:
        self._origins: dict[int, Origin] = {}  # by the serial of the copy
        self._captures: dict[_Key, Capture] = {}
        self._all: dict[int, Capture] = {}
        self._settled: dict[tuple[Any, ...], int] = {}
        self._constant: set[int] = set()

    def came_from(self, tensor: Tensor, array: Array) -> None:
        """`tensor` is a copy of the user's `array`, or that array itself."""
        owner = owner_of(array)
        at = 0 if owner is None else offset_in(owner, array)
        key = (id(array if owner is None else owner), at, array.shape, array.strides, array.dtype)
        self._origins[tensor._serial] = Origin(array, owner, key)

    def known(self, tensor: Tensor) -> Capture | None:
        """The capture of the array that a tensor came from, if that was read before."""
        origin = self._origins.get(tensor._serial)
        if origin is None:
            return None
        found = self._captures.get(origin.key)
        if found is None or found.present() is None:  # an id that was given to another array since
            return None
        del self._origins[tensor._serial]  # which would keep the array alive
        return found

    def window(self, tensor: Tensor) -> tuple[Tensor, MemoryWindow] | None:
        """The owner of the array that a tensor came from, as a tensor, and the window of it that the array is."""
        origin = self._origins.get(tensor._serial)
        if origin is None or origin.owner is None or origin.owner is origin.array:
            return None
        owner = origin.owner
        window = memory_window(owner, origin.array) if owner.nbytes <= _LARGEST_OWNER else None
        if window is None:
            return None
        del self._origins[tensor._serial]
        return self._whole(owner), window

    def _whole(self, owner: Array) -> Tensor:
        """A copy of an owner, the same one as long as the owner has not changed."""
        key = (id(owner), 0, owner.shape, owner.strides, owner.dtype)
        found = self._captures.get(key)
        if found is not None and found.present() is owner:
            return found.copy
        tensor = make(owner.copy())
        self.came_from(tensor, owner)
        return tensor

    def add(self, tensor: Tensor, value: int) -> None:
        """The input `value` stands for the array that `tensor` came from, or for that of a fresh tensor itself."""
        array: Any = tensor._array
        origin = self._origins.pop(tensor._serial, None)
        held: Array | None = None
        owner: weakref.ref[Array] | None = None
        view: tuple[Any, ...] = ()
        if type(array) is DeviceArray:  # nobody writes to those
            self._all[value] = Capture(value, array, None, view, tensor, fingerprint(array), user_location())
            return
        key: _Key = (id(array), 0, array.shape, array.strides, array.dtype)
        if origin is None and not array.flags.writeable:  # the user's, who may change his mind
            held = array
        if origin is not None:
            key = origin.key
            if origin.owner is None or not origin.owner.flags.writeable:
                held = origin.array
            else:
                owner, view = weakref.ref(origin.owner), (origin.array.shape, key[1], origin.array.strides)
        made = Capture(value, held, owner, view, tensor, fingerprint(array), user_location())
        self._captures[key] = self._all[value] = made

    def settle(self) -> dict[int, int]:
        """For each input whose array nobody has any more, and that has the contents of another, that other one."""
        merged: dict[int, int] = {}
        for value, capture in list(self._all.items()):
            if value in self._constant or capture.present() is not None:
                continue
            array = capture.copy._array
            first = self._settled.setdefault((array.dtype.num, array.shape, capture.fingerprint), value)
            self._constant.add(value)
            if first != value and self._all[first].copy._array.tobytes() == array.tobytes():
                merged[value] = first
                del self._all[value]
        return merged

    def source(self, value: int) -> Array | DeviceArray | None:
        """The array that an input reads at each call; None if it reads none."""
        capture = self._all.get(value)
        if capture is None:
            return None
        present = capture.present()
        return capture.copy._array if present is None else present

    def constants(self) -> dict[int, Array]:
        """The inputs that are the same at each call."""
        return {v: self._all[v].copy._array for v in self._constant if v in self._all}

    def changed(self) -> list[Capture]:
        """Those whose arrays were written to while the call went on."""
        return [capture for capture in self._all.values() if not capture.is_unchanged()]


def fingerprint(array: Array | DeviceArray) -> int:
    """A number that tells contents apart; 0 for all arrays on devices, which nobody writes to."""
    if type(array) is DeviceArray:
        return 0
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
