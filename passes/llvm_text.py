"""Writing LLVM IR: one function at a time, as text.

Text is what LLVM parses anyway, and writing it directly is several times faster than building objects for every
instruction first (`docs/design/0003-compiler.md` has the figures). A `Reg` is an operand together with its type, scalar
or vector; every arithmetic method takes either, so that one formula serves the vector body and the scalar tail of a
loop, with the same bits.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from tapec.ir.dtypes import DType

ELEMENTS = {"i1": "i8", "i8": "i8", "i16": "i16", "i32": "i32", "i64": "i64", "ui8": "i8", "ui16": "i16", "ui32": "i32",
            "ui64": "i64", "bf16": "i16", "f16": "i16", "f32": "float", "f64": "double"}  # fmt: skip
# A label that nobody refers to: it costs no instruction, and LLVM's scheduler moves nothing across a label. Left alone,
# it takes a formula on four registers side by side apart into four formulas one behind the other, to hold fewer values
# at once, and the processor waits for each result.
_MARK = "  call void @llvm.codeview.annotation(metadata !{})"
_MARK_DECLARATION = "declare void @llvm.codeview.annotation(metadata)"
_REGION = 3  # instructions between marks
_BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "half": 16, "float": 32, "double": 64, "ptr": 64}


def memory_element(dtype: DType) -> str:
    """LLVM's type of an element in an array; booleans take a byte there and an `i1` in registers.

    Floats of 16 bits are their bits in both: all that is done with them is to move them, and to convert them.
    """
    return ELEMENTS[dtype.name]


def register_element(dtype: DType) -> str:
    """LLVM's type of an element in a register."""
    return "i1" if dtype.kind == "b" else ELEMENTS[dtype.name]


@dataclass(frozen=True, slots=True)
class Reg:
    """An operand: its text (`%7`, `0`, a constant vector) and its type.

    Args:
        text: as it stands in an instruction.
        element: LLVM element type: `double`, `float`, `i64`, `i32`, `i16`, `i8`, `i1` or `ptr`.
        width: number of lanes; 1 is a scalar, not a vector of one.
    """

    text: str
    element: str
    width: int = 1

    @property
    def type(self) -> str:
        """LLVM's spelling of the type."""
        return self.element if self.width == 1 else f"<{self.width} x {self.element}>"

    @property
    def bits(self) -> int:
        """Bits per element."""
        return _BITS[self.element]


