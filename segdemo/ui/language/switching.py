"""The change of a visitor's language: everything on the page is said again."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segdemo.strings import nearest, speaking
from segdemo.ui.gradio_support.event_data import text_of
from segdemo.ui.language.panel import LanguageChoice
from segdemo.ui.language.texts import labelled_in, relabelled
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import Wiring


def register(
    page: gr.Blocks,
    choice: LanguageChoice,
    *,
    again: Mapping[Block, Callable[[Visitor], Any]],
    wiring: Wiring,
) -> None:
    """Tie the choice of a language; to be called when all components are there.

    ``again`` gives, for components whose values are sentences, those of a visitor in their
    language of now, or None where there are none.
    """
    components = labelled_in(page)

    def speak(visitor: Visitor, event: gr.EventData, *values: Any) -> dict[Any, Any]:
        visitor.language = nearest([text_of(event, "language")])
        with speaking(visitor.language):
            updates = {component: relabelled(component) for component in components}
            listed = wiring.listed(visitor, values)
            for component, update in zip(wiring.lists, listed, strict=True):
                if visitor.opening is not None:
                    # A link chooses others than those that the browser told of.
                    update.pop("value", None)
                updates[component] = {**updates[component], **update}
            said = {component: value(visitor) for component, value in again.items()}
        return {**updates, **{block: value for block, value in said.items() if value is not None}}

    def compare_again(visitor: Visitor, *rest: Any) -> Iterator[Any]:
        if visitor.opening is not None:
            # What the browser holds is about to be replaced by what a link says.
            yield gr.skip()
        else:
            yield from wiring.refresh(visitor, *rest)

    choice.speak(
        speak,
        [wiring.visitor, *wiring.lists],
        [*components, *again],
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    ).then(compare_again, **wiring.running)
