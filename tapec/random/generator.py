"""`Generator`: key and counter of a stream of random numbers, and the streams that are there by default."""

from __future__ import annotations

import os
from typing import Any, final

import numpy as np

from tapec.dispatch import apply
from tapec.ops import creation, sampling
from tapec.ops import elementwise as ew
from tapec.ops.sampling import KEY_STEPS
from tapec.tensor import Tensor, make
from tapec.variable import Variable

_U64 = np.dtype(np.uint64)
_DRAWS, _SPLITS = 0, 1  # the high half of Philox's counter: keys of other streams are never drawn as numbers


def number(value: bool | float, dtype: Any) -> Tensor:
    """A scalar that stands in the program, so that recordings keep it as a constant."""
    return make(np.array(value, dtype), literal=True)


@final
class Generator:
    """A stream of random numbers. Any number of them may be used side by side; each has a state of its own.

    Args:
        seed: an integer from 0 to 2**64 - 1, which names the stream; a fresh one from the operating system for None.

    Attributes:
        key: Variable, uint64; tells streams apart.
        counter: Variable, uint64; how many blocks of random bits have been drawn. `tp.save` takes both.

    Raises:
        ValueError: the seed is outside its range.

    >>> a, b = Generator(7), Generator(7)
    >>> from tapec.random import uniform
    >>> uniform((), generator=a).item() == uniform((), generator=b).item()
    True
    """

    __slots__ = ("__weakref__", "counter", "key")

    def __init__(self, seed: int | None = None) -> None:
        self.key = Variable(np.uint64(_checked(seed)), trainable=False, name="key")
        self.counter = Variable(np.uint64(0), trainable=False, name="counter")

    def reset(self, seed: int) -> None:
        """Makes the stream that of `seed`, from its start.

        Raises:
            ValueError: the seed is outside its range.
        """
        self.key.assign(number(_checked(seed), _U64))
        self.counter.assign(number(0, _U64))

    def split(self, count: int) -> list[Generator]:
        """New generators, whose numbers have nothing to do with each other's or with those drawn here.

        Their keys are drawn from a part of this stream that gives nothing else; 64-bit keys meet by chance once in
        about 2**64 / count**2 splits. Not for compiled functions, which would make new generators only while recorded:
        one that splits runs eagerly, with a warning.

        >>> [g.counter.item() for g in Generator(0).split(2)]
        [0, 0]
        """
        counters = self._take(count)
        keys = apply(sampling.philox_low, (counters, number(_SPLITS, _U64), self.key.value())).numpy()
        return [Generator(int(key)) for key in keys]

    def words(self, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """Two tensors of uniformly distributed uint64, fresh ones at each call."""
        size = int(np.prod(shape, dtype=np.int64))
        counters = self._take(size)
        if shape != (size,):
            counters = counters.reshape(shape)
        key, draws = self.key.value(), number(_DRAWS, _U64)
        low, high = (apply(p, (counters, draws, key)) for p in (sampling.philox_low, sampling.philox_high))
        return low, high

    def word(self, shape: tuple[int, ...]) -> Tensor:
        """The first of `words`."""
        return self.words(shape)[0]

    def _take(self, count: int) -> Tensor:
        """The next `count` values of the counter, which nobody gets again."""
        with self.counter._lock:
            start = self.counter.value()
            self.counter.assign(apply(ew.add, (start, number(count, _U64))))
        positions = apply(creation.iota, (), {"axis": 0, "shape": (count,), "dtype": "ui64"})
        return apply(ew.add, (positions, start))

    def __repr__(self) -> str:
        return f"<tapec.random.Generator key={self.key._tensor._array} counter={self.counter._tensor._array}>"


def _checked(seed: int | None) -> int:
    if seed is None:
        return int.from_bytes(os.urandom(8), "little")
    if not 0 <= seed < 2**64:
        raise ValueError(f"a seed is an integer from 0 to 2**64 - 1, got {seed}")
    return seed


DEFAULT = Generator()
# Initial values of layers are made outside of recordings, even where the layer is first called inside one. A stream of
# their own keeps them from moving the state that the recording reads.
INITIAL = Generator()


def seed(seed: int) -> None:
    """Starts the default streams, of `tp.random`'s functions and of initializers, at the place that `seed` names.

    Args:
        seed: an integer from 0 to 2**64 - 1.

    Raises:
        ValueError: the seed is outside its range.

    >>> import tapec as tp
    >>> tp.random.seed(7)
    >>> first = tp.random.normal(3)
    >>> tp.random.seed(7)
    >>> bool((tp.random.normal(3) == first).all())
    True
    """
    DEFAULT.reset(seed)
    INITIAL.reset(seed ^ (KEY_STEPS[0] << 32 | KEY_STEPS[1]))
