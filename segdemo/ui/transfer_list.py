"""The component that shows the downloads under way."""

from typing import Any

import gradio as gr

from segdemo.strings import DEFAULT_LANGUAGE, section
from segdemo.ui.assets import script, static
from segdemo.ui.transfers import TransferRows

SCRIPTS = ("text", "dom", "gradio", "transfers", "mount_transfers")


class TransferList(gr.HTML):
    """Takes no room while there is nothing to show.

    Output: ``TransferRows``. Events: ``begin``, ``cancel`` and ``dismiss`` with the ``id`` of a
    row; ``follow`` when rows run that nobody reports on, ``settled`` when one has ended.
    """

    def __init__(
        self,
        *,
        language: str = DEFAULT_LANGUAGE,
        elem_id: str | None = None,
        render: bool = True,
    ) -> None:
        super().__init__(
            None,
            html_template=static("transfers.html"),
            css_template=static("transfers.css"),
            js_on_load=script(SCRIPTS, "transfers"),
            apply_default_css=False,
            elem_id=elem_id,
            render=render,
            strings=section("page_transfer_", language),
        )

    # Gradio declares text in and out for every HTML component, custom ones included.
    def postprocess(  # type: ignore[override]
        self, value: TransferRows | None
    ) -> dict[str, Any] | None:
        """The rows that the browser reads."""
        return None if value is None else value.to_json()

    def preprocess(self, payload: object) -> None:
        """Nothing: a browser is not asked what is under way."""
        return None

    def api_info(self) -> dict[str, Any]:
        """No client has anything to send here."""
        return {"type": "null"}

    def example_payload(self) -> None:
        """Nothing."""

    def example_value(self) -> None:
        """Nothing."""
