"""Temporaries that are computed again where they are read, in the place of a trip through memory.

A nest that reads another's result at the same positions, or inside a window (the gradient of a slice), can compute it
itself if that takes a few instructions and reads no more memory than the result has. When all readers do, the result is
not stored at all: the gradient of a stencil becomes one nest.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import prod

from tapec.ops import elementwise as ew
from tapec.passes.arena import buffers_of, owner
from tapec.passes.body_writer import BodyWriter, load_key
from tapec.passes.loops import (
    Access,
    Buffer,
    Compute,
    Constant,
    Inside,
    Load,
    Nest,
    Reduce,
    Store,
    Window,
    needed,
    zero,
)
from tapec.passes.scalar.costs import cost
from tapec.passes.step_effects import effects
from tapec.passes.steps import Step

# A result that is read inside a window may take so many instructions in all of its readers together.
MOST_IN_WINDOWS = 32
# One that is read where it is made.
MOST_IN_PLACE = 6
# Smaller results stay in the first-level cache or in registers.
LEAST_BYTES = 1 << 13
# A body of more instructions runs out of registers.
MOST_INSTRUCTIONS = 160

Windows = tuple[Window | None, ...]


def inlined(steps: Sequence[Step], lasting: Collection[Buffer]) -> list[Step]:
    """The steps, without temporaries that are better computed again.

    Args:
        steps: of one graph or region; nests have their axes as they were recorded.
        lasting: buffers that are read when the steps are over.
    """
    out: list[Step | None] = list(steps)
    uses = _Uses(steps)
    for buffer, index in uses.stores.items():
        made_by = out[index]
        if buffer in lasting or buffer in uses.elsewhere or not isinstance(made_by, Nest):
            continue
        readers = sorted(uses.readers.get(buffer, ()))
        made = _slice(made_by, buffer)
        if made is None or not readers or readers[0] <= index or not uses.lasts(made, index, readers[-1]):
            continue
        nests = [nest for i in readers if isinstance(nest := out[i], Nest)]
        if all(_may_compute(nest, made, buffer) for nest in nests) and _pays(nests, made, buffer):
            for i, nest in zip(readers, nests, strict=True):
                out[i] = _with(nest, made, buffer)
                uses.read(i, out[i])
            out[index] = _without(made_by, buffer)
            uses.read(index, out[index])
    return [step for step in out if step is not None]


@dataclass(frozen=True, slots=True)
class _Slice:
    """What computes the value that a nest stores.

    Attributes:
        extents: of the nest.
        body: loads, constants and scalar ops, in order.
        store: the store.
    """

    extents: tuple[int, ...]
    body: tuple[Load | Constant | Compute, ...]
    store: Store

    @property
    def instructions(self) -> int:
        """About how many vector instructions it takes."""
        return sum(cost(i.primitive, i.dtype) for i in self.body if isinstance(i, Compute))


class _Uses:
    """Who stores and who reads each buffer."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.stores: dict[Buffer, int] = {}
        self.readers: dict[Buffer, set[int]] = {}
        self.writers: dict[Buffer, list[int]] = {}
        self.elsewhere: set[Buffer] = set()  # of no single store, or known to a step that is no nest
        for index, step in enumerate(steps):
            for written in effects(step)[1]:
                self.writers.setdefault(written, []).append(index)
            if not isinstance(step, Nest):
                self.elsewhere |= buffers_of(step)
                continue
            for i in step.body:
                if isinstance(i, Reduce) or (isinstance(i, Store) and not self._candidate(i.access.buffer)):
                    self.elsewhere.add(i.access.buffer)
                elif isinstance(i, Store):
                    self.stores[i.access.buffer] = index
            self.read(index, step)

    def lasts(self, made: _Slice, index: int, last: int) -> bool:
        """Whether what a slice loads at one step is still there at a later one."""
        read = {owner(i.access.buffer) for i in made.body if isinstance(i, Load)}
        return not any(index < writer <= last for buffer in read for writer in self.writers.get(buffer, ()))

    def _candidate(self, buffer: Buffer) -> bool:
        return buffer.kind == "temporary" and buffer.nbytes >= LEAST_BYTES and buffer not in self.stores

    def read(self, index: int, step: Step | None) -> None:
        """Notes what a nest, new in this place, reads."""
        for readers in self.readers.values():
            readers.discard(index)
        for i in step.body if isinstance(step, Nest) else ():
            if isinstance(i, Load):
                self.readers.setdefault(i.access.buffer, set()).add(index)


