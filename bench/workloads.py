"""What is measured: each workload written once for each peer, as its users would write it.

A peer's entry imports what it needs itself, because each one runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Call:
    """What is timed: `function(*arguments)`. The answer of the third call is compared between peers."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Workload:
    """A thing to measure.

    Args:
        title: a row's head in the table.
        cold: one run in a new process is timed, imports included; otherwise calls after three to warm up.
        disk_cache: whether compiled code may come from the peer's cache on disk, filled by a process before; without it
            all peers compile.
        peers: for each peer what makes its `Call`; of a cold workload, making it and calling it once is what is timed.
        tolerance: how far, relatively, answers of two peers may lie apart.
    """

    title: str
    cold: bool
    disk_cache: bool
    peers: dict[str, Callable[[], Call]]
    tolerance: float


# Value and gradient of the Rosenbrock function of five variables, NumPy in and out


def _rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


_START = np.array([1.3, 0.7, 0.8, 1.9, 1.2])


def rosenbrock_tapec() -> Call:
    import tapec as tp

    return Call(tp.value_and_grad(_rosenbrock), (_START,))


def rosenbrock_jax() -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(jax.value_and_grad(_rosenbrock))

    def numpy_out(x: Any) -> Any:
        value, gradient = compiled(x)
        return np.asarray(value), np.asarray(gradient)

    return Call(numpy_out, (_START,))


# Import and first gradient of a function of ten operations, in a new process

_TEN = np.linspace(-1.0, 2.0, 1000)


def first_gradient_tapec() -> Call:
    import tapec as tp

    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * np.exp(-x * x) + np.tanh(x) / (1.0 + np.square(x)))

    return Call(tp.grad(f), (_TEN,))


def first_gradient_jax() -> Call:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def f(x: Any) -> Any:
        return jnp.sum(jnp.sin(x) * jnp.exp(-x * x) + jnp.tanh(x) / (1.0 + jnp.square(x)))

    gradient = jax.jit(jax.grad(f))
    return Call(lambda x: np.asarray(gradient(x)), (_TEN,))


# A training step of a network of two layers

_BATCH, _INPUTS, _HIDDEN, _CLASSES, _RATE = 128, 784, 256, 10, 0.05


def _network() -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    parameters = {
        "w1": (rng.normal(size=(_INPUTS, _HIDDEN)) * np.sqrt(2 / _INPUTS)).astype(np.float32),
        "b1": np.zeros(_HIDDEN, np.float32),
        "w2": (rng.normal(size=(_HIDDEN, _CLASSES)) * np.sqrt(2 / _HIDDEN)).astype(np.float32),
        "b2": np.zeros(_CLASSES, np.float32),
    }
    images = rng.random((_BATCH, _INPUTS), dtype=np.float32)
    labels = np.eye(_CLASSES, dtype=np.float32)[rng.integers(0, _CLASSES, _BATCH)]
    return parameters, images, labels


def _loss(xp: Any, p: dict[str, Any], x: Any, y: Any) -> Any:
    z = xp.maximum(x @ p["w1"] + p["b1"], 0) @ p["w2"] + p["b2"]
    z = z - xp.max(z, axis=1, keepdims=True)
    return xp.mean(xp.log(xp.sum(xp.exp(z), axis=1)) - xp.sum(y * z, axis=1))


class _Training:
    """Carries the parameters from one step to the next."""

    def __init__(self, step: Callable[..., Any], parameters: Any, images: Any, labels: Any) -> None:
        self.step, self.parameters, self.images, self.labels = step, parameters, images, labels

    def __call__(self) -> float:
        self.parameters, loss = self.step(self.parameters, self.images, self.labels)
        return float(loss)  # JAX returns before it has computed: reading the loss waits for the step


def mlp_step_tapec() -> Call:
    import tapec as tp

    @tp.function
    def step(p: dict[str, Any], x: Any, y: Any) -> Any:
        loss, g = tp.value_and_grad(lambda q: _loss(np, q, x, y))(p)
        return {k: p[k] - _RATE * g[k] for k in p}, loss

    return Call(_Training(step, *_network()))


def mlp_step_jax() -> Call:
    import jax
    import jax.numpy as jnp

    @jax.jit
    def step(p: dict[str, Any], x: Any, y: Any) -> Any:
        loss, g = jax.value_and_grad(lambda q: _loss(jnp, q, x, y))(p)
        return {k: p[k] - _RATE * g[k] for k in p}, loss

    return Call(_Training(step, *(jax.tree.map(jnp.asarray, part) for part in _network())))


WORKLOADS = {
    "rosenbrock": Workload(
        "Value and gradient of the Rosenbrock function of 5 variables (float64), NumPy in and out, per call",
        False,
        False,
        {"tapec": rosenbrock_tapec, "jax": rosenbrock_jax},
        1e-12,
    ),
    "first_gradient": Workload(
        "Import (after NumPy), compile and first gradient of a function of 10 operations, in a new process",
        True,
        False,
        {"tapec": first_gradient_tapec, "jax": first_gradient_jax},
        1e-12,
    ),
    "cached_gradient": Workload(
        "The same, where the disk cache of compiled code has been filled before",
        True,
        True,
        {"tapec": first_gradient_tapec, "jax": first_gradient_jax},
        1e-12,
    ),
    "mlp_step": Workload(
        "Training step of a 2-layer network (128×784 → 256 → 10, float32, SGD), per step",
        False,
        False,
        {"tapec": mlp_step_tapec, "jax": mlp_step_jax},
        1e-5,
    ),
}
