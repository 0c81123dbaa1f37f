"""CUDA graphs: a program that runs again on the same addresses is one launch, without Python for each kernel.

A graph holds addresses. Programs get new memory for their results at each run, but a loop that does the same again and
again gets the same few from the pool, so that graphs are looked up by the addresses of a run: nothing is copied to
places that stay, and nothing in a graph is changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final, final

from tapec.runtime.cuda.driver_api import Driver

_MOST: Final = 16  # graphs of a program
_MOST_SEEN: Final = 256


@final
class Graphs:
    """The graphs of one program.

    Args:
        driver: the GPU.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._graphs: OrderedDict[Hashable, Any] = OrderedDict()  # the one used last is the last
        self._seen: set[Hashable] = set()
        self._lock = threading.Lock()  # no thread may end a graph that another one is about to launch

    def launch(self, key: Hashable) -> bool:
        """Launches the graph for these addresses, if there is one."""
        with self._lock:
            graph = self._graphs.get(key)
            if graph is None:
                return False
            self._graphs.move_to_end(key)
            self._driver.launch_graph(graph)
            return True

    def seen(self, key: Hashable, launches: Callable[[Any], None]) -> None:
        """Kernels have been launched one by one; what comes twice gets a graph.

        Args:
            key: their addresses.
            launches: asks for them on a stream.
        """
        with self._lock:
            if key in self._seen and key not in self._graphs:
                self._graphs[key] = self._driver.capture(launches)
                if len(self._graphs) > _MOST:
                    self._driver.destroy_graph(self._graphs.popitem(last=False)[1])
                return
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(key)
