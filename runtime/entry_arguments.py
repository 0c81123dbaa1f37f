"""LLVM text that checks the arguments of a call against a structure and flattens them into data pointers.

Positional arguments are kept alive by the caller, and so is what tuples among them hold. What is found in a list, a
dict or an attribute may be taken out of there by another thread: the entry holds a reference of its own.
"""

from __future__ import annotations

import sys

import numpy as np

from tapec.ir.dtypes import DType
from tapec.passes.llvm_text import FunctionText, Reg
from tapec.passes.text_loops import counted
from tapec.runtime import cpython
from tapec.runtime.entry_spec import (
    ArrayLeaf,
    DataclassNode,
    DictNode,
    EntrySpec,
    FloatLeaf,
    IntLeaf,
    ListNode,
    Node,
    StaticLeaf,
    TupleNode,
    leaves,
    numpy_types,
)
from tapec.runtime.entry_table import ITEMS, NULL, Table, field, offset


class ArgumentWriter:
    """Writes checks that jump to `mismatch` when they fail, and to `failed` when Python has raised.

    Args:
        f: the entry.
        table: its objects.
        spec: its structure.
        references: zeroed memory for the references that the entry will hold, `references_needed(spec)` of them.
    """

    def __init__(self, f: FunctionText, table: Table, spec: EntrySpec, references: Reg) -> None:
        self.f = f
        self.table = table
        self.spec = spec
        self.references = references
        self.helpers: dict[DType, FunctionText] = {}
        numbers = [x for tree in spec.arguments for x in leaves(tree) if not isinstance(x, StaticLeaf)]
        self.pointers = f.alloca("ptr", max(1, len(numbers) + len(spec.captured)), align=8)
        self._passed = 0
        self._held = 0

    def write(self) -> Reg:
        """Writes it all; the result points to the array of data pointers."""
        f = self.f
        arity = f.icmp("eq", Reg("%count", "i64"), f.number(len(self.spec.arguments), "i64"))
        self._require(f.binary("and", arity, f.icmp("eq", Reg("%names", "ptr"), NULL)))
        for i, tree in enumerate(self.spec.arguments):
            self._take(tree, field(f, Reg("%args", "ptr"), 8 * i, "ptr"))
        for array in self.spec.captured:
            self._pass(field(f, self.table.load(f, array), cpython.ARRAY_DATA, "ptr"))
        return self.pointers

    def _require(self, condition: Reg) -> None:
        following = self.f.fresh("ok")
        self.f.branch_if(condition, following, "mismatch")
        self.f.label(following)

    def _require_type(self, value: Reg, type_: type) -> None:
        actual = field(self.f, value, cpython.TYPE, "ptr")
        self._require(self.f.icmp("eq", actual, self.table.load(self.f, type_)))

    def _require_length(self, value: Reg, length: int) -> None:
        actual = field(self.f, value, cpython.SIZE, "i64")
        self._require(self.f.icmp("eq", actual, self.f.number(length, "i64")))

    def _pass(self, pointer: Reg) -> None:
        """Makes `pointer` the kernel's next one."""
        self.f.store(pointer, offset(self.f, self.pointers, 8 * self._passed))
        self._passed += 1

    def _hold(self, value: Reg) -> None:
        """Takes over a new reference, to be released when the entry is left."""
        self.f.store(value, offset(self.f, self.references, 8 * self._held))
        self._held += 1

    def _take(self, node: Node, value: Reg) -> None:
        """Checks `value`, which stays alive, against `node`."""
        f, table = self.f, self.table
        if isinstance(node, StaticLeaf):
            self._require(f.icmp("eq", value, table.load(f, node.value)))
        elif isinstance(node, ArrayLeaf):
            rank = f.number(len(node.shape), "i32")
            data = f.call(self._check(node.dtype), "ptr", value, ITEMS, rank, table.extents(node.shape))
            self._require(f.icmp("ne", data, NULL))
            self._pass(data)
        elif isinstance(node, FloatLeaf):
            self._require_type(value, float)
            self._pass(offset(f, value, cpython.NUMBER))
        elif isinstance(node, IntLeaf):
            self._require_type(value, int)
            overflow, slot = f.alloca("i32", 1, align=4), f.alloca("i64", 1, align=8)
            f.store(f.call("PyLong_AsLongLongAndOverflow", "i64", value, overflow), slot)
            self._require(f.icmp("eq", f.load(overflow, "i32"), f.number(0, "i32")))
            self._pass(slot)
        elif isinstance(node, TupleNode):
            self._require_type(value, tuple)
            self._require_length(value, len(node.items))
            for i, item in enumerate(node.items):
                self._take(item, field(f, value, cpython.TUPLE_ITEMS + 8 * i, "ptr"))
        elif isinstance(node, ListNode):
            self._take_list(node, value)
        elif isinstance(node, DictNode):
            self._take_dict(node, value)
        elif isinstance(node, DataclassNode):
            self._take_attributes(node, value)

    def _take_list(self, node: ListNode, value: Reg) -> None:
        f = self.f
        self._require_type(value, list)
        self._require_length(value, len(node.items))
        items = field(f, value, cpython.LIST_ITEMS, "ptr")
        found = [field(f, items, 8 * i, "ptr") for i in range(len(node.items))]
        for item in found:  # all of them, before the code of an attribute among them can change the list
            f.call("Py_IncRef", "void", item)
            self._hold(item)
        for child, item in zip(node.items, found, strict=True):
            self._take(child, item)

    def _take_dict(self, node: DictNode, value: Reg) -> None:
        """Values in the order of the dict, which must be that of `node`: a function may have walked it."""
        f, table = self.f, self.table
        self._require_type(value, dict)
        self._require(f.icmp("eq", f.call("PyDict_Size", "i64", value), f.number(len(node.keys), "i64")))
        position = f.alloca("i64", 1, align=8)
        key_slot, value_slot = f.alloca("ptr", 1, align=8), f.alloca("ptr", 1, align=8)
        f.store(f.number(0, "i64"), position)
        found = []
        for name in node.keys:
            wanted = table.load(f, sys.intern(name))
            more = f.call("PyDict_Next", "i32", value, position, key_slot, value_slot)
            self._require(f.icmp("ne", more, f.number(0, "i32")))
            key = f.load(key_slot, "ptr")
            other, same = f.fresh("other"), f.fresh("same")
            f.branch_if(f.icmp("eq", key, wanted), same, other)
            f.label(other)  # an equal string that is not interned
            self._require_type(key, str)
            self._require(f.icmp("eq", f.call("PyUnicode_Compare", "i32", key, wanted), f.number(0, "i32")))
            f.branch(same)
            f.label(same)
            item = f.load(value_slot, "ptr")
            f.call("Py_IncRef", "void", item)
            self._hold(item)
            found.append(item)
        for child, item in zip(node.items, found, strict=True):
            self._take(child, item)

    def _take_attributes(self, node: DataclassNode, value: Reg) -> None:
        """An attribute that is not there makes another structure; any other exception is the caller's to see."""
        f, table = self.f, self.table
        self._require_type(value, node.type)
        for name, child in zip(node.fields, node.items, strict=True):
            absent, clear, present = f.fresh("absent"), f.fresh("clear"), f.fresh("present")
            attribute = f.call("PyObject_GetAttr", "ptr", value, table.load(f, sys.intern(name)))
            f.branch_if(f.icmp("eq", attribute, NULL), absent, present)
            f.label(absent)
            expected = f.call("PyErr_ExceptionMatches", "i32", table.load(f, AttributeError))
            f.branch_if(f.icmp("ne", expected, f.number(0, "i32")), clear, "failed")
            f.label(clear)
            f.call("PyErr_Clear", "void")
            f.branch("mismatch")
            f.label(present)
            self._hold(attribute)
            self._take(child, attribute)

    def _check(self, dtype: DType) -> str:
        """Name of the function that checks array leaves of this dtype."""
        name = f"check_{dtype.name}"
        if dtype not in self.helpers:
            self.helpers[dtype] = array_check(name, dtype, self.table)
        return name


