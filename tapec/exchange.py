"""Arrays of other libraries as tensors, and tensors as theirs, in the same memory: DLPack, `__cuda_array_interface__`.

Tensors are never written to. Whoever gets one's memory is told so where the protocol can (DLPack from 1.0 on), and
whoever hands memory over must not write to it as long as the tensor lives.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from tapec.devices import device
from tapec.dispatch import lift
from tapec.errors import ArgumentError
from tapec.ir import dtypes
from tapec.runtime.device_array import Block, DeviceArray
from tapec.runtime.dlpack import CPU, CUDA, borrowed, exported, imported
from tapec.tensor import Tensor, make

_HOST: Final = (CPU, 0)
_ALIGNMENT: Final = 16  # of arrays that kernels read
# Streams on which everything is in order with ours: none given, the default one, and one that asks not to wait.
_IN_ORDER: Final = (None, -1, 1)


def from_dlpack(x: Any) -> Tensor:
    """A tensor in the memory of another library's array, on the CPU or on an NVIDIA GPU.

    Nobody may write to the memory as long as the tensor lives. Inside a compiled function, and on a tape, an array of
    the CPU is copied, as NumPy's arrays are.

    Args:
        x: an object with `__dlpack__`, as arrays of NumPy, PyTorch, JAX, TensorFlow and CuPy are.

    Raises:
        ArgumentError: it is no such object, or lies on a device that tapec does not know.
        BufferError: it can't be had without a copy, since it is not contiguous, or the other library does not give it.
        DTypeError: its elements are none that tapec holds.

    >>> import numpy as np, tapec as tp
    >>> x = np.arange(3.0)
    >>> t = tp.from_dlpack(x)
    >>> np.shares_memory(t, x), np.from_dlpack(t).flags.writeable
    (True, False)
    """
    kind, number = _place_of(x)
    if kind != CUDA:
        if kind != CPU:
            raise ArgumentError(f"an array on DLPack's device {kind} can't be taken; copy it to the CPU first")
        if str(getattr(x, "dtype", "")).endswith("bfloat16"):  # which NumPy does not take
            return lift(borrowed(imported(x.__dlpack__())))
        return lift(np.from_dlpack(x))
    memory = device("cuda").memory
    if (kind, number) != memory.dlpack:
        raise ArgumentError(f"the array lies on GPU {number}; tapec uses the first one, GPU {memory.dlpack[1]}")
    try:
        capsule = x.__dlpack__(stream=1, max_version=(1, 0))
    except TypeError:  # a library that knows the protocol before 1.0
        capsule = x.__dlpack__(stream=1)
    found = imported(capsule)
    block = Block(found.address, lambda _: found.release())
    if found.strides is not None and not _is_dense(found.shape, found.strides):
        raise BufferError(f"an array of shape {found.shape} is not contiguous; hand over a contiguous copy")
    dtypes.of(found.dtype)
    return make(_aligned(DeviceArray(memory, block, found.address, found.dtype, found.shape)))


def from_cuda_array(x: Any) -> Tensor:
    """A tensor in the memory of an object with `__cuda_array_interface__`, as `from_dlpack`.

    Raises:
        BufferError, DTypeError: as `from_dlpack`.
    """
    interface = x.__cuda_array_interface__
    memory, shape, dtype = device("cuda").memory, tuple(interface["shape"]), np.dtype(interface["typestr"])
    strides = interface.get("strides")
    if strides is not None and not _is_dense(shape, tuple([s // dtype.itemsize for s in strides])):
        raise BufferError(f"an array of shape {shape} is not contiguous; hand over a contiguous copy")
    dtypes.of(dtype)
    if interface.get("stream") not in _IN_ORDER:
        memory.synchronize()
    address = int(interface["data"][0] or 0)
    block = Block(address, partial(_keep, x))
    return make(_aligned(DeviceArray(memory, block, address, dtype, shape)))


def dlpack(
    tensor: Tensor,
    stream: Any,
    max_version: tuple[int, int] | None,
    dl_device: tuple[int, int] | None,
    copy: bool | None,
) -> Any:
    """A capsule for another library, see `Tensor.__dlpack__`."""
    array: Any = tensor._array
    own = dlpack_device(tensor)
    wanted = own if dl_device is None else tuple(dl_device)
    if wanted not in (own, _HOST):
        raise BufferError(f"a tensor on {tensor.device!r} can't be had on DLPack's device {wanted}")
    if wanted != own and copy is False:
        raise BufferError(f"a tensor on {tensor.device!r} can't be had on the CPU without a copy")
    if wanted == _HOST and stream is not None:
        raise BufferError(f"memory of the CPU has no streams, got stream {stream!r}")
    fresh = bool(copy) or wanted != own
    if type(array) is DeviceArray and wanted == own:
        there = array.copied() if fresh else array
        share(there, stream)
        return exported(there.address, there.dtype, there.shape, None, there, own, max_version, fresh)
    found = np.array(array) if fresh else array
    return exported(found.ctypes.data, found.dtype, found.shape, found.strides, found, _HOST, max_version, fresh)


def dlpack_device(tensor: Tensor) -> tuple[int, int]:
    """DLPack's type and number of the device on which a tensor lies."""
    array: Any = tensor._array
    place: tuple[int, int] = array.memory.dlpack if type(array) is DeviceArray else _HOST
    return place


def cuda_array_interface(tensor: Tensor) -> dict[str, Any]:
    """What CuPy and Numba ask for, see `Tensor.__cuda_array_interface__`.

    Raises:
        AttributeError: the tensor does not lie on an NVIDIA GPU.
    """
    array: Any = tensor._array
    if type(array) is not DeviceArray or array.memory.dlpack[0] != CUDA:
        raise AttributeError(f"a tensor on {tensor.device!r} has no __cuda_array_interface__")
    if dtypes.is_bfloat16(array.dtype):
        raise AttributeError("__cuda_array_interface__ has no name for bfloat16; use DLPack")
    share(array, 1)
    return {
        "version": 3, "shape": array.shape, "typestr": array.dtype.str, "data": (array.address, True), "strides": None,
        "stream": 1,
    }  # fmt: skip


def share(array: DeviceArray, stream: Any) -> None:
    """Makes an array ready for somebody who works on a stream of his own.

    From now on its memory is used again only when the device has done all that it was asked for by anybody.
    """
    if stream not in _IN_ORDER:
        array.memory.synchronize()
    array.block.wait = array.memory.synchronize


def _place_of(x: Any) -> tuple[int, int]:
    try:
        kind, number = x.__dlpack_device__()
    except AttributeError:
        raise ArgumentError(f"a {type(x).__name__} does not know DLPack; use tp.constant") from None
    return int(kind), int(number)


def _is_dense(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    step = 1
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        if extent != 1 and stride != step and 0 not in shape:
            return False
        step *= extent
    return True


def _aligned(array: DeviceArray) -> DeviceArray:
    """The array, or a copy where kernels can't read it."""
    return array if array.address % _ALIGNMENT == 0 or not array.nbytes else array.copied()


def _keep(owner: Any, address: int) -> None:
    """Releases memory that belongs to `owner`, who gives it back when nobody holds this function any more."""
