"""The rules of `tapec.passes.simplify`, one file per kind of op."""

from __future__ import annotations

from tapec.ir.primitive import Primitive
from tapec.ops import PRIMITIVES
from tapec.ops import elementwise as ew
from tapec.passes.rewrites import arithmetic, elementwise, logic, movement, scales
from tapec.passes.rewriting import Rule

_GENERAL: dict[Primitive, tuple[Rule, ...]] = {
    p: (elementwise.fold, elementwise.broadcast_late)
    for p in PRIMITIVES.values()
    if p.family is ew.ELEMENTWISE and p not in elementwise.OPAQUE
}

_TABLES = (_GENERAL, arithmetic.RULES, scales.RULES, logic.RULES, movement.RULES)

# By primitive: the rules in the order in which they are tried.
RULES: dict[Primitive, tuple[Rule, ...]] = {
    p: tuple([rule for table in _TABLES for rule in table.get(p, ())]) for p in PRIMITIVES.values()
}
