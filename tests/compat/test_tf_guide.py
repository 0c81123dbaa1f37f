"""The guide's code, cell by cell under TensorFlow's names, prints what the guide prints."""

import ast
import contextlib
import io
import linecache
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tapec.naming import reset_names

CELLS = Path(__file__).with_name("guide_cells.txt")

# What the same class is called in tapec, and how dtypes print there.
RENAMED = {"tf.Tensor": "tapec.Tensor", "EagerTensor": "Tensor", "ResourceVariable": "Variable", "tf.float": "float",
           "tf.int": "int"}  # fmt: skip
NUMBER = re.compile(r"-?(?:\d+\.\d*|\.\d+|\d+)(?:e[-+]?\d+)?")


@dataclass
class Cell:
    """One cell of the guide: its code, what the guide shows below it, and what tapec prints where that is decided."""

    name: str
    code: str
    shown: dict[str, str] = field(default_factory=dict)


def read_cells(text: str) -> list[Cell]:
    cells = []
    for part in text.split("=== ")[1:]:
        head, *sections = re.split(r"^--- ", part, flags=re.MULTILINE)
        name, code = head.split("\n", 1)
        shown = {s.split("\n", 1)[0]: s.split("\n", 1)[1].strip("\n") for s in sections}
        cells.append(Cell(name, code.strip("\n"), shown))
    return cells


ALL = read_cells(CELLS.read_text(encoding="utf-8"))


def run(cell: Cell, names: dict[str, object]) -> tuple[str, list[str]]:
    """What a notebook would show: what is printed, then the value of a last expression; and the warnings."""
    filename = f"guide: {cell.name}"
    linecache.cache[filename] = (len(cell.code), None, [line + "\n" for line in cell.code.splitlines()], filename)
    tree = ast.parse(cell.code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(tree, filename, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), filename, "eval"), names)
            if value is not None:
                print(repr(value))
    return printed.getvalue(), [str(w.message) for w in caught]


def words(text: str) -> list[str]:
    """Text without its numbers, and however it is laid out."""
    for theirs, ours in RENAMED.items():
        text = text.replace(theirs, ours)
    return re.findall(r"[^\W\d]+|[^\w\s]", NUMBER.sub("#", text))


def numbers(text: str) -> np.ndarray:
    return np.array([float(n) for n in NUMBER.findall(text)])


def unwrapped(text: str) -> str:
    """NumPy 2 shows a scalar's class, where the NumPy of the guide showed its number."""
    return re.sub(r"array\((\S+), dtype=float32\)$", r"\1", text.strip())


@pytest.fixture(scope="module")
def shown():
    """For each cell what it prints and warns of, all of them in one namespace; and that namespace."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    reset_names()
    names: dict[str, object] = {"__name__": "guide"}
    return {cell.name: run(cell, names) for cell in ALL}, names


def check(printed: str, expected: str, *, values: bool = True) -> None:
    assert words(printed) == words(expected)
    if values:
        np.testing.assert_allclose(numbers(printed), numbers(expected), rtol=1e-6)


@pytest.mark.parametrize("cell", ALL, ids=lambda cell: cell.name)
def test_cell(cell, shown):
    printed, warned = shown[0][cell.name]
    decided = [text for kind, text in cell.shown.items() if kind.startswith("differs")]
    if decided:
        assert printed.startswith(decided[0])
    elif "prints, but for the numbers" in cell.shown:
        check(printed, cell.shown["prints, but for the numbers"], values=False)
    else:
        check(unwrapped(printed), cell.shown.get("prints", ""))
    # The guide's own warnings, or what tapec says where TensorFlow is silent.
    expected = cell.shown.get("warns") or cell.shown.get("tapec warns") or ""
    assert [words(line) for line in warned] == [words(line) for line in expected.splitlines()]


def test_the_gradient_of_the_random_cell(shown):
    names = shown[1]
    x = np.array([[1.0, 2.0, 3.0]])
    # the cell before the last that names w, b: loss = mean((x @ w + b) ** 2)
    y = x @ names["w"].numpy() + names["b"].numpy()
    np.testing.assert_allclose(names["my_vars"]["b"].numpy(), [0.0, 0.0])
    np.testing.assert_allclose(names["dl_db"].numpy(), y[0], rtol=1e-5)
    np.testing.assert_allclose(names["dl_dw"].numpy(), x.T @ y, rtol=1e-5)


def test_the_comparison_can_fail():
    check("tapec.Tensor(6.0000002, dtype=float32)", "tf.Tensor(6.0, dtype=float32)")
    for printed in ("tapec.Tensor(6.1, dtype=float32)", "tapec.Tensor(6.0, dtype=float64)", "None"):
        with pytest.raises(AssertionError):
            check(printed, "tf.Tensor(6.0, dtype=float32)")


def test_decided_differences_differ():
    differing = [cell for cell in ALL if any(kind.startswith("differs") for kind in cell.shown)]
    assert [cell.name for cell in differing] == ["None: computed outside", "no gradient is registered"]
    for cell in differing:
        printed, *_, decided = cell.shown.values()
        with pytest.raises(AssertionError):
            check(decided, printed)
