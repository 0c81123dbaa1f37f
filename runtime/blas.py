"""Addresses of BLAS and LAPACK routines: the ones that SciPy ships, by way of its Cython interfaces.

Every argument of such a routine is a pointer, and integers are 32 bits wide, as in Fortran. SciPy is imported when the
first address is asked for.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Literal

_Interface = Literal["cython_blas", "cython_lapack"]


@cache
def address(routine: str, interface: _Interface = "cython_blas") -> int:
    """Address of a routine, for example `"dgemm"`, or `"dgetrf"` of `"cython_lapack"`.

    Raises:
        LookupError: SciPy's interface has no such routine.
    """
    capsule = _interface(interface).__pyx_capi__.get(routine)
    if capsule is None:
        raise LookupError(f"SciPy's {interface} has no routine {routine!r}")
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer_of(capsule, name_of(capsule)))


@cache
def own_threads() -> tuple[int, int] | None:
    """Addresses of OpenBLAS's `int get_num_threads()` and `void set_num_threads(int)`; None for another BLAS."""
    path = _interface("cython_blas").__file__
    if path is None:
        return None
    library = ctypes.CDLL(path)  # loaded already; names are sought in what it was linked with, too
    for prefix in ("scipy_openblas", "openblas"):  # SciPy's wheels, and everybody else's
        try:
            found = library[f"{prefix}_get_num_threads"], library[f"{prefix}_set_num_threads"]
        except AttributeError:
            continue
        get, set_ = (ctypes.cast(function, ctypes.c_void_p).value for function in found)
        assert get is not None and set_ is not None
        return get, set_
    return None


@cache
def _interface(short: _Interface) -> ModuleType:
    """SciPy's module. Alone it loads in 4 to 6 ms; by way of `scipy.linalg`, which pulls in 300 modules, in 200."""
    import scipy  # 15 ms that `import tapec` should not take

    name = f"scipy.linalg.{short}"
    if "scipy.linalg" not in sys.modules:
        spec = PathFinder.find_spec(name, [str(Path(folder) / "linalg") for folder in scipy.__path__])
        if spec is not None and spec.loader is not None:  # an editable build of SciPy keeps its modules elsewhere
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            # It enters itself there; left in, a later `import scipy.linalg.cython_blas` would not bind the name.
            sys.modules.pop(name, None)
            return module
    return importlib.import_module(name)
