"""What the functions that write a part of a large product share: its layout, tables, and how it calls others."""

from __future__ import annotations

from dataclasses import dataclass

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.product_names import BLOCK, COLUMNS, FIELD, panel_width, symbol
from tapec.passes.text_loops import counted


@dataclass(frozen=True, slots=True)
class Range:
    """Positions from one up to another."""

    start: Reg
    stop: Reg


def field(f: FunctionText, layout: Reg, name: str) -> Reg:
    """Address of one word of a layout."""
    return f.element_pointer(layout, i64(FIELD[name]), "i64")


class PartText:
    """The function of some units of a product: `void part(ptr call, i64 first unit, i64 unit behind the last)`.

    Attributes:
        f: where to write.
        element: LLVM's type of the matrices' elements.
        width: columns of a panel.
        m: rows of the result.
        n: columns of it.
        k: extent of the inner index.
        left_offsets: table of a block of the inner index, for the left operand.
        right_offsets: the same for the right one.
        column_offsets: table of a few columns of the right operand.
    """

    def __init__(self, name: str, dtype: DType, vector_bits: int) -> None:
        f = self.f = FunctionText(name, "ptr noalias %call, i64 %first, i64 %stop")
        self.dtype = dtype
        self.vector_bits = vector_bits
        self.element = memory_element(dtype)
        self.width = panel_width(dtype, vector_bits)
        self.layout, self.a, self.b, self.c = (
            f.load(f.element_pointer(Reg("%call", "ptr"), i64(i), "ptr"), "ptr") for i in range(4)
        )
        self.m, self.n, self.k = self.value("m"), self.value("n"), self.value("k")
        self.left_offsets = f.alloca("i64", BLOCK)
        self.right_offsets = f.alloca("i64", BLOCK)
        self.column_offsets = f.alloca("i64", COLUMNS)
        self.offsets = self.function("offsets")

    def table(self, what: str, values: range) -> Reg:
        """A constant table of the module."""
        name = symbol(what, self.dtype)
        self.f.constants[name] = f"[{len(values)} x i64] [{', '.join(f'i64 {x}' for x in values)}]"
        return Reg(f"@{name}", "ptr")

    def value(self, name: str) -> Reg:
        """One word of the layout."""
        return self.f.load(field(self.f, self.layout, name), "i64")

    def function(self, name: str) -> Reg:
        """The address of a function that this product calls."""
        return self.f.load(field(self.f, self.layout, name), "ptr")

    def call(self, function: Reg, *operands: Reg) -> None:
        """Calls it."""
        self.f.line(f"call void {function.text}({', '.join(f'{x.type} {x.text}' for x in operands)})")

    def fill(self, table: Reg, start: Reg, count: Reg, group: str, operand: str) -> None:
        """Fills a table with the offsets of an operand along an index."""
        at = [field(self.f, self.layout, f"{group}_{what}0") for what in ("extent", operand)]
        self.call(self.offsets, table, start, count, *at)

    def at_columns(self, b: Reg, column: Reg, count: Reg) -> Reg:
        """Fills the table of some columns; the address of the first one."""
        f = self.f
        self.fill(self.column_offsets, column, count, "column", "b")
        return f.element_pointer(b, f.load(self.column_offsets, "i64"), self.element)

    def repeat_last(self, count: Reg) -> None:
        """Fills up the table of columns to whole panels."""
        f = self.f
        wanted = f.binary("and", f.add(count, i64(self.width - 1)), i64(-self.width))
        last = f.load(f.element_pointer(self.column_offsets, f.sub(count, i64(1)), "i64"), "i64")
        with counted(f, wanted, start=count) as j:
            f.store(last, f.element_pointer(self.column_offsets, j, "i64"))
