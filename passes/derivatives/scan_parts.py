"""A scan taken apart."""

from __future__ import annotations

from typing import Any

from tapec.ir.graph import Op


class ScanParts:
    """How many consts, carries and xs a scan has, and where they begin among the operands."""

    def __init__(self, op: Op) -> None:
        attributes: dict[str, Any] = op.attributes
        self.body = op.regions[0]
        self.consts: int = attributes["consts"]
        self.carries: int = attributes["carries"]
        self.length: int = attributes["length"]
        self.reverse: bool = attributes["reverse"]
        self.xs = self.consts + self.carries  # the first of the xs

    def carry(self, position: int) -> int | None:
        """The number of the carry at a position of the operands, None for consts and xs."""
        return position - self.consts if self.consts <= position < self.xs else None

    def attributes(self, consts: int, carries: int, reverse: bool) -> dict[str, Any]:
        """Attributes of a loop over the same rounds."""
        return {"consts": consts, "carries": carries, "length": self.length, "reverse": reverse}
