"""``python -m segdemo``: the command line."""

import sys

from segdemo.cli import main

sys.exit(main())
