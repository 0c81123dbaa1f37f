"""Nests on several threads: a function for a part of the nest, and the call that has the parts run.

The call is of `tapec_parallel` (`tapec.passes.threads_text`), which decides how many parts there are. The part's
function finds what it works on through an array of addresses: buffers, a status, and where it leaves what is to be
folded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tapec.ir.graph import Location
from tapec.passes.fault_text import when_any
from tapec.passes.kernel_status import FINE, INDEX_OUT_OF_RANGE
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.loop_text import i64, when
from tapec.passes.loops import Buffer, Nest, Reduce
from tapec.passes.nest_lanes import lane_count
from tapec.passes.nest_loops import emit_nest
from tapec.passes.nest_parts import Part, Partials
from tapec.passes.places import Surroundings
from tapec.passes.reducing import Reducer
from tapec.passes.splitting import Split, split_of
from tapec.passes.streaming import streamed
from tapec.passes.threads_names import HISTORY, PARALLEL


def emit_nest_on_threads(f: FunctionText, nest: Nest, around: Surroundings) -> None:
    """Appends a nest, cut into parts that may run at once if it is large."""
    around = replace(around, streamed=streamed([nest]))
    split = split_of(nest, lane_count(nest, around.vector_bits))
    if split is None:
        emit_nest(f, nest, around)
        return
    arrays = _arrays(f, nest, split)

    def part(region: Region, first: Reg, stop: Reg) -> None:
        seen = [region.given(a) for a in arrays]
        partials = Partials(nest, split, seen) if split.folds else None
        emit_nest(region.task, nest, region.inside, Part(split, first, stop), partials)

    Region(f, around, split.units, split.parts).write(part)
    if split.folds:
        emit_nest(f, nest, around, None, Partials(nest, split, arrays))


def _arrays(f: FunctionText, nest: Nest, split: Split) -> list[Reg]:
    """Where the parts of a folding split leave their results: one array for each reduction."""
    if not split.folds:
        return []
    size = Partials(nest, split, []).size
    reduces = [i for i in nest.body if isinstance(i, Reduce)]
    return [f.alloca(Reducer(f, r.primitive, r.dtype).element, size) for r in reduces]


class Region:
    """Work that is cut into parts which may run at once.

    Args:
        f: the function that calls.
        around: what steps need of it.
        units: number of units that a part has some of.
        parts: the largest number of parts that makes sense.

    Attributes:
        task: the function of a part: `void (ptr addresses, i64 first unit, i64 unit behind the last)`.
        inside: what steps need of that one.
        slots: for each address that the task reads, what gives it in the calling function.
    """

    def __init__(self, f: FunctionText, around: Surroundings, units: int, parts: int) -> None:
        self.f = f
        self.around = around
        self.units = units
        self.parts = parts
        parameters = "ptr noalias %addresses, i64 %first, i64 %stop"
        self.task = FunctionText(f"{f.name}_{f.fresh('task')}", parameters, private=True)
        self.inside = replace(around, pointer=self._pointer, fault=self._fault, fail=self._fail, guard=_no_guard)
        self.slots: list[Callable[[], Reg]] = []
        self.pointers: dict[Buffer, Reg] = {}
        self.status: Reg | None = None  # in the calling function, if a part can fail
        self.status_in_task: Reg | None = None

    def write(self, part: Callable[[Region, Reg, Reg], None]) -> None:
        """Writes the task, and the call that has it run.

        Args:
            part: writes a part, from a first unit to the one behind the last, into the task.
        """
        f, task = self.f, self.task
        part(self, Reg("%first", "i64"), Reg("%stop", "i64"))
        task.line("ret void")
        f.helpers[task.name] = task
        self._call()

    def _call(self) -> None:
        f, status = self.f, self.status
        if status is not None:
            f.store(i64(FINE), status)
        addresses = f.alloca("ptr", len(self.slots))
        for i, address in enumerate(self.slots):
            f.store(address(), f.element_pointer(addresses, i64(i), "ptr"))
        task = Reg(f"@{self.task.name}", "ptr")
        history = f"{self.task.name}_history"
        f.variables[history] = f"[{HISTORY} x i64] zeroinitializer"
        f.call(PARALLEL, "void", task, addresses, i64(self.units), i64(self.parts), Reg(f"@{history}", "ptr"))
        if status is not None:
            came = f.load(status, "i64")
            when(f, f.icmp("ne", came, i64(FINE)), lambda: self.around.fail(came))

    # What the task sees ----------------------------------------------------------------------------------------------

    def slot(self, address: Callable[[], Reg]) -> Reg:
        """An address that the calling function hands over."""
        name = f"%{self.task.fresh('address')}"
        self.task.prologue += [
            f"  {name}.slot = getelementptr ptr, ptr %addresses, i64 {len(self.slots)}",
            f"  {name} = load ptr, ptr {name}.slot, align 8",
        ]
        self.slots.append(address)
        return Reg(name, "ptr")

    def given(self, address: Reg) -> Reg:
        """An address that the calling function has at hand."""
        return self.slot(lambda: address)

    def _pointer(self, buffer: Buffer) -> Reg:
        found = self.pointers.get(buffer)
        if found is None:
            found = self.pointers[buffer] = self.slot(lambda: self.around.pointer(buffer))
        return found

    def _fault(self, condition: Reg, location: Location | None) -> None:
        when_any(self.task, condition, lambda: self._fail(i64(INDEX_OUT_OF_RANGE)))

    def _fail(self, status: Reg) -> None:
        if self.status is None or self.status_in_task is None:
            made = self.status = self.f.alloca("i64", 1)
            self.status_in_task = self.given(made)
        # Parts that fail at once all write the same; atomic, since they may.
        self.task.line(f"store atomic i64 {status.text}, ptr {self.status_in_task.text} monotonic, align 8")


def _no_guard(value: Reg, expected: Reg) -> None:
    raise AssertionError(f"a nest has no guards: {value.text}, {expected.text}")
