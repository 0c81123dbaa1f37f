"""The command line: `tapec demo`, `tapec bench`, `tapec cache`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tapec import __version__
from tapec.runtime import cache
from tapec.runtime.cache_directory import UntrustedDirectoryError

_DEMO_PACKAGES = {"sklearn": "scikit-learn", "matplotlib": "matplotlib", "rich": "rich"}
_FORMATS = (".png", ".pdf", ".svg")
_BENCH_PACKAGES = {"matplotlib": "matplotlib", "rich": "rich"}
_CLONE = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command in `arguments` (the process's own if None).

    Returns:
        The exit status: 0, 2 where something that the command needs is missing, or 1 where `tapec bench` finds answers
        that are wrong.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["bench"]:
        return _bench(given[1:])
    options = _parser().parse_args(given)
    return _cache(clear=options.clear) if options.command == "cache" else _demo(options)


def _bench(given: list[str]) -> int:
    if not (_CLONE / "bench" / "command.py").is_file():
        print("tapec bench runs from a clone of the repository: the benchmarks are not installed", file=sys.stderr)
        return 2
    if _missing("bench", _BENCH_PACKAGES, "-e '.[bench]'"):
        return 2
    if str(_CLONE) not in sys.path:
        sys.path.insert(0, str(_CLONE))
    status: int = import_module("bench.command").main(given)
    return status


def _missing(command: str, packages: dict[str, str], wanted: str) -> bool:
    """Whether one of the packages, by module, is not installed; says so, and what pip is to install."""
    missing = [name for module, name in packages.items() if find_spec(module) is None]
    if missing:
        print(f"tapec {command} needs {', '.join(missing)}: run pip install {wanted}", file=sys.stderr)
    return bool(missing)


def _cache(*, clear: bool) -> int:
    try:
        before = cache.clear() if clear else cache.usage()
    except (UntrustedDirectoryError, OSError, RuntimeError) as error:
        print(f"tapec cache: {error}", file=sys.stderr)
        return 2
    print(f"place    {before.place}")
    print(f"entries  {before.entries:,}{' (deleted)' if clear else ''}")
    print(f"size     {before.size:,} of {before.limit:,} bytes")
    if not cache.enabled():
        print("off      TAPEC_CACHE is 0")
    return 0


def _demo(options: argparse.Namespace) -> int:
    if _missing("demo", _DEMO_PACKAGES, "'tapec[demo]'"):
        return 2
    if not options.picture.parent.is_dir():
        print(f"tapec demo cannot save its picture: there is no folder {options.picture.parent}", file=sys.stderr)
        return 2
    if options.picture.suffix.lower() not in _FORMATS:
        print(f"tapec demo: --picture must end in one of {', '.join(_FORMATS)}, got {options.picture}", file=sys.stderr)
        return 2
    os.environ.setdefault("TAPEC_CACHE", "0")  # the table's compile time is to be that of compiling, on every run
    from tapec.demo.main import run

    run(options.picture, quick=options.quick, seed=options.seed)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tapec", description="An automatic-differentiation compiler for NumPy code.")
    parser.add_argument("--version", action="version", version=f"tapec {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="train a classifier of handwritten digits in one compiled function")
    demo.add_argument("--quick", action="store_true", help="fewer epochs and fewer timed steps")
    demo.add_argument("--seed", type=int, default=0, help="of weights, batches and split (default: 0)")
    demo.add_argument("--picture", type=Path, default=Path("demo.png"), help="where to save it (default: demo.png)")
    commands.add_parser("bench", help="measure tapec beside its peers", add_help=False)
    kept = commands.add_parser("cache", help="show the disk cache of machine code")
    kept.add_argument("--clear", action="store_true", help="delete its entries, and say what there was")
    return parser
