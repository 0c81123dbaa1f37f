"""Modules that run when somebody looks into them, and what a start with a filled cache leaves for later."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from tapec.runtime.late_modules import leave_for_later

NAME = "tapec_test_late"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of test modules that have run: a package, and a module in it."""
    package = tmp_path / NAME
    package.mkdir()
    (package / "__init__.py").write_text(f"import sys\nsys.{NAME}.append(__name__)\nthing = 1\n")
    (package / "part.py").write_text(f"import sys\nsys.{NAME}.append(__name__)\nother = 2\n")
    ran: list[str] = []
    monkeypatch.setattr(sys, NAME, ran, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield ran
    for name in (NAME, f"{NAME}.part"):
        sys.modules.pop(name, None)


def test_a_module_runs_once_when_looked_into(runs: list[str]) -> None:
    """Importing it, and a module in it, does not look into it."""
    leave_for_later(NAME)
    package = importlib.import_module(NAME)
    part = importlib.import_module(f"{NAME}.part")
    assert runs == [f"{NAME}.part"] and part.other == 2 and package.part is part
    assert package.thing == 1 and runs[1:] == [NAME]
    assert package.thing == 1 and type(package) is type(sys) and len(runs) == 2
    leave_for_later(NAME)
    assert importlib.import_module(NAME) is package and len(runs) == 2


def test_what_is_missing_is_missing(runs: list[str]) -> None:
    """An attribute that the module does not define either, and a module that does not exist."""
    leave_for_later(NAME)
    with pytest.raises(AttributeError, match="nothing"):
        _ = importlib.import_module(NAME).nothing
    assert runs == [NAME]
    with pytest.raises(ModuleNotFoundError, match=f"{NAME}.absent"):
        leave_for_later(f"{NAME}.absent")


def test_threads_see_the_whole_module(runs: list[str]) -> None:
    """All that look at once wait for the one that runs it."""
    leave_for_later(NAME)
    package, found, together = importlib.import_module(NAME), [], Barrier(8)

    def look() -> None:
        together.wait()
        found.append(package.thing)

    threads = [Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8 and runs == [NAME]


def test_a_start_with_a_filled_cache_imports_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """llvmlite's parser and its writer of IR are there when they are asked for, and not before."""
    monkeypatch.setenv("TAPEC_CACHE", "1")
    monkeypatch.setenv("TAPEC_CACHE_DIR", str(tmp_path / "cache"))
    code = (
        "import sys, numpy as np, tapec as tp\n"
        "print(tp.grad(lambda x: np.sum(np.sin(x) * x))(np.ones(3))[0])\n"
        "print('llvmlite.binding.module' in sys.modules, 'llvmlite.ir' in sys.modules)\n"
        "import llvmlite.ir, llvmlite.binding, tempfile, zipfile\n"
        "print(llvmlite.ir.IntType(8), llvmlite.binding.parse_assembly, tempfile.gettempdir, zipfile.ZipFile)\n"
    )
    first, second = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
        for _ in range(2)
    ]
    assert first[1] == "True True" and second[1] == "False False"
    assert first[0] == second[0] and second[2].startswith("i8 <function parse_assembly")


def test_rules_that_few_programs_need_are_imported_with_the_first_of_them() -> None:
    """They are whole when somebody lists them, and a row that was set stays."""
    code = (
        "import sys\n"
        "from tapec.ops import control, elementwise as ew, linalg\n"
        "from tapec.passes.derivatives import DERIVATIVES\n"
        "rare = 'tapec.passes.derivatives.rare'\n"
        "row = DERIVATIVES[linalg.cholesky] = DERIVATIVES[ew.sin]\n"
        "print(rare in sys.modules)\n"
        "print(DERIVATIVES.get(control.scan) is not None, rare in sys.modules, DERIVATIVES[linalg.cholesky] is row)\n"
        "del DERIVATIVES[linalg.cholesky]\n"
        "print(linalg.cholesky in DERIVATIVES, len(DERIVATIVES) == len(list(DERIVATIVES)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found == ["False", "True", "True", "True", "False", "True"]
