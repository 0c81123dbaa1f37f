"""Running a primitive on tensors, and telling the active recorders.

Everything that a user does with tensors ends in `apply`. `lift` and `promote` bring operands to one dtype by NumPy's
rules before that; the casts that this takes are primitives themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from tapec.array_protocol import ArrayProtocol
from tapec.deferred import FEW, computed, defer, defer_control, is_deferred
from tapec.errors import DTypeError, IndexOutOfRangeError, LinearAlgebraError, ShapeError, TapecError
from tapec.ir import dtypes
from tapec.ir.dtypes import FLOATS
from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew
from tapec.ops import movement
from tapec.placement import OPEN, is_placed, run_placed
from tapec.recording import ACTIVE, user_location
from tapec.runtime.eager import RUN, execute, runner
from tapec.tensor import _ARRAYS, Tensor, _new, _serials, make

_NOTHING: dict[str, Any] = {}
_SCALARS = (np.float64, np.float32, np.float16)
# What depends on the values of operands, and so means nothing where these are imagined.
_OF_VALUES = (IndexOutOfRangeError, LinearAlgebraError)


def apply(primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any] = _NOTHING) -> Tensor:
    """Runs one primitive and records it.

    Raises:
        ShapeError, DTypeError, AttributeValueError: what the primitive's family says of the operands.
    """
    recorders = ACTIVE.recorders
    array: Any = None
    if recorders and recorders[0].defers:
        array = _deferred(primitive, operands, attributes)
    if array is None:
        try:
            if OPEN and is_placed(operands):
                (array,) = run_placed(primitive, operands, attributes)
            elif attributes:
                array = execute(primitive, [t._array for t in operands], attributes)
            else:
                run = RUN.get(primitive) or runner(primitive)
                if len(operands) == 2:  # spelled out: a comprehension costs as much as the product of two small arrays
                    a, b = operands
                    array = run(a._array, b._array)
                elif len(operands) == 1:
                    array = run(operands[0]._array)
                else:
                    array = run(*[t._array for t in operands])
        except (ValueError, TypeError, LookupError) as error:
            if compute(operands):  # machine code refuses what is still to be computed: it outlived its recording
                return apply(primitive, operands, attributes)
            if not _imagined(error):
                _explain(error, primitive, operands, attributes)
            array = _stand_ins(primitive, operands, attributes)[0]._array
    result = _new(Tensor)  # `make`, spelled out
    result._array = array if type(array) in _ARRAYS else np.asarray(array)
    result._serial = _serials()
    result._weak = result._literal = False
    for recorder in recorders:
        recorder.record(primitive, operands, attributes, result)
    return result


def _deferred(primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any]) -> Any:
    """What stands for the result of an op that need not run now; None if it has to, on operands that are there then."""
    if primitive.exact:
        for t in operands:
            array = t._array
            if type(array) is not np.ndarray or array.size > FEW:
                break
        else:
            return None
    if OPEN and is_placed(operands):
        return None
    found = defer(primitive, [t._array for t in operands], attributes)
    if found is None:
        compute(operands)
    return found


def compute(tensors: tuple[Tensor, ...]) -> bool:
    """Gives tensors whose arrays are deferred the arrays themselves; whether there were any."""
    found = False
    for t in tensors:
        if is_deferred(t._array):
            t._array = computed(t._array)
            found = True
    return found


def apply_control(
    primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> tuple[Tensor, ...]:
    """Runs a loop or a branch and records it.

    Raises:
        ShapeError, DTypeError, AttributeValueError: what `tapec.ops.control` says of operands and regions.
    """
    from tapec.runtime.control import execute_control  # the compiler is imported when it is first needed

    def run(arrays: list[Any]) -> Sequence[Any]:
        return execute_control(primitive, arrays, attributes, regions)

    try:
        arrays: Sequence[Any] | None = None
        if OPEN and is_placed(operands):
            arrays = run_placed(primitive, operands, attributes, regions)
        elif ACTIVE.recorders and ACTIVE.recorders[0].defers:
            arrays = defer_control(primitive, [t._array for t in operands], attributes, regions, run)
        if arrays is None:
            arrays = run([computed(t._array) for t in operands])
        results = tuple([make(array) for array in arrays])
    except TapecError as error:
        if not _imagined(error):
            raise located(error) from error.__cause__
        results = _stand_ins(primitive, operands, attributes, regions)
    for recorder in ACTIVE.recorders:
        recorder.record_control(primitive, operands, attributes, regions, results)
    return results


def apply_several(
    primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any] = _NOTHING
) -> tuple[Tensor, ...]:
    """Runs a primitive that has several results, but no regions, and records it.

    Raises:
        ShapeError, DTypeError, AttributeValueError: what the primitive's family says of the operands.
        LinearAlgebraError: a matrix has no such factors.
    """
    try:
        if OPEN and is_placed(operands):
            arrays = run_placed(primitive, operands, attributes)
        else:
            arrays = execute(primitive, [computed(t._array) for t in operands], attributes)
        results = tuple([make(array) for array in arrays])
    except (ValueError, TypeError, LookupError) as error:
        if not _imagined(error):
            _explain(error, primitive, operands, attributes)
        results = _stand_ins(primitive, operands, attributes)
    for recorder in ACTIVE.recorders:
        recorder.record_control(primitive, operands, attributes, (), results)
    return results


def _imagined(error: Exception) -> bool:
    """Whether an error means nothing, since the operands' values are imagined; notes it if it depends on real ones."""
    if not isinstance(error, _OF_VALUES):
        return False
    if not ACTIVE.imagined:
        ACTIVE.refused = (user_location(),)
    return ACTIVE.imagined


