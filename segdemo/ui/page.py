"""The page: its components, and the features that register their own events."""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from segdemo.strings import text
from segdemo.ui import comparing, slot_events
from segdemo.ui.adding import events as adding_events
from segdemo.ui.api import offer_to_programs
from segdemo.ui.batch import tab
from segdemo.ui.gradio_support.blocks import Page
from segdemo.ui.handlers import Handlers
from segdemo.ui.intake import events as intake_events
from segdemo.ui.language import switching
from segdemo.ui.language.texts import speak_to_visitors
from segdemo.ui.layout import MANY, ONE, Parts, create_components
from segdemo.ui.operations.turns import take_turns
from segdemo.ui.sharing import opening, saving
from segdemo.ui.transfers import events as transfer_events
from segdemo.ui.transfers.transfers import Transfers
from segdemo.ui.viewer.readings import reading_events
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring


def build(handlers: Handlers, static: Path) -> gr.Blocks:
    """The page around ``handlers``; ``static`` holds the example images and their maps."""
    # What people upload is deleted a day later at the latest; the check runs every hour.
    demo = Page(title=text("page_title"), analytics_enabled=False, delete_cache=(3600, 86400))
    with demo:
        _register(demo, handlers, create_components(handlers, static))
        speak_to_visitors(demo)
        offer_to_programs(handlers)
    take_turns(demo, others=4)
    return demo


def _register(demo: gr.Blocks, handlers: Handlers, parts: Parts) -> None:
    """Hand every feature its own components and what all of them share."""
    adding = handlers.adding
    compare = comparing.Comparing(handlers)
    choices = slot_events.SlotChoices(handlers.shelf)
    wiring = Wiring(
        visitor=parts.visitor,
        count=parts.count,
        checkpoints=[slot.checkpoint for slot in parts.slots],
        counted=[parts.count, parts.more, *(slot.group for slot in parts.slots)],
        listed=choices.listed,
        filled=choices.filled,
        refresh=compare.refresh,
        running=comparing.running(parts),
    )
    comparing.register(parts, handlers, compare, wiring)
    slot_events.register(parts, choices, adding, wiring)
    transfer_events.register(parts.transfers, adding.begin, wiring)
    adding_events.register(parts.panel, parts.transfers, adding, wiring)
    placing = handlers.placing
    intake_events.register(
        parts.intake,
        placing=placing,
        adding=adding,
        key_of=handlers.returning.key_of,
        limit=handlers.max_upload_bytes,
        max_megapixels=handlers.max_megapixels,
        beside=intake_events.Beside(
            viewer=parts.viewer,
            announced=handlers.announced,
            tabs=parts.tabs,
            one=ONE,
            many=MANY,
        ),
        wiring=wiring,
    )
    shown = [parts.tabs, parts.picture, parts.truth]
    tab.register(
        parts.batch,
        prepare=handlers.batch,
        reopen=partial(_reopened, handlers),
        reopened=shown,
        wiring=wiring,
    )
    reading_events.register(parts.viewer, handlers.rereading, wiring)
    saving.register(parts.viewer, parts.saved, handlers, wiring)
    opening.register(
        parts.viewer,
        handlers,
        show=partial(_opened, handlers),
        shown=[*shown, parts.viewer],
        wiring=wiring,
    )
    switching.register(
        demo,
        parts.language,
        again={
            parts.transfers: _transfers_again,
            parts.panel: adding.say_again,
            parts.picture: lambda visitor: placing.say_again(
                visitor, "picture", handlers.example_picture(visitor)
            ),
            parts.truth: lambda visitor: placing.say_again(
                visitor, "mask", handlers.example_picture(visitor)
            ),
            parts.batch.pictures: lambda visitor: placing.many_again(visitor, "pictures"),
            parts.batch.masks: lambda visitor: placing.many_again(visitor, "masks"),
        },
        wiring=wiring,
    )
    demo.load(choices.reloaded, wiring.visitor, wiring.lists, **QUICK)


def _reopened(handlers: Handlers, visitor: Visitor, picture: str, mask: str | None) -> list[Any]:
    """An image of many and its mask, for one comparison."""
    visitor.example = None
    path = Path(picture)
    placed = handlers.placing.picture(visitor, path)
    truth = handlers.placing.mask(visitor, Path(mask), path) if mask else None
    return [gr.update(selected=ONE), placed, truth]


def _opened(handlers: Handlers, visitor: Visitor, found: opening.Opened) -> list[Any]:
    """What a link, or a tab that was loaded again, begins with."""
    placing, picture = handlers.placing, Path(found.picture) if found.picture else None
    if not found.own:
        placed = placing.show_picture(picture) if picture else None
        return [gr.update(selected=ONE), placed, None, found.comparison]
    mask = Path(found.truth) if found.truth else None
    placed = placing.picture(visitor, picture)
    truth = placing.mask(visitor, mask, picture, found.reading)
    return [gr.update(selected=ONE), placed, truth, None]


def _transfers_again(visitor: Visitor) -> object:
    """The downloads in the visitor's language of now."""
    visitor.of(Transfers).say_again()
    return visitor.of(Transfers).rows()
