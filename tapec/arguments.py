"""The arguments of one call of a compiled function: which leaves are inputs, which are part of the specialisation."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import prod
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from tapec.deferred import Loans
from tapec.dispatch import lift, lost_meaning
from tapec.errors import ArgumentError, DTypeError
from tapec.ir import dtypes
from tapec.runtime.device_array import DeviceArray
from tapec.structure import Structure, flatten, leaf_paths, unflatten
from tapec.tensor import Tensor, make

LeafKind = Literal["array", "tensor", "float", "int", "static"]

_INT64: Final = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class LeafSpec:
    """What a specialisation fixes of one leaf.

    Args:
        kind: `array`, `tensor`, `float` and `int` are inputs; `static` leaves are compared as a whole.
        dtype: element type of an input.
        shape: shape of an input.
        weak: whether the dtype of a tensor gives way, as that of a Python number does.
        value: a static leaf, wrapped so that 1, 1.0 and True differ.
    """

    kind: LeafKind
    dtype: dtypes.DType | None = None
    shape: tuple[int, ...] = ()
    weak: bool = False
    value: Hashable = None


class _ById:
    """An object compared by identity, which it keeps alive."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


# Copying fewer elements takes less time than seeing whether anybody will look at them.
_LENT: Final = 4096
_FLOAT: Final = LeafSpec("float", dtypes.F64, (), True)
_INT: Final = LeafSpec("int", dtypes.I64, (), True)


