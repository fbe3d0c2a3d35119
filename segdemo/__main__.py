"""``python -m segdemo`` and the script ``segdemo``: the command line."""

import sys

from segdemo.cli.main import main
from segdemo.engine.heap import keep_freed_memory


def run() -> None:
    """Runs one command and ends the process with its exit code."""
    keep_freed_memory()
    sys.exit(main())


if __name__ == "__main__":
    run()
