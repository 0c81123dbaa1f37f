"""Cotangents of what a product of windows read: a convolution with the kernel turned round.

A convolution is the product of windows with a kernel. Its pullback is a product too, which gives a cotangent for each
place of each window, and the transpose of `windows` adds up the places that lie on one another. The two together are
again a product of windows: those of the left operand of the product, with zeros around it, and the kernel in reverse.
Nothing is written out for places then. Windows that are `step` apart put positions of the images into `step` classes,
each of which has a share of the kernel for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Final, NamedTuple

from tapec.ir.graph import Value
from tapec.ir.types import tensor_type
from tapec.ops import contraction, movement
from tapec.ops.symbolic import Sym, apply, matmul, reshape, transpose, zeros
from tapec.passes.views import View, ViewTable

Shape = tuple[int, ...]

# Fewer columns than fill two vectors of a common machine would leave lanes of the product idle.
LEAST_BYTES: Final = 64


class _Form(NamedTuple):
    """A product whose elements are places of windows.

    Attributes:
        left: its left operand, (rows, inner).
        right: its right operand, (inner, columns).
        rows: axes of the windowed value that its rows are, in order.
        columns: the other axes of the windowed value.
        order: the windows' axes that its columns are, in order: `rank + axis` for places along an axis.
    """

    left: Value
    right: Value
    rows: Shape
    columns: Shape
    order: Shape


def of_product(ct: Sym, x: Sym, size: Shape, step: Shape) -> Sym | None:
    """The cotangent of x, if the one of its windows is a product; None if it is not, or does not pay.

    Args:
        ct: cotangent of `windows(x, size, step)`, of its shape.
        x: what was windowed.
        size: of the windows.
        step: between them.
    """
    form = _form(ViewTable()[ct.value], size, step)
    if form is None or prod(x.shape[axis] for axis in form.columns) * x.dtype.itemsize < LEAST_BYTES:
        return None
    return _Convolution(ct, x, size, step, form).cotangent()


def _form(view: View, size: Shape, step: Shape) -> _Form | None:
    made = view.base.op
    if made is None or made.primitive is not contraction.matmul or len(view.base.shape) != 2 or view.offset:
        return None
    width, rank = view.base.shape[1], len(size)
    longer = [axis for axis, n in enumerate(view.shape) if n > 1]
    rows = tuple([axis for axis in longer if axis < rank and view.strides[axis] >= width])
    order = tuple(sorted([a for a in longer if a not in rows], key=lambda axis: -view.strides[axis]))
    columns = tuple([axis for axis in range(rank) if axis not in rows])
    if any(size[axis] > 1 or step[axis] > 1 for axis in columns) or view.base.type.size != prod(view.shape):
        return None
    stride = 1
    for axis in reversed((*rows, *order)):  # they are all of the product's elements, one after the other
        if view.strides[axis] != stride:
            return None
        stride *= view.shape[axis]
    return _Form(made.operands[0], made.operands[1], rows, columns, order)


class _Convolution:
    def __init__(self, ct: Sym, x: Sym, size: Shape, step: Shape, form: _Form) -> None:
        self.ct = ct
        self.x = x
        self.form = form
        self.counts = tuple([ct.shape[axis] for axis in form.rows])
        self.size = tuple([size[axis] for axis in form.rows])
        self.step = tuple([step[axis] for axis in form.rows])
        self.kept = tuple([x.shape[axis] for axis in form.columns])
        self.inner = form.left.shape[1]
        # Positions of a class that some window may reach.
        self.reach = tuple([n - 1 + -(-k // s) for n, k, s in zip(self.counts, self.size, self.step, strict=True)])
        left = Sym(ct.builder, form.left)
        self.left = reshape(left, (*self.counts, self.inner))
        self.kernel = self._kernel(Sym(ct.builder, form.right))

    def _kernel(self, right: Sym) -> Sym:
        """The right operand as (places along each row axis, inner, columns)."""
        rank = len(self.x.shape)
        cut = reshape(right, (self.inner, *[self.ct.shape[axis] for axis in self.form.order]))
        at = {axis: i + 1 for i, axis in enumerate(self.form.order)}
        places = [at[rank + axis] for axis in self.form.rows if rank + axis in at]
        columns = [at[axis] for axis in self.form.columns if axis in at]
        turned = transpose(cut, (*places, 0, *columns))
        return reshape(turned, (*self.size, self.inner, *self.kept))

    def cotangent(self) -> Sym:
        """Of the windowed value."""
        classes = [self._of_class(first) for first in product(*map(range, self.step))]
        axes = len(self.counts)
        whole = classes[0]
        if len(classes) > 1:
            stacked = apply(movement.concat, *[reshape(c, (1, *c.shape)) for c in classes], axis=0)
            cut = reshape(stacked, (*self.step, *self.reach, *self.kept))
            behind = range(2 * axes, 2 * axes + len(self.kept))
            turned = transpose(cut, (*[i for a in range(axes) for i in (axes + a, a)], *behind))
            extents = [n * s for n, s in zip(self.reach, self.step, strict=True)]
            whole = reshape(turned, (*extents, *self.kept))
        order = (*self.form.rows, *self.form.columns)
        ordered = transpose(whole, tuple([order.index(axis) for axis in range(len(order))]))
        return _fitted(ordered, self.x.shape)

    def _of_class(self, first: Shape) -> Sym:
        """Positions `first`, `first + step`, ...: (reach, kept)."""
        taken = [-(-max(k - p, 0) // s) for k, p, s in zip(self.size, first, self.step, strict=True)]
        shape = (*self.reach, *self.kept)
        if 0 in taken:
            return zeros(self.ct.builder, tensor_type(self.ct.dtype, shape))
        # Windows of the left operand with the last place first: from where all but one place lie before its beginning.
        around = _placed(
            self.left,
            start=(*[n - 1 for n in taken], 0),
            shape=(*[r + n - 1 for r, n in zip(self.reach, taken, strict=True)], self.inner),
        )
        found = apply(movement.windows, around, size=(*taken, 1), step=(1,) * len(around.shape))
        axes = len(taken)
        # (reach, inner, places, 1) to rows and (places, inner)
        turned = transpose(found, (*range(axes), *range(axes + 1, 2 * axes + 1), axes, 2 * axes + 1))
        rows = reshape(turned, (prod(self.reach), prod(taken) * self.inner))
        last = [p + (n - 1) * s for p, n, s in zip(first, taken, self.step, strict=True)]
        rest = self.kernel.shape[axes:]
        reverse = apply(
            movement.slice_,
            self.kernel,
            start=(*last, *[0] * len(rest)),
            size=(*taken, *rest),
            step=(*[-s for s in self.step], *[1] * len(rest)),
        )
        return reshape(matmul(rows, reshape(reverse, (rows.shape[1], prod(self.kept)))), shape)


def _placed(x: Sym, start: Sequence[int], shape: Shape) -> Sym:
    if shape == x.shape:
        return x
    return apply(movement.unslice, x, start=tuple(start), step=(1,) * len(shape), shape=shape)


def _fitted(x: Sym, shape: Shape) -> Sym:
    """What lies within a shape; zeros where nothing does, since no window reaches there."""
    size = tuple([min(n, m) for n, m in zip(x.shape, shape, strict=True)])
    if size != x.shape:
        x = apply(movement.slice_, x, start=(0,) * len(size), size=size, step=(1,) * len(size))
    return _placed(x, (0,) * len(shape), shape)
