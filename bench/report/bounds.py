"""The least time that the machine allows, from what a workload must move and multiply."""

from __future__ import annotations

from typing import Any

from bench.workload import Workload


def least_seconds(workload: Workload, size: int, machine: dict[str, Any]) -> float | None:
    """The longer one of moving the bytes and multiplying the matrices, at the speeds that were measured; None where
    neither is known.
    """
    if workload.cost is None or "bytes_per_s" not in machine:
        return None
    cost = workload.cost(size)
    least = max(cost.bytes / machine["bytes_per_s"], cost.flops / machine[f"flops_{workload.dtype}"])
    return least or None
