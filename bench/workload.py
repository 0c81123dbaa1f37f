"""What a workload is: a program written once for each library, and what is known about it beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Metric = Literal["call", "first call", "cold start", "warm start"]


@dataclass(frozen=True)
class Call:
    """What is timed: `function(*arguments)`, whose results are ready when it returns.

    Args:
        function: called again and again.
        arguments: the same each time.
        answer: makes nested containers of arrays, which are compared between peers, of what the first call returned.
        program: the compiled function inside and its arguments, where it is not `function` itself.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    answer: Callable[[Any], Any] = lambda result: result
    program: tuple[Callable[..., Any], tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class Cost:
    """The least that the machine has to do for one call.

    Args:
        bytes: read and written, if each input is read once and each result written once.
        flops: additions and multiplications of matrix products.
    """

    bytes: float = 0.0
    flops: float = 0.0


Builder = Callable[[Any, int], Call]


@dataclass(frozen=True)
class GradientBuilder:
    """A `Builder` of value and gradient whose data can be made beforehand.

    Args:
        maker: makes the function, given the size.
        inputs: makes its arguments, given the size.
        wrt: positions of the arguments to differentiate by.
        numpy_out: see `gradients`.
    """

    maker: Callable[[int], Callable[..., Any]]
    inputs: Callable[[int], tuple[Any, ...]]
    wrt: tuple[int, ...]
    numpy_out: bool

    def __call__(self, peer: Any, size: int) -> Call:
        return self.with_inputs(size)(peer)

    def with_inputs(self, size: int) -> Callable[[Any], Call]:
        """What is left to do for a peer once the data are made."""
        data = self.inputs(size)
        return lambda peer: peer.value_and_grad(self.maker(size), data, self.wrt, self.numpy_out)


@dataclass(frozen=True)
class Workload:
    """A thing to measure.

    Args:
        name: for the command line and in results.
        title: a row's head in tables; `{n}` is the size.
        builders: for each library (`tapec`, `jax`, `torch`, `tensorflow`, `autograd`, `limit`) what makes a `Call`,
            given the peer (`bench.peers`) and the size; also for single peers by their names, None to leave one out.
        sizes: those that count in the summary.
        quick: the size for a run that only shows that everything works.
        unit: what the size counts.
        sweep: further sizes, which show how cost grows.
        metric: what is compared: the time of a call; that of the first one, compilation included, in a process that has
            compiled the quick size before; or import, compilation and first call in a new process, with empty or filled
            disk caches.
        dtype: of the arrays.
        tolerance: how far two answers may lie apart, relative to the largest number of each array.
        cost: of one call, by size.
        threaded: its largest size is a thing for several threads, so that a sweep tries fewer too.
        binds: what the time of a good implementation is spent on.
    """

    name: str
    title: str
    builders: Mapping[str, Builder | None]
    sizes: tuple[int, ...]
    quick: int
    unit: str = "n"
    sweep: tuple[int, ...] = ()
    metric: Metric = "call"
    dtype: str = "float64"
    tolerance: float = 1e-9
    cost: Callable[[int], Cost] | None = None
    threaded: bool = False
    binds: str = ""

    @property
    def all_sizes(self) -> tuple[int, ...]:
        """Those of the summary and of the sweep."""
        return tuple(sorted({*self.sizes, *self.sweep}))

    def builder(self, peer: str, library: str) -> Builder | None:
        """What makes the peer's call; None if the workload is not written for it."""
        return self.builders.get(peer, self.builders.get(library))

    def label(self, size: int) -> str:
        """The row's head for one size."""
        return self.title.format(n=f"{size:,}")


def gradients(
    inputs: Callable[[int], tuple[Any, ...]],
    numpy_like: Callable[..., Any] | None = None,
    *,
    wrt: tuple[int, ...] = (0,),
    numpy_out: bool = False,
    limit: Callable[[int], Call] | None = None,
    **losses: Callable[..., Any],
) -> dict[str, Builder]:
    """Builders of value and gradient of one scalar function.

    Args:
        inputs: makes the function's arguments as NumPy arrays, or nested containers of them, given the size.
        numpy_like: the function, which gets the library's module in NumPy's shape before its arguments; for tapec, JAX
            and autograd.
        wrt: positions of the arguments to differentiate by.
        numpy_out: NumPy arrays go in and come out, as where SciPy calls; otherwise the library's own arrays.
        limit: makes the call of what is written by hand.
        losses: the function for a library that needs its own; it gets the library's module before its arguments.
    """
    written: dict[str, Callable[..., Any]] = {}
    if numpy_like is not None:
        written = dict.fromkeys(("tapec", "jax", "autograd"), numpy_like)
    written |= losses
    makers = {library: lambda _, loss=loss: loss for library, loss in written.items()}
    return gradients_by_size(inputs, wrt=wrt, numpy_out=numpy_out, limit=limit, **makers)


def gradients_by_size(
    inputs: Callable[[int], tuple[Any, ...]],
    *,
    wrt: tuple[int, ...] = (0,),
    numpy_out: bool = False,
    limit: Callable[[int], Call] | None = None,
    **makers: Callable[[int], Callable[..., Any]],
) -> dict[str, Builder]:
    """`gradients` of a function that is another one for each size, as one that has so many steps.

    Args:
        inputs: makes the function's arguments.
        wrt: positions of the arguments to differentiate by.
        numpy_out: NumPy arrays go in and come out.
        limit: makes the call of what is written by hand.
        makers: for each library what makes its function, given the size.
    """
    builders: dict[str, Builder] = {
        library: GradientBuilder(maker, inputs, wrt, numpy_out) for library, maker in makers.items()
    }
    if limit is not None:
        builders["limit"] = lambda _, size: limit(size)
    return builders
