"""Imports run one way: errors ← ir ← ops ← passes ← runtime ← the rest of tapec.

Read from the source with `ast`, because the contract also covers what an import graph does not show: an import inside a
function, which could hide a cycle, is allowed only where a table below says why.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "tapec"
FLOORS = ("tapec.errors", "tapec.ir", "tapec.ops", "tapec.passes", "tapec.runtime", "tapec")

# Slow to import: whoever needs one of them imports it when it is first needed, so that `import tapec` is fast.
LAZY_PACKAGES = {
    "llvmlite": "loads LLVM, tens of megabytes",
    "ml_dtypes": "whoever has arrays of bfloat16 has imported it",
    "networkx": "only minimum cuts need it",
    "numba": "half a second; only threads need it",
    "scipy": "only BLAS, LAPACK and reference meanings need it",
    "sklearn": "demo extra",
    "matplotlib": "demo extra",
    "rich": "demo extra",
}

# (importing module, imported module): why that import waits until the function runs.
LAZY_MODULES: dict[tuple[str, str], str] = {
    ("tapec.cli", "tapec.demo.main"): "needs the demo extra, and the command line says so if that is missing",
    ("tapec.ir.graph", "tapec.ir.printer"): "str(graph) is its text, and the printer is about graphs",
    ("tapec.runtime.eager", "tapec.runtime.generated"): "the compiler takes 100 ms to import",
    ("tapec.runtime.driver", "tapec.runtime.pipeline"): "a program in the disk cache needs no pass",
    ("tapec.runtime.pipeline", "tapec.passes.reroll"): "only long programs need it",
    ("tapec.runtime.pipeline", "tapec.passes.loop_printer"): "only who looks at loops needs it",
    ("tapec.runtime.pipeline", "tapec.passes.memory_budget"): "only who sets a budget needs it",
    ("tapec.runtime.pipeline", "tapec.passes.ordered_reductions"): "only a GPU needs it",
    ("tapec.runtime.generated", "tapec.passes.eager_kernels"): "kernels of one op in the disk cache need no pass",
    ("tapec.runtime.reductions", "tapec.passes.eager_kernels"): "the same for kernels of reductions",
    ("tapec.runtime.llvm_backend", "tapec.passes.llvm_text"): "only old processors need it, for float16",
    ("tapec.runtime.llvm_backend", "tapec.passes.scalar.half_functions"): "the same",
    ("tapec.runtime.conversions", "tapec.passes.eager_kernels"): "the same for kernels of casts",
    ("tapec.runtime.eager", "tapec.runtime.conversions"): "only large arrays of 16 bits need it",
    ("tapec.runtime.matmul", "tapec.passes.llvm_text"): "the same for matrix products",
    ("tapec.runtime.matmul", "tapec.passes.matmul_text"): "the same",
    ("tapec.runtime.matmul", "tapec.passes.product_text"): "the same",
    ("tapec.runtime.linalg", "tapec.passes.lapack.table"): "the same for linear algebra",
    ("tapec.runtime.linalg", "tapec.passes.llvm_text"): "the same",
    ("tapec.runtime.linalg", "tapec.passes.lapack.alone"): "the same",
    ("tapec.runtime.seldom", "tapec.passes.scalar.seldom"): "the same for what programs call seldom",
    ("tapec.runtime.seldom", "tapec.passes.llvm_text"): "the same",
    ("tapec.passes.derivatives", "tapec.passes.derivatives.rare"): "few programs need those rules",
    ("tapec.function", "tapec.native_call"): "the compiler takes 100 ms to import",
    ("tapec.inspection", "tapec.runtime.cuda.program"): "only those who ask for a GPU's code need it",
    ("tapec.inspection", "tapec.runtime.cuda.ptx"): "the same",
    ("tapec.inspection", "tapec.profile"): "only those who profile need it, and the compiler takes 100 ms to import",
    ("tapec.devices", "tapec.runtime.cuda.gpu"): "the same of a GPU",
    ("tapec.devices", "tapec.runtime.cuda.emulated_program"): "the same of an emulated one",
    ("tapec.devices", "tapec.runtime.cuda.op_programs"): "only who runs op by op there needs it",
    ("tapec.function", "tapec.devices"): "only who names a device needs it",
    ("tapec.tensor", "tapec.transfer"): "the same, of who asks where a tensor lies",
    ("tapec.tensor", "tapec.exchange"): "the same, of who exchanges arrays with other libraries",
    ("tapec.paths", "tapec.runtime.driver"): "the compiler takes 100 ms to import",
    ("tapec.placement", "tapec.runtime.control"): "only loops and branches need it",
    ("tapec.paths", "tapec.flat_entry"): "the same",
    ("tapec.sparse_derivatives", "tapec.sparse_plan"): "the derivative tables wait for the first sparse derivative",
    ("tapec.sparse_derivatives", "tapec.sparse_products"): "the same",
    ("tapec.sparse_derivatives", "tapec.sparse_entries"): "only sparse derivatives need it",
    ("tapec.sparse_recording", "tapec.passes.cut"): "the derivative tables wait for the first sparse derivative",
    ("tapec.sparse_recording", "tapec.passes.sparsity"): "the same",
    ("tapec.sparse_recording", "tapec.passes.index_sets"): "only sparse derivatives need it",
    ("tapec.sparse_recording", "tapec.passes.graph_sections"): "the same",
    ("tapec.sparse_recording", "tapec.passes.write_out"): "the same",
    ("tapec.forward_recorder", "tapec.passes.tangent"): "the derivative tables wait for the first tangent",
    ("tapec.forward_recorder", "tapec.passes.derivatives"): "the same",
    ("tapec.derivative_graphs", "tapec.passes.adjoint"): "the derivative tables wait for the first derivative",
    ("tapec.derivative_graphs", "tapec.passes.tangent"): "the same",
    ("tapec.derivative_graphs", "tapec.passes.vectorize"): "the same",
    ("tapec.vectorized_call", "tapec.passes.vectorize"): "the formulas of passes wait for the first call",
    ("tapec.rule_graphs", "tapec.passes.adjoint"): "the same",
    ("tapec.tape_recorder", "tapec.passes.residuals"): "the derivative tables wait for the first recorded op",
    ("tapec.tape_derivatives", "tapec.passes.adjoint"): "the same, for the first gradient",
    ("tapec.tape_derivatives", "tapec.passes.tangent"): "the same",
    ("tapec.tape_derivatives", "tapec.passes.recompute"): "only recordings of long loops need it",
    ("tapec.derivative_graphs", "tapec.passes.recompute"): "the same",
    ("tapec.derivative_graphs", "tapec.passes.seedless_loops"): "the same",
    ("tapec.rolled_tape", "tapec.passes.reroll"): "the same",
    ("tapec.rolled_tape", "tapec.passes.summation_order"): "the same",
    ("tapec.rolled_tape", "tapec.passes.table_numbering"): "the same",
    ("tapec.rolled_tape", "tapec.passes.tangent_starts"): "the same",
    ("tapec.rolled_recording", "tapec.passes.reroll"): "the same",
    ("tapec.rolled_recording", "tapec.passes.table_numbering"): "the same",
    ("tapec.dispatch", "tapec.runtime.control"): "only loops and branches need it",
    ("tapec.tape", "tapec.saved_tensors"): "the same, for the first recorded op",
    ("tapec.tape", "tapec.explanation"): "the derivative tables wait for the first gradient",
    ("tapec.tape", "tapec.gradient_warnings"): "the same",
    ("tapec.function_recorder", "tapec.leaving_advice"): "only programs with such a mistake need it",
    ("tapec.lost_derivatives", "tapec.leaving_advice"): "the same",
    ("tapec.region_recorder", "tapec.leaving_advice"): "the same",
    ("tapec.registered_gradient", "tapec.passes.adjoint"): "the derivative tables wait for the first use",
    ("tapec.registered_gradient", "tapec.passes.derivatives"): "the same",
    ("tapec.registered_gradient", "tapec.passes.derivatives.table"): "the same",
    ("tapec.registered_gradient", "tapec.passes.splice"): "the same",
    ("tapec.tape_derivatives", "tapec.compiled_derivative"): "the compiler takes 100 ms to import",
}

# The untyped compilers stay behind these modules.
UNTYPED = {"llvmlite": {"tapec.runtime.llvm_backend"}, "numba": {"tapec.runtime.threads", "tapec.runtime.blas"}}


@dataclass(frozen=True)
class Import:
    """One import; `place` says whether it runs with the module, in a function, or for the type checker only."""

    importer: str
    imported: str
    line: int
    place: str

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def module_names(root: Path) -> dict[str, Path]:
    names = {}
    folders = [(root, "tapec")]
    while folders:
        folder, name = folders.pop()
        for path in sorted(folder.iterdir()):
            if path.is_dir() and (path / "__init__.py").exists():  # follows the two links
                folders.append((path, f"{name}.{path.name}"))
            elif path.suffix == ".py":
                names[name if path.stem == "__init__" else f"{name}.{path.stem}"] = path
    return names


MODULES = module_names(PACKAGE)


def imports_of(name: str, source: str, modules: dict[str, Path]) -> list[Import]:
    found: list[Import] = []

    def add(target: str, line: int, place: str) -> None:
        found.append(Import(name, target, line, place))

    def visit(node: ast.AST, place: str) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                add(alias.name, node.lineno, place)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                add(inner if inner in modules else node.module, node.lineno, place)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for child in ast.iter_child_nodes(node):
                visit(child, "function")
        elif isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for child in node.body:
                visit(child, "types")
            for child in node.orelse:
                visit(child, place)
        else:
            for child in ast.iter_child_nodes(node):
                visit(child, place)

    visit(ast.parse(source), "module")
    return found


IMPORTS = [i for name, path in MODULES.items() for i in imports_of(name, path.read_text(encoding="utf-8"), MODULES)]


def floor(name: str) -> int:
    return next(i for i, prefix in enumerate(FLOORS) if name == prefix or name.startswith(prefix + "."))


def package(entry: Import) -> str:
    return entry.imported.partition(".")[0]


def climbing(imports: list[Import]) -> list[str]:
    return [str(i) for i in imports if package(i) == "tapec" and floor(i.imported) > floor(i.importer)]


def test_the_links_lead_to_the_folders():
    for name in ("passes", "runtime"):
        link = PACKAGE / name
        assert link.is_symlink()
        assert link.resolve() == PACKAGE.parent / name


def test_every_floor_has_modules():
    assert {floor(name) for name in MODULES} == set(range(len(FLOORS)))


def test_imports_run_one_way():
    assert climbing(IMPORTS) == []


def test_no_import_cycles():
    graph = nx.DiGraph((i.importer, i.imported) for i in IMPORTS if i.place == "module" and i.imported in MODULES)
    assert [c for c in nx.strongly_connected_components(graph) if len(c) > 1] == []


def test_imports_inside_functions_are_listed():
    hidden = [i for i in IMPORTS if i.place == "function"]
    unlisted = [
        str(i) for i in hidden if package(i) not in LAZY_PACKAGES and (i.importer, i.imported) not in LAZY_MODULES
    ]
    assert unlisted == []


def test_no_listed_exception_is_stale():
    hidden = {(i.importer, i.imported) for i in IMPORTS if i.place == "function"}
    assert [pair for pair in LAZY_MODULES if pair not in hidden] == []


def test_slow_packages_wait_until_needed():
    eager = [
        str(i)
        for i in IMPORTS
        if i.place == "module" and package(i) in LAZY_PACKAGES and not i.importer.startswith("tapec.demo.")
    ]
    assert eager == []


def test_importing_tapec_loads_none_of_them():
    code = "import sys, tapec; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert "tapec" in done.stdout.split()
    assert LAZY_PACKAGES.keys() & set(done.stdout.split()) == set()


def test_untyped_packages_stay_behind_their_module():
    outside = [str(i) for i in IMPORTS if package(i) in UNTYPED and i.importer not in UNTYPED[package(i)]]
    assert outside == []


@pytest.mark.parametrize(
    ("importer", "source", "caught"),
    [
        ("tapec.ir.graph", "from tapec.ops import elementwise", True),
        ("tapec.passes.cse", "def f():\n    import tapec.runtime.jit", True),
        ("tapec.ops.reduction", "from tapec.ir.types import TensorType", False),
        ("tapec.function", "import tapec.passes.cse", False),
    ],
)
def test_the_contract_can_fail(importer, source, caught):
    assert bool(climbing(imports_of(importer, source, {"tapec.ops.elementwise": PACKAGE}))) is caught
