"""Machine code from LLVM IR text: compiling it, loading it, and keeping it in the disk cache.

Code is made for this very CPU; nothing here relaxes floating point: without `contract` or `fast` flags in the text LLVM
neither fuses nor reorders floating operations.

The generated text is already vectorised and unrolled, so the passes only clean up. Measured on a Zen 3 core
(`docs/design/0004-native-runtime.md`): 10,500 lines of such IR take 37 ms to parse, 52 ms in these passes and 370 ms
to become machine code; LLVM's own `O1` to `O3` take 310 to 330 ms in the place of those 52 for code of the same speed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias, final

from tapec.errors import CompilationError
from tapec.runtime import object_cache
from tapec.runtime.llvm_backend import CLEANUP as CLEANUP
from tapec.runtime.llvm_backend import LOCK, backend, compiled, link, optimised, optimised_for
from tapec.runtime.llvm_backend import Options as Options
from tapec.runtime.object_cache import ObjectCode

# Addresses of functions by name, or what gives them for the names that a module declares.
Symbols: TypeAlias = Mapping[str, int] | Callable[[tuple[str, ...]], Mapping[str, int]]

_DEFAULT: Final = Options()


class Source(NamedTuple):
    """What machine code is made from: a module's text, and how it is compiled."""

    text: str
    opt: Options


@final
class Library:
    """Loaded machine code. Its addresses are good for as long as this object lives.

    Attributes:
        key: what the object code is kept under in the disk cache.
        cached: whether the object code came from the disk cache.
    """

    __slots__ = ("_addresses", "_source", "_tracker", "cached", "key")

    def __init__(
        self, linked: tuple[Any, dict[str, int]], source: Source | Callable[[], Source], key: bytes, cached: bool
    ) -> None:
        self._tracker, self._addresses = linked
        self._source = source
        self.key = key
        self.cached = cached

    def address(self, symbol: str) -> int:
        """Address of a function that the module defines; `KeyError` if it defines none of that name."""
        return self._addresses[symbol]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The functions that have an address."""
        return tuple(self._addresses)

    @property
    def source(self) -> Source:
        """What it was compiled from, and how."""
        return self._source if isinstance(self._source, Source) else self._source()

    @property
    def ir_text(self) -> str:
        """LLVM IR after the passes (made again from the text, since keeping it would cost memory)."""
        text, opt = self.source
        with LOCK:
            return str(optimised(backend(), text, opt))

    @property
    def assembly(self) -> str:
        """The machine code as assembly, made when asked for."""
        text, opt = self.source
        with LOCK:
            llvm = backend()
            module = optimised(llvm, text, opt)
            return str(llvm.machine(opt.codegen_level).emit_assembly(module))


def compile_module(text: str, *, opt: Options = _DEFAULT, symbols: Symbols | None = None) -> Library:
    """Compiles LLVM IR and loads it, or loads what an earlier process made of the same text (`runtime.cache`).

    Args:
        text: a module in LLVM's assembly language. It must hold no address, since an address means something else in
            the next process.
        opt: passes and effort.
        symbols: addresses of functions that the module declares; others are looked for in this process (libm, libc,
            Python's own).

    Raises:
        CompilationError: the text is not valid IR, or a declared function is nowhere to be found.
    """
    key = object_cache.object_key(text, repr(opt), target_name())
    source = Source(text, opt)
    library = find(key, source, symbols)
    if library is not None:
        return library
    with LOCK:
        made = compiled(backend(), text, opt)
    given = _given(made, symbols)
    with LOCK:
        linked = link(backend(), made, given)
    object_cache.write(key, made)
    return Library(linked, source, key, cached=False)


def find(key: bytes, source: Source | Callable[[], Source], symbols: Symbols | None = None) -> Library | None:
    """The library whose object code is in the disk cache under `key`, or None.

    Args:
        key: `Library.key` of one that was compiled.
        source: what it was compiled from, or what gives that, for `ir_text` and `assembly`.
        symbols: as in `compile_module`.

    Raises:
        CompilationError: a declared function is nowhere to be found.
    """
    found = object_cache.read(key)
    if found is None:
        return None
    given = _given(found, symbols)
    with LOCK:
        linked = link(backend(), found, given)
    return Library(linked, source, key, cached=True)


def assembly(text: str, triple: str, cpu: str, *, opt: Options = _DEFAULT) -> str:
    """Compiles LLVM IR to assembly for another machine than this one.

    Args:
        text: a module in LLVM's assembly language.
        triple: the machine, as LLVM writes it, for example `nvptx64-nvidia-cuda`.
        cpu: its model, for example `sm_80`.
        opt: passes and effort.

    Raises:
        CompilationError: the text is not valid IR, or LLVM has no such target.
    """
    with LOCK:
        llvm = backend().binding
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        try:
            machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=opt.codegen_level)
        except RuntimeError as error:
            raise CompilationError(f"LLVM {backend().version} makes no code for {triple}: {error}") from None
        return str(machine.emit_assembly(optimised_for(backend(), machine, triple, text, opt)))


def _given(module: ObjectCode, symbols: Symbols | None) -> Mapping[str, int]:
    """The addresses that the caller gives; not under the lock, since the caller may compile more to have them."""
    return symbols(module.imports) if callable(symbols) else symbols or {}


def target_name() -> str:
    """The CPU and its features: object code is good where this string is the same."""
    with LOCK:
        return backend().target
