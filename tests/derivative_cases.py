"""For every differentiable primitive: operands and attributes at which its derivative is checked.

A primitive that has no case fails `test_derivatives.py`: elementwise ones get theirs from the declaration, the others
are listed by family.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tapec.ir.primitive import Primitive
from tapec.ops import elementwise as ew

# Shapes of the operands of a unary and of a binary op: 0-d, full, empty, and three kinds of broadcast.
UNARY = [((),), ((2, 3),), ((0, 2),)]
BINARY = [((), ()), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2,)), ((0, 2), (2,))]

POSITIVE = {"sqrt", "log", "pow", "gamma_sample"}
ABOVE_ONE = {"log1p": -0.7}  # smallest operand, where it is not any number


@dataclass
class Case:
    """Operands of one op. Those at the positions `constants` (indices, conditions) are not differentiated by."""

    operands: list[Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: tuple[int, ...] = ()

    def __str__(self) -> str:
        return "x".join(str(np.shape(x)).replace(" ", "") for x in self.operands) + "".join(
            f",{k}={v}" for k, v in self.attributes.items()
        )


def numbers(shape: tuple[int, ...], low: float, seed: int) -> np.ndarray:
    """Numbers in [low, 2.3) that keep away from each other, from the integers and from zero."""
    size = int(np.prod(shape))
    spread = np.linspace(low + 0.05, 2.3, size + 1)[:size] if size else np.zeros(0)
    spread = np.where(np.abs(spread - np.rint(spread)) < 0.1, spread + 0.2, spread)
    return np.random.default_rng(seed).permutation(spread).reshape(shape)


def elementwise_cases(primitive: Primitive) -> list[Case]:
    """Cases from the declaration."""
    low = 0.3 if primitive.name in POSITIVE else ABOVE_ONE.get(primitive.name, -2.0)
    if primitive is ew.select:
        condition = np.array([True, False, True])
        return [
            Case([condition, numbers((2, 3), low, 1), numbers((3,), low, 2)], constants=(0,)),
            Case([np.array(True), numbers((), low, 1), numbers((2,), low, 2)], constants=(0,)),
            Case([condition, numbers((0, 1), low, 1), numbers((), low, 2)], constants=(0,)),
        ]
    attributes: list[dict[str, Any]] = [{}]
    if primitive is ew.integer_pow:
        attributes = [{"exponent": n} for n in (-2, -1, 0, 1, 2, 3, 7)]
    elif primitive is ew.cast:
        attributes = [{"dtype": "f64"}]
    shapes = UNARY if primitive.arity == 1 else BINARY
    return [
        Case([numbers(s, low, seed) + 0.013 * seed for seed, s in enumerate(operands)], a)
        for operands in shapes
        for a in attributes
    ]


def _x(*shape: int, seed: int = 0) -> np.ndarray:
    return numbers(shape, -2.0, seed)


_ROWS, _WINDOW = np.array([[0, -1], [2, 0]]), {"start": (1, 2), "size": (2, 2), "step": (2, -1)}

# A matrix and what `lu` makes of it.
_FACTORS = (np.eye(2), np.eye(2), np.array([1, 2], np.int32))
_NO_FACTORS = (np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0, np.int32))

OTHER_CASES: dict[str, list[Case]] = {
    "broadcast": [
        Case([_x(3)], {"shape": (2, 3)}),
        Case([_x(2, 1)], {"shape": (4, 2, 3)}),
        Case([_x()], {"shape": (2,)}),
        Case([_x(2, 1)], {"shape": (2, 0)}),
        Case([_x(1, 2)], {"shape": (1, 2)}),
    ],
    "reshape": [
        Case([_x(2, 3)], {"shape": (3, 2)}),
        Case([_x()], {"shape": (1, 1)}),
        Case([_x(0, 2)], {"shape": (0,)}),
    ],
    "transpose": [
        Case([_x(2, 3, 4)], {"permutation": (2, 0, 1)}),
        Case([_x()], {"permutation": ()}),
        Case([_x(0, 2)], {"permutation": (1, 0)}),
    ],
    "slice": [
        Case([_x(4, 3)], _WINDOW),
        Case([_x(4)], {"start": (0,), "size": (0,), "step": (1,)}),
        Case([_x()], {"start": (), "size": (), "step": ()}),
    ],
    "unslice": [
        Case([_x(2, 2)], {"start": (1, 2), "step": (2, -1), "shape": (4, 3)}),
        Case([_x(0)], {"start": (0,), "step": (1,), "shape": (2,)}),
        Case([_x(1)], {"start": (1,), "step": (1,), "shape": (3,)}),
    ],
    "windows": [
        Case([_x(4, 5)], {"size": (2, 3), "step": (1, 2)}),
        Case([_x(4, 6)], {"size": (2, 3), "step": (2, 3)}),
        Case([_x(5)], {"size": (2,), "step": (2,)}),
        Case([_x(3, 0)], {"size": (2, 1), "step": (1, 1)}),
        Case([_x(2)], {"size": (3,), "step": (1,)}),
        Case([_x()], {"size": (), "step": ()}),
    ],
    "concat": [
        Case([_x(2, 3), _x(1, 3, seed=1), _x(0, 3)], {"axis": 0}),
        Case([_x(2, 1), _x(2, 2, seed=1)], {"axis": 1}),
        Case([_x(2)], {"axis": 0}),
    ],
    "sum": [
        Case([_x(2, 3)], {"axes": (0,)}),
        Case([_x(2, 3, 2)], {"axes": (0, 2)}),
        Case([_x(2, 3)], {"axes": (0, 1)}),
        Case([_x(2, 0)], {"axes": (1,)}),
        Case([_x(2, 0)], {"axes": (0,)}),
    ],
    "prod": [
        Case([_x(2, 3)], {"axes": (1,)}),
        Case([_x(2, 3, 2)], {"axes": (0, 2)}),
        Case([_x(5, 2)], {"axes": (0,)}),
        Case([_x(7)], {"axes": (0,)}),
        Case([_x(1, 2)], {"axes": (0,)}),
        Case([_x(2, 0)], {"axes": (1,)}),
        Case([_x(2, 0)], {"axes": (0,)}),
        Case([np.array([0.0, 2.0, 3.0])], {"axes": (0,)}),
        Case([np.array([[0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 0.0, 3.0]])], {"axes": (1,)}),
        Case([np.array([[0.0, 0.0, 3.0, 2.0], [0.5, 0.0, 3.0, 0.0]])], {"axes": (0, 1)}),
    ],
    "max": [
        Case([_x(2, 3)], {"axes": (1,)}),
        Case([_x(2, 3, 2)], {"axes": (0, 2)}),
        Case([_x(2, 3)], {"axes": (0, 1)}),
        Case([_x(0, 3)], {"axes": (1,)}),
    ],
    "min": [
        Case([_x(2, 3)], {"axes": (0,)}),
        Case([_x(2, 3, 2)], {"axes": (1,)}),
        Case([_x(1)], {"axes": (0,)}),
        Case([_x(0, 3)], {"axes": (1,)}),
    ],
    "cumsum": [
        Case([_x(2, 3)], {"axis": 1, "reverse": False}),
        Case([_x(2, 3)], {"axis": 0, "reverse": True}),
        Case([_x(2, 0)], {"axis": 1, "reverse": False}),
    ],
    "matmul": [
        Case([_x(2, 3), _x(3, 4, seed=1)]),
        Case([_x(2, 2, 3), _x(2, 3, 1, seed=1)]),
        Case([_x(1, 2), _x(2, 1, seed=1)]),
        Case([_x(2, 0), _x(0, 3, seed=1)]),
        Case([_x(0, 2), _x(2, 3, seed=1)]),
    ],
    "take": [
        Case([_x(3, 2), _ROWS], {"axis": 0}, constants=(1,)),
        Case([_x(2, 3), np.array(-1)], {"axis": 1}, constants=(1,)),
        Case([_x(3), np.zeros(0, np.int64)], {"axis": 0}, constants=(1,)),
    ],
    "scatter_add": [
        Case([_x(3, 2), _ROWS, _x(2, 2, 2, seed=1)], {"axis": 0}, constants=(1,)),
        Case([_x(2, 3), np.array(-1), _x(2, seed=1)], {"axis": 1}, constants=(1,)),
        Case([_x(1), np.array([0, 0]), _x(2, seed=1)], {"axis": 0}, constants=(1,)),
        Case([_x(3), np.zeros(0, np.int64), _x(0)], {"axis": 0}, constants=(1,)),
    ],
    "take_along": [
        Case([_x(3, 2), np.array([[0, -1], [2, 0], [2, 1], [0, 0]])], {"axis": 0}, constants=(1,)),
        Case([_x(2, 3), np.zeros((2, 0), np.int64)], {"axis": 1}, constants=(1,)),
    ],
    "scatter_add_along": [
        Case([_x(3, 2), np.array([[0, -1], [2, 0]]), _x(2, 2, seed=1)], {"axis": 0}, constants=(1,)),
        Case([_x(1, 1), np.array([[0, 0]]), _x(1, 2, seed=1)], {"axis": 1}, constants=(1,)),
    ],
    "slice_set": [
        Case([_x(4, 3), _x(2, 2, seed=1)], {"start": (1, 2), "step": (2, -1)}),
        Case([_x(2), _x(0)], {"start": (0,), "step": (1,)}),
        Case([_x(), _x(seed=1)], {"start": (), "step": ()}),
    ],
    "slice_add": [
        Case([_x(4, 3), _x(2, 2, seed=1)], {"start": (1, 2), "step": (2, -1)}),
        Case([_x(2), _x(0)], {"start": (0,), "step": (1,)}),
        Case([_x(), _x(seed=1)], {"start": (), "step": ()}),
    ],
    "put": [
        Case([_x(6), np.array([[4, 0], [-1, 2]]), _x(2, 2, seed=1)], {"axis": 0, "distinct": True}, constants=(1,)),
        Case([_x(3, 2), _ROWS, _x(2, 2, 2, seed=1)], {"axis": 0, "distinct": False}, constants=(1,)),
        Case([_x(2, 3), np.array([1, -2, 0, 1]), _x(2, 4, seed=1)], {"axis": 1, "distinct": False}, constants=(1,)),
        Case([_x(3), np.zeros(0, np.int64), _x(0)], {"axis": 0, "distinct": False}, constants=(1,)),
        Case([_x(2, 3), np.array(1), _x(2, seed=1)], {"axis": 1, "distinct": False}, constants=(1,)),
    ],
    "lu_solve": [Case([*_FACTORS, _x(2, 1, seed=1)], {"transposed": flag}, constants=(1, 2)) for flag in (False, True)],
    "triangular_solve": [
        Case([_x(2, 2), _x(2, 3, seed=1)], {"lower": lower, "transposed": t, "unit": unit})
        for lower in (False, True)
        for t in (False, True)
        for unit in (False, True)
    ],
    "cholesky": [Case([np.eye(2)]), Case([np.ones((3, 1, 1))]), Case([_x(0, 0)])],
    "log_abs_det": [Case([np.array(0.0), *_FACTORS]), Case([np.array(0.0), *_NO_FACTORS])],
    "det": [Case([np.array(1.0), *_FACTORS]), Case([np.array(1.0), *_NO_FACTORS])],
    "cofactor": [Case([np.eye(2), *_FACTORS]), Case([_x(0, 0), *_NO_FACTORS])],
    "pinv": [Case([_x(2, 3), _x(3, 2)]), Case([_x(0, 1), _x(1, 0)])],
    "fft": [Case([_x(*shape, 2)], {"inverse": i}) for shape in ((1,), (2,), (5,), (2, 4)) for i in (False, True)],
    "rfft": [Case([_x(*shape)]) for shape in ((1,), (2,), (5,), (2, 4), (0, 3))],
    "irfft": [Case([_x(n // 2 + 1, 2)], {"size": n}) for n in (1, 2, 4, 5)] + [Case([_x(2, 3, 2)], {"size": 5})],
}


def cases(primitive: Primitive) -> list[Case]:
    """Cases of a differentiable primitive; `KeyError` if nobody has thought of one."""
    if primitive.family is ew.ELEMENTWISE:
        return elementwise_cases(primitive)
    return OTHER_CASES[primitive.name]
