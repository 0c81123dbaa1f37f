"""What makes an object usable where NumPy wants an array: operators, NumPy's methods and NumPy's two protocols.

`Tensor` and `Variable` both derive from `ArrayProtocol`. It holds no meaning of its own: operators look in `OPERATORS`,
functions and methods in `NUMPY_FUNCTIONS`, which the modules of `tapec.surface` fill.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tapec.errors import UnsupportedFunctionError

if TYPE_CHECKING:
    from tapec.mutable_array import Array
    from tapec.tensor import Tensor

# What a NumPy function or ufunc means on tensors, with the NumPy function's arguments; a ufunc's method has the key
# `(ufunc, "reduce")`.
NUMPY_FUNCTIONS: dict[Any, Callable[..., Any]] = {}

# The same, as type checkers should see it where what is looked up gives one tensor.
TENSOR_FUNCTIONS: dict[Any, Callable[..., Tensor]] = NUMPY_FUNCTIONS

# What other packages' ufuncs mean, by the package's module and their name in it, with the ufunc as first argument.
FOREIGN_UFUNCS: dict[str, dict[str, Callable[..., Any]]] = {}

# Those of them that give memory which a program may go on to fill: what they give to users is an Array.
FRESH: dict[Any, Callable[..., Array]] = {}

# Python's operators by the name of their special method, without underscores; `radd` and the like are swapped calls.
OPERATORS: dict[str, Callable[..., Tensor]] = {}

# What to do instead of a function that is not recorded.
HINTS: dict[Any, str] = {}

# Classes of complex tensors, which take over where one of them is among the operands.
COMPLEX: set[type] = set()

_PAGE = "docs/numpy.md (`python -m tapec.surface.listing` prints it)"  # an installed tapec has no docs
_Axis = int | tuple[int, ...] | None


def unsupported(function: Any, hint: str = "") -> UnsupportedFunctionError:
    """The error for a NumPy function that tapec does not record; `hint` says what to use instead."""
    name = getattr(function, "__name__", str(function))
    module = getattr(function, "__module__", None)
    if module is None and getattr(np, name, None) is function:  # ufuncs do not say where they come from
        module = "numpy"
    full = f"{module}.{name}" if module else f"the ufunc {name}"
    fallback = f"compose it of functions listed in {_PAGE}, or give it its derivative with tp.custom_gradient"
    advice = hint or HINTS.get(function, fallback)
    return UnsupportedFunctionError(f"{full} is not recorded on tensors; {advice}")


def _foreign(ufunc: np.ufunc) -> Callable[..., Any]:
    """What a ufunc of another package means on tensors."""
    for module, functions in FOREIGN_UFUNCS.items():
        found = functions.get(ufunc.__name__)
        if found is not None and getattr(sys.modules.get(module), ufunc.__name__, None) is ufunc:
            return found
    raise unsupported(ufunc)


class ArrayProtocol:
    """Operators, methods and NumPy protocols over what `tapec.surface` registers."""

    __slots__ = ()
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    # NumPy's protocols -----------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """NumPy calls this for `np.sin(t)`, `array + t`, `np.add.reduce(t)`, ..."""
        if method == "__call__":
            function = NUMPY_FUNCTIONS.get(ufunc)
            if function is not None:
                return function(*inputs, **kwargs) if kwargs else function(*inputs)
            return _foreign(ufunc)(ufunc, *inputs, **kwargs)
        function = NUMPY_FUNCTIONS.get((ufunc, method)) or NUMPY_FUNCTIONS.get((np.ufunc, method))
        if function is None:
            advice = HINTS.get((ufunc, method), f"use a function listed in {_PAGE}")
            raise UnsupportedFunctionError(f"numpy.{ufunc.__name__}.{method} is not recorded on tensors; {advice}")
        return function(ufunc, *inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """NumPy calls this for every other function of its own that meets a tensor."""
        if not COMPLEX.isdisjoint(types):
            return NotImplemented
        found = FRESH.get(function) or NUMPY_FUNCTIONS.get(function)
        if found is None:
            raise unsupported(function)
        if kwargs:
            out = kwargs.get("out")
            write = getattr(type(out), "__tapec_write__", None)
            if write is not None:
                return write(out, found(*args, **{name: value for name, value in kwargs.items() if name != "out"}))
        return found(*args, **kwargs)

    # Operators -------------------------------------------------------------------------------------------------------

    def __add__(self, other: Any) -> Tensor:
        return OPERATORS["add"](self, other)

    def __radd__(self, other: Any) -> Tensor:
        return OPERATORS["add"](other, self)

    def __sub__(self, other: Any) -> Tensor:
        return OPERATORS["sub"](self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return OPERATORS["sub"](other, self)

    def __mul__(self, other: Any) -> Tensor:
        return OPERATORS["mul"](self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return OPERATORS["mul"](other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return OPERATORS["truediv"](self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return OPERATORS["truediv"](other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return OPERATORS["floordiv"](self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return OPERATORS["floordiv"](other, self)

    def __mod__(self, other: Any) -> Tensor:
        return OPERATORS["mod"](self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return OPERATORS["mod"](other, self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return OPERATORS["divmod"](self, other)  # type: ignore[return-value]

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return OPERATORS["divmod"](other, self)  # type: ignore[return-value]

    def __pow__(self, other: Any) -> Tensor:
        return OPERATORS["pow"](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return OPERATORS["pow"](other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return OPERATORS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return OPERATORS["matmul"](other, self)

    def __and__(self, other: Any) -> Tensor:
        return OPERATORS["and"](self, other)

    def __rand__(self, other: Any) -> Tensor:
        return OPERATORS["and"](other, self)

    def __or__(self, other: Any) -> Tensor:
        return OPERATORS["or"](self, other)

    def __ror__(self, other: Any) -> Tensor:
        return OPERATORS["or"](other, self)

    def __xor__(self, other: Any) -> Tensor:
        return OPERATORS["xor"](self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return OPERATORS["xor"](other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return OPERATORS["lshift"](self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return OPERATORS["lshift"](other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return OPERATORS["rshift"](self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return OPERATORS["rshift"](other, self)

    def __eq__(self, other: object) -> Tensor:  # type: ignore[override]
        return OPERATORS["eq"](self, other)

    def __ne__(self, other: object) -> Tensor:  # type: ignore[override]
        return OPERATORS["ne"](self, other)

    def __lt__(self, other: Any) -> Tensor:
        return OPERATORS["lt"](self, other)

    def __le__(self, other: Any) -> Tensor:
        return OPERATORS["le"](self, other)

    def __gt__(self, other: Any) -> Tensor:
        return OPERATORS["gt"](self, other)

    def __ge__(self, other: Any) -> Tensor:
        return OPERATORS["ge"](self, other)

    def __neg__(self) -> Tensor:
        return OPERATORS["neg"](self)

    def __pos__(self) -> Tensor:
        return OPERATORS["pos"](self)

    def __abs__(self) -> Tensor:
        return OPERATORS["abs"](self)

    def __invert__(self) -> Tensor:
        return OPERATORS["invert"](self)

    def __round__(self, ndigits: int | None = None) -> Tensor:
        return TENSOR_FUNCTIONS[np.round](self, ndigits or 0)

    # A sequence ------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        return OPERATORS["getitem"](self, key)

    def __len__(self) -> int:
        shape: tuple[int, ...] = NUMPY_FUNCTIONS[np.shape](self)
        if not shape:
            raise TypeError("len() of a tensor without axes")
        return shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        shape: tuple[int, ...] = NUMPY_FUNCTIONS[np.shape](self)
        if not shape:
            raise TypeError("iteration over a tensor without axes")
        return (self[i] for i in range(shape[0]))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            "tensors are immutable, so t[...] = v is not possible; write to a copy, which is an array: a = t.copy(), "
            "or begin with np.zeros_like(t); or build the new value with np.where(mask, v, t), np.concatenate, np.stack"
        )

    # NumPy's methods -------------------------------------------------------------------------------------------------

    @property
    def T(self) -> Tensor:
        """All axes reversed."""
        return TENSOR_FUNCTIONS[np.transpose](self)

    @property
    def mT(self) -> Tensor:
        """The last two axes swapped."""
        return TENSOR_FUNCTIONS[np.matrix_transpose](self)

    @property
    def flat(self) -> Tensor:
        """All elements along one axis, to be read; NumPy has an iterator there."""
        return TENSOR_FUNCTIONS[np.ravel](self)

    def sum(self, axis: _Axis = None, dtype: Any = None, out: None = None, **options: Any) -> Tensor:
        """`np.sum`."""
        return TENSOR_FUNCTIONS[np.sum](self, axis, dtype, out, **options)

    def prod(self, axis: _Axis = None, dtype: Any = None, out: None = None, **options: Any) -> Tensor:
        """`np.prod`."""
        return TENSOR_FUNCTIONS[np.prod](self, axis, dtype, out, **options)

    def mean(self, axis: _Axis = None, dtype: Any = None, out: None = None, **options: Any) -> Tensor:
        """`np.mean`."""
        return TENSOR_FUNCTIONS[np.mean](self, axis, dtype, out, **options)

    def var(self, axis: _Axis = None, dtype: Any = None, out: None = None, **options: Any) -> Tensor:
        """`np.var`."""
        return TENSOR_FUNCTIONS[np.var](self, axis, dtype, out, **options)

    def std(self, axis: _Axis = None, dtype: Any = None, out: None = None, **options: Any) -> Tensor:
        """`np.std`."""
        return TENSOR_FUNCTIONS[np.std](self, axis, dtype, out, **options)

    def max(self, axis: _Axis = None, out: None = None, **options: Any) -> Tensor:
        """`np.max`."""
        return TENSOR_FUNCTIONS[np.max](self, axis, out, **options)

    def min(self, axis: _Axis = None, out: None = None, **options: Any) -> Tensor:
        """`np.min`."""
        return TENSOR_FUNCTIONS[np.min](self, axis, out, **options)

    def any(self, axis: _Axis = None, out: None = None, **options: Any) -> Tensor:
        """`np.any`."""
        return TENSOR_FUNCTIONS[np.any](self, axis, out, **options)

    def all(self, axis: _Axis = None, out: None = None, **options: Any) -> Tensor:
        """`np.all`."""
        return TENSOR_FUNCTIONS[np.all](self, axis, out, **options)

    def argmax(self, axis: int | None = None, out: None = None, **options: Any) -> Tensor:
        """`np.argmax`."""
        return TENSOR_FUNCTIONS[np.argmax](self, axis, out, **options)

    def argmin(self, axis: int | None = None, out: None = None, **options: Any) -> Tensor:
        """`np.argmin`."""
        return TENSOR_FUNCTIONS[np.argmin](self, axis, out, **options)

    def cumsum(self, axis: int | None = None, dtype: Any = None) -> Tensor:
        """`np.cumsum`."""
        return TENSOR_FUNCTIONS[np.cumsum](self, axis, dtype)

    def cumprod(self, axis: int | None = None, dtype: Any = None) -> Tensor:
        """`np.cumprod`."""
        return TENSOR_FUNCTIONS[np.cumprod](self, axis, dtype)

    def reshape(self, *shape: Any, order: str = "C") -> Tensor:
        """`np.reshape`; the extents as one tuple or as arguments."""
        wanted = shape[0] if len(shape) == 1 else shape
        return TENSOR_FUNCTIONS[np.reshape](self, wanted, order)

    def transpose(self, *axes: Any) -> Tensor:
        """`np.transpose`; the axes as one tuple or as arguments."""
        wanted = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return TENSOR_FUNCTIONS[np.transpose](self, wanted)

    def ravel(self, order: str = "C") -> Tensor:
        """`np.ravel`."""
        return TENSOR_FUNCTIONS[np.ravel](self, order)

    def flatten(self, order: str = "C") -> Tensor:
        """All elements along one axis."""
        return TENSOR_FUNCTIONS[np.ravel](self, order)

    def squeeze(self, axis: _Axis = None) -> Tensor:
        """`np.squeeze`."""
        return TENSOR_FUNCTIONS[np.squeeze](self, axis)

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """`np.swapaxes`."""
        return TENSOR_FUNCTIONS[np.swapaxes](self, axis1, axis2)

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """`np.repeat`."""
        return TENSOR_FUNCTIONS[np.repeat](self, repeats, axis)

    def take(self, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Tensor:
        """`np.take`."""
        return TENSOR_FUNCTIONS[np.take](self, indices, axis, out, mode)

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """`np.compress`."""
        return TENSOR_FUNCTIONS[np.compress](condition, self, axis)

    def choose(self, choices: Any, out: None = None, mode: str = "raise") -> Tensor:
        """`np.choose`."""
        return TENSOR_FUNCTIONS[np.choose](self, choices, out, mode)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """`np.diagonal`."""
        return TENSOR_FUNCTIONS[np.diagonal](self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
        """`np.trace`."""
        return TENSOR_FUNCTIONS[np.trace](self, offset, axis1, axis2, dtype)

    def dot(self, other: Any) -> Tensor:
        """`np.dot`."""
        return TENSOR_FUNCTIONS[np.dot](self, other)

    def clip(self, min: Any = None, max: Any = None, out: None = None, **options: Any) -> Tensor:
        """`np.clip`."""
        return TENSOR_FUNCTIONS[np.clip](self, min, max, out, **options)

    def round(self, decimals: int = 0) -> Tensor:
        """`np.round`."""
        return TENSOR_FUNCTIONS[np.round](self, decimals)

    def sort(self, axis: int = -1) -> None:
        """Refused: NumPy sorts in place, and a program that then goes on with `t` would go on with what it was."""
        raise TypeError(
            "tensors are immutable, so t.sort() can't sort in place; use t = np.sort(t), or sort a copy, which is an "
            "array: a = t.copy(); a.sort()"
        )

    def argsort(self, axis: int | None = -1, kind: str | None = None, **options: Any) -> Tensor:
        """`np.argsort`."""
        return TENSOR_FUNCTIONS[np.argsort](self, axis, kind, **options)

    def nonzero(self) -> tuple[np.ndarray[Any, Any], ...]:
        """`np.nonzero`: plain arrays, because their size depends on the data."""
        places: tuple[np.ndarray[Any, Any], ...] = NUMPY_FUNCTIONS[np.nonzero](self)
        return places

    def astype(self, dtype: Any, *, copy: bool = True) -> Tensor:
        """The values in another dtype; tensors never change, so that nothing depends on `copy`."""
        return TENSOR_FUNCTIONS[np.astype](self, dtype)

    def copy(self) -> Array:
        """An `Array` of the values, which can be written to."""
        return FRESH[np.copy](self)

    def conj(self) -> Tensor:
        """The same value: tensors are real."""
        return TENSOR_FUNCTIONS[np.conjugate](self)


def bind_operators() -> None:
    """Makes the special methods be what is registered, where the arguments are the same: a call less for each op."""
    for name, function in OPERATORS.items():
        if f"__{name}__" in vars(ArrayProtocol):
            setattr(ArrayProtocol, f"__{name}__", function)
