"""The options of `tapec bench`, and what is wrong with them."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

import tapec
from bench.entrants import Settings
from bench.peers.table import CPU, CUDA, EMULATED, PEERS, place_of
from bench.workloads import WORKLOADS
from tapec.errors import DeviceNotFoundError

# What a run's results say about what was asked for.
ASKED = (
    "quick",
    "device",
    "peers",
    "workloads",
    "sizes",
    "sweep",
    "no_starts",
    "threads",
    "rounds",
    "limit",
    "minutes",
)

EPILOG = """
examples:
  tapec bench --quick                              does everything run, and agree? a minute
  tapec bench --workloads rosenbrock,heat          these two beside all peers that are installed
  tapec bench --peers tapec,jax --rounds 5         one peer only, and a shorter run
  tapec bench --sweep --minutes 30                 all of it, as far as half an hour goes
  tapec bench --quick --device emulated            does a GPU's code for everything agree? some minutes, and no GPU
  tapec bench --device cuda                        on an NVIDIA GPU, beside JAX and PyTorch on the same one
  tapec bench --resume bench-results               go on with it, on the same machine with the same software
  tapec bench --prepare --caches kept              torch.compile compiles all workloads, two at a time, untimed
  tapec bench --sweep --caches kept                all of it; torch.compile starts with what it has compiled
  tapec bench --render bench-results/results.json  the page and the summary once more

