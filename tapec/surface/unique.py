"""`np.unique`: what is among the elements, sorted."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapec.array_protocol import TENSOR_FUNCTIONS
from tapec.dispatch import apply, lift
from tapec.ir.dtypes import FLOATS
from tapec.ops import indexing, ordering, reduction
from tapec.surface.primitives import both, concat, either, filled, reshape, strong, take, window
from tapec.surface.registry import implements, refuse
from tapec.tensor import Tensor
from tapec.true_positions import true_positions

_HOW = "np.unique, whose result has a size that depends on the data"
_I64 = np.dtype(np.int64)


@implements(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """How many there are depends on the data: compiled functions guard it. A derivative goes to the first of equals."""
    refuse(np.unique, axis=axis)
    given = strong(ar)
    size = given._array.size
    x = reshape(given, (size,))
    order = apply(ordering.argsort, (x,), {"axis": 0})
    ordered = take(x, order, 0)
    new = _begins(ordered, equal_nan)
    where = lift(true_positions(new, _HOW)[0])
    results = [take(ordered, where, 0)]
    if return_index:
        results.append(take(order, where, 0))
    if return_inverse:
        rank = apply(reduction.cumsum, (TENSOR_FUNCTIONS[np.astype](new, _I64),), {"axis": 0, "reverse": False}) - 1
        empty = filled(0, (size,), _I64)
        inverse = apply(indexing.put, (empty, order, rank), {"axis": 0, "distinct": True})
        results.append(reshape(inverse, given._array.shape))
    if return_counts:
        results.append(TENSOR_FUNCTIONS[np.diff](concat([where, filled(size, (1,), _I64)], 0)))
    return results[0] if len(results) == 1 else tuple(results)


def _begins(ordered: Tensor, equal_nan: bool) -> Tensor:
    """Whether an element is the first of its kind."""
    size = ordered._array.size
    if not size:
        return filled(False, (0,), np.dtype(bool))
    before, after = window(ordered, 0, 0, size - 1), window(ordered, 0, 1, size - 1)
    differ = before != after
    if equal_nan and ordered._array.dtype.kind in FLOATS:
        differ = both(differ, either(before == before, after == after))
    return concat([filled(True, (1,), np.dtype(bool)), differ], 0)
