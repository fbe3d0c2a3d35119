"""What a link to a comparison holds: its checkpoints, its example and the view, never an image.

``?m=vessels_unet&m=owner/name@commit:unet.pth&ex=retina&t=128&mode=overlay&view=side``: ``m`` is
a checkpoint by its id or its place on the Hub, ``ex`` an example, and ``t`` the k of the
threshold k/256, or one for each panel, parted by commas. So parted are also ``pick``, which of
its classes a panel shows, and ``palette``, in which colours: nothing where it is as at first.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, get_args
from urllib.parse import parse_qs

from segdemo.catalog import CatalogEntry
from segdemo.checkpoints.published import Place, published
from segdemo.errors import HubError
from segdemo.hub.references import Address
from segdemo.ui.viewer.payload import MAX_PANELS, Layout, Mode, PanelState, ViewerState

Pairs = tuple[tuple[str, str], ...]

_MAX_CHARACTERS = 4000
_PLACE = re.compile(r"(spaces/)?([^@:\s]+/[^@:\s/]+)@([^@:\s]+):(\S+)")
_THRESHOLDS = re.compile(rf"[0-9]{{1,3}}(?:,[0-9]{{1,3}}){{0,{MAX_PANELS - 1}}}")


@dataclass(frozen=True, kw_only=True)
class Link:
    """What makes sense in a link; anybody may have written it."""

    checkpoints: tuple[str, ...] = ()
    example: str = ""
    state: ViewerState | None = None
    """None where it says nothing of the view."""

    @classmethod
    def read(cls, query: str) -> "Link":
        """The link with this query, each part checked; what makes no sense is left out."""
        try:
            words = parse_qs(query[:_MAX_CHARACTERS].removeprefix("?"), max_num_fields=50)
        except ValueError:
            return cls()

        def word(name: str) -> str:
            return words.get(name, [""])[0]

        mode = next((known for known in get_args(Mode) if known == word("mode")), None)
        layout = next((known for known in get_args(Layout) if known == word("view")), None)
        fits = _THRESHOLDS.fullmatch(word("t"))
        levels = [min(max(int(k), 1), 255) for k in word("t").split(",")] if fits else []
        common = levels[0] if levels else 128
        picks, palettes = (word(name).split(",")[:MAX_PANELS] for name in ("pick", "palette"))
        panels = tuple(
            PanelState.read(common if k is None else k, pick=pick, palette=palette)
            for k, pick, palette in zip_longest(levels, picks, palettes)
        )
        # One threshold is for all of the panels, however many they are.
        own = len(levels) > 1 or any(panel.pick or panel.palette for panel in panels)
        state = None
        if mode or layout or levels or own:
            state = ViewerState(
                threshold=common,
                mode=mode or "overlay",
                layout=layout or "side",
                panels=panels if own else (),
            )
        return cls(
            checkpoints=tuple(words.get("m", ())[:MAX_PANELS]),
            example=word("ex"),
            state=state,
        )


def pairs_of(entries: Iterable[CatalogEntry], example: str = "") -> Pairs:
    """What a link to these checkpoints names, with the example if it is one.

    A visitor's own file is left out: nobody else could open it.
    """
    names = (name_of(entry) for entry in entries)
    return (*(("m", name) for name in names if name), *((("ex", example),) if example else ()))


def name_of(entry: CatalogEntry) -> str:
    """The name of a checkpoint in a link; "" for a visitor's own file."""
    if entry.source == "upload":
        return ""
    address = entry.address
    if address is None or any(entry.id == known.id for known in published()):
        return entry.id
    cached = Place.in_cache(entry.path) if entry.path else None
    revision = cached[1] if cached else address.revision
    if address.source != "hub" or revision is None or address.filename is None:
        return entry.id
    kind = "spaces/" if address.repo_type == "space" else ""
    return f"{kind}{address.repo_id}@{revision}:{address.filename}"


def address_of(name: str) -> Address | None:
    """The file on the Hub that a link names; None where it names none that could be."""
    found = _PLACE.fullmatch(name)
    if found is None:
        return None
    facts: dict[str, Any] = {"repo_type": "space" if found[1] else "model"}
    try:
        return Address(repo_id=found[2], revision=found[3], filename=found[4], **facts)
    except HubError:
        return None


class NextView:
    """How a link wants a visitor's next comparison to be looked at; None where none does."""

    def __init__(self) -> None:
        self.state: ViewerState | None = None