def _slice(nest: Nest, buffer: Buffer) -> _Slice | None:
    """What the store to a buffer needs; None if it can't be computed elsewhere."""
    (store,) = (i for i in nest.body if isinstance(i, Store) and i.access.buffer is buffer)
    wanted: set[int] = {store.value}
    body: list[Load | Constant | Compute] = []
    for i in reversed(nest.body):
        if isinstance(i, Store | Reduce) or i.out not in wanted:
            continue
        if isinstance(i, Compute) and i.primitive is not ew.wrap_index:
            wanted.update(i.operands)
            body.append(i)
        elif isinstance(i, Constant) or (isinstance(i, Load) and all(w is None for w in i.access.windows)):
            body.append(i)
        else:
            return None
    return _Slice(tuple([int(n) for n in nest.extents]), tuple(reversed(body)), store)


def _loads(nest: Nest, buffer: Buffer) -> list[Load]:
    return [i for i in nest.body if isinstance(i, Load) and i.access.buffer is buffer]


def _may_compute(nest: Nest, made: _Slice, buffer: Buffer) -> bool:
    if len(nest.extents) != len(made.extents) or len(nest.body) + len(made.body) > MOST_INSTRUCTIONS:
        return False
    return all(_same_place(load.access, nest, made) for load in _loads(nest, buffer))


def _same_place(access: Access, nest: Nest, made: _Slice) -> bool:
    """Whether positions of the reader, those inside its windows, are those of the nest that stores."""
    windows = access.windows or (None,) * len(nest.extents)
    reached = [int(n) if w is None else w.extent for n, w in zip(nest.extents, windows, strict=True)]
    to = made.store.access
    pairs = zip(made.extents, access.strides, to.strides, strict=True)
    return tuple(reached) == made.extents and access.offset == to.offset and all(n == 1 or a == b for n, a, b in pairs)


def _pays(readers: list[Nest], made: _Slice, buffer: Buffer) -> bool:
    loads = [load for nest in readers for load in _loads(nest, buffer)]
    work = made.instructions * len(loads)
    if any(w is not None for load in loads for w in load.access.windows):
        return work <= MOST_IN_WINDOWS
    # In place, what is read in the place of the result must be no more than that.
    return work <= MOST_IN_PLACE and all(_read_for(nest, made) <= buffer.nbytes for nest in readers)


def _read_for(nest: Nest, made: _Slice) -> int:
    """Bytes that come from memory for a slice, beyond what its reader loads anyway and what stays in the first-level
    cache.
    """
    known = {load_key(i) for i in nest.body if isinstance(i, Load)}
    loads = [i for i in made.body if isinstance(i, Load) and load_key(i) not in known]
    sizes = [
        prod(n for n, s in zip(made.extents, i.access.strides, strict=True) if s != 0) * i.access.buffer.dtype.itemsize
        for i in loads
    ]
    return sum(size for size in sizes if size >= LEAST_BYTES)


def _computed(out: BodyWriter, made: _Slice, windows: Windows) -> int:
    """The register with the stored value, zero outside of the windows."""
    registers: dict[int, int] = {}
    for i in made.body:
        out.copy(replace(i, access=replace(i.access, windows=windows)) if isinstance(i, Load) else i, registers)
    value = registers[made.store.value]
    if not any(w is not None for w in windows):
        return value
    dtype = made.store.access.buffer.dtype
    operands = (out.add(Inside(0, windows)), value, out.add(zero(0, dtype)))
    return out.add(Compute(0, ew.select, operands, {}, dtype, None))


def _with(nest: Nest, made: _Slice, buffer: Buffer) -> Nest:
    """A reader that computes what it would load."""
    out = BodyWriter()
    registers: dict[int, int] = {}
    for i in nest.body:
        if isinstance(i, Load) and i.access.buffer is buffer:
            registers[i.out] = _computed(out, made, i.access.windows)
        else:
            out.copy(i, registers)
    return replace(nest, body=tuple(out.body))


def _without(nest: Nest, buffer: Buffer) -> Nest | None:
    """A nest that no longer stores a buffer; None if nothing is left of it."""
    body = needed([i for i in nest.body if not isinstance(i, Store) or i.access.buffer is not buffer])
    return replace(nest, body=body) if body else None
