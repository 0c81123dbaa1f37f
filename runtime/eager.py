"""Running one primitive on arrays now. NumPy does it where its bits are those of the generated code; results are dense
and row-major unless they are views, as in compiled programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from tapec.ir.dtypes import FLOATS, by_name, is_short
from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew

Run = Callable[..., Any]

# How to run primitives without attributes, and their families with them; filled as they are used.
RUN: Final[dict[Primitive, Run]] = {}
_GENERATED: Final[dict[str, Run]] = {}

# NumPy takes three calls or more for each of these: after some runs a kernel is made, for floats.
_COMPOSED: Final = {ew.maximum, ew.minimum, ew.relu, ew.strong_mul, ew.zero_mul}
_SEVERAL: Final = 64
# NumPy converts floats of 16 bits one by one: from so many elements on a kernel is worth being made, and does it.
LARGE: Final = 4096


def execute(primitive: Primitive, arrays: list[Any], attributes: dict[str, Any]) -> Any:
    """The result as an array (or a NumPy scalar for a 0-d one).

    Raises:
        ShapeError, DTypeError, AttributeValueError: see the primitive's family.
        ValueError: what NumPy raises where it does the work.
    """
    if not attributes:
        return (RUN.get(primitive) or runner(primitive))(*arrays)
    family = primitive.family.name
    if not primitive.exact:
        if not _GENERATED:
            from tapec.runtime import generated

            _GENERATED.update(generated.WITH_ATTRIBUTES)
        return _GENERATED[family](primitive, arrays, attributes)
    if primitive is ew.cast and arrays[0].size >= LARGE:
        return _cast(arrays[0], attributes["dtype"])
    result = primitive.meaning(*arrays, **attributes)
    return _row_major(result) if family == "elementwise" else result


def runner(primitive: Primitive) -> Run:
    """How to run a primitive without attributes: a function of its operands."""
    if not primitive.exact:
        run = _generated(primitive)
    elif primitive in _COMPOSED:
        run = _composed(primitive)
    elif primitive.family.name == "elementwise":
        run = _numpy_of_two(primitive) if primitive.arity == 2 else _numpy_of_one(primitive)
    else:
        run = primitive.meaning
    RUN[primitive] = run
    return run


def _cast(x: Any, name: str) -> Any:
    """`cast` of a large array, which NumPy does for all but floats of 16 bits."""
    to = by_name(name)
    if not (to.is_short or is_short(x.dtype)):
        return _row_major(ew.cast.meaning(x, dtype=name))
    from tapec.runtime.conversions import converted

    return converted(x, to)


def _row_major(result: Any) -> Any:
    # Elementwise NumPy keeps the order of a transposed operand; a product reading it would see other strides than in a
    # compiled program.
    return result if result.flags.c_contiguous else np.ascontiguousarray(result)


def _numpy(meaning: Run) -> Run:
    def run(*arrays: Any) -> Any:
        result = meaning(*arrays)
        return result if result.flags.c_contiguous else np.ascontiguousarray(result)

    return run


def _numpy_of_one(primitive: Primitive) -> Run:
    meaning = primitive.meaning
    if primitive.arity != 1 or primitive.operand_kinds != "f":  # the others only move bits
        return _numpy(meaning)
    kernel: Run | None = None

    def run(x: Any) -> Any:  # `_numpy`, in less time
        nonlocal kernel
        if x.itemsize == 2 and x.size >= LARGE:
            if kernel is None:
                kernel = _generated(primitive)
            return kernel(x)
        result = meaning(x)
        return result if result.flags.c_contiguous else np.ascontiguousarray(result)

    return run


def _numpy_of_two(primitive: Primitive) -> Run:
    meaning = primitive.meaning
    kernel: Run | None = None

    def run(a: Any, b: Any) -> Any:  # `_numpy`, in less time
        nonlocal kernel
        if a.itemsize == 2 and is_short(a.dtype) and (a.size >= LARGE or b.size >= LARGE):
            if kernel is None:
                kernel = _generated(primitive)
            return kernel(a, b)
        result = meaning(a, b)
        return result if result.flags.c_contiguous else np.ascontiguousarray(result)

    return run


def _generated(primitive: Primitive) -> Run:
    from tapec.runtime import generated  # the compiler takes 100 ms to import

    return generated.runner(primitive)


def _composed(primitive: Primitive) -> Run:
    numpy, runs = _numpy(primitive.meaning), 0

    def run(*arrays: Any) -> Any:
        nonlocal runs
        if arrays[0].dtype.kind not in FLOATS:
            return numpy(*arrays)
        runs += 1
        if runs <= _SEVERAL:
            return numpy(*arrays)
        kernel = _generated(primitive)

        def by_dtype(*arrays: Any) -> Any:
            return kernel(*arrays) if arrays[0].dtype.kind in FLOATS else numpy(*arrays)

        RUN[primitive] = by_dtype
        return by_dtype(*arrays)

    return run
