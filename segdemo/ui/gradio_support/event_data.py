"""What comes with an event of the browser, which may send anything."""

from collections.abc import Mapping

import gradio as gr


def text_of(event: gr.EventData, name: str) -> str:
    """The text of that name; "" where there is none."""
    value = _data(event, name)
    return value if isinstance(value, str) else ""


def texts_of(event: gr.EventData, name: str) -> list[str]:
    """The texts in the list of that name; none where there is no list."""
    value = _data(event, name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def number_of(event: gr.EventData, name: str) -> int:
    """The whole number of that name; -1 where there is none."""
    value = _data(event, name)
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _data(event: gr.EventData, name: str) -> object:
    return event._data.get(name) if isinstance(event._data, Mapping) else None
