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


def peak(*, whole_life: bool = False) -> int:
    """The most since `reset_peak`, or since the process began."""
    return _whole_life() if whole_life else _field("VmHWM:") or _whole_life()


def reset_peak() -> None:
    """`peak` counts from now on."""
    if _REFERENCES.exists():
        _REFERENCES.write_text("5", encoding="ascii")
