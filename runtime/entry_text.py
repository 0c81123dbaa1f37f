"""LLVM text of a whole native entry: arguments, outputs, the kernel, the result, and every other way out.

Every way out passes through the block `leave`, where all references that the entry still holds are released.
"""

from __future__ import annotations

from typing import Final

from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.runtime import cpython
from tapec.runtime.entry_arguments import ArgumentWriter, references_needed
from tapec.runtime.entry_calls import FORWARD, FORWARD_NEEDS, RELEASE, forward, release
from tapec.runtime.entry_results import ResultWriter
from tapec.runtime.entry_spec import EntrySpec
from tapec.runtime.entry_table import NULL, Table, field, offset

SYMBOL: Final = "tapec_entry"
_GUARDS_ON_STACK: Final = 256


def entry_text(spec: EntrySpec, table: Table) -> str:
    """The module of one entry; puts the objects that it reads into `table`."""
    f = FunctionText(SYMBOL, "ptr %self, ptr %args, i64 %count, ptr %names", "ptr")
    f.prologue.append(f"  %items = getelementptr inbounds i8, ptr %self, i64 {cpython.TUPLE_ITEMS}")
    result = f.alloca("ptr", 1, align=8)
    held = sum(references_needed(tree) for tree in spec.arguments)
    rest = len(spec.outs) + 1  # the outputs, and the guards if they are many
    references = f.alloca("ptr", held + rest, align=8)
    f.declarations |= {"declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)", *FORWARD_NEEDS}
    f.line(f"call void @llvm.memset.p0.i64(ptr {references.text}, i8 0, i64 {8 * (held + rest)}, i1 false)")
    f.store(NULL, result)
    if spec.gate is not None:
        _check_gate(f, table.load(f, spec.gate.key))

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
    release(f, arrays, len(spec.outs))
    f.store(_miss(f, spec, table.miss(f), status, guards), result)
    f.branch("leave")

    f.label("mismatch")
    answer = forward(f, table.slow(f), Reg("%args", "ptr"), Reg("%count", "i64"), Reg("%names", "ptr"))
    f.store(answer, result)
    f.branch("leave")

    f.label("failed")  # Python has raised, and the result is null
    f.branch("leave")
    f.label("leave")
    release(f, references, held + rest)
    f.line(f"ret ptr {f.load(result, 'ptr').text}")
    return module_text([*arguments.helpers.values(), f], [table.constants(), RELEASE, FORWARD])


def _check_gate(f: FunctionText, key: Reg) -> None:
    """Goes to `mismatch` where this thread's dict holds a list under `key` that is not empty."""
    own, known, found, goes_on = (f.fresh(x) for x in ("own", "known", "found", "open"))
    thread = f.call("PyThreadState_GetDict", "ptr")
    f.branch_if(f.icmp("eq", thread, NULL), goes_on, own)
    f.label(own)
    listed = f.call("PyDict_GetItemWithError", "ptr", thread, key)
    f.branch_if(f.icmp("eq", listed, NULL), known, found)
    f.label(known)
    f.branch_if(f.icmp("eq", f.call("PyErr_Occurred", "ptr"), NULL), goes_on, "failed")
    f.label(found)
    f.branch_if(f.icmp("eq", field(f, listed, cpython.SIZE, "i64"), f.number(0, "i64")), goes_on, "mismatch")
    f.label(goes_on)


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
