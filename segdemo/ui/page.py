"""The page: its components, and the features that register their own events."""

from pathlib import Path

import gradio as gr

from segdemo.strings import text
from segdemo.ui import comparing, slot_events
from segdemo.ui.adding import events as adding_events
from segdemo.ui.api import offer_to_programs
from segdemo.ui.batch import tab
from segdemo.ui.gradio_support.blocks import Page
from segdemo.ui.handlers import Handlers
from segdemo.ui.language import switching
from segdemo.ui.language.texts import speak_to_visitors
from segdemo.ui.layout import ONE, Parts, create_components
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
        filters=[slot.architecture for slot in parts.slots],
        checkpoints=[slot.checkpoint for slot in parts.slots],
        counted=[parts.count, parts.more, parts.fewer, *(slot.group for slot in parts.slots)],
        listed=choices.listed,
        filled=choices.filled,
        refresh=compare.refresh,
        running=comparing.running(parts),
    )
    comparing.register(parts, handlers, compare, wiring)
    slot_events.register(parts, choices, adding, wiring)
    transfer_events.register(parts.transfers, adding.begin, wiring)
    adding_events.register(parts.panel, parts.transfers, adding, wiring)
    shown = [parts.tabs, parts.picture, parts.truth]
    tab.register(
        parts.batch,
        prepare=handlers.batch,
        reopen=lambda *values: [gr.update(selected=ONE), *values],
        reopened=shown,
        wiring=wiring,
    )
    reading_events.register(parts.viewer, handlers.rereading, wiring)
    saving.register(parts.viewer, parts.saved, handlers, wiring)
    opening.register(
        parts.viewer,
        handlers,
        show=lambda found: [gr.update(selected=ONE), found.picture, None, found.comparison],
        shown=[*shown, parts.viewer],
        wiring=wiring,
    )
    switching.register(
        demo,
        parts.language,
        again={
            parts.transfers: _transfers_again,
            parts.panel: adding.say_again,
        },
        wiring=wiring,
    )
    demo.load(choices.reloaded, wiring.visitor, wiring.lists, **QUICK)


def _transfers_again(visitor: Visitor) -> object:
    """The downloads in the visitor's language of now."""
    visitor.of(Transfers).say_again()
    return visitor.of(Transfers).rows()
