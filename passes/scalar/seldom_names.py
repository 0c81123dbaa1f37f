"""What the functions are called that compiled code calls where a formula ends (`tapec.passes.scalar.seldom`)."""

from __future__ import annotations

from typing import Final

PREFIX: Final = "tapec_seldom_"
