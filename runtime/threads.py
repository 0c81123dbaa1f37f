"""Numba's threads: the typed door to its threading layers, which machine code calls by address.

There is no pool of our own. `NUMBA_NUM_THREADS`, `NUMBA_THREADING_LAYER` and `numba.set_num_threads` hold, and Numba is
looked for only when a program has a nest that is large enough. `import numba` takes some 200 ms, its OpenMP layer alone
less than one; so where nothing says which layer Numba should take, and it would take that one, only that one is loaded.
It is the same library that Numba finds when it is imported later, with the same threads and the same thread mask.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import threading
import time
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Final, NamedTuple

from tapec.passes.threads_names import PARALLEL
from tapec.passes.threads_text import GET_THREADS, PARALLEL_FOR, SET_THREADS, START, threads_text
from tapec.runtime import jit

_PACKAGE: Final = "numba.np.ufunc"
_OPENMP: Final = f"{_PACKAGE}.omppool"
_LAYERS: Final = {"omp": _OPENMP, "tbb": f"{_PACKAGE}.tbbpool", "workqueue": f"{_PACKAGE}.workqueue"}
_CONFIGURED: Final = ("NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY")

_ALWAYS = False  # tests of what threads compute set it: see `threads_text`
_LOCK: Final = threading.Lock()


class Layer(NamedTuple):
    """One of Numba's threading layers, its threads started.

    Args:
        name: `omp`, `tbb` or `workqueue`.
        parallel_for: address of the function that runs pieces of work.
        get_num_threads: address of the function that gives the calling thread's mask.
        set_num_threads: address of the function that sets it.
        inherited: whether the threads were those of a process that forked this one, so that there are none here.
    """

    name: str
    parallel_for: int
    get_num_threads: int
    set_num_threads: int
    inherited: bool


# What is done once for each run of several parts takes tens of nanoseconds more, and a quarter of the time to compile.
_QUICKLY: Final = jit.Options(passes=(), codegen_level=0)
_libraries: Final[dict[Layer, jit.Library]] = {}
_alone: Final[list[ModuleType]] = []  # the OpenMP layer, if it was loaded without Numba


def address() -> int:
    """Address of `tapec_parallel` (`tapec.passes.threads_text`), good for the life of the process."""
    with _LOCK:
        found = layer()
        library = _libraries.get(found)
        if library is None:
            symbols = {
                PARALLEL_FOR: found.parallel_for,
                GET_THREADS: found.get_num_threads,
                SET_THREADS: found.set_num_threads,
            }
            text = threads_text(time.CLOCK_MONOTONIC, exclusive=found.name == "workqueue", always=_ALWAYS)
            library = jit.compile_module(text, opt=_QUICKLY, symbols=symbols)
            if not found.inherited:
                ctypes.CFUNCTYPE(None)(library.address(START))()
            _libraries[found] = library
        return library.address(PARALLEL)


def layer() -> Layer:
    """The layer that Numba uses, or would use.

    Raises:
        ValueError: what Numba says if there is none, or its configuration names one that does not work.
    """
    if f"{_PACKAGE}.parallel" not in sys.modules and _nothing_configured():
        if not _alone:
            _alone.extend(_openmp_alone())
        if _alone:
            return _layer_of("omp", _alone[0], inherited=False)
    parallel = importlib.import_module(f"{_PACKAGE}.parallel")
    inherited = parallel._is_initialized and not _alone and _forked()
    parallel.get_num_threads()  # starts the threads
    name = parallel.threading_layer()
    return _layer_of(name, importlib.import_module(_LAYERS[name]), inherited=inherited and name != "tbb")


def _layer_of(name: str, module: ModuleType, *, inherited: bool) -> Layer:
    return Layer(name, module.parallel_for, module.get_num_threads, module.set_num_threads, inherited)


def _forked() -> bool:
    """Whether this process may have been forked by one that had started Numba's threads: then it has none of them.

    Its command line would be its parent's, which is that of no process started in another way but for one that runs its
    own program anew; taking that one for forked costs it the threads and nothing else.
    """
    try:
        return Path("/proc/self/cmdline").read_bytes() == Path(f"/proc/{os.getppid()}/cmdline").read_bytes()
    except OSError:  # the parent belongs to somebody else, or is in another container, or this is no Linux
        return False


def _nothing_configured() -> bool:
    """Whether Numba would look for TBB, and then take OpenMP."""
    threads = os.environ.get("NUMBA_NUM_THREADS", "1")
    return (
        sys.platform == "linux"
        and not any(os.environ.get(name) for name in _CONFIGURED)
        and threads.isdecimal()
        and int(threads) > 0
        and not Path(".numba_config.yaml").exists()
        and not _has_tbb()
    )


def _has_tbb() -> bool:
    try:
        ctypes.CDLL("libtbb.so.12")
    except OSError:
        return False
    return True


def _default_threads() -> int:
    """The size of the pool, by Numba's own rule (`numba.core.config`)."""
    given = os.environ.get("NUMBA_NUM_THREADS")
    return int(given) if given else max(1, len(os.sched_getaffinity(0)))


def _openmp_alone() -> list[ModuleType]:
    """The OpenMP layer without the rest of Numba, started; empty if that does not work, and Numba itself must do it."""
    numba = find_spec("numba")
    if numba is None or numba.submodule_search_locations is None:
        return []
    folders = [str(Path(folder, "np", "ufunc")) for folder in numba.submodule_search_locations]
    spec = PathFinder.find_spec(_OPENMP, folders)
    if spec is None or spec.loader is None:
        return []
    try:
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:  # no OpenMP on this system: Numba takes its work queue then
        return []
    finally:
        # It enters itself there; left in, a later import of Numba would take it for a whole package's member.
        sys.modules.pop(_OPENMP, None)
    ctypes.CFUNCTYPE(None, ctypes.c_int)(module.launch_threads)(_default_threads())
    return [module]
