"""TensorFlow: `tf.GradientTape` inside `tf.function`, without or with XLA."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from bench.peers.base import Differentiating, NumpyPeer, leaves, mapped
from bench.workload import Call


class TensorFlow(NumpyPeer, Differentiating):
    """`tf.function`."""

    xla = False

    def __init__(self, threads: int, device: str = "cpu") -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self.tf = tf

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        tf = self.tf

        @self.compile
        def compiled(*arguments: Any) -> Any:
            sources = [t for i in wrt for t in leaves(arguments[i])]
            with tf.GradientTape() as tape:
                tape.watch(sources)
                value = loss(tf, *arguments)
            return value, tape.gradient(value, sources)

        def to_numpy(*arrays: Any) -> Any:
            value, found = compiled(*mapped(tf.constant, arrays))
            return value.numpy(), [g.numpy() for g in found]

        def ready(*arguments: Any) -> Any:
            value, found = compiled(*arguments)
            return value.numpy(), found

        return Call(to_numpy, inputs) if numpy_out else Call(ready, mapped(tf.constant, inputs))

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """As a graph."""
        return self.tf.function(function, jit_compile=self.xla or None)


class TensorFlowXla(TensorFlow):
    """`tf.function(jit_compile=True)`."""

    xla = True
