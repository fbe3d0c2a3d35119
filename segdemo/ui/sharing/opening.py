"""What happens when a page is opened by a link to a comparison."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segdemo.catalog import CatalogEntry
from segdemo.errors import SegdemoError
from segdemo.strings import nearest, speaking, text
from segdemo.ui.gradio_support.errors import explain, warn
from segdemo.ui.gradio_support.event_data import text_of
from segdemo.ui.handlers import Handlers
from segdemo.ui.intake.desk import Desk
from segdemo.ui.slots import SLOTS_AT_FIRST
from segdemo.ui.viewer.links import Link, NextView, address_of, name_of
from segdemo.ui.viewer.payload import ViewerPayload, new_run
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import Wiring, token_of
from segdemo.wording import shown


@dataclass(frozen=True, eq=False, kw_only=True)
class Opened:
    """What a page opened by a link begins with."""

    checkpoints: list[str | None]
    """Ids of entries, at least as many as there are slots at first."""
    picture: str | None = None
    truth: str | None = None
    reading: str = ""
    """How the visitor reads the mask; "" as it is read first."""
    own: bool = False
    """Whether the image is the visitor's own."""
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
    visitor.example, visitor.of(NextView).state = None, link.state
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
        visitor.example, visitor.of(NextView).state = number, None
        # A run of its own: the page may show this example already, looked at in another way.
        comparison = replace(example.comparison, state=link.state, run=new_run())
        names = [*example.checkpoints]
        return Opened(
            checkpoints=names, picture=picture, comparison=comparison, warnings=tuple(warnings)
        )
    return Opened(checkpoints=_padded(names), picture=picture, warnings=tuple(warnings))


def come_back(handlers: Handlers, visitor: Visitor, key: str, query: str) -> Opened | None:
    """What a visitor begins with whose tab was loaded again; None where they are not known.

    How it is looked at is what the address says.
    """
    if not key or not handlers.returning.back(visitor, key, (Desk,)):
        return None
    desk = visitor.of(Desk)
    # The galleries are not kept.
    desk.pictures = desk.masks = ()
    view = Link.read(query)
    checkpoints = [name for name in desk.chosen if handlers.shelf.find(name, visitor)]
    if desk.picture is None or not desk.picture.exists():
        opened = open_link(handlers, visitor, query)
        return replace(
            opened, checkpoints=_padded([*checkpoints]) if checkpoints else opened.checkpoints
        )
    visitor.example, visitor.of(NextView).state = None, view.state
    truth = desk.truth if desk.truth and desk.truth.exists() else None
    return Opened(
        checkpoints=_padded([*checkpoints]),
        picture=str(desk.picture),
        truth=str(truth) if truth else None,
        reading=desk.reading if truth else "",
        own=True,
    )


def _padded(names: list[str | None]) -> list[str | None]:
    return [*names, *[None] * (SLOTS_AT_FIRST - len(names))]


def _find(handlers: Handlers, visitor: Visitor, word: str, token: str | None) -> CatalogEntry:
    entry = handlers.shelf.find(word, visitor)
    if entry is not None:
        return entry
    address = address_of(word)
    if address is None:
        raise SegdemoError("link_checkpoint", name=shown(word))
    known = (entry for entry in handlers.shelf.entries(visitor) if name_of(entry) == word)
    return next(known, None) or handlers.adding.find(visitor, address, token)


def register(
    viewer: gr.HTML,
    handlers: Handlers,
    *,
    show: Callable[[Visitor, Opened], list[Any]],
    shown: Sequence[Block],
    wiring: Wiring,
) -> None:
    """Answer the viewer when its page was opened by a link.

    ``show`` makes updates of the components ``shown`` from what the page begins with; a tab that
    was loaded again brings the key of its visitor.
    """

    def opened(visitor: Visitor, event: gr.EventData, token: gr.OAuthToken | None) -> list[Any]:
        # The page may tell the visitor's language only after this.
        visitor.opening = visitor.language = nearest([text_of(event, "language")])
        with speaking(visitor.language):
            query, key = text_of(event, "query"), text_of(event, "key")
            back = come_back(handlers, visitor, key, query)
            if back is None and not query:
                visitor.opening = None
                return [gr.skip()] * (len(shown) + len(wiring.slots))
            found = back or open_link(handlers, visitor, query, token_of(token))
            for warning in found.warnings:
                warn(warning)
            return [*show(visitor, found), *wiring.filled(visitor, found.checkpoints)]

    def follow(visitor: Visitor, *rest: Any) -> Any:
        begun, visitor.opening = visitor.opening, None
        # The browser may have told its language meanwhile.
        if begun is None or (visitor.example is not None and begun == visitor.language):
            yield gr.skip()
        else:
            yield from wiring.refresh(visitor, *rest)

    viewer.open(
        opened,
        wiring.visitor,
        [*shown, *wiring.slots],
        # It may ask the Hub.
        concurrency_limit=4,
        concurrency_id="links",
        show_progress="hidden",
        api_visibility="private",
    ).then(follow, **wiring.running)