What has been measured is written to results.json as the run goes on: Ctrl-C ends it early, with a page and a summary
of what there is.
"""


class UsageError(Exception):
    """What was asked for does not exist, or makes no sense."""


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(
        prog="tapec bench",
        description="Measures tapec beside its peers: times of calls, of first calls and starts, and memory.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = made.add_argument_group("what is measured")
    what.add_argument("--quick", action="store_true", help="small sizes, few calls: does everything run, and agree?")
    what.add_argument("--peers", type=_names, metavar="NAMES", help=f"of {', '.join(PEERS)} (default: all)")
    what.add_argument("--workloads", type=_names, metavar="NAMES", help="names, or their beginnings (default: all)")
    what.add_argument("--sizes", type=_numbers, metavar="NUMBERS", help="in place of each workload's own")
    what.add_argument("--sweep", action="store_true", help="also further sizes and numbers of threads: how cost grows")
    what.add_argument("--no-starts", action="store_true", help="no compile times, no starts with filled disk caches")
    what.add_argument("--list", action="store_true", help="name workloads, their sizes, and peers")
    how = made.add_argument_group("how")
    how.add_argument(
        "--device",
        choices=(CPU, EMULATED, CUDA),
        default=CPU,
        help="where peers compute: an NVIDIA GPU, with those that know it; or tapec on an emulated one, slowly, beside "
        "the others' answers (default: cpu)",
    )
    how.add_argument("--threads", type=_positive, metavar="N", help="of each peer (default: all cores)")
    rounds = Settings.rounds
    how.add_argument("--rounds", type=_positive, metavar="N", default=rounds, help="turns of each peer (default: 15)")
    how.add_argument(
        "--limit",
        type=_limits,
        metavar="S[,PEER=S]",
        help=f"seconds for an answer, of all peers and of single ones (default: {Settings.limit:g})",
    )
    how.add_argument(
        "--minutes", type=_seconds, metavar="M", help="begin nothing after so many; what counts comes first"
    )
    how.add_argument(
        "--peer-python",
        action="append",
        metavar="PATH",
        default=[p for p in os.environ.get("TAPEC_BENCH_PYTHON", "").split(os.pathsep) if p],
        help="an interpreter that has peers which this one lacks (also $TAPEC_BENCH_PYTHON)",
    )
    how.add_argument(
        "--caches",
        type=Path,
        metavar="FOLDER",
        help="disk caches, filled by --prepare, of peers that compile for tens of seconds",
    )
    how.add_argument("--prepare", action="store_true", help="measure nothing: fill the folder --caches")
    how.add_argument("--plan", action="store_true", help="measure nothing: say what would be, and how long it takes")
    results = made.add_argument_group("results")
    out = Path("bench-results")
    results.add_argument("--out", type=Path, metavar="FOLDER", default=out, help=f"for what is made (default: {out})")
    results.add_argument("--resume", type=Path, metavar="FOLDER", help="go on with the run whose results it has")
    results.add_argument("--render", type=Path, metavar="JSON", help="measure nothing: show these results once more")
    results.add_argument("--write", action="store_true", help="put the tables into README.md and docs/performance.md")
    return made


def _names(text: str) -> list[str]:
    names = list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise argparse.ArgumentTypeError("no name is given")
    return names


def _numbers(text: str) -> list[int]:
    return [_positive(number) for number in _names(text)]


def _positive(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if number < 1 or number != int(number):
        raise argparse.ArgumentTypeError(f"{text} is not one of 1, 2, 3, ...")
    return int(number)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return number


def _limits(text: str) -> dict[str, float]:
    """By peer; that of the others has no name."""
    pairs = [part.rpartition("=") for part in _names(text)]
    return {name: _seconds(number) for name, _, number in pairs}


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, known, n=3, cutoff=0.5)
    return f": is it {' or '.join(found)}?" if found else "."


def check(options: argparse.Namespace) -> None:
    """Refuses what can't be done, before anything is measured.

    Raises:
        UsageError: says what is wrong, and what was perhaps meant.
    """
    for name in [*(options.peers or []), *filter(None, options.limit or {})]:
        if name not in PEERS:
            of_library = [kind.name for kind in PEERS.values() if kind.library == name]
            near = f": is it {' or '.join(of_library)}?" if of_library else _near(name, PEERS)
            raise UsageError(f"no peer is called {name!r}{near} There are {', '.join(PEERS)}")
    for beginning in options.workloads or []:
        if not any(name.startswith(beginning) for name in WORKLOADS):
            near = _near(beginning, WORKLOADS)
            raise UsageError(f"no workload begins with {beginning!r}{near} --list shows them")
    for python in options.peer_python:
        if shutil.which(python) is None:
            raise UsageError(f"there is no interpreter at {python}")
    if options.device != CPU and not options.render:
        _check_device(options)
    cores = os.cpu_count() or 1
    if (options.threads or 1) > cores:
        raise UsageError(f"--threads {options.threads}: this machine has {cores} cores")
    if options.quick and (options.sweep or options.sizes):
        raise UsageError("--quick has one small size of each workload: --sweep and --sizes do not go with it")
    if options.write and (options.quick or options.sizes or options.workloads) and not options.render:
        raise UsageError("--write replaces whole tables: it wants all workloads at their own sizes")
    if options.render and not options.render.is_file():
        raise UsageError(f"there is no file {options.render}")
    _check_folders(options)


def _check_folders(options: argparse.Namespace) -> None:
    if options.prepare and options.caches is None:
        raise UsageError("--prepare fills a folder: --caches says which")
    if options.caches and (options.quick or options.sizes or options.device != CPU):
        raise UsageError("--caches is for own sizes on the CPU: --quick, --sizes and --device do not go with it")
    if options.caches and not options.prepare and not (options.caches / "prepared.json").is_file():
        raise UsageError(f"nothing has been prepared in {options.caches}: --prepare does")
    if options.resume and not (options.resume / "results.json").is_file():
        raise UsageError(f"there is no run in {options.resume}")
    if options.out.exists() and not options.out.is_dir():
        raise UsageError(f"{options.out} is no folder")


def _check_device(options: argparse.Namespace) -> None:
    if options.write:
        raise UsageError("--write puts times of the CPU into pages about the CPU: it does not go with --device")
    if options.sweep:
        raise UsageError("--sweep tries numbers of threads, which a device has no use for: leave --device or it out")
    if options.device == EMULATED and not options.quick:
        raise UsageError("--device emulated shows that answers agree, and times nothing: it wants --quick")
    away = [name for name in options.peers or [] if place_of(PEERS[name], options.device) is None]
    if away:
        raise UsageError(f"{', '.join(away)} can't compute on {options.device} here; leave --peers or some names out")
    try:
        tapec.device(options.device)
    except DeviceNotFoundError as error:
        raise UsageError(str(error)) from None


def chosen(options: argparse.Namespace) -> list[str]:
    """Names of the workloads that are wanted."""
    wanted = options.workloads
    return [name for name in WORKLOADS if wanted is None or name.startswith(tuple(wanted))]
