"""`Variable`: a named value that changes by assignment, and that tapes watch by themselves."""

from __future__ import annotations

import threading
from typing import Any, final

import numpy as np

from tapec.dispatch import apply, cast, lift, located
from tapec.errors import DTypeError, ShapeError
from tapec.holder import Holder
from tapec.ir import dtypes
from tapec.ir.types import TensorType
from tapec.naming import scoped
from tapec.ops import elementwise as ew
from tapec.recording import ACTIVE
from tapec.tensor import Tensor, make


@final
class Variable(Holder):
    """State that a program changes: weights, counters, moments. It computes like the tensor that it holds at the time.

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

    __slots__ = ("__weakref__", "_lock", "_name", "_tensor", "_trainable")

    def __init__(self, value: Any, trainable: bool = True, name: str | None = None, dtype: Any = None) -> None:
        wanted = None if dtype is None else np.dtype(dtype).newbyteorder("=")
        array = np.array(lift(value)._array, wanted)
        dtypes.of(array.dtype)
        self._tensor = make(array)
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
        return Variable, (self._tensor._array, self._trainable, self._name)

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
        if not np.can_cast(tensor._array.dtype, self.dtype, "same_kind"):
            raise located(
                DTypeError(f"{self.name}.{method} takes {self.dtype}, got {tensor.dtype}; convert it with .astype()")
            )
        shape = tensor._array.shape
        if shape != self.shape and (exact or not _broadcasts(shape, self.shape)):
            raise located(
                ShapeError(f"{self.name}.{method}: the variable has shape {self.shape}, the value has shape {shape}")
            )
        return cast(tensor, self.dtype)

    def _put(self, tensor: Tensor) -> Variable:
        # A new tensor: the old one may lie on a tape, and reads of the variable must not be taken for reads of it.
        fresh = apply(ew.stop_gradient, (tensor,))
        for recorder in ACTIVE.recorders:
            recorder.assign_variable(self, fresh)  # which may refuse it
        self._tensor = fresh
        return self


def _broadcasts(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    try:
        return ew.broadcast_shapes(shape, whole) == whole
    except ShapeError:
        return False
