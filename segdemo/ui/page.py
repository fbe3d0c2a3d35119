"""The page: its components, and which event calls which handler."""

from pathlib import Path
from typing import Any

import gradio as gr

from segdemo.strings import text
from segdemo.ui.adding.payload import problem
from segdemo.ui.api import offer_to_programs
from segdemo.ui.batch.tab import tie_batch
from segdemo.ui.gradio_support.errors import explain, refusal
from segdemo.ui.gradio_support.event_data import number_of as _number
from segdemo.ui.gradio_support.event_data import text_of as _text
from segdemo.ui.gradio_support.uploads import uploaded
from segdemo.ui.handlers import MAX_SLOTS, Handlers, place
from segdemo.ui.language.switching import switch_language
from segdemo.ui.language.texts import speak_to_visitors
from segdemo.ui.layout import ONE, Parts, create_components
from segdemo.ui.sharing.opening import let_open
from segdemo.ui.sharing.saving import let_save
from segdemo.ui.slots import filled, kept, resized
from segdemo.ui.viewer.readings.reading_events import follow_readings
from segdemo.ui.visitor import Visitor

MAX_WATCHED = 16
"""Visitors whose downloads are reported at a time; the downloads themselves go on."""
MAX_LOOKS = 4

Token = gr.OAuthToken | None
_QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
}


def build(handlers: Handlers, static: Path) -> gr.Blocks:
    """The page around ``handlers``; ``static`` holds the example pictures and their maps."""
    # What people upload is deleted a day later at the latest; the check runs every hour.
    demo = gr.Blocks(title=text("page_title"), analytics_enabled=False, delete_cache=(3600, 86400))
    with demo:
        parts = create_components(handlers, static)
        events = _Events(handlers, parts)
        events.compare()
        events.slots()
        events.downloads()
        events.adding()
        events.batch()
        events.readings()
        events.keeping()
        events.language(demo)
        demo.load(events.reload, parts.visitor, events.lists, **_QUICK)
        speak_to_visitors(demo)
        offer_to_programs(handlers)
    demo.queue(max_size=32, default_concurrency_limit=4)
    return demo


