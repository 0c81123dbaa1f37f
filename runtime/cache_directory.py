"""The folder of the disk cache: where it is, and whether it may be trusted.

What lies there is run as machine code, so that whoever can write there can run programs as this user. A folder is taken
only if this user owns it and nobody else may write to it; it is opened once for each use, checked through the open
descriptor, and all files are named relative to that descriptor, so that nothing can be swapped in between.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tapec.errors import TapecError


class UntrustedDirectoryError(TapecError):
    """The folder of the disk cache belongs to somebody else, or others may write to it."""


def path() -> Path:
    """`$TAPEC_CACHE_DIR`, else `tapec` in `$XDG_CACHE_HOME`, else `~/.cache/tapec`.

    Raises:
        RuntimeError: this user has no home directory.
    """
    given = os.environ.get("TAPEC_CACHE_DIR")
    if given:
        return Path(given).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    # The specification has relative paths ignored.
    base = Path(xdg) if os.path.isabs(xdg) else Path.home() / ".cache"  # noqa: PTH117 - before there is a Path
    return base / "tapec"


@contextmanager
def opened(create: bool) -> Iterator[int]:
    """A descriptor of the folder.

    Args:
        create: make the folder if it is not there, for this user alone.

    Raises:
        FileNotFoundError: it is not there and `create` is false.
        UntrustedDirectoryError: others could have put something there.
        OSError: it can't be made or opened.
        RuntimeError: this user has no home directory.
    """
    place = path()
    if create:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        reason = distrust(os.fstat(descriptor))
        if reason:
            raise UntrustedDirectoryError(f"{place} {reason}")
        yield descriptor
    finally:
        os.close(descriptor)


def distrust(status: os.stat_result) -> str:
    """Why others could have written to this file or folder; the empty string if they could not."""
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written to by other users"
    return ""
