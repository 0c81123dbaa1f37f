"""`tp.associative_scan`: running combinations in logarithmic depth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapec.bodies import take_apart
from tapec.dispatch import apply, located
from tapec.errors import ArgumentError, ShapeError
from tapec.ops import movement
from tapec.tensor import Tensor

_Combine = Callable[[list[Tensor], list[Tensor]], list[Tensor]]


def associative_scan(fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Running combinations of slices along an axis, as `jax.lax.associative_scan`.

    The calls of `fn` work on many slices at once, and there are about `2 * log2(n)` of them for n slices.

    Args:
        fn: `(a, b) -> combination`, associative, and elementwise along `axis`: it gets slices stacked along it, as many
            in `a` as in `b`.
        elems: a tensor, or nested containers of tensors, of one extent along `axis`.
        reverse: combine from the last slice to the first; `fn(b, a)` then gets what lies behind first.
        axis: negative ones count from the end, for each tensor.

    Returns:
        In the containers of `elems`, at each place the combination of all slices up to there.

    Raises:
        ShapeError: a tensor has no such axis, extents along it differ, or `fn` changes a shape.
        ArgumentError: `elems` holds no tensor, or `fn` returns other containers than it gets.

    >>> import numpy as np, tapec as tp
    >>> tp.associative_scan(np.multiply, np.array([1.0, 2.0, 3.0, 4.0])).numpy()
    array([ 1.,  2.,  6., 24.])
    """
    tensors, layout = take_apart(elems)
    paths = layout.paths("elems")
    if not tensors:
        raise located(ArgumentError("tp.associative_scan: there is no tensor to combine slices of"))
    axes = []
    for tensor, path in zip(tensors, paths, strict=True):
        if not -tensor.ndim <= axis < tensor.ndim:
            raise located(ShapeError(f"tp.associative_scan: {path} has {tensor.ndim} axes, so there is no axis {axis}"))
        axes.append(axis % tensor.ndim)
    extents = [t.shape[a] for t, a in zip(tensors, axes, strict=True)]
    if len(set(extents)) > 1:
        shown = ", ".join([f"{path}: {n}" for path, n in zip(paths, extents, strict=True)])
        raise located(ShapeError(f"tp.associative_scan: extents along the axis must be the same, got {shown}"))

    def combine(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        made, made_layout = take_apart(fn(layout.rebuild(a), layout.rebuild(b)))
        if made_layout != layout:
            raise located(ArgumentError("tp.associative_scan: the function must return the containers that it gets"))
        for new, old, path in zip(made, a, paths, strict=True):
            if new.shape != old.shape:
                raise located(
                    ShapeError(f"tp.associative_scan: the function makes shape {new.shape} of {old.shape} for {path}")
                )
        return made

    if reverse:
        tensors = _part(tensors, axes, extents[0] - 1, extents[0], -1)
    results = _scanned(combine, tensors, axes)
    return layout.rebuild(_part(results, axes, extents[0] - 1, extents[0], -1) if reverse else results)


def _scanned(combine: _Combine, tensors: list[Tensor], axes: list[int]) -> list[Tensor]:
    """Pairs of neighbours are combined and scanned, which gives every second result; the others need one step more."""
    n = tensors[0].shape[axes[0]]
    if n < 2:
        return tensors
    pairs = n // 2
    odd = _scanned(combine, combine(_part(tensors, axes, 0, pairs, 2), _part(tensors, axes, 1, pairs, 2)), axes)
    first = _part(tensors, axes, 0, 1, 1)
    rest = (n - 1) // 2
    if not rest:
        return _joined(first, odd, axes)
    later = combine(_part(odd, axes, 0, rest, 1), _part(tensors, axes, 2, rest, 2))
    even = _joined(first, later, axes)
    return [_interleaved(a, b, axis, n) for a, b, axis in zip(even, odd, axes, strict=True)]


def _part(tensors: list[Tensor], axes: list[int], start: int, count: int, step: int) -> list[Tensor]:
    """`count` slices of each tensor."""
    parts = []
    for tensor, axis in zip(tensors, axes, strict=True):
        stop = start + count * step
        index = slice(start, stop if stop >= 0 else None, step)
        parts.append(tensor[(slice(None),) * axis + (index,)])
    return parts


def _joined(first: list[Tensor], rest: list[Tensor], axes: list[int]) -> list[Tensor]:
    return [apply(movement.concat, (a, b), {"axis": axis}) for a, b, axis in zip(first, rest, axes, strict=True)]


def _interleaved(even: Tensor, odd: Tensor, axis: int, count: int) -> Tensor:
    """The first of `even`, the first of `odd`, the second of `even`, ..., `count` in all."""
    both = odd.shape[axis]

    def apart(x: Tensor) -> Tensor:
        shape = (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :])
        return apply(movement.reshape, (x,), {"shape": shape})

    (paired,) = _part([even], [axis], 0, both, 1)
    together = apply(movement.concat, (apart(paired), apart(odd)), {"axis": axis + 1})
    mixed = apply(movement.reshape, (together,), {"shape": (*odd.shape[:axis], 2 * both, *odd.shape[axis + 1 :])})
    if count == 2 * both:
        return mixed
    (last,) = _part([even], [axis], both, 1, 1)
    return apply(movement.concat, (mixed, last), {"axis": axis})
