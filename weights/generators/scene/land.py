"""Ground and roads, hills and water of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from weights.generators.common import Field, blur, chance, log_uniform
from weights.generators.scene.sky import Weather
from weights.generators.scene.view import (
    BACKGROUND,
    GROUND,
    TREE,
    Colour,
    Sheet,
    colour,
    noise,
    screen_noise,
    varied,
)


@dataclass(frozen=True, kw_only=True)
class Material:
    """What the ground is covered with."""

    base: Colour
    coarse: float
    """How much patches of metres vary, and `fine` of centimetres."""
    fine: float
    second: Colour | None = None
    """A colour in patches."""
    blades: float = 0.0
    """Upright strokes, as grass close by has."""


LOOKS = {
    "grass": colour(0.30, 0.40, 0.14),
    "asphalt": colour(0.36, 0.36, 0.37),
    "pavement": colour(0.60, 0.57, 0.53),
    "dirt": colour(0.50, 0.40, 0.29),
    "sand": colour(0.78, 0.70, 0.55),
    "snow": colour(0.93, 0.94, 0.97),
    "concrete": colour(0.62, 0.61, 0.58),
}


def random_material(rng: np.random.Generator, kind: str) -> Material:
    """Grass, asphalt, pavement, dirt, sand, snow or concrete in one of its many looks."""
    base = varied(rng, LOOKS[kind], 0.04 if kind == "snow" else 0.22)
    second = None
    if kind == "grass":
        base = varied(
            rng, colour(0.30, 0.40, 0.14) if chance(rng, 0.7) else colour(0.5, 0.47, 0.24)
        )
        second = varied(rng, colour(0.52, 0.48, 0.28), 0.15) if chance(rng, 0.5) else None
    elif kind in ("dirt", "sand", "snow"):
        second = varied(rng, base * rng.uniform(0.6, 0.95), 0.1)
    elif chance(rng, 0.3):
        second = varied(rng, base * rng.uniform(0.65, 0.9), 0.05)
    return Material(
        base=base,
        coarse=rng.uniform(0.03, 0.12),
        fine=rng.uniform(0.03, 0.14) * (1.6 if kind in ("grass", "dirt") else 1.0),
        second=second,
        blades=rng.uniform(0.08, 0.3) if kind == "grass" else 0.0,
    )


@dataclass(frozen=True, kw_only=True)
class Road:
    """A road or path over the ground, roughly away from the eye."""

    right: float
    """Of its middle, in metres at the eye's own distance, and its bend in metres at 50 m."""
    bend: float
    half: float
    material: Material
    marked: bool
    """Lines along the middle and the edges, now and then a crossing."""
    crossing: bool = False
    """Runs from left to right, `right` then counts metres away from the eye."""
    kerb: float = 0.0
    """Width of the pavement on both sides."""
    pavement: Material | None = None

    def middle(self, away: Field | float) -> Field | float:
        """Where its middle lies, in metres to the right."""
        return self.right + self.bend * (away / 50) ** 2


