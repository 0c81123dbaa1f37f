"""Bodies of loops and branches: Python functions of nested containers, recorded once on values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tapec.dispatch import cast, dtype_code, lift, located
from tapec.eager_mode import EagerMode
from tapec.errors import CarryError
from tapec.ir.dtypes import promoted
from tapec.recording import ACTIVE, active
from tapec.structure import Structure, flatten, leaf_paths, unflatten
from tapec.tensor import Tensor, make


@dataclass(frozen=True, slots=True)
class Layout:
    """Nested containers without their tensors. None is no tensor but a part of the structure.

    Attributes:
        structure: the containers.
        present: for each leaf whether it is a tensor.
    """

    structure: Structure
    present: tuple[bool, ...]

    def rebuild(self, tensors: Sequence[Tensor]) -> Any:
        """The containers around `tensors`."""
        rest = iter(tensors)
        return unflatten(self.structure, [next(rest) if there else None for there in self.present])

    def paths(self, prefix: str) -> list[str]:
        """For each tensor the Python expression that reaches it."""
        paths = leaf_paths(self.structure, prefix)
        return [path for path, there in zip(paths, self.present, strict=True) if there]


def take_apart(tree: Any) -> tuple[list[Tensor], Layout]:
    """Tensors of nested containers, and the rest.

    Raises:
        DTypeError: a leaf is nothing that a tensor can hold.
    """
    leaves, structure = flatten(tree)
    present = tuple([leaf is not None for leaf in leaves])
    return [lift(leaf) for leaf in leaves if leaf is not None], Layout(structure, present)


def runs_eagerly() -> bool:
    """Whether control flow runs in Python now, op by op."""
    return any(type(recorder) is EagerMode for recorder in ACTIVE.recorders)


@contextmanager
def imagined(really: bool = True) -> Iterator[None]:
    """A block that records what may never run with the present values; unless `really` is False."""
    before = ACTIVE.imagined
    ACTIVE.imagined = before or really
    try:
        if really:
            with np.errstate(all="ignore"):
                yield
        else:
            yield
    finally:
        ACTIVE.imagined = before


def strong(tensor: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """A result in the dtype that it should have, if it is a number whose dtype gives way to that one; else itself."""
    if not tensor._weak:
        return tensor
    code = dtype_code(tensor)
    return cast(tensor, dtype if promoted(dtype, code(1)) == dtype else tensor.dtype)


@final
class Carry:
    """What a loop carries from round to round.

    Args:
        name: what the user called: `"tp.scan"`.
        init: nested containers of tensors, arrays and numbers.
        first: gives the first round's new carry for a carry: run once or more if `init` holds Python numbers, whose
            dtypes are those that they have after the first round.
    """

    __slots__ = ("layout", "name", "tensors")

    def __init__(self, name: str, init: Any, first: Callable[[Any], Any]) -> None:
        self.name = name
        self.tensors, self.layout = take_apart(init)
        while any(t._weak for t in self.tensors):
            with _unheard(), imagined():
                after = self._after(first(self.layout.rebuild(self.tensors)))
            settled = [_settled(t, new) if t._weak else t for t, new in zip(self.tensors, after, strict=True)]
            if all(a is b for a, b in zip(settled, self.tensors, strict=True)):
                break
            self.tensors = settled
        self.tensors = [cast(t, t.dtype) if t._weak else t for t in self.tensors]

    def tree(self, tensors: Sequence[Tensor]) -> Any:
        """What the body gets."""
        return self.layout.rebuild(tensors)

    def advance(self, tree: Any) -> list[Tensor]:
        """The tensors of a new carry.

        Raises:
            CarryError: its structure, or a shape or dtype in it, is not that of the first carry.
        """
        tensors = [strong(t, old.dtype) for t, old in zip(self._after(tree), self.tensors, strict=True)]
        for path, old, new in zip(self.layout.paths("carry"), self.tensors, tensors, strict=True):
            if new.type != old.type:
                raise located(
                    CarryError(
                        f"{self.name}: {path} is {old.type!r} before a round and {new.type!r} after it; a loop carries "
                        "values of fixed shapes and dtypes: reshape or cast the initial value, or what the body returns"
                    )
                )
        return tensors

    def _after(self, tree: Any) -> list[Tensor]:
        tensors, layout = take_apart(tree)
        if layout != self.layout:
            raise located(
                CarryError(
                    f"{self.name}: the carry is {self._describe(self.layout)} before a round and "
                    f"{self._describe(layout)} after it; the body must return the structure that it gets"
                )
            )
        return tensors

    @staticmethod
    def _describe(layout: Layout) -> str:
        if layout.structure.container is None:
            return "one tensor" if layout.present == (True,) else "None"
        paths = ", ".join(layout.paths(""))
        return f"a {layout.structure.container.__name__} with {paths or 'nothing in it'}"


def _settled(number: Tensor, after: Tensor) -> Tensor:
    """A Python number as a first carry, given what the first round makes of it."""
    if not after._weak:
        return cast(number, after.dtype)
    if number.dtype == after.dtype:
        return number
    # An integer that has become a float, and may become an array's dtype in a further round.
    return make(number._array.astype(after.dtype), weak=True, literal=number._literal)


@contextmanager
def _unheard() -> Iterator[None]:
    """A block that no recorder hears of, run op by op."""
    recorders = ACTIVE.recorders
    before = recorders[:]
    recorders.clear()
    try:
        with active(EagerMode(inside=True)):
            yield
    finally:
        recorders[:] = before
