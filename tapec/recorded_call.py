"""What is known of one call of a function that has been recorded, and of what kept it from being compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from tapec.ir.graph import Graph, Location, Value
from tapec.ir.op_table import Stretch

if TYPE_CHECKING:
    from tapec.runtime.device_array import DeviceArray
    from tapec.variable import Variable


# What to do instead, whatever leaves.
KEPT: Final = "keep the tensor: NumPy's functions and operators work on it, and it goes where a number does"


class Leak(NamedTuple):
    """Where and how a recorded value left for plain Python.

    Attributes:
        how: what the program did.
        location: its line.
        number: whether the value is floating, so that there is a derivative to lose.
        instead: what would keep it recorded.
    """

    how: str
    location: Location | None
    number: bool
    instead: str

    def __str__(self) -> str:
        return f"{self.location}: {self.how}"


class RecordedCall(NamedTuple):
    """One recorded call, as it was written down.

    Attributes:
        name: of the function.
        ops: inputs are the argument leaves, then what `sources` fills; outputs are the results, then the new values of
            `assigned`.
        arguments: number of argument leaves.
        sources: for each further input the array (the very object, so that its present contents count) or the Variable.
        assigned: Variables that the call gave new values, one per output behind the results.
        guards: the integers that Python saw, in order.
        forks: the user's line of each guard.
        leak: why the call can't be compiled, if it can't.
        constants: inputs whose arrays nobody can change any more.
    """

    name: str
    ops: Stretch
    arguments: int
    sources: tuple[np.ndarray[Any, Any] | DeviceArray | Variable, ...]
    assigned: tuple[Variable, ...]
    guards: tuple[int, ...]
    forks: tuple[Location | None, ...]
    leak: Leak | None
    constants: Mapping[Value, np.ndarray[Any, Any]]


class Recording(NamedTuple):
    """One recorded call as a graph, in which Python's loops are loops; the other attributes are a `RecordedCall`'s.

    Attributes:
        graph: the program.
        arguments: see above.
        sources: see above.
        assigned: see above.
        guards: see above.
        forks: see above.
    """

    graph: Graph
    arguments: int
    sources: tuple[np.ndarray[Any, Any] | DeviceArray | Variable, ...]
    assigned: tuple[Variable, ...]
    guards: tuple[int, ...]
    forks: tuple[Location | None, ...]

    @property
    def source_values(self) -> list[Value]:
        """The graph's inputs that `sources` fills."""
        return self.graph.inputs[self.arguments :]


def leak_message(name: str, leak: Leak) -> str:
    """What a user is told of a leak."""
    lost = "; no derivative flows through it" if leak.number else ""
    return (
        f"{leak}: a recorded value leaves for plain Python, which compiled code can't follow{lost}. Instead: "
        f"{leak.instead}; or leave {name!r} undecorated."
    )
