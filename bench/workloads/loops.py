"""A loop of small steps: the Lorenz system by Runge and Kutta's method."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.workload import Call, Workload, gradients_by_size

STEP, SIGMA, RHO, BETA = 0.001, 10.0, 28.0, 8.0 / 3.0
START = np.array([1.0, 2.0, 20.0])


def field(stack: Any, u: Any) -> Any:
    x, y, z = u[0], u[1], u[2]
    return stack([SIGMA * (y - x), x * (RHO - z) - y, x * y - BETA * z])


def advanced(stack: Any, u: Any) -> Any:
    k1 = field(stack, u)
    k2 = field(stack, u + 0.5 * STEP * k1)
    k3 = field(stack, u + 0.5 * STEP * k2)
    k4 = field(stack, u + STEP * k3)
    return u + (STEP / 6.0) * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def python_loop(stack: str, total: str) -> Any:
    """By a Python loop, with these functions of the library."""

    def of(steps: int) -> Any:
        def loss(m: Any, u: Any) -> Any:
            for _ in range(steps):
                u = advanced(getattr(m, stack), u)
            return getattr(m, total)(u * u)

        return loss

    return of


def tensorflow_while(steps: int) -> Any:
    def loss(tf: Any, u: Any) -> Any:
        def body(i: Any, u: Any) -> Any:
            return i + 1, advanced(tf.stack, u)

        _, u = tf.while_loop(lambda i, _: i < steps, body, (tf.constant(0), u), maximum_iterations=steps)
        return tf.reduce_sum(u * u)

    return loss


def jax_scan(steps: int) -> Any:
    def loss(jnp: Any, u: Any) -> Any:
        import jax

        u, _ = jax.lax.scan(lambda u, _: (advanced(jnp.stack, u), None), u, None, length=steps)
        return jnp.sum(u * u)

    return loss


def tapec_fori(steps: int) -> Any:
    def loss(np_: Any, u: Any) -> Any:
        import tapec as tp

        u = tp.fori_loop(0, steps, lambda _, u: advanced(np_.stack, u), u)
        return np_.sum(u * u)

    return loss


def start(_: int) -> tuple[np.ndarray]:
    return (START,)


def limit(steps: int) -> Call:
    from bench.limits.loops import lorenz

    return Call(lorenz, (START, steps))


WORKLOADS = (
    Workload(
        "lorenz_loop",
        "Lorenz system, {n} Runge-Kutta steps, as loop of the library",
        gradients_by_size(
            start,
            tapec=tapec_fori,
            jax=jax_scan,
            torch=python_loop("stack", "sum"),
            tensorflow=tensorflow_while,
            autograd=python_loop("array", "sum"),
            limit=limit,
        ),
        sizes=(1_000,),
        sweep=(10, 100, 10_000),
        quick=20,
        unit="steps",
        tolerance=1e-6,
        binds="latency: a step of 4 × 9 dependent operations, forward and back",
    ),
    Workload(
        "lorenz_python",
        "Lorenz system, {n} Runge-Kutta steps, as Python loop",
        gradients_by_size(
            start,
            **dict.fromkeys(("tapec", "jax", "torch"), python_loop("stack", "sum")),
            tensorflow=python_loop("stack", "reduce_sum"),
            autograd=python_loop("array", "sum"),
            limit=limit,
        ),
        sizes=(1_000,),
        sweep=(10, 100),
        quick=5,
        unit="steps",
        tolerance=1e-6,
        binds="as above, if the compiler finds the loop again",
    ),
)
