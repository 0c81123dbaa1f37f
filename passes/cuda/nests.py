"""Which kernels do a nest."""

from __future__ import annotations

from tapec.passes.cuda.columns import column_kernels
from tapec.passes.cuda.kernel import Kernel
from tapec.passes.cuda.maps import map_kernel
from tapec.passes.cuda.rows import row_kernels
from tapec.passes.cuda.tiles import tile_kernel, tiled_axis
from tapec.passes.cuda.workspace import Workspace
from tapec.passes.loops import Nest


def nest_kernels(nest: Nest, workspace: Workspace) -> list[Kernel]:
    """The kernels of a nest, in order."""
    if not any(nest.reduced):
        axis = tiled_axis(nest)
        name = workspace.name(nest.label)
        return [map_kernel(name, nest) if axis is None else tile_kernel(name, nest, axis)]
    return (row_kernels if nest.row else column_kernels)(nest, workspace)
