"""Formulas of elementary functions that a long program writes once and calls, instead of writing them at each use.

A sine is forty instructions, and LLVM takes as long for the hundredth as for the first. Where a nest is over in no
time, a call for eight lanes costs little beside what it computes; the bits are the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from math import prod
from typing import Final, TypeGuard

from tapec.ir.dtypes import DType
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Primitive
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loops import Compute, Nest
from tapec.passes.scalar.costs import cost
from tapec.passes.scalar.table import ROWS
from tapec.passes.steps import Step, Tiles

# An elementary function, and the dtype of its operands.
Formula = tuple[Primitive, DType]

_LONG: Final = 20  # instructions from which on a formula is worth a call
_SHORT_NEST: Final = 256  # positions of a nest, up to which it may call
_LEAST_USES: Final = 4


def shared_formulas(steps: Sequence[Step]) -> frozenset[Formula]:
    """Those that many short nests of a program compute, each of which runs once."""
    uses = Counter(
        (i.primitive, i.dtype)
        for step in steps
        if may_call(step)
        for nest in nests_of(step)
        for i in nest.body
        if isinstance(i, Compute) and not i.attributes and cost(i.primitive, i.dtype) >= _LONG
    )
    return frozenset([formula for formula, n in uses.items() if n >= _LEAST_USES])


def may_call(step: Step) -> TypeGuard[Nest | Tiles]:
    """Whether a step is a nest so short that calls in it do not matter, or several of them."""
    return isinstance(step, Nest | Tiles) and all(map(_is_short, nests_of(step)))


def nests_of(step: Nest | Tiles) -> tuple[Nest, ...]:
    """The nests that a step consists of."""
    return step.nests if isinstance(step, Tiles) else (step,)


def _is_short(nest: Nest) -> bool:
    return prod([n if isinstance(n, int) else _SHORT_NEST + 1 for n in nest.extents]) <= _SHORT_NEST


def compute(
    f: FunctionText,
    formula: Formula,
    operands: tuple[Reg, ...],
    attributes: dict[str, Attribute],
    shared: AbstractSet[Formula],
) -> Reg:
    """A register of a formula's result, written here, or by a call if it is one of those that are shared."""
    primitive, dtype = formula
    if attributes or formula not in shared:
        return ROWS[primitive](f, dtype, operands, attributes)
    name = f"tapec_{primitive.name}_{operands[0].width}_{dtype.name}"
    if name not in f.helpers:
        f.helpers[name] = _function(name, formula, operands)
    like = operands[-1]
    arguments = ", ".join([f"{r.type} {r.text}" for r in operands])
    return f.assign(f"call {like.type} @{name}({arguments})", like.element, like.width)


def _function(name: str, formula: Formula, operands: tuple[Reg, ...]) -> FunctionText:
    primitive, dtype = formula
    parameters = tuple([Reg(f"%x{i}", r.element, r.width) for i, r in enumerate(operands)])
    f = FunctionText(name, ", ".join([f"{r.type} {r.text}" for r in parameters]), private=True)
    result = ROWS[primitive](f, dtype, parameters, {})
    assert result.type == operands[-1].type, name
    f.returns = result.type
    f.line(f"ret {result.type} {result.text}")
    return f
