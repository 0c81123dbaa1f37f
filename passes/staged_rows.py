"""One row of a reduction over several axes that did not collapse into one: its elements are written in order to a small
buffer, which is reduced whenever it fills.
"""

from __future__ import annotations

from tapec.passes.llvm_text import Reg
from tapec.passes.loop_text import count_loop, i64, lane_mask
from tapec.passes.nest_text import BodyText
from tapec.passes.places import Place
from tapec.passes.staging import Staged


class StagedRowText:
    """Writes a row along several axes.

    Args:
        body: of the nest, the last reduced axis being its lane axis.
        width: lanes.
    """

    def __init__(self, body: BodyText, width: int) -> None:
        assert body.lane_axis is not None
        self.f = body.f
        self.body = body
        self.width = width
        self.axis = body.lane_axis
        self.extent = body.nest.extents[self.axis]
        self.staged = [Staged(self.f, r.primitive, r.dtype, width) for _, r in body.reduces()]

    def reset(self) -> None:
        """Starts a row, or a part of one that starts with a block."""
        for stage in self.staged:
            stage.reset()

    def line(self, inner: Place, start: Reg, end: Reg) -> None:
        """Takes the elements from `start` to `end` along the last axis, all other positions being those of `inner`."""
        f = self.f

        def one_tile(at: Reg) -> None:
            stop = f.add(at, i64(Staged.TILE))
            self._tile(inner, at, f.select(f.icmp("slt", stop, end), stop, end))

        count_loop(f, start, end, Staged.TILE, one_tile)

    def _tile(self, inner: Place, start: Reg, end: Reg) -> None:
        f, width = self.f, self.width

        def step(index: Reg) -> None:
            at, mask = index, None
            if isinstance(self.extent, int) and self.extent >= width:
                # A vector that would reach beyond the line is moved back to end with it: positions are visited twice,
                # and what is put twice is the same.
                at = f.intrinsic("smin", index, i64(self.extent - width))
            else:
                mask = lane_mask(f, index, end, width)
            inside = inner.inside(self.axis, at, width, mask)
            self.body.emit(inside)
            for (_, reduce), stage in zip(self.body.reduces(), self.staged, strict=True):
                value = f.splat(stage.reducer.hold(inside.registers[reduce.value]), width)
                stage.put(f.sub(at, start), value)

        count_loop(f, start, end, width, step)
        for stage in self.staged:
            stage.advance(f.sub(end, start))

    def finish(self) -> list[Reg]:
        """The results; at least one element has been taken."""
        return [stage.finish() for stage in self.staged]
