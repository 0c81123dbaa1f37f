"""Which kernels do a nest."""

from __future__ import annotations

from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.maps import map_kernel
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.loops import Nest


def nest_kernels(nest: Nest, workspace: Workspace) -> list[Kernel]:
    """The kernels of a nest, in order."""
    return [map_kernel(workspace.name(nest.label), nest)]
