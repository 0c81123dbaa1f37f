"""The loop IR: what a program does to memory, before any target is chosen.

A `Program` is a list of steps over buffers. Most steps are `Nest`s: perfectly nested loops whose body is a straight line
of loads, scalar ops and stores, with reductions into results. A nest says which axes are reduced; which loop runs
outside, on which thread, or across SIMD lanes is the target's business. Steps that are no loop nest are `LibraryStep`s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

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
        kind: an `input`, an `output`, or `temporary` memory of the arena.
        index: which input or output.
        value: the graph's value, where there is one.
    """

    name: str
    dtype: DType
    size: int
    kind: Literal["input", "output", "temporary"]
    index: int = 0
    value: Value | None = None


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


@dataclass(frozen=True, slots=True)
class Index:
    """Register `out` = the iteration's position along `axis`."""

    out: int
    axis: int
    dtype: DType


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


Instruction = Load | Constant | Index | Compute | Store | Reduce


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops over `extents`; `reduced[i]` says that axis i is reduced.

    Whether the innermost axis that is longer than 1 is reduced was decided from the op's own shape (`row`): it fixes the
    order in which a reduction combines (`docs/design/0002-numerics.md`), which no rewriting of loops may change.
    """

    extents: tuple[Extent, ...]
    reduced: tuple[bool, ...]
    body: tuple[Instruction, ...]
    row: bool
    label: str

    @property
    def register_dtypes(self) -> dict[int, DType]:
        """Element type of each register."""
        types: dict[int, DType] = {}
        for i in self.body:
            if isinstance(i, Load):
                types[i.out] = i.access.buffer.dtype
            elif isinstance(i, Constant | Index):
                types[i.out] = i.dtype
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


@dataclass(frozen=True, slots=True)
class Operand:
    """Memory that a library step reads: a dense buffer from `offset` on, or a matrix with the given strides."""

    buffer: Buffer
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LibraryStep:
    """One op that is not a loop nest of ours: a gather, scatter, sort, matrix product, guard, ...

    `scratch` is memory that the step needs while it runs.
    """

    primitive: Primitive
    operands: tuple[Operand, ...]
    result: Buffer | None
    scratch: Buffer | None
    shape: tuple[int, ...]
    attributes: dict[str, Any]
    location: Location | None


Step = Nest | LibraryStep


@dataclass(frozen=True, slots=True)
class Program:
    """Everything that one compiled function does.

    Args:
        name: of the graph.
        inputs: one buffer per graph input.
        outputs: one buffer per graph output.
        temporaries: arena memory, with the byte offset of each.
        arena_bytes: size of the arena.
        steps: in order.
        guards: number of guard values that it reports.
    """

    name: str
    inputs: tuple[Buffer, ...]
    outputs: tuple[Buffer, ...]
    temporaries: dict[Buffer, int]
    arena_bytes: int
    steps: tuple[Step, ...]
    guards: int
