"""The examples in README.md run as they are shown and print what it says."""

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")


def test_examples_print_what_is_shown():
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
    kinds = [kind for kind, _ in blocks]
    assert kinds == ["python", "text"] * (len(kinds) // 2)
    assert kinds
    names = {}
    for (_, source), (_, expected) in zip(blocks[::2], blocks[1::2], strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(source, "README.md", "exec"), names)
        assert printed.getvalue() == expected


def test_the_two_commands_are_shown():
    assert "make demo" in README
    assert "make test" in README
