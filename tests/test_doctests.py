"""The examples in docstrings run and give what they say."""

import doctest
import importlib
import pkgutil

import pytest

import tapec

NAMES = ["tapec", *(info.name for info in pkgutil.walk_packages(tapec.__path__, "tapec."))]


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith(".__main__")])
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
