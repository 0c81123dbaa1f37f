"""`ComplexTensor`: complex numbers as two real tensors, so that nothing below the surface need know of them.

It is a container of two tensors, as a named tuple would be: tapes watch both, compiled functions take and give both,
and a gradient with respect to one is the pair of the gradients, ∂/∂re + i ∂/∂im (docs/design/0015-linear-algebra.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tapec.array_protocol import COMPLEX, ArrayProtocol
from tapec.dispatch import apply, cast, lift, located, promote
from tapec.errors import DTypeError, ShapeError, UnsupportedFunctionError
from tapec.ir.dtypes import FLOATS, is_short
from tapec.ops import movement
from tapec.structure import Rebuilt
from tapec.tensor import Tensor

# What NumPy's functions mean where an operand is complex, by NumPy's function.
COMPLEX_FUNCTIONS: dict[Any, Callable[..., Any]] = {}
_SINGLE = np.dtype(np.float32)


@final
@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class ComplexTensor(Rebuilt):
    """An immutable array of complex numbers whose operations are recorded.

    `np.fft.*` and `np.linalg.eig*` of tensors make it, and operations of tensors with complex numbers.

    Args:
        real: real parts: a tensor, or what `tp.constant` takes.
        imag: imaginary parts, of the same shape.

    Raises:
        ShapeError: the shapes differ.

    Example:
        >>> z = ComplexTensor([3.0, 0.0], [4.0, 2.0])
        >>> abs(z).tolist(), (z * 1j).tolist()
        ([5.0, 2.0], [(-4+3j), (-2+0j)])
    """

    real: Tensor
    imag: Tensor

    __array_priority__ = 1001.0

    def __init__(self, real: Any, imag: Any) -> None:
        if type(real) is not Tensor or type(imag) is not Tensor:
            real, imag = promote(lift(real), lift(imag))
        if is_short(real._array.dtype):  # NumPy: the narrowest complex numbers have parts of float32
            real, imag = cast(real, _SINGLE), cast(imag, _SINGLE)
        if real._array.shape != imag._array.shape:
            raise located(ShapeError(f"real and imaginary parts have the shapes {real.shape} and {imag.shape}"))
        object.__setattr__(self, "real", real)
        object.__setattr__(self, "imag", imag)

    @classmethod
    def rebuilt(cls, members: list[Any]) -> Any:
        """See `Rebuilt.rebuilt`: two arrays are a complex array."""
        real, imag = members
        if isinstance(real, np.ndarray | np.generic) and isinstance(imag, np.ndarray | np.generic):
            return _joined(np.asarray(real), np.asarray(imag))
        made = object.__new__(cls)
        object.__setattr__(made, "real", real)
        object.__setattr__(made, "imag", imag)
        return made

    # Attributes ------------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents, outermost first."""
        return self.real.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype of the elements."""
        return np.dtype(np.complex64 if self.real.dtype == np.float32 else np.complex128)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.real.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.real.size

    @property
    def T(self) -> ComplexTensor:
        """All axes reversed; nothing is conjugated."""
        return ComplexTensor(self.real.T, self.imag.T)

    # Leaving for plain Python ----------------------------------------------------------------------------------------

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a NumPy array. What is computed from it is not recorded."""
        joined: np.ndarray[Any, Any] = np.asarray(_joined(self.real.numpy(), self.imag.numpy()))
        return joined

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self.numpy().astype(self.dtype if dtype is None else dtype, copy=False)

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers; not recorded."""
        return self.numpy().tolist()

    def item(self) -> complex:
        """The only element as a Python number; not recorded."""
        return complex(self.numpy().item())

    def __complex__(self) -> complex:
        return self.item()

    def __repr__(self) -> str:
        values = _joined(self.real._array, self.imag._array)
        return f"<tapec.ComplexTensor: shape={self.shape}, dtype={self.dtype}, numpy={values!r}>"

    # Elements --------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> ComplexTensor:
        return ComplexTensor(self.real[key], self.imag[key])

    def __len__(self) -> int:
        return len(self.real)

    def __iter__(self) -> Iterator[ComplexTensor]:
        return iter([self[i] for i in range(len(self))])

    # Operators -------------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _operator(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _operator(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _operator(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _operator(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return _operator(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _operator(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _operator(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _operator(np.true_divide, other, self)

    def __pow__(self, other: Any) -> Any:
        return _operator(np.power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _operator(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return _operator(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _operator(np.matmul, other, self)

    def __neg__(self) -> ComplexTensor:
        return ComplexTensor(-self.real, -self.imag)

    def __pos__(self) -> ComplexTensor:
        return self

    def __abs__(self) -> Tensor:
        return COMPLEX_FUNCTIONS[np.absolute](self)  # type: ignore[no-any-return]

    def __eq__(self, other: object) -> Any:
        return _operator(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return _operator(np.not_equal, self, other)

    __hash__ = object.__hash__

    # NumPy -----------------------------------------------------------------------------------------------------------

    def conj(self) -> ComplexTensor:
        """The conjugate."""
        return ComplexTensor(self.real, -self.imag)

    def sum(self, axis: Any = None, **options: Any) -> ComplexTensor:
        """`np.sum`."""
        return ComplexTensor(self.real.sum(axis, **options), self.imag.sum(axis, **options))

    def mean(self, axis: Any = None, **options: Any) -> ComplexTensor:
        """`np.mean`."""
        return ComplexTensor(self.real.mean(axis, **options), self.imag.mean(axis, **options))

    def reshape(self, *shape: Any) -> ComplexTensor:
        """`np.reshape`; the extents as one tuple or as arguments."""
        return ComplexTensor(self.real.reshape(*shape), self.imag.reshape(*shape))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy calls this for its universal functions."""
        return complex_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """NumPy calls this for every other function of its own."""
        return _function(function)(*args, **options)


