"""What happens when a page is opened by a link to a comparison."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from segdemo.catalog import CatalogEntry
from segdemo.errors import SegdemoError
from segdemo.strings import nearest, speaking, text
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.gradio_support.event_data import text_of
from segdemo.ui.handlers import MIN_SLOTS, Handlers
from segdemo.ui.layout import ONE, Parts
from segdemo.ui.viewer.links import Link, address_of, name_of
from segdemo.ui.viewer.payload import ViewerPayload, new_run
from segdemo.ui.visitor import Visitor
from segdemo.wording import shown


@dataclass(frozen=True, eq=False, kw_only=True)
class Opened:
    """What a page opened by a link begins with."""

    checkpoints: list[str | None]
    """Ids of entries, at least as many as there are slots at first."""
    picture: str | None = None
    comparison: ViewerPayload | None = None
    """Of an example, when no network has to run for it."""
    warnings: tuple[str, ...] = ()


def open_link(handlers: Handlers, visitor: Visitor, query: str, token: str | None = None) -> Opened:
    """What the link with this query says; never raises.

    Each checkpoint that cannot be had is a warning. One on the Hub that nobody has listed is
    looked at and listed for the visitor, and not fetched. How the comparison is looked at is
    kept for the visitor's next one, unless the link's own is there.
    """
    link = Link.read(query)
    names: list[str | None] = []
    warnings: list[str] = []
    for word in link.checkpoints:
        try:
            names.append(_find(handlers, visitor, word, token).id)
        except Exception as error:
            warnings.append(explain(error))
    number = next(
        (n for n, one in enumerate(handlers.examples) if one.picture.stem == link.example), None
    )
    visitor.example, visitor.restore = None, link.state
    if number is None:
        names = names or [*handlers.first_checkpoints()]
        warnings.append(
            text("link_example", name=shown(link.example))
            if link.example
            else text("link_no_picture")
        )
        return Opened(checkpoints=_padded(names), warnings=tuple(warnings))
    example = handlers.examples[number]
    picture = str(example.picture)
    if not names or tuple(names) == example.checkpoints:
        visitor.example, visitor.restore = number, None
        # A run of its own: the page may show this example already, looked at in another way.
        comparison = replace(example.comparison, state=link.state, run=new_run())
        names = [*example.checkpoints]
        return Opened(
            checkpoints=names, picture=picture, comparison=comparison, warnings=tuple(warnings)
        )
    return Opened(checkpoints=_padded(names), picture=picture, warnings=tuple(warnings))


def _padded(names: list[str | None]) -> list[str | None]:
    return [*names, *[None] * (MIN_SLOTS - len(names))]


def _find(handlers: Handlers, visitor: Visitor, word: str, token: str | None) -> CatalogEntry:
    entry = handlers.shelf.find(word, visitor)
    if entry is not None:
        return entry
    address = address_of(word)
    if address is None:
        raise SegdemoError("link_checkpoint", name=shown(word))
    known = (entry for entry in handlers.shelf.entries(visitor) if name_of(entry) == word)
    return next(known, None) or handlers.adding.find(visitor, address, token)


def let_open(
    handlers: Handlers,
    parts: Parts,
    slots: Sequence[Any],
    filled: Callable[[Visitor, Sequence[str | None]], list[Any]],
    refresh: Callable[..., Any],
    running: dict[str, Any],
) -> None:
    """Answer the viewer when its page was opened by a link.

    ``filled`` gives the updates of ``slots`` for checkpoints, ``refresh`` compares as ``running``
    says, whose inputs begin with the visitor.
    """

    def opened(visitor: Visitor, event: gr.EventData, token: gr.OAuthToken | None) -> list[Any]:
        # The page may tell the visitor's language only after this.
        visitor.opening = visitor.language = nearest([text_of(event, "language")])
        word = token.token if token else None
        with speaking(visitor.language):
            found = open_link(handlers, visitor, text_of(event, "query"), word)
            for warning in found.warnings:
                gr.Warning(warning)
            return [
                gr.update(selected=ONE),
                found.picture,
                None,
                found.comparison,
                *filled(visitor, found.checkpoints),
            ]

    def follow(visitor: Visitor, *rest: Any) -> Any:
        begun, visitor.opening = visitor.opening, None
        # The browser may have told its language meanwhile.
        if visitor.example is not None and begun == visitor.language:
            yield gr.skip()
        else:
            yield from refresh(visitor, *rest)

    parts.viewer.open(
        opened,
        parts.visitor,
        [parts.tabs, parts.picture, parts.truth, parts.viewer, *slots],
        # It may ask the Hub.
        concurrency_limit=4,
        concurrency_id="links",
        show_progress="hidden",
        api_visibility="private",
    ).then(follow, **running)
