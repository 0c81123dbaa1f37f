"""Steps that wait for their place while others are tiled (`tapec.passes.tiles`): what each touches and becomes."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from tapec.ir.dtypes import DType
from tapec.passes.collapse import squeezed
from tapec.passes.loops import Buffer, Nest
from tapec.passes.step_effects import effects
from tapec.passes.steps import LibraryStep, Step
from tapec.passes.tile_products import Member, members
from tapec.passes.tile_rows import Parted, accesses, leading_extents, parted, with_leading
from tapec.passes.work import instructions_per_position

Temporary = Callable[[DType, int], Buffer]

# Instructions that a product in tiles takes: it is a call.
CALL = 10


class Waiting:
    """A step that has no place yet. Many attempts ask the same of it, which is worked out once."""

    def __init__(self, step: Step) -> None:
        self.step = step

    @cached_property
    def effects(self) -> tuple[set[Buffer], set[Buffer]]:
        """What it reads and what it writes."""
        return effects(self.step)

    @cached_property
    def touched(self) -> set[Buffer]:
        """The buffers that it names."""
        if isinstance(self.step, Nest):
            return {access.buffer for access, _ in accesses(self.step)}
        assert isinstance(self.step, LibraryStep)
        return {o.buffer for o in self.step.operands} | set(self.step.results)

    @cached_property
    def squeezed(self) -> Nest | None:
        """The nest that it is, without axes of one position; None if it is none."""
        return squeezed(self.step) if isinstance(self.step, Nest) else None

    @cached_property
    def products(self) -> list[Member]:
        """The product that it is, along each of its axes that may be tiled."""
        return members(self.step) if isinstance(self.step, LibraryStep) else []

    @property
    def extents(self) -> list[int]:
        """Those that an axis along which it is tiled may have."""
        if self.squeezed is not None:
            return leading_extents(self.squeezed)
        return [product.extent for product in self.products]

    @property
    def instructions(self) -> int:
        """Of one position."""
        return instructions_per_position(self.squeezed) if self.squeezed is not None else CALL

    def along(self, extent: int, temporary: Temporary) -> Parted | Member | None:
        """What it becomes in tiles along an axis of this extent; None if it has none."""
        if self.squeezed is None:
            return next((p for p in self.products if p.extent == extent), None)
        nest = with_leading(self.squeezed, extent)
        return parted(nest, temporary) if nest is not None else None