COMPLEX.add(ComplexTensor)


def _joined(real: np.ndarray[Any, Any], imag: np.ndarray[Any, Any]) -> Any:
    # Not `real + 1j * imag`, which makes NaN of infinite parts.
    joined = np.empty(real.shape, np.complex64 if real.dtype == np.float32 else np.complex128)
    joined.real, joined.imag = real, imag
    return joined if joined.ndim else joined[()]


def _function(function: Any) -> Callable[..., Any]:
    found = COMPLEX_FUNCTIONS.get(function)
    if found is None:
        name = getattr(function, "__name__", str(function))
        module = getattr(function, "__module__", None) or "numpy"
        raise UnsupportedFunctionError(
            f"{module}.{name} is not recorded on complex tensors; compute with .real and .imag, or np.abs and np.angle"
        )
    return found


def complex_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A universal function of operands one of which is complex.

    Raises:
        UnsupportedFunctionError: it is not recorded, or not with these options.
    """
    if method == "reduce" and ufunc is np.add:
        return _function(np.sum)(*inputs, **{"axis": 0, **options})
    if method != "__call__" or options:
        raise UnsupportedFunctionError(
            f"numpy.{ufunc.__name__} is recorded on complex tensors as a plain call only, without {method} and options"
        )
    return _function(ufunc)(*inputs)


def _operator(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    if not all(is_number(x) for x in (a, b)):
        return NotImplemented
    return COMPLEX_FUNCTIONS[ufunc](a, b)


def is_number(value: Any) -> bool:
    """Whether an operator takes it as an operand."""
    if isinstance(value, ComplexTensor | ArrayProtocol | int | float | complex | list | tuple):
        return True
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcV"


def is_complex(value: Any) -> bool:
    """Whether an operand is complex: a complex tensor, array or number."""
    kind = type(value)
    if kind is Tensor or kind is float or kind is int:
        return False
    if kind in COMPLEX or kind is complex:
        return True
    return isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "c"


def parts(value: Any) -> tuple[Tensor, Tensor | None]:
    """Real and imaginary part of an operand; None for the latter where it is real.

    Raises:
        DTypeError: it is neither real nor complex numbers.
    """
    if type(value) is ComplexTensor:
        return value.real, value.imag
    if type(value) is complex:
        return lift(value.real), lift(value.imag)
    if is_complex(value):
        if value.dtype.itemsize not in (8, 16):
            raise DTypeError(f"complex numbers have 64 or 128 bits, got {value.dtype}; convert with .astype(complex)")
        return lift(np.asarray(value.real)), lift(np.asarray(value.imag))
    return lift(value), None


def lift_complex(value: Any) -> ComplexTensor:
    """An operand as a complex tensor; a real one has zeros for imaginary parts."""
    if type(value) is ComplexTensor:
        return value
    re, im = parts(value)
    if re._array.dtype.kind not in FLOATS:
        re = re.astype(np.float64)
    if im is None:
        im = apply(movement.broadcast, (lift(0.0, re._array.dtype),), {"shape": re._array.shape})
    return ComplexTensor(re, im)
