"""The positions of a nest that lie in all of its windows: nearly all, and there no lane needs a mask."""

from __future__ import annotations

from collections.abc import Callable

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import either, i64
from tapec.passes.loops import Inside, Load, Nest
from tapec.passes.places import Place


def interior(nest: Nest) -> dict[int, tuple[int, int]] | None:
    """Per axis with windows the positions that lie in all of them, as the first and the one behind the last.

    None if there are no windows, no such positions, or windows that skip positions.
    """
    found: dict[int, tuple[int, int]] = {}
    windows = [i.access.windows for i in nest.body if isinstance(i, Load)]
    windows += [i.windows for i in nest.body if isinstance(i, Inside)]
    for axis, window in [(a, w) for each in windows for a, w in enumerate(each) if w is not None]:
        low, high = found.get(axis, (window.start, window.start + window.extent))
        found[axis] = (max(low, window.start), min(high, window.start + window.extent))
        if window.step != 1 or found[axis][0] >= found[axis][1]:
            return None
    return found or None


class TwoBodies:
    """Writes a body twice where it has windows along its lanes' loops: without masks, and with them.

    Args:
        f: where to write.
        nest: whose body.
        outer: the place outside of the loop across lanes.
        axis: that loop's.
    """

    def __init__(self, f: FunctionText, nest: Nest, outer: Place, axis: int) -> None:
        self.f = f
        found = interior(nest)
        self.alike = found is None
        found = found or {}
        self._others = [self._between(outer.index[a], 1, bounds) for a, bounds in found.items() if a != axis]
        self._along = found.get(axis)

    def write(self, index: Reg, width: int, body: Callable[[bool], None]) -> None:
        """Writes `body(within)` for `width` positions from `index` on; `within`: all of them lie in all windows."""
        if self.alike:
            body(False)
            return
        f = self.f
        tests = [*self._others, *([self._between(index, width, self._along)] if self._along is not None else [])]
        within = tests[0]
        for test in tests[1:]:
            within = f.binary("and", within, test)
        either(f, within, lambda: body(True), lambda: body(False))

    def _between(self, index: Reg, width: int, bounds: tuple[int, int]) -> Reg:
        """Whether `width` positions from `index` on lie between two bounds."""
        f, (low, high) = self.f, bounds
        return f.binary("and", f.icmp("sge", index, i64(low)), f.icmp("sle", index, i64(high - width)))
