"""Finished comparisons that open without running a network; ``weights/examples.py`` makes them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segdemo.strings import text
from segdemo.ui.payload import CachedFile, CachedImage, PanelEntry, ViewerPayload

FOLDER = Path(__file__).with_name("examples")
INDEX = FOLDER / "examples.json"


@dataclass(frozen=True, kw_only=True)
class Example:
    """A picture with a finished comparison."""

    picture: Path
    checkpoints: tuple[str, ...]
    """Ids of catalog entries."""
    comparison: ViewerPayload


def examples() -> tuple[Example, ...]:
    """The stored comparisons, the one for the first visit first. Reads no checkpoint."""
    if not INDEX.exists():
        return ()
    return tuple(_read(document) for document in json.loads(INDEX.read_text(encoding="utf-8")))


def _read(document: dict[str, Any]) -> Example:
    image = _image(document["image"])
    panels = tuple(
        PanelEntry(
            id=f"slot-{slot}",
            label=panel["label"],
            detail=panel["detail"],
            status="ready",
            milliseconds=panel["milliseconds"],
            device=text("page_stored_device", device=panel["device"]),
            notes=(*panel["notes"], text("page_stored")),
            map=_image(panel["map"]),
        )
        for slot, panel in enumerate(document["panels"])
    )
    return Example(
        picture=FOLDER / document["image"]["file"],
        checkpoints=tuple(panel["checkpoint"] for panel in document["panels"]),
        comparison=ViewerPayload(
            image=image, panels=panels, threshold=document["threshold"], run=document["run"]
        ),
    )


def _image(document: dict[str, Any]) -> CachedImage:
    return CachedImage(
        width=document["width"],
        height=document["height"],
        file=CachedFile(path=str(FOLDER / document["file"])),
    )
