"""The one switch of the code generator that LLVM has for the whole process only."""

import re

import pytest

from tapec.passes.llvm_text import module_text
from tapec.passes.product_names import PREFIX
from tapec.passes.product_text import product_functions
from tapec.runtime import jit, matmul
from tapec.runtime.llvm_backend import LOCK, Options, backend, compiled
from tapec.runtime.target import vector_bits

PACKING = f"{PREFIX}right_by_inner_f64"
TEXT = module_text(product_functions([PACKING], vector_bits()))


def code(options):
    with LOCK:
        return compiled(backend(), TEXT, options).code


def test_it_is_switched_off_for_one_module_and_on_again():
    before = code(Options())
    without = code(Options(strength_reduction=False))
    assert without != before
    assert code(Options()) == before
    assert code(Options(strength_reduction=False)) == without


def test_it_is_on_again_after_an_error(monkeypatch):
    def fails(machine, module):
        raise RuntimeError("no code")

    before = code(Options())
    kind = type(backend().machine(2))
    with monkeypatch.context() as patched:
        patched.setattr(kind, "emit_object", fails)
        with pytest.raises(RuntimeError, match=re.escape("no code")):
            code(Options(strength_reduction=False))
    assert code(Options()) == before


def test_products_do_without_it(monkeypatch):
    seen = []

    def noted(text, *, opt, symbols):
        seen.append(opt)
        return compile_module(text, opt=opt, symbols=symbols)

    compile_module = jit.compile_module
    monkeypatch.setattr(jit, "compile_module", noted)
    monkeypatch.setattr(matmul, "_LIBRARIES", {})
    monkeypatch.setenv("TAPEC_CACHE", "0")
    assert matmul.functions([PACKING])[PACKING] != 0
    assert [opt.strength_reduction for opt in seen] == [False]
