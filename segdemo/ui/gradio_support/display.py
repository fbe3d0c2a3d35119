"""What the components have in common that show what Python says, and take nothing back."""

from typing import Any, Protocol

import gradio as gr

from segdemo.strings import sections
from segdemo.ui.gradio_support.assets import script, static


class Shown(Protocol):
    """A value for a browser."""

    def to_json(self) -> dict[str, Any]:
        """The value as the browser reads it."""


class Display(gr.HTML):
    """Output: a value with ``to_json``, or None. What a browser does comes with events alone."""

    def __init__(
        self,
        entry: str,
        *,
        texts: str,
        elem_id: str | None,
        render: bool,
        **facts: Any,
    ) -> None:
        """``entry`` is the path in segdemo/ui of the module that mounts it, mount_NAME.js.

        NAME.html and NAME.css lie beside it. ``texts`` is the prefix of its strings, and
        ``facts`` reach its scripts as props.
        """
        template = entry.replace("mount_", "").removesuffix(".js")
        super().__init__(
            None,
            html_template=static(f"{template}.html"),
            css_template=static(f"{template}.css"),
            js_on_load=script(entry),
            apply_default_css=False,
            elem_id=elem_id,
            render=render,
            strings=sections(texts),
            **facts,
        )

    # Gradio declares text in and out for every HTML component, custom ones included.
    def postprocess(self, value: Shown | None) -> dict[str, Any] | None:  # type: ignore[override]
        """What the browser reads."""
        return None if value is None else value.to_json()

    def preprocess(self, payload: object) -> None:
        """Nothing: a browser is not asked what it shows."""
        return None

    def api_info(self) -> dict[str, Any]:
        """No client has anything to send here."""
        return {"type": "null"}

    def example_payload(self) -> None:
        """Nothing."""

    def example_value(self) -> None:
        """Nothing."""
