"""Entry of the Space and of `make demo`: serves the page until it is told to stop."""

import sys

from segdemo.engine.heap import keep_freed_memory
from segdemo.errors import SettingsError
from segdemo.settings import Settings
from segdemo.ui import create_demo, launch_options
from segdemo.ui.operations.logs import write_logs
from segdemo.ui.operations.serving import serve
from segdemo.ui.operations.temporary import server_folder

if __name__ == "__main__":
    try:
        settings = Settings.from_environment()
        write_logs(settings.log)
        with server_folder():
            demo = create_demo(settings)
            options = launch_options(settings)
            keep_freed_memory()
            serve(demo, options, drain_seconds=settings.drain_seconds)
    except SettingsError as error:
        sys.exit(str(error))
