"""Leaves on a forest floor, drawn with exact masks: a task that no shipped checkpoint knows."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_FINER = 2
"""Drawn so many times larger, then reduced."""


def _noise(rng, side, cells):
    small = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))


def _outline(rng, centre, length, angle):
    along = np.linspace(0, 1, 24)
    width = length * rng.uniform(0.18, 0.32) * np.sin(np.pi * along**0.8) ** 0.9
    width = width * (1 + rng.uniform(0, 0.12) * np.sin(along * rng.uniform(20, 60)))
    x = (along - 0.5) * length
    points = np.stack([np.r_[x, x[::-1]], np.r_[width, -width[::-1]]], axis=1)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return [tuple(point) for point in points @ turn + centre]


def _colour(rng, base, spread):
    return tuple(int(v) for v in np.clip(rng.normal(base, spread), 0, 255))


def draw(rng, side=160):
    """A picture (side, side, 3) uint8 and its mask (side, side) bool."""
    large = side * _FINER
    ground = np.array(_colour(rng, (95, 75, 55), 18), np.float32)
    field = sum(
        _noise(rng, large, cells) * weight for cells, weight in ((6, 22), (40, 16), (160, 14))
    )
    picture = Image.fromarray(np.clip(ground + field[..., None], 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(rng.integers(20, 60)):  # stones and twigs, some as green as leaves
        x, y = rng.uniform(0, large, 2)
        tone = _colour(rng, (110, 105, 70), 30)
        if rng.random() < 0.6:
            r = rng.uniform(0.01, 0.045) * large
            pen.ellipse((x - r, y - r * 0.7, x + r, y + r * 0.7), fill=tone)
        else:
            a, r = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.4) * large
            end = (x + r * np.cos(a), y + r * np.sin(a))
            pen.line((x, y, *end), fill=tone, width=int(rng.integers(2, 7)))
    mask = Image.new("L", picture.size)
    for _ in range(rng.integers(1, 5)):
        centre, angle = rng.uniform(0.1, 0.9, 2) * large, rng.uniform(0, 2 * np.pi)
        outline = _outline(rng, centre, rng.uniform(0.25, 0.6) * large, angle)
        green = _colour(rng, ((85, 115, 45), (150, 110, 40))[int(rng.random() < 0.4)], 18)
        pen.polygon(outline, fill=green)
        ImageDraw.Draw(mask).polygon(outline, fill=255)
        rib = tuple(min(255, value + 35) for value in green)
        pen.line((outline[0], outline[23]), fill=rib, width=3)
        for place in range(3, 21, 3):
            pen.line((outline[place], outline[47 - place]), fill=rib, width=1)
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2)))
    light = 1 + 0.35 * _noise(rng, large, 3)[..., None]
    shown = np.clip(np.asarray(picture) * light + rng.normal(0, 5, (large, large, 1)), 0, 255)
    small = Image.fromarray(shown.astype(np.uint8)).resize((side, side), Image.Resampling.BOX)
    covered = mask.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small), np.asarray(covered) >= 128


def write(folder, count, seed, side=160):
    """Pairs in ``images`` and ``masks`` of the folder; the two folders."""
    images, masks = folder / "leaves", folder / "masks"
    for place in (images, masks):
        place.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        picture, mask = draw(rng, side)
        Image.fromarray(picture).save(images / f"{number:03}.jpg", quality=92)
        Image.fromarray(mask).save(masks / f"{number:03}.png")
    return images, masks
