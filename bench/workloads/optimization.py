"""SciPy's L-BFGS from start to end: hundreds of calls with NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Workload
from bench.workloads.rosenbrock import autograd, rosenbrock, tensorflow


def start(n: int) -> np.ndarray:
    return np.tile([-1.2, 1.0], n)[:n]


def minimized(differentiated: Any, n: int) -> Call:
    """The call of `scipy.optimize.minimize` with a function that gives value and gradient."""
    from scipy.optimize import minimize

    def run(x: np.ndarray) -> Any:
        return minimize(differentiated, x, jac=True, method="L-BFGS-B", options={"maxiter": 1000})

    return Call(run, (start(n),), answer=lambda found: [found.x])


def by(loss: Any, first: Any) -> Any:
    """Builder; `first` takes the gradient out of what the peer returns."""

    def build(peer: Any, n: int) -> Call:
        call = peer.value_and_grad(loss, (start(n),), (0,), True)
        if first is None:
            return minimized(call.function, n)

        def differentiated(x: np.ndarray) -> Any:
            value, found = call.function(x)
            return value, first(found)

        return minimized(differentiated, n)

    return build


def limit(_: Any, n: int) -> Call:
    from bench.limits.rosenbrock import rosenbrock as by_hand

    return minimized(by_hand, n)


def first_of_list(found: Any) -> Any:
    return found[0]


WORKLOADS = (
    Workload(
        "lbfgs",
        "scipy.optimize.minimize, L-BFGS-B, Rosenbrock function of {n} variables, from start to end",
        {
            "tapec": by(rosenbrock, None),
            "jax": by(rosenbrock, None),
            "autograd": by(autograd, None),
            "torch": by(rosenbrock, first_of_list),
            "tensorflow": by(tensorflow, first_of_list),
            "limit": limit,
        },
        sizes=(50,),
        quick=5,
        tolerance=1e-3,
        binds="SciPy's own work, once a call costs a microsecond",
    ),
)
