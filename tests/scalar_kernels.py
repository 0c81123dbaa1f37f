"""Loops around single rows of the scalar table, compiled, for tests."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Primitive
from tapec.passes.llvm_text import FunctionText, Reg, memory_element, module_text, register_element
from tapec.passes.scalar.table import ROWS
from tapec.runtime.jit import compile_module
from tapec.runtime.seldom import addresses

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """A row at one choice of operand dtypes, attributes and width."""

    primitive: Primitive
    operands: tuple[DType, ...]
    width: int = 1
    attributes: dict[str, Attribute] = field(default_factory=dict)

    @property
    def result(self) -> DType:
        if self.primitive.result == "attribute":
            return dtypes.by_name(str(self.attributes["dtype"]))
        return dtypes.BOOL if self.primitive.result == "bool" else self.operands[-1]


def kernels(cases: Sequence[Case]) -> list[Callable[..., Array]]:
    """One function per case, from arrays to an array; lengths must be multiples of the case's width."""
    library = compile_module(module_text([_loop(f"k{i}", case) for i, case in enumerate(cases)]), symbols=addresses)

    def callable_of(i: int, case: Case) -> Callable[..., Array]:
        pointers = [ctypes.c_void_p] * (len(case.operands) + 1)
        native = ctypes.CFUNCTYPE(None, *pointers, ctypes.c_int64)(library.address(f"k{i}"))

        def run(*arrays: Array) -> Array:
            assert library is not None  # the code lives as long as this closure
            assert [a.dtype for a in arrays] == [d.numpy for d in case.operands]
            assert arrays[0].size % case.width == 0
            arrays = tuple(np.ascontiguousarray(a) for a in arrays)
            out = np.empty(arrays[0].shape, case.result.numpy)
            native(*(a.ctypes.data for a in arrays), out.ctypes.data, out.size)
            return out

        return run

    return [callable_of(i, case) for i, case in enumerate(cases)]


def _loop(name: str, case: Case) -> FunctionText:
    count = len(case.operands)
    f = FunctionText(name, "".join(f"ptr %a{i}, " for i in range(count)) + "ptr %out, i64 %n")
    f.branch("loop")
    f.label("loop")
    i = f.phi("i64", [("0", "entry"), ("%next", "end")])
    registers = []
    for position, dtype in enumerate(case.operands):
        element = memory_element(dtype)
        value = f.load(f.element_pointer(Reg(f"%a{position}", "ptr"), i, element), element, case.width)
        registers.append(f.convert("trunc", value, "i1") if dtype is dtypes.BOOL else value)
    value = ROWS[case.primitive](f, case.operands[-1], tuple(registers), case.attributes)
    assert (value.element, value.width) == (register_element(case.result), case.width)
    if case.result is dtypes.BOOL:
        value = f.convert("zext", value, "i8")
    f.store(value, f.element_pointer(Reg("%out", "ptr"), i, memory_element(case.result)))
    f.branch("end")
    f.label("end")
    f.line(f"%next = add i64 {i.text}, {case.width}")
    f.branch_if(f.icmp("slt", Reg("%next", "i64"), Reg("%n", "i64")), "loop", "done")
    f.label("done")
    f.line("ret void")
    return f


def same_bits(a: Array, b: Array) -> Array:
    """Where two arrays have the same bits; any NaN equals any other."""
    assert a.dtype == b.dtype
    if not dtypes.of(a.dtype).is_float:
        return np.asarray(a == b)
    pattern = f"u{a.dtype.itemsize}"
    with np.errstate(invalid="ignore"):  # NaNs of bfloat16 that signal
        return (a.view(pattern) == b.view(pattern)) | (np.isnan(a) & np.isnan(b))


def padded(a: Array, multiple: int = 16) -> Array:
    """The array with its first elements repeated at the end, up to a multiple."""
    return np.resize(a, -(-a.size // multiple) * multiple)


def any_bits(rng: np.random.Generator, dtype: DType, count: int) -> Array:
    """Floats with uniformly random bits: every exponent, subnormals, infinities and NaN."""
    return rng.integers(0, 2**dtype.bits, count, dtype=np.uint64).astype(f"u{dtype.itemsize}").view(dtype.numpy)
