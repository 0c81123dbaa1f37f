"""Writing a routine around LAPACK: its arguments, calls, and copies between layouts.

LAPACK stores matrices by columns and works in place, so every operand is copied into memory of the routine's, and
results are copied to row-major arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from tapec.ir.dtypes import DType
from tapec.passes.lapack.names import ALONE_BEGIN, ALONE_BELOW, ALONE_END, DONE, FAILED, lapack_symbol, symbol
from tapec.passes.lapack.plans import DENSE, OPERANDS, SIZES, UNREAD
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.loop_text import i64, when
from tapec.passes.text_loops import counted


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix in memory: address of its first element, elements from row to row and from column to column."""

    pointer: Reg
    row: Reg
    column: Reg


@final
class Routine:
    """The function of one primitive and dtype, as `i64 (batch, sizes, operands, results, scratch)`.

    A matrix operand is an address and three strides in elements: from matrix to matrix, from row to row, from column to
    column. Dense operands, results and scratch are addresses. The function gives `DONE`, or `FAILED`.

    Args:
        primitive: its name.
        dtype: of the elements.
        results: their number.
        scratch: number of pieces of scratch memory.

    Attributes:
        f: the function's text.
        size: the sizes by name.
        results: addresses of the first matrix of each.
        scratch: addresses.
    """

    def __init__(self, primitive: str, dtype: DType, results: int, scratch: int) -> None:
        self.dtype = dtype
        self.element = memory_element(dtype)
        parameters = ["i64 %batch", *[f"i64 %{name}" for name in SIZES[primitive]]]
        self._operands: list[tuple[str, str]] = []
        for i, kind in enumerate(OPERANDS[primitive]):
            self._operands.append((f"%in{i}", kind))
            if kind != UNREAD:
                parameters.append(f"ptr %in{i}")
            if kind not in (UNREAD, DENSE):
                parameters += [f"i64 %in{i}_batch", f"i64 %in{i}_row", f"i64 %in{i}_column"]
        parameters += [f"ptr %out{i}" for i in range(results)] + [f"ptr %scratch{i}" for i in range(scratch)]
        self.f = FunctionText(symbol(primitive, dtype), ", ".join(parameters), "i64")
        self.size = {name: Reg(f"%{name}", "i64") for name in SIZES[primitive]}
        self.results = [Reg(f"%out{i}", "ptr") for i in range(results)]
        self.scratch = [Reg(f"%scratch{i}", "ptr") for i in range(scratch)]
        self._status = self.f.alloca("i64", 1)
        self.f.store(i64(DONE), self._status)
        self._info = self.f.alloca("i32", 1)

    def for_each_matrix(self, body: Callable[[Reg], None], small: int = 0) -> list[FunctionText]:
        """The finished function, which does `body(i)` for each matrix `i`.

        Args:
            body: writes what is done.
            small: matrices of up to so many rows do not need LAPACK.
        """
        f = self.f
        extents = [self.size[name] for name in ("m", "n", "k") if name in self.size]
        largest = extents[0]
        for extent in extents[1:]:
            largest = f.intrinsic("smax", largest, extent)
        calls = f.icmp("sgt", self.size["n"], i64(small))
        alone = f.binary("and", calls, f.icmp("slt", largest, i64(ALONE_BELOW)))
        when(f, alone, lambda: self._between(ALONE_BEGIN))
        with counted(f, Reg("%batch", "i64")) as i:
            body(i)
        when(f, alone, lambda: self._between(ALONE_END))
        self.f.line(f"ret i64 {self.f.load(self._status, 'i64').text}")
        return [self.f]

    def _between(self, symbol: str) -> None:
        self.f.call(symbol, "void")

    # Operands --------------------------------------------------------------------------------------------------------

    def operand(self, position: int, i: Reg) -> Matrix:
        """Matrix `i` of a matrix operand."""
        f, name = self.f, self._operands[position][0]
        start = f.mul(i, Reg(f"{name}_batch", "i64"))
        pointer = f.element_pointer(Reg(name, "ptr"), start, self.element)
        return Matrix(pointer, Reg(f"{name}_row", "i64"), Reg(f"{name}_column", "i64"))

    def part(self, pointer: Reg, i: Reg, size: Reg, element: str | None = None) -> Reg:
        """Address of part `i` of memory that holds parts of `size` elements."""
        return self.f.element_pointer(pointer, self.f.mul(i, size), element or self.element)

    def dense(self, position: int, i: Reg, size: Reg, element: str | None = None) -> Reg:
        """Address of part `i` of a dense operand."""
        return self.part(Reg(self._operands[position][0], "ptr"), i, size, element)

    def by_rows(self, pointer: Reg, columns: Reg) -> Matrix:
        """A dense row-major matrix."""
        return Matrix(pointer, columns, i64(1))

    def by_columns(self, pointer: Reg, rows: Reg) -> Matrix:
        """A dense column-major matrix."""
        return Matrix(pointer, i64(1), rows)

    # Calls -----------------------------------------------------------------------------------------------------------

    def integer(self, value: Reg) -> Reg:
        """Address of a 32-bit integer."""
        box = self.f.alloca("i32", 1, align=4)
        self.f.store(self.f.convert("trunc", value, "i32"), box)
        return box

    def leading(self, rows: Reg) -> Reg:
        """Address of a leading dimension, which is at least 1."""
        return self.integer(self.f.intrinsic("smax", rows, i64(1)))

    def letter(self, letter: str) -> Reg:
        """Address of a character."""
        return self.choice(Reg("true", "i1"), letter, letter)

    def choice(self, condition: Reg, then: str, otherwise: str) -> Reg:
        """Address of one of two characters."""
        f = self.f
        box = f.alloca("i8", 1, align=1)
        f.store(f.select(condition, f.number(ord(then), "i8"), f.number(ord(otherwise), "i8")), box)
        return box

    def number(self, value: float) -> Reg:
        """Address of a number of the routine's dtype."""
        box = self.f.alloca(self.element, 1, align=8)
        self.f.store(self.f.number(value, self.element), box)
        return box

    def nonzero(self, name: str) -> Reg:
        """Whether a size is not zero."""
        return self.f.icmp("ne", self.size[name], i64(0))

    def call(self, stem: str, *pointers: Reg) -> None:
        """Calls a BLAS routine."""
        self.f.call(lapack_symbol(stem), "void", *pointers)

    def lapack(self, stem: str, *pointers: Reg, may_fail: bool = True) -> None:
        """Calls a LAPACK routine, which reports failure by an integer behind its other arguments."""
        f = self.f
        f.store(f.number(0, "i32"), self._info, align=4)
        self.call(stem, *pointers, self._info)
        if may_fail:
            self.fail_if(f.icmp("ne", f.load(self._info, "i32"), f.number(0, "i32")))

    def fail_if(self, condition: Reg) -> None:
        """Has the routine give `FAILED` if the condition holds."""
        when(self.f, condition, lambda: self.f.store(i64(FAILED), self._status))

    # Copies ----------------------------------------------------------------------------------------------------------

    def copy(self, rows: Reg, columns: Reg, source: Matrix, target: Matrix) -> None:
        """Copies a matrix from one layout to another."""
        name = f"{self.f.name}_copy"
        if name not in self.f.helpers:
            self.f.helpers[name] = _copy(name, self.element)
        self.f.call(
            name, "void", rows, columns, source.pointer, source.row, source.column, target.pointer, target.row,
            target.column,
        )  # fmt: skip

    def each_element(self, rows: Reg, columns: Reg, body: Callable[[Reg, Reg], None]) -> None:
        """`body(row, column)` for each element."""
        with counted(self.f, rows) as i, counted(self.f, columns) as j:
            body(i, j)

    def at(self, matrix: Matrix, i: Reg, j: Reg) -> Reg:
        """Address of an element."""
        f = self.f
        return f.element_pointer(matrix.pointer, f.add(f.mul(i, matrix.row), f.mul(j, matrix.column)), self.element)

    def copy_triangle(self, n: Reg, source: Matrix, target: Matrix, *, lower: bool) -> None:
        """Copies one triangle of a square matrix, its diagonal included, and fills the other one with zeros."""
        f = self.f

        def element(i: Reg, j: Reg) -> None:
            kept = f.icmp("sge" if lower else "sle", i, j)
            value = f.load(self.at(source, i, j), self.element)
            f.store(f.select(kept, value, f.number(0.0, self.element)), self.at(target, i, j))

        self.each_element(n, n, element)


