"""Ops of functions with derivative rules of their own, as they are recorded and replayed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np

from tapec.ir.graph import Graph
from tapec.ir.primitive import Primitive
from tapec.ops import custom
from tapec.recording import ACTIVE
from tapec.tensor import Tensor, make


class LiveRule(ABC):
    """A rule that runs Python when a derivative graph that reaches it is replayed."""

    @abstractmethod
    def run(self, given: list[Tensor], sizes: tuple[int, ...], *, pulls: bool) -> list[Tensor]:
        """Cotangents of the floating arguments, or tangents of the floating results.

        Args:
            given: the others.
            sizes: extents of the leading axes of all of these, for each of which the rule is asked.
            pulls: whether cotangents are asked for.
        """


@final
class Token(Tensor):
    """What stands for a live rule in recordings: a tensor without a meaning, which carries the rule along."""

    __slots__ = ("rule",)

    rule: LiveRule


def token_of(rule: LiveRule) -> Token:
    """A token that carries `rule`."""
    token = object.__new__(Token)
    token._array = np.zeros((), np.int64)
    token._serial = make(token._array)._serial
    token._weak = token._literal = False
    token.rule = rule
    return token


def record_custom(
    primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> tuple[Tensor, ...]:
    """Tells the recorders of `custom.rule` or `custom.live`; its results, which are new tensors."""
    first = 1 if primitive is custom.live else 0
    fresh = tuple([make(t._array, t._weak) for t in operands[first : first + attributes["results"]]])
    for recorder in ACTIVE.recorders:
        recorder.record_control(primitive, operands, attributes, regions, fresh)
    return fresh


def replay_custom(
    primitive: Primitive, operands: tuple[Tensor, ...], attributes: dict[str, Any], regions: tuple[Graph, ...]
) -> tuple[Tensor, ...]:
    """Runs an op of `tapec.ops.custom` of a graph that is replayed."""
    if primitive in (custom.rule, custom.live):
        return record_custom(primitive, operands, attributes, regions)
    token, *given = operands
    assert isinstance(token, Token), token
    location, ACTIVE.location = ACTIVE.location, None  # the rule has lines of its own
    try:
        return tuple(token.rule.run(given, attributes["sizes"], pulls=primitive is custom.pull))
    finally:
        ACTIVE.location = location
