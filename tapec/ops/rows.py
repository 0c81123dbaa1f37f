"""Loops that leave rows to later loops: what `tapec.passes.store_rows` makes of a `while_loop` and its `sweeps`.

The rows lie in memory that one op takes and another one gives back. In the graph they are a value that only these two
understand; the pass sees to it that each is read by one op. Graphs that are differentiated or batched have none.
"""

from __future__ import annotations

from typing import Any

from tapec.ir import dtypes
from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive, RegionFamily
from tapec.ir.types import TensorType, tensor_type
from tapec.ops.control import infer_sweeps, infer_while, not_a_function
from tapec.ops.registry import define

# Where rows lie, and how many there are.
ROWS = tensor_type(dtypes.I64, (2,))


class StoredRows(RegionFamily):
    """The regions say what goes in and out, and what a row holds."""

    name = "rows"

    def infer_regions(
        self,
        primitive: Primitive,
        operands: tuple[TensorType, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
    ) -> tuple[TensorType, ...]:
        """See `Family.infer_regions`."""
        if primitive is while_rows:
            condition, body = regions
            carries = len(operands) - attributes["consts"]
            without = Graph(body.name, body.inputs, body.ops, body.outputs[:carries])
            return (*infer_while(operands, attributes, (condition, without)), ROWS)
        return infer_sweeps("sweep_rows", ROWS, operands, attributes, regions, given=True)


STORED_ROWS = StoredRows()

while_rows = define(
    Primitive("while_rows", STORED_ROWS, -1, not_a_function,
              "A `while_loop` whose second region gives a row to store behind the new carries. Results are the last "
              "carries, the number of rounds, and the rows of all rounds, for one `sweep_rows`.",
              ("consts",), result="regions", regions=2, results=-1)
)  # fmt: skip
sweep_rows = define(
    Primitive("sweep_rows", STORED_ROWS, -1, not_a_function,
              "`sweeps` over the rounds of a `while_rows`, whose rows stand in the place of the number of rounds: each "
              "region takes the present round's, behind its carries, and then those of earlier regions.",
              ("consts", "carries", "reverse"), result="regions", regions=-1, results=-1)
)  # fmt: skip
