"""The IR: the ground floor, imported before all that compiles.

`LOADED` is the time of that import: a source file of tapec that is younger may be other than what this process runs.
"""

from time import time
from typing import Final

LOADED: Final = time()
