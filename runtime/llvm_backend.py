"""llvmlite behind types: its process-wide objects, the passes over a module, object code, and loading that.

llvmlite is imported when the first module is compiled. Its objects are untyped and are used under `LOCK` only, since a
target machine serves one at a time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from itertools import count
from typing import Any, Final, NamedTuple

from tapec.errors import CompilationError
from tapec.runtime.late_modules import leave_for_later
from tapec.runtime.object_cache import ObjectCode

CLEANUP: Final = ("sroa", "new_gvn", "instruction_combine", "simplify_cfg")


class Options(NamedTuple):
    """How a module becomes machine code.

    Args:
        passes: llvmlite's names of module passes, in order (`"new_gvn"` is `add_new_gvn_pass`).
        codegen_level: LLVM's effort in instruction selection, scheduling and register allocation, 0 to 3.
        strength_reduction: whether the code generator looks for cheaper ways to compute the addresses in loops. That
            takes a third of its time where many pointers move, and gains nothing where they have been written so.
    """

    passes: tuple[str, ...] = CLEANUP
    codegen_level: int = 2
    strength_reduction: bool = True


LOCK: Final = threading.RLock()
_LINKING: Final = ("ffi", "targets", "orcjit", "initfini", "dylib")
_serial = count(1).__next__


@dataclass(slots=True)
class Backend:
    """llvmlite's binding of LLVM, modules of it that linking needs, and the process-wide objects made from them."""

    binding: Any
    targets: Any
    linking: Any
    symbols: Any
    triple: str
    cpu: str
    features: str
    version: str
    engine: Any = None
    machines: dict[int, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The CPU and its features, and LLVM's version."""
        return f"{self.triple} {self.cpu} {self.features} {self.version}"

    def machine(self, level: int) -> Any:
        """The target machine of this effort."""
        found = self.machines.get(level)
        if found is None:
            found = self.machines[level] = self.targets.Target.from_triple(self.triple).create_target_machine(
                cpu=self.cpu, features=self.features, opt=level, reloc="pic", codemodel="small", jit=True
            )
        return found


_STATE: list[Backend] = []


def backend() -> Backend:
    """llvmlite, imported and set up when first asked for."""
    if not _STATE:
        # Code from the disk cache is only linked. What compiles it and llvmlite's own writer of IR, most of what
        # `llvmlite.binding` imports, can wait, and so can what unpacks archives. The order is that in which these
        # modules ask their package for each other: it runs as soon as it is asked for one that it has not got.
        leave_for_later("tempfile", "zipfile", "llvmlite.binding")
        _, targets, orcjit, initfini, dylib = [import_module(f"llvmlite.binding.{name}") for name in _LINKING]
        import llvmlite  # takes time that `import tapec` should not
        import llvmlite.binding

        initfini.initialize_native_target()
        initfini.initialize_native_asmprinter()
        version = f"llvm-{'.'.join(map(str, initfini.llvm_version_info))} llvmlite-{llvmlite.__version__}"
        made = Backend(
            llvmlite.binding,
            targets,
            orcjit,
            dylib,
            targets.get_process_triple(),
            targets.get_host_cpu_name(),
            targets.get_host_cpu_features().flatten(),
            version,
        )
        # JITLink places a library's sections side by side, which the small code model needs. The engine takes its own
        # machine: it is disposed of with the engine.
        made.engine = orcjit.create_lljit_compiler(made.machine(2), use_jit_link=True, suppress_errors=True)
        _STATE.append(made)
    return _STATE[0]


def compiled(llvm: Backend, text: str, options: Options) -> ObjectCode:
    """Object code of a module, with the names that it defines and those that it needs.

    Raises:
        CompilationError: the text is not valid IR.
    """
    module = optimised(llvm, text, options)
    functions = list(module.functions)
    return ObjectCode(
        tuple([f.name for f in functions if not f.is_declaration and f.linkage.name == "external"]),
        tuple([f.name for f in functions if f.is_declaration and not f.name.startswith("llvm.")]),
        _emitted(llvm, module, options),
    )


def _emitted(llvm: Backend, module: Any, options: Options) -> bytes:
    """The object code of a module. LLVM has the switch for the whole process only: what another library compiles in
    this very moment may go without strength reduction, too, which means the same.
    """
    machine = llvm.machine(options.codegen_level)
    if options.strength_reduction:
        return bytes(machine.emit_object(module))
    llvm.binding.set_option("tapec", "-disable-lsr=true")
    try:
        return bytes(machine.emit_object(module))
    finally:
        llvm.binding.set_option("tapec", "-disable-lsr=false")


def optimised(llvm: Backend, text: str, options: Options) -> Any:
    """llvmlite's module of a text after the passes, for this CPU."""
    return optimised_for(llvm, llvm.machine(options.codegen_level), llvm.triple, text, options)


def optimised_for(llvm: Backend, machine: Any, triple: str, text: str, options: Options) -> Any:
    """The same for the target machine given."""
    passes = options.passes
    module = _parsed(llvm, machine, triple, text)
    if passes and passes[0] == "sroa":
        _run(llvm, machine, module, passes[:1])
        passes = passes[1:]
        if not _is_valid(module):
            # LLVM 22 puts the pieces of a buffer together at the store that is last in memory, which need not be the
            # last one to run (llvm-project pull request 189680). The buffer then stays in memory.
            module = _parsed(llvm, machine, triple, text)
    if passes:
        _run(llvm, machine, module, passes)
    return module


def _parsed(llvm: Backend, machine: Any, triple: str, text: str) -> Any:
    try:
        module = llvm.binding.parse_assembly(text)
        if triple == llvm.triple and " half" in text and "x86_64" in triple and "+f16c" not in llvm.features:
            module.link_in(llvm.binding.parse_assembly(_half_functions()))
        module.verify()
    except RuntimeError as error:
        raise CompilationError(f"{error}\n{_surroundings(text, str(error))}") from None
    module.triple = triple
    module.data_layout = str(machine.target_data)
    return module


def _half_functions() -> str:
    """What LLVM calls where a processor has no instruction for float16."""
    from tapec.passes.llvm_text import module_text
    from tapec.passes.scalar.half_functions import half_functions

    return module_text(half_functions())


def _run(llvm: Backend, machine: Any, module: Any, passes: Iterable[str]) -> None:
    builder = llvm.binding.create_pass_builder(machine, llvm.binding.create_pipeline_tuning_options(1))
    manager = llvm.binding.create_new_module_pass_manager()
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


def link(llvm: Backend, module: ObjectCode, given: Mapping[str, int]) -> tuple[Any, dict[str, int]]:
    """Loads object code: what keeps it, and its addresses."""
    missing = [n for n in module.imports if n not in given and llvm.symbols.address_of_symbol(n) is None]
    if missing:
        raise CompilationError(f"functions declared but not found: {', '.join(missing)}; give their addresses")
    builder = llvm.linking.JITLibraryBuilder().add_object_img(module.code).add_current_process()
    for name in module.imports:
        if name in given:
            builder.import_symbol(name, given[name])
    for name in module.exports:
        builder.export_symbol(name)
    try:
        tracker = builder.link(llvm.engine, f"tapec{_serial()}")
    except RuntimeError as error:
        wanted = ", ".join(module.exports)
        raise CompilationError(f"cannot load machine code that should define {wanted}: {error}") from None
    return tracker, {name: tracker[name] for name in module.exports}
