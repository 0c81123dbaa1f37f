"""The demo from start to end: train, predict, measure, draw, report."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console

import tapec as tp
from tapec.demo.data import split
from tapec.demo.model import predict, train_step
from tapec.demo.picture import draw
from tapec.demo.report import Figures, show
from tapec.demo.training import Settings, train

_QUICK_EPOCHS = 10


def run(picture: Path, *, quick: bool, seed: int) -> Figures:
    """Trains, saves the picture, prints the table.

    Args:
        picture: where to save it; the suffix says the format.
        quick: fewer epochs, and fewer steps to take times of.
        seed: of everything random.

    Returns:
        What the table shows.
    """
    console = Console()
    settings = Settings(epochs=_QUICK_EPOCHS, seed=seed) if quick else Settings(seed=seed)
    train_digits, held_out = split(seed)
    console.print(
        f"{len(train_digits):,} scans of handwritten digits to train on, {len(held_out)} held out; "
        f"{settings.epochs} epochs, batches of {settings.batch}"
    )
    trained = train(train_digits, held_out, settings, console)
    predicted = np.asarray(predict(trained.parameters, held_out.images))
    draw(picture, trained.losses, trained.accuracies, held_out, predicted, seed)
    console.print(f"picture saved to {picture}")

    images, labels = next(train_digits.batches(settings.batch, np.random.default_rng(seed)))
    step = (trained.parameters, trained.state, images, labels, settings.rate)
    inspection = train_step.inspect(*step)
    compiled_s = median_time(lambda: train_step(*step), 20 if quick else 200)
    with tp.eager():
        eager_s = median_time(lambda: train_step(*step), 5 if quick else 20)
    figures = Figures(
        recorded_ops=inspection.recorded_ops,
        kernels=inspection.kernels,
        kept_plain=inspection.memory.plain,
        kept_pruned=inspection.memory.kept,
        compile_s=inspection.compile_seconds,
        compiled_s=compiled_s,
        eager_s=eager_s,
        steps=len(trained.losses),
        accuracy=float(np.mean(predicted == held_out.labels)),
        held_out=len(held_out),
    )
    show(figures, console)
    return figures


def median_time(call: Callable[[], Any], times: int) -> float:
    """Median duration of a call in seconds; one more call goes ahead of the ones that count."""
    call()
    durations = []
    for _ in range(times):
        start = perf_counter()
        call()
        durations.append(perf_counter() - start)
    return statistics.median(durations)
