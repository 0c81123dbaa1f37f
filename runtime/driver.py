"""The compiler driver: from a recorded graph to callable machine code, made here or found in the disk cache."""

from __future__ import annotations

import ctypes
import gc
import struct
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, final

import numpy as np

from tapec.ir.dtypes import by_name
from tapec.ir.graph import Graph
from tapec.passes.forward_part import forward_part
from tapec.passes.kernel_status import KERNEL, RELEASE
from tapec.passes.lapack.names import PREFIX as LINALG
from tapec.passes.matmul_names import PREFIX
from tapec.passes.product_names import PREFIX as PRODUCT
from tapec.passes.threads_names import PARALLEL
from tapec.passes.transform_names import PREFIX as FFT
from tapec.runtime import jit, linalg, matmul, recipes, seldom, threads, transforms
from tapec.runtime.target import vector_bits

if TYPE_CHECKING:
    from tapec.passes.steps import Program
    from tapec.runtime.pipeline import Forms

# Below this many instructions (some 20 microseconds) a run is over before another thread could use the lock.
_LONG_RUN = 100_000
_LONG_GRAPH = 1_000
# LLVM's level 1 is level 2 without the scheduling behind register allocation: a tenth of the time of code generation,
# for which most code runs no slower, some by 4 %. It takes 20,000 calls to lose that again where a line of a program's
# text runs less often than this in each.
_REPEATED = 16
_HARDLY_REPEATED = jit.Options(codegen_level=1)
# Of the passes the others find little where no value goes through memory from round to round.
_STRAIGHT = jit.Options(passes=("sroa",), codegen_level=1)
REROLL_OPS = 160  # shorter graphs have no repetition that is worth a loop
_FACTS = struct.Struct("<QQ")  # instructions of a run, number of guards


class Stage(NamedTuple):
    """One form of a program on its way: its name and its text."""

    name: str
    text: str


class _Written:
    """The forms of a graph, made when somebody asks: a program from the disk cache needs none to run."""

    def __init__(self, graph: Graph, memory_budget: int | None) -> None:
        self._graph = graph
        self.memory_budget = memory_budget

    @cached_property
    def forms(self) -> Forms:
        """What the passes make of the graph."""
        from tapec.runtime.pipeline import forms_of

        return forms_of(self._graph, vector_bits(), self.memory_budget)

    def module(self) -> recipes.Written:
        """The module, with what a run must know of it."""
        forms = self.forms
        return recipes.Written(forms.text, _FACTS.pack(forms.instructions, forms.program.guards), self._options())

    def _options(self) -> jit.Options:
        if self.forms.repetitions >= _REPEATED:
            return jit.Options()
        return _STRAIGHT if self.forms.straight else _HARDLY_REPEATED


