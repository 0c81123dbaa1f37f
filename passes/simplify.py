"""Algebraic simplification by rules that change no bit of a result, NaN payloads aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from tapec.ir.graph import Graph
from tapec.ops import custom, linalg
from tapec.ops import elementwise as ew
from tapec.passes.graph_pass import Rebuild
from tapec.passes.rewrites import RULES
from tapec.passes.rewriting import Evaluator, Rewriter

# Ops that are their first operand, as far as values go.
_FOR_DERIVATIVES = {ew.stop_gradient, linalg.log_abs_det, linalg.det, linalg.cofactor, linalg.pinv}


@final
@dataclass(frozen=True, slots=True)
class Simplify:
    """Applies the rules of `tapec.passes.rewrites` to every op, and to every op that a rule makes, until none applies.

        %0 = "tapec.constant"() {value = 1.0 : f64, dtype = "f64"}
        %1 = "tapec.mul"(%arg0, %0)                                    ->      "tapec.return"(%arg0)
        "tapec.return"(%1)

    One sweep reaches the fixed point, since an op is looked at after its operands. What it leaves without a use is for
    `dce`.

    Args:
        evaluate: runs ops that are not `exact` on 0-d arrays, so that these too are folded on constants.
        differentiated: whether all derivatives have been taken: `stop_gradient`, and what only says how a value moves,
            then mean nothing any more and go.
    """

    name: ClassVar[str] = "simplify"

    evaluate: Evaluator | None = None
    differentiated: bool = False

    def run(self, graph: Graph) -> Graph:
        """See `Pass.run`."""
        rebuild = Rebuild(graph, self.run)
        rewriter = Rewriter(rebuild.graph, RULES, self.evaluate)
        for op in graph.ops:
            if self.differentiated and op.primitive is custom.rule:
                rebuild.mapping.update(zip(op.results, [rebuild.mapping[v] for v in op.operands], strict=False))
            elif len(op.results) != 1:
                rebuild.copy(op)
            elif self.differentiated and op.primitive in _FOR_DERIVATIVES:
                rebuild.mapping[op.result] = rebuild.mapping[op.operands[0]]
            else:
                rewriter.like = op
                rebuild.mapping[op.result] = rewriter.put(rebuild.moved(op))
        return rebuild.finish()
