"""What `f.inspect(...)` shows: every form that a function takes on its way to machine code, and its figures."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, final

from tapec.ir.graph import Graph, Op
from tapec.ops import creation, movement
from tapec.ops import elementwise as ew

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from tapec.passes.cuda.plan import LaunchPlan
    from tapec.profile import Profile
    from tapec.runtime.driver import Executable

# NumPy gives these as views: eager code keeps nothing for them.
_VIEWS = frozenset({movement.reshape, movement.transpose, movement.broadcast})


class MemoryTable(NamedTuple):
    """Bytes of intermediates that a backward pass reads.

    Attributes:
        plain: what reverse mode keeps that prunes nothing: the result of every op of the forward pass that makes a new
            array and runs before the backward pass has ended. Inputs count in neither figure.
        kept: forward values that the compiled program holds in memory until backward code reads them.
    """

    plain: int
    kept: int

    def __str__(self) -> str:
        width = len(f"{max(self.plain, self.kept):,}")
        return (
            f"intermediates that plain reverse mode would keep  {self.plain:>{width},} bytes\n"
            f"intermediates kept after pruning                  {self.kept:>{width},} bytes"
        )


@final
class Inspection:
    """The forms and figures of one compiled path of a function; printing it shows all of them.

    Attributes:
        name: of the function.
        recorded_ops: operations in the recording, constants and guards left out.
        kernels: loop nests and library calls after fusion.
        compile_seconds: wall time from the recorded graph to callable machine code.
        memory: bytes of intermediates.

    >>> import numpy as np, tapec as tp
    >>> seen = tp.function(lambda x: np.sum(np.exp(x) * x)).inspect(np.ones(100))
    >>> seen.recorded_ops, seen.kernels, seen.memory.kept
    (3, 1, 0)
    >>> print(seen.loops)  # doctest: +ELLIPSIS
    program <lambda>
    ...
    """

    def __init__(
        self, name: str, recorded: Graph, executable: Executable, inputs: Callable[[], list[np.ndarray[Any, Any]]]
    ) -> None:
        self.name = name
        self.recorded_ops = sum(op.primitive not in (creation.constant, creation.guard) for op in recorded.ops)
        self.kernels = executable.kernel_count
        self.compile_seconds = executable.compile_seconds
        self.memory = MemoryTable(plain_bytes(recorded), executable.residual_bytes)
        self._executable = executable
        self._inputs = inputs

    def profile(self, seconds: float = 0.2) -> Profile:
        """Where the time of a call goes, step by step.

        Compiles the program once more, with clocks, and runs it on the same arguments; Variables keep their values.

        Args:
            seconds: how long it runs, about.

        Raises:
            ProfilingError: the program does not run to its end any more, since what it reads has changed.

        >>> import numpy as np, tapec as tp
        >>> profile = tp.function(lambda x: np.sum(np.exp(x) * x)).inspect(np.ones(100_000)).profile(0.01)
        >>> [step.words for step in profile.steps], profile.seconds > 0
        (['loops over 100000: exp, mul, sum'], True)
        """
        from tapec.profile import profiled

        return profiled(self.name, self._executable, self._inputs(), seconds)

    @cached_property
    def stages(self) -> dict[str, str]:
        """The text of each form by its name, in the order in which the program takes them."""
        return {stage.name: stage.text for stage in self._executable.stages()}

    @property
    def recorded(self) -> str:
        """The graph of what Python ran before the first derivative; all of it if none was asked for."""
        return self.stages["recorded graph"]

    @property
    def joint(self) -> str:
        """The whole recording: forward, backward, and what follows."""
        return self.stages.get("joint graph", self.recorded)

    @property
    def optimised(self) -> str:
        """The graph, forward and backward together, after all passes over graphs."""
        return self.stages["graph after passes"]

    @property
    def loops(self) -> str:
        """The loop nests."""
        return self.stages["loops"]

    @property
    def llvm_ir(self) -> str:
        """The LLVM IR as it was generated."""
        return self.stages["LLVM IR"]

    @property
    def assembly(self) -> str:
        """The machine code as assembly."""
        return self.stages["assembly"]

    @property
    def launch_plan(self) -> str:
        """What an NVIDIA GPU would be asked to do in the CPU's place: kernels, what is left to the host, and memory.

        Raises:
            UnsupportedOnDeviceError: a step has no kernel there, and is not left to the host.
        """
        return str(self._device_plan)

    def ptx(self, architecture: str = "sm_80") -> str:
        """The kernels of the launch plan as NVIDIA's assembly, for an architecture from `sm_70` on.

        Raises:
            UnsupportedOnDeviceError: as for `launch_plan`.
        """
        from tapec.runtime.cuda.ptx import ptx

        return ptx(self._device_plan.kernels, architecture)

    @cached_property
    def _device_plan(self) -> LaunchPlan:
        from tapec.runtime.cuda.program import device_plan

        return device_plan(self._executable.recorded, self._executable.memory_budget)

    @property
    def summary(self) -> str:
        """The figures, a line each."""
        return (
            f"{self.name}\n"
            f"operations recorded   {self.recorded_ops:,}\n"
            f"kernels after fusion  {self.kernels:,}\n"
            f"compile time          {1e3 * self.compile_seconds:,.1f} ms\n"
            f"{self.memory}"
        )

    def __str__(self) -> str:
        parts = [self.summary]
        parts += [f"---- {name} ----\n{text.rstrip()}" for name, text in self.stages.items()]
        return "\n\n".join(parts) + "\n"

    def __repr__(self) -> str:
        return f"<inspection of {self.name}: {self.recorded_ops} ops, {self.kernels} kernels>"


def plain_bytes(graph: Graph) -> int:
    """Bytes of the results of the forward ops that make new arrays; see `MemoryTable.plain`."""
    # What runs behind the last backward pass (an optimizer's update) is no intermediate of it.
    end = max((i for i, op in enumerate(graph.ops) if op.phase == "adjoint"), default=len(graph.ops))
    return sum(value.type.nbytes for op in graph.ops[:end] if _makes_array(op) for value in op.results)


def _makes_array(op: Op) -> bool:
    if op.phase != "primal" or op.primitive is creation.constant or op.primitive in _VIEWS:
        return False
    # Casts to the same dtype tell the tensors of a differentiated function from the caller's; eager code drops them.
    return op.primitive is not ew.cast or op.operands[0].type != op.result.type
