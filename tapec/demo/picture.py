"""The one picture: how the loss fell, digits that were held out, and each one that was taken for another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tapec.demo.data import Digits

RIGHT, WRONG = "#2b6cb0", "#c53030"
_COLUMNS, _ROWS = 10, 5


def draw(
    path: Path,
    losses: list[float],
    accuracies: list[float],
    held_out: Digits,
    predicted: NDArray[np.int64],
    seed: int,
) -> None:
    """Writes the picture to `path`, whose suffix says the format.

    Args:
        path: where to.
        losses: one for each step.
        accuracies: on the held-out digits, one for each epoch.
        held_out: the digits to show.
        predicted: what the model takes each of them for, shape (n,).
        seed: of the choice of digits to show.
    """
    figure = Figure(figsize=(13, 5.6), layout="constrained")
    parts: Any = figure.subfigures(1, 2, width_ratios=(5, 8))
    left, right = parts
    _curves(left, losses, accuracies)
    _digits(right, held_out, predicted, seed)
    figure.savefig(path, dpi=120)


def _curves(figure: Any, losses: list[float], accuracies: list[float]) -> None:
    top, bottom = figure.subplots(2, 1, height_ratios=(3, 2))
    per_epoch = len(losses) // len(accuracies)
    epochs = np.arange(1, len(losses) + 1) / per_epoch
    means = np.reshape(losses, (len(accuracies), per_epoch)).mean(axis=1)
    after = np.arange(1, len(accuracies) + 1)
    top.semilogy(epochs, losses, color=RIGHT, alpha=0.3, linewidth=0.8, label="each step")
    top.semilogy(after - 0.5, means, color=RIGHT, linewidth=2, label="mean of the epoch")
    top.set(title="Training loss (cross-entropy)", xlabel="epoch")
    top.legend(frameon=False)
    bottom.plot(after, [100 * a for a in accuracies], color=RIGHT, linewidth=2)
    bottom.axhline(97, color="grey", linewidth=0.8, linestyle="--")
    bottom.set(title=f"Held-out digits predicted right: {accuracies[-1]:.1%} at the end", xlabel="epoch", ylabel="%")
    bottom.set_ylim(min(90, 100 * min(accuracies) - 1), 100.5)
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)


def _digits(figure: Any, held_out: Digits, predicted: NDArray[np.int64], seed: int) -> None:
    shown = _chosen(held_out.labels, predicted, seed)
    wrong = int(np.sum(predicted != held_out.labels))
    missing = "" if wrong <= _COLUMNS * _ROWS else f", of which {_COLUMNS * _ROWS} are shown"
    figure.suptitle(
        f"{len(shown)} of {len(held_out)} held-out digits and what each was taken for.\n"
        f"In red: all {wrong} that it got wrong{missing}, with the right answer after the arrow"
    )
    grid = figure.subplots(_ROWS, _COLUMNS).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, i in zip(grid, shown, strict=False):
        axes.imshow(held_out.images[i].reshape(8, 8), cmap="gray_r", vmin=0, vmax=1)
        mistaken = predicted[i] != held_out.labels[i]
        title = f"{predicted[i]} → {held_out.labels[i]}" if mistaken else str(predicted[i])
        axes.set_title(title, color=WRONG if mistaken else RIGHT, fontsize=11, fontweight="bold" if mistaken else None)
        if mistaken:
            axes.set_axis_on()
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(color=WRONG, linewidth=2.5)


def _chosen(labels: NDArray[np.int64], predicted: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Wrong ones first, then right ones at random, as many as there is room for."""
    order = np.random.default_rng(seed).permutation(len(labels))
    mistaken = predicted[order] != labels[order]
    return np.concatenate([order[mistaken], order[~mistaken]])[: _COLUMNS * _ROWS]
