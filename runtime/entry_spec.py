"""What a native entry is made from: the structure of a call's arguments and of its result.

A call is taken natively when its arguments have exactly this structure. Leaves that hold numbers become data pointers
for the kernel, in the order in which a walk meets them; the others are only checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from tapec.ir.dtypes import DType

# Leaves of arguments -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArrayLeaf:
    """A `numpy.ndarray` (no subclass), C-contiguous, aligned, of native byte order and exactly this dtype and shape.

    For the shape `()` a NumPy scalar of the dtype is taken as well.
    """

    dtype: DType
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FloatLeaf:
    """A Python float (no subclass); the kernel gets a pointer to 8 bytes."""


@dataclass(frozen=True, slots=True)
class IntLeaf:
    """A Python int (no subclass, no bool) that fits 64 bits with a sign; the kernel gets a pointer to them."""


@dataclass(frozen=True, slots=True, eq=False)
class StaticLeaf:
    """This very object: None, a bool, a function, an interned string."""

    value: Any


# Leaves of results -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ArrayOut:
    """Output `index` of the kernel as a new array."""

    index: int
    dtype: DType
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ScalarOut:
    """Output `index` of the kernel, of shape `()`, as a NumPy scalar."""

    index: int
    dtype: DType


@dataclass(frozen=True, slots=True, eq=False)
class ObjectOut:
    """This very object."""

    value: Any


# Containers of both ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TupleNode:
    """A tuple (no subclass) of these."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list (no subclass) of these."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DictNode:
    """A dict (no subclass) with exactly these string keys in this order."""

    keys: tuple[str, ...]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DataclassNode:
    """An instance of `type` (no subclass): its attributes `fields`; in results, made by `type(**fields)`."""

    type: type
    fields: tuple[str, ...]
    items: tuple[Node, ...]


Leaf: TypeAlias = ArrayLeaf | FloatLeaf | IntLeaf | StaticLeaf
Out: TypeAlias = ArrayOut | ScalarOut | ObjectOut
Container: TypeAlias = TupleNode | ListNode | DictNode | DataclassNode
Node: TypeAlias = Leaf | Out | Container


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """When calls of this thread must not be taken natively.

    Args:
        key: in the thread's own dict (`PyThreadState_GetDict`); where a list stands under it that is not empty, the
            gate is closed.
        closed: the same in Python.
    """

    key: str
    closed: Callable[[], bool]


@dataclass(frozen=True, slots=True, eq=False)
class EntrySpec:
    """One specialisation of a callable.

    The kernel is `i64 kernel(ptr args, ptr outs, ptr guards)`. `args` are data pointers: one per array, float and int
    leaf of the arguments in the order of a walk, then one per captured array. `outs` are pointers to dense memory for
    the outputs, by index. `guards` has room for `guards` numbers of 64 bits that the kernel fills. It returns 0 when
    all went well, 1 when a guard differs, more for errors.

    Args:
        arguments: one tree per positional argument; its leaves are of the first kind.
        outputs: the result; its leaves are of the second kind, and their indices count from 0 without a gap.
        captured: arrays that the kernel reads besides the arguments; each is C-contiguous and stays as it is.
        guards: how many guards.
        release_gil: whether other Python threads may run during the kernel.
        name: what the callable shows as its name.
        gate: while it is closed, every call goes to `slow`.
    """

    arguments: tuple[Node, ...]
    outputs: Node
    captured: tuple[np.ndarray[Any, Any], ...] = ()
    guards: int = 0
    release_gil: bool = False
    name: str = "entry"
    gate: Gate | None = None
    outs: tuple[ArrayOut | ScalarOut, ...] = field(init=False)

    def __post_init__(self) -> None:
        found: dict[int, ArrayOut | ScalarOut] = {}
        for leaf in leaves(self.outputs):
            if isinstance(leaf, (ArrayOut, ScalarOut)):
                if found.setdefault(leaf.index, leaf) != leaf:
                    raise ValueError(f"output {leaf.index} is used as {found[leaf.index]} and as {leaf}")
            elif not isinstance(leaf, ObjectOut):
                raise TypeError(f"{leaf} cannot stand in a result")
        if sorted(found) != list(range(len(found))):
            raise ValueError(f"output indices {sorted(found)} have a gap")
        for tree in self.arguments:
            for leaf in leaves(tree):
                if not isinstance(leaf, (ArrayLeaf, FloatLeaf, IntLeaf, StaticLeaf)):
                    raise TypeError(f"{leaf} cannot stand in an argument")
        object.__setattr__(self, "outs", tuple(found[i] for i in range(len(found))))


def leaves(node: Node) -> Iterator[Leaf | Out]:
    """The leaves of a tree, in the order of a walk."""
    if isinstance(node, (TupleNode, ListNode, DictNode, DataclassNode)):
        for item in node.items:
            yield from leaves(item)
    else:
        yield node


def numpy_types(dtype: DType) -> tuple[np.dtype[Any], ...]:
    """NumPy's dtypes that are this one: C has two names for an integer of 64 bits, and NumPy a dtype for each."""
    same = {np.dtype(char).num: np.dtype(char) for char in "?bhilqBHILQefd" if np.dtype(char) == dtype.numpy}
    return (dtype.numpy, *(d for number, d in same.items() if number != dtype.numpy.num))
