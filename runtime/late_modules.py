"""Modules that run when somebody first looks into them, for what a library imports and hardly ever uses.

`import` finds them in `sys.modules` as it finds others. What needs their contents runs them then, once; until then they
take no time. `importlib.util.LazyLoader` does not serve: it runs a module as soon as a second `import` names it, and on
Python 3.11 another thread may see one that is half made.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any, Final

_LOCK: Final = RLock()
_PLAIN: Final = "_tapec_runs"


class _LateModule(ModuleType):
    """A module that has not run yet."""

    def __getattr__(self, name: str) -> Any:
        """What is not there: the module runs, and has it then or never will."""
        with _LOCK:
            if type(self) is _LateModule and _PLAIN not in self.__dict__:
                self.__dict__[_PLAIN] = True  # while it runs, what it lacks is missing
                assert self.__spec__ is not None and self.__spec__.loader is not None
                self.__spec__.loader.exec_module(self)
                del self.__dict__[_PLAIN]
                self.__class__ = ModuleType  # type: ignore[assignment]  # mypy takes the class of a module for fixed
        return object.__getattribute__(self, name)


def leave_for_later(*names: str) -> None:
    """Has these modules run when somebody looks into them, unless they have run already.

    Args:
        names: of modules that exist and can be imported.
    """
    for name in names:
        if name in sys.modules:
            continue
        spec = find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"no module named {name}", name=name)
        module = module_from_spec(spec)
        module.__class__ = _LateModule
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)
