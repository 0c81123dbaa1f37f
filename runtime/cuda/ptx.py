"""PTX of kernels, and NVIDIA's assembler `ptxas`, which says whether it is good and what it takes of a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tapec.errors import CompilationError
from tapec.passes.cuda.device_text import device_module
from tapec.passes.cuda.kernel import Kernel
from tapec.runtime import jit

TRIPLE: Final = "nvptx64-nvidia-cuda"
# Phases are written as functions; inlined, their slots become registers.
_OPTIONS: Final = jit.Options(("always_inliner", *jit.CLEANUP), 3)
# Where the wheels `nvidia-cuda-nvcc-cu12` and `nvidia-cuda-nvcc` put it.
_WHEELS: Final = ("nvidia/cuda_nvcc/bin/ptxas", "nvidia/cu13/bin/ptxas")
_USAGE: Final = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads.*?Used (?P<registers>\d+) registers",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a kernel takes.

    Attributes:
        registers: of a thread.
        stack_bytes: of a thread's own memory.
        spill_bytes: moved between registers and memory because there were too few registers.
    """

    registers: int
    stack_bytes: int
    spill_bytes: int


def ptx(kernels: Sequence[Kernel], architecture: str) -> str:
    """PTX of kernels for an architecture such as `sm_80`."""
    return jit.assembly(device_module(kernels), TRIPLE, architecture, opt=_OPTIONS)


@cache
def find_ptxas(architecture: str) -> Path | None:
    """A `ptxas` for an architecture, from a wheel of this environment or on the path; None if there is none.

    Each serves the architectures of its time: that of CUDA 13 has forgotten `sm_70`.
    """
    found = [Path(folder) / place for folder in sys.path for place in _WHEELS]
    on_path = shutil.which("ptxas")
    found += [Path(on_path)] if on_path else []
    return next((p for p in found if p.is_file() and _serves(p, architecture)), None)


def _serves(ptxas: Path, architecture: str) -> bool:
    empty = f".version 8.0\n.target {architecture}\n.address_size 64\n"
    command: list[str | Path] = [ptxas, "--gpu-name", architecture, "--output-file", "/dev/null", "-"]
    return not subprocess.run(command, input=empty, capture_output=True, text=True, check=False).returncode  # noqa: S603


def assemble(text: str, architecture: str, ptxas: Path) -> dict[str, Usage]:
    """Has `ptxas` compile PTX; what each kernel takes.

    Raises:
        CompilationError: it does not accept the text.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "kernels.ptx", Path(folder) / "kernels.cubin"
        source.write_text(text)
        command: list[str | Path] = [ptxas, "--verbose", "--gpu-name", architecture, "--output-file", out, source]
        run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - found by `find_ptxas`
    if run.returncode:
        raise CompilationError(f"{ptxas} rejects PTX for {architecture}: {run.stderr.strip()}")
    return {
        m["name"]: Usage(int(m["registers"]), int(m["stack"]), int(m["stores"]) + int(m["loads"]))
        for m in _USAGE.finditer(run.stderr)
    }
