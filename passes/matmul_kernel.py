"""The loop for small matrix products: tiles of four rows and one vector of columns, in registers.

Every element of the result is a sum over blocks of `BLOCK` steps of the inner axis, each one chain,
`acc = fma(a[i, p], b[p, j], acc)` from `acc = 0` (for integers a product and a sum, wrapping). How rows and columns are
tiled does not touch a chain, so the unrolled form for tiny static products, and the routine for large ones
(`passes.product_text`), have the same bits.
"""

from __future__ import annotations

from typing import Final

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.passes.matmul_names import is_small
from tapec.passes.product_names import BLOCK
from tapec.passes.text_loops import counted

_ROWS: Final = 4
_UNROLLED_STEPS: Final = 64

SIGNATURE: Final = (
    "i64 %m, i64 %n, i64 %k, ptr noalias %a, i64 %a_row, i64 %a_col, "
    "ptr noalias %b, i64 %b_row, i64 %b_col, ptr noalias %c"
)


def lanes(dtype: DType) -> int:
    """Columns per tile."""
    return min(16, 64 // dtype.itemsize)


def is_unrolled(dtype: DType, m: int, n: int, k: int) -> bool:
    """Whether `emit_small_matmul` takes a product of these sizes; others are calls of the routine."""
    vectors = -(-n // lanes(dtype))
    return 0 < m * k * vectors <= _UNROLLED_STEPS and k <= BLOCK and is_small(dtype, m, n, k)


def step(f: FunctionText, dtype: DType, a: Reg, b: Reg, acc: Reg) -> Reg:
    """One link of the chain: `acc + a * b`, rounded once for floats, wrapping for integers."""
    return f.intrinsic("fma", a, b, acc) if dtype.is_float else f.add(f.mul(a, b), acc)


def emit_small_matmul(
    f: FunctionText,
    dtype: DType,
    m: int,
    n: int,
    k: int,
    a: Reg,
    a_strides: tuple[int, int],
    b: Reg,
    b_strides: tuple[int, int],
    c: Reg,
) -> None:
    """Writes a tiny product of static size (`is_unrolled`) without a loop; its bits are those of the routine.

    Args:
        f: where to write.
        dtype: of all three.
        m: rows of the result, at least 1, as are n and k.
        n: columns of the result.
        k: inner extent.
        a: pointer to the first element of `(m, k)`.
        a_strides: its row and column strides in elements, of any kind.
        b: pointer to the first element of `(k, n)`.
        b_strides: its row and column strides.
        c: pointer to the dense row-major `(m, n)` result.
    """
    element = memory_element(dtype)
    full = lanes(dtype)
    for column in range(0, n, full):
        width = min(full, n - column)
        right = [_row(f, element, b, p * b_strides[0] + column * b_strides[1], b_strides[1], width) for p in range(k)]
        for i in range(m):
            acc = f.number(0, element, width)
            for p in range(k):
                at = f.element_pointer(a, f.number(i * a_strides[0] + p * a_strides[1], "i64"), element)
                acc = step(f, dtype, f.splat(f.load(at, element), width), right[p], acc)
            f.store(acc, f.element_pointer(c, f.number(i * n + column, "i64"), element), dtype.itemsize)


def _row(f: FunctionText, element: str, base: Reg, offset: int, stride: int, width: int) -> Reg:
    """`width` elements at a static offset and stride, as a vector (a scalar for one)."""
    if stride == 1 or width == 1:
        return f.load(f.element_pointer(base, f.number(offset, "i64"), element), element, width)
    vector = Reg("poison", element, width)
    for lane in range(width):
        at = f.element_pointer(base, f.number(offset + lane * stride, "i64"), element)
        vector = f.insert(vector, f.load(at, element), lane)
    return vector


def small_kernel(name: str, dtype: DType) -> FunctionText:
    """`void name(m, n, k, a, a_row, a_col, b, b_row, b_col, c)`: one product of any size, all extents at least 1."""
    f = FunctionText(name, SIGNATURE)
    element, width = memory_element(dtype), lanes(dtype)
    m, n, k = (Reg(f"%{x}", "i64") for x in "mnk")
    a, b, c = (Reg(f"%{x}", "ptr") for x in "abc")
    a_row, a_col, b_row, b_col = (Reg(f"%{x}", "i64") for x in ("a_row", "a_col", "b_row", "b_col"))
    panel = f.alloca(element, BLOCK * width)
    spill = f.alloca(element, _ROWS * width)
    unit = f.icmp("eq", b_col, f.number(1, "i64"))
    with counted(f, k, step=BLOCK) as p0:
        inner = f.intrinsic("smin", f.number(BLOCK, "i64"), f.sub(k, p0))
        fresh = f.icmp("eq", p0, f.number(0, "i64"))
        with counted(f, n, step=width) as j0:
            columns = f.intrinsic("smin", f.number(width, "i64"), f.sub(n, j0))
            whole = f.icmp("eq", columns, f.number(width, "i64"))
            corner = f.element_pointer(b, f.add(f.mul(p0, b_row), f.mul(j0, b_col)), element)
            pack, packed = f.fresh("pack"), f.fresh("packed")
            before = f.block
            f.branch_if(f.binary("and", unit, whole), packed, pack)
            f.label(pack)
            _pack(f, element, width, corner, b_row, b_col, inner, columns, panel)
            from_pack = f.block
            f.branch(packed)
            f.label(packed)
            right = f.phi("ptr", [(corner.text, before), (panel.text, from_pack)])
            right_step = f.phi("i64", [(b_row.text, before), (str(width), from_pack)])
            left = f.element_pointer(a, f.mul(p0, a_col), element)
            fours = f.binary("and", m, f.number(-_ROWS, "i64"))
            for rows, start, stop in ((_ROWS, None, fours), (1, fours, m)):
                with counted(f, stop, start=start, step=rows) as i0:
                    at = [f.add(i0, f.number(r, "i64")) for r in range(rows)]
                    lefts = [f.element_pointer(left, f.mul(i, a_row), element) for i in at]
                    outs = [f.element_pointer(c, f.add(f.mul(i, n), j0), element) for i in at]
                    sums = _tile(f, dtype, width, inner, lefts, a_col, right, right_step)
                    _write(f, dtype, width, sums, outs, spill, n, columns, fresh)
    f.line("ret void")
    return f


def _pack(
    f: FunctionText, element: str, width: int, corner: Reg, b_row: Reg, b_col: Reg, inner: Reg, columns: Reg, panel: Reg
) -> None:
    """Copies `(inner, columns)` elements into rows of `width`, zeros behind them."""
    with counted(f, inner) as p:
        source = f.element_pointer(corner, f.mul(p, b_row), element)
        target = f.element_pointer(panel, f.mul(p, f.number(width, "i64")), element)
        f.store(f.number(0, element, width), target)
        with counted(f, columns) as j:
            value = f.load(f.element_pointer(source, f.mul(j, b_col), element), element)
            f.store(value, f.element_pointer(target, j, element))


def _tile(
    f: FunctionText,
    dtype: DType,
    width: int,
    inner: Reg,
    lefts: list[Reg],
    a_col: Reg,
    right: Reg,
    right_step: Reg,
) -> list[Reg]:
    """The chains of one tile over `inner` (at least 1) steps."""
    element = memory_element(dtype)
    loop, end = f.fresh("tile"), f.fresh("tiled")
    before = f.block
    f.branch(loop)
    f.label(loop)
    phi_at = len(f.lines)
    p = f.phi("i64", [("0", before)])
    zero = f.number(0, element, width)
    accs = [f.phi(element, [(zero.text, before)], width) for _ in lefts]
    vector = f.load(f.element_pointer(right, f.mul(p, right_step), element), element, width)
    along = f.mul(p, a_col)
    sums = []
    for left, acc in zip(lefts, accs, strict=True):
        value = f.splat(f.load(f.element_pointer(left, along, element), element), width)
        sums.append(step(f, dtype, value, vector, acc))
    following = f.add(p, f.number(1, "i64"))
    for i, value in enumerate([following, *sums]):
        f.lines[phi_at + i] += f", [ {value.text}, %{loop} ]"
    f.branch_if(f.icmp("slt", following, inner), loop, end)
    f.label(end)
    return sums


def _write(
    f: FunctionText,
    dtype: DType,
    width: int,
    sums: list[Reg],
    outs: list[Reg],
    spill: Reg,
    n: Reg,
    columns: Reg,
    fresh: Reg,
) -> None:
    """Stores the chains of the first block, adds those of later ones; a tile that reaches over the last column goes by
    way of the stack.
    """
    element = memory_element(dtype)
    slots = _slots(f, element, width, len(outs), spill)
    whole = f.icmp("eq", columns, f.number(width, "i64"))
    ready, reload, wide, narrow, end = (f.fresh(x) for x in ("ready", "reload", "wide", "narrow", "written"))
    before = f.block
    f.branch_if(fresh, ready, reload)
    f.label(reload)
    for slot in slots:
        f.store(f.number(0, element, width), slot)
    _copy(f, element, len(outs), columns, outs[0], n, spill, f.number(width, "i64"))
    kept = [f.load(slot, element, width) for slot in slots]
    added = [f.fadd(x, y) if dtype.is_float else f.add(x, y) for x, y in zip(kept, sums, strict=True)]
    reloaded = f.block
    f.branch(ready)
    f.label(ready)
    values = [f.phi(element, [(x.text, before), (y.text, reloaded)], width) for x, y in zip(sums, added, strict=True)]
    f.branch_if(whole, wide, narrow)
    f.label(wide)
    for value, out in zip(values, outs, strict=True):
        f.store(value, out)
    f.branch(end)
    f.label(narrow)
    for value, slot in zip(values, slots, strict=True):
        f.store(value, slot)
    _copy(f, element, len(outs), columns, spill, f.number(width, "i64"), outs[0], n)
    f.branch(end)
    f.label(end)


def _slots(f: FunctionText, element: str, width: int, rows: int, spill: Reg) -> list[Reg]:
    return [f.element_pointer(spill, f.number(r * width, "i64"), element) for r in range(rows)]


def _copy(
    f: FunctionText,
    element: str,
    rows: int,
    columns: Reg,
    source: Reg,
    source_row: Reg,
    target: Reg,
    target_row: Reg,
) -> None:
    """Copies `(rows, columns)` elements between dense rows."""
    with counted(f, f.number(rows, "i64")) as r:
        reads = f.element_pointer(source, f.mul(r, source_row), element)
        writes = f.element_pointer(target, f.mul(r, target_row), element)
        with counted(f, columns) as j:
            f.store(f.load(f.element_pointer(reads, j, element), element), f.element_pointer(writes, j, element))
