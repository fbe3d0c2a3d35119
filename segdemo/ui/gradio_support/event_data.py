"""What comes with an event of the browser, which may send anything."""

from collections.abc import Mapping

import gradio as gr

_MOST_TEXTS = 8


def text_of(event: gr.EventData, name: str) -> str:
    """The text of that name; "" where there is none."""
    value = _data(event, name)
    return value if isinstance(value, str) else ""


def texts_of(event: gr.EventData, name: str) -> list[str]:
    """The texts in a short list of that name; [] where there is none."""
    value = _data(event, name)
    texts = value[:_MOST_TEXTS] if isinstance(value, list) else []
    return [text for text in texts if isinstance(text, str)]


def number_of(event: gr.EventData, name: str) -> int:
    """The whole number of that name; -1 where there is none."""
    value = _data(event, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _data(event: gr.EventData, name: str) -> object:
    return event._data.get(name) if isinstance(event._data, Mapping) else None
