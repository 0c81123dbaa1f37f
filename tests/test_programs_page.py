"""The examples of docs/programs.md run and give what the page shows."""

import doctest
from pathlib import Path

import tapec as tp

PAGE = Path(__file__).resolve().parent.parent / "docs" / "programs.md"
NAMES = (
    "function", "eager", "strict", "scan", "fori_loop", "while_loop", "cond", "switch", "Array", "asarray", "add_at",
    "root", "fixed_point", "device", "to_device", "from_dlpack",
)  # fmt: skip


def test_examples():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 20
    assert found.failed == 0


def test_each_name_is_there():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMES if name not in page] == []
    assert all(hasattr(tp, name) for name in NAMES if name != "strict")
