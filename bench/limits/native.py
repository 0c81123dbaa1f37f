"""C by the system's compiler, for what Numba does not write well: elementary functions, and streams through memory."""

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

SOURCE = {name: Path(__file__).with_name(f"{name}.c") for name in ("elementwise", "streams")}
OPTIONS = ("-Ofast", "-march=native", "-fopenmp", "-shared", "-fPIC")
THREADED = 20_000  # numbers from which starting threads pays


@cache
def library(source: str = "elementwise") -> ctypes.CDLL:
    """A compiled file, which stays in Numba's folder of compiled code."""
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(SOURCE[source].read_bytes() + " ".join(OPTIONS).encode()).hexdigest()[:16]
    path = folder / f"{name}.so"
    if not path.exists():
        made = folder / f"{name}-{os.getpid()}.so"
        compiler = shutil.which("cc")
        if compiler is None:
            raise FileNotFoundError("there is no C compiler, cc, on the path")
        subprocess.run([compiler, *OPTIONS, str(SOURCE[source]), "-o", str(made), "-lm"], check=True)
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


def _stream(name: str, result: Any, *arguments: Any) -> Any:
    found = getattr(library("streams"), name)
    found.restype, found.argtypes = result, [*arguments, ctypes.c_int]
    return found


@cache
def _room(size: int) -> np.ndarray:
    """Memory on a boundary of 64 bytes that each call writes to: fresh memory costs more than writing it does."""
    room = np.zeros(size + 8)
    skipped = -room.ctypes.data // 8 % 8
    return room[skipped : skipped + size]


def triad(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    out, pointer = _room(x.size), ctypes.c_void_p
    run = _stream("triad", None, ctypes.c_ssize_t, pointer, pointer, pointer)
    run(x.size, x.ctypes.data, y.ctypes.data, out.ctypes.data, _threads(x.size))
    return out


def total(x: np.ndarray) -> Any:
    return _stream("sum", ctypes.c_double, ctypes.c_ssize_t, ctypes.c_void_p)(x.size, x.ctypes.data, _threads(x.size))


def column_sums(x: np.ndarray) -> np.ndarray:
    out, count, pointer = np.empty(x.shape[1]), ctypes.c_ssize_t, ctypes.c_void_p
    run = _stream("column_sums", None, count, count, pointer, pointer)
    run(*x.shape, x.ctypes.data, out.ctypes.data, _threads(x.size))
    return out
