"""The program itself: ordinary NumPy code with decorators.

Parameters are a list of layers, each a dict of a weight matrix and a bias; Adam's state has the same structure.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tapec as tp

Parameters = list[dict[str, Any]]

DECAY_OF_MEAN, DECAY_OF_SQUARE, EPSILON = 0.9, 0.999, 1e-8


def initial_parameters(sizes: tuple[int, ...], seed: int) -> Parameters:
    """He's initial weights for layers of these sizes, inputs first; float32."""
    rng = np.random.default_rng(seed)
    return [
        {
            "weight": (rng.normal(size=(n, m)) * np.sqrt(2 / n)).astype(np.float32),
            "bias": np.zeros(m, dtype=np.float32),
        }
        for n, m in pairwise(sizes)
    ]


def initial_state(parameters: Parameters) -> dict[str, Any]:
    """Adam's state before the first step."""
    zeros = [{name: np.zeros_like(value) for name, value in layer.items()} for layer in parameters]
    return {"step": np.float32(0), "mean": zeros, "square": zeros}


def scores(parameters: Parameters, images: Any) -> Any:
    """One score for each class: shape (n, 10) from images of shape (n, 64)."""
    *hidden, last = parameters
    x = images
    for layer in hidden:
        x = np.maximum(x @ layer["weight"] + layer["bias"], 0)
    return x @ last["weight"] + last["bias"]


def cross_entropy(parameters: Parameters, images: Any, labels: Any) -> Any:
    """Mean of -log(probability of the right class) over the batch; a scalar."""
    z = scores(parameters, images)
    z = z - np.max(z, axis=1, keepdims=True)
    log_probability = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    return -np.mean(log_probability[np.arange(len(labels)), labels])


@tp.function
def train_step(
    parameters: Parameters, state: dict[str, Any], images: Any, labels: Any, rate: float
) -> tuple[Parameters, dict[str, Any], Any]:
    """One step of Adam on one batch (Kingma and Ba, 2015, algorithm 1): forward, backward and update in one function.

    Args:
        parameters: the layers.
        state: Adam's.
        images: float32, shape (n, 64).
        labels: integers from 0 to 9, shape (n,).
        rate: learning rate.

    Returns:
        The new parameters, Adam's new state, and the loss before the step.
    """
    loss, gradients = tp.value_and_grad(cross_entropy)(parameters, images, labels)
    step = state["step"] + 1
    rate = rate * np.sqrt(1 - DECAY_OF_SQUARE**step) / (1 - DECAY_OF_MEAN**step)
    new_parameters, mean, square = [], [], []
    for layer, gradient, m, s in zip(parameters, gradients, state["mean"], state["square"], strict=True):
        m = {k: DECAY_OF_MEAN * m[k] + (1 - DECAY_OF_MEAN) * gradient[k] for k in layer}
        s = {k: DECAY_OF_SQUARE * s[k] + (1 - DECAY_OF_SQUARE) * gradient[k] ** 2 for k in layer}
        new_parameters.append({k: layer[k] - rate * m[k] / (np.sqrt(s[k]) + EPSILON) for k in layer})
        mean.append(m)
        square.append(s)
    return new_parameters, {"step": step, "mean": mean, "square": square}, loss


@tp.function
def predict(parameters: Parameters, images: Any) -> NDArray[np.int64]:
    """The digit with the highest score for each image: int64, shape (n,)."""
    digit: NDArray[np.int64] = np.argmax(scores(parameters, images), axis=1)
    return digit
