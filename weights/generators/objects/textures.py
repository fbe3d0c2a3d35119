"""A fixed bank of grey textures, and the look-up that lays one of them over a region."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.spatial import cKDTree

from weights.generators.common import (
    Field,
    blur,
    chance,
    grid,
    log_uniform,
    power_noise,
    smooth_field,
    warp,
)

SIDE = 256
"""Pixels of a texture's side."""
COUNT = 360
"""Textures in the bank."""
_BANK_SEED = 771_001


def _noise(rng: np.random.Generator) -> Field:
    return power_noise(rng, SIDE, rng.uniform(1.0, 3.4), log_uniform(rng, 1, 6), _angle(rng))


def _ridges(rng: np.random.Generator) -> Field:
    """Wrinkles, marble, bark: where noise crosses zero."""
    field = power_noise(rng, SIDE, rng.uniform(2.0, 3.2), log_uniform(rng, 1, 5), _angle(rng))
    return np.abs(field) ** np.float32(rng.uniform(0.4, 1.0))


def _spots(rng: np.random.Generator) -> Field:
    """Spots or blotches of one size: noise of one octave, cut at a level."""
    white = rng.standard_normal((SIDE, SIDE)).astype(np.float32)
    size = log_uniform(rng, 1.8, 9)
    stretch = log_uniform(rng, 1, 3)
    sigmas = (size, size * stretch)
    band = ndimage.gaussian_filter(white, sigmas, mode="wrap")
    band -= ndimage.gaussian_filter(white, np.multiply(sigmas, 1.8), mode="wrap")
    band /= band.std()
    spots = 1 / (1 + np.exp(np.clip((rng.uniform(0.2, 1.2) - band) * rng.uniform(3, 9), -20, 20)))
    return spots + rng.uniform(0, 0.25) * power_noise(rng, SIDE, 1.6)


def _stripes(rng: np.random.Generator) -> Field:
    """Zebra, tiger, wood, cloth: waves along a line, bent by noise."""
    rows, columns = grid(SIDE)
    angle, period = _angle(rng), log_uniform(rng, 5, 44)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    bent = along + power_noise(rng, SIDE, rng.uniform(2.4, 3.4)) * log_uniform(rng, 0.5, 14)
    wave = np.sin(bent * (2 * np.pi / period)) * rng.uniform(1, 5)
    return np.tanh(wave) + rng.uniform(0, 0.4) * power_noise(rng, SIDE, rng.uniform(1, 2.4))


def _cells(rng: np.random.Generator) -> Field:
    """Scales, stones, cracks, leaves: distances to scattered points."""
    points = rng.uniform(0, SIDE, (int(log_uniform(rng, 20, 900)), 2))
    rows, columns = grid(SIDE)
    shift = power_noise(rng, SIDE, 2.6) * rng.uniform(0, 5)
    places = np.stack([rows + shift, columns - shift], axis=-1).reshape(-1, 2)
    distances, nearest = cKDTree(points).query(places, k=2)
    first, second = distances[:, 0], distances[:, 1]
    kind = rng.random()
    if kind < 0.35:
        values = second - first
    elif kind < 0.6:
        values = first
    else:
        values = rng.random(len(points))[nearest[:, 0]] * np.minimum(1, (second - first) / 3)
    return values.reshape(SIDE, SIDE).astype(np.float32)


def _leaves(rng: np.random.Generator) -> Field:
    """Things on top of one another, of all sizes: foliage, pebbles, clutter."""
    image = Image.new("L", (SIDE, SIDE), int(rng.integers(256)))
    pen = ImageDraw.Draw(image)
    count = int(log_uniform(rng, 80, 900))
    corners = int(rng.integers(3, 12))
    narrow = rng.uniform(0.25, 1)
    largest = log_uniform(rng, 10, 60)
    radii = np.sort(largest * rng.power(0.7, count).clip(0.04))[::-1]
    if chance(rng, 0.4):
        rng.shuffle(radii)
    for radius in radii:
        turn = rng.uniform(0, 2 * np.pi)
        angles = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 8 else None
        if angles is None:
            angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        x, y = radius * np.cos(angles), radius * np.sin(angles) * narrow
        centre = rng.uniform(0, SIDE, 2)
        xs = centre[0] + x * np.cos(turn) - y * np.sin(turn)
        ys = centre[1] + x * np.sin(turn) + y * np.cos(turn)
        pen.polygon(list(zip(xs, ys, strict=True)), fill=int(rng.integers(256)))
    field = np.asarray(image, dtype=np.float32) / 255
    return field + power_noise(rng, SIDE, 1.6) * rng.uniform(0, 0.15)


def _strokes(rng: np.random.Generator) -> Field:
    """Grass, hair, straw, needles."""
    image = Image.new("L", (SIDE, SIDE), int(rng.integers(40, 120)))
    pen = ImageDraw.Draw(image)
    angle, spread = _angle(rng), rng.uniform(0.1, 0.9)
    length = log_uniform(rng, 8, 60)
    for _ in range(int(rng.integers(1500, 4000))):
        x, y = rng.uniform(-10, SIDE + 10, 2)
        turn, reach = angle + rng.normal(0, spread), length * rng.uniform(0.4, 1.2)
        bend = rng.normal(0, 0.15) * reach
        middle = (x + reach / 2 * np.cos(turn) + bend, y + reach / 2 * np.sin(turn) + bend)
        end = (x + reach * np.cos(turn), y + reach * np.sin(turn))
        width = 1 if chance(rng, 0.7) else 2
        pen.line([(x, y), middle, end], fill=int(rng.integers(256)), width=width)
    return blur(np.asarray(image, dtype=np.float32), rng.uniform(0, 0.9))


