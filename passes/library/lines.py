"""What the library steps share: an operand seen as lines along one axis, and checked indices."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tapec.ir.graph import Location
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.places import Surroundings
from tapec.passes.steps import Operand


@dataclass(frozen=True, slots=True)
class Lines:
    """A dense operand as `outer` blocks of `length` positions of `inner` elements each.

    Args:
        pointer: address of the first element.
        element: LLVM type of an element in memory.
        outer: product of the extents before the axis.
        length: the axis' extent.
        inner: product of the extents behind it.
    """

    pointer: Reg
    element: str
    outer: int
    length: int
    inner: int

    def at(self, f: FunctionText, outer: Reg, position: Reg, inner: Reg) -> Reg:
        """Address of one element."""
        line = f.add(f.mul(outer, i64(self.length)), position)
        return f.element_pointer(self.pointer, f.add(f.mul(line, i64(self.inner)), inner), self.element)


def address(f: FunctionText, operand: Operand, around: Surroundings) -> Reg:
    """Address of an operand's first element."""
    base = around.pointer(operand.buffer)
    if operand.offset == 0:
        return base
    return f.element_pointer(base, i64(operand.offset), memory_element(operand.buffer.dtype))


def lines(f: FunctionText, operand: Operand, axis: int, around: Surroundings) -> Lines:
    """An operand as lines along `axis`."""
    shape = operand.shape
    element = memory_element(operand.buffer.dtype)
    return Lines(address(f, operand, around), element, prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :]))


def checked_index(
    f: FunctionText, pointer: Reg, operand: Operand, size: int, around: Surroundings, location: Location | None
) -> Reg:
    """The index at `pointer`, negatives counted from the end; one outside records a fault and becomes 0, so that
    nothing outside the array is touched. `size` is at least 1.
    """
    dtype = operand.buffer.dtype
    index = f.load(pointer, memory_element(dtype))
    if dtype.bits < 64:
        index = f.convert("zext" if dtype.kind == "u" else "sext", index, "i64")
    if dtype.kind != "u":
        negative = f.icmp("slt", index, i64(0))
        index = f.select(negative, f.add(index, i64(size)), index)
    outside = f.icmp("uge", index, i64(size))
    around.fault(outside, location)
    return f.select(outside, i64(0), index)


def copy_bytes(f: FunctionText, to: Reg, source: Reg, count: int) -> None:
    """Copies memory that does not overlap."""
    symbol = "llvm.memcpy.p0.p0.i64"
    f.declarations.add(f"declare void @{symbol}(ptr, ptr, i64, i1)")
    f.line(f"call void @{symbol}(ptr {to.text}, ptr {source.text}, i64 {count}, i1 false)")
