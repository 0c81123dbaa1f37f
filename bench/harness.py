"""Peers side by side in one run: each in a process of its own, in turns, so that what disturbs one disturbs all."""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Measured:
    """Medians over the rounds, by peer, in seconds."""

    workload: str
    seconds: dict[str, float]


class AnswersDiffer(Exception):
    """Two peers did not compute the same thing, so that their times say nothing."""


_NO_CACHE = {"TAPEC_CACHE": "0", "JAX_ENABLE_COMPILATION_CACHE": "false"}


def _cache_in(folder: str) -> dict[str, str]:
    """Environment in which every peer's disk cache is on and lies in `folder`."""
    return {
        "TAPEC_CACHE": "1",
        "TAPEC_CACHE_DIR": f"{folder}/tapec",
        "JAX_COMPILATION_CACHE_DIR": f"{folder}/jax",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def turn(workload: str, peer: str, environment: dict[str, str]) -> dict[str, Any]:
    """One process's result; what it printed to stderr is in the error if it fails."""
    command = [sys.executable, "-m", "bench.worker", workload, peer]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compare(workload: str, rounds: int) -> Measured:
    """All peers of one workload.

    Raises:
        AnswersDiffer: by more than the workload's tolerance.
    """
    peers = list(WORKLOADS[workload].peers)
    results: dict[str, list[dict[str, Any]]] = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory() as folder:
        environment = _cache_in(folder) if WORKLOADS[workload].disk_cache else _NO_CACHE
        if WORKLOADS[workload].disk_cache:
            for peer in peers:
                turn(workload, peer, environment)
        for number in range(rounds):
            for peer in peers if number % 2 == 0 else reversed(peers):
                results[peer].append(turn(workload, peer, environment))
    first, *others = peers
    for peer in others:
        check_same(workload, first, results[first][0]["answer"], peer, results[peer][0]["answer"])
    return Measured(workload, {p: statistics.median(r["seconds"] for r in results[p]) for p in peers})


def check_same(workload: str, a: str, of_a: list[float], b: str, of_b: list[float]) -> None:
    """Raises `AnswersDiffer` unless both answers have the same numbers within the workload's tolerance."""
    tolerance = WORKLOADS[workload].tolerance
    same = len(of_a) == len(of_b) and all(
        math.isclose(x, y, rel_tol=tolerance, abs_tol=tolerance) for x, y in zip(of_a, of_b, strict=True)
    )
    if not same:
        raise AnswersDiffer(f"{workload}: {a} and {b} differ: {of_a[:6]} and {of_b[:6]}")
