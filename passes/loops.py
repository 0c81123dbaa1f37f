"""Loop nests: loads, scalar ops and stores in perfectly nested loops, before any target is chosen.

The body of a `Nest` is a straight line of instructions, with reductions into results. A nest says which axes are
reduced; which loop runs outside, on which thread, or across SIMD lanes is the target's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Attribute, Location, Value
from tapec.ir.primitive import Primitive

# An extent or a stride: a number, or the name of a parameter of the kernel (kernels that serve many shapes).
Extent = int | str


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """Dense memory of one value.

    Args:
        name: as printed.
        dtype: of its elements.
        size: number of elements; 0 where the kernel gets it at run time.
        kind: an `input`, an `output`, `temporary` memory, or the `slice` of another buffer that belongs to the present
            iteration of a `Loop`.
        index: which input or output.
        value: the graph's value, where there is one.
        base: of a slice, the buffer that holds all of them one after the other.
        offset: of a slice, where the first one begins in `base`, in elements.
        stride: of a slice, from one to the next, in elements.
        parts: the graph's values, where the memory holds several.
    """

    name: str
    dtype: DType
    size: int
    kind: Literal["input", "output", "temporary", "slice"]
    index: int = 0
    value: Value | None = None
    base: Buffer | None = None
    offset: int = 0
    stride: int = 0
    parts: tuple[Value, ...] = ()

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Window:
    """For one axis: the operand covers positions `start + i * step`, `0 <= i < extent`, and is zero elsewhere."""

    start: int
    step: int
    extent: int


@dataclass(frozen=True, slots=True)
class Access:
    """One element per iteration: `buffer[offset + sum(index * stride)]`.

    Args:
        buffer: the memory.
        offset: of the iteration at index 0, in elements.
        strides: per axis of the nest; for an axis with a window, per position inside the window.
        windows: per axis, or empty when every iteration reads (`unslice` reads zero outside its window).
    """

    buffer: Buffer
    offset: int
    strides: tuple[Extent, ...]
    windows: tuple[Window | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """Register `out` = element at `access`."""

    out: int
    access: Access


@dataclass(frozen=True, slots=True)
class Constant:
    """Register `out` = a number."""

    out: int
    value: bool | float
    dtype: DType


def zero(out: int, dtype: DType) -> Constant:
    """What is read outside of a window."""
    return Constant(out, 0.0 if dtype.is_float else dtype.kind != "b" and 0, dtype)


@dataclass(frozen=True, slots=True)
class Index:
    """Register `out` = the iteration's position along `axis`."""

    out: int
    axis: int
    dtype: DType


@dataclass(frozen=True, slots=True)
class Inside:
    """Register `out` = whether the iteration lies in the window of each axis that has one."""

    out: int
    windows: tuple[Window | None, ...]


@dataclass(frozen=True, slots=True)
class Compute:
    """Register `out` = an elementwise primitive of registers; `dtype` is that of the operands (the last one's)."""

    out: int
    primitive: Primitive
    operands: tuple[int, ...]
    attributes: dict[str, Attribute]
    dtype: DType
    location: Location | None


@dataclass(frozen=True, slots=True)
class Store:
    """Element at `access` = register `value`."""

    value: int
    access: Access


@dataclass(frozen=True, slots=True)
class Reduce:
    """Element at `access` = combination of register `value` over the reduced axes."""

    value: int
    primitive: Primitive
    dtype: DType
    access: Access


Instruction = Load | Constant | Index | Inside | Compute | Store | Reduce


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops over `extents`; `reduced[i]` says that axis i is reduced.

    Whether the innermost axis that is longer than 1 is reduced was decided from the op's own shape (`row`): it fixes
    the order in which a reduction combines (`docs/design/0002-numerics.md`), which no rewriting of loops may change.
    """

    extents: tuple[Extent, ...]
    reduced: tuple[bool, ...]
    body: tuple[Instruction, ...]
    row: bool
    label: str

    @property
    def windowed_axes(self) -> set[int]:
        """Axes along which some instruction has a window."""
        windows = [
            i.access.windows if isinstance(i, Load) else i.windows for i in self.body if isinstance(i, Load | Inside)
        ]
        return {axis for each in windows for axis, window in enumerate(each) if window is not None}

    @property
    def register_dtypes(self) -> dict[int, DType]:
        """Element type of each register."""
        types: dict[int, DType] = {}
        for i in self.body:
            if isinstance(i, Load):
                types[i.out] = i.access.buffer.dtype
            elif isinstance(i, Constant | Index):
                types[i.out] = i.dtype
            elif isinstance(i, Inside):
                types[i.out] = dtypes.BOOL
            elif isinstance(i, Compute):
                types[i.out] = result_dtype(i)
        return types


def result_dtype(compute: Compute) -> DType:
    """Element type that an elementwise primitive gives."""
    if compute.primitive.result == "bool":
        return dtypes.BOOL
    if compute.primitive.result == "attribute":
        return dtypes.by_name(str(compute.attributes["dtype"]))
    return compute.dtype


def needed(body: Sequence[Instruction]) -> tuple[Instruction, ...]:
    """The stores and reductions of a body, with the instructions that they need."""
    wanted: set[int] = set()
    kept: list[Instruction] = []
    for i in reversed(body):
        if isinstance(i, Store | Reduce):
            wanted.add(i.value)
        elif i.out not in wanted:
            continue
        elif isinstance(i, Compute):
            wanted.update(i.operands)
        kept.append(i)
    return tuple(kept[::-1])
