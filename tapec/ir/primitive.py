"""What a primitive is: a name, a family, attributes, and its reference meaning.

Everything else that can be said of a primitive (derivatives, machine code, batching) stands in the table of whoever
needs it, keyed by the primitive. A family is a set of primitives that share a type rule and the shape of their code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

from tapec.errors import ShapeError
from tapec.ir.graph import Attribute, Graph
from tapec.ir.types import TensorType


class Family(ABC):
    """The type rule of a set of primitives."""

    name: str

    @abstractmethod
    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """Types of the results.

        Raises:
            ShapeError: operand shapes do not fit.
            DTypeError: operand dtypes do not fit.
            AttributeValueError: an attribute is outside what it may be.
        """

    def infer_regions(
        self,
        primitive: Primitive,
        operands: tuple[TensorType, ...],
        attributes: dict[str, Attribute],
        regions: tuple[Graph, ...],
    ) -> tuple[TensorType, ...]:
        """Types of the results of an op whose type rule looks into its regions; `infer` for all others."""
        return self.infer(primitive, operands, attributes)


class RegionFamily(Family):
    """The type rule of primitives whose regions say what goes in and out."""

    def infer(
        self, primitive: Primitive, operands: tuple[TensorType, ...], attributes: dict[str, Attribute]
    ) -> tuple[TensorType, ...]:
        """Always raises: the types of the results stand in the regions."""
        raise ShapeError(f"{primitive.name} needs regions; their types are those of its results")

    @abstractmethod
    def infer_regions(
        self,
        primitive: Primitive,
        operands: tuple[TensorType, ...],
        attributes: dict[str, Any],
        regions: tuple[Graph, ...],
    ) -> tuple[TensorType, ...]:
        """See `Family.infer_regions`."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One operation of the IR. Compared by identity; register it with `tapec.ops.registry.define`.

    Args:
        name: its name in the text form, without the dialect.
        family: its type rule and kind of code.
        arity: number of operands; -1 for any number from one up.
        meaning: the reference: NumPy arrays in, a NumPy array out, attributes by keyword.
        summary: one sentence, for the documentation.
        attributes: attribute names in the order in which they are printed.
        exact: whether `meaning` gives the same bits as the generated code. Where it does not (transcendental functions,
            sums), eager runs call the generated code too.
        traits: algebraic facts: `commutative`, `idempotent`, `effect` (must not be removed), ...
        operand_kinds: dtype kinds that it takes, for example `"f"` or `"biuf"`.
        result: dtype rule: `"same"` as the operands', `"bool"`, `"i64"`, `"attribute"` (the attribute `dtype`), or
            `"regions"` (what the regions return).
        regions: number of regions; -1 for any number from one up.
        results: number of results; -1 where the regions say it.
    """

    name: str
    family: Family
    arity: int
    meaning: Callable[..., Any]
    summary: str
    attributes: tuple[str, ...] = ()
    exact: bool = True
    traits: frozenset[str] = field(default_factory=frozenset)
    operand_kinds: str = "biuf"
    result: str = "same"
    regions: int = 0
    results: int = 1

    def __repr__(self) -> str:
        return f"<Primitive {self.name}>"
