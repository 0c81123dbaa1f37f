"""Carrying out a launch plan on a backend: memory, kernels and steps of the host in order, and loops that are too
large for one kernel.

The host waits for the device only where it needs a value: a guard, the condition of a loop or branch of the host's, the
operands of what the host does, and the status of programs with a kernel that can fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from tapec.errors import LinearAlgebraError
from tapec.passes.cuda.plan import Control, HostStep, Item, Launch, LaunchPlan, Report
from tapec.passes.in_place import REGISTER_BYTES
from tapec.passes.kernel_status import FINE, GUARD_DIFFERS, NO_FACTORS
from tapec.passes.loops import Buffer
from tapec.passes.steps import Branch, Carry, Loop, Operand, Sweeps, While
from tapec.runtime.cuda.backend import Backend, KernelLaunch
from tapec.runtime.cuda.host_run import run_on_host
from tapec.runtime.device_array import Array, DeviceArray, DeviceMemory

_STATUS_BYTES = 64


class _GuardDiffersError(Exception):
    """What follows a guard that differs may never end, or be wrong: nobody asked for it."""


class Executor:
    """One run.

    Args:
        plan: the plan.
        backend: where.
        arrays: one per input of the program, of its dtype and shape; those of the host are dense, and copied.
        into: one per output, whose memory it gets; None for new memory.
    """

    def __init__(
        self,
        plan: LaunchPlan,
        backend: Backend,
        arrays: Sequence[Array | DeviceArray],
        into: list[DeviceArray] | None = None,
    ) -> None:
        self.plan = plan
        self.backend = backend
        self.memory = backend.memory
        self.arrays = arrays
        self.into = into
        self.addresses: dict[Buffer, int] = {}
        self.rows: dict[Buffer, list[int]] = {}  # by the buffer that says where a while loop's rows lie
        self.guards: list[int] = []
        self._taken: list[int] = []

    def run(self) -> tuple[int, list[DeviceArray], list[int]]:
        """Status, outputs and guard values; the first guard that differs ends the run, which has no outputs then."""
        try:
            return self._run()
        except _GuardDiffersError:
            return GUARD_DIFFERS, [], self.guards
        except LinearAlgebraError:  # the host says so at once; whoever runs the program finds the user's line
            return NO_FACTORS, [], self.guards
        finally:
            for address in self._taken:
                self.memory.free(address)

    def _run(self) -> tuple[int, list[DeviceArray], list[int]]:
        program, memory = self.plan.program, self.memory
        # An address that no kernel uses need not be one.
        self.arena = self._take(self.plan.arena_bytes) if self.plan.arena_bytes else 0
        self.status = self._take(_STATUS_BYTES) if self.backend.fails else 0
        if self.backend.fails:
            memory.upload(self.status, np.full(1, FINE, np.int64))
        outputs = [_output(memory, b) for b in program.outputs] if self.into is None else self.into
        self.addresses.update(zip(program.outputs, [array.address for array in outputs], strict=True))
        for buffer, array in zip(program.inputs, self.arrays, strict=True):
            self.addresses[buffer] = array.address if isinstance(array, DeviceArray) else self._upload(array)
        self._run_items()
        status = int(memory.download(self.status, np.dtype(np.int64), 1)[0]) if self.backend.fails else FINE
        return status, outputs, self.guards

    def _run_items(self) -> None:
        """The items; kernels that follow each other are asked for together."""
        places = (self.arena, self.status, *[self.addresses[b] for b in self.plan.arguments])
        for number, (straight, items) in enumerate(self.plan.segments):
            if straight:
                self.backend.sequence((number, *places), partial(self._launches, items))
            else:
                self._items(items)

    def _launches(self, items: Sequence[Item]) -> list[KernelLaunch]:
        return [self._launch(item) for item in items if isinstance(item, Launch)]

    def _launch(self, item: Launch) -> KernelLaunch:
        return item.kernel, [*[self._address(b) for b in item.kernel.buffers], self.status]

    def _upload(self, array: Array) -> int:
        address = self._take(array.nbytes)
        self.memory.upload(address, np.ascontiguousarray(array))
        return address

    def _take(self, nbytes: int) -> int:
        address = self.memory.allocate(nbytes)
        self._taken.append(address)
        return address

    def _address(self, buffer: Buffer) -> int:
        found = self.addresses.get(buffer)
        return self.arena + self.plan.offsets[buffer] if found is None else found

    def _operand(self, operand: Operand) -> int:
        return self._address(operand.buffer) + operand.offset * operand.buffer.dtype.itemsize

    def _scalar(self, operand: Operand) -> int:
        return int(self.memory.download(self._operand(operand), operand.buffer.dtype.numpy, 1)[0])

    def _items(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Launch):
                self.backend.launch(*self._launch(item))
            elif isinstance(item, HostStep):
                run_on_host(item.step, self.memory, self._operand)
            elif isinstance(item, Report):
                self.guards.append(self._scalar(item.value))
                if self.guards[-1] != item.expected:
                    raise _GuardDiffersError
            else:
                self._control(item)

    # Loops of the host -----------------------------------------------------------------------------------------------

    def _control(self, item: Control) -> None:
        step = item.step
        if isinstance(step, Loop):
            self._loop(step, item.bodies[0])
        elif isinstance(step, While):
            self._while(step, *item.bodies)
        elif isinstance(step, Branch):
            self._items(item.bodies[min(max(self._scalar(step.index), 0), len(item.bodies) - 1)])
        else:
            self._sweeps(step, item.bodies)

    def _copy(self, to: Buffer, source: int) -> None:
        if to.nbytes and self._address(to) != source:
            self.memory.copy(self._address(to), source, to.nbytes)

    @contextmanager
    def _carried(self, carries: Sequence[Carry]) -> Iterator[_Carried]:
        for carry in carries:
            self._copy(carry.current, self._operand(carry.initial))
        carried = _Carried(self, carries)
        yield carried
        carried.leave()

    def _loop(self, loop: Loop, body: Sequence[Item]) -> None:
        bases = {part: self._address(part.base) for part in loop.slices if part.base is not None}
        with self._carried(loop.carries) as carried:
            for number in reversed(range(loop.count)) if loop.reverse else range(loop.count):
                for part, base in bases.items():
                    self.addresses[part] = base + (part.offset + number * part.stride) * part.dtype.itemsize
                self._items(body)
                carried.advance()

    def _while(self, loop: While, test: Sequence[Item], body: Sequence[Item]) -> None:
        rounds, rows = 0, []
        condition = Operand(loop.condition, 0, (), ())
        with self._carried(loop.carries) as carried:
            while True:
                self._items(test)
                if not self._scalar(condition):
                    break
                if loop.memory is not None:
                    rows.append(self._take(loop.row_bytes))
                    self._bind_row(loop.rows, rows[-1])
                self._items(body)
                carried.advance()
                rounds += 1
        self.memory.upload(self._address(loop.trips), np.full(1, rounds, np.int64))
        if loop.memory is not None:
            self.rows[loop.memory] = rows
            # Where they lie is known here; how many there are is read by the loops that follow.
            self.memory.upload(self._address(loop.memory), np.array([0, rounds], np.int64))

    def _bind_row(self, parts: Sequence[tuple[Buffer, int]], row: int) -> None:
        for part, offset in parts:
            self.addresses[part] = row + offset

    def _sweeps(self, step: Sweeps, bodies: Sequence[Sequence[Item]]) -> None:
        rounds = max(self._scalar(step.rounds), 0)
        given = self.rows[step.memory] if step.memory is not None else []
        memory = self._take(rounds * step.row_bytes)
        for sweep, body in zip(step.sweeps, bodies, strict=True):
            with self._carried(sweep.carries) as carried:
                for number in reversed(range(rounds)) if sweep.reverse else range(rounds):
                    self._bind_row(sweep.rows, memory + number * step.row_bytes)
                    if given:
                        self._bind_row(sweep.given, given[number])
                    self._items(body)
                    carried.advance()


def _output(memory: DeviceMemory, buffer: Buffer) -> DeviceArray:
    assert buffer.value is not None
    return memory.empty(buffer.dtype.numpy, buffer.value.shape)


class _Carried:
    """The carries of a loop while it runs: small ones are copied, of large ones two places take turns."""

    def __init__(self, run: Executor, carries: Sequence[Carry]) -> None:
        self.run = run
        self.copied = [c for c in carries if c.current.nbytes <= REGISTER_BYTES]
        self.swapped = [c for c in carries if c.current.nbytes > REGISTER_BYTES]
        self.homes: list[Any] = [(run._address(c.current), run._address(c.next)) for c in self.swapped]
        self.rounds = 0

    def advance(self) -> None:
        """The end of a round."""
        for carry in self.copied:
            self.run._copy(carry.current, self.run._address(carry.next))
        self.rounds += 1
        for carry, pair in zip(self.swapped, self.homes, strict=True):
            self.run.addresses[carry.current], self.run.addresses[carry.next] = pair[:: -1 if self.rounds % 2 else 1]

    def leave(self) -> None:
        """Results go where the rest of the program looks for them."""
        for carry in self.copied:
            self.run._copy(carry.result, self.run._address(carry.current))
        for carry, (home, other) in zip(self.swapped, self.homes, strict=True):
            self.run.addresses[carry.current], self.run.addresses[carry.next] = home, other
            if self.rounds % 2:
                self.run._copy(carry.current, other)
