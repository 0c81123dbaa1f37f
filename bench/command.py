"""`tapec bench`: measures what its options say, and reports."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bench.measuring import measure, plan, prepare
from bench.options import UsageError, check, parser
from bench.peers.table import PEERS
from bench.process import ROOT
from bench.report import comparison, markdown, page, text
from bench.results import Run
from bench.resume import stored
from bench.workloads import WORKLOADS


def main(arguments: Sequence[str]) -> int:
    """Runs `tapec bench` with these arguments.

    Returns:
        The exit status: 1 if tapec failed somewhere or answers differ, 2 for what can't be done, 130 if the run was
        interrupted.
    """
    options = parser().parse_args(arguments)
    try:
        check(options)
        if options.list:
            return _list()
        if options.plan:
            return plan(options)
        if options.prepare:
            return prepare(options)
        return _finish(measure(options) if options.render is None else stored(options.render), options)
    except UsageError as error:
        print(f"tapec bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before there was anything to report
        return 130


def _list() -> int:
    for workload in WORKLOADS.values():
        print(f"{workload.name:20} {workload.unit}: {', '.join(f'{n:,}' for n in workload.all_sizes)}")
    print("peers:", ", ".join(PEERS))
    return 0


def _finish(found: Run, options: argparse.Namespace) -> int:
    table = comparison.rows(found, WORKLOADS)
    print(text.report(found, table))
    where = options.out / "index.html"
    page.write(where, found, table)
    print(f"all of it: {where}")
    if options.write:
        markdown.write(ROOT, found, table)
    if any("interrupted" in line for line in found.left):
        return 130
    wrong = [r for r in (*found.results, *found.scaling) if r.status == "differs"]
    return int(bool(wrong) or any(r.peer == "tapec" and r.status != "ok" for r in found.results))
