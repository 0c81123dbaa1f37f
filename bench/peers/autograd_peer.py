"""HIPS autograd: NumPy arrays in and out, op by op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.peers.base import Differentiating, NumpyPeer
from bench.workload import Call


class Autograd(NumpyPeer, Differentiating):
    """`autograd.value_and_grad`."""

    def __init__(self, threads: int, device: str = "cpu") -> None:
        import autograd
        import autograd.numpy

        self.autograd, self.namespace = autograd, autograd.numpy

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        anp = self.namespace
        if len(wrt) == 1:
            return Call(self.autograd.value_and_grad(lambda *a: loss(anp, *a), wrt[0]), inputs)

        def of_sources(sources: tuple[Any, ...], rest: tuple[Any, ...]) -> Any:
            arguments = list(rest)
            for place, source in zip(wrt, sources, strict=True):
                arguments[place] = source
            return loss(anp, *arguments)

        return Call(self.autograd.value_and_grad(of_sources), (tuple(inputs[i] for i in wrt), inputs))
