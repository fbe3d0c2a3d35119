"""The component that shows many pictures, sorted by how much the networks disagree."""

from segdemo.images.palettes import PANEL_COLOURS
from segdemo.ui.gradio_support.display import Display

SCRIPTS = (
    *("text", "dom", "language", "gradio", "colours", "histogram", "blocks"),
    *("png", "decoding", "loading"),
    *("batch_counts", "batch_cards", "batch", "mount_batch"),
)


class BatchPanel(Display):
    """A gallery at one threshold, which moves in the browser without a request.

    Output: a ``BatchPayload``. Events: ``cancel``; ``open`` with the ``number`` of a picture;
    ``pack`` with a ``kind`` and the threshold ``k``.
    """

    def __init__(self, *, elem_id: str | None = None, render: bool = True) -> None:
        super().__init__(
            "batch",
            scripts=SCRIPTS,
            texts="page_batch_",
            elem_id=elem_id,
            render=render,
            palette={"panels": list(PANEL_COLOURS)},
        )