def paint_ground(sheet: Sheet, base: Material, roads: list[Road]) -> None:
    """Covers everything below the horizon."""
    rng, view = sheet.rng, sheet.view
    top = int(np.ceil(max(0.0, view.horizon)))
    if top >= view.side:
        return
    rows = np.arange(top, view.side, dtype=np.float32)[:, None] + np.float32(0.5)
    columns = np.arange(view.side, dtype=np.float32)[None]
    seen_from = np.float32(view.focal * view.eye) / (rows - np.float32(view.horizon)).clip(0.05)
    depth = seen_from.clip(0, 4000)
    sideways = (columns - np.float32(view.middle)) * depth / np.float32(view.focal)
    cos, sin = np.float32(np.cos(view.yaw)), np.float32(np.sin(view.yaw))
    right, away = sideways * cos + depth * sin, depth * cos - sideways * sin
    # A pixel's own reach on the ground: grain smaller than that is not seen.
    deep = depth**2 / np.float32(view.focal * view.eye)
    wide = depth / np.float32(view.focal)
    texture = _Texture(rng, right, away, deep, rows, columns)
    land = texture.of(base)
    for road in roads:
        aside, along = (away, right) if road.crossing else (right, away)
        across, reach = (wide, deep)[:: -1 if road.crossing else 1]
        offset = aside - np.asarray(road.middle(along), np.float32)
        wander = texture.coarse * (0.0 if road.marked else 0.25)
        distance = np.abs(offset + wander) - road.half
        if road.pavement is not None:
            inside = (0.5 - (distance - road.kerb) / across).clip(0, 1)[..., None]
            flags = texture.of(road.pavement) * _slabs(rng, aside, along, across, reach)
            land = land * (1 - inside) + flags * inside
            edge = (0.5 - (np.abs(distance) - 0.09) / across).clip(0, 1)[..., None]
            land = land * (1 - edge * 0.8) + edge * 0.8 * road.pavement.base * rng.uniform(0.8, 1.2)
        inside = (0.5 - distance / (across + (0.0 if road.marked else 0.3))).clip(0, 1)[..., None]
        surface = texture.of(road.material)
        if chance(rng, 0.5):
            worn = np.exp(-(((np.abs(offset) - 0.45 * road.half) / 0.5) ** 2))
            surface = surface * (1 + worn * rng.uniform(-0.12, 0.12))[..., None]
        if road.marked:
            paint = _markings(rng, road, offset, along, across)
            paint = (paint * (0.8 - 0.12 * texture.coarse - 0.1 * texture.fine)).clip(0, 1)[
                ..., None
            ]
            tone = colour(0.9, 0.9, 0.88) if chance(rng, 0.8) else colour(0.9, 0.72, 0.25)
            surface = surface * (1 - paint) + tone * paint
        land = land * (1 - inside) + surface * inside
    light = sheet.light
    land = land * light.on((0, 1, 0))
    if light.strength < 0.3 and chance(rng, 0.25):
        # Wet ground mirrors the sky above it.
        gloss = (rng.uniform(0.1, 0.5) * (0.6 + 0.3 * texture.coarse)).clip(0, 0.7)[..., None]
        land = land * (1 - gloss) * 0.85 + light.haze * gloss
    lost = (1 - np.exp(-depth / np.float32(light.clear)))[..., None]
    land = land * (1 - lost) + light.haze * lost
    part = Image.fromarray((land.clip(0, 1) * 255).astype(np.uint8))
    sheet.picture.paste(part, (0, top))
    sheet.labels.paste(GROUND, (0, top, view.side, view.side))


class _Texture:
    """Grain that lies on the ground, the same places for every material of a picture."""

    def __init__(
        self,
        rng: np.random.Generator,
        right: Field,
        away: Field,
        reach: Field,
        rows: Field,
        columns: Field,
    ) -> None:
        metre = log_uniform(rng, 1.5, 5)
        self.patches = noise(rng, 2.2, away * metre, right * metre)
        fade = np.minimum(1, 1.0 / (reach * metre + 1e-3))
        self.coarse = noise(rng, 1.4, away * 6, right * 6) * np.minimum(1, 0.7 / (reach * 6 + 1e-3))
        self.fine = noise(rng, 0.6, away * 45, right * 45) * np.minimum(1, 1 / (reach * 45 + 1e-3))
        self.patches = self.patches * fade
        near = np.minimum(1, 0.25 / (reach + 1e-3))
        self.blades = noise(rng, 0.6, rows / rng.uniform(2, 4), columns + 0 * rows) * near
        # Far grass still has a grain of its own, flat and fine.
        self.far = noise(rng, 1.4, rows * 2.5, columns * 0.5 + 0 * rows)

    def of(self, material: Material) -> Field:
        """A material's colours, (rows, columns, 3)."""
        bright = 1 + material.coarse * (self.coarse + 0.6 * self.patches + 0.35 * self.far)
        bright = bright + material.fine * self.fine + material.blades * self.blades
        surface: Field = bright[..., None] * material.base
        if material.second is not None:
            share = (0.3 + 0.45 * self.patches + 0.2 * self.coarse).clip(0, 1)[..., None]
            surface = surface * (1 - share) + bright[..., None] * material.second * share
        return surface


def _slabs(
    rng: np.random.Generator, right: Field, away: Field, across: Field, reach: Field
) -> Field:
    """Joints between slabs, (rows, columns, 1) around 1."""
    length, width = log_uniform(rng, 0.25, 2.0), log_uniform(rng, 0.25, 2.0)
    dark = rng.uniform(0, 0.3)
    lines = (0.5 - (np.abs((right / width) % 1 - 0.5) * width - 0.015) / across).clip(0, 1)
    lines = lines * np.minimum(1, 0.25 * width / across)
    joints = (0.5 - (np.abs((away / length) % 1 - 0.5) * length - 0.015) / reach).clip(0, 1)
    joints = joints * np.minimum(1, 0.25 * length / reach)
    joined: Field = (1 - dark * np.maximum(lines, joints))[..., None]
    return joined


