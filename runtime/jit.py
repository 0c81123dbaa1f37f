"""Machine code from LLVM IR text: the one typed door to llvmlite.

llvmlite is imported when the first module is compiled. Code is made for this very CPU; nothing here relaxes floating
point: without `contract` or `fast` flags in the text LLVM neither fuses nor reorders floating operations.

The generated text is already vectorised and unrolled, so the passes only clean up. Measured on a Zen 3 core
(`docs/design/0004-native-runtime.md`): 10,500 lines of such IR take 37 ms to parse, 52 ms in these passes and 370 ms
to become machine code; LLVM's own `O1` to `O3` take 310 to 330 ms in the place of those 52 for code of the same speed.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias, final

from tapec.errors import CompilationError
from tapec.runtime import object_cache
from tapec.runtime.object_cache import ObjectCode

# Addresses of functions by name, or what gives them for the names that a module declares.
Symbols: TypeAlias = Mapping[str, int] | Callable[[tuple[str, ...]], Mapping[str, int]]

CLEANUP: Final = ("sroa", "new_gvn", "instruction_combine", "simplify_cfg")


class Options(NamedTuple):
    """How a module becomes machine code.

    Args:
        passes: llvmlite's names of module passes, in order (`"new_gvn"` is `add_new_gvn_pass`).
        codegen_level: LLVM's effort in instruction selection, scheduling and register allocation, 0 to 3.
    """

    passes: tuple[str, ...] = CLEANUP
    codegen_level: int = 2


_DEFAULT: Final = Options()


@final
class Library:
    """Loaded machine code. Its addresses are good for as long as this object lives.

    Attributes:
        object_code: the relocatable object; `load` makes a library of it again, on the same kind of CPU.
        key: what the object code is kept under in the disk cache; empty for a library that `load` made.
        compile_seconds: wall time from text to callable addresses; 0.0 for one that `load` made.
        cached: whether the object code came from the disk cache.
    """

    __slots__ = ("_addresses", "_options", "_text", "_tracker", "cached", "compile_seconds", "key", "object_code")

    def __init__(
        self,
        linked: tuple[Any, dict[str, int]],
        object_code: bytes,
        text: str | Callable[[], str],
        options: Options,
        key: bytes = b"",
        seconds: float = 0.0,
        cached: bool = False,
    ) -> None:
        self._tracker, self._addresses = linked
        self._text = text
        self._options = options
        self.object_code = object_code
        self.key = key
        self.compile_seconds = seconds
        self.cached = cached

    def address(self, symbol: str) -> int:
        """Address of a function that the module defines; `KeyError` if it defines none of that name."""
        return self._addresses[symbol]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The functions that have an address."""
        return tuple(self._addresses)

    @property
    def ir_text(self) -> str:
        """LLVM IR after the passes (made again from the text, since keeping it would cost memory)."""
        text = self._text if isinstance(self._text, str) else self._text()
        with _LOCK:
            return str(_optimised(_backend(), text, self._options))

    @property
    def assembly(self) -> str:
        """The machine code as assembly, made when asked for."""
        text = self._text if isinstance(self._text, str) else self._text()
        with _LOCK:
            backend = _backend()
            module = _optimised(backend, text, self._options)
            return str(backend.machine(self._options.codegen_level).emit_assembly(module))


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
    start = time.perf_counter()
    key = object_cache.object_key(text, repr(opt), target_name())
    library = find(key, text, opt=opt, symbols=symbols)
    if library is not None:
        return library
    with _LOCK:
        made = _compiled(_backend(), text, opt)
    given = _given(made, symbols)
    with _LOCK:
        linked = _link(_backend(), made, given)
    object_cache.write(key, made)
    return Library(linked, made.code, text, opt, key, time.perf_counter() - start)


def find(
    key: bytes, text: str | Callable[[], str], *, opt: Options = _DEFAULT, symbols: Symbols | None = None
) -> Library | None:
    """The library whose object code is in the disk cache under `key`, or None.

    Args:
        key: `Library.key` of one that was compiled.
        text: what it was compiled from, or what gives that, for `ir_text` and `assembly`.
        opt: how it was compiled.
        symbols: as in `compile_module`.

    Raises:
        CompilationError: a declared function is nowhere to be found.
    """
    start = time.perf_counter()
    found = object_cache.read(key)
    if found is None:
        return None
    given = _given(found, symbols)
    with _LOCK:
        linked = _link(_backend(), found, given)
    return Library(linked, found.code, text, opt, key, time.perf_counter() - start, cached=True)


def load(object_code: bytes, exports: Iterable[str], symbols: Mapping[str, int] | None = None) -> Library:
    """Loads what `Library.object_code` held; it has no IR text to show.

    Args:
        object_code: made by `compile_module` for the same CPU.
        exports: names whose addresses are wanted.
        symbols: addresses of functions that it calls and that do not go by their own name.

    Raises:
        CompilationError: it does not define a name, or needs one that is not to be found.
    """
    given = dict(symbols or {})
    with _LOCK:
        linked = _link(_backend(), ObjectCode(tuple(exports), tuple(given), object_code), given)
    return Library(linked, object_code, "", _DEFAULT)


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
    with _LOCK:
        llvm = _backend().llvm
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
        try:
            machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=opt.codegen_level)
        except RuntimeError as error:
            raise CompilationError(f"LLVM {_backend().version} makes no code for {triple}: {error}") from None
        return str(machine.emit_assembly(_optimised_for(_backend(), machine, triple, text, opt)))


