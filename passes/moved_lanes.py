"""A vector moved back to where whole vectors end, and its elements brought to the lanes where they belong."""

from __future__ import annotations

from tapec.passes.llvm_text import Reg
from tapec.passes.reducing import Reducer


class MovedLanes:
    """Memory on the stack for one vector with identities behind it.

    Args:
        reducer: whose identities.
        width: lanes of the vector.
        most: it is moved by fewer lanes; a multiple of the width.
    """

    def __init__(self, reducer: Reducer, width: int, most: int) -> None:
        self.reducer = reducer
        self._width = width
        self._most = most
        self._array = reducer.f.alloca(reducer.element, width + most)

    def reset(self) -> None:
        """Writes the identities."""
        f = self.reducer.f
        for lane in range(self._width, self._width + self._most, self._width):
            at = f.element_pointer(self._array, f.number(lane, "i64"), self.reducer.element)
            f.store(self.reducer.identity(self._width), at)

    def unless(self, whole: Reg, value: Reg, distance: Reg) -> Reg:
        """The vector itself if it is `whole`; else its lanes from `distance` on, and identities.

        Args:
            whole: whether it was not moved.
            value: the vector.
            distance: lanes by which it was moved back, from 0 on and fewer than `most`, if it was.
        """
        f, element = self.reducer.f, self.reducer.element
        rest, done = f.fresh("rest"), f.fresh("whole")
        before = f.block
        f.branch_if(whole, done, rest)
        f.label(rest)
        f.store(value, self._array)
        shifted = f.load(f.element_pointer(self._array, distance, element), element, self._width)
        f.branch(done)
        f.label(done)
        return f.phi(element, [(value.text, before), (shifted.text, rest)], self._width)
