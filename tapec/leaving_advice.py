"""What to write instead of the line by which a recorded value left for plain Python.

NumPy does not show a list to the tensors in it, and `math` takes nothing but floats: both ask a tensor for its plain
value, and nobody can give a tensor back. So a user is told what would have kept the tensor, in the words of his line.
"""

from __future__ import annotations

import builtins
import linecache
import math
import re
from types import FrameType
from typing import Any, Final

import numpy as np

from tapec.array_protocol import NUMPY_FUNCTIONS
from tapec.recorded_call import KEPT

_CALL: Final = re.compile(r"([A-Za-z_][\w.]*)\s*([(\[])(\s*\[)?")
_WRITE: Final = re.compile(r"\]\s*=[^=]")
_UNKNOWN: Final = object()

_LISTS: Final = (
    "np.stack([a, b]) joins tensors and numbers (np.array([a, b]) can't), np.block and tp.asarray([[a, b], [c, d]]) "
    "nested lists of them"
)
_FILLED: Final = (
    "an array that NumPy made holds plain numbers; begin with np.zeros_like(x), or with tp.asarray(np.zeros(n)), which "
    "can be filled with tensors"
)
_TAKEN: Final = "np.take(a, i, axis=0) reads an array where a tensor says, a[i] of an array of NumPy's can't"
_ITSELF: Final = "leave the call out, since NumPy's functions take a tensor as it is"

_VECTORIZED: Final = (
    "NumPy's functions work on whole tensors, and tp.vmap(f) maps a function over one; np.vectorize can't"
)
_JOINED: Final = (
    "a join sees the tensors in its list, not those in lists within that: np.concatenate([t[None], [1.0]]), or "
    "np.stack([t, 1.0])"
)
_INSTEAD: Final[dict[Any, str]] = {
    np.fromiter: "np.stack(list(values)) joins tensors",
    np.full: "np.broadcast_to(t, shape) repeats a tensor",
    math.erf: "tp.nn.erf(t) is recorded",
    math.erfc: "1 - tp.nn.erf(t) is recorded",
    math.fsum: "np.sum(np.stack([a, b])) is recorded",
    np.vectorize: _VECTORIZED,
    **dict.fromkeys((np.concatenate, np.hstack, np.vstack, np.dstack, np.column_stack), _JOINED),
    np.r_: "np.concatenate and np.stack join tensors, np.r_ can't",
    np.c_: "np.stack and np.concatenate join tensors, np.c_ can't",
}
_CONVERSIONS: Final = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)


def advice(frame: FrameType | None, how: str) -> str:
    """What keeps the value recorded.

    Args:
        frame: the user's, at the line.
        how: what took the value, as `Recorder.leak` hears it.
    """
    text = "" if frame is None else linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    if frame is not None and how in ("np.asarray(t)", "float(t)"):
        if _WRITE.search(text):
            return _FILLED
        for name, bracket, inner in _CALL.findall(text):
            found = _of_call(_named(name, frame), bracket == "(" and bool(inner))
            if found is not None:
                return found
    return f"NumPy's functions take a tensor as it is, and {_LISTS}" if how == "np.asarray(t)" else KEPT


def _of_call(function: Any, of_list: bool) -> str | None:
    """What to do in the place of a call, or of indexing, that takes values; `of_list` is whether it is called with one.

    None for what takes none.
    """
    if isinstance(function, np.ndarray):
        return _TAKEN
    if isinstance(function, np.vectorize):
        return _VECTORIZED
    try:
        known = _INSTEAD.get(function)
    except TypeError:  # it is not hashable
        return None
    if known is not None:
        return known
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", None) or ""
    if function in _CONVERSIONS:
        return _LISTS if of_list else _ITSELF
    if module == "math":
        there = getattr(np, name, None)
        if there is None or there not in NUMPY_FUNCTIONS:
            return None
        return f"np.{there.__name__}(t) is recorded, math.{name}(t) is not"
    if isinstance(function, type) and issubclass(function, np.generic):
        return f"t.astype(np.{name}) is recorded"
    if module.partition(".")[0] == "scipy":
        return f"{name} computes outside of the recording: give it its derivative with tp.custom_gradient"
    if of_list and function in NUMPY_FUNCTIONS:
        where = "np.linalg" if module.startswith("numpy.linalg") else "np"
        return f"NumPy does not show a list to the tensors in it: give {where}.{name} the tensor np.stack([a, b])"
    return None


def _named(dotted: str, frame: FrameType) -> Any:
    """What a dotted name means in a frame."""
    first, *rest = dotted.split(".")
    for names in (frame.f_locals, frame.f_globals, vars(builtins)):
        if first in names:
            found = names[first]
            break
    else:
        return _UNKNOWN
    for part in rest:  # of modules only: an attribute of anything else may be a property, which runs code
        if type(found) is not type(builtins):
            return _UNKNOWN
        found = vars(found).get(part, _UNKNOWN)
    return found