def _lattice(rng: np.random.Generator) -> Field:
    """Bricks, tiles, windows, shelves, checks, plaid."""
    rows, columns = grid(SIDE)
    high, wide = log_uniform(rng, 6, 48), log_uniform(rng, 6, 80)
    if chance(rng, 0.4):
        wide = high
    row = np.floor(rows / high)
    shift = (row % 2) * wide * (0.5 if chance(rng, 0.5) else 0.0)
    column = np.floor((columns + shift) / wide)
    values = rng.random((128, 128)).astype(np.float32)
    block = values[row.astype(int) % 128, column.astype(int) % 128] * rng.uniform(0.1, 1)
    joint = rng.uniform(0.5, 0.3 * min(high, wide))
    gap = (rows % high < joint) | ((columns + shift) % wide < joint)
    block = np.where(gap, rng.uniform(-0.5, 1.5), block)
    return block + power_noise(rng, SIDE, 1.8) * rng.uniform(0, 0.25)


def _clouds(rng: np.random.Generator) -> Field:
    """Soft heaps: smooth noise whose upper part is puffed up."""
    base = power_noise(rng, SIDE, rng.uniform(2.6, 3.6), log_uniform(rng, 1, 3))
    return np.maximum(base, rng.uniform(-0.7, 0.7)) + 0.15 * power_noise(rng, SIDE, 2.0)


def _waves(rng: np.random.Generator) -> Field:
    """Water, sand ripples, folds of cloth."""
    field = power_noise(rng, SIDE, rng.uniform(2.2, 3), rng.uniform(4, 14), rng.normal(0, 0.15))
    return np.sin(field * rng.uniform(1, 5)) + 0.2 * power_noise(rng, SIDE, 1.8)


def _marks(rng: np.random.Generator) -> Field:
    """Lettering, badges, buttons and seams on a plain ground."""
    image = Image.new("L", (SIDE, SIDE), int(rng.integers(256)))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(6, 40))):
        x, y = rng.uniform(0, SIDE, 2)
        w, h = log_uniform(rng, 4, 90), log_uniform(rng, 3, 30)
        ink, box = int(rng.integers(256)), (x, y, x + w, y + h)
        kind = rng.integers(4)
        if kind == 0:
            pen.rectangle(box, fill=ink)
        elif kind == 1:
            pen.ellipse(box, fill=ink)
        elif kind == 2:
            pen.line((x, y, x + rng.normal(0, 80), y + rng.normal(0, 80)), fill=ink, width=3)
        else:
            pen.arc(box, int(rng.integers(360)), int(rng.integers(360)), fill=ink, width=2)
    return np.asarray(image, dtype=np.float32) / 255 + 0.05 * power_noise(rng, SIDE, 1.8)


def _angle(rng: np.random.Generator) -> float:
    """Half of all directions are upright or level, as in the world."""
    angle = rng.uniform(0, np.pi)
    return float(np.round(angle / (np.pi / 2)) * np.pi / 2 if chance(rng, 0.5) else angle)


_MAKERS = (
    (_noise, 0.2),
    (_ridges, 0.08),
    (_spots, 0.1),
    (_stripes, 0.09),
    (_cells, 0.1),
    (_leaves, 0.14),
    (_strokes, 0.1),
    (_lattice, 0.08),
    (_clouds, 0.04),
    (_waves, 0.04),
    (_marks, 0.03),
)
_SHARES = np.cumsum([share for _, share in _MAKERS])


@lru_cache(maxsize=2 * COUNT)
def _texture(number: int, halved: bool) -> NDArray[np.uint8]:
    """Texture `number` of the bank, values spread over 0..255; `halved` for far away."""
    if halved:
        return np.asarray(Image.fromarray(_texture(number, False)).reduce(2))
    rng = np.random.default_rng([_BANK_SEED, number])
    kind = int(np.searchsorted(_SHARES, rng.random() * _SHARES[-1]))
    field = _MAKERS[kind][0](rng)
    if chance(rng, 0.4):
        shift = smooth_field(rng, SIDE, int(rng.integers(3, 9))) * log_uniform(rng, 1, 14)
        field = warp(field, shift, np.roll(shift, SIDE // 3, axis=0))
    if chance(rng, 0.3):
        # Mixed with another spectrum: few surfaces have one scale only.
        field = field / (field.std() + 1e-6) + power_noise(rng, SIDE, 2.4) * rng.uniform(0.3, 1)
    low, high = np.percentile(field, (1, 99))
    return (np.clip((field - low) / (high - low + 1e-6), 0, 1) * 255).astype(np.uint8)


def lookup(number: int, rows: Field, columns: Field, scale: float) -> Field:
    """The texture's values in [0, 1] at places in pixels, mirrored beyond its edges.

    `scale` is how many texture pixels lie in one pixel of the picture.
    """
    halved = scale > 1.5
    texture = _texture(number % COUNT, halved)
    if halved:
        rows, columns = rows * 0.5, columns * 0.5
    last = len(texture) - 1
    y = np.abs((rows + last) % (2 * last) - last)
    x = np.abs((columns + last) % (2 * last) - last)
    top, left = y.astype(np.int32), x.astype(np.int32)
    np.minimum(top, last - 1, out=top)
    np.minimum(left, last - 1, out=left)
    down, right = (y - top).astype(np.float32), (x - left).astype(np.float32)
    flat, at = texture.ravel(), top * (last + 1) + left
    upper = flat[at] * (1 - right) + flat[at + 1] * right
    lower = flat[at + last + 1] * (1 - right) + flat[at + last + 2] * right
    values: Field = (upper * (1 - down) + lower * down) * np.float32(1 / 255)
    return values
