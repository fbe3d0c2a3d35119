"""What lies behind the objects: landscapes, rooms, backdrops, foliage, nights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from weights.generators.common import (
    Field,
    blur,
    chance,
    grid,
    log_uniform,
    power_noise,
    smooth_field,
)
from weights.generators.objects.colours import colour, material

REFERENCE = 128


@dataclass(frozen=True)
class Ground:
    """A background and where things stand in it."""

    scene: Field
    """(size, size, 3)."""
    horizon: float
    """Row above which nothing stands, as a share of the height; 0 when seen from above."""


def _surface(
    rng: np.random.Generator, size: int, kind: str, contrast: float | None = None
) -> Field:
    rows, columns = grid(size)
    unit = REFERENCE / size
    return material(rng, kind, contrast).paint(rows * unit, columns * unit)


def _plane(
    rng: np.random.Generator, size: int, kind: str, horizon: float, contrast: float
) -> Field:
    """A textured plane that runs away towards a horizon."""
    rows, columns = grid(size)
    near = 1 + rng.uniform(0.3, 4)
    below = np.clip((rows / size - horizon) / (1.001 - horizon), 0.0, 1)
    distance = near / (0.12 + below * near)
    y = distance * 60 * rng.uniform(0.7, 1.5)
    x = (columns / size - 0.5) * REFERENCE * distance
    stuff = material(rng, kind, contrast)
    plane = stuff.paint(y, x)
    # Far away the texture is too fine to be seen.
    far = np.clip((distance - 2.5) / 5, 0, 1)[..., None]
    mean = plane.mean(axis=(0, 1))
    shade = 1 + (below - 0.5) * rng.normal(0, 0.25)
    mixed: Field = (plane * (1 - far) + mean * far) * shade[..., None]
    return mixed


def _gradient(rng: np.random.Generator, size: int, first: Field, second: Field) -> Field:
    rows, columns = grid(size)
    if chance(rng, 0.6):
        way = rows / size
    elif chance(rng, 0.5):
        angle = rng.uniform(0, np.pi)
        way = 0.5 + ((rows / size - 0.5) * np.sin(angle) + (columns / size - 0.5) * np.cos(angle))
    else:
        y, x = rng.uniform(0.2, 0.8, 2)
        way = np.hypot(rows / size - y, columns / size - x) * rng.uniform(0.8, 1.6)
    way = np.clip(way, 0, 1)[..., None] ** np.float32(rng.uniform(0.5, 2))
    mixed: Field = first * (1 - way) + second * way
    return mixed


def _sky(rng: np.random.Generator, size: int) -> Field:
    top = colour(rng, "sky")
    low = np.clip(top * rng.uniform(0.8, 1.5) + rng.uniform(-0.05, 0.25), 0, 1)
    if chance(rng, 0.2):
        low = colour(rng, "sky")
    sky = _gradient(rng, size, top, low.astype(np.float32))
    if chance(rng, 0.6):
        clouds = power_noise(rng, size, rng.uniform(2, 3.4), rng.uniform(1, 5))
        cover = np.clip((clouds - rng.uniform(-0.6, 1.4)) * rng.uniform(0.3, 1.2), 0, 1)
        tint = np.clip(low + rng.uniform(-0.25, 0.5), 0, 1) * rng.uniform(0.8, 1.0)
        sky = sky + (tint - sky) * (cover * rng.uniform(0.2, 0.95))[..., None]
    return sky


def _ridge(rng: np.random.Generator, size: int, level: float) -> Field:
    """1 below the outline of hills, trees or houses whose top lies about at `level`."""
    kind = rng.random()
    columns = np.arange(size)
    if kind < 0.4:
        slope, high = rng.uniform(2.2, 3.2), rng.uniform(0.02, 0.16)
    elif kind < 0.8:
        slope, high = rng.uniform(0.9, 1.9), rng.uniform(0.01, 0.06)
    else:
        slope, high = 0.0, rng.uniform(0.02, 0.12)
    if slope:
        line = power_noise(rng, size, slope)[int(rng.integers(size))]
        line = line / (np.abs(line).max() + 1e-6)
    else:
        width = int(rng.integers(3, max(4, size // 5)))
        line = np.repeat(rng.uniform(-1, 1, size // width + 1), width)[:size]
    top = size * (level + high * line + rng.normal(0, 0.06) * (columns / size - 0.5))
    rows = np.arange(size)[:, None]
    cover: Field = np.clip(rows - top[None] + 0.5, 0, 1).astype(np.float32)
    return cover


def landscape(rng: np.random.Generator, size: int) -> Ground:
    """Sky, some ridges of hills, trees or houses, and a ground in perspective."""
    horizon = rng.uniform(0.12, 0.85)
    scene = _sky(rng, size)
    haze = colour(rng, "sky")
    count = int(rng.choice([0, 1, 1, 2, 2, 3]))
    for k in range(count):
        level = horizon - rng.uniform(0.0, 0.4) * (count - k) / count
        cover = _ridge(rng, size, level)[..., None]
        kind = str(rng.choice(["trees", "trees", "trees", "hill", "hill", "stone", "snow"]))
        surface = _surface(rng, size, kind, log_uniform(rng, 0.05, 0.8))
        mist = (count - k) / (count + 1) * rng.uniform(0, 0.9)
        surface = surface * (1 - mist) + haze * mist
        scene = scene * (1 - cover) + surface * cover
    kind = str(rng.choice(["grass", "grass", "earth", "earth", "water", "snow", "road"]))
    contrast = log_uniform(rng, 0.04, 0.7)
    plane = _plane(rng, size, kind, horizon, contrast)
    edge = rng.choice([1.0, 1.0, 4.0])
    wave = power_noise(rng, size, 2.2)[0] * rng.uniform(0, 0.012) * size
    rows, _ = grid(size)
    cover = np.clip((rows - horizon * size - wave[None]) / edge + 0.5, 0, 1)[..., None]
    scene = scene * (1 - cover) + plane * cover
    if kind == "water" and chance(rng, 0.5):
        # Sun on the water, or floes of ice.
        sparks = power_noise(rng, size, rng.uniform(0.8, 2.2), rng.uniform(2, 9))
        bright = np.clip((sparks - rng.uniform(0.3, 1.6)) * 2, 0, 1)[..., None] * cover
        scene = scene + (colour(rng, "snow") - scene) * bright * rng.uniform(0.3, 0.95)
    if chance(rng, 0.3):
        # Lanes, paths, shores: a wedge of another surface that runs to the horizon.
        x0, x1, x2 = rng.uniform(0, 1), rng.uniform(-0.5, 1.0), rng.uniform(0.2, 1.6)
        wedge = _polygon(size, [(x0, horizon), (x1, 1.05), (x1 + x2, 1.05)])[..., None]
        other = _plane(rng, size, str(rng.choice(["road", "earth", "grass"])), horizon, contrast)
        scene = scene * (1 - wedge) + other * wedge
    return Ground(scene, horizon)


def _polygon(size: int, points: list[tuple[float, float]]) -> Field:
    image = Image.new("L", (size * 2, size * 2))
    corners = [(x * size * 2, y * size * 2) for x, y in points]
    ImageDraw.Draw(image).polygon(corners, fill=255)
    return np.asarray(image.reduce(2), dtype=np.float32) / 255


def room(rng: np.random.Generator, size: int) -> Ground:
    """A wall and a floor or table, with shelves, frames, boxes and windows on the wall."""
    horizon = rng.uniform(0.25, 0.9)
    scene = _surface(rng, size, "wall", log_uniform(rng, 0.02, 0.5))
    scene = scene * (0.7 + 0.6 * _gradient(rng, size, np.zeros(3), np.ones(3)))
    for _ in range(int(rng.choice([0, 0, 2, 5, 14]))):
        w, h = log_uniform(rng, 0.06, 0.6), log_uniform(rng, 0.06, 0.6)
        x, y = rng.uniform(-0.2, 1), rng.uniform(-0.3, horizon)
        panel = _polygon(size, [(x, y), (x + w, y), (x + w, y + h), (x, y + h)])[..., None]
        tone = np.clip(scene.mean(axis=(0, 1)) * rng.uniform(0.4, 1.5), 0, 1)
        if chance(rng, 0.5):
            tone = colour(rng, str(rng.choice(["any", "wood", "wall", "dark"])))
        amount = rng.uniform(0.3, 1.0)
        if chance(rng, 0.3):
            tone = _surface(rng, size, "any", rng.uniform(0.1, 0.7))
        scene = scene + (tone - scene) * panel * amount
    kind = str(rng.choice(["wood", "wall", "earth", "road", "cloth"]))
    plane = _plane(rng, size, kind, horizon - rng.uniform(0, 0.3), log_uniform(rng, 0.03, 0.6))
    rows, columns = grid(size)
    line = horizon * size + (columns - size / 2) * rng.normal(0, 0.08)
    cover = np.clip((rows - line) / rng.choice([1.0, 1.0, 8.0]) + 0.5, 0, 1)[..., None]
    return Ground(scene * (1 - cover) + plane * cover, horizon)


def backdrop(rng: np.random.Generator, size: int) -> Ground:
    """A calm backdrop: one colour, a gradient, a spotlight on a wall, paper."""
    first = colour(rng, "wall")
    second = np.clip(first * rng.uniform(0.4, 1.5) + rng.normal(0, 0.04, 3), 0, 1).astype(
        np.float32
    )
    if chance(rng, 0.35):
        # Cut out and laid on white, as in shops and lexicons.
        first = second = np.full(3, 1.0 if chance(rng, 0.75) else 0.0, np.float32)
    scene = _gradient(rng, size, first, second)
    if second is not first and chance(rng, 0.5):
        cloud = power_noise(rng, size, rng.uniform(1.6, 3.4))
        scene = scene * (1 + cloud * log_uniform(rng, 0.01, 0.12))[..., None]
    return Ground(scene, rng.uniform(0.3, 0.95))


def foliage(rng: np.random.Generator, size: int) -> Ground:
    """Leaves, grass, rock or crowd right behind the subject, in and out of focus."""
    kind = str(rng.choice(["leaf", "trees", "grass", "earth", "stone", "any", "water", "wall"]))
    scene = _surface(rng, size, kind, rng.uniform(0.2, 0.9))
    for _ in range(int(rng.integers(0, 3))):
        other = _surface(
            rng, size, str(rng.choice([kind, kind, "trees", "any"])), rng.uniform(0.2, 0.9)
        )
        cover = power_noise(rng, size, rng.uniform(2, 3.4)) * rng.uniform(1, 4) + rng.normal(0, 1)
        cover = 1 / (1 + np.exp(-cover))[..., None]
        scene = scene * (1 - cover) + other * cover
    return Ground(scene, 0.0)


def from_above(rng: np.random.Generator, size: int) -> Ground:
    """A table, lawn, road, sheet or water that fills the picture."""
    kind = str(
        rng.choice(["wood", "grass", "road", "earth", "water", "cloth", "wall", "snow", "any"])
    )
    scene = _surface(rng, size, kind, log_uniform(rng, 0.04, 0.8))
    light = 1 + smooth_field(rng, size, 2) * rng.uniform(0, 0.35)
    return Ground(scene * light[..., None], 0.0)


def night(rng: np.random.Generator, size: int) -> Ground:
    """Dark, with lamps and their glow, stars or a lit sky."""
    dark = from_hsv_night(rng)
    scene = _gradient(rng, size, dark, np.clip(dark * rng.uniform(0.5, 3), 0, 1).astype(np.float32))
    rows, columns = grid(size)
    low = rng.uniform(0.4, 0.95)
    if chance(rng, 0.5):
        scene = scene * (1 - 0.8 * _ridge(rng, size, low))[..., None]
    for _ in range(int(rng.integers(0, 12))):
        y, x = rng.normal(low, 0.15) * size, rng.uniform(0, size)
        lamp = colour(rng, "lit")
        far = np.hypot(rows - y, columns - x) / size
        glow = 0.25 * np.exp(-far / log_uniform(rng, 0.01, 0.12)) + (far < rng.uniform(0, 0.02))
        scene = scene + (lamp - scene) * np.clip(glow, 0, 1)[..., None]
    return Ground(np.clip(scene, 0, 1), low)


def from_hsv_night(rng: np.random.Generator) -> Field:
    """The colour of a dark sky or a dark wall."""
    return colour(rng, "sky") * np.float32(rng.uniform(0.05, 0.35))


_KINDS = (
    (landscape, 0.34),
    (room, 0.22),
    (backdrop, 0.12),
    (foliage, 0.14),
    (from_above, 0.12),
    (night, 0.06),
)
_SHARES = np.cumsum([share for _, share in _KINDS])


def random_ground(rng: np.random.Generator, size: int) -> Ground:
    """Any background."""
    kind = int(np.searchsorted(_SHARES, rng.random() * _SHARES[-1]))
    ground = _KINDS[kind][0](rng, size)
    return Ground(np.clip(ground.scene, 0, 1).astype(np.float32), ground.horizon)


def out_of_focus(rng: np.random.Generator, scene: Field) -> Field:
    """The background as a lens shows it: sharp, soft, or dissolved into discs of light."""
    size = len(scene)
    kind = rng.random()
    if kind < 0.42:
        return scene
    if kind < 0.92:
        return blur(scene, log_uniform(rng, 0.004, 0.07) * size)
    # A camera that follows its subject smears what is behind it.
    length = max(3, int(rng.uniform(0.08, 0.4) * size))
    table = np.cumsum(np.pad(scene, ((0, 0), (length, length), (0, 0)), mode="reflect"), axis=1)
    smeared: Field = (table[:, length : length + size] - table[:, :size]) / length
    return smeared


def bokeh(rng: np.random.Generator, scene: Field) -> Field:
    """Adds soft discs of light, as lamps or sun through leaves far behind."""
    size = len(scene)
    image = Image.new("L", (size, size))
    pen = ImageDraw.Draw(image)
    radius = rng.uniform(0.01, 0.08) * size
    for _ in range(int(rng.integers(3, 30))):
        x, y = rng.uniform(0, size, 2)
        r = radius * rng.uniform(0.6, 1.2)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=int(rng.integers(40, 200)))
    discs = blur(np.asarray(image, dtype=np.float32) / 255, 0.8)[..., None]
    lit: Field = scene + (colour(rng, "lit") - scene) * discs * rng.uniform(0.3, 0.9)
    return lit
