"""The order of passes, from a recorded graph to LLVM IR, or to the loops that other targets begin with: the one place
that knows it.

The driver imports it when there is something to compile: a program that the disk cache has needs no pass. Passes that
few programs need are imported when one does: who waits for a first call waits for imports most of all.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from tapec.ir.graph import Graph
from tapec.passes.crop_products import CropProducts
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.dot_products import DotProducts
from tapec.passes.fuse import fuse
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.merge_loops import MergeLoops
from tapec.passes.order_updates import order_updates
from tapec.passes.pack_scalars import PackScalars
from tapec.passes.plain_products import PlainProducts
from tapec.passes.product_views import ProductViews
from tapec.passes.program_text import program_text
from tapec.passes.push_slices import PushSlices
from tapec.passes.simplify import Simplify
from tapec.passes.steps import Program, inner_steps, leaves
from tapec.passes.store_rows import StoreRows
from tapec.passes.turn_products import TurnProducts
from tapec.passes.views import views_of
from tapec.passes.widen import Widen
from tapec.passes.work import instructions, waits_for_data
from tapec.passes.write_out import WriteOut


class Forms(NamedTuple):
    """What a recorded graph becomes on its way to machine code.

    Attributes:
        graph: after all passes over graphs.
        program: its loops.
        text: its LLVM IR.
    """

    graph: Graph
    program: Program
    text: str

    @property
    def loops(self) -> str:
        """The loops as text."""
        from tapec.passes.loop_printer import print_program

        return print_program(self.program)

    @property
    def instructions(self) -> int:
        """About how many vector instructions a run takes."""
        return instructions(self.program)

    @property
    def repetitions(self) -> float:
        """About how often a run comes to each line of the text; infinity if the data say so."""
        return inf if waits_for_data(self.program.steps) else self.instructions / self.text.count("\n")

    @property
    def straight(self) -> bool:
        """Whether the program has no control flow but that inside of loop nests."""
        return not any(inner_steps(step) for step in self.program.steps)

    @property
    def kernel_count(self) -> int:
        """Loop nests and library calls of the program, those inside loops and branches counted once."""
        return sum(1 for _ in leaves(self.program.steps))

    @property
    def residual_bytes(self) -> int:
        """Bytes of temporaries that primal ops leave for adjoint ops to read."""
        views = views_of(self.graph)
        buffers = (*self.program.temporaries, *self.program.registers)
        kept = {part: part.type.nbytes for b in buffers for part in b.parts}
        kept |= {b.value: b.nbytes for b in buffers if b.value is not None}
        read = {views[v].base for op in self.graph.ops if op.phase == "adjoint" for v in op.operands}
        return sum(kept[v] for v in read if v in kept and v.op is not None and v.op.phase == "primal")


def rerolled(graph: Graph, least_ops: int) -> Graph:
    """The graph with repeated segments as loops: first of all, since it makes every later pass short."""
    from tapec.passes.reroll import Reroll

    return Reroll(least_ops=least_ops).run(graph)


def optimised(graph: Graph) -> Graph:
    """The graph passes over graphs that do not compute with floats of 16 bits, in order."""
    for step in (
        Simplify(differentiated=True),
        DotProducts(),
        CommonSubexpressionElimination(),  # before and after loops are merged: they are when they read the same values
        MergeLoops(),
        CommonSubexpressionElimination(),
        DeadCodeElimination(),
        StoreRows(),
        CropProducts(),
        PushSlices(),
        DeadCodeElimination(),
        PackScalars(),
    ):
        graph = step.run(graph)
    return graph


def _written_out(graph: Graph) -> Graph:
    """The passes over short axes, in order."""
    for step in (
        TurnProducts(),
        WriteOut(),
        CommonSubexpressionElimination(),
        PlainProducts(),
        DeadCodeElimination(),
    ):
        graph = step.run(graph)
    return graph


def _budgeted(graph: Graph, memory_budget: int | None) -> Graph:
    """The graph with what keeps a budget, if there is one; no pass behind this looks for common subexpressions."""
    if memory_budget is None:
        return graph
    from tapec.passes.memory_budget import MemoryBudget

    return DeadCodeElimination().run(MemoryBudget(memory_budget).run(graph))


def forms_of(graph: Graph, vector_bits: int, memory_budget: int | None = None) -> Forms:
    """All passes, in order, over a recorded graph.

    Args:
        graph: as recorded.
        vector_bits: width of the machine's vector registers.
        memory_budget: bytes of values of the forward pass that may be alive at once in the backward pass.

    Raises:
        MemoryBudgetError: that can't be met.
    """
    graph = _written_out(optimised(Widen().run(graph)))
    graph = _budgeted(graph, memory_budget)
    for step in (ProductViews(), DeadCodeElimination()):
        graph = step.run(graph)
    final = order_updates(materialize(graph))
    program = lower(fuse(final))
    return Forms(final, program, program_text(program, vector_bits))


def loops_to_launch(graph: Graph, memory_budget: int | None = None) -> Program:
    """The loops of a recorded graph for a device that is sent one kernel after the other.

    Its kernels tile by themselves; what it has no kernels for (products that read other layouts) is not made.

    Args:
        graph: as recorded.
        memory_budget: as for `forms_of`.

    Raises:
        MemoryBudgetError: that can't be met.
    """
    from tapec.passes.ordered_reductions import OrderedReductions

    graph = OrderedReductions().run(_budgeted(optimised(Widen().run(graph)), memory_budget))
    return lower(fuse(order_updates(materialize(graph, any_shape=False))), tiling=False)
