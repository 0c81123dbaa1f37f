"""Why a target has no gradient with respect to a source: `GradientTape.explain`."""

from __future__ import annotations

from dataclasses import dataclass
from types import FrameType
from typing import Any, final

from tapec.connections import Connections, Made
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Location
from tapec.ops import elementwise as ew
from tapec.passes.derivatives import DERIVATIVES
from tapec.passes.derivatives.table import Excused
from tapec.source_lines import name_of, replaced_variable
from tapec.tape_events import Event
from tapec.tape_history import TapeHistory
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor
from tapec.variable import Variable


@final
@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a target has no gradient with respect to a source, or that it has one.

    Attributes:
        cause: a name for the cause, the same for all of its kind: `"never watched"`, `"integer cast"`, ...
        location: the user's line where the connection ends, if there is one.
        reason: what happened, in a sentence.
        remedy: what to do about it.
    """

    cause: str
    location: Location | None
    reason: str
    remedy: str

    def __str__(self) -> str:
        where = "" if self.location is None else f"{self.location}: "
        return f"{where}{self.reason} {self.remedy}".rstrip()


def explain(
    history: TapeHistory, watch_accessed: bool, target: Tensor | Variable, source: Tensor | Variable, frame: Any
) -> Explanation:
    """See `GradientTape.explain`; `frame` is the user's, for the names that he gave things."""
    recorder = history.recorder
    if recorder is None:
        return Explanation(
            "nothing recorded", None, "The tape has recorded nothing.", "Compute the target inside `with tape:`."
        )
    return _Search(history, recorder, watch_accessed, target, source, frame).run()


