"""Addresses of BLAS routines: the ones that SciPy ships, by way of its Cython interface.

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

_NAME = "scipy.linalg.cython_blas"


@cache
def address(routine: str) -> int:
    """Address of a BLAS routine, for example `"dgemm"`.

    Raises:
        LookupError: SciPy's interface has no such routine.
    """
    capsule = _interface().__pyx_capi__.get(routine)
    if capsule is None:
        raise LookupError(f"SciPy's BLAS interface has no routine {routine!r}")
    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer_of(capsule, name_of(capsule)))


@cache
def _interface() -> ModuleType:
    """SciPy's `cython_blas`. Alone it loads in 6 ms; by way of `scipy.linalg`, which pulls in 300 modules, in 200."""
    import scipy  # 15 ms that `import tapec` should not take

    if "scipy.linalg" not in sys.modules:
        spec = PathFinder.find_spec(_NAME, [str(Path(folder) / "linalg") for folder in scipy.__path__])
        if spec is not None and spec.loader is not None:  # an editable build of SciPy keeps its modules elsewhere
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            # It enters itself there; left in, a later `import scipy.linalg.cython_blas` would not bind the name.
            sys.modules.pop(_NAME, None)
            return module
    return importlib.import_module(_NAME)
