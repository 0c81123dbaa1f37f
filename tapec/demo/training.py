"""The loop over epochs and batches, with its progress bar."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tapec.demo.data import CLASSES, PIXELS, Digits
from tapec.demo.model import Parameters, initial_parameters, initial_state, predict, train_step


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run depends on, apart from the data.

    Args:
        epochs: passes over the training digits.
        batch: images per step.
        hidden: sizes of the hidden layers.
        rate: learning rate at the start; it falls to 0 by half a cosine.
        seed: of the initial weights, the order of the batches and the split.
    """

    epochs: int = 40
    batch: int = 64
    hidden: tuple[int, ...] = (256, 128)
    rate: float = 0.003
    seed: int = 0


@dataclass(slots=True)
class Run:
    """A trained model, the loss at each step, and the accuracy on held-out digits after each epoch."""

    parameters: Parameters
    state: dict[str, Any]
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)


def accuracy(parameters: Parameters, digits: Digits) -> float:
    """Share of the digits that are predicted right."""
    predicted: NDArray[np.int64] = np.asarray(predict(parameters, digits.images))
    return float(np.mean(predicted == digits.labels))


def train(train_digits: Digits, held_out: Digits, settings: Settings, console: Console) -> Run:
    """Trains from fresh weights, with a bar that shows the loss of the epoch and the held-out accuracy after it."""
    parameters = initial_parameters((PIXELS, *settings.hidden, CLASSES), settings.seed)
    run = Run(parameters, initial_state(parameters))
    rng = np.random.default_rng(settings.seed)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]:.4f}  held-out {task.fields[accuracy]:.1%}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("epoch", total=settings.epochs, loss=float("nan"), accuracy=0.0)
        for epoch in range(settings.epochs):
            rate = settings.rate * (1 + math.cos(math.pi * epoch / settings.epochs)) / 2
            losses = []
            for images, labels in train_digits.batches(settings.batch, rng):
                run.parameters, run.state, loss = train_step(run.parameters, run.state, images, labels, rate)
                losses.append(float(loss))
            run.losses += losses
            run.accuracies.append(accuracy(run.parameters, held_out))
            progress.update(bar, advance=1, loss=float(np.mean(losses)), accuracy=run.accuracies[-1])
    return run
