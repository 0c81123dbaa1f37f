"""The handwritten digits that scikit-learn brings along: 1,797 scans of 8×8 pixels from the UCI repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

PIXELS, CLASSES = 64, 10
HELD_OUT_FRACTION = 0.25


@dataclass(frozen=True, slots=True)
class Digits:
    """Images, one per row, with values from 0 to 1, and the digits that they show.

    Args:
        images: float32, shape (n, 64).
        labels: int64, shape (n,).
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """One pass over the images in a new order, in batches of one size; what is left over waits for another pass."""
        order = rng.permutation(len(self))
        for start in range(0, len(self) - size + 1, size):
            chosen = order[start : start + size]
            yield self.images[chosen], self.labels[chosen]


def split(seed: int) -> tuple[Digits, Digits]:
    """Digits to train on and, apart from them, a quarter that is held out and only ever predicted."""
    bundled: Any = load_digits()
    images = (bundled.data / 16).astype(np.float32)
    labels = bundled.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out, train = np.split(order, [round(len(order) * HELD_OUT_FRACTION)])
    return Digits(images[train], labels[train]), Digits(images[held_out], labels[held_out])
