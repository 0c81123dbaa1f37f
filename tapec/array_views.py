"""Views of an `Array`: they read their part of its present version, and what is written to them is written to it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from tapec.array_protocol import OPERATORS
from tapec.dispatch import apply, lift, located
from tapec.errors import ReadOnlyViewError
from tapec.index_positions import Places, has_tensors, is_whole_mask, places
from tapec.ops import indexing, movement
from tapec.tensor import Tensor
from tapec.update_keys import is_basic, plain_key, positions
from tapec.writable import WritableArray

if TYPE_CHECKING:
    from tapec.mutable_array import Array

# NumPy's functions that give views of their first argument, at least of most arrays.
VIEWS: Final = {
    np.transpose, np.reshape, np.ravel, np.swapaxes, np.moveaxis, np.rollaxis, np.squeeze, np.expand_dims, np.flip,
    np.fliplr, np.flipud, np.rot90, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.matrix_transpose, np.diagonal,
    np.broadcast_to, np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.real,
}  # fmt: skip

_Function = Callable[[Any], Any]


class ViewableArray(WritableArray):
    """An array of which NumPy's functions and methods give views, where they give views of arrays."""

    __slots__ = ()

    @abstractmethod
    def numbers(self) -> np.ndarray[Any, Any]:
        """The flat position in the `Array` of each element, in the shape of this one."""

    @abstractmethod
    def viewed_by(self, function: _Function) -> ArrayView:
        """The view that `function` makes of this array."""

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """NumPy's functions: those that give views of an array give views of this one."""
        if function in VIEWS and args and args[0] is self:
            return viewed(self, lambda x: function(x, *args[1:], **kwargs))
        return super().__array_function__(function, types, args, kwargs)

    @property
    def T(self) -> Any:
        """All axes reversed, as a view."""
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        """The last two axes swapped, as a view."""
        return np.matrix_transpose(self)

    @property
    def flat(self) -> Any:
        """All elements along one axis, as a view; what is assigned to it is repeated as often as there is room."""
        return self.viewed_by(np.ravel) if self.numbers().flags.writeable else np.ravel(self.__tapec_tensor__())

    @flat.setter
    def flat(self, value: Any) -> None:
        self[...] = np.resize(lift(value), self.shape)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """`np.reshape`, as a view where NumPy gives one."""
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

    def ravel(self, *args: Any, **options: Any) -> Any:
        """`np.ravel`, as a view where NumPy gives one."""
        return np.ravel(self, *args, **options)

    def transpose(self, *axes: Any) -> Any:
        """`np.transpose`, as a view."""
        order = axes[0] if len(axes) == 1 else axes or None
        return np.transpose(self, order)

    def swapaxes(self, *args: Any) -> Any:
        """`np.swapaxes`, as a view."""
        return np.swapaxes(self, *args)

    def diagonal(self, *args: Any, **options: Any) -> Any:
        """`np.diagonal`, as a view that can't be written to."""
        return np.diagonal(self, *args, **options)

    def conj(self) -> Any:
        """The array itself: its elements are real."""
        return self

    def squeeze(self, *args: Any, **options: Any) -> Any:
        """`np.squeeze`, as a view."""
        return np.squeeze(self, *args, **options)


