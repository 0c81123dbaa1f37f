"""Tokens of the text form of graphs, and the errors that point into it."""

from __future__ import annotations

import re
from typing import NoReturn, final

from tapec.errors import ParseError

_TOKEN = re.compile(
    r"""[ \t\r\n]+ | //[^\n]*
    | (?P<string>"(?:[^"\\\n]|\\[0-9A-Fa-f]{2}|\\["\\nt])*")
    | (?P<value>%[A-Za-z0-9_$.-]+(?:\#[0-9]+)?)
    | (?P<block>\^[A-Za-z0-9_]+)
    | (?P<type>tensor<(?:[0-9]+x)*[a-wyz]+[0-9]+>)
    | (?P<number>0x[0-9A-Fa-f]+ | -?[0-9]+(?:\.[0-9]*(?:[eE][-+]?[0-9]+)?)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.$]*)
    | (?P<mark>-> | [(){}<>=,:])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\([0-9A-Fa-f]{2}|.)")
_NAMED_ESCAPES = {b"n": b"\n", b"t": b"\t", b'"': b'"', b"\\": b"\\"}


@final
class Tokens:
    """A text read token by token, with a look-ahead of one.

    Attributes:
        kind: of the current token: `string`, `value`, `block`, `type`, `number`, `word`, `mark`, `end` or `unknown`.
        token: its text.
        start: the position where it begins.
    """

    __slots__ = ("_end", "_text", "kind", "start", "token")

    def __init__(self, text: str) -> None:
        self._text = text
        self.start = self._end = 0
        self.kind, self.token = "", ""
        self.advance()

    def advance(self) -> str:
        """Moves to the next token; the one that was current."""
        token = self.token
        while True:
            self.start = self._end
            match = _TOKEN.match(self._text, self.start)
            if match is None:
                self.kind = "end" if self.start == len(self._text) else "unknown"
                self.token = self._text[self.start : self.start + 1]
                return token
            self._end = match.end()
            if match.lastgroup is not None:
                self.kind, self.token = match.lastgroup, match[0]
                return token

    def fail(self, expected: str, at: int | None = None, found: str | None = None) -> NoReturn:
        """Raises `ParseError` at the current token, or at position `at`."""
        position = self.start if at is None else at
        line = self._text.count("\n", 0, position) + 1
        column = position - self._text.rfind("\n", 0, position)
        if found is None:
            found = "the end of the text" if self.kind == "end" else f"`{self.token}`"
        source = self._text.split("\n")[line - 1] if position < len(self._text) else ""
        pointer = f"\n  {source}\n  {' ' * (column - 1)}^" if source else ""
        raise ParseError(f"line {line}, column {column}: found {found}, expected {expected}{pointer}")

    def accept(self, token: str) -> bool:
        """Whether the current token is `token`; moves past it if so."""
        if self.token == token and self.kind in ("mark", "word"):
            self.advance()
            return True
        return False

    def expect(self, token: str) -> None:
        """Moves past `token`."""
        if not self.accept(token):
            self.fail(f"`{token}`")

    def take(self, kind: str, expected: str) -> str:
        """Moves past a token of this kind; the token."""
        if self.kind != kind:
            self.fail(expected)
        return self.advance()

    def string(self, expected: str = "a string") -> str:
        """A string literal's text."""
        start = self.start
        raw = self.take("string", expected)[1:-1].encode("utf-8", "surrogatepass")
        plain = _ESCAPE.sub(lambda m: _NAMED_ESCAPES.get(m[1]) or bytes.fromhex(m[1].decode()), raw)
        try:
            return plain.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.fail("a string whose bytes are UTF-8", start, "other bytes")

    def integer(self) -> int:
        """An integer literal."""
        start = self.start
        token = self.take("number", "an integer")
        if "." in token or token.startswith("0x"):
            self.fail("an integer", start, f"`{token}`")
        return int(token)
