"""Adding cotangents: one that is zero but for some elements is added to these alone, in time that only they take."""

from __future__ import annotations

from tapec.ir.graph import Value
from tapec.ops import creation, indexing, movement, update
from tapec.ops import elementwise as ew
from tapec.ops.symbolic import Sym, apply, reshape

# A window is added by itself if the array is so many times as large. Otherwise the sum is an elementwise op like all
# others and joins the loops around it, as the parts of a stencil should.
SMALL_WINDOW = 8


def is_zero(value: Value) -> bool:
    """Whether a value is made of zeros only, as a symbolic zero that had to become an array is."""
    op = value.op
    if op is None:
        return False
    if op.primitive is creation.constant:
        return op.attributes["value"] == 0
    return op.primitive in (movement.broadcast, movement.reshape) and is_zero(op.operands[0])


def added(a: Sym, b: Sym) -> Sym:
    """The sum of two cotangents, lean or in full."""
    if a.type == b.type:
        for whole, part in ((a, b), (b, a)):
            found = _to_some(whole, part)
            if found is not None:
                return found
    return apply(ew.add, a, b)


def _to_some(whole: Sym, part: Sym) -> Sym | None:
    """The sum, if `part` is known to be zero but for some elements."""
    maker = part.value.op
    if maker is None:
        return None
    operands = [Sym(part.builder, v) for v in maker.operands]
    if maker.primitive is movement.unslice and operands[0].type.size * SMALL_WINDOW <= whole.type.size:
        where = {name: maker.attributes[name] for name in ("start", "step")}
        return apply(update.slice_add, whole, operands[0], **where)
    once = maker.primitive is indexing.put and maker.attributes["distinct"]
    if (once or maker.primitive is indexing.scatter_add) and is_zero(maker.operands[0]):
        return apply(indexing.scatter_add, whole, *operands[1:], axis=maker.attributes["axis"])
    if maker.primitive is movement.reshape:
        found = _to_some(reshape(whole, operands[0].shape), operands[0])
        return None if found is None else reshape(found, whole.shape)
    return None
