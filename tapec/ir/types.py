"""Types of values: an element type and a static shape."""

from __future__ import annotations

from math import prod
from typing import Any, Final

from tapec.ir.dtypes import DType


class TensorType:
    """Element type and shape of one value. Make it with `tensor_type`, which returns one shared object per type.

    Attributes:
        dtype: the element type.
        shape: extents, outermost first; `()` is a scalar.
    """

    __slots__ = ("_hash", "dtype", "shape")

    dtype: Final[DType]
    shape: Final[tuple[int, ...]]

    def __init__(self, dtype: DType, shape: tuple[int, ...]) -> None:
        self.dtype = dtype
        self.shape = shape
        self._hash = hash((dtype, shape))

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of a dense array of this type."""
        return prod(self.shape) * self.dtype.itemsize

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, TensorType) and self.dtype is other.dtype and self.shape == other.shape

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"tensor<{''.join(f'{n}x' for n in self.shape)}{self.dtype.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return tensor_type, (self.dtype, self.shape)


_INTERNED: dict[tuple[DType, tuple[int, ...]], TensorType] = {}
_INTERNED_LIMIT = 65_536


def tensor_type(dtype: DType, shape: tuple[int, ...]) -> TensorType:
    """The type with this element type and shape."""
    key = (dtype, shape)
    found = _INTERNED.get(key)
    if found is None:
        if len(_INTERNED) >= _INTERNED_LIMIT:  # equality does not rest on identity, so forgetting is harmless
            _INTERNED.clear()
        found = _INTERNED[key] = TensorType(dtype, shape)
    return found
