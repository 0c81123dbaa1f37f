"""The function that has the parts of a nest run, for those who call it."""

from __future__ import annotations

from typing import Final

# void (ptr task, ptr addresses, i64 units, i64 parts, ptr history): see `tapec.passes.threads_text`.
HISTORY: Final = 4  # words
PARALLEL: Final = "tapec_parallel"
