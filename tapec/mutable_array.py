"""`Array`: an array that a program writes to, element by element, with derivatives through every write.

It holds its present version, a Tensor; each write puts the next one there (docs/design/0018-updates-in-place.md).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from tapec.array_protocol import OPERATORS
from tapec.array_views import ArrayView, ViewableArray, element
from tapec.constants import constant
from tapec.dispatch import apply, cast, compute, lift, located
from tapec.errors import CapturedArrayError, IndexOutOfRangeError, WatchedArrayError
from tapec.index_positions import Places, has_tensors, is_whole_mask, places
from tapec.ir.graph import Location
from tapec.ir.primitive import Primitive
from tapec.ops import indexing, movement, update
from tapec.ownership import taken_over, taken_over_there
from tapec.placement import OPEN, is_placed, moved, running_device
from tapec.recording import ACTIVE, Recorder, user_location
from tapec.runtime.device_array import on_device
from tapec.tensor import Tensor, make
from tapec.update_keys import Positions, Window, is_basic, last_of_each, plain_key, positions, window
from tapec.writable import fitting

if TYPE_CHECKING:
    from tapec.devices import Device
    from tapec.tape import GradientTape

_I64: Final = np.dtype(np.int64)
_NOTHING: Final[np.ndarray[Any, Any]] = np.empty(0)


@final
class Array(ViewableArray):
    """An array that can be written to: `a[key] = v`, `a += v`, through views and with all of NumPy's keys.

    It computes like the Tensor that it holds at the time, and tapes differentiate through what is written. What is a
    view in NumPy is one here. `np.zeros_like(t)` and its kin, `np.copy(t)` and `t.copy()` of a tensor give Arrays.

    Args:
        value: the first elements: anything that makes a tensor. They are copied before they are written to.
        dtype: of the elements; that of `value` if it is not given.

    Raises:
        DTypeError: `value` is nothing that tapec holds.

    >>> import tapec as tp
    >>> x = tp.Variable([1.0, 2.0, 3.0])
    >>> with tp.GradientTape() as tape:
    ...     a = tp.Array([0.0, 0.0, 0.0])
    ...     a[:2] = x[1:] * x[1:]
    ...     a[0] += 1.0
    >>> a.numpy()
    array([5., 9., 0.])
    >>> tape.gradient(a, x).numpy()
    array([0., 4., 6.])
    """

    __slots__ = ("__weakref__", "_captured", "_home", "_made", "_numbers", "_tensor", "_watches")

    def __init__(self, value: Any, dtype: Any = None) -> None:
        plain = type(value) is not Tensor and not hasattr(type(value), "__tapec_tensor__")
        # A value of the user's lies where a block says.
        tensor = constant(value) if plain and ACTIVE.device is not None else lift(value)
        tensor = cast(tensor, tensor.dtype if dtype is None else np.dtype(dtype).newbyteorder("="))
        self._tensor = make(tensor._array) if tensor._literal else tensor
        self._made = user_location()
        self._home: tuple[Recorder, ...] = tuple([r for r in ACTIVE.recorders if r.traces])
        self._captured: Location | None = None
        self._watches: tuple[tuple[weakref.ref[GradientTape], Location | None], ...] = ()
        self._numbers: np.ndarray[Any, Any] | None = None

    # Reading ---------------------------------------------------------------------------------------------------------

    def __tapec_tensor__(self) -> Tensor:
        """The present version."""
        for recorder in ACTIVE.recorders:
            if recorder.rereads and recorder not in self._home:
                self._captured = user_location()
        return self._tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""
        return self._tensor.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return self._tensor.dtype

    @property
    def device(self) -> Device:
        """Where the elements lie: the CPU, or a device of `tp.device`."""
        return self._tensor.device

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._tensor.size

    def __tapec_snapshot__(self) -> Tensor:
        """What stands for the array where containers are taken apart: the version at that time."""
        return self.__tapec_tensor__()

    def __getitem__(self, key: Any) -> Tensor | ArrayView:  # type: ignore[override]  # a view is no Tensor
        recorded = type(key) is not int and has_tensors(key)
        plain = key if recorded or type(key) is int else plain_key(key)
        if recorded or not is_basic(plain):
            return OPERATORS["getitem"](self.__tapec_tensor__(), key)
        if not window(plain, self.shape).shape:
            return element(self.__tapec_tensor__(), plain)
        return self.viewed_by(lambda x: x[plain], plain)

    def numbers(self) -> np.ndarray[Any, Any]:
        """The flat position of each element, in the array's shape."""
        if self._numbers is None:
            self._numbers = np.arange(self.size).reshape(self.shape)
        return self._numbers

    def viewed_by(self, function: Callable[[Any], Any], key: Any = None) -> ArrayView:
        """The view that `function` makes of an array; `key` is what it indexes with, if that is all it does."""
        return ArrayView(self, function, key)

    # Writing ---------------------------------------------------------------------------------------------------------

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, ArrayView) and value.is_part(self, key):
            return  # `a[key] += v` has written through the view already, and now hands it back
        if is_whole_mask(key, self.shape) and np.ndim(lift(value)._array) == 0:
            self.write_masked(key, value)
            return
        if has_tensors(key):
            self.write_places(places(key, self.shape), value)
            return
        plain = plain_key(key)
        if is_basic(plain):
            self._write_window(window(plain, self.shape), value)
        else:
            self.write_positions(positions(plain, self.numbers()), value)

    def _write_window(self, part: Window, value: Any) -> None:
        self.check_writable()
        new = fitting(value, self.dtype, part.shape)
        if new._array.shape != part.size:
            new = apply(movement.reshape, (new,), {"shape": part.size})
        where = {"start": part.start, "step": part.step}
        self._advance(update.slice_set, (new,), where, lambda out: update.set_slice(out, new._array, **where))

    def write_positions(self, part: Positions, value: Any) -> None:
        """Writes at flat positions; where one repeats, the last value counts."""
        self.check_writable()
        new = fitting(value, self.dtype, part.shape)
        flat = part.flat
        new = apply(movement.reshape, (new,), {"shape": flat.shape}) if new._array.shape != flat.shape else new
        last = last_of_each(flat)
        if last is not None:
            flat = flat[last]
            new = apply(indexing.take, (new, lift(last.astype(_I64))), {"axis": 0})
        self._put_flat(lift(flat.astype(_I64)), new, distinct=True)

    def write_places(self, part: Places, value: Any) -> None:
        """Writes where tensors say; where a place repeats, the last value counts."""
        self.check_writable()
        new = fitting(value, self.dtype, part.shape)
        distinct = not part.several
        if part.axis is not None:
            self._check_range(part.where, part.axis)
            self._put(part.where, new, part.axis, distinct=distinct)
            return
        flat = part.where._array.shape
        self._put_flat(part.where, apply(movement.reshape, (new,), {"shape": flat}), distinct=distinct)

    def _check_range(self, where: Tensor, axis: int) -> None:
        """Before anything is recorded or written: an error leaves the array as it was. Devices look for themselves."""
        compute((where,))
        if not on_device(where._array):
            try:
                indexing.checked(where._array, self.shape[axis])
            except IndexOutOfRangeError as error:
                raise located(error) from None

    def _put_flat(self, where: Tensor, new: Tensor, *, distinct: bool) -> None:
        """Writes at flat positions that lie within the array."""
        shape = self.shape
        self._reshape((self.size,))
        self._put(where, new, 0, distinct=distinct)
        self._reshape(shape)

    def _put(self, where: Tensor, new: Tensor, axis: int, *, distinct: bool) -> None:
        how = {"axis": axis, "distinct": distinct}

        def write(out: np.ndarray[Any, Any]) -> None:
            indexing.put_inside(out, where._array, new._array, axis=axis)

        self._advance(indexing.put, (where, new), how, write)

    def _reshape(self, shape: tuple[int, ...]) -> None:
        if self._tensor._array.shape != shape:
            self._tensor = apply(movement.reshape, (self._tensor,), {"shape": shape})

    def replace(self, new: Tensor) -> None:
        """Makes a tensor of the array's shape and dtype the next version."""
        self.check_writable()
        self._tensor = new

    def _advance(
        self,
        primitive: Primitive,
        rest: tuple[Tensor, ...],
        attributes: dict[str, Any],
        write: Callable[[np.ndarray[Any, Any]], None],
    ) -> None:
        """The next version, in the memory of the present one if nobody else holds that."""
        if OPEN and is_placed((self._tensor, *rest)):
            self._advance_there(primitive, rest, attributes)
            return
        compute((self._tensor, *rest))
        array = self._tensor._array
        new = make(array)
        for recorder in ACTIVE.recorders:
            recorder.record(primitive, (self._tensor, *rest), attributes, new)
        self._tensor = new
        new._array = _NOTHING
        box = [array]
        del array
        out = taken_over(box)
        write(out)
        new._array = out

    def _advance_there(self, primitive: Primitive, rest: tuple[Tensor, ...], attributes: dict[str, Any]) -> None:
        """The same on a device, unless what runs is recorded to run again: then it runs on copies on the host."""
        device = running_device((self._tensor, *rest))
        in_place = primitive is update.slice_set or attributes["distinct"]
        # What a tape has heard of has happened: an index out of range must be met before.
        if device is None or not in_place or (primitive is indexing.put and ACTIVE.recorders):
            self._tensor = apply(primitive, (self._tensor, *rest), attributes)
            return
        compute((self._tensor, *rest))
        box = [moved(self._tensor._array, device)]
        new = make(box[0])
        for recorder in ACTIVE.recorders:
            recorder.record(primitive, (self._tensor, *rest), attributes, new)
        self._tensor = new
        new._array = _NOTHING
        array: Any = taken_over_there(box)
        new._array = array
        if not device.write(primitive, array, [t._array for t in rest], attributes):
            apply(primitive, (new, *rest), attributes)  # which meets the index, and says where

    def check_writable(self) -> None:
        """Raises the error for a write that a recording could not follow.

        Raises:
            CapturedArrayError: a compiled function has read the array, or is about to write to it.
            WatchedArrayError: a tape watches the array.
        """
        if self._captured is not None:
            raise located(
                CapturedArrayError(
                    f"an Array that was read by a compiled function at {self._captured} is part of its code and can't "
                    "be written to any more; make it a tp.Variable, or an argument"
                )
            )
        for recorder in ACTIVE.recorders:
            if recorder.traces and recorder not in self._home:
                raise located(
                    CapturedArrayError(
                        f"a compiled function writes to an Array from outside, made at {self._made}; make it inside "
                        "and return it, or make it a tp.Variable"
                    )
                )
        for tape, line in self._watches:
            watching = tape()
            if watching is not None and watching.watches(self._tensor):
                raise located(
                    WatchedArrayError(
                        f"an Array that is watched by a tape since {line} can't be written to; write to a copy of it, "
                        "or compute what is written from another tensor"
                    )
                )

    def watched_by(self, tape: GradientTape) -> None:
        """A tape watches the present version."""
        alive = [(ref, line) for ref, line in self._watches if ref() is not None]
        self._watches = (*alive, (weakref.ref(tape), user_location()))

    def __repr__(self) -> str:
        return f"<tapec.Array: shape={self.shape}, dtype={self.dtype}, numpy={self._tensor._array!r}>"


def asarray(value: Any, dtype: Any = None) -> Array:
    """An `Array` of `value`; `value` itself if it is one of that dtype.

    >>> a = asarray([1.0, 2.0])
    >>> a[0] = 5.0
    >>> a.tolist()
    [5.0, 2.0]
    """
    if isinstance(value, Array) and (dtype is None or value.dtype == np.dtype(dtype)):
        return value
    return Array(value, dtype)
