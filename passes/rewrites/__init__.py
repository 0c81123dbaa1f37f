"""The rules of `tapec.passes.simplify`, one file per kind of op."""

from __future__ import annotations

from tapec.ir.primitive import Primitive
from tapec.ops import PRIMITIVES
from tapec.ops import elementwise as ew
from tapec.passes.rewrites import arithmetic, elementwise, logic, movement
from tapec.passes.rewriting import Rule

_GENERAL: dict[Primitive, tuple[Rule, ...]] = {
    p: (elementwise.fold, elementwise.broadcast_late)
    for p in PRIMITIVES.values()
    if p.family is ew.ELEMENTWISE and p not in elementwise.OPAQUE
}

# By primitive: the rules in the order in which they are tried.
RULES: dict[Primitive, tuple[Rule, ...]] = {
    p: _GENERAL.get(p, ()) + arithmetic.RULES.get(p, ()) + logic.RULES.get(p, ()) + movement.RULES.get(p, ())
    for p in PRIMITIVES.values()
}