class _Search:
    def __init__(
        self,
        history: TapeHistory,
        recorder: TapeRecorder,
        watch_accessed: bool,
        target: Tensor | Variable,
        source: Tensor | Variable,
        frame: FrameType | None,
    ) -> None:
        self.history, self.recorder, self.watch_accessed = history, recorder, watch_accessed
        self.target, self.source, self.frame = target, source, frame
        self.x = name_in(source, frame, "the source")
        self.y = name_in(target, frame, "the target")
        self.connections = Connections(recorder)
        self.ends = _serials(target, recorder)
        self.starts = _serials(source, recorder)

    def run(self) -> Explanation:
        if self.source.dtype.kind not in FLOATS:
            return self._integer_source()
        way = next((w for end in self.ends if (w := self.connections.path(self.starts, end)) is not None), None)
        active = [serial for serial in self.starts if self.recorder.places.get(serial, -1) >= 0]
        if way is not None:
            if not active:
                return self._unwatched(way)
            cut = next((made for made in way if not made.recorded), None)
            return self._connected(way) if cut is None else self._cut(cut)
        return (
            self._left_recording()
            or self._not_heard(self.ends, self.y)
            or self._not_heard(sorted({root for end in self.ends for root in self.connections.roots(end)}), None)
            or (None if active else self._unwatched([]))
            or self._branch()
            or self._independent()
        )

    # Causes on a way that exists -------------------------------------------------------------------------------------

    def _connected(self, way: list[Made]) -> Explanation:
        if self.target.dtype.kind not in FLOATS:
            return self._integer_target()
        ops = ", ".join(made.primitive.name for made in way) or "no op at all"
        reason = f"{self.y} depends on {self.x}, by way of {ops}: it has a gradient."
        leak = next((leak for leak in self.recorder.events.leaks if self._depends(leak)), None)
        if leak is None:
            return Explanation("connected", None, reason, "")
        return Explanation(
            "connected", None,
            f"{reason} But a value computed from {self.x} left for plain Python by {leak.what} at {leak.location}; if "
            f"{self.y} is computed from it too, the gradient knows nothing of that part.",
            "Make the tape with strict=True, to have an error where that happens.",
        )  # fmt: skip

    def _cut(self, made: Made) -> Explanation:
        used = self._used_before_watch(made)
        if used is not None:
            return used
        assigned = next((e for e in self.recorder.events.assignments if e.serial == made.result), None)
        if assigned is not None:
            return Explanation(
                "state", assigned.location,
                f"{self.x} goes into the Variable {assigned.what!r} by an assignment, and no derivative "
                "flows through state.",
                "Compute with the new value itself, and assign it to the Variable as well.",
            )  # fmt: skip
        primitive = made.primitive
        if primitive is ew.stop_gradient:
            return Explanation(
                "stop_gradient", made.location, f"stop_gradient ends the way from {self.x} to {self.y}.",
                "Take the value without stop_gradient where the derivative is wanted.",
            )  # fmt: skip
        if primitive is ew.cast:
            return Explanation(
                "integer cast", made.location,
                f"{self.x} becomes an integer or a boolean on the way to {self.y}, and those have no derivative.",
                "Keep floats; round with np.round, np.floor or np.trunc, which stay floats.",
            )  # fmt: skip
        row = DERIVATIVES.get(primitive)
        reason = row.reason if isinstance(row, Excused) else "no derivative flows through it"
        return Explanation(
            "not differentiable", made.location,
            f"{primitive.name} on the way from {self.x} to {self.y} is declared non-differentiable: {reason}.",
            "Replace it by a function that is differentiable, or give it a gradient with tp.custom_gradient.",
        )  # fmt: skip

    def _used_before_watch(self, made: Made) -> Explanation | None:
        """The op read something before it was watched."""
        for watch in self.recorder.events.watches:
            if watch.serial in made.operands and watch.time > made.result:
                return Explanation(
                    "watched after use", made.location,
                    f"{made.primitive.name} used {self.x} here before tape.watch was called at {watch.location}; "
                    "what came before the call is not recorded.",
                    "Call tape.watch before the first use.",
                )  # fmt: skip
        return None

    def _unwatched(self, way: list[Made]) -> Explanation:
        use = way[0].location if way else None
        if isinstance(self.source, Variable):
            if not self.source.trainable:
                return Explanation(
                    "not trainable", use, f"{self.x} is a Variable with trainable=False, which tapes do not watch.",
                    "Call tape.watch on it inside the block, or make it trainable.",
                )  # fmt: skip
            if not self.watch_accessed:
                return Explanation(
                    "never watched", use,
                    f"The tape was made with watch_accessed_variables=False and {self.x} was not watched.",
                    "Call tape.watch on it inside the block.",
                )  # fmt: skip
            return self._branch() or Explanation(
                "not read", None, f"{self.x} was not read while the tape recorded.",
                f"Use {self.x} itself, not a value of it taken earlier, inside the block.",
            )  # fmt: skip
        rebound = replaced_variable(self.source, self.frame)
        if rebound is not None:
            happened = "replaced the Variable by a Tensor" if rebound.again else "makes a Tensor of the Variable"
            return Explanation(
                "variable replaced" if rebound.again else "never watched", rebound.location,
                f"`{rebound.text}` {happened}: {self.x} is no Variable any more, and tapes watch Tensors "
                "only on demand.",
                f"Change Variables with {rebound.name}.assign or {rebound.name}.assign_add, or call "
                f"tape.watch({rebound.name}).",
            )  # fmt: skip
        return Explanation(
            "never watched", use,
            f"{self.x} is a Tensor that the tape does not watch; only trainable Variables are watched by themselves.",
            "Call tape.watch on it before its first use.",
        )  # fmt: skip

    # Causes where there is no way ------------------------------------------------------------------------------------

    def _left_recording(self) -> Explanation | None:
        """A value that depends on the source left for plain Python, and later something came from there."""
        sources = [root for end in self.ends for root in self.connections.roots(end) if root not in self.starts]
        for leak in self.recorder.events.leaks:
            if any(root > leak.serial for root in sources) and self._depends(leak):
                return Explanation(
                    "left the recording", leak.location,
                    f"A value computed from {self.x} left for plain Python by {leak.what}; what is computed "
                    "from it there is not recorded.",
                    "Compute on with the tensor: NumPy's functions take it as it is.",
                )  # fmt: skip
        return None

    def _not_heard(self, serials: list[int], name: str | None) -> Explanation | None:
        """Tensors of whose making the tape should have heard."""
        subject = "a tensor that the target is computed from" if name is None else name
        known = {place for place in self.recorder.places if self.recorder.places[place] >= 0}
        for serial in serials:
            if serial in self.connections.made or (name is None and serial in known):
                continue
            pause = next((p for p in self.history.pauses if p.holds(serial)), None)
            if pause is not None:
                return Explanation(
                    "recording stopped", pause.location, f"Recording was stopped when {subject} was computed.",
                    "Compute it outside the `stop_recording` block.",
                )  # fmt: skip
            reset = self.history.reset
            if reset is not None and reset.holds(serial) and name is not None:
                return Explanation(
                    "tape reset", reset.location, f"tape.reset() has forgotten how {subject} was computed.",
                    "Compute it again after the reset, or use a tape of its own.",
                )  # fmt: skip
            if name is not None and serial not in known and not any(b.holds(serial) for b in self.history.blocks):
                when = "before" if self.history.blocks and serial < self.history.blocks[0].begin else "after"
                return Explanation(
                    "outside the tape", None, f"{subject} was computed {when} the tape recorded.",
                    "Compute it inside the `with` block of this tape.",
                )  # fmt: skip
        return None

    def _branch(self) -> Explanation | None:
        """Python branched: on the source itself, or away from where the source is used."""
        branches = self.recorder.events.branches
        decided = next((event for event in branches if self._depends(event)), None)
        if decided is not None:
            return Explanation(
                "branch", decided.location,
                f"{self.x} only decides here which way Python goes (it saw {decided.what}), and a decision has no "
                "derivative.",
                "Use np.where, or a smooth function in the place of the branch.",
            )  # fmt: skip
        if branches and isinstance(self.source, Variable) and self.starts[0] not in self.recorder.places:
            event = branches[-1]
            return Explanation(
                "branch", event.location,
                f"Python saw {event.what} here and took a branch in which {self.x} is not used; the other one was not "
                "recorded.",
                "That is right if the branch is. Use unconnected_gradients='zero' if zeros are wanted.",
            )  # fmt: skip
        return None

    def _independent(self) -> Explanation:
        return Explanation(
            "independent", None, f"{self.y} was computed without {self.x}.",
            "Use unconnected_gradients='zero' if zeros are wanted for such sources.",
        )  # fmt: skip

    # Integers --------------------------------------------------------------------------------------------------------

    def _integer_source(self) -> Explanation:
        watch = next((e for e in self.recorder.events.watches if e.serial in self.starts), None)
        return Explanation(
            "integer source", None if watch is None else watch.location,
            f"{self.x} has dtype {self.source.dtype}; derivatives exist only with respect to floats.",
            "Make it of a floating dtype, for example tp.constant(10.0) for tp.constant(10).",
        )  # fmt: skip

    def _integer_target(self) -> Explanation:
        return Explanation(
            "integer target", None, f"{self.y} has dtype {self.target.dtype}; only floats have derivatives.",
            "Differentiate a target of a floating dtype.",
        )  # fmt: skip

    def _depends(self, event: Event) -> bool:
        return self.connections.path(self.starts, event.serial) is not None


def _serials(leaf: Tensor | Variable, recorder: TapeRecorder) -> list[int]:
    """The tensors that a leaf stood for while the tape recorded."""
    if isinstance(leaf, Tensor):
        return [leaf._serial]
    known = recorder.variables.get(id(leaf))
    places = set() if known is None else set(known[1])
    read = [serial for serial, place in recorder.places.items() if place in places]
    return read or [leaf._tensor._serial]


def name_in(leaf: Tensor | Variable, frame: FrameType | None, otherwise: str) -> str:
    """What the user calls a leaf in a frame of his; else the Variable's own name, else `otherwise`."""
    found = name_of(leaf, frame)
    if found is not None:
        return found
    return leaf.name if isinstance(leaf, Variable) and leaf.name != "Variable:0" else otherwise
