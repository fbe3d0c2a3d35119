"""``python -m segdemo``: the command line."""

import sys

from segdemo.cli.main import main
from segdemo.engine.devices import keep_freed_memory

keep_freed_memory()
sys.exit(main())
