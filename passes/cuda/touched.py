"""Which arrays a step reads, and which it writes."""

from __future__ import annotations

from tapec.passes.loops import Buffer, Load, Nest, Reduce, Store

Arrays = tuple[tuple[Buffer, ...], tuple[Buffer, ...]]


def arrays(nest: Nest) -> Arrays:
    """The arrays that a nest only reads, and those that it writes, each once."""
    writes = dict.fromkeys(i.access.buffer for i in nest.body if isinstance(i, Store | Reduce))
    loads = dict.fromkeys(i.access.buffer for i in nest.body if isinstance(i, Load))
    return tuple([b for b in loads if b not in writes]), tuple(writes)
