"""Arrays that are computed when somebody looks at them.

What is recorded is about to be compiled, and compiled code computes it better than one op after another. So a recording
runs an op only when its value is looked at: by Python (`if`, `int(t)`, `print(t)`), or by an op that may refuse values.
The bits are the same either way. Most first calls look at nothing, and take their results from the machine code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias, final
from weakref import ref

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tapec.errors import TapecError
from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.ir.types import TensorType, tensor_type
from tapec.runtime.eager import execute

Array: TypeAlias = np.ndarray[Any, Any]

# Families whose ops take whatever values their operands have. Of the others some do not (an index out of range, a
# singular matrix), and raise their error where the user's program can see it.
_CONTENT: Final = frozenset(
    {"elementwise", "contraction", "movement", "concatenation", "reduction", "accumulation", "update"}
)
_REFUSING: Final = frozenset({"indexing", "linalg", "attached", "guard", "custom"})
# NumPy is done with so few elements in less time than it takes to remember what is to be done.
FEW: Final = 256


@final
class _Pending:
    """One op that has not run yet.

    Attributes:
        operands: arrays, some of which may be `Deferred` themselves; let go when it has run.
        run: gives the results for arrays.
        results: once it has run.
    """

    __slots__ = ("__weakref__", "operands", "results", "run")

    def __init__(self, operands: list[Any], run: Callable[[list[Array]], Sequence[Any]]) -> None:
        self.operands = operands
        self.run: Callable[[list[Array]], Sequence[Any]] | None = run
        self.results: list[Array] = []

    def complete(self) -> None:
        """Runs the op, unless it has run; its operands must have been computed."""
        if self.run is not None:
            with np.errstate(all="ignore"):
                results = self.run([computed(a) for a in self.operands])
            self.results = [a if type(a) is np.ndarray else np.asarray(a) for a in results]
            self.run, self.operands = None, []


@final
class Deferred(NDArrayOperatorsMixin):
    """In the place of an array: its dtype and shape are known, and its elements are computed when they are asked for.

    Everything that an array can do works on it, and runs what is pending; machine code refuses it.
    """

    __slots__ = ("_index", "_pending", "dtype", "shape")

    def __init__(self, pending: _Pending, index: int, kind: TensorType) -> None:
        self._pending = pending
        self._index = index
        self.dtype: np.dtype[Any] = kind.dtype.numpy
        self.shape: tuple[int, ...] = kind.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    @property
    def itemsize(self) -> int:
        """Bytes per element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.dtype.itemsize

    def computed(self) -> Array:
        """The array itself; what it takes runs in the order in which it was recorded."""
        waiting = [self._pending]
        while waiting:
            pending = waiting[-1]
            if pending.run is None:
                waiting.pop()
                continue
            before = [a._pending for a in pending.operands if type(a) is Deferred and a._pending.run is not None]
            if before:
                waiting += before
                continue
            pending.complete()
        return self._pending.results[self._index]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.computed()
        if copy or (dtype is not None and np.dtype(dtype) != array.dtype):
            return np.array(array, dtype)
        return array

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*[computed(a) for a in inputs], **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # NumPy asks for interfaces to memory, of which `__array__` is enough
            raise AttributeError(f"a deferred array has no {name}")
        return getattr(self.computed(), name)

    def __getitem__(self, key: Any) -> Any:
        return self.computed()[key]

    def __len__(self) -> int:
        return len(self.computed())

    def __bool__(self) -> bool:
        return bool(self.computed())

    def __int__(self) -> int:
        return int(self.computed())

    def __float__(self) -> float:
        return float(self.computed())

    def __index__(self) -> int:
        return self.computed().__index__()

    def __format__(self, spec: str) -> str:
        return format(self.computed(), spec)

    def __repr__(self) -> str:
        return repr(self.computed())

    def __str__(self) -> str:
        return str(self.computed())

    def __reduce__(self) -> Any:
        return self.computed().__reduce__()


@final
class Loans:
    """Arrays of a caller's, who may write to them when the call is over; until then nothing is copied that nobody
    looks at.
    """

    def __init__(self) -> None:
        self._loans: list[ref[_Pending]] = []

    def lend(self, array: Array) -> Deferred:
        """A stand-in for an array of floats, which is copied when somebody looks."""
        pending = _Pending([array], lambda arrays: [np.array(arrays[0], order="C")])
        self._loans.append(ref(pending))
        return Deferred(pending, 0, tensor_type(dtypes.of(array.dtype), array.shape))

    def end(self) -> None:
        """Copies what somebody may still look at."""
        for loan in self._loans:
            pending = loan()
            if pending is not None:
                pending.complete()


def is_deferred(array: Any) -> bool:
    """Whether an array is a stand-in."""
    return type(array) is Deferred


def computed(array: Any) -> Any:
    """The array that a deferred one stands for; anything else as it is."""
    return array.computed() if type(array) is Deferred else array


def defer(primitive: Primitive, operands: Sequence[Any], attributes: dict[str, Any]) -> Deferred | None:
    """The result of a primitive that need not run now; None if it has to.

    Args:
        primitive: one that has a single result and no regions.
        operands: its operands' arrays.
        attributes: its attributes.
    """
    family = primitive.family.name
    if family not in _CONTENT and not (family == "indexing" and _in_range(operands, attributes)):
        return None
    if family == "reduction" and operands[0].size == 0:
        return None  # of nothing some have no value
    try:
        types = tuple([tensor_type(dtypes.of(a.dtype), a.shape) for a in operands])
        (kind,) = primitive.family.infer(primitive, types, attributes)
    except TapecError:
        return None  # the run says it with the words of who runs it
    if kind.dtype.kind not in "fb":
        return None  # integers have powers and quotients that do not exist
    return Deferred(_Pending(list(operands), lambda arrays: (execute(primitive, arrays, attributes),)), 0, kind)


def _in_range(operands: Sequence[Any], attributes: dict[str, Any]) -> bool:
    """Whether the indices of an op are there, and none is outside its axis."""
    x, indices, *_ = operands
    axis = attributes["axis"]
    if type(indices) is Deferred or indices.dtype.kind not in "iu" or not 0 <= axis < x.ndim:
        return False
    size = x.shape[axis]
    return not indices.size or bool(indices.min() >= -size and indices.max() < size)


def defer_control(
    primitive: Primitive,
    operands: Sequence[Any],
    attributes: dict[str, Any],
    regions: tuple[Graph, ...],
    run: Callable[[list[Array]], Sequence[Any]],
) -> list[Any] | None:
    """The results of a loop or a branch that need not run now; None if it has to.

    Args:
        primitive: one with regions.
        operands: its operands' arrays.
        attributes: its attributes.
        regions: what it runs.
        run: runs it.
    """
    if not all(map(_takes_all, regions)):
        return None
    try:
        types = tuple([tensor_type(dtypes.of(a.dtype), a.shape) for a in operands])
        kinds = primitive.family.infer_regions(primitive, types, attributes, regions)
    except TapecError:
        return None
    pending = _Pending(list(operands), run)
    return [Deferred(pending, index, kind) for index, kind in enumerate(kinds)]


def _takes_all(region: Graph) -> bool:
    """Whether no op of a region refuses values."""
    return all(op.primitive.family.name not in _REFUSING and all(map(_takes_all, op.regions)) for op in region.ops)
