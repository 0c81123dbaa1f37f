"""Temporaries in the dtype that they had before they were cast to a wider one.

    t[i] = cast(exp(x[i]) > 2) : f64                 t[i] = exp(x[i]) > 2
    ...                                     ->       ...
    y[i] = t[i] * s                                  y[i] = cast(t[i]) * s

A mask takes an eighth of the memory, and a float of 16 bits half of that of the float32 in which it is computed with
(`tapec.passes.widen`). Large ones gain, and those that are stored as they were before the cast anyway. No bit depends
on it: the wider dtype holds every value of the narrower one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from tapec.ops import elementwise as ew
from tapec.passes.arena import buffers_of, owner
from tapec.passes.body_writer import BodyWriter
from tapec.passes.loops import Buffer, Compute, Load, Nest, Reduce, Store, needed
from tapec.passes.rewrites.logic import holds
from tapec.passes.steps import Step

# Smaller results stay in the first-level cache or in registers: what is not written gains little.
LEAST_BYTES = 1 << 13
# Up to some such size the wide elements come from a cache of this core's, which takes less time than their conversion.
BEYOND_CACHES = 1 << 22


def narrowed(steps: Sequence[Step], lasting: Collection[Buffer], temporary: Callable[..., Buffer]) -> list[Step]:
    """The steps, with narrower temporaries.

    Args:
        steps: of one graph or region.
        lasting: buffers that are read when the steps are over.
        temporary: makes a further buffer of a dtype and a size, for a value.
    """
    out = list(steps)
    uses = _Uses(steps)
    for index, step in enumerate(steps):
        if not isinstance(step, Nest):
            continue
        for buffer in [store.access.buffer for store, _ in _widenings(step)]:
            if buffer in lasting or not uses.is_between_nests(buffer) or index in uses.readers(buffer):
                continue
            nest = out[index]
            assert isinstance(nest, Nest)
            # What was read from narrower memory by now has been numbered anew.
            store, cast = next(pair for pair in _widenings(nest) if pair[0].access.buffer is buffer)
            known = _stored_anyway(nest, store, cast, uses)
            if known is None and buffer.nbytes < BEYOND_CACHES:
                continue
            narrow = known or temporary(cast.dtype, buffer.size, buffer.value)
            instead = Store(cast.operands[0], replace(store.access, buffer=narrow))
            out[index] = _storing(nest, store, None if known else instead)
            for reader in uses.readers(buffer):
                out[reader] = _reading(out[reader], buffer, narrow)
            uses.read_instead(buffer, narrow)
    return out


class _Uses:
    """Who writes and who reads each buffer."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._writes: Counter[Buffer] = Counter()
        self._readers: dict[Buffer, set[int]] = {}
        self._elsewhere: set[Buffer] = set()
        for index, step in enumerate(steps):
            if not isinstance(step, Nest):
                self._elsewhere |= buffers_of(step)
                continue
            for i in step.body:
                if isinstance(i, Store | Reduce):
                    self._writes[owner(i.access.buffer)] += 1
                elif isinstance(i, Load):
                    self._readers.setdefault(i.access.buffer, set()).add(index)

    def readers(self, buffer: Buffer) -> set[int]:
        """The nests that read a buffer."""
        return self._readers.get(buffer, set())

    def read_instead(self, buffer: Buffer, other: Buffer) -> None:
        """Notes that who read one buffer now reads another."""
        self._readers.setdefault(other, set()).update(self._readers.pop(buffer, ()))

    def is_written_once(self, buffer: Buffer) -> bool:
        """Whether one store of one nest is all that writes to a buffer."""
        return self._writes[buffer] == 1 and buffer not in self._elsewhere

    def is_between_nests(self, buffer: Buffer) -> bool:
        """Whether it is a large temporary that one nest writes and nothing but nests reads."""
        return buffer.kind == "temporary" and buffer.nbytes >= LEAST_BYTES and self.is_written_once(buffer)


def _widenings(nest: Nest) -> list[tuple[Store, Compute]]:
    """The stores of a nest that store a cast to a wider dtype, with the cast."""
    casts = {i.out: i for i in nest.body if isinstance(i, Compute) and i.primitive is ew.cast}
    pairs = [(i, casts[i.value]) for i in nest.body if isinstance(i, Store) and i.value in casts]
    return [
        (store, cast)
        for store, cast in pairs
        if cast.dtype.bits < store.access.buffer.dtype.bits and holds(store.access.buffer.dtype, cast.dtype)
    ]


def _stored_anyway(nest: Nest, store: Store, cast: Compute, uses: _Uses) -> Buffer | None:
    """A buffer to which the nest writes what is cast, at the same places."""
    stores = [i for i in nest.body if isinstance(i, Store) and i.value == cast.operands[0]]
    for access in [i.access for i in stores]:
        if replace(access, buffer=store.access.buffer) == store.access and uses.is_written_once(access.buffer):
            return access.buffer
    return None


def _storing(nest: Nest, store: Store, instead: Store | None) -> Nest:
    """The nest with another store, or none, in the place of one."""
    body = [instead if i is store else i for i in nest.body]
    return replace(nest, body=needed([i for i in body if i is not None]))


def _reading(step: Step, buffer: Buffer, narrow: Buffer) -> Step:
    """A nest that reads the narrower buffer and casts what it reads."""
    assert isinstance(step, Nest)
    out = BodyWriter()
    registers: dict[int, int] = {}
    for i in step.body:
        if isinstance(i, Load) and i.access.buffer is buffer:
            read = out.add(Load(0, replace(i.access, buffer=narrow)))
            cast = Compute(0, ew.cast, (read,), {"dtype": buffer.dtype.name}, narrow.dtype, None)
            registers[i.out] = out.add(cast)
        else:
            out.copy(i, registers)
    return replace(step, body=tuple(out.body))
