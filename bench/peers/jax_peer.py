"""JAX: `jax.jit(jax.value_and_grad(f))`, arrays on the device that the environment tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.base import Differentiating, NumpyPeer
from bench.workload import Call


class Jax(NumpyPeer, Differentiating):
    """With 64-bit numbers allowed; float32 stays float32."""

    def __init__(self, threads: int, device: str = "cpu") -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.namespace = jax, jax.numpy

    def array(self, array: np.ndarray) -> Any:
        """The library's own array of a NumPy array."""
        return self.namespace.asarray(array)

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        jax = self.jax
        argnums = wrt[0] if len(wrt) == 1 else wrt
        compiled = jax.jit(jax.value_and_grad(lambda *a: loss(self.namespace, *a), argnums=argnums))

        def to_numpy(*arguments: Any) -> Any:
            return jax.tree.map(np.asarray, compiled(*arguments))

        def ready(*arguments: Any) -> Any:
            results = compiled(*arguments)
            results[0].block_until_ready()
            return results

        if numpy_out:
            return Call(to_numpy, inputs)
        return Call(ready, jax.tree.map(self.array, inputs))
