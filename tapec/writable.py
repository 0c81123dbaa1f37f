"""What an `Array` and the views of one have in common: attributes, Python's operators in place, and what fits where."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS, OPERATORS
from tapec.dispatch import apply, cast, lift, located
from tapec.errors import DTypeError, ShapeError
from tapec.holder import Holder
from tapec.ir.dtypes import can_cast
from tapec.ir.types import TensorType
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.tensor import Tensor


class WritableArray(Holder):
    """Reads as a Tensor, the present version, and can be written to."""

    __slots__ = ()

    @abstractmethod
    def replace(self, new: Tensor) -> None:
        """Writes all elements; `new` has the shape and the dtype."""

    # Attributes ------------------------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of elements."""

    @property
    def type(self) -> TensorType:
        """The IR's type of the elements."""
        return self.__tapec_tensor__().type

    # Writing ---------------------------------------------------------------------------------------------------------

    def write_masked(self, mask: Any, value: Any) -> None:
        """Writes one number where a mask of the array's shape is true."""
        self.replace(apply(ew.select, (lift(mask), fitting(value, self.dtype, ()), self.__tapec_tensor__())))

    def fill(self, value: Any) -> None:
        """Gives every element this value."""
        self[...] = value

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """`np.put`: writes at flat positions."""
        NUMPY_FUNCTIONS[np.put](self, indices, values, mode)

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        """The values in another dtype; the array itself if it has that already and `copy` is false."""
        return self if not copy and self.dtype == np.dtype(dtype) else super().astype(dtype)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.copy()

    def sort(self, axis: int = -1) -> None:
        """Sorts the elements along an axis, in place."""
        self[...] = NUMPY_FUNCTIONS[np.sort](self, axis)

    def __tapec_write__(self, new: Tensor, where: Any = True) -> Any:
        """Takes the result of an op in place, where a mask is true, by NumPy's rules: shape and dtype stay."""
        if not can_cast(new.dtype, self.dtype, "same_kind"):
            raise located(
                DTypeError(f"an array of {self.dtype} can't take {new.dtype} in place; make one of a wider dtype first")
            )
        if new.shape == self.shape:
            new = cast(new, self.dtype)
        elif ew.broadcasts_to(new.shape, self.shape):
            new = fitting(new, self.dtype, self.shape)
        else:
            raise located(ShapeError(f"an array of shape {self.shape} can't take shape {new.shape} in place"))
        if where is not True:
            new = NUMPY_FUNCTIONS[np.where](where, new, self.__tapec_tensor__())
            if new.shape != self.shape:
                raise located(ShapeError(f"a mask of shape {np.shape(where)} is no mask of an array of {self.shape}"))
        self.replace(new)
        return self

    def _update(self, name: str, other: Any) -> Any:
        """`self op= other`."""
        new = OPERATORS[name](self.__tapec_tensor__(), other)
        return new if new is NotImplemented else self.__tapec_write__(new)

    def __iadd__(self, other: Any) -> Any:
        return self._update("add", other)

    def __isub__(self, other: Any) -> Any:
        return self._update("sub", other)

    def __imul__(self, other: Any) -> Any:
        return self._update("mul", other)

    def __itruediv__(self, other: Any) -> Any:
        return self._update("truediv", other)

    def __ifloordiv__(self, other: Any) -> Any:
        return self._update("floordiv", other)

    def __imod__(self, other: Any) -> Any:
        return self._update("mod", other)

    def __ipow__(self, other: Any) -> Any:
        return self._update("pow", other)

    def __imatmul__(self, other: Any) -> Any:
        return self._update("matmul", other)

    def __iand__(self, other: Any) -> Any:
        return self._update("and", other)

    def __ior__(self, other: Any) -> Any:
        return self._update("or", other)

    def __ixor__(self, other: Any) -> Any:
        return self._update("xor", other)

    def __ilshift__(self, other: Any) -> Any:
        return self._update("lshift", other)

    def __irshift__(self, other: Any) -> Any:
        return self._update("rshift", other)


def fitting(value: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Tensor:
    """`value` as it is written to a part of this shape: converted as NumPy's assignment converts, and broadcast.

    Raises:
        ShapeError: it does not broadcast to the shape.
    """
    tensor = cast(lift(value, dtype), dtype)
    have = tensor._array.shape
    extra = len(have) - len(shape)
    if extra > 0 and all(n == 1 for n in have[:extra]):  # NumPy drops leading axes of one
        tensor = apply(movement.reshape, (tensor,), {"shape": have[extra:]})
        have = have[extra:]
    if have == shape:
        return tensor
    if not ew.broadcasts_to(have, shape):
        raise located(ShapeError(f"could not write a value of shape {have} into a part of shape {shape}"))
    return apply(movement.broadcast, (tensor,), {"shape": shape})