def _given(module: ObjectCode, symbols: Symbols | None) -> Mapping[str, int]:
    """The addresses that the caller gives; not under the lock, since the caller may compile more to have them."""
    return symbols(module.imports) if callable(symbols) else symbols or {}


def target_name() -> str:
    """The CPU and its features: object code is good where this string is the same."""
    with _LOCK:
        backend = _backend()
        return f"{backend.triple} {backend.cpu} {backend.features} {backend.version}"


# Below: llvmlite. Its objects are untyped and are used under `_LOCK` only, since a target machine serves one at a time.

_LOCK: Final = threading.RLock()
_serial = count(1).__next__


@dataclass(slots=True)
class _Backend:
    """llvmlite's module and the process-wide objects made from it."""

    llvm: Any
    triple: str
    cpu: str
    features: str
    version: str
    engine: Any = None
    machines: dict[int, Any] = field(default_factory=dict)

    def machine(self, level: int) -> Any:
        """The target machine of this effort."""
        found = self.machines.get(level)
        if found is None:
            found = self.machines[level] = self.llvm.Target.from_triple(self.triple).create_target_machine(
                cpu=self.cpu, features=self.features, opt=level, reloc="pic", codemodel="small", jit=True
            )
        return found


_STATE: list[_Backend] = []


def _backend() -> _Backend:
    if not _STATE:
        import llvmlite  # takes time that `import tapec` should not
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        version = f"llvm-{'.'.join(map(str, llvm.llvm_version_info))} llvmlite-{llvmlite.__version__}"
        backend = _Backend(
            llvm,
            llvm.get_process_triple(),
            llvm.get_host_cpu_name(),
            llvm.get_host_cpu_features().flatten(),
            version,
        )
        # JITLink places a library's sections side by side, which the small code model needs. The engine takes its own
        # machine: it is disposed of with the engine.
        backend.engine = llvm.create_lljit_compiler(backend.machine(2), use_jit_link=True, suppress_errors=True)
        _STATE.append(backend)
    return _STATE[0]


def _compiled(backend: _Backend, text: str, options: Options) -> ObjectCode:
    module = _optimised(backend, text, options)
    functions = list(module.functions)
    return ObjectCode(
        tuple([f.name for f in functions if not f.is_declaration and f.linkage.name == "external"]),
        tuple([f.name for f in functions if f.is_declaration and not f.name.startswith("llvm.")]),
        backend.machine(options.codegen_level).emit_object(module),
    )


def _optimised(backend: _Backend, text: str, options: Options) -> Any:
    return _optimised_for(backend, backend.machine(options.codegen_level), backend.triple, text, options)


def _optimised_for(backend: _Backend, machine: Any, triple: str, text: str, options: Options) -> Any:
    passes = options.passes
    module = _parsed(backend, machine, triple, text)
    if passes and passes[0] == "sroa":
        _run(backend, machine, module, passes[:1])
        passes = passes[1:]
        if not _is_valid(module):
            # LLVM 22 puts the pieces of a buffer together at the store that is last in memory, which need not be the
            # last one to run (llvm-project pull request 189680). The buffer then stays in memory.
            module = _parsed(backend, machine, triple, text)
    if passes:
        _run(backend, machine, module, passes)
    return module


def _parsed(backend: _Backend, machine: Any, triple: str, text: str) -> Any:
    try:
        module = backend.llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise CompilationError(f"{error}\n{_surroundings(text, str(error))}") from None
    module.triple = triple
    module.data_layout = str(machine.target_data)
    return module


def _run(backend: _Backend, machine: Any, module: Any, passes: Iterable[str]) -> None:
    builder = backend.llvm.create_pass_builder(machine, backend.llvm.create_pipeline_tuning_options(1))
    manager = backend.llvm.create_new_module_pass_manager()
    for name in passes:
        getattr(manager, f"add_{name}_pass")()
    manager.run(module, builder)


def _is_valid(module: Any) -> bool:
    try:
        module.verify()
    except RuntimeError:
        return False
    return True


def _surroundings(text: str, message: str) -> str:
    """The lines of `text` around the fault that LLVM's message tells of."""
    lines = text.splitlines()
    position = re.search(r"<string>:(\d+):\d+", message)
    if position:
        faults = [int(position[1]) - 1]
    else:  # the verifier prints the instructions concerned, not their places
        printed = {line.strip() for line in message.splitlines() if line.strip()}
        faults = [i for i, line in enumerate(lines) if line.strip() in printed][:4]
    shown = sorted({i for fault in faults for i in range(fault - 3, fault + 4) if 0 <= i < len(lines)})
    return "\n".join(f"{'>' if i in faults else ' '} {i + 1:5d} | {lines[i]}" for i in shown)


def _link(backend: _Backend, module: ObjectCode, given: Mapping[str, int]) -> tuple[Any, dict[str, int]]:
    """Loads object code: what keeps it, and its addresses."""
    missing = [n for n in module.imports if n not in given and backend.llvm.address_of_symbol(n) is None]
    if missing:
        raise CompilationError(f"functions declared but not found: {', '.join(missing)}; give their addresses")
    builder = backend.llvm.JITLibraryBuilder().add_object_img(module.code).add_current_process()
    for name in module.imports:
        if name in given:
            builder.import_symbol(name, given[name])
    for name in module.exports:
        builder.export_symbol(name)
    try:
        tracker = builder.link(backend.engine, f"tapec{_serial()}")
    except RuntimeError as error:
        wanted = ", ".join(module.exports)
        raise CompilationError(f"cannot load machine code that should define {wanted}: {error}") from None
    return tracker, {name: tracker[name] for name in module.exports}
