"""`Tensor`: an immutable array whose operations are recorded."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from tapec.array_protocol import TENSOR_FUNCTIONS, ArrayProtocol
from tapec.deferred import Deferred
from tapec.ir import dtypes
from tapec.ir.dtypes import FLOATS
from tapec.ir.types import TensorType, tensor_type
from tapec.recording import ACTIVE
from tapec.runtime.device_array import DeviceArray, on_host

if TYPE_CHECKING:
    from tapec.devices import Device

_ARRAYS = (np.ndarray, DeviceArray, Deferred)
_serials = count(1).__next__
_new = object.__new__


def serial_now() -> int:
    """A serial above those of all tensors there are, and below those of all that will be."""
    return _serials()


class Tensor(ArrayProtocol):
    """An immutable array. Operators, NumPy's functions and tapec's own work on it and are recorded by active tapes.

    Made by `tp.constant`, by reading a `tp.Variable`, and by operations on tensors.

    >>> import numpy as np, tapec as tp
    >>> np.sqrt(tp.constant([1.0, 4.0])) + 1.0
    <tapec.Tensor: shape=(2,), dtype=float64, numpy=array([2., 3.])>
    """

    __slots__ = ("__weakref__", "_array", "_literal", "_serial", "_weak")

    _array: np.ndarray[Any, Any]
    _serial: int
    _weak: bool  # the dtype gives way to the other operand's, as that of a Python number does
    _literal: bool  # a number in the user's source: recorders keep it as a constant

    # Attributes ------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""
        shape: tuple[int, ...] = self._array.shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        dtype: np.dtype[Any] = self._array.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._array.size

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self._array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._array.nbytes

    @property
    def type(self) -> TensorType:
        """The IR's type of this tensor."""
        return tensor_type(dtypes.of(self._array.dtype), self._array.shape)

    @property
    def device(self) -> Device:
        """Where the values lie: the CPU, or a device of `tp.device`.

        >>> import tapec as tp
        >>> tp.constant(1.0).device
        tp.device('cpu')
        """
        from tapec.transfer import device_of_tensor

        return device_of_tensor(self)

    def cpu(self) -> Tensor:
        """The same values on the CPU; this tensor if it lies there. Derivatives flow through it."""
        if type(self._array) is np.ndarray:
            return self
        from tapec.transfer import to_device

        tensor: Tensor = to_device(self, "cpu")
        return tensor

    # Leaving for plain Python ----------------------------------------------------------------------------------------

    def _leak(self, how: str, loses: bool = True) -> None:
        for place, recorder in enumerate(ACTIVE.recorders):
            recorder.leak(self, how, loses and place >= ACTIVE.ruled)

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a read-only NumPy array: on the CPU no copy. What is computed from it is not recorded."""
        self._leak("t.numpy()")
        view = on_host(self._array).view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        self._leak("np.asarray(t)")
        if copy or (dtype is not None and np.dtype(dtype) != self._array.dtype):
            if copy is False:
                raise ValueError(f"a {self._array.dtype} tensor as {np.dtype(dtype)} cannot be had without a copy")
            return np.array(on_host(self._array), dtype)
        view = on_host(self._array).view()
        view.flags.writeable = False
        return view

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; not recorded."""
        self._leak("t.tolist()")
        return self._array.tolist()

    def item(self, *index: int) -> bool | int | float:
        """One element as a Python number: an integer or boolean is guarded, a float is not recorded."""
        if index:
            return self[index].item()
        if self._array.size != 1:
            raise ValueError("item() takes a tensor of one element; give the indices of one")
        value: bool | int | float = self._array.item()
        if ACTIVE.recorders:
            if self._array.dtype.kind in FLOATS:
                self._leak("t.item()")
            else:
                _observe(self, int(value))
        return value

    def __bool__(self) -> bool:
        seen = bool(on_host(self._array))  # of several elements: NumPy's ValueError on ambiguity
        if ACTIVE.recorders:
            _observe(self if self._array.dtype.kind == "b" else self != 0, int(seen))
        return seen

    def __int__(self) -> int:
        value = int(self._single())
        if ACTIVE.recorders:
            _observe(self.astype(np.int64) if self._array.dtype.kind in FLOATS else self, value)
        return value

    def __floor__(self) -> int:
        """`math.floor(t)`: guarded, as `int(t)` is."""
        return int(TENSOR_FUNCTIONS[np.floor](self))

    def __ceil__(self) -> int:
        """`math.ceil(t)`: guarded, as `int(t)` is."""
        return int(TENSOR_FUNCTIONS[np.ceil](self))

    def __trunc__(self) -> int:
        """`math.trunc(t)`: guarded, as `int(t)` is."""
        return int(self)

    def __index__(self) -> int:
        if self._array.ndim or self._array.dtype.kind not in "iu":
            raise TypeError(f"only an integer tensor without axes can be an index, got {self.dtype} of {self.shape}")
        value = int(on_host(self._array))
        if ACTIVE.recorders:
            _observe(self, value)
        return value

    def __float__(self) -> float:
        value = float(self._single())
        self._leak("float(t)")
        return value

    def __hash__(self) -> int:
        """Of a single number, which Python then knows, so that it is found in sets and as a key."""
        if self._array.ndim:
            raise TypeError(f"a tensor of shape {self.shape} is not hashable, like a NumPy array; use id(t) as the key")
        if ACTIVE.recorders and self._array.dtype.kind in FLOATS:
            self._leak("hash(t)", loses=False)
            return hash(self._array.item())
        return hash(self.item())

    def _single(self) -> Any:
        if self._array.size != 1:
            raise TypeError(f"only a tensor of one element converts to a Python number, got shape {self.shape}")
        return self._array.item()

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """DLPack's way of handing the memory to another library, which must not write to it.

        Raises:
            BufferError: the tensor can't be had on the device that is asked for, or not without a copy.
        """
        from tapec.exchange import dlpack

        self._leak("t.__dlpack__()")
        return dlpack(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's type and number of the device."""
        from tapec.exchange import dlpack_device

        return dlpack_device(self)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """What CuPy, Numba and others ask for to read a tensor on an NVIDIA GPU where it is.

        Raises:
            AttributeError: the tensor does not lie on one.
        """
        from tapec.exchange import cuda_array_interface

        found = cuda_array_interface(self)
        self._leak("t.__cuda_array_interface__")
        return found

    # Text and copies -------------------------------------------------------------------------------------------------
    # Looking at a tensor neither records nor guards, except where the text may become part of a name and decide what
    # Python does: a formatted integer, and a Python integer that was an argument.

    def __repr__(self) -> str:
        values = repr(self._array) if self._array.ndim else repr(self._array.item())
        where = "" if type(self._array) is np.ndarray else f", device={self.device.name}"
        return f"<tapec.Tensor: shape={self.shape}, dtype={self.dtype}{where}, numpy={values}>"

    def __str__(self) -> str:
        if self._weak and self._array.dtype.kind == "i":
            return str(self.item())
        return f"tapec.Tensor({on_host(self._array)}, shape={self.shape}, dtype={self.dtype})"

    def __format__(self, spec: str) -> str:
        if not spec or self._array.ndim:
            return format(str(self), spec)
        return format(self._array.item() if self._array.dtype.kind in FLOATS else self.item(), spec)

    def __copy__(self) -> Tensor:
        return self

    def __deepcopy__(self, memo: Any) -> Tensor:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        self._leak("pickling t")
        return make, (on_host(self._array), self._weak)


def _observe(tensor: Tensor, expected: int) -> None:
    for recorder in ACTIVE.recorders:
        recorder.observe(tensor, expected)


def make(array: Any, weak: bool = False, literal: bool = False) -> Tensor:
    """A tensor around an array that nobody will write to again (or a NumPy scalar)."""
    tensor = _new(Tensor)
    tensor._array = array if type(array) in _ARRAYS else np.asarray(array)
    tensor._serial = _serials()
    tensor._weak = weak
    tensor._literal = literal
    return tensor
