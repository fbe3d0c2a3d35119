"""The component in which files lie: a picture, its mask, or many of both."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from segdemo.strings import sections
from segdemo.ui.gradio_support.assets import script, static
from segdemo.ui.gradio_support.uploads import served
from segdemo.ui.intake.payload import Placed

ENTRY = "intake/static/mount_place.js"
STYLES = ("intake/static/place.css", "intake/static/mask_panel.css")

Kind = Literal["picture", "mask", "pictures", "masks"]


class FilePlace(gr.HTML):
    """A thumbnail with Replace and Remove, or the doors while nothing lies there.

    Output: ``Placed``, or None. Input: the path of the file, or None; of several, their list.
    Events: ``clear``, when the person takes away what lies there; ``read_as`` with the ``name`` of
    another reading of a mask, "" for the first. What they choose goes to the ``DropZone``, as
    everything that is dropped or pasted.
    """

    def __init__(
        self,
        value: Placed | None = None,
        *,
        kind: Kind,
        limits: Mapping[str, Any],
        elem_id: str | None = None,
        render: bool = True,
    ) -> None:
        """``limits`` is what is said before a file is sent: ``megabytes`` and ``megapixels``."""
        self._several = kind in ("pictures", "masks")
        super().__init__(
            value,
            html_template=static("intake/static/place.html"),
            css_template="\n".join(map(static, STYLES)),
            js_on_load=script(ENTRY),
            apply_default_css=False,
            elem_id=elem_id,
            render=render,
            strings=sections("place_"),
            limits={**limits, "kind": kind},
        )

    # Gradio declares text in and out for every HTML component, custom ones included.
    def postprocess(self, value: Placed | None) -> dict[str, Any] | None:  # type: ignore[override]
        """What the browser reads."""
        return None if value is None else value.to_json()

    def preprocess(  # type: ignore[override]
        self, payload: dict[str, Any] | None
    ) -> str | list[str] | None:
        """The files that this server holds, whatever a browser names."""
        files = payload.get("files") if isinstance(payload, Mapping) else None
        paths = [_path(file) for file in files] if isinstance(files, list) else []
        known = [str(path) for path in paths if path is not None]
        if self._several:
            return known
        return known[0] if known else None

    def api_info(self) -> dict[str, Any]:
        """A client sends images to the endpoints."""
        return {"type": "null"}

    def example_payload(self) -> None:
        """Nothing."""

    def example_value(self) -> None:
        """Nothing."""


def _path(file: object) -> Path | None:
    path = file.get("path") if isinstance(file, Mapping) else None
    return served(path) if isinstance(path, str) else None
