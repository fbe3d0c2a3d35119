"""Hand-drawn silhouettes of a few real photographs, and how well a checkpoint finds them.

`python -m weights.truth FILE...` prints a table. Seven pictures with rough outlines: enough to
choose between checkpoints and versions of a generator, not to claim a score.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data

import segdemo
from weights.evaluation import intersection_over_union

_POLYGONS = Path(__file__).with_suffix(".json")


def photographs() -> dict[str, Image.Image]:
    """The pictures by name, RGB. None of them was ever trained on."""
    # The horse is a drawing: a silhouette alone, dark on white.
    pictures = {
        "astronaut": data.astronaut(),
        "camera": data.camera(),
        "chelsea": data.chelsea(),
        "coffee": data.coffee(),
        "horse": data.horse().astype(np.uint8) * 255,
        "motorcycle_left": data.stereo_motorcycle()[0],
        "rocket": data.rocket(),
    }
    return {name: Image.fromarray(pixels).convert("RGB") for name, pixels in pictures.items()}


def silhouettes() -> dict[str, NDArray[np.bool_]]:
    """The subject of each photograph, (height, width)."""
    polygons = json.loads(_POLYGONS.read_text(encoding="utf-8"))["polygons"]
    masks = {}
    for name, picture in photographs().items():
        if name == "horse":
            masks[name] = np.asarray(picture.convert("L")) < 128
            continue
        image = Image.new("L", picture.size)
        for corners in polygons[name]:
            scaled = [(x * picture.width / 100, y * picture.height / 100) for x, y in corners]
            ImageDraw.Draw(image).polygon(scaled, fill=1)
        masks[name] = np.asarray(image) > 0
    return masks


def scores(path: Path) -> dict[str, float]:
    """IoU at threshold 0.5 of a checkpoint file with each silhouette."""
    segmenter, truth = segdemo.load(path), silhouettes()
    return {
        name: intersection_over_union(segmenter.predict(picture).mask(0.5), truth[name])
        for name, picture in photographs().items()
    }


def main(arguments: Sequence[str]) -> int:
    """Prints a line for each picture and a column for each file; returns the exit code."""
    columns = [scores(Path(name)) for name in arguments]
    for name in columns[0]:
        print(f"{name:16}", *(f"{column[name]:.3f}" for column in columns))
    print(f"{'mean':16}", *(f"{np.mean(list(column.values())):.3f}" for column in columns))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
