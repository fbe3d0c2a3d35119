"""The component that shows many images, sorted by how much the networks disagree."""

from segdemo.images.palettes import PANEL_COLOURS
from segdemo.ui.gradio_support.display import Display

ENTRY = "batch/static/mount_batch.js"


class BatchPanel(Display):
    """A gallery at one threshold, which moves in the browser without a request.

    Output: a ``BatchPayload``. Events: ``cancel``; ``open`` with the ``number`` of an image;
    ``pack`` with a ``kind`` and the threshold ``k``.
    """

    def __init__(self, *, elem_id: str | None = None, render: bool = True) -> None:
        super().__init__(
            ENTRY,
            texts="page_batch_",
            elem_id=elem_id,
            render=render,
            palette={"panels": list(PANEL_COLOURS)},
        )
