"""Vectors that are read and written lane by lane: those of a mask only, or at positions that do not lie side by side.

A lane that the mask leaves out touches no memory: it may lie outside the array.
"""

from __future__ import annotations

from tapec.passes.llvm_text import FunctionText, Reg


def masked_load(f: FunctionText, pointer: Reg, mask: Reg, element: str, width: int) -> Reg:
    """A vector of neighbours; zero in the lanes that the mask leaves out."""
    kind = Reg("", element, width).type
    symbol = f"llvm.masked.load.v{width}{_mangled(element)}.p0"
    f.declarations.add(f"declare {kind} @{symbol}(ptr, <{width} x i1>, {kind})")
    return f.assign(
        f"call {kind} @{symbol}(ptr align {_alignment(element)} {pointer.text}, <{width} x i1> {mask.text}, "
        f"{kind} zeroinitializer)",
        element,
        width,
    )


def masked_store(f: FunctionText, value: Reg, pointer: Reg, mask: Reg) -> None:
    """Writes the lanes of the mask to where they have their place side by side."""
    kind, width = value.type, value.width
    symbol = f"llvm.masked.store.v{width}{_mangled(value.element)}.p0"
    f.declarations.add(f"declare void @{symbol}({kind}, ptr, <{width} x i1>)")
    f.line(
        f"call void @{symbol}({kind} {value.text}, ptr align {_alignment(value.element)} {pointer.text}, "
        f"<{width} x i1> {mask.text})"
    )


def gather(f: FunctionText, pointer: Reg, offsets: Reg, mask: Reg | None, element: str) -> Reg:
    """The elements at these offsets; zero in the lanes that a mask leaves out."""
    width = offsets.width
    kind = Reg("", element, width).type
    if mask is None:
        out = Reg("poison", element, width)
        for lane in range(width):
            at = f.element_pointer(pointer, f.extract(offsets, lane), element)
            out = f.insert(out, f.load(at, element), lane)
        return out
    symbol = f"llvm.masked.gather.v{width}{_mangled(element)}.v{width}p0"
    f.declarations.add(f"declare {kind} @{symbol}(<{width} x ptr>, <{width} x i1>, {kind})")
    where = _lane_pointers(f, pointer, offsets, element)
    return f.assign(
        f"call {kind} @{symbol}(<{width} x ptr> align {_alignment(element)} {where.text}, "
        f"<{width} x i1> {mask.text}, {kind} zeroinitializer)",
        element,
        width,
    )


def scatter(f: FunctionText, value: Reg, pointer: Reg, offsets: Reg, mask: Reg | None) -> None:
    """Writes the lanes, or those of a mask, to these offsets."""
    kind, width, element = value.type, value.width, value.element
    if mask is None:
        for lane in range(width):
            f.store(f.extract(value, lane), f.element_pointer(pointer, f.extract(offsets, lane), element))
        return
    symbol = f"llvm.masked.scatter.v{width}{_mangled(element)}.v{width}p0"
    f.declarations.add(f"declare void @{symbol}({kind}, <{width} x ptr>, <{width} x i1>)")
    where = _lane_pointers(f, pointer, offsets, element)
    f.line(
        f"call void @{symbol}({kind} {value.text}, <{width} x ptr> align {_alignment(element)} {where.text}, "
        f"<{width} x i1> {mask.text})"
    )


def _lane_pointers(f: FunctionText, pointer: Reg, offsets: Reg, element: str) -> Reg:
    return f.assign(f"getelementptr {element}, ptr {pointer.text}, {offsets.type} {offsets.text}", "ptr", offsets.width)


def _alignment(element: str) -> int:
    """Of one element, in bytes."""
    return max(1, Reg("", element).bits // 8)


def _mangled(element: str) -> str:
    return {"double": "f64", "float": "f32"}.get(element, element)
