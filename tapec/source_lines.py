"""Looking into the user's source for what no recording can know: how a name came to mean a Tensor."""

from __future__ import annotations

import ast
import linecache
from types import CodeType, FrameType
from typing import Any, NamedTuple

from tapec.ir.graph import Location


class Rebound(NamedTuple):
    """A name that was given a Variable and later something computed from it.

    Attributes:
        name: the name.
        location: where it was given the other value.
        again: whether a Variable stood there before; otherwise the Variable was never a value of the name.
        text: the source of that statement.
    """

    name: str
    location: Location
    again: bool
    text: str


def name_of(value: Any, frame: FrameType | None) -> str | None:
    """A name that stands for this very object in a frame, or in its module."""
    if frame is None:
        return None
    for names in (frame.f_locals, frame.f_globals):
        for name, known in names.items():
            if known is value and not name.startswith("_"):
                return name
    return None


def replaced_variable(value: Any, frame: FrameType | None) -> Rebound | None:
    """Where a name of `value` was given something computed from a `Variable`, if the source says so."""
    name = name_of(value, frame)
    if name is None or frame is None:
        return None
    code = frame.f_code if name in frame.f_locals else None
    statements = _assignments(frame.f_code.co_filename, name, code)
    variable = next((s for s in statements if _is_variable(s.value)), None)
    for statement in statements:
        if _is_variable(statement.value):
            continue
        within = any(_is_variable(part) for part in ast.walk(statement.value))
        from_itself = isinstance(statement, ast.AugAssign) or any(
            isinstance(part, ast.Name) and part.id == name for part in ast.walk(statement.value)
        )
        if within or (variable is not None and from_itself):
            location = Location(frame.f_code.co_filename, statement.lineno)
            text = linecache.getline(location.filename, location.line).strip()
            return Rebound(name, location, not within, text)
    return None


def _assignments(filename: str, name: str, code: CodeType | None) -> list[ast.Assign | ast.AugAssign]:
    """Statements that give `name` a value, in the lines of `code` or of the whole file."""
    lines = linecache.getlines(filename)
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError):  # the file has changed, or is none: a notebook's magic, for example
        return []
    first, last = (1, len(lines)) if code is None or code.co_name == "<module>" else _range(code)
    found: list[ast.Assign | ast.AugAssign] = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AugAssign)) and first <= node.lineno <= last:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                found.append(node)
    return sorted(found, key=lambda node: node.lineno)


def _range(code: CodeType) -> tuple[int, int]:
    lines = [line for _, _, line in code.co_lines() if line is not None]
    return code.co_firstlineno, max(lines, default=code.co_firstlineno)


def _is_variable(node: ast.AST) -> bool:
    """Whether an expression is a call of something that is named `Variable`."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")) == "Variable"