def _stand_ins(
    primitive: Primitive,
    operands: tuple[Tensor, ...],
    attributes: dict[str, Any],
    regions: tuple[Graph, ...] = (),
) -> tuple[Tensor, ...]:
    """Zeros in the place of results that are not there."""
    types = primitive.family.infer_regions(primitive, tuple([t.type for t in operands]), attributes, regions)
    return tuple([make(np.zeros(t.shape, t.dtype.numpy)) for t in types])


def _explain(
    error: Exception, primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any]
) -> NoReturn:
    """Raises what the type rule has to say; if that is content, what went wrong while running."""
    if not isinstance(error, TapecError):
        try:
            primitive.family.infer(primitive, tuple([t.type for t in operands]), attributes)
        except TapecError as said:
            raise located(said) from error
        raise error
    raise located(error) from error.__cause__


def located(error: TapecError) -> TapecError:
    """The same error with the user's line at the end of its message."""
    where = user_location()
    return type(error)(f"{error}\n  at {where}") if where is not None else error


def lift(value: Any, like: np.dtype[Any] | None = None) -> Tensor:
    """A tensor from whatever an operand may be: a tensor, a Variable, an array, nested lists, or a number.

    A Python number takes the dtype `like` if that can hold its kind (NumPy's rule for literals); without `like` it is
    weak, so that the other operand decides. While somebody records, arrays are copied: what the caller writes into his
    array later must not change what was recorded.

    Raises:
        DTypeError: the value has no dtype that tapec holds.
    """
    kind = type(value)
    if kind is Tensor:
        return value  # type: ignore[no-any-return]
    if kind is float or kind is int or kind is bool:
        if like is not None and (like.kind in FLOATS or (kind is not float and like.kind in "iu") or kind is bool):
            return _literal(value, like)
        return make(np.asarray(value), kind is not bool, True)
    if kind in _SCALARS and ACTIVE.recorders and ACTIVE.recorders[0].rereads:
        return _literal(value.item(), value.dtype)  # it can't change, so that compiled code need not read it
    read = getattr(kind, "__tapec_tensor__", None)  # Variables, and what derives from them, read as tensors
    if read is not None:
        return read(value)  # type: ignore[no-any-return]
    if kind in (list, tuple) and _holds_tensor(value):
        return _stack([lift(item) for item in value])
    lost = lost_meaning(value)
    if lost is not None:
        raise DTypeError(lost)
    array = np.asarray(value)
    if array.dtype.kind not in "biufV":
        raise DTypeError(f"cannot use a {kind.__name__} (dtype {array.dtype}) as a tensor")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    dtypes.of(array.dtype)
    if isinstance(value, np.ndarray) and ACTIVE.recorders and (value.flags.writeable or value.base is not None):
        tensor = make(array.copy())
        for recorder in ACTIVE.recorders:
            recorder.capture(tensor, value)
        return tensor
    return make(array)


