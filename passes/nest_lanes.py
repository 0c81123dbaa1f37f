"""How many positions of its lane axis a nest takes at once, and along which axis it walks beside that one."""

from __future__ import annotations

from math import prod

from tapec.passes.loops import Compute, Load, Nest, Store
from tapec.passes.reducing import LANES
from tapec.passes.scalar.costs import cost

# Up to this many instructions per element four vectors in flight fit the registers.
_CHEAP = 12
# Beyond it two do where a nest is short. Four that keep step with one another hide the latencies of a formula, which is
# a chain of dependent instructions, and that pays for their spills where it runs for long; up to so many instructions,
# the loop's code stays in the cache of decoded instructions. Arithmetic has no such chains: processors overlap it.
IN_STEP = 4
_FORMULA = 10
_LONG = 4096
_CACHED = 600
# Positions that share a cache line of float32.
TURNED_LINES = 16
# So many strided positions touch as many cache lines as half of a first-level cache has.
TURNED_LANES = 256


def lane_count(nest: Nest, vector_bits: int) -> int:
    """How many positions of the lane axis to take at once: a power of two."""
    native = _native_lanes(nest, vector_bits)
    if in_step(nest, vector_bits):
        return IN_STEP * native
    return min(LANES, native * (4 if _work(nest) <= _CHEAP else 2))


def in_step(nest: Nest, vector_bits: int) -> bool:
    """Whether the nest's formulas are computed on several registers at once, instruction by instruction."""
    reduced = [a for a, is_reduced in enumerate(nest.reduced) if is_reduced]
    kept = [a for a, is_reduced in enumerate(nest.reduced) if not is_reduced]
    extents = [n for n in nest.extents if isinstance(n, int)]
    if len(extents) < len(nest.extents) or prod(extents) < _LONG or (nest.row and len(reduced) > 1):
        return False
    if all(cost(i.primitive, i.dtype) < _FORMULA for i in nest.body if isinstance(i, Compute)):
        return False
    lanes, extent = IN_STEP * _native_lanes(nest, vector_bits), extents[reduced[-1] if nest.row else kept[-1]]
    return _CHEAP < _work(nest) <= _CACHED and (extent % lanes == 0 or extent >= 4 * lanes)


def _native_lanes(nest: Nest, vector_bits: int) -> int:
    widest = max([t.bits for t in nest.register_dtypes.values() if t.kind != "b"], default=8)
    return max(1, vector_bits // widest)


def _work(nest: Nest) -> int:
    return sum(cost(i.primitive, i.dtype) for i in nest.body if isinstance(i, Compute))


def turned_axis(nest: Nest) -> int | None:
    """Of a map that reads or writes along its lane axis in strides too long for the first-level cache: the axis along
    which those elements lie side by side. None if there is none.
    """
    kept = [a for a, reduced in enumerate(nest.reduced) if not reduced]
    if len(kept) < 2 or nest.windowed_axes or not all(isinstance(n, int) for n in nest.extents):
        return None
    lanes = int(nest.extents[kept[-1]])
    for i in nest.body:
        if isinstance(i, Load | Store) and i.access.strides[kept[-1]] not in (0, 1) and lanes >= TURNED_LANES:
            sides = [a for a in kept[:-1] if i.access.strides[a] == 1 and int(nest.extents[a]) >= TURNED_LINES]
            if sides:
                return sides[-1]
    return None