class FunctionText:
    """The body of one LLVM function under construction.

    Args:
        name: the symbol.
        signature: parameter list as LLVM text, for example `"ptr noalias %args, i64 %n"`.
        returns: LLVM's return type, behind a calling convention if it is not C's.
        seldom: whether it is a private function that is hardly ever called: it is compiled quickly rather than well,
            and its callers are laid out as if they did not call it.
        private: whether nobody outside the module calls it; what is seldom called is private too.
        attributes: further attributes of the function, as LLVM text.

    Attributes:
        helpers: private functions of the module that this one calls, by name.
        constants: private constant data that it reads, by name, each as `[4 x i64] [i64 1, ...]`.
        variables: private data that it changes, by name, each with what it is at first.
    """

    __slots__ = (
        "_counter", "_in_order", "attributes", "block", "constants", "declarations", "helpers", "lines", "name",
        "private", "prologue", "returns", "seldom", "signature", "stack", "variables",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        signature: str,
        returns: str = "void",
        seldom: bool = False,
        private: bool = False,
        attributes: str = "",
    ) -> None:
        self.name = name
        self.signature = signature
        self.returns = returns
        self.seldom = seldom
        self.private = private or seldom
        self.attributes = attributes
        self.helpers: dict[str, FunctionText] = {}
        self.constants: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.stack: list[str] = []
        self.prologue: list[str] = []
        self.lines: list[str] = []
        self.declarations: set[str] = set()
        self.block = "entry"
        self._in_order = False
        self._counter = 0

    # Text ------------------------------------------------------------------------------------------------------------

    def fresh(self, stem: str = "") -> str:
        """A local name that is not used yet, without the `%`."""
        self._counter += 1
        stem = stem or "v"
        apart = "." if stem[-1].isdigit() else ""  # tmp4 and 747 are not tmp47 and 47
        return f"{stem}{apart}{self._counter}"

    def line(self, text: str) -> None:
        """Appends one instruction."""
        self.lines.append("  " + text)

    def assign(self, text: str, element: str, width: int = 1) -> Reg:
        """Appends `%new = text`."""
        self._counter += 1
        name = f"%v{self._counter}"
        self.lines.append(f"  {name} = {text}")
        if self._in_order and width > 1 and self._counter % _REGION == 0:
            self.lines.append(_MARK)
        return Reg(name, element, width)

    def alloca(self, element: str, count: int, align: int = 64) -> Reg:
        """Stack memory for `count` elements, taken in the function's first block."""
        name = f"%{self.fresh('stack')}"
        self.take_stack(name, element, count, align)
        return Reg(name, "ptr")

    def take_stack(self, name: str, element: str, count: int, align: int = 64) -> None:
        """Has `name` be stack memory. All of it stands in front of any branch: LLVM makes registers of no other."""
        self.stack.append(f"  {name} = alloca [{count} x {element}], align {align}")

    def text(self) -> str:
        """The whole definition, with the declarations of what it calls."""
        linkage = "internal " if self.private else ""
        attributes = " ".join(filter(None, ["#0", self.seldom * "cold noinline optnone", self.attributes]))
        head = [f"define {linkage}{self.returns} @{self.name}({self.signature}) {attributes} {{", "entry:"]
        return "\n".join([*head, *self.stack, *self.prologue, *self.lines, "}"])

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Has the vector instructions written meanwhile stay in the order in which they are written."""
        self.declarations.add(_MARK_DECLARATION)
        self._in_order = True
        yield
        self._in_order = False

    # Blocks ----------------------------------------------------------------------------------------------------------

    def label(self, name: str) -> None:
        """Starts a block; the one before must have been ended by a branch."""
        self.lines.append(f"{name}:")
        self.block = name

    def branch(self, target: str) -> None:
        """Jumps."""
        self.line(f"br label %{target}")

    def branch_if(self, condition: Reg, then: str, otherwise: str) -> None:
        """Jumps to one of two."""
        self.line(f"br i1 {condition.text}, label %{then}, label %{otherwise}")

    def phi(self, element: str, incoming: list[tuple[str, str]], width: int = 1) -> Reg:
        """Joins values by the block that they come from: `(text, block)`; more may be added with `patch_phi`."""
        self._counter += 1
        made = Reg(f"%v{self._counter}", element, width)
        self.line(f"{made.text} = phi {made.type} " + ", ".join(f"[ {v}, %{b} ]" for v, b in incoming))
        return made

    # Constants -------------------------------------------------------------------------------------------------------

    def number(self, value: bool | float, element: str, width: int = 1) -> Reg:
        """A constant in every lane."""
        if element in ("double", "float"):
            if element == "float":
                try:
                    value = struct.unpack("f", struct.pack("f", value))[0]
                except OverflowError:
                    value = float("inf") if value > 0 else float("-inf")
            text = f"0x{struct.unpack('>Q', struct.pack('>d', float(value)))[0]:016X}"
        elif element == "i1":
            text = "true" if value else "false"
        else:
            text = str(int(value))
        return self._splat_text(text, element, width)

    def constant(self, value: bool | float, dtype: DType) -> Reg:
        """A number of a dtype, as registers hold it."""
        if dtype.is_short:
            with np.errstate(over="ignore"):
                bits = np.array(value, dtype.numpy).view(np.int16)
            return Reg(str(bits), "i16")
        return self.number(value, register_element(dtype))

    def _splat_text(self, text: str, element: str, width: int) -> Reg:
        return Reg(text if width == 1 else f"splat ({element} {text})", element, width)

    def splat(self, scalar: Reg, width: int) -> Reg:
        """A scalar in every lane."""
        if width == 1 or scalar.width == width:
            return scalar
        if not scalar.text.startswith("%"):
            return self._splat_text(scalar.text, scalar.element, width)
        vector = f"<{width} x {scalar.element}>"
        one = self.assign(
            f"insertelement {vector} poison, {scalar.element} {scalar.text}, i64 0", scalar.element, width
        )
        return self.assign(
            f"shufflevector {vector} {one.text}, {vector} poison, <{width} x i32> zeroinitializer",
            scalar.element,
            width,
        )

    def extract(self, vector: Reg, lane: int) -> Reg:
        """One lane."""
        return self.assign(f"extractelement {vector.type} {vector.text}, i64 {lane}", vector.element)

    def insert(self, vector: Reg, scalar: Reg, lane: int) -> Reg:
        """A vector with one lane replaced."""
        return self.assign(
            f"insertelement {vector.type} {vector.text}, {scalar.element} {scalar.text}, i64 {lane}",
            vector.element,
            vector.width,
        )

    # Arithmetic ------------------------------------------------------------------------------------------------------

    def binary(self, instruction: str, a: Reg, b: Reg) -> Reg:
        """Any two-operand instruction whose result has the operands' type: `fadd`, `mul`, `lshr`, `and`, ..."""
        return self.assign(f"{instruction} {a.type} {a.text}, {b.text}", a.element, a.width)

    def fadd(self, a: Reg, b: Reg) -> Reg:
        """a + b, floats."""
        return self.binary("fadd", a, b)

    def fsub(self, a: Reg, b: Reg) -> Reg:
        """a - b, floats."""
        return self.binary("fsub", a, b)

    def fmul(self, a: Reg, b: Reg) -> Reg:
        """a * b, floats."""
        return self.binary("fmul", a, b)

    def fdiv(self, a: Reg, b: Reg) -> Reg:
        """a / b, floats."""
        return self.binary("fdiv", a, b)

    def fneg(self, a: Reg) -> Reg:
        """-a, floats."""
        return self.assign(f"fneg {a.type} {a.text}", a.element, a.width)

    def add(self, a: Reg, b: Reg) -> Reg:
        """a + b, integers."""
        return self.binary("add", a, b)

    def sub(self, a: Reg, b: Reg) -> Reg:
        """a - b, integers."""
        return self.binary("sub", a, b)

    def mul(self, a: Reg, b: Reg) -> Reg:
        """a * b, integers."""
        return self.binary("mul", a, b)

    def fcmp(self, predicate: str, a: Reg, b: Reg) -> Reg:
        """Floating comparison: `oeq`, `olt`, `ole`, `ogt`, `oge`, `une`, `uno`, ..."""
        return self.assign(f"fcmp {predicate} {a.type} {a.text}, {b.text}", "i1", a.width)

    def icmp(self, predicate: str, a: Reg, b: Reg) -> Reg:
        """Integer comparison: `eq`, `ne`, `slt`, `sle`, `ult`, ..."""
        return self.assign(f"icmp {predicate} {a.type} {a.text}, {b.text}", "i1", a.width)

    def select(self, condition: Reg, a: Reg, b: Reg) -> Reg:
        """a where the condition is true, else b, lane by lane."""
        return self.assign(
            f"select {condition.type} {condition.text}, {a.type} {a.text}, {b.type} {b.text}", a.element, a.width
        )

    def convert(self, instruction: str, a: Reg, element: str) -> Reg:
        """`sitofp`, `fptosi`, `trunc`, `zext`, `sext`, `fpext`, `fptrunc`, `bitcast`, ... to another element type."""
        to = Reg("", element, a.width).type
        return self.assign(f"{instruction} {a.type} {a.text} to {to}", element, a.width)

    def intrinsic(self, name: str, *operands: Reg) -> Reg:
        """An overloaded intrinsic whose operands and result have one type: `sqrt`, `fma`, `fabs`, `copysign`, `floor`,
        `ceil`, `trunc`, `roundeven`, `smax`, `umin`, ...
        """
        first = operands[0]
        suffix = f"{'' if first.width == 1 else f'v{first.width}'}{_MANGLED.get(first.element, first.element)}"
        symbol = f"llvm.{name}.{suffix}"
        self.declarations.add(f"declare {first.type} @{symbol}({', '.join([first.type] * len(operands))})")
        args = ", ".join(f"{x.type} {x.text}" for x in operands)
        return self.assign(f"call {first.type} @{symbol}({args})", first.element, first.width)

    def call(self, symbol: str, returns: str, *operands: Reg) -> Reg:
        """A call of a declared function; `returns` is an LLVM element type or `void`."""
        args = ", ".join(f"{x.type} {x.text}" for x in operands)
        self.declarations.add(f"declare {returns} @{symbol}({', '.join(x.type for x in operands)})")
        if returns == "void":
            self.line(f"call void @{symbol}({args})")
            return Reg("", "void")
        return self.assign(f"call {returns} @{symbol}({args})", returns)

    # Memory ----------------------------------------------------------------------------------------------------------

    def element_pointer(self, base: Reg, index: Reg, element: str) -> Reg:
        """Address of element `index` (an `i64`) behind `base`."""
        return self.assign(f"getelementptr {element}, ptr {base.text}, i64 {index.text}", "ptr")

    def load(self, pointer: Reg, element: str, width: int = 1, align: int | None = None) -> Reg:
        """Reads a scalar or a vector; alignment is the element's unless given."""
        kind = Reg("", element, width).type
        return self.assign(
            f"load {kind}, ptr {pointer.text}, align {align or max(1, _BITS[element] // 8)}", element, width
        )

    def store(self, value: Reg, pointer: Reg, align: int | None = None) -> None:
        """Writes a scalar or a vector."""
        self.line(f"store {value.type} {value.text}, ptr {pointer.text}, align {align or max(1, value.bits // 8)}")

    def prefetch(self, pointer: Reg) -> None:
        """Has what lies at an address come into the cache; an address outside of any array does no harm."""
        self.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
        self.line(f"call void @llvm.prefetch.p0(ptr {pointer.text}, i32 0, i32 3, i32 1)")


_MANGLED = {"double": "f64", "float": "f32"}


def module_text(functions: list[FunctionText], extra: list[str] | None = None) -> str:
    """One module: constants, declarations that no function of it defines, the functions and their helpers."""
    every: dict[str, FunctionText] = {}
    waiting = list(reversed(functions))
    while waiting:
        f = waiting.pop()
        if f.name not in every:
            every[f.name] = f
            waiting += f.helpers.values()
    defined = {f"@{name}(" for name in every}
    declared = sorted({d for f in every.values() for d in f.declarations if not any(name in d for name in defined)})
    data = {name: value for f in every.values() for name, value in f.constants.items()}
    constants = "\n".join(f"@{name} = internal unnamed_addr constant {value}" for name, value in sorted(data.items()))
    changing = {name: value for f in every.values() for name, value in f.variables.items()}
    variables = "\n".join(f"@{name} = internal global {value}, align 8" for name, value in sorted(changing.items()))
    attributes = 'attributes #0 = { nounwind "no-trapping-math"="true" }'
    bodies = [f.text() for f in every.values()]
    return "\n\n".join(["\n".join(declared), constants, variables, *(extra or []), *bodies, attributes]) + "\n"
