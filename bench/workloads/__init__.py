"""All workloads, by name. One module per family; its `WORKLOADS` are what it has."""

from __future__ import annotations

from bench.workload import Workload
from bench.workloads import elementwise, loops, networks, regression, rosenbrock, starts

FAMILIES = (rosenbrock, elementwise, regression, networks, loops, starts)
WORKLOADS: dict[str, Workload] = {w.name: w for family in FAMILIES for w in family.WORKLOADS}
