"""A bound on the memory that the backward pass needs of the forward pass: values are computed again to keep it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from tapec.errors import MemoryBudgetError
from tapec.ir.graph import Graph, Value
from tapec.passes.memory_cut import cheapest, nanoseconds
from tapec.passes.memory_flow import MemoryFlow, peak, recomputing
from tapec.passes.views import VIEWS, views_of

# Prices of a byte that are tried, in nanoseconds; a byte that is stored and read again takes 0.1 or so.
_PRICES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_ANY_PRICE = 1e6
_SHOWN = 4


@final
@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """Has the backward pass compute values of the forward pass again, so that few are alive at once.

        %0 = "tapec.exp"(%arg0)                        %0 = "tapec.exp"(%arg0)
        %1 = "tapec.sum"(%0)                           %1 = "tapec.sum"(%0)
        %2 = "tapec.mul"(%ct, %0) {adjoint}     ->     %2 = "tapec.exp"(%arg0) {adjoint}
                                                       %3 = "tapec.mul"(%ct, %2) {adjoint}

    Plans are minimum cuts (`memory_cut`) at rising prices of a byte. One cut hands over what is dear to compute; where
    that is too much, the forward pass is cut into segments, and what crosses from one to the next is handed over. The
    plan whose recomputation takes the least time, of those that keep the budget, is taken. No pass that
    looks for common subexpressions may come after it.

    Args:
        budget: bytes of values of the forward pass that may be alive at once in the backward pass.
    """

    name: ClassVar[str] = "memory_budget"
    budget: int

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`.

        Raises:
            MemoryBudgetError: no plan keeps the budget.
        """
        flow = MemoryFlow(graph)
        if not flow.crossing:
            return graph
        least: tuple[int, list[Value]] | None = None
        best: tuple[float, Graph] | None = None
        for plans in (_prices(flow), _segments(flow)):
            for saved in plans:
                made = recomputing(flow, saved)
                most = peak(made)
                if most[0] <= self.budget:
                    time = sum(nanoseconds(op) for op in made.again)
                    if best is None or time < best[0]:
                        best = (time, made.graph)
                elif least is None or most[0] < least[0]:
                    least = most
            if best is not None:
                return best[1]
        assert least is not None
        raise MemoryBudgetError(self._message(*least))

    def _message(self, least: int, alive: list[Value]) -> str:
        largest = sorted(alive, key=lambda v: -v.type.nbytes)[:_SHOWN]
        shown = "\n".join([f"  {v.type.nbytes:,} bytes: {_named(v)}" for v in largest])
        more = f"\n  and {len(alive) - _SHOWN} more" if len(alive) > _SHOWN else ""
        return (
            f"memory_budget={self.budget:,} can't be met: the backward pass needs {least:,} bytes of values of the "
            f"forward pass at once, among them\n{shown}{more}"
        )


def _named(value: Value) -> str:
    assert value.op is not None
    where = f" at {value.op.location}" if value.op.location else ""
    return f"the {value.type!r} of {value.op.primitive.name}{where}"


def _prices(flow: MemoryFlow) -> Iterator[set[Value]]:
    """Everything, and then the cuts at rising prices."""
    yield set(flow.crossing)
    for price in _PRICES:
        yield cheapest(flow, price)


def _segments(flow: MemoryFlow) -> Iterator[set[Value]]:
    """Cuts at any price between 2, 3, ... segments of the forward pass."""
    count = 2
    while count <= max(len(flow.forward) // 2, 2):
        yield cheapest(flow, _ANY_PRICE, _boundaries(flow, count))
        count += max(count // 3, 1)


def _boundaries(flow: MemoryFlow, count: int) -> set[Value]:
    """What crosses from one of `count` segments to the next, where that is least in the middle of each stretch."""
    views = views_of(flow.graph)
    last: dict[Value, int] = {}
    for i, op in enumerate(flow.forward):
        last.update({views[v].base: i for v in op.operands})
    alive: list[set[Value]] = []
    now: set[Value] = set()
    for i, op in enumerate(flow.forward):
        if op.primitive not in VIEWS:
            now |= {v for v in op.results if last.get(v, i) > i and v not in flow.free}
        now = {v for v in now if last[v] > i}
        alive.append(set(now))
    length = len(flow.forward)
    kept: set[Value] = set()
    for n in range(1, count):
        middle, reach = n * length // count, length // (2 * count)
        places = range(max(middle - reach, 0), min(middle + reach + 1, length))
        best = min(places, key=lambda i: (sum(v.type.nbytes for v in alive[i]), abs(i - middle)))
        kept |= alive[best]
    return kept
