"""What a step does to memory, as far as its place among other steps depends on it."""

from __future__ import annotations

from tapec.passes.arena import buffers_of, owner
from tapec.passes.loops import Buffer, Load, Nest, Reduce, Store
from tapec.passes.steps import LibraryStep, Step


def effects(step: Step) -> tuple[set[Buffer], set[Buffer]]:
    """What a step reads and what it writes, each as the buffer that owns the memory."""
    if isinstance(step, Nest):
        read = {owner(i.access.buffer) for i in step.body if isinstance(i, Load)}
        return read, {owner(i.access.buffer) for i in step.body if isinstance(i, Store | Reduce)}
    if isinstance(step, LibraryStep):
        return {owner(o.buffer) for o in step.operands}, {owner(b) for b in (*step.results, *step.scratch)}
    touched = buffers_of(step)
    return touched, {b for b in touched if b.kind != "input"}
