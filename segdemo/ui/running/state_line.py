"""The component that says what runs and for how long, and whether the server still answers."""

from segdemo.ui.gradio_support.display import Display

ENTRY = "running/static/mount_state_line.js"


class StateLine(Display):
    """Follows the viewer in the browser. Events: ``run``, to compare again, and ``cancel``."""

    def __init__(self, *, elem_id: str | None = None, render: bool = True) -> None:
        super().__init__(ENTRY, texts="run_", elem_id=elem_id, render=render)
