"""What a recorded call gives Variables: kept as Python computed it, or taken back for machine code to give it."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from tapec.deferred import is_deferred
from tapec.dispatch import compute
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable


@final
class Assignments:
    """The Variables that one call assigns, with their values before the call and behind it."""

    __slots__ = ("_before", "_given")

    def __init__(self) -> None:
        self._before: dict[int, Tensor] = {}
        self._given: dict[int, tuple[Variable, Tensor]] = {}

    def __contains__(self, variable: Variable) -> bool:
        return id(variable) in self._given

    def add(self, variable: Variable, tensor: Tensor) -> None:
        """The variable, which still holds its old value, is about to be given another one."""
        self._before.setdefault(id(variable), variable._tensor)
        self._given[id(variable)] = (variable, tensor)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """In the order of their first assignments."""
        return tuple([variable for variable, _ in self._given.values()])

    @property
    def tensors(self) -> list[Tensor]:
        """Their new values."""
        return [tensor for _, tensor in self._given.values()]

    def are_pending(self) -> bool:
        """Whether new values are still to be computed."""
        return any(is_deferred(tensor._array) for _, tensor in self._given.values())

    def take_back(self) -> None:
        """The variables hold again what they held before the call, but for those that others have assigned since."""
        for key, (variable, tensor) in self._given.items():
            with variable._lock:
                if variable._tensor is tensor:
                    variable._tensor = self._before[key]

    def keep(self) -> None:
        """The variables hold their new values, computed and where they belong, but for those that others have assigned
        since.
        """
        for key, (variable, tensor) in self._given.items():
            compute((tensor,))
            home = variable.at_home(tensor)
            with variable._lock:
                if variable._tensor is tensor or variable._tensor is self._before[key]:
                    variable._tensor = home
