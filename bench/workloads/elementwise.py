"""A sum of elementary functions: arithmetic binds it, and one pass over memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.workload import Builder, Call, Cost, Workload, gradients


def points(dtype: type) -> Callable[[int], tuple[np.ndarray]]:
    return lambda n: (np.linspace(-1.0, 2.0, n).astype(dtype),)


def functions(m: Any, x: Any) -> Any:
    return m.sum(m.sin(x) * m.exp(-x * x) + m.tanh(x) / (1.0 + x * x))


def tensorflow(tf: Any, x: Any) -> Any:
    return tf.reduce_sum(tf.sin(x) * tf.exp(-x * x) + tf.tanh(x) / (1.0 + x * x))


def builders(dtype: type) -> dict[str, Builder]:
    def limit(n: int) -> Call:
        from bench.limits.native import functions as by_hand

        return Call(by_hand, points(dtype)(n))

    return gradients(points(dtype), functions, torch=functions, tensorflow=tensorflow, limit=limit)


BINDS = "sine, exponential and hyperbolic tangent of each element: arithmetic"

WORKLOADS = (
    Workload(
        "functions",
        "sum(sin(x) exp(-x²) + tanh(x) / (1 + x²)), {n} numbers",
        builders(np.float64),
        sizes=(1_000, 1_000_000),
        sweep=(10_000, 100_000),
        quick=1_000,
        tolerance=1e-10,
        cost=lambda n: Cost(bytes=16 * n),
        threaded=True,
        binds=BINDS,
    ),
    Workload(
        "functions_float32",
        "sum(sin(x) exp(-x²) + tanh(x) / (1 + x²)), float32, {n} numbers",
        builders(np.float32),
        sizes=(1_000, 1_000_000),
        quick=1_000,
        dtype="float32",
        tolerance=1e-4,
        cost=lambda n: Cost(bytes=8 * n),
        threaded=True,
        binds=BINDS,
    ),
)
