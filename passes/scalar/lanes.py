"""Formulas over registers, written as formulas.

`Lanes` is a register with Python's operators: `a * b + 1.0` appends a multiplication and an addition to the function
under construction, for a scalar or a vector alike. Python numbers become constants of the other operand's type. Nothing
is contracted or reordered: `fma` stands where a fused multiply-add is meant and nowhere else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.scalar.seldom_names import PREFIX as SELDOM


@dataclass(frozen=True, slots=True)
class FloatFormat:
    """An IEEE 754 binary format as bit-level code needs it.

    Args:
        element: LLVM's type.
        integer: LLVM's integer type of the same width.
        mantissa: stored bits of the significand.
        bias: exponent bias.
    """

    element: str
    integer: str
    mantissa: int
    bias: int

    @property
    def bits(self) -> int:
        """Width of the format in bits."""
        return int(self.integer[1:])

    @property
    def shift(self) -> float:
        """Added to a number below 2**(mantissa - 1), it leaves the nearest integer in the low bits of the sum."""
        return 1.5 * 2.0**self.mantissa

    @property
    def least_normal(self) -> float:
        """The least positive normal number."""
        return 2.0 ** (1 - self.bias)

    def pattern(self, value: float) -> int:
        """The bits of a number of the format, as an integer."""
        kinds = (">d", ">Q") if self.bits == 64 else (">f", ">I")
        return int(struct.unpack(kinds[1], struct.pack(kinds[0], value))[0])


F32 = FloatFormat("float", "i32", 23, 127)
F64 = FloatFormat("double", "i64", 52, 1023)
FORMATS = {"float": F32, "double": F64}


class Lanes:
    """A register in a function under construction; operators append instructions.

    Args:
        f: the function.
        reg: the register.
    """

    __slots__ = ("f", "reg")

    def __init__(self, f: FunctionText, reg: Reg) -> None:
        self.f = f
        self.reg = reg

    @property
    def format(self) -> FloatFormat:
        """The floating format of the lanes."""
        return FORMATS[self.reg.element]

    def constant(self, value: bool | float) -> Lanes:
        """A number in every lane, of this register's type."""
        return Lanes(self.f, self.f.number(value, self.reg.element, self.reg.width))

    def _operand(self, other: Lanes | float) -> Reg:
        return other.reg if isinstance(other, Lanes) else self.constant(other).reg

    def _binary(self, floating: str, integer: str, other: Lanes | float) -> Lanes:
        name = floating if self.reg.element in FORMATS else integer
        return Lanes(self.f, self.f.binary(name, self.reg, self._operand(other)))

    def __add__(self, other: Lanes | float) -> Lanes:
        return self._binary("fadd", "add", other)

    def __sub__(self, other: Lanes | float) -> Lanes:
        return self._binary("fsub", "sub", other)

    def __rsub__(self, other: float) -> Lanes:
        return self.constant(other) - self

    def __mul__(self, other: Lanes | float) -> Lanes:
        return self._binary("fmul", "mul", other)

    def __truediv__(self, other: Lanes | float) -> Lanes:
        return Lanes(self.f, self.f.fdiv(self.reg, self._operand(other)))

    def __rtruediv__(self, other: float) -> Lanes:
        return self.constant(other) / self

    def __neg__(self) -> Lanes:
        return Lanes(self.f, self.f.fneg(self.reg))

    def __and__(self, other: Lanes | int) -> Lanes:
        return Lanes(self.f, self.f.binary("and", self.reg, self._operand(other)))

    def __or__(self, other: Lanes | int) -> Lanes:
        return Lanes(self.f, self.f.binary("or", self.reg, self._operand(other)))

    def __xor__(self, other: Lanes | int) -> Lanes:
        return Lanes(self.f, self.f.binary("xor", self.reg, self._operand(other)))

    def __invert__(self) -> Lanes:
        return self ^ self.constant(1 if self.reg.element == "i1" else -1)

    def __lshift__(self, count: int) -> Lanes:
        return Lanes(self.f, self.f.binary("shl", self.reg, self._operand(count)))

    def __rshift__(self, count: int) -> Lanes:
        """Logical shift: zeros come in."""
        return Lanes(self.f, self.f.binary("lshr", self.reg, self._operand(count)))

    def compare(self, predicate: str, other: Lanes | float) -> Lanes:
        """LLVM's `fcmp` or `icmp` with this predicate."""
        compare = self.f.fcmp if self.reg.element in FORMATS else self.f.icmp
        return Lanes(self.f, compare(predicate, self.reg, self._operand(other)))

    def lt(self, other: Lanes | float) -> Lanes:
        """Floats: less, and false if either is NaN."""
        return self.compare("olt", other)

    def gt(self, other: Lanes | float) -> Lanes:
        """Floats: greater, and false if either is NaN."""
        return self.compare("ogt", other)

    def eq(self, other: Lanes | float) -> Lanes:
        """Floats: equal, and false if either is NaN."""
        return self.compare("oeq", other)

    def abs(self) -> Lanes:
        """Magnitude of floats."""
        return Lanes(self.f, self.f.intrinsic("fabs", self.reg))

    def copysign(self, sign: Lanes) -> Lanes:
        """This magnitude with the other's sign."""
        return Lanes(self.f, self.f.intrinsic("copysign", self.reg, sign.reg))

    def at_most(self, bound: float) -> Lanes:
        """The smaller of the two; NaN stays NaN."""
        limit = self.constant(bound)
        return where(limit.lt(self), limit, self)

    def at_least(self, bound: float) -> Lanes:
        """The larger of the two; NaN stays NaN."""
        limit = self.constant(bound)
        return where(limit.gt(self), limit, self)

    def pattern(self) -> Lanes:
        """The bits of floats as integers."""
        return self.convert("bitcast", self.format.integer)

    def floats(self) -> Lanes:
        """Integers as the floats that have these bits."""
        return self.convert("bitcast", "double" if self.reg.element == "i64" else "float")

    def convert(self, instruction: str, element: str) -> Lanes:
        """A conversion instruction, lane by lane."""
        return Lanes(self.f, self.f.convert(instruction, self.reg, element))


