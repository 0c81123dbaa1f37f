"""Products read and write nothing outside of their matrices."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("vector_bits", [128, 256, 512])
def test_products_between_pages_that_may_not_be_touched(vector_bits):
    """With vectors of every width; LLVM splits those that this machine lacks."""
    script = Path(__file__).parent / "fenced_products.py"
    command, environment = [sys.executable, str(script), str(vector_bits)], os.environ | {"TAPEC_CACHE": "0"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout) == (0, "192\n"), done.stderr[-2000:]
