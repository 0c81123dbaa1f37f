"""Products with cotangents are plain where a cotangent of zero means that the other factor is finite.

Often a cotangent is computed from the factor that it meets: that of `a * b` in `sum((a * b - y)**2)` is infinite or NaN
where `a` or `b` is, so that it is not zero there. What is left of the strong zero is that it is +0.0, where the plain
product may be -0.0: so the sign of a zero must show nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.builder import emit
from tapec.ir.graph import Graph
from tapec.ops import elementwise as ew
from tapec.passes.graph_pass import Rebuild
from tapec.passes.non_finite import NonFinite
from tapec.passes.zero_signs import signs_of_zeros_that_show


@final
@dataclass(frozen=True, slots=True)
class PlainProducts:
    """Makes a product plain whose first factor is infinite or NaN, so not zero, wherever the second one is.

    %0 = "tapec.mul"(%arg0, %arg1)               %0 = "tapec.mul"(%arg0, %arg1)
    %1 = "tapec.sub"(%0, %arg2)             ->   %1 = "tapec.sub"(%0, %arg2)
    %2 = "tapec.strong_mul"(%1, %arg1)           %2 = "tapec.mul"(%1, %arg1)
    %3 = "tapec.strong_mul"(%2, %arg3)           %3 = "tapec.strong_mul"(%2, %arg3)

    All derivatives must have been taken: that of a plain product is another one.
    """

    name: ClassVar[str] = "plain_products"

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild, known, showing = Rebuild(graph, self.run), NonFinite(), signs_of_zeros_that_show(graph)
        for op in graph.ops:
            if op.primitive is ew.strong_mul and op.result not in showing:
                a, b = [rebuild.mapping[v] for v in op.operands]
                if known.wherever(a, b):
                    rebuild.mapping[op.result] = emit(rebuild.graph, ew.mul, (a, b), {}, op.location, op.phase).result
                    continue
            rebuild.copy(op)
        return rebuild.finish()
