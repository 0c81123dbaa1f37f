"""The disk cache: object code from one process to the next.

One file per entry, in a folder of this user's own (`runtime.cache_directory`). An entry appears under its name all at
once, so that any number of processes may read and write; one that is truncated, changed, or not ours counts as absent
and is written anew. Nothing depends on the folder: it, or any file in it, may be deleted at any time.

Environment: `TAPEC_CACHE=0` turns the cache off, `TAPEC_CACHE_DIR` moves it, `TAPEC_CACHE_SIZE` bounds it (bytes, or
with a suffix K, M or G; 256M by default). When it is full, the entries that were used longest ago go.
"""

from __future__ import annotations

import os
import re
import stat
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from tapec.errors import CacheWarning
from tapec.runtime import cache_directory
from tapec.runtime.cache_entry import packed, unpacked

_DEFAULT_LIMIT: Final = 256 << 20
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_ENTRY: Final = re.compile(r"[0-9a-f]{64}\.tapec")
_TEMPORARY: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}\.tapec-part")
_ABANDONED: Final = 3600.0  # seconds after which a part must be what a process left that ended while it wrote

_LOCK: Final = threading.Lock()
_warned: Final[set[str]] = set()


class Usage(NamedTuple):
    """What the cache holds.

    Args:
        place: its folder.
        entries: number of entries.
        size: bytes of all of them, and of files that are being written.
        limit: bytes that it is kept below.
    """

    place: Path
    entries: int
    size: int
    limit: int


class _File(NamedTuple):
    name: str
    size: int
    used: float


def enabled() -> bool:
    """Whether the cache is on: it is unless `TAPEC_CACHE` is 0 (or this system has no file owners)."""
    return os.name == "posix" and os.environ.get("TAPEC_CACHE", "1") != "0"


def read(key: bytes) -> bytes | None:
    """The payload written under this key, which counts as used now; None if there is none."""
    if not enabled():
        return None
    try:
        with cache_directory.opened(create=False) as folder:
            data = _contents(f"{key.hex()}.tapec", folder)
    except FileNotFoundError:
        return None
    except (cache_directory.UntrustedDirectoryError, OSError, RuntimeError) as error:
        _warn(f"tapec works without its disk cache: {error}")
        return None
    return None if data is None else unpacked(key, data)


def write(key: bytes, payload: bytes) -> None:
    """Keeps a payload for later processes, if the cache is on and can be written."""
    data = packed(key, payload)
    limit = _limit()
    if not enabled() or len(data) > limit:
        return
    try:
        with cache_directory.opened(create=True) as folder:
            _put(f"{key.hex()}.tapec", data, folder)
            if _due(len(data)):
                _evict(folder, limit)
    except FileNotFoundError:
        return  # the folder was deleted while this wrote to it, which anybody may do
    except (cache_directory.UntrustedDirectoryError, OSError, RuntimeError) as error:
        _warn(f"tapec works without its disk cache: {error}")


def usage() -> Usage:
    """What the cache holds now.

    Raises:
        UntrustedDirectoryError, OSError, RuntimeError: see `cache_directory.opened`; a missing folder is an empty one.
    """
    place, limit = cache_directory.path(), _limit()
    try:
        with cache_directory.opened(create=False) as folder:
            files = _files(folder)
    except FileNotFoundError:
        files = []
    entries = sum(_ENTRY.fullmatch(file.name) is not None for file in files)
    return Usage(place, entries, sum(file.size for file in files), limit)


def clear() -> Usage:
    """Deletes all entries, and no other file; says what there was.

    Raises:
        UntrustedDirectoryError, OSError, RuntimeError: as `usage`.
    """
    before = usage()
    with suppress(FileNotFoundError), cache_directory.opened(create=False) as folder:
        for file in _files(folder):
            _delete(file, folder)
    return before


def _contents(name: str, folder: int) -> bytes | None:
    try:
        # Not blocking: a named pipe in the place of the entry would otherwise wait for a writer.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None  # absent, or a link, or not ours to read: the entry is written anew
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor has no path
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or cache_directory.distrust(status):
            return None
        with suppress(OSError):  # a file system that is read-only still serves
            os.utime(descriptor)
        return file.read()


def _put(name: str, data: bytes, folder: int) -> None:
    part = f"{name.removesuffix('.tapec')}.{os.urandom(8).hex()}.tapec-part"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor has no path
            file.write(data)
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        raise


# Eviction -------------------------------------------------------------------------------------------------------------


class _Room:
    """Bytes that this process may write before it looks at the whole folder again."""

    left: int = 0


def _due(size: int) -> bool:
    """Whether it is time to look: listing thousands of files for every one written would cost more than compiling."""
    with _LOCK:
        _Room.left -= size
        return _Room.left < 0


def _files(folder: int) -> list[_File]:
    """Entries and files that are being written; others in the folder are none of ours."""
    found = []
    with os.scandir(folder) as listing:
        for item in listing:
            if _ENTRY.fullmatch(item.name) or _TEMPORARY.fullmatch(item.name):
                with suppress(FileNotFoundError):  # another process has deleted it
                    status = item.stat(follow_symlinks=False)
                    found.append(_File(item.name, status.st_size, status.st_mtime))
    return found


def _evict(folder: int, limit: int) -> None:
    """Deletes what was used longest ago if there is too much, until a sixteenth of the limit is free."""
    now = time.time()
    total = 0
    entries = []
    for file in _files(folder):
        if _ENTRY.fullmatch(file.name):
            entries.append(file)
            total += file.size
        elif now - file.used > _ABANDONED:
            _delete(file, folder)
        else:
            total += file.size
    target = limit if total <= limit else limit - limit // 16
    for file in sorted(entries, key=lambda file: file.used):
        if total <= target:
            break
        _delete(file, folder)
        total -= file.size
    with _LOCK:
        # Other processes write too; none of them writes more than this between two looks.
        _Room.left = min(limit - total, limit // 16)


def _delete(file: _File, folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(file.name, dir_fd=folder)


# Environment ----------------------------------------------------------------------------------------------------------


def _limit() -> int:
    text = os.environ.get("TAPEC_CACHE_SIZE", "")
    if not text:
        return _DEFAULT_LIMIT
    found = re.fullmatch(r"(\d+)([KMG]?)", text.strip().upper())
    if found is None:
        _warn(f"TAPEC_CACHE_SIZE should be bytes, or a number with K, M or G; got {text!r}, so that 256M holds")
        return _DEFAULT_LIMIT
    return int(found[1]) * _UNITS[found[2]]


def _warn(message: str) -> None:
    """Warns once in a process."""
    with _LOCK:
        if message in _warned:
            return
        _warned.add(message)
    warnings.warn(f"{message} (TAPEC_CACHE=0 turns the cache off)", CacheWarning, stacklevel=2)
