"""The change of a visitor's language: everything on the page is said again."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from segdemo.strings import nearest, speaking
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.gradio_support.event_data import text_of
from segdemo.ui.language.texts import labelled_in, relabelled
from segdemo.ui.layout import Parts
from segdemo.ui.visitor import Visitor


def switch_language(
    page: gr.Blocks,
    parts: Parts,
    lists: Sequence[Any],
    listed: Callable[[Visitor, Any], list[Any]],
    adding: Adding,
) -> Any:
    """Register what happens when a visitor chooses a language; returns the event.

    ``lists`` are the components whose choices are texts, and ``listed`` fills them anew. To be
    called when all components are there; comparisons are up to the caller.
    """
    components = labelled_in(page)

    def speak(visitor: Visitor, event: gr.EventData, *values: Any) -> dict[Any, Any]:
        visitor.language = nearest([text_of(event, "language")])
        with speaking(visitor.language):
            updates = {component: relabelled(component) for component in components}
            for component, update in zip(lists, listed(visitor, values), strict=True):
                if visitor.opening is not None:
                    # A link chooses others than those that the browser told of.
                    update.pop("value", None)
                updates[component] = {**updates[component], **update}
            visitor.transfers.say_again()
            updates[parts.transfers] = visitor.transfers.rows()
            answer = adding.say_again(visitor)
            return updates if answer is None else {**updates, parts.panel: answer}

    return parts.language.speak(
        speak,
        [parts.visitor, *lists],
        [*components, parts.transfers, parts.panel],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
