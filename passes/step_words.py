"""What a step does, in a line for people: its primitives and its extents, and the user's line that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tapec.ir.graph import Location
from tapec.passes.loops import Buffer, Compute, Nest, Reduce, Store
from tapec.passes.steps import Branch, LibraryStep, Loop, Product, Step, Sum, Tiles, While, leaves

_MANY = 6  # primitives that are named


def words(step: Step) -> str:
    """For example `loops over 1000 x 10: sub, exp, sum`."""
    if isinstance(step, LibraryStep):
        return f"{step.primitive.name} {', '.join(_shape(o.shape) for o in step.operands)}".rstrip()
    return f"{_kind(step)}: {_few(name for part in _parts(step) for name in _names(part)) or 'copy'}"


def _kind(step: Step) -> str:
    if isinstance(step, Nest):
        return f"loops over {_shape(step.extents)}"
    if isinstance(step, Tiles):
        return f"tiles of {step.tile} of {step.extent} positions"
    if isinstance(step, Loop):
        return f"{step.count} rounds{', backwards' if step.reverse else ''}"
    if isinstance(step, While):
        return "rounds while a condition holds"
    if isinstance(step, Branch):
        return f"one of {len(step.cases)} branches"
    return "sweeps over the rounds of a loop"


def _shape(extents: Iterable[object]) -> str:
    return " x ".join(str(n) for n in extents) or "one number"


def _parts(step: Step) -> Iterator[Nest | LibraryStep]:
    """All that is no control flow and no tiles."""
    for leaf in leaves([step]):
        if isinstance(leaf, Tiles):
            for item in leaf.items:
                yield item.step if isinstance(item, Product) else item.nest if isinstance(item, Sum) else item
        else:
            yield leaf


def _names(part: Nest | LibraryStep) -> list[str]:
    if isinstance(part, LibraryStep):
        return [part.primitive.name]
    return [i.primitive.name for i in part.body if isinstance(i, Compute | Reduce)]


def _few(names: Iterable[str]) -> str:
    different = list(dict.fromkeys(names))
    more = f", {len(different) - _MANY} more" if len(different) > _MANY else ""
    return ", ".join(different[:_MANY]) + more


def source(step: Step) -> Location | None:
    """The user's line that the step's first result with one comes from."""
    for part in _parts(step):
        for buffer in _results(part):
            for value in (buffer.value, *buffer.parts):
                if value is not None and value.op is not None and value.op.location is not None:
                    return value.op.location
    return None


def _results(part: Nest | LibraryStep) -> Iterable[Buffer]:
    if isinstance(part, LibraryStep):
        return part.results
    return [i.access.buffer for i in part.body if isinstance(i, Store | Reduce)]
