"""What the functions that write a part of a large product share: its layout, tables, and the helpers that it calls."""

from __future__ import annotations

from dataclasses import dataclass

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64
from tapec.passes.product_names import BLOCK, COLUMNS, FIELD, part_name, symbol
from tapec.passes.product_pack import offsets_function
from tapec.passes.product_tile import panel_width
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
        n: columns of the result.
        k: extent of the inner index.
        row_offsets: table of `height` rows of the left operand.
        left_offsets: table of a block of the inner index, for the left operand.
        right_offsets: the same for the right one.
        column_offsets: table of a few columns of the right operand.
    """

    def __init__(self, dtype: DType, vector_bits: int, height: int) -> None:
        f = self.f = FunctionText(part_name(dtype), "ptr noalias %call, i64 %first, i64 %stop")
        self.dtype = dtype
        self.vector_bits = vector_bits
        self.element = memory_element(dtype)
        self.width = panel_width(dtype, vector_bits)
        self.layout, self.a, self.b, self.c = (
            f.load(f.element_pointer(Reg("%call", "ptr"), i64(i), "ptr"), "ptr") for i in range(4)
        )
        self.n, self.k, self.read_b = self.value("n"), self.value("k"), self.value("read_b")
        self.row_offsets = f.alloca("i64", height)
        self.left_offsets = f.alloca("i64", BLOCK)
        self.right_offsets = f.alloca("i64", BLOCK)
        self.column_offsets = f.alloca("i64", COLUMNS)
        self.offsets = self.helper(offsets_function(f"{symbol(dtype)}_offsets"))

    def name(self, what: str) -> str:
        """The symbol of a helper or a table."""
        return f"{symbol(self.dtype)}_{what}"

    def helper(self, function: FunctionText) -> str:
        """Adds a private function to the module; its name."""
        self.f.helpers[function.name] = function
        return function.name

    def table(self, what: str, values: range) -> Reg:
        """A constant table of the module."""
        name = self.name(what)
        self.f.constants[name] = f"[{len(values)} x i64] [{', '.join(f'i64 {x}' for x in values)}]"
        return Reg(f"@{name}", "ptr")

    def value(self, name: str) -> Reg:
        """One word of the layout."""
        return self.f.load(field(self.f, self.layout, name), "i64")

    def call(self, name: str, *operands: Reg) -> None:
        """Calls a helper."""
        self.f.line(f"call void @{name}({', '.join(f'{x.type} {x.text}' for x in operands)})")

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
