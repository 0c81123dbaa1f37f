"""NVIDIA's assembler `ptxas`, which says whether PTX is good and what it takes of a machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Where the wheels `nvidia-cuda-nvcc-cu12` and `nvidia-cuda-nvcc` put it.
WHEELS = ("nvidia/cuda_nvcc/bin/ptxas", "nvidia/cu13/bin/ptxas")
USAGE = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?(?P<stack>\d+) bytes stack frame, (?P<stores>\d+) bytes spill stores, "
    r"(?P<loads>\d+) bytes spill loads.*?Used (?P<registers>\d+) registers",
    re.DOTALL,
)


@dataclass(frozen=True)
class KernelUsage:
    """Registers of a thread, and bytes that are moved between registers and memory because there were too few."""

    registers: int
    spill_bytes: int


@cache
def find_ptxas(architecture: str) -> Path | None:
    """A `ptxas` for an architecture, from a wheel of this environment or on the path; None if there is none.

    Each serves the architectures of its time: that of CUDA 13 has forgotten `sm_70`.
    """
    found = [Path(folder) / place for folder in sys.path for place in WHEELS]
    on_path = shutil.which("ptxas")
    found += [Path(on_path)] if on_path else []
    empty = f".version 8.0\n.target {architecture}\n.address_size 64\n"
    return next((p for p in found if p.is_file() and not run(p, empty, architecture).returncode), None)


def run(ptxas: Path, text: str, architecture: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [ptxas, "--verbose", "--gpu-name", architecture, "--output-file", "/dev/null", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def assemble(text: str, architecture: str, ptxas: Path) -> dict[str, KernelUsage]:
    """Has `ptxas` compile PTX; what each kernel takes."""
    done = run(ptxas, text, architecture)
    assert not done.returncode, done.stderr
    return {
        m["name"]: KernelUsage(int(m["registers"]), int(m["stores"]) + int(m["loads"]))
        for m in USAGE.finditer(done.stderr)
    }
