"""The component that shows the downloads under way."""

from segdemo.ui.gradio_support.display import Display

ENTRY = "transfers/static/mount_transfers.js"


class TransferList(Display):
    """Takes no room while there is nothing to show.

    Output: ``TransferRows``. Events: ``begin``, ``cancel`` and ``dismiss`` with the ``id`` of a
    row; ``follow`` when rows run that nobody reports on, ``settled`` when one has ended.
    """

    def __init__(self, *, elem_id: str | None = None, render: bool = True) -> None:
        super().__init__(ENTRY, texts="page_transfer_", elem_id=elem_id, render=render)
