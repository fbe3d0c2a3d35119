"""The page's finished examples: run the shipped checkpoints and keep what they say.

``python -m weights.examples`` rewrites segdemo/ui/examples/examples.json with its maps; it has
to be called after a checkpoint has changed, and a test says so when it was not.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from segdemo.catalog import CatalogEntry, shipped
from segdemo.images.decode import decode
from segdemo.inference.maps import LEVELS, quantise
from segdemo.inference.prediction import Prediction
from segdemo.inference.segmenter import Segmenter, load
from segdemo.settings import Settings
from segdemo.strings import LANGUAGES, speaking
from segdemo.ui.viewer.assumed import assumed
from segdemo.ui.viewer.class_maps import class_maps
from segdemo.ui.viewer.map_files import viewer_size
from segdemo.ui.viewer.payload import ClassMaps
from segdemo.ui.viewer.runner import assumptions, describe, figures_of
from segdemo.ui.viewer.stored import FOLDER, INDEX

# Which checkpoints are shown on which picture; the first is what a visitor sees first.
_CHOICES = {
    "retina.jpg": ("vessels_unet", "vessels_u2net_lite"),
    "cell.png": ("nuclei_unet", "nuclei_u2net_lite"),
    "nuclei.png": ("nuclei_unet", "nuclei_u2net_lite"),
    "street.png": ("scene_fcn32s", "scene_fcn8s"),
}


def make() -> None:
    """Run the shipped checkpoints on the example pictures and store what they say."""
    entries = {entry.id: entry for entry in shipped()}
    documents = [
        _run(FOLDER / name, [entries[checkpoint] for checkpoint in checkpoints])
        for name, checkpoints in _CHOICES.items()
    ]
    INDEX.write_text(json.dumps(documents, indent=2, ensure_ascii=False) + "\n", "utf-8")


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
    size = viewer_size(picture.size)
    quantised = quantise(prediction.foreground_at(size))
    name = f"{path.stem}.{entry.id}"
    return {
        "checkpoint": entry.id,
        "label": entry.title,
        **said(segmenter, prediction),
        "milliseconds": round(prediction.milliseconds),
        "device": prediction.device_and_precision,
        "map": _kept(Image.fromarray(quantised), f"{name}.png"),
        "classes": _classes(class_maps(segmenter, prediction, size), name),
    }


def _classes(classes: ClassMaps | None, name: str) -> dict[str, Any] | None:
    """Those of a network of several classes, their files beside the others."""
    if classes is None:
        return None
    files = {}
    for part in ("labels", "atlas"):
        with Image.open(getattr(classes, part).file.path) as drawn:
            files[part] = _kept(drawn, f"{name}.{part}.png")
    return {**asdict(classes), **files}


def _kept(drawn: Image.Image, name: str) -> dict[str, Any]:
    drawn.save(FOLDER / name, optimize=True)
    return {"file": name, "width": drawn.width, "height": drawn.height}


def said(segmenter: Segmenter, prediction: Prediction) -> dict[str, Any]:
    """What a panel says beside its map: its texts in every language."""
    return {
        "figures": asdict(figures_of(prediction)),
        "activation": segmenter.spec.postprocessing.activation,
        "texts": {language: _texts(segmenter, prediction, language) for language in LANGUAGES},
    }


def _texts(segmenter: Segmenter, prediction: Prediction, language: str) -> dict[str, Any]:
    with speaking(language):
        return {
            "detail": describe(segmenter),
            "notes": list(assumptions(segmenter, prediction)),
            "assumed": [asdict(assumption) for assumption in assumed(segmenter)],
        }


if __name__ == "__main__":
    make()
