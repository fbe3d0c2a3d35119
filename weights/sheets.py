"""Draws the two contact sheets of README.md: `python -m weights.sheets`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage import data

import segdemo
from weights import pictures
from weights.make import FOLDER

Pixels = NDArray[np.uint8]

GREEN = (40, 255, 80)
TILE = 300
"""Height in pixels of a row of the sheet of real pictures."""


def outlined(picture: Pixels, mask: NDArray[np.bool_], *, filled: bool = False) -> Pixels:
    """The picture with the mask's inner outline, or the whole mask, in green."""
    shown = picture.copy()
    shown[mask if filled else mask & ~ndimage.binary_erosion(mask)] = GREEN
    return shown


def generated(columns: int = 4, rows: int = 3, seed: int = 12) -> Image.Image:
    """Pairs of a generated picture and its mask: nuclei in the upper rows, vessels below."""
    parts = []
    for task in ("nuclei", "vessels"):
        shown, masks = pictures.generate(task, seed, 128, columns * rows)
        pairs = [
            np.concatenate([picture, outlined(picture, mask > 0, filled=task == "vessels")], axis=1)
            for picture, mask in zip(shown, masks, strict=True)
        ]
        parts += [
            np.concatenate(pairs[row * columns : (row + 1) * columns], axis=1)
            for row in range(rows)
        ]
    return Image.fromarray(np.concatenate(parts))


def real() -> Image.Image:
    """Real pictures in rows: the picture, what the U-Net finds, what U²-Net lite finds."""
    rows = []
    for task, picture in (
        ("vessels", data.retina()),
        ("nuclei", data.immunohistochemistry()),
        ("nuclei", data.coins()),
        ("nuclei", data.cell()),
    ):
        rgb = Image.fromarray(picture).convert("RGB")
        rgb.thumbnail((512, 512))
        shown = np.asarray(rgb)
        tiles = [shown]
        for architecture in ("unet", "u2net_lite"):
            segmenter = segdemo.load(FOLDER / f"{task}_{architecture}.safetensors")
            mask = np.asarray(segmenter.predict(Image.fromarray(picture).convert("RGB")).mask(0.5))
            small = Image.fromarray(mask).resize(rgb.size, Image.Resampling.NEAREST)
            tiles.append(outlined(shown, np.asarray(small), filled=task == "vessels"))
        row = Image.fromarray(np.concatenate(tiles, axis=1))
        rows.append(row.resize((3 * TILE, round(row.height * 3 * TILE / row.width))))
    sheet = Image.new("RGB", (3 * TILE, sum(row.height for row in rows)))
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    return sheet


def main(folder: Path = FOLDER) -> int:
    """Writes both sheets into the folder; returns the exit code."""
    generated().save(folder / "generated.jpg", quality=85)
    real().save(folder / "real.jpg", quality=85)
    return 0


if __name__ == "__main__":
    sys.exit(main())
