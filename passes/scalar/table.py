"""One row per elementwise primitive: how a register of its result is computed from registers of its operands.

A row takes the function under construction, the dtype of the last operand, the operands (all of one width) and the
primitive's attributes. It may end the current block and open others; `FunctionText.block` names the one it leaves open.
"""

from __future__ import annotations

from collections.abc import Callable

from tapec.ir import dtypes
from tapec.ir.dtypes import DType
from tapec.ir.graph import Attribute
from tapec.ir.primitive import Primitive
from tapec.ops import contraction, sampling
from tapec.ops import elementwise as ew
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar import (
    arctangent,
    arithmetic,
    division,
    error_function,
    exponential,
    logarithm,
    philox,
    power,
    trigonometric,
)
from tapec.passes.scalar.lanes import Lanes

Row = Callable[[FunctionText, DType, tuple[Reg, ...], dict[str, Attribute]], Reg]


def _plain(row: Callable[..., Reg]) -> Row:
    return lambda f, dtype, operands, attributes: row(f, dtype, *operands)


def _predicate(row: Callable[[FunctionText, DType, str, Reg, Reg], Reg], predicate: str) -> Row:
    return lambda f, dtype, operands, attributes: row(f, dtype, predicate, *operands)


def _formula(formula: Callable[..., Lanes]) -> Row:
    return lambda f, dtype, operands, attributes: formula(*(Lanes(f, r) for r in operands)).reg


def _intrinsic(name: str) -> Row:
    return lambda f, dtype, operands, attributes: f.intrinsic(name, *operands)


def _instruction(name: str) -> Row:
    return lambda f, dtype, operands, attributes: f.binary(name, *operands)


def _identity(f: FunctionText, dtype: DType, operands: tuple[Reg, ...], attributes: dict[str, Attribute]) -> Reg:
    return operands[0]


def _select(f: FunctionText, dtype: DType, operands: tuple[Reg, ...], attributes: dict[str, Attribute]) -> Reg:
    return f.select(*operands)


def _integer_pow(f: FunctionText, dtype: DType, operands: tuple[Reg, ...], attributes: dict[str, Attribute]) -> Reg:
    exponent = attributes["exponent"]
    assert isinstance(exponent, int)
    return arithmetic.integer_pow(f, dtype, operands[0], exponent)


def _cast(f: FunctionText, dtype: DType, operands: tuple[Reg, ...], attributes: dict[str, Attribute]) -> Reg:
    return arithmetic.cast(f, dtype, operands[0], dtypes.by_name(str(attributes["dtype"])))


ROWS: dict[Primitive, Row] = {
    ew.add: _plain(arithmetic.add),
    ew.sub: _plain(arithmetic.sub),
    ew.mul: _plain(arithmetic.mul),
    ew.div: _plain(arithmetic.div),
    ew.floor_divide: _plain(division.floor_divide),
    ew.remainder: _plain(division.remainder),
    ew.strong_mul: _plain(arithmetic.strong_mul),
    ew.zero_mul: _plain(arithmetic.zero_mul),
    ew.maximum: _predicate(arithmetic.extremum, "ge"),
    ew.minimum: _predicate(arithmetic.extremum, "le"),
    ew.pow: _formula(power.pow),
    ew.atan2: _formula(arctangent.atan2),
    ew.neg: _plain(arithmetic.neg),
    ew.abs: _plain(arithmetic.abs),
    ew.sign: _plain(arithmetic.sign),
    ew.integer_pow: _integer_pow,
    ew.sqrt: _intrinsic("sqrt"),
    ew.exp: _formula(exponential.exp),
    ew.expm1: _formula(exponential.expm1),
    ew.log: _formula(logarithm.log),
    ew.log1p: _formula(logarithm.log1p),
    ew.sin: _formula(trigonometric.sin),
    ew.cos: _formula(trigonometric.cos),
    ew.atan: _formula(arctangent.atan),
    ew.tanh: _formula(exponential.tanh),
    ew.sigmoid: _formula(exponential.sigmoid),
    ew.erf: _formula(error_function.erf),
    ew.relu: _plain(arithmetic.relu),
    ew.floor: _intrinsic("floor"),
    ew.ceil: _intrinsic("ceil"),
    ew.trunc: _intrinsic("trunc"),
    ew.rint: _intrinsic("roundeven"),
    ew.cast: _cast,
    ew.copy: _identity,
    ew.stop_gradient: _identity,
    ew.barrier: _identity,
    ew.eq: _predicate(arithmetic.compare, "eq"),
    ew.ne: _predicate(arithmetic.compare, "ne"),
    ew.lt: _predicate(arithmetic.compare, "lt"),
    ew.le: _predicate(arithmetic.compare, "le"),
    ew.gt: _predicate(arithmetic.compare, "gt"),
    ew.ge: _predicate(arithmetic.compare, "ge"),
    ew.bit_and: _instruction("and"),
    ew.bit_or: _instruction("or"),
    ew.bit_xor: _instruction("xor"),
    ew.bit_not: _plain(arithmetic.bit_not),
    ew.select: _select,
    contraction.fma: _intrinsic("fma"),
    sampling.philox_low: _plain(philox.low),
    sampling.philox_high: _plain(philox.high),
    sampling.gamma_sample: _identity,
    sampling.adjust_contrast: _plain(arithmetic.adjust_contrast),
}

EXCUSED: dict[Primitive, str] = {
    ew.wrap_index: "it may raise, so the loop that reads by the index emits it, where the way out is known",
}
