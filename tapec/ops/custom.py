"""Functions with derivative rules of their own: ops that are their first operands, and say how these move.

A *live* rule is a Python object that its op's first operand, the token, stands for; derivative graphs call it while
they are replayed. Where a graph outlives what Python holds (loops, vmap, pullbacks that are handed out) the rule is a
pair of regions instead. See `docs/design/0006-custom-derivatives.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from tapec.errors import ShapeError
from tapec.ir.graph import REGION, Graph, Value
from tapec.ir.primitive import Primitive, RegionFamily
from tapec.ir.types import TensorType
from tapec.ops.registry import define


class Custom(RegionFamily):
    """Types of the results are those of the operands that they are, or stand in the region."""

    name = "custom"

    def infer_regions(
        self,
        primitive: Primitive,
        operands: tuple[TensorType, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
    ) -> tuple[TensorType, ...]:
        """See `Family.infer_regions`."""
        if primitive is not rule:
            return tuple([value.type for value in regions[0].outputs])
        results, args = attributes["results"], attributes["args"]
        if results < 1 or args < 1 or results + args > len(operands):
            raise ShapeError(f"{primitive.name}: {results} results and {args} arguments among {len(operands)} operands")
        return operands[:results]


def signature(types: Iterable[TensorType]) -> Graph:
    """The region of an op that runs Python: nothing but the types of its results."""
    values = [Value(kind) for kind in types]
    return Graph(REGION, values, [], values)


def _meaning(*operands: Any, **attributes: Any) -> NoReturn:
    raise TypeError("custom derivatives are run by tapec.rules")


CUSTOM = Custom()

rule = define(
    Primitive("custom_rule", CUSTOM, -1, _meaning,
              "The first operands, which a function made of the next ones, its arguments; the rest is what its "
              "derivatives read. The regions take that rest and then cotangents of the floating results, or tangents "
              "of the floating arguments, and give those of the others; one without outputs is a missing derivative.",
              ("results", "args"), result="regions", regions=2, results=-1)
)  # fmt: skip
live = define(
    Primitive("custom_live", CUSTOM, -1, _meaning,
              "The operands behind the first, the token, which a function made of the next ones, its arguments; the "
              "region has the types of the results.",
              ("results", "args"), result="regions", regions=1, results=-1)
)  # fmt: skip
pull = define(
    Primitive("custom_pull", CUSTOM, -1, _meaning,
              "What the token's rule makes of cotangents; the region has the types of the results. `sizes` has the "
              "extents of leading axes over which the rule is vectorized.",
              ("sizes",), result="regions", regions=1, results=-1)
)  # fmt: skip
push = define(
    Primitive("custom_push", CUSTOM, -1, _meaning, "What the token's rule makes of tangents; as `custom_pull`.",
              ("sizes",), result="regions", regions=1, results=-1)
)  # fmt: skip
