"""Planning the arena: temporaries that never live at the same time share bytes."""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.loops import Buffer, Load, Nest, Reduce, Step, Store

ALIGNMENT = 64


def buffers_of(step: Step) -> set[Buffer]:
    """Every buffer that a step touches."""
    if isinstance(step, Nest):
        return {i.access.buffer for i in step.body if isinstance(i, Load | Store | Reduce)}
    return {o.buffer for o in step.operands} | {b for b in (step.result, step.scratch) if b is not None}


def lifetimes(steps: Sequence[Step]) -> dict[Buffer, tuple[int, int]]:
    """First and last step that touches each temporary."""
    spans: dict[Buffer, tuple[int, int]] = {}
    for at, step in enumerate(steps):
        for buffer in buffers_of(step):
            if buffer.kind == "temporary":
                spans[buffer] = (spans.get(buffer, (at, at))[0], at)
    return spans


def plan(steps: Sequence[Step]) -> tuple[dict[Buffer, int], int]:
    """Byte offset of each temporary, and the arena's size.

    Buffers are placed largest first at the lowest offset that no buffer alive at the same time covers.
    """
    spans = lifetimes(steps)
    order = sorted(spans, key=lambda b: (-b.size * b.dtype.itemsize, spans[b][0], b.name))
    placed: list[tuple[int, int, int, int]] = []  # (start, end, first, last)
    offsets: dict[Buffer, int] = {}
    total = 0
    for buffer in order:
        first, last = spans[buffer]
        length = -(-max(buffer.size * buffer.dtype.itemsize, 1) // ALIGNMENT) * ALIGNMENT
        at = 0
        for start, end, other_first, other_last in placed:  # sorted by start
            if other_last < first or last < other_first:
                continue
            if start - at >= length:
                break
            at = max(at, end)
        offsets[buffer] = at
        placed.append((at, at + length, first, last))
        placed.sort()
        total = max(total, at + length)
    return offsets, total
