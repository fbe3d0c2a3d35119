"""What a browser sends with an event: it may be anything, so nothing is taken as it is."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}
"""How an event is registered whose answer takes no time."""


def sent_text(event: gr.EventData, name: str) -> str:
    """The text of that name; empty where there is none."""
    value = _sent(event, name)
    return value if isinstance(value, str) else ""


def sent_number(event: gr.EventData, name: str) -> int:
    """The whole number of that name; -1 where there is none."""
    value = _sent(event, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _sent(event: gr.EventData, name: str) -> object:
    return event._data.get(name) if isinstance(event._data, Mapping) else None
