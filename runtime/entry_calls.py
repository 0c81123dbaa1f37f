"""Two functions in LLVM text that entries share: releasing references, and calling on with the same arguments."""

from __future__ import annotations

from typing import Final

from tapec.passes.llvm_text import FunctionText, Reg
from tapec.runtime import cpython

# Runs of references are released here; the memory is left zeroed, so that a second release does nothing.
RELEASE: Final = """
define void @release(ptr %references, i64 %count) #0 {
entry:
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %latch ]
  %more = icmp slt i64 %i, %count
  br i1 %more, label %body, label %end
body:
  %slot = getelementptr inbounds ptr, ptr %references, i64 %i
  %object = load ptr, ptr %slot
  %empty = icmp eq ptr %object, null
  br i1 %empty, label %latch, label %held
held:
  store ptr null, ptr %slot
  call void @Py_DecRef(ptr %object)
  br label %latch
latch:
  %next = add i64 %i, 1
  br label %head
end:
  ret void
}"""

# `target(*args, **keywords)`. Keywords become a dict: Python 3.10 exports no function that takes their names.
FORWARD: Final = f"""
define ptr @forward(ptr %target, ptr %args, i64 %count, ptr %names) #0 {{
entry:
  %none = icmp eq ptr %names, null
  br i1 %none, label %plain, label %keywords
plain:
  %answer = call ptr @PyObject_VectorcallDict(ptr %target, ptr %args, i64 %count, ptr null)
  ret ptr %answer
keywords:
  %dict = call ptr @PyDict_New()
  %nodict = icmp eq ptr %dict, null
  br i1 %nodict, label %fail, label %sized
sized:
  %size = getelementptr inbounds i8, ptr %names, i64 {cpython.SIZE}
  %named = load i64, ptr %size
  %keys = getelementptr inbounds i8, ptr %names, i64 {cpython.TUPLE_ITEMS}
  %values = getelementptr inbounds ptr, ptr %args, i64 %count
  br label %head
head:
  %i = phi i64 [ 0, %sized ], [ %next, %latch ]
  %more = icmp slt i64 %i, %named
  br i1 %more, label %body, label %call
body:
  %keyslot = getelementptr inbounds ptr, ptr %keys, i64 %i
  %key = load ptr, ptr %keyslot
  %valueslot = getelementptr inbounds ptr, ptr %values, i64 %i
  %value = load ptr, ptr %valueslot
  %status = call i32 @PyDict_SetItem(ptr %dict, ptr %key, ptr %value)
  %good = icmp eq i32 %status, 0
  br i1 %good, label %latch, label %drop
latch:
  %next = add i64 %i, 1
  br label %head
call:
  %result = call ptr @PyObject_VectorcallDict(ptr %target, ptr %args, i64 %count, ptr %dict)
  call void @Py_DecRef(ptr %dict)
  ret ptr %result
drop:
  call void @Py_DecRef(ptr %dict)
  br label %fail
fail:
  ret ptr null
}}"""

FORWARD_NEEDS: Final = (
    "declare void @Py_DecRef(ptr)",
    "declare ptr @PyDict_New()",
    "declare i32 @PyDict_SetItem(ptr, ptr, ptr)",
    "declare ptr @PyObject_VectorcallDict(ptr, ptr, i64, ptr)",
)


def release(f: FunctionText, references: Reg, count: int) -> None:
    """Writes a call that releases `count` references, null ones left out; the module holds `RELEASE`."""
    f.line(f"call void @release(ptr {references.text}, i64 {count})")


def forward(f: FunctionText, target: Reg, args: Reg, count: Reg, names: Reg) -> Reg:
    """Writes `target(*args, **keywords)`; the module holds `FORWARD` and declares `FORWARD_NEEDS`."""
    operands = ", ".join(f"{x.type} {x.text}" for x in (target, args, count, names))
    return f.assign(f"call ptr @forward({operands})", "ptr")
