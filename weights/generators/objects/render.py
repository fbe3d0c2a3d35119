"""Draws a placed object into a scene: covers, rounded light, contact shadows between parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from weights.generators.common import Field, chance, grid, log_uniform
from weights.generators.objects.colours import Material, material
from weights.generators.objects.outlines import Outline, Part, Thing, roughened

FINE = 2
"""Outlines are drawn this many times larger, for smooth edges."""
REFERENCE = 128
"""Side of the picture that sizes in pixels refer to."""


Window: TypeAlias = tuple[slice, slice]
"""Rows and columns of a part of the picture."""


@dataclass(frozen=True)
class Light:
    """One light for the whole picture: where it comes from and how hard it models."""

    direction: tuple[float, float]
    """(y, x), of length 1; y is negative when it comes from above."""
    strength: float


@dataclass(frozen=True)
class Drawn:
    """An object as it looks: colours and cover, on the whole picture."""

    colours: Field
    """(size, size, 3)."""
    cover: Field
    """(size, size) in [0, 1]."""


def random_light(rng: np.random.Generator) -> Light:
    """Mostly from above, from one side or the other."""
    angle = rng.normal(0, 0.8)
    return Light((-float(np.cos(angle)), float(np.sin(angle))), float(rng.uniform(0.1, 0.9)))


def covered(outline: Outline, hole: Outline | None, window: Window) -> Field:
    """How much of every pixel of a window lies inside an outline given in pixels, in [0, 1]."""
    high, wide = (side.stop - side.start for side in window)
    corner = np.array([window[1].start, window[0].start])
    image = Image.new("L", (wide * FINE, high * FINE))
    pen = ImageDraw.Draw(image)
    pen.polygon(((outline - corner) * FINE).ravel().tolist(), fill=255)
    if hole is not None:
        pen.polygon(((hole - corner) * FINE).ravel().tolist(), fill=0)
    return np.asarray(image.reduce(FINE), dtype=np.float32) / 255


def softened(field: Field, reach: float) -> Field:
    """Blurred by two running means of about `reach` pixels: cheap, and smooth enough for light."""
    side = max(1, round(reach))
    once = ndimage.uniform_filter(field, side, mode="nearest")
    smooth: Field = ndimage.uniform_filter(once, side, mode="nearest")
    return smooth


def _materials(rng: np.random.Generator, thing: Thing) -> dict[str, Material]:
    kinds = thing.stuff or {}
    default = str(rng.choice(["any", "fur", "paint", "stone", "food", "cloth", "metal"]))
    made: dict[str, Material] = {}
    # How patterned an object is, is a property of the whole: calm things stay calm.
    busy = log_uniform(rng, 0.06, 0.8)
    if chance(rng, 0.05):
        # A silhouette, as against the light: one stuff, hardly a pattern.
        one = material(rng, str(rng.choice(["dark", "dark", "pale", "paint"])), 0.02)
        return dict.fromkeys({part.material for part in thing.parts}, one)
    for part in thing.parts:
        if part.material not in made:
            kind = kinds.get(part.material, default)
            contrast = min(0.95, busy * float(np.exp(rng.normal(0, 0.5))))
            made[part.material] = material(rng, kind, contrast)
    return made


def draw(rng: np.random.Generator, thing: Thing, size: int, light: Light, reach: float) -> Drawn:
    """Draws a thing whose outlines are in pixels; `reach` is its size in pixels."""
    materials = _materials(rng, thing)
    colours = np.zeros((size, size, 3), np.float32)
    cover = np.zeros((size, size), np.float32)
    unit = REFERENCE / size
    turn = rng.uniform(-0.5, 0.5)
    zoom = float(np.clip(REFERENCE / (reach * unit + 1e-6), 0.7, 2.5)) ** 0.5
    modelling = light.strength * rng.uniform(0.0, 1.4)
    edge = rng.uniform(0.0, 0.35)
    every_row, every_column = grid(size)
    touched: list[Window] = []
    for part in thing.parts:
        outline = part.outline
        if thing.rough and not part.flat:
            outline = roughened(rng, outline / reach, thing.rough) * reach
        window = _window(outline, size)
        if window is None:
            continue
        touched.append(window)
        a = covered(outline, part.hole, window)
        rows = every_row[window] * np.float32(unit * zoom)
        columns = every_column[window] * np.float32(unit * zoom)
        stuff = materials[part.material]
        spin = turn if part.material == thing.parts[0].material else 0.0
        y, x = (
            rows * np.cos(spin) - columns * np.sin(spin),
            rows * np.sin(spin) + columns * np.cos(spin),
        )
        paint = stuff.paint(y, x) * np.float32(part.shade)
        if part.flat < 1:
            paint = _modelled(paint, a, light, modelling * (1 - part.flat), stuff.gloss)
        under, seen = colours[window], cover[window]
        if edge and seen.any():
            # A part keeps light from what lies behind it.
            under = under * (1 - edge * softened(a, 0.05 * reach + 1) * (1 - a))[..., None]
        colours[window] = under * (1 - a[..., None]) + paint * a[..., None]
        cover[window] = np.maximum(seen, a)
    if touched:
        whole = np.s_[
            min(w[0].start for w in touched) : max(w[0].stop for w in touched),
            min(w[1].start for w in touched) : max(w[1].stop for w in touched),
        ]
        colours[whole] = _modelled(colours[whole], cover[whole], light, modelling * 0.7, 0.0)
    return Drawn(np.clip(colours, 0, 1), cover)


def _modelled(paint: Field, alpha: Field, light: Light, strength: float, gloss: float) -> Field:
    """The paint in the light that falls on a rounded body of this shape."""
    wide = max(2.0, 0.45 * float(np.sqrt(alpha.sum())))
    height = np.sqrt(softened(alpha, wide) + 1e-4)
    down, right = np.gradient(height)
    slope = -(down * light.direction[0] + right * light.direction[1]) * wide
    # The dome falls away on all sides, so the side towards the light faces it.
    lit = 1 + strength * np.clip(-1.6 * -slope, -0.75, 0.6)
    lit *= 1 - 0.3 * strength * (1 - np.clip(height * 1.1, 0, 1))
    shown: Field = paint * lit[..., None]
    if gloss:
        facing = np.clip(slope * 2 + 0.15 * height, 0, None)
        peak = facing > 0.75 * facing.max() + 1e-6
        spark = softened(peak.astype(np.float32), max(1.0, 0.12 * wide)) * alpha
        shown = shown + (0.6 * gloss) * spark[..., None]
    return shown.astype(np.float32)


def _window(outline: Outline, size: int) -> Window | None:
    """The part of the picture around an outline, or None when hardly any of it is seen."""
    margin = 2 + size // 24
    left, top = np.maximum(np.floor(outline.min(axis=0)).astype(int) - margin, 0).tolist()
    right, bottom = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + margin, size).tolist()
    return np.s_[top:bottom, left:right] if min(bottom - top, right - left) > 2 else None


def cast_shadow(rng: np.random.Generator, cover: Field, light: Light, grounded: bool) -> Field:
    """How dark the object makes the scene, (size, size) in [0, 1]: on the ground or just behind."""
    size = len(cover)
    rows = np.flatnonzero(cover.any(axis=1))
    if not len(rows):
        return cover
    foot, tall = rows[-1], rows[-1] - rows[0] + 1
    soft = log_uniform(rng, 0.008, 0.06) * size
    if grounded and chance(rng, 0.75):
        flat = rng.uniform(0.08, 0.45)
        lean = -light.direction[1] * rng.uniform(0.2, 1.6)
        y, x = grid(size)
        above = (foot - y) / flat
        source = np.stack([foot - np.abs(above), x - lean * np.abs(above) * np.sign(above)])
        if chance(rng, 0.6):
            shadow = ndimage.map_coordinates(cover, source, order=1, mode="constant")
        else:
            columns = cover.max(axis=0) * (cover[max(0, foot - tall // 6) :].max(axis=0))
            shadow = columns[None] * np.exp(-(((y - foot) / (0.06 * tall + 1)) ** 2))
    else:
        away = rng.uniform(0.01, 0.08) * size
        shift = (-light.direction[0] * away, -light.direction[1] * away)
        shadow = ndimage.shift(cover, shift, order=1, mode="constant")
    dark: Field = softened(shadow, 2 * soft) * rng.uniform(0.25, 0.8)
    return dark


def mask_of(cover: Field) -> NDArray[np.bool_]:
    """The pixels of which an object covers at least half."""
    return cover >= 0.5


def placed(thing: Thing, matrix: Outline, shift: Outline) -> list[Part]:
    """The thing's parts after a linear map and a shift, outlines in pixels."""
    return [
        Part(
            part.outline @ matrix.T + shift,
            part.material,
            part.shade,
            None if part.hole is None else part.hole @ matrix.T + shift,
            part.flat,
        )
        for part in thing.parts
    ]
