"""LLVM text of a whole native entry: arguments, outputs, the kernel, the result, and every other way out.

Every way out passes through the block `leave`, where all references that the entry still holds are released.
"""

from __future__ import annotations

from typing import Final

from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.runtime import cpython
from tapec.runtime.entry_arguments import ArgumentWriter, references_needed
from tapec.runtime.entry_results import ResultWriter
from tapec.runtime.entry_spec import EntrySpec
from tapec.runtime.entry_table import NULL, Table, offset

SYMBOL: Final = "tapec_entry"
_GUARDS_ON_STACK: Final = 256

# Runs of references are released here; the memory is left zeroed, so that a second release does nothing.
_RELEASE: Final = """
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
_FORWARD: Final = f"""
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


def entry_text(spec: EntrySpec, table: Table) -> str:
    """The module of one entry; puts the objects that it reads into `table`."""
    f = FunctionText(SYMBOL, "ptr %self, ptr %args, i64 %count, ptr %names", "ptr")
    f.prologue.append(f"  %items = getelementptr inbounds i8, ptr %self, i64 {cpython.TUPLE_ITEMS}")
    result = f.alloca("ptr", 1, align=8)
    held = sum(references_needed(tree) for tree in spec.arguments)
    rest = len(spec.outs) + 1  # the outputs, and the guards if they are many
    references = f.alloca("ptr", held + rest, align=8)
    f.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    f.line(f"call void @llvm.memset.p0.i64(ptr {references.text}, i8 0, i64 {8 * (held + rest)}, i1 false)")
    f.store(NULL, result)

    arguments = ArgumentWriter(f, table, spec, references)
    pointers = arguments.write()
    arrays = offset(f, references, 8 * held)
    results = ResultWriter(f, table, spec, arrays)
    outs = results.allocate()
    guards = _guards(f, spec, offset(f, arrays, 8 * len(spec.outs)))
    status = _run(f, spec, table.kernel(f), (pointers, outs, guards))

    f.branch_if(f.icmp("eq", status, f.number(0, "i64")), "fine", "missed")
    f.label("fine")
    f.store(results.build(), result)
    f.branch("leave")

    f.label("missed")
    f.call("release", "void", arrays, f.number(len(spec.outs), "i64"))
    f.store(_miss(f, spec, table.miss(f), status, guards), result)
    f.branch("leave")

    f.label("mismatch")
    answer = f.call("forward", "ptr", table.slow(f), Reg("%args", "ptr"), Reg("%count", "i64"), Reg("%names", "ptr"))
    f.store(answer, result)
    f.branch("leave")

    f.label("failed")  # Python has raised, and the result is null
    f.branch("leave")
    f.label("leave")
    f.call("release", "void", references, f.number(held + rest, "i64"))
    f.line(f"ret ptr {f.load(result, 'ptr').text}")
    return _module(f, arguments, table)


def _module(f: FunctionText, arguments: ArgumentWriter, table: Table) -> str:
    f.declarations |= {
        "declare void @Py_DecRef(ptr)",
        "declare ptr @PyDict_New()",
        "declare i32 @PyDict_SetItem(ptr, ptr, ptr)",
        "declare ptr @PyObject_VectorcallDict(ptr, ptr, i64, ptr)",
    }
    f.declarations -= {"declare void @release(ptr, i64)", "declare ptr @forward(ptr, ptr, i64, ptr)"}
    return module_text([*arguments.helpers.values(), f], [table.constants(), _RELEASE, _FORWARD])


def _guards(f: FunctionText, spec: EntrySpec, reference: Reg) -> Reg:
    """Memory for the guards: on the stack, or if they are many in a bytes object, held by `reference`."""
    if spec.guards <= _GUARDS_ON_STACK:
        return f.alloca("i64", max(1, spec.guards), align=8)
    made = f.call("PyBytes_FromStringAndSize", "ptr", NULL, f.number(8 * spec.guards, "i64"))
    f.branch_if(f.icmp("eq", made, NULL), "failed", "room")
    f.label("room")
    f.store(made, reference)
    return offset(f, made, cpython.BYTES)


def _run(f: FunctionText, spec: EntrySpec, kernel: Reg, operands: tuple[Reg, Reg, Reg]) -> Reg:
    """The kernel's status."""
    thread = f.call("PyEval_SaveThread", "ptr") if spec.release_gil else None
    status = f.assign(f"call i64 {kernel.text}({', '.join(f'ptr {x.text}' for x in operands)})", "i64")
    if thread is not None:
        f.call("PyEval_RestoreThread", "void", thread)
    return status


def _miss(f: FunctionText, spec: EntrySpec, target: Reg, status: Reg, guards: Reg) -> Reg:
    """`miss(status, guards, *args)`, or null where the first two cannot be made."""
    arity = len(spec.arguments)
    code = f.call("PyLong_FromLongLong", "ptr", status)
    seen = f.call("PyBytes_FromStringAndSize", "ptr", guards, f.number(8 * spec.guards, "i64"))
    vector = f.alloca("ptr", arity + 2, align=8)
    without = f.binary("or", f.icmp("eq", code, NULL), f.icmp("eq", seen, NULL))
    before = f.block
    f.branch_if(without, "told", "tell")
    f.label("tell")
    f.store(code, vector)
    f.store(seen, offset(f, vector, 8))
    for i in range(arity):
        argument = f.load(offset(f, Reg("%args", "ptr"), 8 * i), "ptr")
        f.store(argument, offset(f, vector, 8 * (i + 2)))
    called = f.call("PyObject_VectorcallDict", "ptr", target, vector, f.number(arity + 2, "i64"), NULL)
    f.branch("told")
    f.label("told")
    answer = f.phi("ptr", [("null", before), (called.text, "tell")])
    f.call("Py_DecRef", "void", code)
    f.call("Py_DecRef", "void", seen)
    return answer
