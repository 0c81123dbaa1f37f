"""Rules for movements and concatenation: the same elements, moved in fewer steps.

Attributes are written in the order of the op's declaration: `slice(x, start, size, step)`.
"""

from __future__ import annotations

from typing import Any

from tapec.ir.graph import Op, Value
from tapec.ir.primitive import Primitive
from tapec.ops import movement, reduction
from tapec.passes.rewriting import Rewriter, Rule, made_by

Shape = tuple[int, ...]


def _is_leading_units(long: Shape, short: Shape) -> bool:
    """Whether `long` is `short` behind any number of extents 1."""
    extra = len(long) - len(short)
    return extra >= 0 and long[extra:] == short and all(n == 1 for n in long[:extra])


def identity(_rewriter: Rewriter, op: Op) -> Value | None:
    """`broadcast`, `reshape`, `slice` and `unslice` of x to its own shape, `transpose` that moves nothing -> `x`.

    A window as large as its axis can begin and step in one way only, unless the axis is 0 or 1 long or is reversed.
    """
    (x,) = op.operands
    if op.result.type.shape != x.type.shape:
        return None
    if op.primitive is movement.transpose:
        permutation: Any = op.attributes["permutation"]
        return x if permutation == tuple(range(x.type.rank)) else None
    steps: Any = op.attributes.get("step", ())
    reversed_ = any(step < 0 and n > 1 for step, n in zip(steps, x.type.shape, strict=False))
    return None if reversed_ else x


def twice(rewriter: Rewriter, op: Op) -> Value | None:
    """`reshape(reshape x)` -> `reshape x`, and so for `broadcast`."""
    inner = made_by(op.operands[0], op.primitive)
    return None if inner is None else rewriter.make(op.primitive, *inner.operands, **op.attributes)


def broadcast_reshape(rewriter: Rewriter, op: Op) -> Value | None:
    """`broadcast(reshape x)` -> `broadcast x` where the reshape only drops leading extents of 1 that come back."""
    inner = made_by(op.operands[0], movement.reshape)
    if inner is None:
        return None
    (x,) = inner.operands
    shape = op.result.type.shape
    if x.type.rank > len(shape) or not _is_leading_units(x.type.shape, inner.result.type.shape):
        return None
    return rewriter.make(movement.broadcast, x, shape=shape)


def reshape_to_broadcast(rewriter: Rewriter, op: Op) -> Value | None:
    """`reshape(x)` -> `broadcast(x)` where it only adds leading extents of 1: elementwise ops then see through it."""
    (x,) = op.operands
    shape = op.result.type.shape
    return rewriter.make(movement.broadcast, x, shape=shape) if _is_leading_units(shape, x.type.shape) else None


def reshape_broadcast(rewriter: Rewriter, op: Op) -> Value | None:
    """`reshape(broadcast x)` -> `reshape x` where the broadcast repeats nothing."""
    inner = made_by(op.operands[0], movement.broadcast)
    if inner is None or not _is_leading_units(inner.result.type.shape, inner.operands[0].type.shape):
        return None
    return rewriter.make(movement.reshape, inner.operands[0], shape=op.result.type.shape)


def of_one_element(rewriter: Rewriter, op: Op) -> Value | None:
    """`reshape(broadcast x)` and `transpose(broadcast x)` -> `broadcast x` where x is a scalar or has one element."""
    inner = made_by(op.operands[0], movement.broadcast)
    if inner is None or inner.operands[0].type.size != 1:
        return None
    (x,) = inner.operands
    scalar = x if x.type.rank == 0 else rewriter.make(movement.reshape, x, shape=())
    return rewriter.fit(scalar, op.result.type.shape)


def transpose_transpose(rewriter: Rewriter, op: Op) -> Value | None:
    """`transpose(transpose(x, p), q)` -> `transpose(x, p[q])`."""
    inner = made_by(op.operands[0], movement.transpose)
    if inner is None:
        return None
    first: Any = inner.attributes["permutation"]
    second: Any = op.attributes["permutation"]
    return rewriter.make(movement.transpose, *inner.operands, permutation=tuple([first[i] for i in second]))


def transpose_of_units(rewriter: Rewriter, op: Op) -> Value | None:
    """`transpose(x)` -> `reshape(x)` where only extents of 1 change places."""
    (x,) = op.operands
    permutation: Any = op.attributes["permutation"]
    kept = [axis for axis in permutation if x.type.shape[axis] != 1]
    return rewriter.make(movement.reshape, x, shape=op.result.type.shape) if kept == sorted(kept) else None


def _compose(start: Shape, step: Shape, inner_start: Shape, inner_step: Shape) -> dict[str, Shape]:
    """The window that takes `start + i * step` out of what the inner window takes."""
    return {
        "start": tuple([s + t * at for s, t, at in zip(inner_start, inner_step, start, strict=True)]),
        "step": tuple([t * by for t, by in zip(inner_step, step, strict=True)]),
    }


