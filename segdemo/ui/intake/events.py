"""The events of what comes in: files that arrive, and places that are emptied."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from segdemo.strings import text
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.gradio_support.errors import explain, refusal
from segdemo.ui.gradio_support.event_data import number_of, text_of, texts_of
from segdemo.ui.gradio_support.uploads import served, uploaded
from segdemo.ui.intake.payload import Told
from segdemo.ui.intake.places import FilePlace
from segdemo.ui.intake.placing import Placing
from segdemo.ui.intake.sorting import Sorted, sort
from segdemo.ui.intake.zone import ARRIVAL_FAILED, DropZone
from segdemo.ui.slots import put, resized
from segdemo.ui.viewer.viewer import ComparisonViewer
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import QUICK, Wiring
from segdemo.wording import printable

MAX_ARRIVALS = 4
"""Visitors whose files are looked at, at a time."""
MAX_FILES = 1000
"""In one drop."""


@dataclass(frozen=True, eq=False, kw_only=True)
class IntakeParts:
    """The components that take files."""

    zone: DropZone
    picture: FilePlace
    truth: FilePlace
    pictures: FilePlace
    masks: FilePlace


@dataclass(frozen=True, eq=False, kw_only=True)
class Beside:
    """What changes on the page when files arrive, beside their places."""

    viewer: ComparisonViewer
    announced: Callable[[Visitor, str, Sequence[str | None]], Any]
    """The viewer of a picture that no network has seen yet."""
    tabs: Block
    one: str
    many: str
    """The values of ``tabs`` for one picture and for many."""


def register(
    parts: IntakeParts,
    *,
    placing: Placing,
    adding: Adding,
    key_of: Callable[[Visitor], str],
    limit: int,
    max_megapixels: float,
    beside: Beside,
    wiring: Wiring,
) -> None:
    """Tie the places and the zone; what has arrived is compared. ``limit`` is bytes of an image.

    ``key_of`` gives what the browser keeps, so that all of it survives a reload.
    """
    arrivals = Arrivals(parts, placing, adding, beside, wiring)

    def arrive(
        visitor: Visitor,
        event: gr.EventData,
        picture: str | None,
        shown: int,
        *chosen: str | None,
    ) -> dict[Any, Any]:
        serial, target = number_of(event, "serial"), text_of(event, "target")
        names = texts_of(event, "paths")[:MAX_FILES]
        paths = [path for path in map(uploaded, names) if path is not None]
        if not paths:
            return {parts.zone: Told(serial=serial, problems=(text("zone_lost"),))}
        visitor.turn += 1
        found = sort(paths, target, limit=limit, max_megapixels=max_megapixels)
        return {
            wiring.visitor: visitor,
            **arrivals.networks(visitor, found, serial, shown, chosen, key_of(visitor)),
            **arrivals.images(visitor, found, target, picture, chosen[:shown]),
        }

    def clear_picture(visitor: Visitor) -> list[Any]:
        visitor.turn += 1
        visitor.example = None
        return [placing.picture(visitor, None), None, None]

    def read_as(visitor: Visitor, event: gr.EventData, picture: str | None) -> Any:
        # A comparison that goes on would show what it was told first.
        visitor.turn += 1
        try:
            lies = served(picture) if picture else None
            return placing.read_as(visitor, text_of(event, "name"), lies)
        except Exception as error:
            raise refusal(error) from error

    def clear(kind: str, visitor: Visitor) -> None:
        placing.clear(visitor, kind)

    inputs = [wiring.visitor, parts.picture, *wiring.chosen]
    places = [parts.picture, parts.truth, parts.pictures, parts.masks]
    changed = [wiring.visitor, parts.zone, *places, beside.viewer, beside.tabs, *wiring.slots]
    arrival = parts.zone.arrive(
        arrive,
        inputs,
        changed,
        concurrency_limit=MAX_ARRIVALS,
        concurrency_id="arrivals",
        # A drop that follows another at once is none to forget.
        trigger_mode="multiple",
        show_progress="hidden",
        api_visibility="private",
    )
    arrival.then(wiring.refresh, **wiring.running)
    # In the browser alone: a server that is busy would refuse this, too.
    arrival.failure(None, js=ARRIVAL_FAILED)
    parts.picture.clear(
        clear_picture, wiring.visitor, [parts.picture, parts.truth, beside.viewer], **QUICK
    )
    parts.truth.clear(partial(clear, "mask"), wiring.visitor, parts.truth, **QUICK).then(
        wiring.refresh, **wiring.running
    )
    # The panel under the mask, and what the viewer doubts beside the networks' answers.
    for event in (parts.truth.read_as, beside.viewer.read_truth):
        event(read_as, [wiring.visitor, parts.picture], parts.truth, **QUICK).then(
            wiring.refresh, **wiring.running
        )
    for kind, place in (("pictures", parts.pictures), ("masks", parts.masks)):
        place.clear(partial(clear, kind), wiring.visitor, place, **QUICK)


class Arrivals:
    """What arrived files change, as updates by component."""

    def __init__(
        self,
        parts: IntakeParts,
        placing: Placing,
        adding: Adding,
        beside: Beside,
        wiring: Wiring,
    ) -> None:
        self._parts = parts
        self._placing = placing
        self._adding = adding
        self._beside = beside
        self._wiring = wiring

    def networks(
        self,
        visitor: Visitor,
        found: Sorted,
        serial: int,
        shown: int,
        slots: Sequence[str | None],
        key: str,
    ) -> dict[Any, Any]:
        """Each in a slot and among the visitor's own, and what is said of it."""
        chosen = list(slots)
        sentences: list[str] = []
        problems: list[str] = []
        for path in found.networks:
            name = printable(path.name)
            try:
                entry, facts = self._adding.take(visitor, path, found.beside)
            except Exception as error:
                problems.append(text("zone_no_network", name=name, reason=explain(error)))
                continue
            known = entry.id in chosen[:shown]
            shown, slot = put(entry.id, chosen, shown)
            if slot is None:
                problems.append(text("zone_full", name=name, facts=facts))
                continue
            said = "zone_known" if known else "zone_added"
            sentences.append(text(said, name=name, facts=facts, letter="ABCD"[slot]))
        told = Told(serial=serial, sentences=sentences, problems=problems, key=key)
        updates: dict[Any, Any] = {self._parts.zone: told}
        if found.networks:
            listed = self._wiring.listed(visitor, chosen)
            values = [*resized(shown), *listed]
            updates.update(zip(self._wiring.slots, values, strict=True))
        return updates

    def images(
        self,
        visitor: Visitor,
        found: Sorted,
        target: str,
        picture: str | None,
        chosen: Sequence[str | None],
    ) -> dict[Any, Any]:
        """Pictures and masks in their places; one picture is announced in the viewer."""
        parts, beside = self._parts, self._beside
        many = target in ("pictures", "masks") or _are_many(found.pictures)
        many = many or _are_many(found.masks)
        if many:
            for kind, paths in (("pictures", found.pictures), ("masks", found.masks)):
                if paths:
                    self._placing.many(visitor, kind, paths)
        updates: dict[Any, Any] = {
            parts.pictures: self._placing.many_again(visitor, "pictures"),
            parts.masks: self._placing.many_again(visitor, "masks"),
        }
        if many:
            return {**updates, beside.tabs: gr.update(selected=beside.many)}
        if found.pictures or found.masks:
            updates[beside.tabs] = gr.update(selected=beside.one)
        if found.pictures:
            visitor.example = None
            placed = self._placing.picture(visitor, found.pictures[0])
            updates |= {parts.picture: placed, parts.truth: None, beside.viewer: None}
            picture = placed.paths[0] if placed and placed.paths else None
            if picture is not None:
                # What others said of the last picture goes at once.
                updates[beside.viewer] = beside.announced(visitor, picture, chosen)
        if found.masks:
            lies = served(picture) if picture else None
            updates[parts.truth] = self._placing.mask(visitor, found.masks[0], lies)
        return updates


def _are_many(paths: Sequence[Path]) -> bool:
    return len(paths) > 1 or any(path.suffix.lower() == ".zip" for path in paths)
