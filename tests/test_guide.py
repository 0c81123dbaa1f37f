"""The code of docs/guide.md runs, block by block, and prints what is shown below it."""

import contextlib
import doctest
import io
import linecache
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from tapec.naming import reset_names
from tapec.ops import sampling
from tapec.passes.derivatives import DERIVATIVES

ROOT = Path(__file__).resolve().parent.parent
NAME = "docs/guide.md"
PAGE = (ROOT / NAME).read_text(encoding="utf-8")
LAYOUT = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@dataclass
class Block:
    """Code, the line of the page on which it begins, and what is shown below it."""

    code: str
    line: int
    shown: str


def read_blocks(page: str) -> list[Block]:
    blocks: list[Block] = []
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL):
        kind, text = found.groups()
        line = page.count("\n", 0, found.start(2)) + 1
        if kind == "python":
            blocks.append(Block(text, line, ""))
        else:
            assert kind == "text", f"{NAME}:{line}: a block of kind {kind!r}"
            assert not blocks[-1].shown, f"{NAME}:{line}: nothing runs between two outputs"
            blocks[-1].shown = text
    return blocks


def run(block: Block, names: dict[str, object]) -> str:
    """What a block prints, warnings included."""
    printed = io.StringIO()

    def show(message, category, *_):
        print(f"{category.__name__}: {message}", file=printed)

    source = "\n" * (block.line - 1) + block.code  # so that the lines are those of the page
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    code = compile(source, NAME, "exec")
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = show
        exec(code, names)
    return printed.getvalue()


@pytest.fixture
def _place(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("Agg")
    reset_names()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(DERIVATIVES, sampling.adjust_contrast, DERIVATIVES[sampling.adjust_contrast])


@pytest.mark.cpu  # tensors on a device say so where they are printed
@pytest.mark.usefixtures("_place")
def test_blocks_print_what_is_shown(tmp_path):
    names: dict[str, object] = {"__name__": "guide"}
    compare = doctest.OutputChecker()
    wrong = []
    for block in read_blocks(PAGE):
        printed = run(block, names)
        if not compare.check_output(block.shown, printed, LAYOUT):
            wrong.append(f"{NAME}:{block.line} printed\n{printed}")
    assert wrong == []
    assert (tmp_path / "sigmoid.png").stat().st_size > 10_000


def test_pictures_are_there():
    for picture in re.findall(r"!\[.+\]\((.+)\)", PAGE):
        assert (ROOT / "docs" / picture).stat().st_size > 10_000


def test_sections_that_are_linked_to_are_there():
    lines = re.findall(r"^#+ (.+)$", PAGE, flags=re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in lines}
    links = re.findall(r"\]\(#(.+?)\)", PAGE)
    assert links and set(links) <= headings


def test_the_table_is_whole():
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    assert rows[0] == "| | TensorFlow | tapec | why |"
    assert {row.count("|") for row in rows} == {5}


def test_the_reader_of_blocks_can_fail():
    with pytest.raises(AssertionError, match="kind 'bash'"):
        read_blocks("```bash\nls\n```\n")
    with pytest.raises(AssertionError, match="between two outputs"):
        read_blocks("```python\nx\n```\n```text\n1\n```\n```text\n1\n```\n")
