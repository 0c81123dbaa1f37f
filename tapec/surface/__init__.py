"""NumPy's functions, ufuncs and Python's operators on tensors. Importing this package registers all of them."""

from tapec.array_protocol import bind_operators
from tapec.surface import (
    accumulations,
    arithmetic,
    comparison,
    creation,
    einsum,
    exponential,
    gathering,
    indexing,
    inspection,
    joining,
    linalg,
    movement,
    ordering,
    polynomials,
    products,
    quantiles,
    reductions,
    selection,
    statistics,
    taking,
    trigonometric,
)

__all__ = [
    "accumulations",
    "arithmetic",
    "comparison",
    "creation",
    "einsum",
    "exponential",
    "gathering",
    "indexing",
    "inspection",
    "joining",
    "linalg",
    "movement",
    "ordering",
    "polynomials",
    "products",
    "quantiles",
    "reductions",
    "selection",
    "statistics",
    "taking",
    "trigonometric",
]

bind_operators()
