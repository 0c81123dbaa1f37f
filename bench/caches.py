"""Disk caches of peers that compile for tens of seconds, filled before anything is measured (`--prepare`).

Their folder has the caches, one for each library, a second set below `small` that holds only the small function which
processes compile first where compilation is measured, and `prepared.json`, which says what is in them.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

from bench.results import Status

# A workload and a size: what a process compiles first where only the compilation of another function is to be measured.
SMALL: Final = ("compile", 11)


@dataclass(frozen=True)
class Entry:
    """What became of one first call.

    Args:
        peer: name.
        version: of its distribution.
        threads: that it could use; compiled code depends on their number.
        workload: name.
        size: of it.
        seconds: of the call, with others beside it; None if it failed.
        status: as of a result.
        reason: why it is not `ok`.
    """

    peer: str
    version: str
    threads: int
    workload: str
    size: int
    seconds: float | None = None
    status: Status = "ok"
    reason: str = ""


@final
class Prepared:
    """A folder of filled caches; empty if there is none yet.

    Args:
        folder: of the caches.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.small = folder, folder / "small"
        self.list = folder / "prepared.json"
        stored = json.loads(self.list.read_text(encoding="utf-8")) if self.list.exists() else []
        self._entries = {self._key(entry): entry for entry in (Entry(**content) for content in stored)}

    @staticmethod
    def _key(entry: Entry) -> tuple[str, str, int, str, int]:
        return entry.peer, entry.version, entry.threads, entry.workload, entry.size

    def add(self, entry: Entry) -> None:
        """Notes it, in the file too."""
        self._entries[self._key(entry)] = entry
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.list.with_suffix(".new")
        new.write_text(json.dumps([asdict(e) for e in self._entries.values()], indent=1) + "\n", encoding="utf-8")
        new.replace(self.list)

    def of(self, peer: str, version: str, threads: int, workload: str, size: int) -> Entry | None:
        """What became of a first call; None if there was none."""
        return self._entries.get((peer, version, threads, workload, size))

    def seed(self, peer: str, version: str, threads: int, caches: Path) -> None:
        """Puts what compiling the small function leaves on disk into `caches`, if it is known."""
        entry = self.of(peer, version, threads, *SMALL)
        if entry is not None and entry.status == "ok":
            shutil.copytree(self.small, caches, dirs_exist_ok=True)


def files(folder: Path) -> frozenset[Path]:
    """All that there is below the folder."""
    return frozenset(folder.rglob("*"))
