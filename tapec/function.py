"""`tp.function`: Python functions that are recorded on their first call and compiled."""

from __future__ import annotations

import inspect
import threading
import types
import warnings
from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial, update_wrapper
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from tapec.arguments import Arguments, check_unchanged, take_apart
from tapec.collector import patient_collector
from tapec.deferred import Loans, is_deferred
from tapec.dispatch import compute
from tapec.eager_mode import EagerMode, is_nested
from tapec.errors import ArgumentError, CompilationError, EagerFallbackWarning
from tapec.function_recorder import FunctionRecorder
from tapec.inspection import Inspection
from tapec.ir.graph import Location
from tapec.passes.kernel_status import GUARD_DIFFERS
from tapec.paths import Path, PathTree
from tapec.placement import OPEN, chosen_device, placed
from tapec.recorded_call import RecordedCall, leak_message
from tapec.recorded_run import RecordedRun
from tapec.recording import ACTIVE, active
from tapec.results import Results, deliver, describe, passing_object, strengthen
from tapec.rolled_recording import rolled
from tapec.variable import Variable

if TYPE_CHECKING:
    from tapec.devices import Device

MAX_PATHS = 64
MAX_ENTRIES = 16  # an entry that does not fit costs some 50 ns, the way through Python some 10 us

_Ran: TypeAlias = tuple[Any, Path | None]


@dataclass(slots=True, eq=False)
class Specialisation:
    """What is known of the calls with one key.

    Attributes:
        tree: recorded paths.
        current: the path taken last, tried first.
        eager: whether a leak has ruled compiling out.
        native: whether a native entry has been made, or can't be.
    """

    tree: PathTree = field(default_factory=PathTree)
    current: Path | None = None
    eager: bool = False
    native: bool = False


