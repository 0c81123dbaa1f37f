"""The examples of docs/programs.md run and give what the page shows."""

import doctest
import re
from pathlib import Path

import tapec as tp

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "programs.md"
NAMES = (
    "function", "eager", "strict", "scan", "fori_loop", "while_loop", "cond", "switch", "Array", "asarray", "add_at",
    "root", "fixed_point", "device",
)  # fmt: skip


def test_examples():
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 20
    assert found.failed == 0


def test_each_name_is_there():
    page = PAGE.read_text(encoding="utf-8")
    assert [name for name in NAMES if name not in page] == []
    assert all(hasattr(tp, name) for name in NAMES if name != "strict")


def test_pages_and_sections_that_pages_link_to_are_there():
    missing = []
    for page in [DOCS.parent / "README.md", DOCS.parent / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        for target, section in re.findall(r"\]\(([^)#:]+)(?:#([^)]+))?\)", page.read_text(encoding="utf-8")):
            file = page.parent / target
            if not file.exists():
                missing.append(f"{page.name}: {target}")
            elif section:
                lines = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
                headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in lines}
                if section not in headings:
                    missing.append(f"{page.name}: {target}#{section}")
    assert missing == []