def slice_slice(rewriter: Rewriter, op: Op) -> Value | None:
    """`slice(slice(x, s, n, t), u, m, v)` -> `slice(x, s + u * t, m, t * v)`."""
    inner = made_by(op.operands[0], movement.slice_)
    if inner is None:
        return None
    outer_window: Any = op.attributes
    inner_window: Any = inner.attributes
    window = _compose(outer_window["start"], outer_window["step"], inner_window["start"], inner_window["step"])
    return rewriter.make(
        movement.slice_, *inner.operands, start=window["start"], size=outer_window["size"], step=window["step"]
    )


def unslice_unslice(rewriter: Rewriter, op: Op) -> Value | None:
    """`unslice(unslice(x, s, t), u, v, n)` -> `unslice(x, u + s * v, t * v, n)`."""
    inner = made_by(op.operands[0], movement.unslice)
    if inner is None:
        return None
    outer_window: Any = op.attributes
    inner_window: Any = inner.attributes
    window = _compose(inner_window["start"], inner_window["step"], outer_window["start"], outer_window["step"])
    return rewriter.make(movement.unslice, *inner.operands, **window, shape=outer_window["shape"])


def slice_unslice(_rewriter: Rewriter, op: Op) -> Value | None:
    """`slice(unslice(x, s, t), s, n, t)` -> `x` where n is the shape of x."""
    inner = made_by(op.operands[0], movement.unslice)
    if inner is None:
        return None
    (x,) = inner.operands
    same_window = all(op.attributes[key] == inner.attributes[key] for key in ("start", "step"))
    return x if same_window and op.attributes["size"] == x.type.shape else None


def slice_broadcast(rewriter: Rewriter, op: Op) -> Value | None:
    """`slice(broadcast x)` -> `broadcast(slice x)`: axes that the broadcast makes need no slicing."""
    inner = made_by(op.operands[0], movement.broadcast)
    if inner is None:
        return None
    (x,) = inner.operands
    window: Any = op.attributes
    first = inner.result.type.rank - x.type.rank
    repeated = [n == 1 for n in x.type.shape]
    parts = {
        key: tuple([unit if one else n for one, n in zip(repeated, window[key][first:], strict=True)])
        for key, unit in (("start", 0), ("size", 1), ("step", 1))
    }
    return rewriter.fit(rewriter.make(movement.slice_, x, **parts), window["size"])


def slice_concat(rewriter: Rewriter, op: Op) -> Value | None:
    """`slice(concat(x, y))` -> `slice(x)` where the window lies within x, or so for another operand."""
    inner = made_by(op.operands[0], movement.concat)
    if inner is None or 0 in op.result.type.shape:
        return None
    axis: Any = inner.attributes["axis"]
    window: Any = op.attributes
    start, last = window["start"][axis], window["start"][axis] + (window["size"][axis] - 1) * window["step"][axis]
    low, high = min(start, last), max(start, last)
    begin = 0
    for x in inner.operands:
        end = begin + x.type.shape[axis]
        if begin <= low and high < end:
            moved = (*window["start"][:axis], start - begin, *window["start"][axis + 1 :])
            return rewriter.make(movement.slice_, x, start=moved, size=window["size"], step=window["step"])
        begin = end
    return None


def concat_few(rewriter: Rewriter, op: Op) -> Value | None:
    """`concat(x)` -> `x`; `concat(x, empty, y)` -> `concat(x, y)`, where `empty` has extent 0 along the axis."""
    axis: Any = op.attributes["axis"]
    kept = [x for x in op.operands if x.type.shape[axis]] or [op.operands[0]]
    if len(kept) == 1:
        return kept[0]
    return rewriter.make(movement.concat, *kept, axis=axis) if len(kept) < len(op.operands) else None


def reduce_units(rewriter: Rewriter, op: Op) -> Value | None:
    """`sum(x)` -> `reshape(x)` where every axis summed has extent 1, and so for `prod`, `max` and `min`."""
    (x,) = op.operands
    axes: Any = op.attributes["axes"]
    if any(x.type.shape[axis] != 1 for axis in axes):
        return None
    return rewriter.make(movement.reshape, x, shape=op.result.type.shape)


RULES: dict[Primitive, tuple[Rule, ...]] = {
    movement.broadcast: (identity, twice, broadcast_reshape),
    movement.reshape: (identity, twice, reshape_to_broadcast, reshape_broadcast, of_one_element),
    movement.transpose: (identity, transpose_transpose, of_one_element, transpose_of_units),
    movement.slice_: (identity, slice_slice, slice_unslice, slice_broadcast, slice_concat),
    movement.unslice: (identity, unslice_unslice),
    movement.concat: (concat_few,),
    reduction.sum: (reduce_units,),
    reduction.prod: (reduce_units,),
    reduction.max: (reduce_units,),
    reduction.min: (reduce_units,),
}
