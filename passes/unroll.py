"""Maps over a few positions that do not fill a vector, or read only a part: written out position by position.

A load that covers one of three lanes (the adjoint of taking an element apart, or of a stack) is a masked gather, and
the element that it reads must lie in memory to be gathered. Three lanes are no vector of the machine's, and what one
nest leaves as three lanes the next one takes apart. Position by position it is known which loads read and which are
zero, and LLVM keeps all of it in registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Final

from tapec.ir import dtypes
from tapec.passes.loops import (
    Access,
    Compute,
    Constant,
    Index,
    Inside,
    Instruction,
    Load,
    Nest,
    Reduce,
    Store,
    Window,
    zero,
)
from tapec.passes.scalar.costs import cost

MOST_POSITIONS: Final = 4
LONG: Final = 20  # instructions of a formula that takes as long for one lane as for all


def unrolled(nest: Nest) -> Nest:
    """The same nest without axes if it is such a map; the nest itself otherwise."""
    extents = [n for n in nest.extents if isinstance(n, int)]
    positions = prod(extents)
    if any(nest.reduced) or len(extents) < len(nest.extents) or not 1 < positions <= MOST_POSITIONS:
        return nest
    if positions & (positions - 1) == 0 and not nest.windowed_axes:
        return nest
    if any(isinstance(i, Compute) and cost(i.primitive, i.dtype) >= LONG for i in nest.body):
        return nest
    registers = 1 + max([i.out for i in nest.body if not isinstance(i, Store | Reduce)], default=-1)
    body: list[Instruction] = []
    for n, position in enumerate(product(*map(range, extents))):
        body += _at(nest.body, position, n * registers)
    return Nest((), (), tuple(body), nest.row, nest.label)


def _at(body: Sequence[Instruction], position: tuple[int, ...], first: int) -> Iterator[Instruction]:
    """The instructions at one position, their registers counted from `first` on."""
    for i in body:
        if isinstance(i, Load):
            place = _place(i.access, position)
            out = first + i.out
            yield zero(out, i.access.buffer.dtype) if place is None else Load(out, place)
        elif isinstance(i, Store):
            place = _place(i.access, position)
            assert place is not None
            yield Store(first + i.value, place)
        elif isinstance(i, Index):
            yield Constant(first + i.out, position[i.axis], i.dtype)
        elif isinstance(i, Inside):
            inside = all(w is None or _within(w, n) is not None for w, n in zip(i.windows, position, strict=True))
            yield Constant(first + i.out, inside, dtypes.BOOL)
        elif isinstance(i, Compute):
            yield replace(i, out=first + i.out, operands=tuple([first + register for register in i.operands]))
        else:
            assert isinstance(i, Constant)
            yield replace(i, out=first + i.out)


def _place(access: Access, position: tuple[int, ...]) -> Access | None:
    """The element of an access at a position; None outside of a window."""
    offset = access.offset
    windows = access.windows or (None,) * len(position)
    for n, stride, window in zip(position, access.strides, windows, strict=True):
        at = n if window is None else _within(window, n)
        if at is None:
            return None
        assert isinstance(stride, int)
        offset += at * stride
    return Access(access.buffer, offset, ())


def _within(window: Window, position: int) -> int | None:
    """The position inside a window; None outside."""
    at, rest = divmod(position - window.start, window.step)
    return at if rest == 0 and 0 <= at < window.extent else None
