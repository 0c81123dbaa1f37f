"""Updates in the memory of their results, for targets that are sent one kernel after the other.

What has to be copied there first is a nest of its own, so that what follows is as much work as there is to change.
Windows of arrays become nests, too, which every target has code for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tapec.ops import elementwise as ew
from tapec.ops import update
from tapec.passes.in_place import UPDATES
from tapec.passes.loops import Access, Buffer, Compute, Instruction, Load, Nest, Store
from tapec.passes.steps import LibraryStep, Operand, Step
from tapec.passes.views import dense_strides


def updates_in_place(steps: Sequence[Step]) -> list[Step]:
    """The steps of one graph or region, each update behind the copy that it begins with.

    Before -> after:

        out = put(x, i, new)           ->    out[j] = x[j];  out = put(out, i, new)
        out = slice_set(x, new)        ->    out[j] = x[j];  out[window(j)] = new[j]
        x = slice_set(x, new)          ->    x[window(j)] = new[j]
    """
    done: list[Step] = []
    for step in steps:
        if isinstance(step, LibraryStep) and step.primitive in UPDATES:
            done += _update(step)
        else:
            done.append(step)
    return done


def copy_nest(source: Operand, to: Buffer) -> Nest:
    """Copies a dense operand."""
    body = (Load(0, Access(source.buffer, source.offset, (1,))), Store(0, Access(to, 0, (1,))))
    return Nest((to.size,), (False,), body, False, "copy")


def _update(step: LibraryStep) -> list[Step]:
    x, *others = step.operands
    result = step.result
    assert result is not None
    copies: list[Step] = [copy_nest(x, result)] if x.buffer is not result and result.size else []
    inside = replace(step, operands=(Operand(result, 0, x.shape, x.strides), *others))
    if step.primitive not in (update.slice_set, update.slice_add):
        return [*copies, inside]
    return [*copies, _window_nest(inside)] if all(others[0].shape) else copies


def _window_nest(step: LibraryStep) -> Nest:
    """`slice_set` or `slice_add` of at least one element, in the memory of its first operand."""
    x, new = step.operands
    strides = dense_strides(x.shape)
    first = sum(at * stride for at, stride in zip(step.attributes["start"], strides, strict=True))
    moves = tuple([by * stride for by, stride in zip(step.attributes["step"], strides, strict=True)])
    window = Access(x.buffer, first, moves)
    body: list[Instruction] = [Load(0, Access(new.buffer, new.offset, dense_strides(new.shape)))]
    if step.primitive is update.slice_add:
        body += [Load(1, window), Compute(2, ew.add, (1, 0), {}, x.buffer.dtype, step.location), Store(2, window)]
    else:
        body.append(Store(0, window))
    return Nest(new.shape, (False,) * len(new.shape), tuple(body), False, step.primitive.name)
