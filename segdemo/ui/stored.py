"""Finished comparisons that open without running a network, and the command that makes them.

``python -m segdemo.ui.stored`` runs the shipped checkpoints on the example pictures again
and rewrites examples.json with its maps; it has to be called after a checkpoint changes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from segdemo.catalog import CatalogEntry, shipped
from segdemo.pictures import decode
from segdemo.processing import LEVELS, quantise
from segdemo.segmenter import load
from segdemo.settings import Settings
from segdemo.strings import text
from segdemo.ui.runner import assumptions, describe, viewer_size
from segdemo.ui.viewer import CachedFile, CachedImage, PanelEntry, ViewerPayload

FOLDER = Path(__file__).with_name("examples")
_INDEX = FOLDER / "examples.json"

# Which checkpoints are shown on which picture; the first is what a visitor sees first.
_CHOICES = {
    "retina.jpg": ("vessels_unet", "vessels_u2net_lite"),
    "cell.png": ("nuclei_unet", "nuclei_u2net_lite"),
    "nuclei.png": ("nuclei_unet", "nuclei_u2net_lite"),
}


@dataclass(frozen=True, kw_only=True)
class Example:
    """A picture with a finished comparison."""

    picture: Path
    checkpoints: tuple[str, ...]
    """Ids of catalog entries."""
    comparison: ViewerPayload


def examples() -> tuple[Example, ...]:
    """The stored comparisons, the one for the first visit first. Reads no checkpoint."""
    if not _INDEX.exists():
        return ()
    return tuple(_read(document) for document in json.loads(_INDEX.read_text(encoding="utf-8")))


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


def make() -> None:
    """Run the shipped checkpoints on the example pictures and store what they say."""
    entries = {entry.id: entry for entry in shipped()}
    documents = [
        _run(FOLDER / name, [entries[checkpoint] for checkpoint in checkpoints])
        for name, checkpoints in _CHOICES.items()
    ]
    _INDEX.write_text(json.dumps(documents, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _run(path: Path, entries: Sequence[CatalogEntry]) -> dict[str, Any]:
    picture = decode(path, max_megapixels=Settings().max_megapixels)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "run": digest[:16],
        "image": {"file": path.name, "width": picture.width, "height": picture.height},
        "threshold": LEVELS // 2,
        "panels": [_run_one(path, picture, entry) for entry in entries],
    }


def _run_one(path: Path, picture: Image.Image, entry: CatalogEntry) -> dict[str, Any]:
    segmenter = load(entry.path)
    segmenter.predict(picture)
    # The second run counts: the first also waits for the machine to warm up.
    prediction = segmenter.predict(picture)
    quantised = quantise(prediction.foreground_at(viewer_size(picture.size)))
    name = f"{path.stem}.{entry.id}.png"
    Image.fromarray(quantised).save(FOLDER / name, optimize=True)
    return {
        "checkpoint": entry.id,
        "label": entry.title,
        "detail": describe(segmenter),
        "notes": list(assumptions(segmenter, prediction)),
        "milliseconds": round(prediction.milliseconds),
        "device": prediction.device_and_precision,
        "map": {"file": name, "width": quantised.shape[1], "height": quantised.shape[0]},
    }


if __name__ == "__main__":
    make()