class Arguments(NamedTuple):
    """Positional and keyword arguments, taken apart.

    Attributes:
        structure: of the pair `(args, kwargs)`.
        leaves: as the caller gave them.
        specs: one per leaf.
        gives_tensors: whether results are Tensors: some leaf is a Tensor or a Variable.
    """

    structure: Structure
    leaves: list[Any]
    specs: tuple[LeafSpec, ...]
    gives_tensors: bool

    @property
    def key(self) -> Hashable:
        """Equal for calls that one specialisation serves."""
        return self.structure, self.specs

    def arrays(self) -> list[Any]:
        """The inputs as dense native arrays, without a copy where the caller's will do; those of devices stay."""
        return [
            dense(leaf._array if spec.kind == "tensor" else leaf, spec.dtype)  # type: ignore[arg-type]
            for leaf, spec in zip(self.leaves, self.specs, strict=True)
            if spec.kind != "static"
        ]

    def tensors(self, loans: Loans | None = None) -> list[Any]:
        """The leaves as a recording sees them: inputs are new tensors around copies that nobody else can write to.

        Args:
            loans: takes large arrays, which are then copied only if somebody looks at them.
        """
        return [
            leaf
            if spec.kind == "static"
            else make(leaf._array, spec.weak)
            if spec.kind == "tensor"
            else make(_own(leaf, spec, loans), spec.weak)
            for leaf, spec in zip(self.leaves, self.specs, strict=True)
        ]

    def lifted(self) -> list[Any]:
        """The leaves as an outer recording sees them: tensors stay what they are, numbers are literals."""
        return [
            leaf if spec.kind == "static" else lift(leaf) for leaf, spec in zip(self.leaves, self.specs, strict=True)
        ]

    def rebuild(self, leaves: list[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Positional and keyword arguments around other leaves."""
        args, kwargs = unflatten(self.structure, leaves)
        return args, kwargs


def _own(leaf: Any, spec: LeafSpec, loans: Loans | None) -> Any:
    assert spec.dtype is not None
    if loans is not None and spec.dtype.is_float and prod(spec.shape) >= _LENT and dense(leaf, spec.dtype) is leaf:
        return loans.lend(leaf)
    return np.array(leaf, spec.dtype.numpy, order="C")


def take_apart(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Flattens the arguments of one call.

    Raises:
        ArgumentError: a leaf is neither an input nor hashable.
        DTypeError: an array has a dtype that tapec does not take.
    """
    leaves, structure = flatten((args, kwargs))
    specs: list[LeafSpec] = []
    gives_tensors = False
    for position, leaf in enumerate(leaves):
        kind = type(leaf)
        if kind is np.ndarray:
            spec = _array_spec(leaf.dtype, leaf.shape, structure, position)
        elif kind is float:
            spec = _FLOAT
        elif kind is int and _INT64.min <= leaf <= _INT64.max:
            spec = _INT
        elif kind is Tensor:
            spec = LeafSpec("tensor", leaf.type.dtype, leaf.shape, leaf._weak)
            gives_tensors = True
        elif isinstance(leaf, np.ndarray) or (isinstance(leaf, np.generic) and leaf.dtype.kind in "biufcV"):
            spec = _array_spec(leaf.dtype, leaf.shape, structure, position)
            lost = lost_meaning(leaf)
            if lost is not None:
                raise ArgumentError(f"{_name(structure, position)}: {lost}")
        elif getattr(kind, "__tapec_tensor__", None) is not None:
            spec = LeafSpec("static", value=_ById(leaf))
            gives_tensors = True
        else:
            spec = LeafSpec("static", value=_static(leaf, structure, position))
        specs.append(spec)
    return Arguments(structure, leaves, tuple(specs), gives_tensors)


def check_unchanged(args: tuple[Any, ...], kwargs: dict[str, Any], leaves: list[Any], arguments: Arguments) -> None:
    """Compiled code can't repeat what a function did to its arguments' containers.

    Raises:
        ArgumentError: a list, dict or dataclass among the arguments holds other leaves than before the call.
    """
    after, structure = flatten((args, kwargs))
    if structure != arguments.structure:
        raise ArgumentError("the function added to or removed from a container among its arguments; return a new one")
    for position, (new, old) in enumerate(zip(after, leaves, strict=True)):
        if new is not old:
            raise ArgumentError(
                f"the function replaced {_name(structure, position)} in its argument; compiled code can't repeat that: "
                "return the new value instead, or keep it in a tp.Variable"
            )


def dense(array: Any, dtype: dtypes.DType) -> Any:
    """`array` in native byte order, aligned and in row-major order; `array` itself if it is, as on devices all are."""
    if type(array) is np.ndarray and array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned:
        return array
    if type(array) is DeviceArray:
        return array
    return np.require(array, dtype.numpy, ("C", "A", "E"))


_SPECS: dict[tuple[np.dtype[Any], tuple[int, ...]], LeafSpec] = {}
_SPECS_LIMIT = 4_096


def _array_spec(dtype: np.dtype[Any], shape: tuple[int, ...], structure: Structure, position: int) -> LeafSpec:
    found = _SPECS.get((dtype, shape))
    if found is None:
        if len(_SPECS) >= _SPECS_LIMIT:
            _SPECS.clear()
        found = _SPECS[dtype, shape] = _new_array_spec(dtype, shape, structure, position)
    return found


def _new_array_spec(dtype: np.dtype[Any], shape: tuple[int, ...], structure: Structure, position: int) -> LeafSpec:
    try:
        return LeafSpec("array", dtypes.of(dtype), shape)
    except DTypeError as error:
        raise DTypeError(f"{_name(structure, position)}: {error}") from None


def _static(leaf: Any, structure: Structure, position: int) -> Hashable:
    try:
        hash(leaf)
    except TypeError:
        raise ArgumentError(
            f"{_name(structure, position)} is a {type(leaf).__name__}, which is neither an array, a number, nor "
            "hashable; pass arrays, or containers of them (tuple, list, dict, named tuple, dataclass)"
        ) from None
    return type(leaf), leaf


def _name(structure: Structure, position: int) -> str:
    """How a message names a leaf: `argument 0['w']`, `argument scale`."""
    args, kwargs = structure.children
    names = [path for i, child in enumerate(args.children) for path in leaf_paths(child, f"argument {i}")]
    for key, child in zip(kwargs.keys, kwargs.children, strict=True):
        names += leaf_paths(child, f"argument {key}")
    return names[position]
