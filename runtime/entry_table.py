"""What the text of a native entry refers to: Python objects by slot of a table, array extents, C functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.runtime import cpython

NULL: Final = Reg("null", "ptr")
ITEMS: Final = Reg("%items", "ptr")

_ADDRESSES: Final = 0
_SLOW: Final = 1
_MISS: Final = 2

NEW_ARRAY: Final = "tapec_PyArray_NewFromDescr"
NEW_SCALAR: Final = "tapec_PyArray_Scalar"
SET_HANDLER: Final = "tapec_PyDataMem_SetHandler"


class Table:
    """The objects that one entry reads.

    The text of an entry holds no address, just slots of this table, so that entries of one structure share their code.
    In a function that uses it `%items` points to the table's first item.
    """

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._slots: dict[int, int] = {}
        self._extents: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}

    def load(self, f: FunctionText, thing: object) -> Reg:
        """The object itself, as a borrowed pointer."""
        slot = self._slots.get(id(thing))
        if slot is None:
            slot = self._slots[id(thing)] = _MISS + 1 + len(self._objects)
            self._objects.append(thing)
        return field(f, ITEMS, 8 * slot, "ptr")

    def kernel(self, f: FunctionText) -> Reg:
        """Address of the kernel."""
        return field(f, field(f, ITEMS, 8 * _ADDRESSES, "ptr"), cpython.BYTES, "ptr")

    def slow(self, f: FunctionText) -> Reg:
        """What is called when the arguments are not those of the entry."""
        return field(f, ITEMS, 8 * _SLOW, "ptr")

    def miss(self, f: FunctionText) -> Reg:
        """What is called when the kernel did not return 0."""
        return field(f, ITEMS, 8 * _MISS, "ptr")

    def extents(self, shape: tuple[int, ...]) -> Reg:
        """Pointer to a constant array of extents."""
        place = self._places.get(shape)
        if place is None:
            place = self._places[shape] = len(self._extents)
            self._extents.extend(shape)
        return Reg(f"getelementptr inbounds (i64, ptr @extents, i64 {place})", "ptr")

    def constants(self) -> str:
        """Definition of the extents."""
        values = ", ".join(f"i64 {n}" for n in self._extents or [0])
        return f"@extents = private unnamed_addr constant [{len(self._extents) or 1} x i64] [{values}]"

    def items(self, kernel: int, slow: Callable[..., Any], miss: Callable[..., Any]) -> tuple[Any, ...]:
        """The table as the entry's code wants it."""
        return (kernel.to_bytes(8, "little"), slow, miss, *self._objects)


def symbols() -> dict[str, int]:
    """Addresses of the functions that do not go by their own name."""
    functions = cpython.numpy_functions()
    return {
        NEW_ARRAY: functions.new_from_descr,
        NEW_SCALAR: functions.scalar,
        SET_HANDLER: functions.set_handler,
    }


def offset(f: FunctionText, base: Reg, distance: int) -> Reg:
    """`distance` bytes behind `base`."""
    return f.element_pointer(base, f.number(distance, "i64"), "i8")


def field(f: FunctionText, base: Reg, distance: int, element: str) -> Reg:
    """The value `distance` bytes behind `base`."""
    return f.load(offset(f, base, distance), element)
