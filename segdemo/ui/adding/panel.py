"""The component for adding checkpoints: it asks for words or a file and shows the answer."""

from segdemo.hub.forms import WEIGHT_ENDINGS
from segdemo.ui.gradio_support.display import Display

ENTRY = "adding/static/mount_adding.js"


class HubPanel(Display):
    """Closed at first; foreign text in it is never read as HTML.

    Output: an ``Answer``. Events: ``look`` with ``words``, ``file`` with the ``path`` of an
    upload, ``use`` with the ``number`` of a file in the last answer. The first two bring a
    ``serial``, which the answer has to repeat.
    """

    def __init__(
        self,
        *,
        online: bool,
        uploads: bool,
        max_megabytes: int,
        elem_id: str | None = None,
        render: bool = True,
    ) -> None:
        """``max_megabytes`` limits the files that can be dropped where ``uploads`` are allowed."""
        super().__init__(
            ENTRY,
            texts="add_",
            elem_id=elem_id,
            render=render,
            limits={
                "online": online,
                "uploads": uploads,
                "megabytes": max_megabytes,
                "endings": [*WEIGHT_ENDINGS, ".json", ".zip"],
            },
        )
