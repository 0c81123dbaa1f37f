"""Going on with a run that has ended early, on the same machine with the same software."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.options import ASKED, UsageError, parser
from bench.results import Run

# Of the machine's description: without these a run's numbers are not comparable with each other.
SAME: Final = (
    "device",
    "processor",
    "cores",
    "threads",
    "caches",
    "memory_bytes",
    "system",
    "python",
    "packages",
    "peers",
    "code",
)


def stored(path: Path) -> Run:
    """The run in the file.

    Raises:
        UsageError: there is none.
    """
    try:
        return Run.load(path)
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} holds no results of tapec bench ({error})") from None


def load(folder: Path) -> Run:
    """The run that the folder has.

    Raises:
        UsageError: there is none that can be resumed.
    """
    where = folder / "results.json"
    found = stored(where)
    if "code" not in found.machine:
        raise UsageError(f"{where} can't be resumed: it does not say which code it has measured")
    return found


def take_over(options: argparse.Namespace, earlier: Run) -> None:
    """Puts what was asked for at first into the options. Limits may be others in each part.

    Raises:
        UsageError: something else is asked for now.
    """
    plain = parser()
    if earlier.options["prepared"] != (options.caches is not None):
        had = "with" if earlier.options["prepared"] else "without"
        raise UsageError(f"the run that is resumed was begun {had} --caches: go on so")
    for name in set(ASKED) - {"minutes"}:
        given, stored = getattr(options, name), earlier.options[name]
        if given == plain.get_default(name):
            setattr(options, name, stored)
        elif given != stored and name != "limit":
            raise UsageError(f"--{name.replace('_', '-')} is not as in the run that is resumed: leave it out")
    if options.out not in {plain.get_default("out"), options.resume}:
        raise UsageError("--resume goes on in the folder of the run: leave --out out")
    options.out = options.resume


def check(earlier: Run, machine: Mapping[str, Any], skipped: list[str]) -> None:
    """Refuses a run of another machine or other software.

    Raises:
        UsageError: says what differs.
    """
    for name in SAME:
        then, now = earlier.machine.get(name), machine[name]
        if then != now:
            raise UsageError(f"the run can't be resumed: {name} was {_said(then, now)}")
    if earlier.skipped != skipped:
        was, is_now = (", ".join(names) or "none" for names in (earlier.skipped, skipped))
        raise UsageError(f"the run can't be resumed: not installed was {was}, is {is_now}")


def _said(then: Any, now: Any) -> str:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        name = next(key for key in {**then, **now} if then.get(key) != now.get(key))
        return f"{name} {then.get(name)}, is {now.get(name)}"
    return f"{then}, is {now}"