class Function:
    """A compiled function; made by `tp.function`, `tp.grad` and `tp.value_and_grad`.

    Attributes:
        recordings: how many paths have been recorded, over all specialisations.
        compiles: how many of them have been compiled.

    >>> import numpy as np, tapec as tp
    >>> half = tp.function(lambda x: x / 2)
    >>> half(np.ones(3)), half(np.ones(4)), half(np.zeros(3))
    (array([0.5, 0.5, 0.5]), array([0.5, 0.5, 0.5, 0.5]), array([0., 0., 0.]))
    >>> half.recordings
    2
    """

    # The instance's own `__call__`: Python finds it through the slot at the cost of a C function, where a method that
    # passes its arguments on would take 200 ns.
    __slots__ = ("__call__", "__dict__", "__weakref__")

    __call__: Callable[..., Any]

    def __init__(
        self,
        python: Callable[..., Any],
        *,
        strict: bool = False,
        max_paths: int = MAX_PATHS,
        device: Device | str | None = None,
        memory_budget: int | None = None,
    ) -> None:
        if not callable(python):
            raise ArgumentError(f"a {type(python).__name__} cannot be compiled: it is no function")
        if max_paths < 1:
            raise ValueError(f"max_paths must be at least 1, got {max_paths}")
        if memory_budget is not None and memory_budget < 0:
            raise ValueError(f"memory_budget must not be negative, got {memory_budget}")
        update_wrapper(self, python)
        self.recordings = 0
        self.compiles = 0
        self._python = python
        self._name = getattr(python, "__name__", type(python).__name__)
        self._strict = strict
        self._max_paths = max_paths
        self._device = _found(device)
        self._memory_budget = memory_budget
        self._specialisations: dict[Hashable, Specialisation] = {}
        self._lock = threading.RLock()
        self._warned = False
        self._entries = 0
        self.__call__ = self._slow  # later the last native entry made, which goes on to the one before it

    def inspect(self, *args: Any, **kwargs: Any) -> Inspection:
        """Every form of the program that these arguments run, from the recorded graph to assembly, and its figures.

        Calls the function with them to find out which path they take.

        Raises:
            CompilationError: the function runs eagerly with these arguments, because of a leak or of `max_paths`.
        """
        arguments = self._take_apart(args, kwargs)
        _, path = self._run(arguments)
        if path is None:
            raise CompilationError(f"{self._name} runs eagerly with these arguments, so that there is nothing to show")
        inputs = partial(path.host_inputs, arguments.arrays())
        return Inspection(self._name, path.recording.graph, path.executable, inputs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __reduce__(self) -> str:
        """Pickled by name and copied as itself, like any function."""
        name: str = getattr(self, "__qualname__", self._name)
        return name

    def __repr__(self) -> str:
        return f"<tapec function {self._name}: {self.recordings} recordings, {self.compiles} compiled>"

    # Running compiled code -------------------------------------------------------------------------------------------

    def _slow(self, *args: Any, **kwargs: Any) -> Any:
        if ACTIVE.recorders:
            return self._inline(args, kwargs)
        return self._run(self._take_apart(args, kwargs))[0]

    def _run(self, arguments: Arguments) -> _Ran:
        """The result, and the compiled path that these arguments take, if there is one."""
        key = arguments.key
        specialisation = self._specialisations.get(key)
        if specialisation is None:
            with self._lock:
                specialisation = self._specialisations.get(key)
                if specialisation is None:
                    specialisation = Specialisation()
                    ran = self._record(specialisation, arguments)
                    self._specialisations[key] = specialisation
                    return ran
        path = specialisation.current
        if specialisation.eager or path is None:
            return self._run_eagerly(arguments), None
        return self._run_compiled(specialisation, path, arguments)

    def _run_compiled(
        self, specialisation: Specialisation, path: Path, arguments: Arguments, seen: list[int] | None = None
    ) -> _Ran:
        """Runs the path that the guards lead to, from `path` on; `seen` is what its guards saw if it has just run."""
        arrays = arguments.arrays()
        tried = -1
        while True:
            if seen is None:
                failed, seen, result, native = path.run(arrays)
                if failed:
                    return self._rerun(specialisation, arguments)
                if seen is None:
                    specialisation.current = path
                    if native and not specialisation.native:
                        self._add_entry(specialisation, path, arguments)
                    return result, path
            miss = path.first_miss(seen)
            # A function that is not deterministic could lead in circles; each further try must get further.
            other = specialisation.tree.find(seen[: miss + 1]) if miss > tried else None
            if other is None:
                with self._lock:
                    other = specialisation.tree.find(seen[: miss + 1]) if miss > tried else None
                    if other is None:
                        return self._fork(specialisation, arguments, path.recording.forks[miss])
            path, tried, seen = other, miss, None

    def _add_entry(self, specialisation: Specialisation, path: Path, arguments: Arguments) -> None:
        """From the second call on calls like this one go through a native entry, if they can."""

        def missed(status: int, guards: bytes, *args: Any) -> Any:
            again = take_apart(args, {})
            if status == GUARD_DIFFERS:
                seen = np.frombuffer(guards, np.int64).tolist()
                return self._run_compiled(specialisation, path, again, seen)[0]
            return self._rerun(specialisation, again)[0]

        with self._lock:
            if specialisation.native:
                return
            specialisation.native = True
            if self._entries < MAX_ENTRIES:
                from tapec.native_call import fast_entry

                entry = fast_entry(self._name, arguments, path, self.__call__, missed)
                if entry is not None:
                    self._entries += 1
                    self.__call__ = entry

    def _fork(self, specialisation: Specialisation, arguments: Arguments, location: Location | None) -> _Ran:
        """Python goes a way that is new: records it, if there is room."""
        if len(specialisation.tree.paths) < self._max_paths:
            return self._record(specialisation, arguments)
        self._warn(
            f"{location}: {self._name} has taken {self._max_paths} ways through its branches and loops, and forks here "
            "again; further ways run eagerly. Write the branch with np.where, or raise max_paths.",
            location,
        )
        return self._run_eagerly(arguments), None

    def _rerun(self, specialisation: Specialisation, arguments: Arguments) -> _Ran:
        """Compiled code met an error: Python meets it again, with its message and the user's lines.

        If it does not, the error lay on a way that Python does not take with these arguments.
        """
        with self._lock:
            ran = self._trace(arguments, None)
            known = specialisation.tree.find(ran.call.guards)
            path = known or self._keep(specialisation, arguments, ran.call, ran.results)
            return ran.delivered(self._place(arguments, ran.call)), path

    # Running Python --------------------------------------------------------------------------------------------------

    def _take_apart(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        if kwargs:  # `f(x, y)` and `f(x, y=y)` are one specialisation
            bound = inspect.signature(self._python).bind(*args, **kwargs)
            args, kwargs = bound.args, bound.kwargs
        return take_apart(args, kwargs)

    def _record(self, specialisation: Specialisation, arguments: Arguments) -> _Ran:
        """Records a call. What nobody has looked at meanwhile is left to the machine code, which is run then."""
        loans = Loans()
        try:
            return self._recorded(specialisation, arguments, loans)
        finally:
            loans.end()

    def _recorded(self, specialisation: Specialisation, arguments: Arguments, loans: Loans) -> _Ran:
        on_host = not OPEN or chosen_device(self._device, arguments.arrays()) is None
        ran = self._trace(arguments, loans if self._device is None and on_host else None)
        assignments = ran.assignments
        pending = ran.is_pending()
        if pending:
            assignments.take_back()  # machine code begins with what the call began with
        try:
            path = self._keep(specialisation, arguments, ran.call, ran.results)
            if path is not None and pending:
                outcome = path.run(ran.arrays)
                if not outcome.failed and outcome.seen is None:
                    pending = False
                    return outcome.result, path
        finally:
            if pending:
                assignments.keep()
        return ran.delivered(self._place(arguments, ran.call)), path

    def _trace(self, arguments: Arguments, loans: Loans | None) -> RecordedRun:
        """Runs Python on real values under a recorder, on the host; what comes of it is brought where it belongs.

        Args:
            arguments: of the call.
            loans: takes large arrays of the caller's, in a call that need not run what nobody looks at.
        """
        recorder = FunctionRecorder(self._name, self._strict, loans is not None)
        leaves = arguments.tensors(loans)
        arrays = []
        ran: RecordedRun | None = None
        for leaf, given, spec in zip(leaves, arguments.leaves, arguments.specs, strict=True):
            if spec.kind != "static":
                if spec.kind == "tensor":
                    compute((leaf,))
                recorder.add_argument(leaf)
                arrays.append(given if is_deferred(leaf._array) else leaf._array)
        try:
            # Compiled code does not warn either.
            with active(recorder), self._placed(arguments), patient_collector(), np.errstate(all="ignore"):
                result = self._call_python(arguments, leaves)
                results, tensors = describe(result, arguments.gives_tensors)
                passing = passing_object(results, arguments.leaves)
                if passing is not None:
                    recorder.leave(
                        f"a {type(passing).__name__} among the results, which each call makes anew and which is no "
                        "tuple, list, dict, named tuple or dataclass"
                    )
                call = recorder.finish(tensors)
            ran = RecordedRun(call, results, result, tensors, arrays, recorder.assignments)
            return ran
        finally:
            if ran is None or not ran.is_pending():
                recorder.assignments.keep()

    def _placed(self, arguments: Arguments) -> AbstractContextManager[None]:
        """A block in which Variables that layers make at their first call lie where the arguments do."""
        return placed(chosen_device(self._device, arguments.arrays())) if OPEN else nullcontext()

    def _place(self, arguments: Arguments, call: RecordedCall) -> Device | None:
        """Where a recorded call would run."""
        if not OPEN:
            return None
        sources = [s._tensor._array if isinstance(s, Variable) else s for s in call.sources]
        return chosen_device(self._device, [*arguments.arrays(), *sources])

    def _keep(
        self, specialisation: Specialisation, arguments: Arguments, call: RecordedCall, results: Results
    ) -> Path | None:
        """Compiles a recording, or marks the specialisation as eager if it leaked."""
        self.recordings += 1
        if call.leak is not None:
            specialisation.eager = True
            self._warn(f"{leak_message(self._name, call.leak)} It runs eagerly.", call.leak.location)
            return None
        with patient_collector():
            path = Path(rolled(call), results, self._memory_budget, self._device)
        path.program(self._place(arguments, call))
        self.compiles += 1
        specialisation.tree.insert(path)
        specialisation.current = path
        return path

    def _run_eagerly(self, arguments: Arguments) -> Any:
        device = ACTIVE.device if self._device is None else self._device.own
        with active(EagerMode(inside=True)), placed(device), np.errstate(all="ignore"):
            result = self._call_python(arguments, arguments.tensors())
        return deliver(result, arguments.gives_tensors, device)

    def _inline(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs Python as part of what is being recorded in this thread, or eagerly under `tp.eager()`."""
        arguments = self._take_apart(args, kwargs)
        if is_nested(ACTIVE.recorders):
            return strengthen(self._call_python(arguments, arguments.lifted()))
        return self._run_eagerly(arguments)

    def _call_python(self, arguments: Arguments, leaves: list[Any]) -> Any:
        args, kwargs = arguments.rebuild(leaves)
        result = self._python(*args, **kwargs)
        check_unchanged(args, kwargs, leaves, arguments)
        return result

    def _warn(self, message: str, location: Location | None) -> None:
        """Warns once per function, at the user's line."""
        if self._warned:
            return
        self._warned = True
        if location is None:
            warnings.warn(message, EagerFallbackWarning, stacklevel=2)
        else:
            warnings.warn_explicit(message, EagerFallbackWarning, location.filename, location.line)


def _found(device: Device | str | None) -> Device | None:
    if device is None:
        return None
    from tapec.devices import found  # only who names a device needs it

    return found(device)


@overload
def function(
    python: Callable[..., Any],
    /,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    device: Device | str | None = None,
    memory_budget: int | None = None,
) -> Function: ...
@overload
def function(
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    device: Device | str | None = None,
    memory_budget: int | None = None,
) -> Callable[[Callable[..., Any]], Function]: ...
def function(
    python: Callable[..., Any] | None = None,
    /,
    *,
    strict: bool = False,
    max_paths: int = MAX_PATHS,
    device: Device | str | None = None,
    memory_budget: int | None = None,
) -> Function | Callable[[Callable[..., Any]], Function]:
    """Compiles a function of arrays; a decorator, with or without options.

    The first call with arguments of new shapes and dtypes runs Python on the real values, records it and compiles what
    was recorded; later calls run machine code, with the same results to the last bit. What Python decides by the
    values of tensors (`if`, `while`, `range(n)`) is guarded: a call that would go another way is recorded anew.

    Arguments may be nested tuples, lists, dicts, named tuples and dataclasses. Arrays, NumPy scalars, Tensors, Python
    floats and ints are inputs; strings, None, bools, callables, Variables and other hashable objects are compared, and
    another one is recorded anew. NumPy arrays in, NumPy arrays out; if an argument is a Tensor or a Variable, Tensors
    out. Arrays and Variables that the function reaches by itself are read at each call. Python numbers that it reaches
    so, names and attributes that are bound to another array later, and what it does apart from tensors (printing,
    random numbers) are as they were when it was recorded: pass what changes as an argument, or keep it in a
    `tp.Variable`.

    Args:
        python: the function.
        strict: raise `LeakedTensorError` where a recorded value leaves for plain Python, instead of running the
            function eagerly with a warning.
        max_paths: how many ways through the branches and loops of one specialisation are recorded; further ones run
            eagerly, with one warning.
        device: where it runs, a device of `tp.device` or its name: arguments of the CPU are copied there, and Tensors
            that it gives stay there. None is where its inputs lie, or what a `with tp.device(...)` block says.
            Called while something else is recorded, the function is a part of that.
        memory_budget: bytes of values of the forward pass that may be alive at once in the backward pass of a gradient
            in the function; others are computed again when the backward pass comes to them, with the same results to
            the last bit. Arguments and results do not count. Called in a larger compiled function, this one is a part
            of that, whose own budget holds.

    Raises:
        DeviceMismatchError: at a call, if inputs lie on several devices, or on another one than `device`.
        MemoryBudgetError: at a call, if the budget can't be met; the message names the values that need more.
        ArgumentError: at a call, for an argument that is neither an input nor hashable, or that was changed in place.

    >>> import numpy as np, tapec as tp
    >>> @tp.function
    ... def clip(x, limit):
    ...     return np.minimum(x, limit)
    >>> clip(np.array([1.0, 5.0]), 2.0), clip(np.array([1.0, 5.0]), 3.0)
    (array([1., 2.]), array([1., 3.]))
    >>> clip.recordings
    1
    """
    if python is None:
        return lambda decorated: Function(
            decorated, strict=strict, max_paths=max_paths, device=device, memory_budget=memory_budget
        )
    return Function(python, strict=strict, max_paths=max_paths, device=device, memory_budget=memory_budget)
