"""Loops in segments: the `checkpoint` option of `tp.scan`, `tp.fori_loop` and `tp.while_loop`.

A loop of n rounds becomes a loop over segments, each of which is a loop of some of the rounds. The derivative of a loop
keeps what a round reads, and here that is the carry with which a segment begins; what the rounds of a segment need is
computed again, one segment at a time, when the backward pass comes to it (docs/design/0014-control-flow.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np

from tapec.dispatch import apply, apply_control, located
from tapec.errors import ArgumentError
from tapec.ir.graph import Graph
from tapec.ops import control, movement
from tapec.passes.loop_segments import scan_segment, while_segments
from tapec.recording import ACTIVE, user_location
from tapec.tensor import Tensor, make

# The first segment of a while loop: one of few rounds is one segment, and costs little more than without the option.
FIRST_SEGMENT = 16


def check_option(name: str, option: Any) -> None:
    """Raises `ArgumentError` unless `option` is what `checkpoint=` takes: a bool, or rounds per segment."""
    if not isinstance(option, bool | int | np.integer) or (type(option) is not bool and option < 1):
        raise located(
            ArgumentError(f"{name}: checkpoint is True, False or the rounds of a segment, 1 or more, got {option!r}")
        )


def run_scan(
    region: Graph, operands: Sequence[Tensor], attributes: dict[str, Any], option: bool | int
) -> tuple[Tensor, ...]:
    """A scan, or one over segments and one over the rounds that are left over: those behind the last segment.

    Args:
        region: the body.
        operands: consts, carries and xs.
        attributes: of the scan over all rounds.
        option: `checkpoint=`.
    """
    rounds, reverse = attributes["length"], attributes["reverse"]
    if option is False or rounds <= int(option):
        return apply_control(control.scan, tuple(operands), attributes, (region,))
    consts, carries, xs = control.scan_parts(operands, attributes)
    count, length = _segments(rounds, option)
    covered = count * length

    def over_segments(carries: Sequence[Tensor]) -> tuple[Tensor, ...]:
        body = scan_segment(region, attributes, length, ACTIVE.location or user_location(), ACTIVE.phase)
        whole = [_reshaped(t[:covered] if covered < rounds else t, (count, length, *t.shape[1:])) for t in xs]
        results = apply_control(control.scan, (*consts, *carries, *whole), {**attributes, "length": count}, (body,))
        rows = [_reshaped(y, (covered, *y.shape[2:])) for y in results[len(carries) :]]
        return *results[: len(carries)], *rows

    def over_rest(carries: Sequence[Tensor]) -> tuple[Tensor, ...]:
        rest = [t[covered:] for t in xs]
        return apply_control(
            control.scan, (*consts, *carries, *rest), {**attributes, "length": rounds - covered}, (region,)
        )

    if covered == rounds:
        return over_segments(carries)
    first, second = (over_rest, over_segments) if reverse else (over_segments, over_rest)
    before = first(carries)
    after = second(before[: len(carries)])
    pairs = zip(*[part[len(carries) :] for part in ((after, before) if reverse else (before, after))], strict=True)
    return *after[: len(carries)], *[apply(movement.concat, pair, {"axis": 0}) for pair in pairs]


def run_while(
    condition: Graph, body: Graph, consts: Sequence[Tensor], carries: Sequence[Tensor], option: bool | int
) -> tuple[Tensor, ...]:
    """The last carries of a while loop, or of one over segments.

    By itself each segment is one round longer than the one before. So without knowing how many rounds there will be,
    after n of them there are about as many segments as the last one has rounds: the square root of 2n.

    Args:
        condition: of the loop.
        body: of the loop.
        consts: what both take from outside.
        carries: the first ones.
        option: `checkpoint=`.
    """
    regions, first, growth = (condition, body), FIRST_SEGMENT if option is True else int(option), option is True
    if option is not False:
        where = ACTIVE.location or user_location()
        regions = while_segments(condition, body, len(consts), first, growth, where, ACTIVE.phase)
        carries = [*carries, make(np.array(0, np.int64), literal=True)]
    results = apply_control(control.while_loop, (*consts, *carries), {"consts": len(consts)}, regions)
    return results[: len(body.outputs)]


def _segments(rounds: int, option: bool | int) -> tuple[int, int]:
    """Number of segments, and rounds in each.

    By itself about as many segments as each has rounds, which makes the sum of both least; with a divisor of the number
    of rounds, if there is one near by, so that none are left over.
    """
    if option is not True:
        return rounds // int(option), int(option)
    root = isqrt(rounds)
    fitting = [n for n in range((root + 1) // 2, 2 * root + 1) if rounds % n == 0]
    length = min(fitting, key=lambda n: abs(n - root), default=root)
    return rounds // length, length


def _reshaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return apply(movement.reshape, (x,), {"shape": shape})
