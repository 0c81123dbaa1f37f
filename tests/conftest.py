"""What tests share: a disk cache of the run's own, so that none reads or fills the user's, and fixtures."""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import nullcontext

import pytest
from hypothesis import settings

import tapec as tp
from tapec.recording import ACTIVE

settings.register_profile("tapec", deadline=None)  # how long an example takes says more of the machine than of tapec
settings.load_profile("tapec")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="run tests inside `with tp.device(...)`: emulated, cuda")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    name = config.getoption("--device")
    if name != "cpu":
        for item in items:
            if item.get_closest_marker("cpu") is not None:
                item.add_marker(pytest.mark.skip(reason=f"about arrays of the CPU, and not of {name}"))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    name = pyfuncitem.config.getoption("--device")
    with nullcontext() if name == "cpu" else tp.device(name):
        return (yield)


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # a process of pytest-xdist, which inherits the environment
        return
    config.stash[_PLACE] = os.environ["TAPEC_CACHE_DIR"] = tempfile.mkdtemp(prefix="tapec-tests-")
    os.environ.pop("TAPEC_CACHE", None)
    os.environ.pop("TAPEC_CACHE_SIZE", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    place = config.stash.get(_PLACE, None)
    if place is not None:
        shutil.rmtree(place, ignore_errors=True)  # another process may be writing an entry


_PLACE = pytest.StashKey[str]()


@pytest.fixture
def no_recorder_stays():
    """The test leaves no recorder behind."""
    yield
    assert ACTIVE.recorders == []
    assert ACTIVE.phase == "primal"
    assert ACTIVE.location is None
