"""All workloads, by name. One module per family; its `WORKLOADS` are what it has."""

from __future__ import annotations

from bench.workload import Workload
from bench.workloads import (
    bandwidth,
    blocks,
    bundles,
    calls,
    carries,
    convolution,
    eager,
    elementwise,
    filters,
    finance,
    grids,
    loops,
    mixtures,
    networks,
    optimization,
    points,
    recurrent,
    regression,
    rosenbrock,
    starts,
)

FAMILIES = (
    rosenbrock,
    elementwise,
    bandwidth,
    finance,
    regression,
    networks,
    convolution,
    blocks,
    recurrent,
    loops,
    carries,
    filters,
    mixtures,
    bundles,
    grids,
    points,
    optimization,
    eager,
    calls,
    starts,
)
WORKLOADS: dict[str, Workload] = {w.name: w for family in FAMILIES for w in family.WORKLOADS}
