"""`Variable`: a named value that changes by assignment, and that tapes watch by themselves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, final

import numpy as np

from tapec.dispatch import apply, cast, lift, located
from tapec.errors import DTypeError, ShapeError
from tapec.holder import Holder
from tapec.ir import dtypes
from tapec.ir.dtypes import can_cast
from tapec.ir.types import TensorType
from tapec.naming import scoped
from tapec.ops import elementwise as ew
from tapec.placement import OPEN, device_of, moved, placed, tracing
from tapec.recording import ACTIVE
from tapec.runtime.device_array import on_device, on_host
from tapec.tensor import Tensor, make

if TYPE_CHECKING:
    from tapec.devices import Device


@final
class Variable(Holder):
    """State that a program changes: weights, counters, moments. It computes like the tensor that it holds at the time.

    It lies where its first value does, or where a `with tp.device(...)` block says; what is assigned to it is brought
    there. `tp.to_device` moves it.

    Args:
        value: the first value: anything that makes a tensor. It is copied.
        trainable: whether tapes watch the variable when it is read.
        name: for messages; the open name scopes are put before it, and TensorFlow's `:0` behind it.
        dtype: of the values; that of `value` if it is not given.

    Raises:
        DTypeError: `value` is nothing that tapec holds.

    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0]).numpy()
    array([2., 3.])
    >>> v.name
    'v:0'
    """

    __slots__ = ("__weakref__", "_device", "_lock", "_name", "_tensor", "_trainable")

    def __init__(self, value: Any, trainable: bool = True, name: str | None = None, dtype: Any = None) -> None:
        wanted = None if dtype is None else np.dtype(dtype).newbyteorder("=")
        tensor = lift(value)
        if on_device(tensor._array):  # which is never written to
            array = cast(tensor, tensor.dtype if wanted is None else wanted)._array
        else:
            array = np.array(tensor._array, wanted)
        dtypes.of(array.dtype)
        self._device = device_of(array) or ACTIVE.device
        self._tensor = make(moved(array, self._device))
        self._trainable = bool(trainable)
        self._name = scoped(name if name is not None else "Variable")
        self._lock = threading.RLock()

    # Attributes: they belong to the variable for good, so looking at them is no read ---------------------------------

    @property
    def name(self) -> str:
        """The name, with TensorFlow's `:0` behind it."""
        return f"{self._name}:0"

    @property
    def trainable(self) -> bool:
        """Whether tapes watch the variable when it is read."""
        return self._trainable

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""
        return self._tensor.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return self._tensor.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._tensor._array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._tensor._array.size

    @property
    def type(self) -> TensorType:
        """The IR's type of the values."""
        return self._tensor.type

    @property
    def device(self) -> Device:
        """Where the values lie: the CPU, or a device of `tp.device`."""
        return self._tensor.device

    # Reading ---------------------------------------------------------------------------------------------------------

    def __tapec_tensor__(self) -> Tensor:
        """The present value; active recorders hear of the read."""
        tensor = self._tensor
        if not ACTIVE.recorders:
            return make(tensor._array)  # recorders know the variable by its own tensor, and this is only a value
        for recorder in ACTIVE.recorders:
            recorder.read_variable(self, tensor)
        return tensor

    def value(self) -> Tensor:
        """The present value as a tensor."""
        return self.__tapec_tensor__()

    def __repr__(self) -> str:
        return f"<tapec.Variable {self.name!r} shape={self.shape} dtype={self.dtype}, numpy={self._tensor._array!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Variable, (on_host(self._tensor._array), self._trainable, self._name)

    # Assignment ------------------------------------------------------------------------------------------------------

    def assign(self, value: Any) -> Variable:
        """Gives the variable another value of its shape; returns the variable.

        No derivative flows through an assignment: what is read afterwards is a value in its own right.

        Raises:
            ShapeError: the value has another shape.
            DTypeError: the value's dtype is of a wider kind, as float for an integer variable.
        """
        with self._lock:
            return self._put(self._fitting(value, "assign", exact=True))

    def assign_add(self, delta: Any) -> Variable:
        """Adds `delta`, which broadcasts to the variable's shape; returns the variable.

        Threads that assign to one variable wait for each other, so that no addition is lost.

        Raises:
            ShapeError, DTypeError: as `assign`.
        """
        with self._lock:
            fitting = self._fitting(delta, "assign_add", exact=False)
            return self._put(apply(ew.add, (self.__tapec_tensor__(), fitting)))

    def assign_sub(self, delta: Any) -> Variable:
        """Subtracts `delta`, which broadcasts to the variable's shape; returns the variable.

        Raises:
            ShapeError, DTypeError: as `assign`.
        """
        with self._lock:
            fitting = self._fitting(delta, "assign_sub", exact=False)
            return self._put(apply(ew.sub, (self.__tapec_tensor__(), fitting)))

    def _fitting(self, value: Any, method: str, *, exact: bool) -> Tensor:
        """`value` as a tensor that the variable can take."""
        tensor = lift(value, self.dtype)
        if tensor._array is value and (value.flags.writeable or value.base is not None):
            tensor = make(value.copy())  # the caller may write to his array later
        if not can_cast(tensor._array.dtype, self.dtype, "same_kind"):
            raise located(
                DTypeError(f"{self.name}.{method} takes {self.dtype}, got {tensor.dtype}; convert it with .astype()")
            )
        shape = tensor._array.shape
        if shape != self.shape and (exact or not ew.broadcasts_to(shape, self.shape)):
            raise located(
                ShapeError(f"{self.name}.{method}: the variable has shape {self.shape}, the value has shape {shape}")
            )
        return cast(tensor, self.dtype)

    def _put(self, tensor: Tensor) -> Variable:
        # A new tensor: the old one may lie on a tape, and reads of the variable must not be taken for reads of it.
        if OPEN and not tracing():
            with placed(self._device):
                fresh = apply(ew.stop_gradient, (self.at_home(tensor),))
        else:  # recordings run on the host, and what they assign is brought home when they end
            fresh = apply(ew.stop_gradient, (tensor,))
        for recorder in ACTIVE.recorders:
            recorder.assign_variable(self, fresh)  # which may refuse it
        self._tensor = fresh
        return self

    def at_home(self, tensor: Tensor) -> Tensor:
        """A tensor, where the variable lies."""
        return tensor if device_of(tensor._array) is self._device else make(moved(tensor._array, self._device))

    def move(self, device: Device | None) -> None:
        """Brings the variable to a device; None for the host."""
        with self._lock:
            self._device = device
            self._tensor = make(moved(self._tensor._array, device))
