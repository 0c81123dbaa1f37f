"""Kernels for one op and any shape: the code that eager runs call where NumPy's bits would be others.

They are the nests of compiled programs, with extents given at run time, and written by the same emitter.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.passes.identities import COMBINE
from tapec.passes.kernel_status import KERNEL
from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.passes.loops import Access, Buffer, Compute, Instruction, Load, Nest, Reduce, Store
from tapec.passes.nest_loops import emit_nest
from tapec.passes.places import Surroundings
from tapec.passes.short_axes import halved


def _surroundings(names: dict[Buffer, str], vector_bits: int) -> Surroundings:
    def never(*_: object) -> None:
        raise AssertionError("these primitives neither fault nor guard")

    return Surroundings(lambda buffer: Reg(names[buffer], "ptr"), never, never, never, vector_bits)


def elementwise_kernel(primitive: Primitive, dtype: DType, scalar: tuple[bool, ...], vector_bits: int) -> str:
    """Module of `i64 kernel(i64 n, ptr operand..., ptr out)`: n elements, dense.

    Args:
        primitive: a primitive without attributes.
        dtype: of the operands, and of the result unless the primitive gives booleans.
        scalar: per operand, whether it is one element for all n.
        vector_bits: width of the machine's vector registers.
    """
    operands = [Buffer(f"in{i}", dtype, 0, "input", i) for i in range(len(scalar))]
    out = Buffer("out", dtypes.BOOL if primitive.result == "bool" else dtype, 0, "output")
    body: list[Instruction] = [
        Load(i, Access(b, 0, (0 if s else 1,))) for i, (b, s) in enumerate(zip(operands, scalar, strict=True))
    ]

    def compute(primitive: Primitive, operands: tuple[int, ...], dtype: DType, to: DType | None = None) -> int:
        attributes: dict[str, Attribute] = {} if to is None else {"dtype": to.name}
        body.append(Compute(len(body), primitive, operands, attributes, dtype, None))
        return len(body) - 1

    registers = tuple(range(len(scalar)))
    if dtype.is_short:  # as `passes.widen` has it
        registers = tuple([compute(ew.cast, (r,), dtype, dtypes.F32) for r in registers])
        result = compute(primitive, registers, dtypes.F32)
        if out.dtype is dtype:
            result = compute(ew.cast, (result,), dtypes.F32, dtype)
    else:
        result = compute(primitive, registers, dtype)
    body.append(Store(result, Access(out, 0, (1,))))
    return _map(primitive.name, operands, out, body, vector_bits)


def cast_kernel(dtype: DType, to: DType, vector_bits: int) -> str:
    """Module of `i64 kernel(i64 n, ptr operand, ptr out)`: n elements, dense, in another dtype.

    Args:
        dtype: of the operand.
        to: of the result.
        vector_bits: width of the machine's vector registers.
    """
    operand, out = Buffer("in0", dtype, 0, "input"), Buffer("out", to, 0, "output")
    cast = Compute(1, ew.cast, (0,), {"dtype": to.name}, dtype, None)
    body: list[Instruction] = [Load(0, Access(operand, 0, (1,))), cast, Store(1, Access(out, 0, (1,)))]
    return _map("cast", [operand], out, body, vector_bits)


def _map(label: str, operands: Sequence[Buffer], out: Buffer, body: Sequence[Instruction], vector_bits: int) -> str:
    """The module of a kernel over one axis."""
    names = {b: f"%{b.name}" for b in (*operands, out)}
    parameters = ", ".join(["i64 %n", *(f"ptr noalias {name}" for name in names.values())])
    f = FunctionText(KERNEL, parameters, "i64")
    emit_nest(f, Nest(("%n",), (False,), tuple(body), False, label), _surroundings(names, vector_bits))
    f.line("ret i64 0")
    return module_text([f])


def reduction_kernel(primitive: Primitive, dtype: DType, row: bool, vector_bits: int) -> str:
    """Module of `i64 kernel(i64 outer, i64 n, i64 inner, i64 block, ptr in, ptr out)`, all extents at least 1.

    The dense operand is `(outer, n, inner)` and n is reduced; block is n * inner. With `row`, inner is 1 and the
    reduction combines as rows do, else as columns do.
    """
    source, out = Buffer("in", dtype, 0, "input"), Buffer("out", dtype, 0, "output")
    if row:
        extents: tuple[str, ...] = ("%outer", "%n")
        reduced: tuple[bool, ...] = (False, True)
        read, write = Access(source, 0, ("%n", 1)), Access(out, 0, (1, 0))
    else:
        extents, reduced = ("%outer", "%n", "%inner"), (False, True, False)
        read, write = Access(source, 0, ("%block", "%inner", 1)), Access(out, 0, ("%inner", 0, 1))
    body = (Load(0, read), Reduce(0, primitive, dtype, write))
    f = FunctionText(KERNEL, "i64 %outer, i64 %n, i64 %inner, i64 %block, ptr noalias %in, ptr noalias %out", "i64")
    names = {source: "%in", out: "%out"}
    emit_nest(f, Nest(extents, reduced, body, row, primitive.name), _surroundings(names, vector_bits))
    f.line("ret i64 0")
    return module_text([f])


def short_kernel(primitive: Primitive, dtype: DType, count: int, over: bool, rows: bool, vector_bits: int) -> str:
    """Module of `i64 kernel(i64 outer, i64 n, i64 block, ptr in, ptr out)` for reductions with a short axis.

    The dense operand is `(outer, n, count)`, and block is n * count.

    Args:
        primitive: the reduction.
        dtype: of the elements.
        count: positions of the short axis.
        over: whether that axis is reduced.
        rows: whether n is reduced.
        vector_bits: width of the machine's vector registers.
    """
    source, out = Buffer("in", dtype, 0, "input"), Buffer("out", dtype, 0, "output")
    body: list[Instruction] = [Load(k, Access(source, k, ("%block", count))) for k in range(count)]
    kept = 1 if over else count

    def combine(a: int, b: int) -> int:
        body.append(Compute(len(body), COMBINE[primitive], (a, b), {}, dtype, None))
        return len(body) - 1

    results = [halved(range(count), combine)] if over else list(range(count))
    for k, register in enumerate(results):
        if rows:
            body.append(Reduce(register, primitive, dtype, Access(out, k, (kept, 0))))
        else:
            body.append(Store(register, Access(out, k, ("%n", kept))))
    names = {source: "%in", out: "%out"}
    f = FunctionText(KERNEL, "i64 %outer, i64 %n, i64 %block, ptr noalias %in, ptr noalias %out", "i64")
    nest = Nest(("%outer", "%n"), (False, rows), tuple(body), rows, primitive.name)
    emit_nest(f, nest, _surroundings(names, vector_bits))
    f.line("ret i64 0")
    return module_text([f])
