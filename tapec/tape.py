"""`GradientTape`: records what runs inside its block and computes gradients of it, like TensorFlow's class."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Any, final

from tapec.basis import basis
from tapec.errors import ConsumedTapeError, TapeThreadError
from tapec.ir.dtypes import FLOATS
from tapec.mutable_array import Array
from tapec.placement import beside
from tapec.recording import ACTIVE, active, uncover, user_frame
from tapec.sharing_recorder import tape_recorder
from tapec.structure import flatten, leaves_like, settled, unflatten
from tapec.tape_arguments import UnconnectedGradients, cotangents_of, leaves_of, total, unconnected, warn
from tapec.tape_derivatives import gradient_plan
from tapec.tape_history import TapeHistory
from tapec.tape_jacobian import block, check_batch, example_basis, example_blocks, one_leaf
from tapec.tape_places import source_places, target_place
from tapec.tape_recorder import TapeRecorder
from tapec.tensor import Tensor
from tapec.variable import Variable
from tapec.writable import WritableArray

if TYPE_CHECKING:
    from tapec.explanation import Explanation
    from tapec.saved_tensors import SavedTensors


@final
class GradientTape:
    """Records the ops of its `with` block that depend on watched tensors.

    Args:
        persistent: allow several calls of `gradient`; memory is then held until the tape is gone.
        watch_accessed_variables: watch every trainable Variable that is read while the tape records.
        strict: raise `LostDerivativeError` where a value that depends on something watched leaves for plain Python
            (`float(t)`, `t.numpy()`, `np.array([t])`), instead of a gradient that knows nothing of what is computed
            from it there.

    >>> x = Variable(3.0)
    >>> with GradientTape() as tape:
    ...     y = x.value() * x.value()
    >>> float(tape.gradient(y, x))
    6.0
    """

    def __init__(
        self, persistent: bool = False, watch_accessed_variables: bool = True, *, strict: bool = False
    ) -> None:
        self._strict = strict
        self._persistent = persistent
        self._watch_accessed = watch_accessed_variables
        self._recorder: TapeRecorder | None = None
        self._consumed = False
        self._thread: int | None = None
        self._watched: tuple[Variable, ...] = ()
        self._history = TapeHistory()

    # Recording -------------------------------------------------------------------------------------------------------

    def __enter__(self) -> GradientTape:
        """Starts, or goes on, recording.

        Raises:
            ValueError: the tape is recording.
            TapeThreadError: another thread recorded what is on the tape.
        """
        if self._recorder is not None:
            self._check_thread()
        if self._recording():
            raise ValueError("Tape is still recording, This can happen if you try to re-enter an already-active tape.")
        if self._recorder is None:
            self._recorder = tape_recorder(self._watch_accessed, self._strict)
            self._consumed = False
            self._thread = threading.get_ident()
        ACTIVE.recorders.append(self._recorder)
        self._history.entered(self._recorder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops recording."""
        self._stop()
        self._history.left()
        uncover(error)

    def _recording(self) -> bool:
        return self._recorder is not None and any(r is self._recorder for r in ACTIVE.recorders)

    def _stop(self) -> int | None:
        """Takes the recorder from the stack; its place there."""
        for i, recorder in enumerate(ACTIVE.recorders):
            if recorder is self._recorder:
                del ACTIVE.recorders[i]
                return i
        return None

    def watch(self, tensor: Any) -> None:
        """Records from now on what depends on `tensor`: a tensor, a Variable, or nested containers of them.

        Raises:
            ValueError: it is neither.
            TypeError: it is a view of an `Array`.
            ConsumedTapeError, TapeThreadError: the tape can't be used any more, or not here.
        """
        recorder = self._open()
        leaves, structure = flatten(tensor)
        for held in leaves_like(tensor, structure, "tensor", "itself"):  # the arrays that the leaves are versions of
            if isinstance(held, Array):
                held.watched_by(self)
            elif isinstance(held, WritableArray):  # it has no version of its own to watch
                raise TypeError("a view of an Array can't be watched; watch the Array, or tp.constant(view)")
        for leaf in leaves:
            if not isinstance(leaf, (Tensor, Variable)):
                raise ValueError(
                    f"Passed in object {leaf!r} of type '{type(leaf).__name__}', not tp.Tensor or tp.Variable; "
                    "make it one with tp.constant or tp.Variable"
                )
        for leaf in leaves:
            if leaf.dtype.kind not in FLOATS:
                warn(f"The dtype of the watched tensor must be floating (e.g. float32), got {leaf.dtype}")
            elif isinstance(leaf, Variable):
                recorder.watch_variable(leaf)
                recorder.events.watched(leaf._tensor)
            else:
                recorder.watch(leaf)
                recorder.events.watched(leaf)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """A block that is not recorded.

        Raises:
            RuntimeError: the tape is not recording.
        """
        recorder = self._recorder
        place = self._stop()
        if recorder is None or place is None:
            raise RuntimeError("Trying to stop recording a tape which is not recording.")
        self._history.paused()
        try:
            yield
        finally:
            self._history.resumed()
            if self._recorder is recorder:  # the block may have consumed the tape
                ACTIVE.recorders.insert(place, recorder)

    def reset(self) -> None:
        """Forgets everything recorded and watched; a tape that is recording goes on with an empty one.

        Raises:
            TapeThreadError: another thread recorded what is on the tape.
        """
        if self._recorder is not None:
            self._check_thread()
        place = self._stop()
        self._watched = ()
        self._consumed = False
        self._recorder = tape_recorder(self._watch_accessed, self._strict)
        self._thread = threading.get_ident()
        self._history.was_reset(self._recorder)
        if place is not None:
            ACTIVE.recorders.insert(place, self._recorder)

    def watched_variables(self) -> tuple[Variable, ...]:
        """The Variables that the tape watches or watched, in the order in which it met them."""
        if self._recorder is not None:
            self._watched = tuple([variable for variable, _ in self._recorder.variables.values()])
        return self._watched

    def watches(self, tensor: Tensor) -> bool:
        """Whether the tape records what depends on `tensor`, and may still be asked about it."""
        return self._recorder is not None and self._recorder.place(tensor) is not None

    # Differentiating -------------------------------------------------------------------------------------------------

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str | UnconnectedGradients = UnconnectedGradients.NONE,
    ) -> Any:
        """The gradient of the sum of all elements of `target` with respect to each source.

        Args:
            target: a tensor or Variable, or nested lists, tuples, dicts and dataclasses of them.
            sources: the same; intermediate results may be among them.
            output_gradients: instead of ones the cotangents of the targets, in their structure and shapes.
            unconnected_gradients: `"none"` or `"zero"`: what stands for a source on which no target depends.

        Returns:
            Gradients in the structure of `sources`, each with shape and dtype of its source.

        Raises:
            ConsumedTapeError: the tape is not persistent and has given its gradient.
            TapeThreadError: another thread recorded the tape.
            TypeError: a target or a source is no tensor and no Variable.
            ValueError: `unconnected_gradients` or the structure of `output_gradients` is not one of those above.
            ShapeError: an output gradient has another shape than its target.
            NotDifferentiableError: an op between sources and target has no derivative rule.
        """
        recorder = self._open()
        zero = unconnected(unconnected_gradients) is UnconnectedGradients.ZERO
        targets, target_structure = leaves_of(self._settled(target, recorder), "target")
        leaves, structure = leaves_of(sources, "sources")
        cotangents = cotangents_of(output_gradients, targets, target_structure)
        places = [target_place(t, recorder) for t in targets]
        wanted = [source_places(s, recorder) for s in leaves]
        flat = tuple(dict.fromkeys([place for group in wanted for place in group]))
        pairs = [(p, ct) for p, ct in zip(places, cotangents, strict=True) if p is not None]
        plan = gradient_plan(recorder, [p for p, _ in pairs], [ct is not None for _, ct in pairs], flat)
        self._consume()
        with beside(*targets):
            results = plan.run(recorder, [ct for _, ct in pairs if ct is not None], release=not self._persistent)
        found = dict(zip(flat, results, strict=True))
        gradients = [
            found[group[0]] if len(group) == 1 and not zero else total([found[p] for p in group], source, zero)
            for source, group in zip(leaves, wanted, strict=True)
        ]
        if not zero:
            missing = [source for source, gradient in zip(leaves, gradients, strict=True) if gradient is None]
            if missing:
                from tapec.gradient_warnings import warn_of_mistakes

                warn_of_mistakes(self._history, self._watch_accessed, targets, missing)
        return unflatten(structure, gradients)

    def explain(self, target: Any, source: Any) -> Explanation:
        """Why `target` has no gradient with respect to `source`, with the user's line and what to do about it.

        It may be asked after `gradient`, also of a tape that is not persistent.

        Args:
            target: a tensor or Variable.
            source: another.

        Raises:
            TypeError: `target` or `source` is not one tensor or Variable.

        >>> x = Variable(2.0)
        >>> with GradientTape() as tape:
        ...     y = x.astype(int) * 1.0
        >>> tape.explain(y, x).cause
        'integer cast'
        """
        from tapec.explanation import explain

        one_leaf(target, "target", "explain")
        one_leaf(source, "source", "explain")
        return explain(self._history, self._watch_accessed, target, source, user_frame(2)[0])

    def saved(self) -> SavedTensors:
        """The arrays that the tape keeps for derivatives: of which op and line, how many bytes, and why.

        Raises:
            ConsumedTapeError: the tape is not persistent and has given its gradient: it keeps nothing any more.
            TapeThreadError: another thread recorded the tape.

        >>> import numpy as np
        >>> x = Variable([1.0, 2.0])
        >>> with GradientTape() as tape:
        ...     y = np.tanh(x * 2.0)
        >>> [(row.op, row.bytes, row.why) for row in tape.saved()][0]
        ('tanh', 16, 'the derivative of tanh in operand 0 reads its result')
        """
        from tapec.saved_tensors import saved_tensors

        return saved_tensors(self._open())

    def jacobian(
        self,
        target: Any,
        sources: Any,
        unconnected_gradients: str | UnconnectedGradients = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Any:
        """The derivatives of each element of `target` with respect to each element of each source.

        All of them are computed at once, by one vectorized backward pass.

        Args:
            target: a tensor or Variable.
            sources: the same, or nested containers of them.
            unconnected_gradients: `"none"` or `"zero"`: what stands for a source on which the target does not depend.
            parallel_iterations: without effect; TensorFlow's loops take it.
            experimental_use_pfor: without effect on the result; False needs a persistent tape, as in TensorFlow.

        Returns:
            Arrays of shape `target.shape + source.shape` in the structure of `sources`.

        Raises:
            TypeError: `target` is not one tensor or Variable.
            RuntimeError: `experimental_use_pfor` is False and the tape is not persistent.
            ConsumedTapeError, TapeThreadError, TypeError, ValueError, NotDifferentiableError: as `gradient`.

        >>> x = Variable([1.0, 2.0])
        >>> with GradientTape() as tape:
        ...     y = x * x
        >>> tape.jacobian(y, x).tolist()
        [[2.0, 0.0], [0.0, 4.0]]
        """
        recorder = self._open()
        zero = unconnected(unconnected_gradients) is UnconnectedGradients.ZERO
        self._check_loops("jacobian", experimental_use_pfor)
        target = self._settled(target, recorder)
        one_leaf(target, "target", "jacobian")
        leaves, structure = leaves_of(sources, "sources")
        rows = self._rows(recorder, target, leaves, basis(target.shape, target.dtype))
        return unflatten(structure, [block(row, target, leaf, zero) for row, leaf in zip(rows, leaves, strict=True)])

    def batch_jacobian(
        self,
        target: Any,
        source: Any,
        unconnected_gradients: str | UnconnectedGradients = UnconnectedGradients.NONE,
        parallel_iterations: int | None = None,
        experimental_use_pfor: bool = True,
    ) -> Tensor:
        """The Jacobian of each example: of `target[i]` with respect to `source[i]`, for each i.

        That `target[i]` depends on no other part of `source` is taken for granted.

        Args:
            target: a tensor or Variable of at least two axes; axis 0 is over the examples.
            source: another.
            unconnected_gradients: `"none"` or `"zero"`; as in TensorFlow zeros are returned in either case.
            parallel_iterations: needs a persistent tape, as in TensorFlow; without other effect.
            experimental_use_pfor: without effect on the result; False needs a persistent tape, as in TensorFlow.

        Returns:
            An array of shape `target.shape + source.shape[1:]`.

        Raises:
            ShapeError: a shape has fewer than two axes, or the first extents differ.
            TypeError: `target` or `source` is not one tensor or Variable.
            RuntimeError: the tape is not persistent, and has to be (see above).
            ConsumedTapeError, TapeThreadError, ValueError, NotDifferentiableError: as `gradient`.

        >>> x = Variable([[1.0, 2.0], [3.0, 4.0]])
        >>> with GradientTape() as tape:
        ...     y = x * x
        >>> tape.batch_jacobian(y, x).tolist()
        [[[2.0, 0.0], [0.0, 4.0]], [[6.0, 0.0], [0.0, 8.0]]]
        """
        recorder = self._open()
        unconnected(unconnected_gradients)
        if parallel_iterations is not None and not self._persistent:
            raise RuntimeError(
                "GradientTape must be created with persistent=True to compute the batch_jacobian with "
                "parallel_iterations."
            )
        self._check_loops("batch_jacobian", experimental_use_pfor)
        target = self._settled(target, recorder)
        one_leaf(target, "target", "batch_jacobian")
        one_leaf(source, "source", "batch_jacobian")
        check_batch(target, source)
        (row,) = self._rows(recorder, target, [source], example_basis(target.shape, target.dtype))
        return example_blocks(row, target, source)

    def _check_loops(self, method: str, vectorized: bool) -> None:
        if not vectorized and not self._persistent:
            raise RuntimeError(
                f"GradientTape must be created with persistent=True to compute the {method} with eager execution "
                "enabled and with experimental_use_pfor set to False."
            )

    def _rows(
        self, recorder: TapeRecorder, target: Tensor | Variable, leaves: list[Any], seeds: Tensor
    ) -> list[Tensor | None]:
        """For each source the gradients along `seeds`, one cotangent of the target after another."""
        place = target_place(target, recorder)
        wanted = [source_places(leaf, recorder) for leaf in leaves]
        flat = tuple(dict.fromkeys([p for group in wanted for p in group]))
        plan = None if place is None else gradient_plan(recorder, [place], [True], flat, seeds.shape[0])
        self._consume()
        if plan is None:
            return [None] * len(leaves)
        with beside(target):
            results = plan.run(recorder, [seeds], release=not self._persistent)
        found = dict(zip(flat, results, strict=True))
        return [total([found[p] for p in group], leaf, False) for leaf, group in zip(leaves, wanted, strict=True)]

    def _consume(self) -> None:
        """Ends the recording, unless the tape is persistent."""
        if not self._persistent:
            self.watched_variables()
            self._stop()
            self._recorder, self._consumed = None, True

    def _settled(self, target: Any, recorder: TapeRecorder) -> Any:
        """`target` with Tensors for arrays and views; the tape hears of the views' ops, also if it has ended."""
        if isinstance(target, (Tensor, Variable)):
            return target
        with nullcontext() if self._recording() else active(recorder):
            return settled(target)

    # State -----------------------------------------------------------------------------------------------------------

    def _open(self) -> TapeRecorder:
        """The recorder, if it may be used here and now."""
        if self._consumed:
            raise ConsumedTapeError(
                "A non-persistent GradientTape can only be used to compute one set of gradients (or jacobians); "
                "make it with GradientTape(persistent=True) to compute several"
            )
        if self._recorder is None:
            self._recorder = tape_recorder(self._watch_accessed, self._strict)
            self._thread = threading.get_ident()
        self._check_thread()
        return self._recorder

    def _check_thread(self) -> None:
        if self._thread != threading.get_ident():
            raise TapeThreadError(
                "this GradientTape was recorded by another thread; record and differentiate in one thread, with a tape "
                "for each"
            )
