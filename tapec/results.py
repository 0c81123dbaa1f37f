"""What a compiled function hands back: containers around outputs of the graph and objects that need no computing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from inspect import unwrap
from types import BuiltinFunctionType, EllipsisType, FunctionType, ModuleType, NoneType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tapec.dispatch import cast, lift
from tapec.placement import moved
from tapec.runtime.device_array import on_device, on_host
from tapec.structure import Structure, flatten, map_leaves, unflatten
from tapec.tensor import Tensor, make
from tapec.variable import Variable

if TYPE_CHECKING:
    from tapec.devices import Device


class Lasting:
    """Base of objects that one call may make for all later ones: they hold no recorded value."""

    __slots__ = ()


# What a call may return without making it: it holds no recorded value, and nobody can change it.
_LASTING: Final = (
    NoneType, bool, int, float, complex, str, bytes, type, range, slice, EllipsisType, Enum, ModuleType,
    BuiltinFunctionType, np.generic, np.dtype, np.ufunc, Variable, Lasting,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Output:
    """In the place of a leaf: the graph's output of this number."""

    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """How the outputs of a graph become what the function returned.

    Attributes:
        structure: of the function's result.
        leaves: an `Output`, or the object itself, per leaf.
        gives_tensors: whether arrays come back as Tensors; otherwise as NumPy arrays, and 0-d ones as NumPy scalars.
    """

    structure: Structure
    leaves: tuple[Any, ...]
    gives_tensors: bool

    def build(self, outputs: Sequence[Any]) -> Any:
        """The function's result around `outputs`, arrays which nobody else holds, of the host or of a device."""
        leaves = [self._wrap(outputs[leaf.index]) if type(leaf) is Output else leaf for leaf in self.leaves]
        return unflatten(self.structure, leaves)

    def _wrap(self, array: Any) -> Any:
        if self.gives_tensors:
            return make(array)
        return array if type(array) is np.ndarray and array.ndim else on_host(array)[()]


def describe(result: Any, gives_tensors: bool) -> tuple[Results, list[Tensor]]:
    """The results of a recorded call, and the tensors that are to be the graph's outputs."""
    found, structure = flatten(result)
    tensors: list[Tensor] = []
    leaves: list[Any] = []
    for leaf in found:
        if isinstance(leaf, Tensor | np.ndarray):
            leaves.append(Output(len(tensors)))
            tensors.append(lift(leaf))
        else:
            leaves.append(leaf)
    return Results(structure, tuple(leaves), gives_tensors), tensors


def passing_object(results: Results, given: Sequence[Any]) -> Any | None:
    """The first object among the results that later calls would have to make anew, as a generator or a set.

    Args:
        results: of a recorded call.
        given: the leaves of its arguments, which are the same objects in later calls.
    """
    for leaf in results.leaves:
        if type(leaf) is Output or isinstance(leaf, _LASTING) or any(leaf is other for other in given):
            continue
        function = unwrap(leaf)
        if type(function) is not FunctionType or function.__closure__ is not None:
            return leaf
    return None


def deliver(result: Any, gives_tensors: bool, device: Device | None) -> Any:
    """The result of an eager run as a compiled one would give it: arrays are copies, and none is weak.

    Args:
        result: what the function returned.
        gives_tensors: whether arrays become Tensors; otherwise they become NumPy arrays.
        device: where the compiled one gives Tensors; None for where they lie.
    """

    def wrap(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor | np.ndarray):
            return leaf
        array = leaf._array if isinstance(leaf, Tensor) else leaf
        if gives_tensors and (device is not None or on_device(array)):
            return make(array if device is None else moved(array, device))
        array = np.array(on_host(array), order="C")
        return make(array) if gives_tensors else array if array.ndim else array[()]

    return map_leaves(wrap, result)


def strengthen(result: Any) -> Any:
    """The result of a run inside an outer recording: the same tensors, none of them weak."""

    def strong(leaf: Any) -> Any:
        if isinstance(leaf, np.ndarray):
            return lift(leaf)
        return cast(leaf, leaf.dtype) if isinstance(leaf, Tensor) else leaf

    return map_leaves(strong, result)