@final
class ArrayView(ViewableArray):
    """A view of an `Array`.

    Args:
        base: the Array.
        function: makes the view of a tensor, or of a NumPy array, of the Array's shape.
        key: what the function indexes with, if that is all it does.
    """

    __slots__ = ("_base", "_function", "_key", "_numbers")

    def __init__(self, base: Array, function: _Function, key: Any = None) -> None:
        self._base = base
        self._function = function
        self._key = key
        self._numbers: np.ndarray[Any, Any] | None = None

    def __tapec_tensor__(self) -> Tensor:
        """The present elements, in memory of their own, so that they do not hold the whole array."""
        whole = self._base.__tapec_tensor__()
        part: Tensor = self._function(whole)
        if part is not whole and type(part._array) is np.ndarray and part._array.base is not None:
            part._array = part._array.copy("K")
        return part

    def __tapec_snapshot__(self) -> Tensor:
        """What stands for the view where containers are taken apart: its elements at that time."""
        return self.__tapec_tensor__()

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""
        shape: tuple[int, ...] = self.numbers().shape
        return shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return self._base.dtype

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.numbers().size

    def numbers(self) -> np.ndarray[Any, Any]:
        """The flat position in the Array of each element, in the view's shape."""
        if self._numbers is None:
            self._numbers = self._function(self._base.numbers())
        return self._numbers

    def viewed_by(self, function: _Function) -> ArrayView:
        """The view that `function` makes of this one."""
        inner = self._function
        return ArrayView(self._base, lambda x: function(inner(x)))

    def is_part(self, base: Array, key: Any) -> bool:
        """Whether this is `base[key]`."""
        return (
            self._base is base and self._key is not None and not has_tensors(key) and _same(self._key, plain_key(key))
        )

    def __getitem__(self, key: Any) -> Any:
        if has_tensors(key):
            return OPERATORS["getitem"](self.__tapec_tensor__(), key)
        plain = plain_key(key)
        if not is_basic(plain):
            return OPERATORS["getitem"](self.__tapec_tensor__(), key)
        if not np.ndim(self.numbers()[plain]):
            return element(self.__tapec_tensor__(), plain)
        return self.viewed_by(lambda x: x[plain])

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.numbers().flags.writeable:
            raise located(ReadOnlyViewError("this view is read-only, as NumPy's is; write to the array itself"))
        if is_whole_mask(key, self.shape) and np.ndim(lift(value)._array) == 0:
            self.write_masked(key, value)
            return
        if has_tensors(key):
            self._base.write_places(self._places_of(places(key, self.shape)), value)
            return
        if isinstance(value, ArrayView) and value._base is self._base and value._is_at(self.numbers()[plain_key(key)]):
            return  # `a[key] += v` has written already
        self._base.write_positions(positions(plain_key(key), self.numbers()), value)

    def _places_of(self, part: Places) -> Places:
        """Places of the view as places of the Array."""
        numbers = lift(self.numbers().astype(np.int64))
        if part.axis is not None:
            found = apply(indexing.take, (numbers, part.where), {"axis": part.axis})
        else:
            found = apply(indexing.take, (reshaped(numbers, (numbers.size,)), part.where), {"axis": 0})
        return Places(reshaped(found, (found.size,)), None, part.shape, part.several)

    def replace(self, new: Tensor) -> None:
        """See `WritableArray.replace`."""
        self[...] = new

    def _is_at(self, numbers: Any) -> bool:
        mine = self.numbers()
        return mine.shape == np.shape(numbers) and np.array_equal(mine, numbers)

    def __repr__(self) -> str:
        return f"<tapec.ArrayView: shape={self.shape}, dtype={self.dtype}, numpy={self.__tapec_tensor__()._array!r}>"


def reshaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` in another shape."""
    return apply(movement.reshape, (x,), {"shape": shape})


def element(x: Tensor, key: Any) -> Tensor:
    """One element, in memory of its own, so that it does not hold the whole array."""
    found: Tensor = OPERATORS["getitem"](x, key)
    if type(found._array) is np.ndarray:  # arrays on devices are no views
        found._array = found._array.copy()
    return found


def viewed(array: Any, function: _Function) -> Any:
    """What a function that may give views gives of an `Array` or view: a view, several, or a Tensor that is none."""
    numbers = array.numbers()
    found = function(numbers)
    if isinstance(found, (list, tuple)):
        return type(found)([_one(array, _nth(function, i), part, numbers) for i, part in enumerate(found)])
    return _one(array, function, found, numbers)


def _nth(function: _Function, i: int) -> _Function:
    return lambda x: function(x)[i]


def _one(array: Any, function: _Function, found: Any, numbers: np.ndarray[Any, Any]) -> Any:
    if isinstance(found, np.ndarray) and np.shares_memory(found, numbers):
        return array.viewed_by(function)
    tensor: Tensor = function(array.__tapec_tensor__())
    return tensor


def _same(a: Any, b: Any) -> bool:
    """Whether two basic keys are equal, with types."""
    if type(a) is tuple and type(b) is tuple:
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and a == b
