"""`tp.to_device`: arrays, tensors, Variables and models on another device."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.devices import Device, device, found
from tapec.dispatch import lift
from tapec.exchange import from_cuda_array
from tapec.module import Module
from tapec.ops import elementwise as ew
from tapec.placement import device_of, moved, tracing
from tapec.recording import ACTIVE
from tapec.structure import map_leaves
from tapec.tensor import Tensor, make
from tapec.variable import Variable


def to_device(tree: Any, to: Device | str) -> Any:
    """Brings what is in a tree to a device.

    Tensors and NumPy arrays become tensors there: those that lie there already are handed on as they are, and
    derivatives flow through the copies of others. So do objects with `__cuda_array_interface__`, such as CuPy's and
    Numba's arrays, whose memory is taken over (see `tp.from_dlpack`). Variables are moved, and all those of a Module,
    and stay the same objects. Everything else is handed on. While a compiled function is recorded nothing is copied:
    where it runs is decided by its inputs.

    Args:
        tree: tensors, arrays, Variables, Modules, or nested containers of them.
        to: a device or its name; `"cpu"` brings things back.

    Raises:
        DeviceMemoryError: the device has too little memory.
        ArgumentError, DeviceNotFoundError: as `tp.device`.

    >>> import numpy as np, tapec as tp
    >>> there = tp.to_device({"x": np.arange(3.0), "name": "a"}, "emulated")
    >>> there["x"] * 2.0, there["name"]
    (<tapec.Tensor: shape=(3,), dtype=float64, device=emulated, numpy=array([0., 2., 4.])>, 'a')
    """
    target = found(to).own
    return map_leaves(lambda leaf: _moved(leaf, target), tree)


def device_of_tensor(tensor: Tensor) -> Device:
    """Where a tensor lies; in a compiled function, which is recorded on the host, where it will lie."""
    there = device_of(tensor._array) or (ACTIVE.device if tracing() else None)
    return there or device("cpu")


def _moved(leaf: Any, target: Device | None) -> Any:
    if isinstance(leaf, Variable):
        leaf.move(target)
        return leaf
    if isinstance(leaf, Module):
        for variable in leaf.variables:
            variable.move(target)
        return leaf
    if isinstance(leaf, Tensor | np.ndarray | np.generic):
        tensor = lift(leaf)
    elif getattr(leaf, "__cuda_array_interface__", None) is not None:
        tensor = from_cuda_array(leaf)
    else:
        return leaf
    if tracing() or device_of(tensor._array) is target:
        return tensor
    there = make(moved(tensor._array, target), tensor._weak)
    for recorder in ACTIVE.recorders:
        recorder.record(ew.copy, (tensor,), {}, there)
    return there
