"""Parts of arrays on a device, read and written where they lie, by one program for each shape."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Final, final

from tapec.ir import dtypes
from tapec.ir.types import TensorType, tensor_type
from tapec.ops import indexing, update
from tapec.ops.movement import check_window
from tapec.passes.cuda.parts import copy_plan, put_plan
from tapec.passes.cuda.plan import LaunchPlan
from tapec.passes.kernel_status import FINE
from tapec.passes.views import dense_strides
from tapec.runtime.cuda.program import DeviceProgram, Target
from tapec.runtime.device_array import Array, DeviceArray

_LIMIT: Final = 1_024
_Shape = tuple[int, ...]


@final
class PartPrograms:
    """Reads and writes parts of arrays.

    Args:
        target: the device.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._programs: dict[Hashable, DeviceProgram] = {}

    def read(self, array: DeviceArray, *, start: _Shape, size: _Shape, step: _Shape) -> DeviceArray:
        """`slice`.

        Raises:
            AttributeValueError: the window leaves the array.
            DeviceMemoryError: the device has too little memory.
        """
        part, strides = _part(array, start, size, step)
        made = array.memory.empty(array.dtype, size)
        if made.size:
            dtype = dtypes.of(array.dtype)
            program = self._program(("read", dtype, size, strides), lambda: copy_plan(dtype, size, strides, None))
            program.run([part], [made])
        return made

    def write(self, array: DeviceArray, new: Array | DeviceArray, *, start: _Shape, step: _Shape) -> None:
        """`slice_set` in the array's own memory.

        Raises:
            AttributeValueError, DTypeError: see the family.
            DeviceMemoryError: the device has too little memory.
        """
        attributes: dict[str, Any] = {"start": start, "step": step}
        update.slice_set.family.infer(update.slice_set, (_type(array), _type(new)), attributes)
        size = new.shape
        part, strides = _part(array, start, size, step)
        if part.size:
            dtype = dtypes.of(array.dtype)
            program = self._program(("write", dtype, size, strides), lambda: copy_plan(dtype, size, None, strides))
            program.run([new], [part])

    def put(self, array: DeviceArray, where: Array | DeviceArray, new: Array | DeviceArray, *, axis: int) -> bool:
        """`put`, of indices of which none comes twice, in the array's own memory; whether all are in range.

        If not, nothing is written.

        Raises:
            ShapeError, DTypeError: see the family.
            DeviceMemoryError: the device has too little memory.
        """
        if not where.size:
            return True
        kinds = _type(array), _type(where), _type(new)
        indexing.put.family.infer(indexing.put, kinds, {"axis": axis, "distinct": True})
        program = self._program(("put", *kinds, axis), lambda: put_plan(*kinds, axis))
        return program.run([where, new], [array])[0] == FINE

    def _program(self, key: Hashable, plan: Callable[[], LaunchPlan]) -> DeviceProgram:
        program = self._programs.get(key)
        if program is None:
            if len(self._programs) >= _LIMIT:
                self._programs.clear()
            program = self._programs[key] = self._target.program(plan())
        return program


def _type(array: Array | DeviceArray) -> TensorType:
    return tensor_type(dtypes.of(array.dtype), array.shape)


def _part(array: DeviceArray, start: _Shape, size: _Shape, step: _Shape) -> tuple[DeviceArray, _Shape]:
    """A window, and its strides in elements."""
    check_window("slice", array.shape, start, size, step)
    strides = dense_strides(array.shape)
    first: Any = sum(at * stride for at, stride in zip(start, strides, strict=True)) if 0 not in size else 0
    return array.part(first, size), tuple([s * n for s, n in zip(strides, step, strict=True)])