def lost_meaning(value: Any) -> str | None:
    """Why an array of one of NumPy's own subclasses can't stand for its elements alone, and what to do."""
    if isinstance(value, np.ma.MaskedArray):
        return "masked arrays are not supported, as their mask would be lost; use .filled(value) first"
    if isinstance(value, np.matrix):
        return "np.matrix is not supported, as its * would no longer be a matrix product; use np.asarray(value) and @"
    return None


# By dtype: tensors for numbers of the user's source. Programs have few of them and use them often.
_LITERALS: dict[int, dict[float | str, Tensor]] = {d.numpy.num: {} for d in dtypes.ALL}
_MOST_LITERALS = 4096


def _literal(value: float, dtype: np.dtype[Any]) -> Tensor:
    known = _LITERALS.get(dtype.num)
    if known is None:
        return make(np.array(value, dtype), literal=True)
    key = value or repr(value)  # 0.0 and -0.0 are equal, and so would be one key
    tensor = known.get(key)
    if tensor is None:
        if len(known) >= _MOST_LITERALS:
            known.clear()
        tensor = known[key] = make(np.array(value, dtype), literal=True)
    return tensor


def _holds_tensor(value: Any) -> bool:
    return any(
        isinstance(item, ArrayProtocol) or (isinstance(item, (list, tuple)) and _holds_tensor(item)) for item in value
    )


def _stack(parts: list[Tensor]) -> Tensor:
    shapes = {part._array.shape for part in parts}
    if len(shapes) > 1:
        raise located(ShapeError(f"a list of tensors must hold equal shapes, got {sorted(shapes)}"))
    (shape,) = shapes
    rows = [apply(movement.reshape, (part,), {"shape": (1, *shape)}) for part in promote(*parts)]
    return apply(movement.concat, tuple(rows), {"axis": 0})


def cast(x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """`x` in another dtype, and not weak; `x` itself if it is so already. A literal is converted without an op.

    Raises:
        OverflowError: a literal integer does not fit the dtype (NumPy's error).
    """
    if x._literal:
        return _literal(x._array.item(), dtype)
    if x._array.dtype == dtype and not x._weak:
        return x
    return apply(ew.cast, (x,), {"dtype": dtypes.of(dtype).name})


def promote(*operands: Tensor) -> tuple[Tensor, ...]:
    """Operands in their common dtype, by NumPy's promotion (NEP 50): weak ones do not widen the others."""
    first = operands[0]._array.dtype
    for t in operands:
        if t._array.dtype != first or t._weak:
            break
    else:
        return operands
    dtype = common_dtype(operands)
    return tuple([t if t._array.dtype == dtype else cast(t, dtype) for t in operands])


_COMMON: dict[tuple[Any, ...], np.dtype[Any]] = {}


def common_dtype(operands: tuple[Tensor, ...]) -> np.dtype[Any]:
    """NumPy's result dtype of the operands, with weak tensors in the place of Python numbers."""
    samples = tuple([dtype_code(t) for t in operands])
    found = _COMMON.get(samples)
    if found is None:
        found = _COMMON[samples] = dtypes.promoted(*[code(1) if isinstance(code, type) else code for code in samples])
    return found


def dtype_code(t: Tensor) -> Any:
    """What stands for `t` in promotion: its dtype, or the Python type `int` or `float` for a weak one."""
    if not t._weak:
        return t._array.dtype
    return float if t._array.dtype.kind in FLOATS else int
