"""Single primitives on a device: a program of one op is compiled for each combination of types, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

from tapec.ir import dtypes
from tapec.ir.builder import emit
from tapec.ir.graph import Graph, attributes_key
from tapec.ir.graph_key import graph_key
from tapec.ir.primitive import Primitive
from tapec.ir.types import tensor_type
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.passes.kernel_status import FINE
from tapec.runtime.cuda.part_programs import PartPrograms
from tapec.runtime.cuda.program import DeviceProgram, Target
from tapec.runtime.device_array import Array, DeviceArray

_LIMIT: Final = 4_096
# The result has the operand's elements in their order, and arrays on a device are never written to.
_SAME_MEMORY: Final = {movement.reshape, ew.stop_gradient, ew.copy, ew.barrier}


@final
class OpPrograms:
    """Runs primitives on a device.

    Args:
        target: the device.
        compiled: makes the program of a graph for it.

    Attributes:
        parts: reads and writes parts of arrays there.
    """

    def __init__(self, target: Target, compiled: Callable[[Graph], DeviceProgram]) -> None:
        self.parts = PartPrograms(target)
        self._compiled = compiled
        self._programs: dict[tuple[Any, ...], DeviceProgram] = {}

    def run(
        self,
        primitive: Primitive,
        arrays: Sequence[Array | DeviceArray],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...] = (),
    ) -> list[DeviceArray] | None:
        """The results; None where a kernel met an error, such as an index out of range.

        Raises:
            ShapeError, DTypeError, AttributeValueError: what the primitive's family says of the operands.
            DeviceMemoryError: the device has too little memory.
            UnsupportedOnDeviceError: the device has no kernel for the primitive.
        """
        if primitive is movement.slice_ and isinstance(arrays[0], DeviceArray):
            return [self.parts.read(arrays[0], **attributes)]
        types = tuple([tensor_type(dtypes.of(a.dtype), a.shape) for a in arrays])
        key = (primitive, types, attributes_key(attributes), *[graph_key(region) for region in regions])
        program = self._programs.get(key)
        if program is None:
            graph = Graph(primitive.name)
            operands = tuple([graph.add_input(t) for t in types])
            graph.outputs = list(emit(graph, primitive, operands, attributes, regions=regions).results)
            if primitive in _SAME_MEMORY and isinstance(arrays[0], DeviceArray):
                return [arrays[0].reshaped(graph.outputs[0].shape)]
            if len(self._programs) >= _LIMIT:
                self._programs.clear()
            program = self._programs[key] = self._compiled(graph)
        status, outputs, _ = program.run(arrays)
        return outputs if status == FINE else None
