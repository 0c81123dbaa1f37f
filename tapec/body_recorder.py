"""The recorder of the body of a loop or of a branch: a graph that will be a region of one op."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from tapec.errors import BodyValueError, TapecError
from tapec.recording import user_location
from tapec.region_recorder import RegionRecorder
from tapec.tensor import Tensor

if TYPE_CHECKING:
    from tapec.variable import Variable


@final
class BodyRecorder(RegionRecorder):
    """Writes the region of a loop, a branch, or a derivative rule.

    Args:
        name: what the user called: `"tp.scan"`.
        hoist: whether what does not depend on the region's inputs runs outside of it, once. So it does for loops, but
            not for branches, which may never run.
    """

    __slots__ = ()

    def assign_variable(self, variable: Variable, tensor: Tensor) -> None:
        """See `Recorder.assign_variable`."""
        where = user_location()
        raise BodyValueError(
            f"{variable.name} was assigned inside the body of {self.name}{f', at {where},' if where else ''}; make it "
            "part of what the loop carries, or of what the branch returns, and assign the result"
        )

    def _refusal(self, what: str, where: str, instead: str) -> TapecError:
        return BodyValueError(
            f"inside the body of {self.name}{where} {what} which differs from round to round. Instead: {instead}"
        )
