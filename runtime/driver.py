"""The compiler driver: the one place that knows the order of passes, from a recorded graph to callable machine code."""

from __future__ import annotations

import ctypes
import time
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tapec.ir.graph import Graph
from tapec.ops import contraction
from tapec.passes import matmul_text
from tapec.passes.cse import CommonSubexpressionElimination
from tapec.passes.dce import DeadCodeElimination
from tapec.passes.fuse import fuse
from tapec.passes.loop_printer import print_program
from tapec.passes.loops import LibraryStep, Program, leaves
from tapec.passes.lower import lower
from tapec.passes.materialize import materialize
from tapec.passes.program_text import FINE, RELEASE, program_text
from tapec.passes.simplify import Simplify
from tapec.passes.views import views_of
from tapec.passes.work import instructions
from tapec.runtime import jit, matmul
from tapec.runtime.target import vector_bits

# Below this many instructions (some 20 microseconds) a run is over before another thread could use the lock.
_LONG_RUN = 100_000


@dataclass(frozen=True, slots=True)
class Stage:
    """One form of a program on its way: its name and its text."""

    name: str
    text: str


@final
class Executable:
    """Machine code of one graph.

    Attributes:
        graph: the graph after all passes over graphs.
        program: its loops.
        address: of `i64 kernel(ptr args, ptr outs, ptr guards)`; see `tapec.passes.program_text`.
        compile_seconds: wall time of the whole way.
        release_gil: whether a run is long enough to let other threads run meanwhile.
    """

    def __init__(self, recorded: Graph, graph: Graph, program: Program, text: str, library: jit.Library) -> None:
        self.recorded = recorded
        self.graph = graph
        self.program = program
        self.text = text
        self.library = library
        self.address = library.address("kernel")
        self.compile_seconds = 0.0
        self.release_gil = instructions(program) > _LONG_RUN
        self._kernel = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(self.address)
        if RELEASE in library.symbols:
            release = ctypes.CFUNCTYPE(None)(library.address(RELEASE))
            weakref.finalize(self, _release, release, library)

    @property
    def kernel_count(self) -> int:
        """Loop nests and library calls of the program, those inside loops and branches counted once."""
        return sum(1 for _ in leaves(self.program.steps))

    @property
    def residual_bytes(self) -> int:
        """Bytes of temporaries that primal ops leave for adjoint ops to read."""
        views = views_of(self.graph)
        kept = {b.value: b for b in (*self.program.temporaries, *self.program.registers) if b.value is not None}
        read = {views[v].base for op in self.graph.ops if op.phase == "adjoint" for v in op.operands}
        return sum(v.type.nbytes for v in read if v in kept and v.op is not None and v.op.phase == "primal")

    def stages(self) -> list[Stage]:
        """Every form that the program took, in order."""
        return [
            Stage("recorded graph", str(self.recorded)),
            Stage("graph after passes", str(self.graph)),
            Stage("loops", print_program(self.program)),
            Stage("LLVM IR", self.text),
            Stage("optimised LLVM IR", self.library.ir_text),
            Stage("assembly", self.library.assembly),
        ]

    def run(self, arrays: Sequence[np.ndarray[Any, Any]]) -> tuple[int, list[np.ndarray[Any, Any]], list[int]]:
        """Status, outputs and guard values of one run.

        Args:
            arrays: one per graph input, dense, aligned, native, of exactly the input's dtype and shape.

        Raises:
            ValueError: an array is not as the graph's input says.
        """
        graph, program = self.graph, self.program
        if len(arrays) != len(graph.inputs):
            raise ValueError(f"{graph.name} takes {len(graph.inputs)} arrays, got {len(arrays)}")
        for array, value in zip(arrays, graph.inputs, strict=True):
            dtype, shape = value.type.dtype.numpy, value.shape
            if array.dtype != dtype or array.shape != shape or not (array.flags.c_contiguous and array.flags.aligned):
                raise ValueError(f"{graph.name} takes a dense {dtype}{shape} array, got {array.dtype}{array.shape}")
        outputs = [np.empty(v.shape, v.type.dtype.numpy) for v in graph.outputs]
        guards = np.zeros(max(program.guards, 1), np.int64)
        ins = np.array([a.ctypes.data for a in arrays], np.uintp)
        outs = np.array([a.ctypes.data for a in outputs], np.uintp)
        status = self._kernel(ins.ctypes.data, outs.ctypes.data, guards.ctypes.data)
        return status, outputs, guards[: program.guards].tolist()


def _release(release: Any, library: jit.Library) -> None:
    """Frees an arena; holds the library so that the code is still there to do it."""
    release()


def optimised(graph: Graph) -> Graph:
    """The graph passes, in order."""
    for step in (Simplify(differentiated=True), CommonSubexpressionElimination(), DeadCodeElimination()):
        graph = step.run(graph)
    return graph


def compile_graph(graph: Graph) -> Executable:
    """Machine code for a recorded graph.

    Raises:
        CompilationError: code generation failed; a defect of tapec.
    """
    start = time.perf_counter()
    final_graph = materialize(optimised(graph))
    program = lower(fuse(final_graph))
    text = program_text(program, "kernel", vector_bits())
    symbols = {
        matmul_text.symbol(dtype): matmul.address(dtype)
        for dtype in {s.operands[0].buffer.dtype for s in leaves(program.steps)
                      if isinstance(s, LibraryStep) and s.primitive is contraction.matmul}
    }  # fmt: skip
    library = jit.compile_module(text, symbols=symbols)
    executable = Executable(graph, final_graph, program, text, library)
    executable.compile_seconds = time.perf_counter() - start
    return executable


__all__ = ["FINE", "Executable", "Stage", "compile_graph", "optimised"]
