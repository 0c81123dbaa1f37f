"""Functions that compiled code calls where a formula ends: once in a million lanes, so that they are made once in a
process and not once in each program.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapec.passes.llvm_text import FunctionText
from tapec.passes.scalar.division import long_division
from tapec.passes.scalar.lanes import F32, F64
from tapec.passes.scalar.payne_hanek import huge_function
from tapec.passes.scalar.seldom_names import PREFIX
from tapec.passes.scalar.trigonometric import BOUND

_FORMATS = {"double": F64, "float": F32}
# Who calls one calls the others too: a derivative of a sine is a cosine.
_TOGETHER = (("sine", "cosine"), ("fmod",))


def together(name: str) -> tuple[str, ...]:
    """The names of the functions that are made with this one, itself among them."""
    function, element = name.removeprefix(PREFIX).split("_")
    (group,) = [group for group in _TOGETHER if function in group]
    return tuple([f"{PREFIX}{other}_{element}" for other in group])


def seldom_function(name: str, private: bool = False) -> FunctionText:
    """The function of this name.

    Args:
        name: as `passes.scalar.lanes.in_memory` writes it.
        private: whether it belongs to the module that calls it.
    """
    function, element = name.removeprefix(PREFIX).split("_")
    format = _FORMATS[element]
    if function == "fmod":
        return long_division(name, format, private)
    return huge_function(name, function == "cosine", format, BOUND[format], private)


def with_seldom(functions: Sequence[FunctionText]) -> list[FunctionText]:
    """These functions, and private ones of those that they call seldom, for a module that nobody gives addresses."""
    waiting, declared = list(functions), set()
    while waiting:
        f = waiting.pop()
        waiting += f.helpers.values()
        declared |= {d.split("@")[1].split("(")[0] for d in f.declarations if f"@{PREFIX}" in d}
    return [*functions, *[seldom_function(name, private=True) for name in sorted(declared)]]