def references_needed(node: Node) -> int:
    """How many references an entry holds for one argument."""
    if isinstance(node, (TupleNode, ListNode, DictNode, DataclassNode)):
        own = 0 if isinstance(node, TupleNode) else len(node.items)
        return own + sum(references_needed(item) for item in node.items)
    return 0


def array_check(name: str, dtype: DType, table: Table) -> FunctionText:
    """`ptr name(object, items, rank, extents)`: the data of an array leaf, or null if the object is not that leaf."""
    f = FunctionText(name, "ptr %object, ptr %items, i32 %rank, ptr %extents", "ptr")
    value, rank = Reg("%object", "ptr"), Reg("%rank", "i32")
    natives = numpy_types(dtype)
    kind = field(f, value, cpython.TYPE, "ptr")
    f.branch_if(f.icmp("eq", kind, table.load(f, np.ndarray)), "array", "scalar")

    f.label("array")
    descr = field(f, value, cpython.ARRAY_DESCR, "ptr")
    f.branch_if(f.icmp("eq", descr, table.load(f, dtype.numpy)), "native", "other")

    f.label("other")  # another object for the same dtype, or the dtype of C's other name for it
    number = field(f, descr, cpython.DESCR_NUMBER, "i32")
    order = field(f, descr, cpython.DESCR_BYTE_ORDER, "i8")
    right = f.number(0, "i1")
    for d in natives:
        right = f.binary("or", right, f.icmp("eq", number, f.number(d.num, "i32")))
    native = f.binary("or", *(f.icmp("eq", order, f.number(ord(c), "i8")) for c in "=|"))
    f.branch_if(f.binary("and", right, native), "native", "no")

    f.label("native")
    flags = field(f, value, cpython.ARRAY_FLAGS, "i32")
    wanted = f.number(cpython.C_CONTIGUOUS_AND_ALIGNED, "i32")
    dense = f.icmp("eq", f.binary("and", flags, wanted), wanted)
    same_rank = f.icmp("eq", field(f, value, cpython.ARRAY_RANK, "i32"), rank)
    f.branch_if(f.binary("and", dense, same_rank), "shape", "no")
    f.label("shape")
    shape = field(f, value, cpython.ARRAY_SHAPE, "ptr")
    with counted(f, f.convert("zext", rank, "i64")) as i:
        actual = f.load(f.element_pointer(shape, i, "i64"), "i64")
        expected = f.load(f.element_pointer(Reg("%extents", "ptr"), i, "i64"), "i64")
        following = f.fresh("same")
        f.branch_if(f.icmp("eq", actual, expected), following, "no")
        f.label(following)
    data = field(f, value, cpython.ARRAY_DATA, "ptr")
    f.line(f"ret ptr {data.text}")

    f.label("scalar")
    right = f.number(0, "i1")
    for d in natives:
        right = f.binary("or", right, f.icmp("eq", kind, table.load(f, d.type)))
    f.branch_if(f.binary("and", right, f.icmp("eq", rank, f.number(0, "i32"))), "number", "no")
    f.label("number")
    f.line(f"ret ptr {offset(f, value, cpython.NUMBER).text}")
    f.label("no")
    f.line("ret ptr null")
    return f
