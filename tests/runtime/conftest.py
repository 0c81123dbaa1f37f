"""Fixtures of the tests of the runtime."""

import pytest
from entry_calls import Maker

from tapec.runtime import cpython, entry_python
from tapec.runtime.entry import make_entry
from tapec.runtime.entry_code import entry_supported


@pytest.fixture(params=["native", "python"])
def make(request: pytest.FixtureRequest) -> Maker:
    """What makes an entry: machine code, or its plain twin in Python."""
    if request.param == "native":
        assert entry_supported(), cpython.unsupported()
        return make_entry
    return entry_python.make_python_entry
