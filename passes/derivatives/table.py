"""The kinds of rows of the derivative table. One row serves both modes and every order.

Rules are written over `(out, *operands)` with `tapec.ops.symbolic` and take the op's attributes by keyword. They may
read shapes freely; reading a *value* makes it a residual. No rule un-broadcasts, accumulates, or guards against 0·∞:
`passes.adjoint` and `passes.tangent` do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tapec.ir.primitive import Primitive
from tapec.ops.symbolic import Sym


class Mask(NamedTuple):
    """A partial that is 1 where `condition` holds and 0 elsewhere."""

    condition: Sym


class Share(NamedTuple):
    """A partial that is 1 where `alone` holds, one half where `tie` does, and 0 elsewhere."""

    alone: Sym
    tie: Sym


class Weight(NamedTuple):
    """A partial that is a cotangent itself: where it is exactly zero nothing depends on what it multiplies."""

    cotangent: Sym


# A partial derivative: a number where it is the same everywhere, 0.0 being a symbolic zero that costs nothing.
Partial = Sym | Mask | Share | Weight | float


class Partials(NamedTuple):
    """An elementwise op: `rules[i](out, *operands, **attributes)` is the partial of the result in operand `i`."""

    rules: tuple[Callable[..., Partial] | float, ...]


class Linear(NamedTuple):
    """An op that is linear in some of its operands.

    Args:
        operands: positions of those operands; None for all.
        transpose: `(i, ct, out, *operands, **attributes)` gives what operand `i` receives of the cotangent `ct`.
        joint: linear in all of them together, so that the tangent is the op itself on the operands' tangents; False:
            linear in each alone, so that the tangent is a sum with one operand replaced at a time.
        lean: `transpose`, and the op itself, also take a `ct` or tangents that only broadcast to the full shape.
        additive: the first operand is added to something linear in the others.
    """

    operands: tuple[int, ...] | None
    transpose: Callable[..., Sym]
    joint: bool = True
    lean: bool = False
    additive: bool = False


class ReducedPartial(NamedTuple):
    """A reduction whose result depends on each element with the factor `partial(out, x, **attributes)`, shaped as x."""

    partial: Callable[..., Partial]


class Explicit(NamedTuple):
    """An op of one result whose derivatives in several operands share work.

    Args:
        operands: positions of the operands through which a derivative flows.
        push: `(moving, out, *operands, **attributes)` gives the tangent; `moving` has, in full, the tangents of
            operands by position.
        pull: `(active, ct, out, *operands, **attributes)` gives for each of the `active` positions its cotangent; `ct`
            is in full.
    """

    operands: tuple[int, ...]
    push: Callable[..., Sym]
    pull: Callable[..., dict[int, Sym]]


class Excused(NamedTuple):
    """An op through which no derivative flows, and why: what lies before it is unconnected."""

    reason: str


class Missing(NamedTuple):
    """An op that depends on its operands but whose derivative nobody has written; why: asking for it is an error."""

    reason: str


def _nothing(_position: int) -> Sym | None:
    return None


@dataclass(frozen=True, slots=True)
class Flow:
    """Through which operands of an op with regions a derivative flows, and which results it reaches: positions.

    Attributes:
        operands: positions of operands.
        results: positions of results.
        claim: takes over what an operand has received so far, lean, or None for nothing: a rule that calls it gives a
            cotangent that holds it. So a loop's sum of cotangents goes on from there, and the sum over all rounds has
            one order, however the rounds are spread over loops.
    """

    operands: Sequence[int]
    results: Sequence[int]
    claim: Callable[[int], Sym | None] = field(default=_nothing)


class Structured(NamedTuple):
    """An op that may have several results, or regions, of whose derivatives its own are made.

    Each rule gets as its last argument the function that treats a region as a whole graph is treated, so that the table
    need not import those who read it.

    Args:
        flow: `(op, active, active_values)` gives the positions of the results that depend on operands at `active`.
        push: `(op, outs, operands, moving, tangent)` gives a tangent for each result, lean, None for a symbolic zero;
            `moving` has the tangents of operands by position.
        pull: `(op, outs, operands, cts, flow, adjoint)` gives position and cotangent of operands, the latter None for a
            symbolic zero; `cts` has one for each result, None for a symbolic zero. Or why there is no reverse mode.
    """

    flow: Callable[..., Sequence[int]]
    push: Callable[..., list[Sym | None]]
    pull: Callable[..., list[tuple[int, Sym | None]]] | str


Row = Partials | Linear | ReducedPartial | Explicit | Excused | Structured
Rows = dict[Primitive, Row | Missing]