def fma(a: Lanes, b: Lanes | float, c: Lanes | float) -> Lanes:
    """a * b + c, rounded once."""
    return Lanes(a.f, a.f.intrinsic("fma", a.reg, a._operand(b), a._operand(c)))


def where(condition: Lanes, a: Lanes | float, b: Lanes | float) -> Lanes:
    """a in the lanes where the condition is true, b in the others; one of the two may be a number."""
    if not isinstance(a, Lanes):
        assert isinstance(b, Lanes)
        a = b.constant(a)
    return Lanes(condition.f, condition.f.select(condition.reg, a.reg, a._operand(b)))


def any_lane(mask: Lanes) -> Reg:
    """Whether any lane is true, as one `i1`."""
    f, reg = mask.f, mask.reg
    if reg.width == 1:
        return reg
    symbol = f"llvm.vector.reduce.or.v{reg.width}i1"
    f.declarations.add(f"declare i1 @{symbol}({reg.type})")
    return f.assign(f"call i1 @{symbol}({reg.type} {reg.text})", "i1")


def rarely(mask: Lanes, usual: Lanes, repaired: Callable[[], Lanes]) -> Lanes:
    """`usual`, unless some lane of the mask is true: then what `repaired` computes, in a block that is seldom entered.

    `repaired` must give every lane that the mask leaves out its usual value, so that no lane depends on another.
    """
    f = mask.f
    rare, done = f.fresh("rare"), f.fresh("usual")
    before = f.block
    f.branch_if(any_lane(mask), rare, done)
    f.label(rare)
    value = repaired()
    after = f.block
    f.branch(done)
    f.label(done)
    incoming = [(usual.reg.text, before), (value.reg.text, after)]
    return Lanes(f, f.phi(usual.reg.element, incoming, usual.reg.width))


def in_memory(f: FunctionText, function: str, *operands: Reg) -> Lanes:
    """Calls the `void (ptr, ..., i64 count)` of `passes.scalar.seldom` on arrays of the operands' lanes; what it leaves
    in the first.
    """
    first = operands[0]
    name = f"{SELDOM}{function}_{first.element}"
    f.declarations.add(f"declare void @{name}({', '.join(['ptr'] * len(operands))}, i64)")
    arrays = []
    for reg in operands:
        array = f.alloca(reg.element, reg.width, reg.bits // 8)
        f.store(reg, array)
        arrays.append(f"ptr {array.text}")
    f.line(f"call void @{name}({', '.join(arrays)}, i64 {first.width})")
    return Lanes(f, f.load(Reg(arrays[0].removeprefix("ptr "), "ptr"), first.element, first.width))
