"""Finished comparisons that open without running a network; ``weights/examples.py`` makes them."""

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from segdemo.catalog import translated
from segdemo.strings import language, text
from segdemo.ui.viewer.payload import (
    Assumption,
    CachedFile,
    CachedImage,
    ClassMaps,
    Figures,
    PanelEntry,
    ViewerPayload,
)

FOLDER = Path(__file__).parents[1] / "examples"
INDEX = FOLDER / "examples.json"


@dataclass(frozen=True, kw_only=True)
class Example:
    """An image with a finished comparison."""

    picture: Path
    checkpoints: tuple[str, ...]
    """Ids of catalog entries."""
    document: dict[str, Any]

    @property
    def comparison(self) -> ViewerPayload:
        """What the networks said, in the current language."""
        return ViewerPayload(
            image=_image(self.document["image"]),
            panels=tuple(map(_panel, count(), self.document["panels"])),
            threshold=self.document["threshold"],
            run=self.run,
            stored=True,
            link=(*(("m", name) for name in self.checkpoints), ("ex", self.picture.stem)),
        )

    @property
    def run(self) -> str:
        """That of every comparison of its image."""
        return str(self.document["run"])


def examples() -> tuple[Example, ...]:
    """The stored comparisons, the one for the first visit first. Reads no checkpoint."""
    if not INDEX.exists():
        return ()
    return tuple(_read(document) for document in json.loads(INDEX.read_text(encoding="utf-8")))


def _read(document: dict[str, Any]) -> Example:
    return Example(
        picture=FOLDER / document["image"]["file"],
        checkpoints=tuple(panel["checkpoint"] for panel in document["panels"]),
        document=document,
    )


def _panel(slot: int, document: dict[str, Any]) -> PanelEntry:
    texts = document["texts"][language()]
    return PanelEntry(
        id=f"slot-{slot}",
        label=translated(document["checkpoint"], document["label"]),
        detail=texts["detail"],
        status="ready",
        milliseconds=document["milliseconds"],
        device=text("page_stored_device", device=document["device"]),
        notes=(*texts["notes"], text("page_stored")),
        figures=Figures(**document["figures"]),
        activation=document["activation"],
        assumed=tuple(Assumption(**assumption) for assumption in texts["assumed"]),
        map=_image(document["map"]),
        classes=_classes(document["classes"]) if document["classes"] else None,
    )


def _classes(document: dict[str, Any]) -> ClassMaps:
    return ClassMaps(
        names=tuple(document["names"]),
        colours=tuple(document["colours"]),
        palette=document["palette"],
        background=document["background"],
        hidden=tuple(document["hidden"]),
        labels=_image(document["labels"]),
        atlas=_image(document["atlas"]),
    )


def _image(document: dict[str, Any]) -> CachedImage:
    return CachedImage(
        width=document["width"],
        height=document["height"],
        file=CachedFile(path=str(FOLDER / document["file"])),
    )
