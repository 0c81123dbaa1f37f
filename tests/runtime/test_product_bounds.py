"""Products read and write nothing outside of their matrices."""

import subprocess
import sys
from pathlib import Path


def test_products_between_pages_that_may_not_be_touched():
    script = Path(__file__).parent / "fenced_products.py"
    done = subprocess.run([sys.executable, str(script)], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "192\n"), done.stderr[-2000:]
