"""The examples of docs/transformations.md run and give what the page shows."""

import doctest
from pathlib import Path

import tapec as tp

PAGE = Path(__file__).resolve().parent.parent / "docs" / "transformations.md"
NAMES = (
    "grad", "value_and_grad", "jvp", "vjp", "linearize", "jacobian", "hessian", "hvp", "vmap", "custom_gradient",
    "custom_jvp", "stop_gradient", "checkpoint", "sparsity", "sparse_jacobian", "sparse_hessian",
)  # fmt: skip


def test_examples():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 15
    assert found.failed == 0


def test_each_transformation_is_there():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`tp.{name}`" not in page] == []
    assert all(hasattr(tp, name) for name in NAMES)
