"""``python -m segdemo``: the command line."""

import sys

from segdemo.cli import main
from segdemo.devices import keep_freed_memory

keep_freed_memory()
sys.exit(main())
