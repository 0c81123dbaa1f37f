"""What nests that run tile by tile ask for ahead of time: the next tile, while this one is computed.

The first nest that reads an array waits for memory; the others find it in the cache, and memory waits for them. One
that computes for long asks for what the first one will want next. (Cheap ones gain nothing: their own results keep
memory busy.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tapec.passes.loops import Buffer, Load, Nest, Store
from tapec.passes.row_streams import is_cheap
from tapec.passes.steps import Tiles

# Bytes of an array from which on its next rows are asked for: less than that comes soon enough from a cache.
LEAST: Final = 4 << 20


def asked_ahead(tiles: Tiles) -> dict[int, Mapping[Buffer, int]]:
    """For items, by their number, the arrays of which they ask for the next tile while they read this one.

    Each comes with how many elements further on that lies.
    """
    nests = {number: item for number, item in enumerate(tiles.items) if isinstance(item, Nest)}
    written = {i.access.buffer for nest in tiles.nests for i in nest.body if isinstance(i, Store)}
    readers: dict[Buffer, list[int]] = {}
    for number, nest in nests.items():
        for buffer in dict.fromkeys(i.access.buffer for i in nest.body if isinstance(i, Load) and _in_rows(i)):
            readers.setdefault(buffer, []).append(number)
    found: dict[int, dict[Buffer, int]] = {}
    for buffer, numbers in readers.items():
        asking = next((n for n in numbers[1:] if not is_cheap(nests[n])), None)
        if asking is not None and buffer.nbytes >= LEAST and buffer not in written:
            found.setdefault(asking, {})[buffer] = buffer.size // tiles.extent * tiles.tile
    return dict(found)


def _in_rows(load: Load) -> bool:
    """Whether what is read lies side by side, and elsewhere for each position that is tiled."""
    return load.access.strides[-1] == 1 and load.access.strides[0] != 0
