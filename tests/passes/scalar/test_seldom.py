"""What is called once in a million lanes stands in a library of its own, and in modules that get no addresses."""

from __future__ import annotations

import numpy as np
import pytest
from graph_making import graph_of

from tapec.ops import elementwise as ew
from tapec.ops.symbolic import apply
from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.passes.scalar.lanes import Lanes, in_memory
from tapec.passes.scalar.seldom import seldom_function, together, with_seldom
from tapec.passes.scalar.seldom_names import PREFIX
from tapec.runtime import seldom
from tapec.runtime.driver import compile_graph
from tapec.runtime.jit import compile_module

HUGE = np.array([1.0, 3.5e9, -7.25e15, 1e300, np.inf, np.nan, 0.25] * 5)


def test_programs_share_what_they_seldom_call() -> None:
    """Sine and cosine of huge numbers: right in two programs, defined in neither."""
    first = compile_graph(graph_of(lambda x: apply(ew.sin, x), HUGE))
    second = compile_graph(graph_of(lambda x: apply(ew.cos, x) * 2.0, HUGE))
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(first.run([HUGE])[1][0], np.sin(HUGE), rtol=1e-15)
        np.testing.assert_allclose(second.run([HUGE])[1][0], 2.0 * np.cos(HUGE), rtol=1e-15)
    for text in (first.text, second.text):
        assert f"declare void @{PREFIX}" in text and f"@{PREFIX}" not in "".join(text.split("declare")[:1])
        assert "ctlz" not in text


def test_functions_that_are_called_together_are_made_together() -> None:
    """One library for both, and the same address each time; other names are none of its business."""
    names = together(f"{PREFIX}sine_float")
    assert names == (f"{PREFIX}sine_float", f"{PREFIX}cosine_float")
    found = seldom.addresses([*names, "malloc"])
    assert list(found) == list(names) and found == seldom.addresses(names)
    assert together(f"{PREFIX}fmod_double") == (f"{PREFIX}fmod_double",)


@pytest.mark.parametrize("name", ["sine_double", "cosine_float", "fmod_double", "fmod_float"])
def test_a_module_alone_has_them_inside(name: str) -> None:
    """Also where a helper of a function calls them; the definition is private."""
    caller, helper = FunctionText("caller", "ptr %x"), FunctionText("helper", "ptr %x", private=True)
    function, element = name.split("_")
    value = Lanes(helper, helper.load(Reg("%x", "ptr"), element, 2)).reg
    in_memory(helper, function, *[value] * (2 if function == "fmod" else 1))
    for f in (helper, caller):
        f.line("ret void")
    caller.helpers["helper"] = helper
    functions = with_seldom([caller])
    assert [f.name for f in functions] == ["caller", f"{PREFIX}{name}"]
    assert functions[1].private and not seldom_function(f"{PREFIX}{name}").private
    assert compile_module(module_text(functions)).symbols == ("caller",)
