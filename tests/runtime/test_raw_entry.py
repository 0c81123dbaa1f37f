"""Built-in functions around machine code: passing, refusing, releasing the lock."""

import sys
import threading
from typing import Any

import numpy as np
import pytest

from tapec.runtime import cpython, jit
from tapec.runtime.raw_entry import raw_entry

TEXT = """define i64 @k(ptr %x, double %d, i64 %i, ptr %y) {
  %v = load double, ptr %x
  %s = fadd double %v, %d
  store double %s, ptr %y
  %r = mul i64 %i, -2
  ret i64 %r
}
"""


@pytest.fixture(params=["native", "python"])
def raw(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "python":
        monkeypatch.setattr(cpython, "unsupported", lambda: "another interpreter")
    library = jit.compile_module(TEXT)
    return [raw_entry(library.address("k"), "pdip", library, release_gil=release) for release in (False, True)]


def test_passes_and_returns(raw: Any) -> None:
    for call in raw:
        x, y = np.array([1.5, 7.0]), np.zeros(1)
        before = [sys.getrefcount(a) for a in (x, y)]
        assert call(x, 2.0, 2**40, y) == -(2**41)
        assert y[0] == 3.5
        assert [sys.getrefcount(a) for a in (x, y)] == before


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        ((1.0, 2.0, 3, np.zeros(1)), TypeError, "argument 0 should be a numpy.ndarray, got float"),
        ((np.zeros(1), 2, 3, np.zeros(1)), TypeError, "argument 1 should be a float, got int"),
        ((np.zeros(1), 2.0, True, np.zeros(1)), TypeError, "argument 2 should be an int of 64 bits, got bool"),
        ((np.zeros(1), 2.0, 3, np.float64(1.0)), TypeError, "argument 3 should be a numpy.ndarray, got float64"),
        ((np.zeros(1), 2.0, 3), TypeError, r"expected 4 arguments \(pdip\), got 3"),
        ((np.zeros(1), 2.0, 2**63, np.zeros(1)), OverflowError, "9223372036854775808 does not fit"),
    ],
)
def test_refuses(raw: Any, args: tuple[Any, ...], error: type[Exception], text: str) -> None:
    for call in raw:
        with pytest.raises(error, match=text):
            call(*args)


def test_refuses_keywords(raw: Any) -> None:
    with pytest.raises(TypeError, match="got y by keyword"):
        raw[0](np.zeros(1), 2.0, 3, y=np.zeros(1))


def test_threads(raw: Any) -> None:
    wrong: list[int] = []

    def work(seed: int) -> None:
        for i in range(200):
            y = np.zeros(1)
            if raw[1](np.full(1, float(seed)), float(i), i, y) != -2 * i or y[0] != seed + i:
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
