"""float16 on x86 without F16C."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(platform.machine() != "x86_64", reason="other processors have instructions for float16")
def test_the_bits_are_those_of_f16c():
    environment = {**os.environ, "TAPEC_CACHE": "0"}
    script = Path(__file__).with_name("without_f16c.py")
    subprocess.run([sys.executable, script], check=True, env=environment)
