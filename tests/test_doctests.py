"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import tapec

NAMES = ["tapec", *(info.name for info in pkgutil.walk_packages(tapec.__path__, "tapec."))]


def test_every_public_name_has_an_example():
    public = {name: getattr(tapec, name) for name in dir(tapec) if not name.startswith("_")}
    assert {"grad", "scan", "Tensor", "UnconnectedGradients"} <= set(public)
    for space in ("nn", "image", "layers", "linalg", "optimizers", "random", "testing"):
        module = public.pop(space)
        inside = {name: value for name, value in vars(module).items() if not name.startswith("_") and callable(value)}
        public |= {f"{space}.{n}": f for n, f in inside.items() if f.__module__.startswith(module.__name__)}
    public = {name: value for name, value in public.items() if not inspect.ismodule(value)}
    assert len(public) > 90
    assert [name for name, value in public.items() if ">>>" not in (inspect.getdoc(value) or "")] == []


# What a tensor prints says where it lies, unless that is the host.
PRINTED = {"tapec.tensor", "tapec.passthrough", "tapec.compat.tensorflow"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.cpu] if name in PRINTED else [])
        for name in NAMES
        if not name.endswith(".__main__")
    ],
)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
