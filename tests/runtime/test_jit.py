"""The door to llvmlite: compiling, loading, errors, floating point left alone, threads."""

import ctypes
import gc
import math
import subprocess
import sys
import threading

import pytest

from tapec.errors import CompilationError
from tapec.runtime import jit

ADD = "define double @add(double %x, double %y) {\n  %r = fadd double %x, %y\n  ret double %r\n}\n"
F1 = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
F2 = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double)
F3 = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double, ctypes.c_double)


def test_compiles_and_calls() -> None:
    library = jit.compile_module(ADD)
    assert F2(library.address("add"))(1.5, 2.0) == 3.5
    assert library.symbols == ("add",)
    with pytest.raises(KeyError):
        library.address("sub")


def test_importing_does_not_import_llvmlite() -> None:
    code = "import sys, tapec.runtime.jit; assert 'llvmlite' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_shows_optimised_ir_and_assembly() -> None:
    text = (
        "define double @f(double %x) {\n  %p = alloca double\n  store double %x, ptr %p\n"
        "  %a = load double, ptr %p\n  %b = load double, ptr %p\n  %r = fmul double %a, %b\n  ret double %r\n}\n"
    )
    library = jit.compile_module(text)
    assert "alloca" not in library.ir_text
    assert "fmul double %x, %x" in library.ir_text
    assert "f:" in library.assembly
    raw = jit.compile_module(text, opt=jit.Options(passes=()))
    assert "alloca" in raw.ir_text
    assert F1(raw.address("f"))(3.0) == F1(library.address("f"))(3.0) == 9.0


def test_multiply_and_add_are_not_contracted() -> None:
    text = (
        "define double @f(double %x, double %y, double %z) {\n  %p = fmul double %x, %y\n"
        "  %r = fadd double %p, %z\n  ret double %r\n}\n"
    )
    x = 1.0 + 2.0**-30
    exact_product_minus_rounded = 2.0**-60
    library = jit.compile_module(text)
    assert F3(library.address("f"))(x, x, -(x * x)) == 0.0 != exact_product_minus_rounded


def test_libm_resolves_and_symbols_may_be_given() -> None:
    text = (
        "declare double @fmod(double, double)\ndeclare double @mine(double)\n"
        "define double @f(double %x, double %y) {\n  %m = call double @fmod(double %x, double %y)\n"
        "  %r = call double @mine(double %m)\n  ret double %r\n}\n"
    )
    mine = F1(lambda v: v * 10.0)
    address = ctypes.cast(mine, ctypes.c_void_p).value
    assert address is not None
    library = jit.compile_module(text, symbols={"mine": address})
    assert F2(library.address("f"))(5.5, 2.0) == math.fmod(5.5, 2.0) * 10.0
    with pytest.raises(CompilationError, match="mine"):
        jit.compile_module(text)


def test_an_address_in_the_text_can_be_called() -> None:
    target = F1(lambda v: v + 1.0)
    address = ctypes.cast(target, ctypes.c_void_p).value
    text = (
        f"define double @f(double %x) {{\n  %r = call double inttoptr (i64 {address} to ptr)(double %x)\n"
        "  ret double %r\n}\n"
    )
    assert F1(jit.compile_module(text).address("f"))(1.0) == 2.0


def test_parse_error_shows_the_line() -> None:
    with pytest.raises(CompilationError, match=r">\s+2 \|   %r = fadd double %x, 2"):
        jit.compile_module("define double @f(double %x) {\n  %r = fadd double %x, 2\n  ret double %r\n}\n")


def test_verifier_error_shows_the_instruction() -> None:
    text = (
        "define double @f(i1 %c, double %x) {\nentry:\n  br i1 %c, label %a, label %b\na:\n"
        "  %y = fadd double %x, %x\n  br label %b\nb:\n  %r = fadd double %y, %x\n  ret double %r\n}\n"
    )
    with pytest.raises(CompilationError, match=r">\s+8 \|   %r = fadd double %y, %x"):
        jit.compile_module(text)


def test_a_buffer_whose_last_part_is_not_stored_last() -> None:
    """LLVM 22 gives code that reads a value before it is there, and then ends the process."""
    text = """
        define void @f(ptr %in, ptr %out) {
          %t = alloca [16 x double], align 64
          %a = load <4 x double>, ptr %in, align 8
          store <4 x double> %a, ptr %t, align 8
          %last = getelementptr double, ptr %t, i64 12
          store <4 x double> %a, ptr %last, align 8
          %more = load <8 x double>, ptr %in, align 8
          %b = fmul <8 x double> %more, splat (double 2.0)
          %middle = getelementptr double, ptr %t, i64 4
          store <8 x double> %b, ptr %middle, align 8
          %all = load <16 x double>, ptr %t, align 8
          store <16 x double> %all, ptr %out, align 8
          ret void
        }
    """
    library = jit.compile_module(text)
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(library.address("f"))
    numbers, result = (ctypes.c_double * 8)(*range(8)), (ctypes.c_double * 16)()
    function(ctypes.addressof(numbers), ctypes.addressof(result))
    assert list(result) == [0, 1, 2, 3, *[2 * n for n in range(8)], 0, 1, 2, 3]


def test_libraries_do_not_see_each_other_and_can_go() -> None:
    one = jit.compile_module("define i64 @same() {\n  ret i64 1\n}\n")
    two = jit.compile_module("define i64 @same() {\n  ret i64 2\n}\n")
    call = ctypes.CFUNCTYPE(ctypes.c_int64)
    assert (call(one.address("same"))(), call(two.address("same"))()) == (1, 2)
    del one
    gc.collect()
    assert call(two.address("same"))() == 2


def test_threads_compile_at_once() -> None:
    results: dict[int, float] = {}

    def work(i: int) -> None:
        text = f"define double @f(double %x) {{\n  %r = fadd double %x, {i}.0\n  ret double %r\n}}\n"
        library = jit.compile_module(text)
        results[i] = F1(library.address("f"))(0.5)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: i + 0.5 for i in range(8)}


def test_process_ends_cleanly_with_a_library_alive() -> None:
    code = f"from tapec.runtime import jit\nkept = jit.compile_module({ADD!r})\nprint(kept.symbols)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "('add',)"
    assert done.stderr == ""
