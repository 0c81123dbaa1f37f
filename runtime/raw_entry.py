"""Built-in functions around machine code that eager execution calls: no structure, just pointers and numbers."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from tapec.passes.llvm_text import FunctionText, Reg, module_text
from tapec.runtime import cpython
from tapec.runtime.entry_calls import FORWARD, FORWARD_NEEDS, forward
from tapec.runtime.entry_code import entry_supported, library_of
from tapec.runtime.entry_table import NULL, Table, field

_SYMBOL: Final = "tapec_raw_entry"
_KINDS: Final = {"p": np.ndarray, "i": int, "d": float}
_CTYPES: Final = {"p": ctypes.c_void_p, "i": ctypes.c_int64, "d": ctypes.c_double}
_WANTED: Final = {"p": "a numpy.ndarray", "i": "an int of 64 bits", "d": "a float"}


def raw_entry(address: int, signature: str, keep: object = None, *, release_gil: bool = False) -> Callable[..., int]:
    """A callable for a function of machine code that returns an `i64`.

    Shapes, dtypes and contiguity are the caller's business. A wrong number of arguments, and an argument of another
    type than those below (subclasses included), is a `TypeError`; an int beyond 64 bits an `OverflowError`.

    Args:
        address: of the function.
        signature: a letter per argument: `p`, a `numpy.ndarray` whose data pointer is passed; `i`, an int as `i64`;
            `d`, a float as `double`.
        keep: lives as long as the callable.
        release_gil: whether other Python threads may run during the call.
    """
    if not entry_supported():
        return _python_entry(address, signature, keep, release_gil)
    table = Table()
    library = library_of(_text(signature, table, release_gil))
    refuse = partial(_refuse, signature)
    return cpython.builtin(library.address(_SYMBOL), "raw", (*table.items(address, refuse, refuse), library, keep))


def _refuse(signature: str, *args: Any, **kwargs: Any) -> int:
    """Raises the error for arguments that are not those of the signature."""
    if kwargs:
        raise TypeError(f"expected arguments ({signature}) by position, got {', '.join(kwargs)} by keyword")
    if len(args) != len(signature):
        raise TypeError(f"expected {len(signature)} arguments ({signature}), got {len(args)}")
    for i, (letter, value) in enumerate(zip(signature, args, strict=True)):
        if type(value) is not _KINDS[letter]:
            raise TypeError(f"argument {i} should be {_WANTED[letter]}, got {type(value).__name__}")
    raise OverflowError(f"{', '.join(str(x) for x in args if _too_long(x))} does not fit 64 bits")


def _text(signature: str, table: Table, release_gil: bool) -> str:
    f = FunctionText(_SYMBOL, "ptr %self, ptr %args, i64 %count, ptr %names", "ptr")
    f.prologue.append(f"  %items = getelementptr inbounds i8, ptr %self, i64 {cpython.TUPLE_ITEMS}")

    def require(condition: Reg) -> None:
        following = f.fresh("ok")
        f.branch_if(condition, following, "wrong")
        f.label(following)

    arity = f.icmp("eq", Reg("%count", "i64"), f.number(len(signature), "i64"))
    require(f.binary("and", arity, f.icmp("eq", Reg("%names", "ptr"), NULL)))
    operands = []
    for i, letter in enumerate(signature):
        value = field(f, Reg("%args", "ptr"), 8 * i, "ptr")
        require(f.icmp("eq", field(f, value, cpython.TYPE, "ptr"), table.load(f, _KINDS[letter])))
        if letter == "p":
            operands.append(field(f, value, cpython.ARRAY_DATA, "ptr"))
        elif letter == "d":
            operands.append(field(f, value, cpython.NUMBER, "double"))
        else:
            overflow = f.alloca("i32", 1, align=4)
            operands.append(f.call("PyLong_AsLongLongAndOverflow", "i64", value, overflow))
            require(f.icmp("eq", f.load(overflow, "i32"), f.number(0, "i32")))
    target = table.kernel(f)
    thread = f.call("PyEval_SaveThread", "ptr") if release_gil else None
    result = f.assign(f"call i64 {target.text}({', '.join(f'{x.type} {x.text}' for x in operands)})", "i64")
    if thread is not None:
        f.call("PyEval_RestoreThread", "void", thread)
    f.line(f"ret ptr {f.call('PyLong_FromLongLong', 'ptr', result).text}")
    f.label("wrong")
    f.declarations.update(FORWARD_NEEDS)
    answer = forward(f, table.slow(f), Reg("%args", "ptr"), Reg("%count", "i64"), Reg("%names", "ptr"))
    f.line(f"ret ptr {answer.text}")
    return module_text([f], [FORWARD])


def _python_entry(address: int, signature: str, keep: object, release_gil: bool) -> Callable[..., int]:
    prototype = ctypes.CFUNCTYPE if release_gil else ctypes.PYFUNCTYPE
    run = prototype(ctypes.c_int64, *(_CTYPES[letter] for letter in signature))(address)
    kinds = [_KINDS[letter] for letter in signature]

    def raw(*args: Any, **kwargs: Any) -> int:
        if kwargs or [type(value) for value in args] != kinds or any(map(_too_long, args)):
            return _refuse(signature, *args, **kwargs)
        return int(run(*(value.ctypes.data if type(value) is np.ndarray else value for value in args)))

    raw.__dict__["keep"] = keep
    return raw


def _too_long(value: Any) -> bool:
    return type(value) is int and not -(2**63) <= value < 2**63
