"""Draws the contact sheets of README.md: `python -m weights.sheets`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage import data

import segdemo
from weights import cards, pictures
from weights.make import FOLDER
from weights.recipes import RECIPES
from weights.tasks import TASKS

Pixels = NDArray[np.uint8]
Labels = NDArray[np.integer[Any]]

GREEN = (40, 255, 80)
# Of the labels of several classes, in their order: dark, brown, blue, red, green, yellow.
_COLOURS = np.array(
    [(30, 30, 30), (150, 120, 90), (120, 180, 255), (200, 60, 60), (40, 160, 60), (250, 210, 40)],
    np.uint8,
)
_OPACITY = 0.55
_FILLED = ("vessels", "objects")
"""Tasks whose masks are shown as areas; of the others the outline says more."""
_CAPTION = 16
"""Height in pixels of the line above a column."""

# The pictures that scikit-image brings along, by the task that they suit.
REAL: dict[str, dict[str, Callable[[], Any]]] = {
    "nuclei": {
        "cell": data.cell,
        "immunohistochemistry": data.immunohistochemistry,
        "coins": data.coins,
    },
    "vessels": {"retina": data.retina, "microaneurysms": data.microaneurysms},
    "objects": {
        "astronaut": data.astronaut,
        "chelsea": data.chelsea,
        "coffee": data.coffee,
        "rocket": data.rocket,
    },
    "scene": {"camera": data.camera, "rocket": data.rocket},
}


def shown(picture: Pixels, labels: Labels, task: str) -> Pixels:
    """The picture (h, w, 3) with what the labels (h, w) say over it."""
    if len(TASKS[task].classes) > 1:
        tint = _COLOURS[labels]
        return (picture * (1 - _OPACITY) + tint * _OPACITY).astype(np.uint8)
    mask = labels > 0
    over = picture.copy()
    if task in _FILLED:
        over[mask] = (picture[mask] * (1 - _OPACITY) + np.array(GREEN) * _OPACITY).astype(np.uint8)
    else:
        over[mask & ~ndimage.binary_erosion(mask)] = GREEN
    return over


def generated(task: str, columns: int = 5, rows: int = 3, seed: int = 12) -> Image.Image:
    """Pairs of a generated picture and the same with its labels."""
    side = next(recipe.canvas for recipe in RECIPES.values() if recipe.task == task)
    drawn, labels = pictures.generate(task, seed, side, columns * rows)
    pairs = [
        np.concatenate([picture, shown(picture, truth, task)], axis=1)
        for picture, truth in zip(drawn, labels, strict=True)
    ]
    lines = [np.concatenate(pairs[row * columns : (row + 1) * columns], 1) for row in range(rows)]
    return Image.fromarray(np.concatenate(lines))


def real(task: str, names: Sequence[str], side: int) -> Image.Image:
    """A row for each real picture: itself, then what each network of those names finds in it."""
    segmenters = [segdemo.load(FOLDER / f"{name}.safetensors", device="cpu") for name in names]
    captions = ["", *(RECIPES[name].title.partition(" · ")[2] for name in names)]
    rows = [_captions(captions, side)]
    for read in REAL[task].values():
        picture = Image.fromarray(read()).convert("RGB")
        small = picture.copy()
        small.thumbnail((side, side))
        tiles = [np.asarray(small)]
        for segmenter in segmenters:
            prediction = segmenter.predict(picture)
            labels = (
                prediction.probabilities.argmax(0)
                if len(TASKS[task].classes) > 1
                else prediction.mask(0.5)
            ).astype(np.uint8)
            fitted = Image.fromarray(labels).resize(small.size, Image.Resampling.NEAREST)
            tiles.append(shown(tiles[0], np.asarray(fitted), task))
        missing = side - tiles[0].shape[1]
        padded = [
            np.pad(tile, ((0, 0), (0, missing), (0, 0)), constant_values=255) for tile in tiles
        ]
        rows.append(np.concatenate(padded, axis=1))
    return Image.fromarray(np.concatenate(rows))


def _captions(captions: Sequence[str], side: int) -> Pixels:
    line = Image.new("RGB", (side * len(captions), _CAPTION), "white")
    pen = ImageDraw.Draw(line)
    for column, caption in enumerate(captions):
        # Pillow's own face has no small numbers.
        pen.text((column * side + 4, 2), caption.replace("²", "2"), fill="black")
    return np.asarray(line)


def main(folder: Path = FOLDER / "sheets") -> int:
    """Writes two sheets for each task into the folder; returns the exit code."""
    folder.mkdir(exist_ok=True)
    for task in TASKS:
        names = [name for name in cards.trained(FOLDER) if RECIPES[name].task == task]
        generated(task).save(folder / f"{task}_generated.jpg", quality=80)
        if names:
            side = min(400, 1500 // (len(names) + 1))
            real(task, names, side).save(folder / f"{task}_real.jpg", quality=82)
    return 0


if __name__ == "__main__":
    sys.exit(main())
