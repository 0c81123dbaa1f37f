"""The function that has the parts of a nest run, for those who call it."""

from __future__ import annotations

from typing import Final

# void (ptr task, ptr addresses, i64 units, i64 parts): see `tapec.passes.threads_text`.
PARALLEL: Final = "tapec_parallel"
