"""Memory of this process, in bytes. Where the system does not say (`/proc`), peaks are those of the whole life."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATUS, _REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _field(name: str) -> int | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name):
            return 1024 * int(line.split()[1])
    return None


def _whole_life() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def resident() -> int:
    """Now."""
    return _field("VmRSS:") or _whole_life()


def of_files() -> int | None:
    """What of it are pages of files, as those of libraries, which processes share and the system can take back."""
    return _field("RssFile:")


class Peaks:
    """Peaks of the whole life and since a moment. Linux counts from when the program was started; `getrusage`, which is
    asked elsewhere, from what its parent held.
    """

    def __init__(self) -> None:
        self._before = 0

    def restart(self) -> None:
        """`recent` counts from now on."""
        self._before = self.whole()
        if _REFERENCES.exists():
            _REFERENCES.write_text("5", encoding="ascii")

    def recent(self) -> int:
        """The most since `restart`."""
        return _field("VmHWM:") or _whole_life()

    def whole(self) -> int:
        """The most ever."""
        return max(self._before, self.recent())
