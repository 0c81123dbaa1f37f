"""The Rosenbrock function, NumPy in and out: small sizes show what a call costs, large ones what streaming costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Cost, Workload, gradients


def point(n: int) -> tuple[np.ndarray]:
    return (np.random.default_rng(0).uniform(0.5, 1.5, n),)


def rosenbrock(_: Any, x: Any) -> Any:
    return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()


def tensorflow(tf: Any, x: Any) -> Any:
    return tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def autograd(anp: Any, x: Any) -> Any:
    return anp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def limit(n: int) -> Call:
    from bench.limits.rosenbrock import rosenbrock as by_hand

    return Call(by_hand, point(n))


WORKLOADS = (
    Workload(
        "rosenbrock",
        "Rosenbrock function of {n} variables, NumPy in and out",
        gradients(
            point, rosenbrock, numpy_out=True, torch=rosenbrock, tensorflow=tensorflow, autograd=autograd, limit=limit
        ),
        sizes=(5, 100, 1_000_000),
        sweep=(10, 1_000, 10_000, 100_000),
        quick=5,
        tolerance=1e-10,
        cost=lambda n: Cost(bytes=16 * n),
        threaded=True,
        binds="small: the call itself; large: memory, which x is read from and the gradient written to",
    ),
)
