"""C by the system's compiler, for what Numba does not vectorise: elementary functions."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import get_num_threads

SOURCE = Path(__file__).with_name("elementwise.c")
OPTIONS = ("-Ofast", "-march=native", "-fopenmp", "-shared", "-fPIC")
THREADED = 20_000  # numbers from which starting threads pays


@cache
def library() -> ctypes.CDLL:
    """The compiled file, which stays in Numba's folder of compiled code."""
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(SOURCE.read_bytes() + " ".join(OPTIONS).encode()).hexdigest()[:16]
    path = folder / f"{name}.so"
    if not path.exists():
        made = folder / f"{name}-{os.getpid()}.so"
        compiler = shutil.which("cc")
        if compiler is None:
            raise FileNotFoundError("there is no C compiler, cc, on the path")
        subprocess.run([compiler, *OPTIONS, str(SOURCE), "-o", str(made), "-lm"], check=True)
        made.replace(path)
    return ctypes.CDLL(str(path))


@cache
def _function(name: str, arrays: int) -> Any:
    found = getattr(library(), name)
    found.restype = ctypes.c_double
    found.argtypes = [ctypes.c_ssize_t, *[ctypes.c_void_p] * arrays, ctypes.c_int]
    return found


def _threads(size: int) -> int:
    return get_num_threads() if size >= THREADED else 1


def functions(x: np.ndarray) -> Any:
    gradient = np.empty_like(x)
    total = _function(f"functions_{x.dtype}", 2)(x.size, x.ctypes.data, gradient.ctypes.data, _threads(x.size))
    return total, gradient


def black_scholes(*inputs: np.ndarray) -> Any:
    n, out = inputs[0].size, np.empty((len(inputs), inputs[0].size))
    places = [a.ctypes.data for a in (*inputs, out)]
    return _function("black_scholes", len(places))(n, *places, _threads(n)), tuple(out)
