"""PyTorch: `torch.autograd.grad`, eagerly or of a function under `torch.compile`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.peers.base import Differentiating, Peer, leaves, mapped
from bench.workload import Call


class Torch(Peer, Differentiating):
    """Eager."""

    compiles = False

    def __init__(self, threads: int, device: str = "cpu") -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.device = torch, device
        if device != "cpu":
            torch.set_default_device(device)

    def array(self, array: np.ndarray) -> Any:
        """A tensor with memory of its own."""
        return self.torch.from_numpy(np.array(array)).to(self.device)

    def numpy(self, array: Any) -> np.ndarray:
        return array.detach().cpu().numpy() if isinstance(array, self.torch.Tensor) else np.asarray(array)

    def wait(self) -> None:
        if self.device != "cpu":
            self.torch.cuda.synchronize()

    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        torch = self.torch
        function = self.compile(lambda *a: loss(torch, *a))
        device, grad = self.device, torch.autograd.grad

        def run(*arguments: Any) -> Any:
            value = function(*arguments)
            return value, grad(value, sources)

        def to_numpy(*arrays: Any) -> Any:
            arguments = mapped(lambda array: torch.from_numpy(array).to(device), arrays)
            wanted = [t.requires_grad_() for i in wrt for t in leaves(arguments[i])]
            value = function(*arguments)
            return value.item(), [g.cpu().numpy() for g in grad(value, wanted)]

        if numpy_out:
            return Call(to_numpy, inputs)
        arguments = mapped(self.array, inputs)
        sources = [t.requires_grad_() for i in wrt for t in leaves(arguments[i])]
        return Call(run, arguments)

    def compile(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The compiled function, or as it is."""
        return self.torch.compile(function) if self.compiles else function


class CompiledTorch(Torch):
    """`torch.compile` with its defaults."""

    compiles = True