class _Events:
    """Ties the components of one page to its handlers."""

    def __init__(self, handlers: Handlers, parts: Parts) -> None:
        self._handlers = handlers
        self._parts = parts
        self._checkpoints = [slot.checkpoint for slot in parts.slots]
        self._filters = [slot.architecture for slot in parts.slots]
        self._counted = [
            parts.count,
            parts.more,
            parts.fewer,
            *(slot.group for slot in parts.slots),
        ]
        self.lists = [*self._filters, *self._checkpoints]
        self._built = handlers.shelf.entries()
        self._running: dict[str, Any] = {
            "inputs": [
                parts.visitor,
                parts.picture,
                parts.truth,
                parts.count,
                *self._checkpoints,
            ],
            "outputs": parts.viewer,
            # Two runs at once would only share the same cores or memory.
            "concurrency_limit": 1,
            "concurrency_id": "device",
            "trigger_mode": "always_last",
            # The viewer shows for itself which network is running.
            "show_progress": "hidden",
            "api_visibility": "private",
        }

    # --- comparing -------------------------------------------------------------------------

    def compare(self) -> None:
        parts = self._parts
        handlers = self._handlers

        def fetch(visitor: Visitor, shown: int, *chosen: str | None) -> Any:
            # Also what is stored is to run.
            visitor.example = None
            return self._begun(visitor, lambda: handlers.adding.begin_new(visitor, chosen[:shown]))

        parts.run.click(
            fetch, [parts.visitor, parts.count, *self._checkpoints], parts.transfers, **_QUICK
        ).then(self._compare, **self._running)
        # A mask of one picture says nothing of the next.
        parts.picture.input(_nothing, None, parts.truth, **_QUICK).then(
            self._refresh, **self._running
        )
        for change in (parts.truth.upload, parts.truth.clear):
            change(self._refresh, **self._running)

        def open_example(visitor: Visitor, index: int) -> list[Any]:
            visitor.example = index
            example = handlers.examples[index]
            return [
                gr.update(selected=ONE),
                str(example.picture),
                None,
                example.comparison,
                *self._filled(visitor, example.checkpoints),
            ]

        parts.examples.click(
            open_example,
            [parts.visitor, parts.examples],
            [parts.tabs, parts.picture, parts.truth, parts.viewer, *self._counted, *self.lists],
            **_QUICK,
        )

    def _compare(
        self,
        visitor: Visitor,
        path: str | None,
        truth: str | None,
        shown: int,
        *chosen: str | None,
    ) -> Any:
        try:
            yield from self._handlers.compare(visitor, path, chosen[:shown], truth)
            # Gradio sends the last step twice: then something else may have been opened.
            yield gr.skip()
        except Exception as error:
            raise refusal(error) from error

    def _refresh(
        self,
        visitor: Visitor,
        path: str | None,
        truth: str | None,
        shown: int,
        *chosen: str | None,
    ) -> Any:
        # Taking the picture away, or choosing networks before there is one, is no mistake.
        if path is None or not any(chosen[:shown]):
            yield gr.skip()
        else:
            yield from self._compare(visitor, path, truth, shown, *chosen)

    # --- slots -----------------------------------------------------------------------------

    def slots(self) -> None:
        parts = self._parts
        handlers = self._handlers

        def more(shown: int) -> list[Any]:
            return resized(shown + 1)

        def fewer(shown: int) -> list[Any]:
            return resized(shown - 1)

        def narrow(visitor: Visitor, architecture: str, chosen: str | None) -> Any:
            choices = handlers.shelf.choices(architecture, visitor)
            return gr.update(choices=choices, value=kept(chosen, choices))

        def fetch(visitor: Visitor, chosen: str | None, token: Token) -> Any:
            return self._begun(
                visitor, lambda: handlers.adding.begin(visitor, [chosen], _word_of(token))
            )

        parts.more.click(more, parts.count, self._counted, **_QUICK)
        # A panel leaves with its slot.
        parts.fewer.click(fewer, parts.count, self._counted, **_QUICK).then(
            self._refresh, **self._running
        )
        for slot in parts.slots:
            slot.architecture.input(
                narrow,
                [parts.visitor, slot.architecture, slot.checkpoint],
                slot.checkpoint,
                **_QUICK,
            )
            slot.checkpoint.input(
                fetch, [parts.visitor, slot.checkpoint], parts.transfers, **_QUICK
            ).then(self._refresh, **self._running)

    # --- downloads -------------------------------------------------------------------------

    def downloads(self) -> None:
        parts = self._parts
        handlers = self._handlers

        def begin(visitor: Visitor, event: gr.EventData, token: Token) -> Any:
            name = _text(event, "id")
            return self._begun(
                visitor, lambda: handlers.adding.begin(visitor, [name], _word_of(token))
            )

        def cancel(visitor: Visitor, event: gr.EventData) -> Any:
            visitor.transfers.cancel(_text(event, "id"))
            return visitor.transfers.rows()

        def dismiss(visitor: Visitor, event: gr.EventData) -> Any:
            visitor.transfers.dismiss(_text(event, "id"))
            return visitor.transfers.rows()

        def follow(visitor: Visitor) -> Any:
            yield from visitor.transfers.follow()

        def settled(visitor: Visitor, *chosen: str | None) -> list[Any]:
            visitor.transfers.dismiss_arrived()
            return [visitor.transfers.rows(), *self._listed(visitor, chosen)]

        rows = parts.transfers
        for event, handler in (
            (rows.begin, begin),
            (rows.cancel, cancel),
            (rows.dismiss, dismiss),
        ):
            # The panel says whether its checkpoint is coming, and what to do otherwise.
            event(handler, parts.visitor, rows, **_QUICK).then(self._refresh, **self._running)
        rows.follow(
            follow,
            parts.visitor,
            rows,
            concurrency_limit=MAX_WATCHED,
            concurrency_id="downloads",
            trigger_mode="always_last",
            show_progress="hidden",
            api_visibility="private",
        )
        rows.settled(settled, [parts.visitor, *self.lists], [rows, *self.lists], **_QUICK).then(
            self._refresh, **self._running
        )

    def _begun(self, visitor: Visitor, begin: Any) -> Any:
        """Begin downloads and show them; nothing changes where there is nothing to fetch."""
        before = visitor.transfers.rows()
        begin()
        rows = visitor.transfers.rows()
        return gr.skip() if rows.serial == before.serial else rows

    # --- adding ----------------------------------------------------------------------------

    def adding(self) -> None:
        parts = self._parts
        handlers = self._handlers
        adding = handlers.adding

        def look(visitor: Visitor, event: gr.EventData, token: Token) -> list[Any]:
            words, serial = _text(event, "words"), _number(event, "serial")
            return [visitor, adding.look(visitor, words, serial, _word_of(token))]

        def judge(visitor: Visitor, event: gr.EventData) -> list[Any]:
            path, serial = uploaded(_text(event, "path")), _number(event, "serial")
            return [visitor, adding.judge_file(visitor, path, serial)]

        def use(
            visitor: Visitor,
            event: gr.EventData,
            token: Token,
            shown: int,
            *lists: str | None,
        ) -> list[Any]:
            try:
                entry = adding.use(visitor, _number(event, "number"), _word_of(token))
            except Exception as error:
                answer = problem(explain(error), _number(event, "serial"))
                return [answer, *[gr.skip()] * (len(used) - 1)]
            filters, chosen = list(lists[:MAX_SLOTS]), list(lists[MAX_SLOTS:])
            slot, shown = place(chosen, shown)
            filters[slot], chosen[slot] = "", entry.id
            return [
                gr.skip(),
                visitor.transfers.rows(),
                *resized(shown),
                *self._listed(visitor, [*filters, *chosen]),
            ]

        for event, handler in ((parts.panel.look, look), (parts.panel.file, judge)):
            event(
                handler,
                parts.visitor,
                [parts.visitor, parts.panel],
                concurrency_limit=MAX_LOOKS,
                concurrency_id="looks",
                trigger_mode="always_last",
                show_progress="hidden",
                api_visibility="private",
            )
        used = [parts.panel, parts.transfers, *self._counted, *self.lists]
        parts.panel.use(use, [parts.visitor, parts.count, *self.lists], used, **_QUICK).then(
            self._refresh, **self._running
        )

    # --- many pictures ---------------------------------------------------------------------

    def batch(self) -> None:
        parts = self._parts

        def reopen(visitor: Visitor, picture: str, truth: str | None, chosen: Any) -> list[Any]:
            return [gr.update(selected=ONE), picture, truth, *self._filled(visitor, chosen)]

        tie_batch(
            parts.batch,
            visitor=parts.visitor,
            chosen=[parts.count, *self._checkpoints],
            prepare=self._handlers.batch,
            reopen=reopen,
            reopened=[parts.tabs, parts.picture, parts.truth, *self._counted, *self.lists],
            quick=_QUICK,
        ).then(self._refresh, **self._running)
        for event in (parts.run.click, parts.picture.input):
            event(lambda: gr.update(selected=ONE), None, parts.tabs, **_QUICK)

    def _filled(self, visitor: Visitor, chosen: Any) -> list[Any]:
        return filled(chosen, self._handlers.shelf.choices(visitor=visitor))

    # --- readings --------------------------------------------------------------------------

    def readings(self) -> None:
        parts = self._parts
        follow_readings(
            self._handlers.rereading,
            parts.viewer,
            [parts.visitor, parts.count, *self._checkpoints],
            quick=_QUICK,
            refresh=self._refresh,
            running=self._running,
        )

    # --- keeping ---------------------------------------------------------------------------

    def keeping(self) -> None:
        handlers, parts, running = self._handlers, self._parts, self._running
        let_save(handlers, parts.viewer, parts.saved, running)
        slots = [*self._counted, *self.lists]
        let_open(handlers, parts, slots, self._filled, self._refresh, running)

    # --- language --------------------------------------------------------------------------

    def language(self, page: gr.Blocks) -> None:
        def again(visitor: Visitor, *rest: Any) -> Any:
            if visitor.opening is not None:
                # What the browser holds is about to be replaced by what a link says.
                yield gr.skip()
            else:
                yield from self._refresh(visitor, *rest)

        switch_language(page, self._parts, self.lists, self._listed, self._handlers.adding).then(
            again, **self._running
        )

    def reload(self, visitor: Visitor) -> Any:
        """What others have fetched since the page was built is on this disk for everybody."""
        shelf = self._handlers.shelf
        shelf.refresh()
        if shelf.entries(visitor) == self._built:
            return [gr.skip()] * len(self.lists)
        return [
            *(gr.update(choices=shelf.families(visitor)) for _ in self._filters),
            *(gr.update(choices=shelf.choices(visitor=visitor)) for _ in self._checkpoints),
        ]

    def _listed(self, visitor: Visitor, values: Any) -> list[Any]:
        """All filters and checkpoints with what they offer now, their values kept."""
        shelf = self._handlers.shelf
        filters, chosen = values[:MAX_SLOTS], values[MAX_SLOTS:]
        families = shelf.families(visitor)
        choices = [shelf.choices(architecture or "", visitor) for architecture in filters]
        return [
            *(gr.update(choices=families, value=value or "") for value in filters),
            *(
                gr.update(choices=offered, value=kept(value, offered))
                for offered, value in zip(choices, chosen, strict=True)
            ),
        ]


def _nothing() -> None:
    """What empties a component."""


def _word_of(token: Token) -> str | None:
    return token.token if token else None
