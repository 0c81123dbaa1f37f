"""A new process: import and first gradient; and how long a compiler takes as programs grow."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Workload, gradients, gradients_by_size
from bench.workloads.elementwise import functions, points, tensorflow

# Functions with factors that keep numbers small and slopes below 1, in a program of any length.
ROUNDS = (("sin", 0.9), ("tanh", 0.95), ("exp", -0.2), ("cos", 0.7))


def program(total: str) -> Any:
    """About so many operations and the library's function `total`; none is the next one's twin: constants change."""

    def of(size: int) -> Any:
        rng, rounds = np.random.default_rng(size), max(1, size // 3)
        kinds, shares = rng.integers(0, len(ROUNDS), rounds), rng.uniform(0.5, 1.0, rounds)
        # Plain numbers: of NumPy's, torch.compile would make tensors, and give up compiling.
        steps = [(*ROUNDS[kind], share) for kind, share in zip(kinds.tolist(), shares.tolist(), strict=True)]

        def loss(m: Any, x: Any, y: Any) -> Any:
            for name, factor, share in steps:
                x = getattr(m, name)(x * (factor * share)) + y
            return getattr(m, total)(x)

        return loss

    return of


def vectors(_: int) -> tuple[np.ndarray, np.ndarray]:
    return np.linspace(-1.0, 1.0, 100), np.linspace(0.0, 1.0, 100)


# Beside compilers only: who does not compile starts faster, and computes slower ever after.
FIRST: dict[str, Any] = {
    {"torch": "torch.compile"}.get(library, library): builder
    for library, builder in gradients(points(np.float64), functions, torch=functions, tensorflow=tensorflow).items()
    if library != "autograd"
}

WORKLOADS = (
    Workload(
        "cold_start",
        "Import and first gradient of 10 operations, new process, empty disk caches",
        FIRST,
        sizes=(1_000,),
        quick=1_000,
        metric="cold start",
        tolerance=1e-10,
        binds="imports, passes and LLVM",
    ),
    Workload(
        "warm_start",
        "Import and first gradient of 10 operations, new process, filled disk caches",
        FIRST,
        sizes=(1_000,),
        quick=1_000,
        metric="warm start",
        tolerance=1e-10,
        binds="imports",
    ),
    Workload(
        "compile",
        "Compilation and first gradient of {n} elementwise operations",
        gradients_by_size(
            vectors,
            wrt=(0, 1),
            **dict.fromkeys(("tapec", "jax", "torch.compile"), program("sum")),
            tensorflow=program("reduce_sum"),
        ),
        sizes=(10, 100, 1_000, 10_000),
        quick=11,
        unit="ops",
        metric="first call",
        tolerance=1e-9,
        binds="passes and LLVM",
    ),
)
