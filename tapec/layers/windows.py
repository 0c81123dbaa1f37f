"""Windows that slide over height and width of images (batch, height, width, channels).

They are a view: each element is where it is in the images, however many windows it belongs to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tapec.dispatch import apply
from tapec.errors import ShapeError
from tapec.ops import movement
from tapec.surface.primitives import concat, filled
from tapec.tensor import Tensor

Padding: TypeAlias = Literal["valid", "same"]
Pair: TypeAlias = int | Sequence[int]


def pair(value: Pair, what: str) -> tuple[int, int]:
    """Two extents from one number or two.

    Raises:
        ValueError: they are not one or two numbers from 1 up.
    """
    numbers = (value, value) if isinstance(value, int) else tuple(value)
    if len(numbers) != 2 or min(numbers) < 1:
        raise ValueError(f"{what} is a number from 1 up, or two of them (height, width), got {value!r}")
    return numbers


@dataclass(frozen=True, slots=True)
class Windows:
    """Where windows lie along height and width.

    Args:
        size: extents of a window.
        strides: distances of neighbours.
        padding: `"valid"`: every window lies inside. `"same"`: there are ceil(extent / stride) windows, and what they
            need beyond the edges is added on both sides, the odd one at the end, as in TensorFlow.

    Raises:
        ValueError: the padding is neither.
    """

    size: tuple[int, int]
    strides: tuple[int, int]
    padding: Padding

    def __post_init__(self) -> None:
        if self.padding not in ("valid", "same"):
            raise ValueError(f"padding is 'valid' or 'same', got {self.padding!r}")

    def counts(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """How many windows there are in images of a shape.

        Raises:
            ShapeError: the shape has not four axes, or no window fits in.
        """
        if len(shape) != 4:
            raise ShapeError(f"images have the shape (batch, height, width, channels), got {shape}")
        rows, columns = [
            -(-n // stride) if self.padding == "same" else (n - size) // stride + 1
            for n, size, stride in zip(shape[1:3], self.size, self.strides, strict=True)
        ]
        if rows < 1 or columns < 1:
            raise ShapeError(f"a window of {self.size} does not fit in images of shape {shape}")
        return rows, columns

    def margins(self, shape: tuple[int, ...]) -> list[tuple[int, int]]:
        """What is missing before and behind, for height and width."""
        missing = [
            max((count - 1) * stride + size - n, 0) if self.padding == "same" else 0
            for n, size, stride, count in zip(shape[1:3], self.size, self.strides, self.counts(shape), strict=True)
        ]
        return [(n // 2, n - n // 2) for n in missing]

    def of(self, x: Tensor, fill: float) -> Tensor:
        """What each window holds: (batch, *counts, *size, channels). No memory is moved in compiled code.

        Args:
            x: images.
            fill: stands beyond the edges.
        """
        (rows, columns), margins = self.counts(x.shape), self.margins(x.shape)
        for axis, (before, behind) in enumerate(margins, start=1):
            x = padded(x, axis, before, behind, fill)
        batch, height, width, channels = x.shape
        # Just what the windows reach, so that neighbours without overlap cover it exactly.
        reach = [(n - 1) * s + k for n, s, k in zip((rows, columns), self.strides, self.size, strict=True)]
        if (height, width) != tuple(reach):
            whole = {"start": (0,) * 4, "size": (batch, *reach, channels), "step": (1,) * 4}
            x = apply(movement.slice_, (x,), whole)
        found = apply(movement.windows, (x,), {"size": (1, *self.size, 1), "step": (1, *self.strides, 1)})
        flat = apply(movement.reshape, (found,), {"shape": (batch, rows, columns, channels, *self.size)})
        return apply(movement.transpose, (flat,), {"permutation": (0, 1, 2, 4, 5, 3)})


def padded(x: Tensor, axis: int, before: int, behind: int, fill: float) -> Tensor:
    """`x` with more elements along an axis, all of them `fill`."""
    shape, start = list(x.shape), [0] * len(x.shape)
    if not before and not behind:
        return x
    if fill == 0.0:
        shape[axis] += before + behind
        start[axis] = before
        where = {"start": tuple(start), "step": (1,) * len(shape), "shape": tuple(shape)}
        return apply(movement.unslice, (x,), where)
    parts = [x]
    for count, position in ((before, 0), (behind, len(parts) + bool(before))):
        if count:
            shape[axis] = count
            parts.insert(position, filled(fill, tuple(shape), x.dtype))
    return concat(parts, axis)
