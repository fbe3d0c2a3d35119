"""Entry of the Space and of `make demo`: build the page and launch it."""

import sys

from segdemo.engine.devices import keep_freed_memory
from segdemo.errors import SettingsError
from segdemo.ui import create_demo, launch_options

try:
    demo = create_demo()
    options = launch_options()
except SettingsError as error:
    sys.exit(str(error))

if __name__ == "__main__":
    keep_freed_memory()
    demo.launch(**options)
