"""`python -m tapec` is the command `tapec`."""

import sys

from tapec.cli import main

sys.exit(main())
