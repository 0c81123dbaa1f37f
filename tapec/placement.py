"""Where tensors lie, and running primitives there.

A tensor lies on the host or on one device, and so does what is computed from it. Arrays of the host that meet some of a
device are copied there; arrays of two devices do not meet. Recordings that will run again are made on the host, on
copies: they belong to no device, and the bits are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from tapec.errors import DeviceError, DeviceMismatchError
from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.recording import ACTIVE
from tapec.runtime.device_array import DeviceArray, DeviceMemory, on_device, on_host
from tapec.runtime.eager import execute
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.devices import Device
    from tapec.variable import Variable

# The devices of this process, by their memory: nobody looks for placed tensors before there is one.
OPEN: dict[DeviceMemory, Device] = {}


def is_placed(operands: Sequence[Tensor]) -> bool:
    """Whether an operation on these is not simply the host's."""
    return ACTIVE.device is not None or any(on_device(t._array) for t in operands)


def device_of(array: Any) -> Device | None:
    """The device on which an array lies; None for the host."""
    return OPEN[array.memory] if type(array) is DeviceArray else None


def common_device(arrays: Iterable[Any]) -> Device | None:
    """The device on which those of the arrays lie that lie on one.

    Raises:
        DeviceMismatchError: they lie on several.
    """
    found: Device | None = None
    for array in arrays:
        device = device_of(array)
        if device is not None and device is not found:
            if found is not None:
                raise DeviceMismatchError(
                    f"arrays on {found!r} and on {device!r} meet; bring them to one device with "
                    "tp.to_device(x, device), or to the CPU with x.cpu()"
                )
            found = device
    return found


def chosen_device(wanted: Device | None, arrays: Sequence[Any]) -> Device | None:
    """Where a compiled function runs: where it was told to, where its inputs lie, or where a `with` block says.

    Args:
        wanted: the device that the function was made for; None if it runs where its inputs lie.
        arrays: its inputs.

    Raises:
        DeviceMismatchError: inputs lie on several devices, or on another one than that.
    """
    found = common_device(arrays)
    if wanted is None:
        return found or ACTIVE.device
    if found is not None and wanted.own is not None and found is not wanted:
        raise DeviceMismatchError(
            f"a function for {wanted!r} got an array on {found!r}; bring it there with tp.to_device, or leave `device` "
            "out: the function then runs where its inputs lie"
        )
    return wanted.own


def running_device(operands: Sequence[Tensor]) -> Device | None:
    """The device on which an operation on these runs; None while one is recorded that will run again.

    Raises:
        DeviceMismatchError: they lie on several.
    """
    return None if tracing() else common_device([t._array for t in operands]) or ACTIVE.device


def tracing() -> bool:
    """Whether what runs now is recorded in order to run again."""
    return any(recorder.traces for recorder in ACTIVE.recorders)


def run_placed(
    primitive: Primitive, operands: Sequence[Tensor], attributes: dict[str, Any], regions: tuple[Graph, ...] = ()
) -> list[Any]:
    """The results of a primitive where its operands lie, or where a `with` block says.

    Raises:
        ShapeError, DTypeError, AttributeValueError: what the primitive's family says of the operands.
        DeviceMismatchError: operands lie on several devices.
        DeviceMemoryError: the device has too little memory.
        UnsupportedOnDeviceError: the device has no kernel for the primitive.
    """
    arrays = [t._array for t in operands]
    device = running_device(operands)
    if device is None:
        return _on_host(primitive, arrays, attributes, regions)
    results = device.run(primitive, arrays, attributes, regions)
    if results is None:  # a kernel only says that something is wrong; the host meets it again and says what
        _on_host(primitive, arrays, attributes, regions)
        raise DeviceError(f"{primitive.name} failed on {device!r}, and not on the CPU")
    return results


def _on_host(
    primitive: Primitive, arrays: Sequence[Any], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> list[Any]:
    copies = [on_host(a) for a in arrays]
    if regions:
        from tapec.runtime.control import execute_control  # the compiler is imported when it is first needed

        return execute_control(primitive, copies, attributes, regions)
    results = execute(primitive, copies, attributes)
    return [results] if primitive.results == 1 else list(results)


def moved(array: Any, device: Device | None) -> Any:
    """An array on a device, or on the host for None: itself if it is there already."""
    if device_of(array) is device:
        return array
    found = on_host(array)
    return found if device is None else device.memory.put(found)


@contextmanager
def placed(device: Device | None) -> Iterator[None]:
    """A block in which new tensors, and what is computed from those of the host, lie on a device; None for the host."""
    before, ACTIVE.device = ACTIVE.device, device
    try:
        yield
    finally:
        ACTIVE.device = before


def beside(*held: Tensor | Variable) -> AbstractContextManager[None]:
    """A block in which new tensors lie where one of these does."""
    if not OPEN:
        return nullcontext()
    tensors = [x if isinstance(x, Tensor) else x._tensor for x in held]
    return placed(next(filter(None, [device_of(t._array) for t in tensors]), ACTIVE.device))