def _markings(
    rng: np.random.Generator, road: Road, offset: Field, away: Field, across: Field
) -> Field:
    """How much paint lies on the road, (rows, columns) in [0, 1]."""

    def line(at: float, half: float) -> Field:
        covered = (0.5 - (np.abs(offset - at) - half) / across).clip(0, 1)
        faint: Field = covered * np.minimum(1, 2.5 * half / across + 0.25)
        return faint

    paint = np.zeros_like(offset)
    lanes = max(1, round(road.half / 3.2))
    dash = rng.uniform(3, 9)
    broken = ((away + rng.uniform(0, 9)) % (2.2 * dash) < dash).astype(np.float32)
    for lane in range(1 - lanes, lanes):
        at = lane * road.half / lanes
        whole = lane == 0 and chance(rng, 0.35)
        paint = np.maximum(paint, line(at, 0.08) * (1.0 if whole else broken))
    if chance(rng, 0.6):
        edge = road.half - rng.uniform(0.15, 0.5)
        paint = np.maximum(paint, np.maximum(line(edge, 0.07), line(-edge, 0.07)))
    if chance(rng, 0.25):
        start = rng.uniform(4, 25)
        crossing = ((away > start) & (away < start + rng.uniform(2.5, 4))).astype(np.float32)
        crossing = blur(crossing, 0.7)
        stripes = (0.5 - (np.abs((offset / 1.0) % 1 - 0.5) - 0.25) / across).clip(0, 1)
        paint = np.maximum(paint, crossing * stripes)
    return paint


def paint_ridge(
    sheet: Sheet, height: float, depth: float, base: Colour, label: int, rough: float
) -> None:
    """A line of hills, or of woods (label tree), along the horizon, `height` in fine pixels."""
    rng, view = sheet.rng, sheet.view
    side = view.side
    foot = view.horizon + 1
    if foot <= 0 or height < 1:
        return
    columns = np.arange(side)
    line = noise(rng, 3.0, np.zeros(side), columns * (TILE_REACH / side))
    line = 0.6 + 0.4 * line + rough * 0.3 * noise(rng, 1.4, np.zeros(side), columns * 1.0)
    crest = foot - height * np.clip(line, 0.08, 1.7)
    top = int(max(0, np.floor(crest.min())))
    bottom = int(min(side, np.ceil(foot)))
    if bottom <= top:
        return
    rows = np.arange(top, bottom)[:, None]
    mask = rows > crest[None]
    zoom = 1.0 if label == TREE else 3.0
    shape = (bottom - top, side)
    bright = 1 + 0.16 * screen_noise(rng, 1.4, shape, zoom) + 0.1 * screen_noise(rng, 2.2, shape)
    light = sheet.light
    lit = bright[..., None] * (base * light.on((0.0, 0.7, -0.7)))
    seen = light.through_air(lit, depth)
    part = Image.fromarray((seen.clip(0, 1) * 255).astype(np.uint8))
    sheet.paste(part, Image.fromarray(mask.astype(np.uint8) * 255), (0, top), label)


TILE_REACH = 150
"""Columns of a noise tile that a ridge runs through from one side to the other."""


def paint_water(sheet: Sheet, near: float, far: float, weather: Weather) -> None:
    """Water between two distances: it mirrors what is painted above it, and is background."""
    rng, view = sheet.rng, sheet.view
    side = view.side
    shore = view.horizon + view.focal * view.eye / far
    edge = view.horizon + view.focal * view.eye / near
    top, bottom = round(max(0, shore)), round(min(side, edge))
    if bottom - top < 3:
        return
    pixels = np.asarray(sheet.picture)
    rows, columns = np.arange(top, bottom)[:, None], np.arange(side)[None]
    below = rows - shore
    swell = noise(rng, 1.4, rows * 4 * 60 / (below + 20), columns * 0.5 + 0 * rows)
    ripple = noise(rng, 0.6, rows * 3, columns * 0.6 + 0 * rows)
    mirrored = 2 * shore - rows + (swell + ripple) * (1 + below * rng.uniform(0.02, 0.2))
    found = pixels[mirrored.clip(0, max(0, top - 1)).astype(int), columns + 0 * rows] / np.float32(
        255
    )
    deep = varied(rng, colour(0.16, 0.26, 0.3), 0.3) * weather.light.ambient.mean() * 2
    share = rng.uniform(0.35, 0.85) - 0.3 * (below / max(1.0, side * 0.5)).clip(0, 1)
    water = found * share[..., None] + deep * (1 - share[..., None])
    water = water * (1 + 0.07 * swell + 0.05 * ripple)[..., None]
    part = Image.fromarray((water.clip(0, 1) * 255).astype(np.uint8))
    mask = Image.new("L", part.size, 255)
    sheet.paste(part, mask, (0, top), BACKGROUND)
