"""The component for adding checkpoints: it asks for words or a file and shows the answer."""

from typing import Any

import gradio as gr

from segdemo.hub.forms import WEIGHT_ENDINGS
from segdemo.strings import DEFAULT_LANGUAGE, section
from segdemo.ui.answers import Answer
from segdemo.ui.assets import script, static

SCRIPTS = ("text", "dom", "gradio", "adding", "mount_adding")


class HubPanel(gr.HTML):
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
        language: str = DEFAULT_LANGUAGE,
        elem_id: str | None = None,
        render: bool = True,
    ) -> None:
        """``max_megabytes`` limits the files that can be dropped where ``uploads`` are allowed."""
        super().__init__(
            None,
            html_template=static("adding.html"),
            css_template=static("adding.css"),
            js_on_load=script(SCRIPTS, "adding"),
            apply_default_css=False,
            elem_id=elem_id,
            render=render,
            strings=section("add_", language),
            limits={
                "online": online,
                "uploads": uploads,
                "megabytes": max_megabytes,
                "endings": list(WEIGHT_ENDINGS),
            },
        )

    # Gradio declares text in and out for every HTML component, custom ones included.
    def postprocess(self, value: Answer | None) -> dict[str, Any] | None:  # type: ignore[override]
        """The answer that the browser reads."""
        return None if value is None else value.to_json()

    def preprocess(self, payload: object) -> None:
        """Nothing: what was asked comes with the events."""
        return None

    def api_info(self) -> dict[str, Any]:
        """No client has anything to send here."""
        return {"type": "null"}

    def example_payload(self) -> None:
        """Nothing."""

    def example_value(self) -> None:
        """Nothing."""
