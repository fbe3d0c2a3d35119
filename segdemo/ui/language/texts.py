"""The page in the language of its visitor: texts of components, and what handlers say."""

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any, TypeVar

import gradio as gr
from gradio.blocks import Block

from segdemo import strings
from segdemo.ui.visitor import Visitor

Said = str | Callable[[], Any]
"""A key of the string table, or what makes a value of several texts or of facts."""

_TEXTS = "segdemo_texts"

_Labelled = TypeVar("_Labelled", bound=Block)


def labelled(component: _Labelled, **said: Said) -> _Labelled:
    """The component with its texts: ``labelled(gr.Button(), value="page_add")``.

    They are set now, and again whenever the language changes.
    """
    setattr(component, _TEXTS, said)
    for name, value in _texts(said).items():
        setattr(component, name, value)
    return component


def labelled_in(page: gr.Blocks) -> list[Block]:
    """All labelled components of a page."""
    return [block for block in page.blocks.values() if hasattr(block, _TEXTS)]


def relabelled(component: Block) -> Any:
    """The update that puts a labelled component into the current language."""
    return gr.update(**_texts(getattr(component, _TEXTS)))


def _texts(said: dict[str, Said]) -> dict[str, Any]:
    return {
        name: strings.text(value) if isinstance(value, str) else value()
        for name, value in said.items()
    }


def speak_to_visitors(page: gr.Blocks) -> None:
    """Let every handler of a page that is asked by a visitor answer in their language.

    To be called once, when all events are registered.
    """
    for function in page.fns.values():
        if function.fn is not None:
            function.fn = spoken(function.fn)


def spoken(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler in the language of the visitor among its arguments, each step of a generator."""
    if not isgeneratorfunction(handler):

        @wraps(handler)
        def answer(*arguments: Any) -> Any:
            with strings.speaking(_language_of(arguments)):
                return handler(*arguments)

        return answer

    @wraps(handler)
    def steps(*arguments: Any) -> Iterator[Any]:
        # Each step may run in another thread, and the language may change in between.
        running = handler(*arguments)
        try:
            while True:
                with strings.speaking(_language_of(arguments)):
                    try:
                        step = next(running)
                    except StopIteration:
                        return
                yield step
        finally:
            running.close()

    return steps


def _language_of(arguments: tuple[Any, ...]) -> str:
    asking = (argument.language for argument in arguments if isinstance(argument, Visitor))
    return next(asking, strings.language())