@final
class Executable:
    """Machine code of one graph.

    Attributes:
        native: that it is.
        recorded: the graph.
        library: what keeps the code.
        address: of `i64 kernel(ptr args, ptr outs, ptr guards)`; see `tapec.passes.program_text`.
        guards: number of guard values that a run reports.
        compile_seconds: wall time of the whole way.
        release_gil: whether a run is long enough to let other threads run meanwhile.
    """

    native: Literal[True] = True

    def __init__(self, recorded: Graph, written: _Written, built: recipes.Built, seconds: float) -> None:
        instructions, self.guards = _FACTS.unpack(built.facts)
        self.recorded = recorded
        self.library = built.library
        self.address = self.library.address(KERNEL)
        self.compile_seconds = seconds
        self.release_gil = instructions > _LONG_RUN
        self._written = written
        self._facts = built.facts
        self._kernel = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(self.address)
        if RELEASE in self.library.symbols:
            release = ctypes.CFUNCTYPE(None)(self.library.address(RELEASE))
            weakref.finalize(self, _release, release, self.library)

    @property
    def memory_budget(self) -> int | None:
        """What it was compiled with, see `tp.function`."""
        return self._written.memory_budget

    @property
    def graph(self) -> Graph:
        """The graph after all passes over graphs."""
        return self._written.forms.graph

    @property
    def program(self) -> Program:
        """Its loops."""
        return self._written.forms.program

    @property
    def text(self) -> str:
        """Its LLVM IR."""
        return self._written.forms.text

    @property
    def kernel_count(self) -> int:
        """Loop nests and library calls of the program, those inside loops and branches counted once."""
        return self._written.forms.kernel_count

    @property
    def residual_bytes(self) -> int:
        """Bytes of temporaries that primal ops leave for adjoint ops to read."""
        return self._written.forms.residual_bytes

    def with_library(self, library: jit.Library) -> Executable:
        """The same program by other machine code of it."""
        return Executable(self.recorded, self._written, recipes.Built(library, self._facts), self.compile_seconds)

    def stages(self) -> list[Stage]:
        """Every form that the program took, in order; one without derivatives has no joint graph."""
        forward = forward_part(self.recorded)
        joint = [] if forward is self.recorded else [Stage("joint graph", str(self.recorded))]
        return [
            Stage("recorded graph", str(forward)),
            *joint,
            Stage("graph after passes", str(self.graph)),
            Stage("loops", self._written.forms.loops),
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
        graph = self.recorded
        if len(arrays) != len(graph.inputs):
            raise ValueError(f"{graph.name} takes {len(graph.inputs)} arrays, got {len(arrays)}")
        for array, value in zip(arrays, graph.inputs, strict=True):
            dtype, shape = value.type.dtype.numpy, value.shape
            if array.dtype != dtype or array.shape != shape or not (array.flags.c_contiguous and array.flags.aligned):
                raise ValueError(f"{graph.name} takes a dense {dtype}{shape} array, got {array.dtype}{array.shape}")
        outputs = [np.empty(v.shape, v.type.dtype.numpy) for v in graph.outputs]
        guards = np.zeros(max(self.guards, 1), np.int64)
        ins = np.array([a.ctypes.data for a in arrays], np.uintp)
        outs = np.array([a.ctypes.data for a in outputs], np.uintp)
        status = self._kernel(ins.ctypes.data, outs.ctypes.data, guards.ctypes.data)
        return status, outputs, guards[: self.guards].tolist()


def _release(release: Any, library: jit.Library) -> None:  # noqa: ARG001 - held so that the code is still there
    """Frees an arena."""
    release()


def routines(names: tuple[str, ...]) -> dict[str, int]:
    """Addresses of the routines of ours that a program calls by name."""
    found = {name: matmul.address(by_name(name.removeprefix(PREFIX))) for name in names if name.startswith(PREFIX)}
    found |= matmul.functions([name for name in names if name.startswith(PRODUCT)])
    found |= seldom.addresses(names)
    found |= {name: linalg.address(name) for name in names if name.startswith(LINALG)}
    found |= {name: transforms.address(name) for name in names if name.startswith(FFT)}
    if PARALLEL in names:
        found[PARALLEL] = threads.address()
    return found


def compile_graph(graph: Graph, memory_budget: int | None = None) -> Executable:
    """Machine code for a recorded graph.

    Args:
        graph: as recorded.
        memory_budget: see `tp.function`.

    Raises:
        CompilationError: code generation failed; a defect of tapec.
        MemoryBudgetError: the budget can't be met.
    """
    start = time.perf_counter()
    with _collector_paused(graph):
        rolled = graph
        if len(graph.ops) >= REROLL_OPS:
            from tapec.runtime.pipeline import rerolled

            rolled = rerolled(graph, REROLL_OPS)
        written = _Written(rolled, memory_budget)
        key = ("graph", str(rolled)) if memory_budget is None else ("graph", str(rolled), f"{memory_budget} bytes")
        built = recipes.build(key, written.module, routines)
    return Executable(graph, written, built, time.perf_counter() - start)


@contextmanager
def _collector_paused(graph: Graph) -> Iterator[None]:
    """Keeps Python's garbage collector from going through a long graph time and again: passes make no cycles that must
    be freed meanwhile, and it took half of the time of 200,000 ops.
    """
    pause = len(graph.ops) > _LONG_GRAPH and gc.isenabled()
    if pause:
        gc.disable()
    try:
        yield
    finally:
        if pause:
            gc.enable()
