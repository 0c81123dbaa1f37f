"""What peers can do for a workload."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.results import StepShare
from bench.workload import Call


class Peer(ABC):
    """A library as its users use it. Making one imports the library.

    Args:
        threads: it may use.
        device: where it computes: `cpu`, or one of the kind's `devices`.
    """

    @abstractmethod
    def __init__(self, threads: int, device: str = "cpu") -> None: ...

    @abstractmethod
    def numpy(self, array: Any) -> np.ndarray:
        """A NumPy array of the library's own."""

    def wait(self) -> None:
        """Returns when what calls have asked a device for is done; on the CPU that is so when they return."""
        return

    def steps(self, call: Call) -> list[StepShare]:
        """What the steps of the call's compiled program take; empty if the library does not say."""
        return []


class Differentiating(ABC):
    """Has derivatives, so that a workload need bring only its function."""

    @abstractmethod
    def value_and_grad(
        self, loss: Callable[..., Any], inputs: tuple[Any, ...], wrt: tuple[int, ...], numpy_out: bool
    ) -> Call:
        """The call that computes `loss(namespace, *inputs)` and its gradient; see `bench.workload.gradients`."""


class NumpyPeer(Peer):
    """A library whose arrays NumPy understands."""

    def numpy(self, array: Any) -> np.ndarray:
        return np.asarray(array)


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same nested containers with `function` of each leaf."""
    if isinstance(tree, Mapping):
        return {key: mapped(function, value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)([mapped(function, value) for value in tree])
    return function(tree)


def leaves(tree: Any) -> list[Any]:
    """All leaves, dicts by their keys' order."""
    if isinstance(tree, Mapping):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    if isinstance(tree, tuple | list):
        return [leaf for value in tree for leaf in leaves(value)]
    return [tree]
