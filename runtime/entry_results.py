"""LLVM text that makes the result of a call: arrays for the kernel to fill, then the containers around them.

A container is put into its parent before it is filled, so that releasing the root releases all that was made; only the
root, and what waits to become a dataclass, has to be remembered for the case that Python is out of memory.
"""

from __future__ import annotations

import sys
from math import prod

import numpy as np

from tapec.passes.llvm_text import FunctionText, Reg, memory_element
from tapec.runtime import cpython, result_memory
from tapec.runtime.entry_spec import (
    ArrayOut,
    DataclassNode,
    DictNode,
    EntrySpec,
    ListNode,
    Node,
    ObjectOut,
    ScalarOut,
    TupleNode,
)
from tapec.runtime.entry_table import NEW_ARRAY, NEW_SCALAR, NULL, SET_HANDLER, Table, field, offset


class ResultWriter:
    """Writes code that jumps to `failed` when Python has raised.

    Args:
        f: the entry.
        table: its objects.
        spec: its structure.
        arrays: zeroed memory for one reference per output of the kernel.
    """

    def __init__(self, f: FunctionText, table: Table, spec: EntrySpec, arrays: Reg) -> None:
        self.f = f
        self.table = table
        self.spec = spec
        self.arrays = arrays
        self._unplaced: list[Reg] = []
        self._made: dict[int, Reg] = {}
        self._consumed: set[int] = set()

    def allocate(self) -> Reg:
        """Writes the making of the kernel's output arrays; the result points to their data pointers."""
        f = self.f
        pointers = f.alloca("ptr", max(1, len(self.spec.outs)), align=8)
        for i, out in enumerate(self.spec.outs):
            if isinstance(out, ScalarOut):
                data = self._made[i] = f.alloca(memory_element(out.dtype), 1, align=8)
            else:
                data = field(f, self._allocate_array(i, out), cpython.ARRAY_DATA, "ptr")
            f.store(data, offset(f, pointers, 8 * i))
        return pointers

    def _allocate_array(self, i: int, out: ArrayOut) -> Reg:
        f, table = self.f, self.table
        large = out.dtype.itemsize * prod(out.shape) >= result_memory.LEAST
        before = self._exchange_handler(table.load(f, result_memory.handler())) if large else NULL
        descr = table.load(f, out.dtype.numpy)
        f.call("Py_IncRef", "void", descr)  # the array takes it over
        rank, zero = f.number(len(out.shape), "i32"), f.number(0, "i32")
        kind = table.load(f, np.ndarray)
        array = f.call(NEW_ARRAY, "ptr", kind, descr, rank, table.extents(out.shape), NULL, NULL, zero, NULL)
        if large:
            ours = f.call(SET_HANDLER, "ptr", before)
            f.call("Py_DecRef", "void", before)
            f.call("Py_DecRef", "void", ours)
        self._succeed(array)
        f.store(array, offset(f, self.arrays, 8 * i))
        self._made[i] = array
        return array

    def _exchange_handler(self, handler: Reg) -> Reg:
        """Has NumPy allocate by another handler; gives the one before."""
        before = self.f.call(SET_HANDLER, "ptr", handler)
        self._succeed(before)
        return before

    def build(self) -> Reg:
        """Writes the making of the result from what the kernel has filled."""
        return self._value(self.spec.outputs)

    def _succeed(self, value: Reg) -> None:
        """Goes on unless `value` is null."""
        f = self.f
        broken, following = f.fresh("broken"), f.fresh("made")
        f.branch_if(f.icmp("eq", value, NULL), broken, following)
        f.label(broken)
        self._abandon()
        f.label(following)

    def _abandon(self) -> None:
        for pending in self._unplaced:
            self.f.call("Py_DecRef", "void", pending)
        self.f.branch("failed")

    def _value(self, node: Node) -> Reg:
        """A new reference to a complete value."""
        if isinstance(node, (ArrayOut, ScalarOut, ObjectOut)):
            return self._leaf(node)
        if isinstance(node, DataclassNode):
            return self._instance(node)
        made = self._empty(node)
        self._unplaced.append(made)
        self._fill(node, made)
        self._unplaced.pop()
        return made

    def _leaf(self, node: ArrayOut | ScalarOut | ObjectOut) -> Reg:
        f, table = self.f, self.table
        if isinstance(node, ObjectOut):
            value = table.load(f, node.value)
            f.call("Py_IncRef", "void", value)
            return value
        made = self._made[node.index]
        if isinstance(node, ScalarOut):
            scalar = f.call(NEW_SCALAR, "ptr", made, table.load(f, node.dtype.numpy), NULL)
            self._succeed(scalar)
            return scalar
        if node.index in self._consumed:
            f.call("Py_IncRef", "void", made)
        else:  # the reference moves from the entry into the result
            self._consumed.add(node.index)
            f.store(NULL, offset(f, self.arrays, 8 * node.index))
        return made

    def _empty(self, node: Node) -> Reg:
        f = self.f
        if isinstance(node, TupleNode):
            made = f.call("PyTuple_New", "ptr", f.number(len(node.items), "i64"))
        elif isinstance(node, ListNode):
            made = f.call("PyList_New", "ptr", f.number(len(node.items), "i64"))
        else:
            made = f.call("PyDict_New", "ptr")
        self._succeed(made)
        return made

    def _fill(self, node: Node, container: Reg) -> None:
        f = self.f
        if isinstance(node, DictNode):
            for key, child in zip(node.keys, node.items, strict=True):
                nested = isinstance(child, (TupleNode, ListNode, DictNode))
                value = self._empty(child) if nested else self._value(child)
                self._set_item(container, key, value)
                if nested:
                    self._fill(child, value)
            return
        if isinstance(node, TupleNode):
            items = offset(f, container, cpython.TUPLE_ITEMS)
        elif isinstance(node, ListNode):
            items = field(f, container, cpython.LIST_ITEMS, "ptr")
        else:
            raise TypeError(f"{node} cannot stand in a result")
        for i, child in enumerate(node.items):
            nested = isinstance(child, (TupleNode, ListNode, DictNode))
            value = self._empty(child) if nested else self._value(child)
            f.store(value, offset(f, items, 8 * i))
            if nested:
                self._fill(child, value)

    def _set_item(self, dictionary: Reg, key: str, value: Reg) -> None:
        """`dictionary[key] = value`; the reference to `value` moves."""
        f = self.f
        status = f.call("PyDict_SetItem", "i32", dictionary, self.table.load(f, sys.intern(key)), value)
        f.call("Py_DecRef", "void", value)
        broken, following = f.fresh("broken"), f.fresh("made")
        f.branch_if(f.icmp("ne", status, f.number(0, "i32")), broken, following)
        f.label(broken)
        self._abandon()
        f.label(following)

    def _instance(self, node: DataclassNode) -> Reg:
        """`node.type(**fields)`."""
        f = self.f
        keywords = f.call("PyDict_New", "ptr")
        self._succeed(keywords)
        self._unplaced.append(keywords)
        self._fill(DictNode(node.fields, node.items), keywords)
        self._unplaced.pop()
        kind = self.table.load(f, node.type)
        made = f.call("PyObject_VectorcallDict", "ptr", kind, NULL, f.number(0, "i64"), keywords)
        f.call("Py_DecRef", "void", keywords)
        self._succeed(made)
        return made
