"""How long tasks will take, as an earlier run says."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, final

from bench.caches import SMALL
from bench.entrants import Case, Settings
from bench.peers.table import Installed
from bench.results import Result, Run

_PROCESS: Final = 0.3  # seconds of starting an interpreter, making data, and ending it
# Seconds of peers that the earlier run does not have.
_IMPORT: Final = 2.0
_FIRST: Final = 5.0
_CALL: Final = 0.05


@final
class Estimate:
    """Seconds that tasks take.

    Args:
        settings: how much is measured.
        earlier: the other run; None if there is none.
    """

    def __init__(self, settings: Settings, earlier: Run | None) -> None:
        self.settings = settings
        self._by_peer: dict[str, list[Result]] = {}
        for result in [] if earlier is None else earlier.results:
            self._by_peer.setdefault(result.peer, []).append(result)

    def calls(self, case: Case, rounds: int, *, counts: int = 1, shared: bool = False) -> float:
        """Of measuring calls with so many numbers of threads; where processes are shared, they are there already."""
        settings, seconds = replace(self.settings, rounds=rounds), 0.0
        for peer in case.peers:
            alone = 0.0 if shared else _PROCESS + self._import(peer)
            turn = max(settings.seconds, self._call(peer, case))
            seconds += counts * (alone + self._first(peer, case) + settings.turns(turn) * (turn + settings.rest))
        return seconds

    def start(self, case: Case) -> float:
        """Of measuring a workload whose metric is a first call or a start."""
        seconds = 0.0
        for peer in case.peers:
            one = _PROCESS + self._import(peer)
            if case.workload.metric == "first call":
                one += self._small(peer)
            one += self._known(peer, case, lambda r: r.median_s, _FIRST)
            repeated = self.settings.starts if one < self.settings.long else 1
            seconds += one * (repeated + (case.workload.metric == "warm start"))
        return seconds

    def compilation(self, case: Case) -> float:
        """Of measuring compile times, and starts with filled caches where they are not those of the calls."""
        seconds = 0.0
        for peer in case.peers:
            start, filled = _PROCESS + self._import(peer), peer.kind.slow and self.settings.prepared is not None
            warm = self._known(peer, case, lambda r: r.warm_s, _IMPORT + _FIRST)
            again = _PROCESS + warm if peer.kind.caches and not filled else 0.0
            seconds += start + self._small(peer) + self._known(peer, case, lambda r: r.compile_s, _FIRST) + again
        return seconds

    def _import(self, peer: Installed) -> float:
        known = [r.import_s for r in self._by_peer.get(peer.kind.name, []) if r.import_s is not None]
        return statistics.median(known) if known else _IMPORT

    def _first(self, peer: Installed, case: Case) -> float:
        return self._known(peer, case, lambda r: r.first_s if r.first_s is not None else r.warm_s, _FIRST)

    def _call(self, peer: Installed, case: Case) -> float:
        return self._known(peer, case, lambda r: r.median_s, _CALL)

    def _small(self, peer: Installed) -> float:
        own = [r for r in self._by_peer.get(peer.kind.name, []) if r.workload == SMALL[0]]
        known = [r.compile_s for r in sorted(own, key=lambda r: abs(r.size - SMALL[1])) if r.compile_s is not None]
        return known[0] if known else _FIRST

    def _known(self, peer: Installed, case: Case, value: Callable[[Result], float | None], unknown: float) -> float:
        """That of the workload, at the nearest size; or else the median of the peer's others; or else `unknown`."""
        own = self._by_peer.get(peer.kind.name, [])
        here = sorted((r for r in own if r.workload == case.workload.name), key=lambda r: abs(r.size - case.size))
        if here and here[0].status == "timed out":
            return self.settings.limit_of(peer.kind.name)
        near, every = _values(here, value), _values(own, value)
        return near[0] if near else statistics.median(every) if every else unknown


def _values(results: Sequence[Result], value: Callable[[Result], float | None]) -> list[float]:
    return [found for result in results if (found := value(result)) is not None]
