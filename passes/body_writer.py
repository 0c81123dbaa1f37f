"""A nest's body written anew: what it computes already is not written a second time."""

from __future__ import annotations

from dataclasses import replace

from tapec.ops import elementwise as ew
from tapec.passes.loops import Compute, Constant, Index, Inside, Instruction, Load, Reduce, Store

Value = Load | Constant | Index | Inside | Compute


class BodyWriter:
    """Collects the instructions of a body.

    Attributes:
        body: the instructions so far.
    """

    def __init__(self) -> None:
        self.body: list[Instruction] = []
        self._next = 0
        self._known: dict[object, int] = {}

    def add(self, instruction: Value) -> int:
        """The register of an instruction, which is written unless an equal one has been."""
        key = _key(instruction)
        found = self._known.get(key) if key is not None else None
        if found is None:
            found = self._next
            self._next += 1
            self.body.append(replace(instruction, out=found))
            if key is not None:
                self._known[key] = found
        return found

    def copy(self, instruction: Instruction, registers: dict[int, int]) -> None:
        """Writes an instruction of another body, whose registers are these here; notes its own among them."""
        if isinstance(instruction, Store | Reduce):
            self.body.append(replace(instruction, value=registers[instruction.value]))
            return
        if isinstance(instruction, Compute):
            operands = tuple([registers[r] for r in instruction.operands])
            registers[instruction.out] = self.add(replace(instruction, operands=operands))
        else:
            registers[instruction.out] = self.add(instruction)


def load_key(i: Load) -> object:
    """Equal for loads that read the same."""
    windows = i.access.windows if any(w is not None for w in i.access.windows) else ()
    return Load, i.access.buffer, i.access.offset, i.access.strides, windows


def _key(i: Value) -> object:
    """Equal for instructions that give the same; None for those that are not compared."""
    if isinstance(i, Load):
        return load_key(i)
    if isinstance(i, Constant):
        return Constant, i.dtype.name, type(i.value), repr(i.value)
    if isinstance(i, Index):
        return Index, i.axis, i.dtype.name
    if isinstance(i, Inside):
        return Inside, i.windows
    if i.primitive is ew.wrap_index:  # which says where an index came from that is out of range
        return None
    return Compute, i.primitive, i.operands, i.dtype.name, repr(sorted(i.attributes.items()))