_TILE = 8  # a cache line of doubles: each one is read once, whichever way a matrix lies


def _copy(name: str, element: str) -> FunctionText:
    f = FunctionText(
        name,
        "i64 %rows, i64 %columns, ptr noalias %from, i64 %from_row, i64 %from_column, ptr noalias %to, i64 %to_row, "
        "i64 %to_column",
    )
    rows, columns = Reg("%rows", "i64"), Reg("%columns", "i64")
    with counted(f, rows, step=_TILE) as top, counted(f, columns, step=_TILE) as left:
        bottom = f.intrinsic("smin", f.add(top, i64(_TILE)), rows)
        right = f.intrinsic("smin", f.add(left, i64(_TILE)), columns)
        with counted(f, right, start=left) as j:
            read = f.element_pointer(Reg("%from", "ptr"), f.mul(j, Reg("%from_column", "i64")), element)
            write = f.element_pointer(Reg("%to", "ptr"), f.mul(j, Reg("%to_column", "i64")), element)
            with counted(f, bottom, start=top) as i:
                at = f.element_pointer(read, f.mul(i, Reg("%from_row", "i64")), element)
                f.store(f.load(at, element), f.element_pointer(write, f.mul(i, Reg("%to_row", "i64")), element))
    f.line("ret void")
    return f
