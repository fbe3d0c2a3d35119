"""Walls with windows, doors and shops, as textures for the planes of a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from weights.generators.common import Field, chance
from weights.generators.scene.view import Colour, Ink, Light, colour, ink, screen_noise, varied

WALLS = (
    colour(0.62, 0.36, 0.27), colour(0.55, 0.3, 0.22), colour(0.45, 0.3, 0.25),
    colour(0.82, 0.76, 0.64), colour(0.86, 0.83, 0.77), colour(0.9, 0.88, 0.84),
    colour(0.7, 0.66, 0.58), colour(0.6, 0.58, 0.55), colour(0.72, 0.7, 0.68),
    colour(0.85, 0.72, 0.5), colour(0.8, 0.58, 0.45), colour(0.62, 0.68, 0.7),
    colour(0.5, 0.48, 0.46), colour(0.76, 0.62, 0.52), colour(0.36, 0.36, 0.38),
    colour(0.92, 0.91, 0.9), colour(0.55, 0.62, 0.52), colour(0.66, 0.56, 0.44),
)  # fmt: skip
"""Brick, plaster, stone, concrete and painted boards."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How the walls of one building look."""

    kind: str
    """windows, glass, ribbon, or plain."""
    wall: Colour
    trim: Colour
    glass: Colour
    storey: float
    bay: float
    """Metres from floor to floor and from window to window."""
    wide: float
    tall: float
    """Share of a bay and of a storey that a window takes."""
    courses: float
    """How much the joints of bricks or boards show."""
    shop: bool
    arched: bool
    shutters: Colour | None
    balconies: bool
    dirt: float


def random_style(rng: np.random.Generator, kind: str | None = None) -> Style:
    """Any style, or any of one kind."""
    if kind is None:
        kind = str(rng.choice(["windows", "glass", "ribbon", "plain"], p=[0.72, 0.1, 0.12, 0.06]))
    wall = varied(rng, WALLS[int(rng.integers(len(WALLS)))], 0.12)
    glass = varied(rng, colour(0.2, 0.23, 0.27), 0.3)
    if kind == "glass":
        tint = (colour(0.35, 0.45, 0.52), colour(0.3, 0.38, 0.36), colour(0.2, 0.22, 0.26))
        glass = varied(rng, tint[int(rng.integers(3))], 0.2)
    light_trim = chance(rng, 0.65)
    trim = (
        varied(rng, colour(0.9, 0.89, 0.86), 0.05) if light_trim else varied(rng, wall * 0.7, 0.1)
    )
    shutters = None
    if kind == "windows" and chance(rng, 0.2):
        shutters = rng.uniform(0.1, 0.7, 3).astype(np.float32)
    return Style(
        kind=kind,
        wall=wall,
        trim=trim,
        glass=glass,
        storey=rng.uniform(2.8, 4.2),
        bay=rng.uniform(1.6, 2.2) if kind == "glass" else rng.uniform(2.0, 4.2),
        wide=rng.uniform(0.28, 0.62),
        tall=rng.uniform(0.42, 0.68),
        courses=rng.uniform(0, 0.25),
        shop=chance(rng, 0.35),
        arched=kind == "windows" and chance(rng, 0.12),
        shutters=shutters,
        balconies=kind == "windows" and chance(rng, 0.15),
        dirt=rng.uniform(0, 0.25),
    )


def facade(
    rng: np.random.Generator,
    light: Light,
    style: Style,
    metres: tuple[float, float],
    pixels: tuple[float, float],
    ground_floor: bool = True,
) -> Image.Image:
    """A wall of so many metres (width, height), drawn for about so many pixels."""
    width, height = (int(np.clip(side * 1.2, 4, 460)) for side in pixels)
    floors = max(1, round(metres[1] / style.storey))
    bays = max(1, round(metres[0] / style.bay))
    picture = Image.new("RGB", (width, height), ink(style.wall))
    pen = ImageDraw.Draw(picture)
    shop = style.shop and ground_floor and floors > 1
    down = height / (floors + (0.25 if style.kind != "glass" else 0))
    over = width / bays
    if over < 2.5 or down < 3:
        return _weathered(rng, picture, style, 0.15)
    if style.kind != "plain":
        top = height - floors * down
        for floor in range(floors - (1 if shop else 0)):
            _row(rng, pen, style, light, (0, top + floor * down), (over, down), bays)
    if shop:
        _shop(rng, pen, style, light, (width, height), down, max(1, round(metres[0] / 4.5)))
    elif ground_floor and style.kind in ("windows", "plain") and height > 12:
        _door(rng, pen, style, width, height, down, over)
    _bands(rng, pen, style, width, height, floors, down)
    return _weathered(rng, picture, style, 0.05)


def _pane(rng: np.random.Generator, style: Style, light: Light) -> Ink:
    """A window's colour: dark rooms, curtains, the mirrored sky; lamps at night."""
    if light.night:
        if chance(rng, 0.45):
            lamp = varied(rng, colour(1.0, 0.8, 0.45), 0.15)
            return ink(lamp / light.ambient.clip(0.05).mean() * 0.5)
        return ink(style.glass * 0.5)
    kind = rng.random()
    if kind < 0.62:
        return ink(varied(rng, style.glass, 0.2))
    if kind < 0.8:
        return ink(varied(rng, style.glass * 0.5 + light.haze * 0.45, 0.15))
    if kind < 0.92:
        return ink(varied(rng, style.trim * 0.75, 0.15))
    return ink(varied(rng, style.glass * 0.4, 0.2))


def _row(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    style: Style,
    light: Light,
    corner: tuple[float, float],
    cell: tuple[float, float],
    bays: int,
) -> None:
    """The windows of one storey."""
    (left, top), (over, down) = corner, cell
    trim, wall_dark = ink(style.trim), ink(style.wall * 0.6)
    if style.kind == "ribbon":
        y0, y1 = top + down * (0.5 - style.tall / 2), top + down * (0.5 + style.tall / 2)
        for bay in range(bays):
            x0 = left + bay * over
            pen.rectangle((x0, y0, x0 + over, y1), fill=_pane(rng, style, light))
            pen.line((x0, y0, x0, y1), fill=trim)
        pen.line((left, y0, left + bays * over, y0), fill=wall_dark)
        return
    if style.kind == "glass":
        shade = 1 + rng.normal(0, 0.05)
        for bay in range(bays):
            x0 = left + bay * over
            tone = style.glass * shade
            if chance(rng, 0.25):
                tone = varied(rng, tone * 0.6 + 0.4 * light.haze, 0.1)
            paint = _pane(rng, style, light) if light.night else ink(varied(rng, tone, 0.06))
            pen.rectangle((x0, top, x0 + over, top + down), fill=paint)
            pen.line((x0, top, x0, top + down), fill=ink(style.glass * 0.6))
        pen.line((left, top, left + bays * over, top), fill=ink(style.glass * 0.55 + 0.05))
        return
    half = over * style.wide / 2
    y0, y1 = top + down * (0.48 - style.tall / 2), top + down * (0.48 + style.tall / 2)
    rim = max(0.6, 0.03 * over)
    large = over > 9
    for bay in range(bays):
        x = left + (bay + 0.5) * over
        if large:
            pen.rectangle((x - half - rim, y0 - rim, x + half + rim, y1 + rim), fill=trim)
        if style.shutters is not None and over > 5:
            third = half * 0.55
            for start in (x - half - third, x + half):
                pen.rectangle((start, y0, start + third, y1), fill=ink(style.shutters))
        pane = _pane(rng, style, light)
        if style.arched:
            pen.pieslice((x - half, y0 - half, x + half, y0 + half), 180, 360, fill=pane)
        pen.rectangle((x - half, y0, x + half, y1), fill=pane)
        if large:
            shadow = tuple(value * 6 // 10 for value in pane)
            pen.rectangle((x - half, y0, x + half, y0 + 0.12 * down), fill=shadow)
            pen.line((x, y0, x, y1), fill=trim, width=max(1, round(rim)))
            if down > 24:
                pen.line((x - half, y0 + 0.3 * down, x + half, y0 + 0.3 * down), fill=trim)
            sill = y1 + max(1.0, 0.05 * down)
            pen.rectangle((x - half - rim, y1, x + half + rim, sill), fill=trim)
            pen.line((x - half - rim, sill + 1, x + half + rim, sill + 1), fill=wall_dark)
    if style.balconies and down > 9:
        slab = top + down * 0.92
        pen.rectangle((left, slab, left + bays * over, slab + 0.06 * down), fill=trim)
        rail = ink(style.trim * 0.5)
        for bar in np.arange(left, left + bays * over, max(2.0, over / 9)).tolist():
            pen.line((bar, slab - 0.28 * down, bar, slab), fill=rail)


def _shop(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    style: Style,
    light: Light,
    size: tuple[int, int],
    down: float,
    count: int,
) -> None:
    width, height = size
    top = height - down
    for index in range(count):
        x0, x1 = width * index / count, width * (index + 1) / count
        sign = rng.uniform(0.05, 0.9, 3).astype(np.float32)
        pen.rectangle((x0, top, x1, height), fill=ink(varied(rng, style.wall * 0.8, 0.2)))
        inner = (
            x0 + 0.05 * (x1 - x0),
            top + 0.3 * down,
            x1 - 0.05 * (x1 - x0),
            height - 0.08 * down,
        )
        pen.rectangle(inner, fill=_pane(rng, style, light))
        for _ in range(int(rng.integers(2, 7))):
            x, y = rng.uniform(inner[0], inner[2]), rng.uniform(inner[1], inner[3])
            tone = ink(rng.uniform(0.05, 0.8, 3).astype(np.float32))
            pen.rectangle((x, y, x + 0.12 * (x1 - x0), inner[3]), fill=tone)
        door = rng.uniform(x0, x1 - 0.2 * (x1 - x0))
        pen.rectangle(
            (door, top + 0.3 * down, door + 0.16 * (x1 - x0), height), fill=ink(style.glass * 0.6)
        )
        pen.rectangle((x0, top + 0.04 * down, x1, top + 0.28 * down), fill=ink(sign))
        if x1 - x0 > 24:
            letter = ink((sign + 0.5) % 1.0)
            start = x0 + rng.uniform(0.1, 0.3) * (x1 - x0)
            for step in range(int(rng.integers(3, 8))):
                at = start + step * 0.055 * (x1 - x0)
                pen.rectangle(
                    (at, top + 0.11 * down, at + 0.035 * (x1 - x0), top + 0.2 * down), fill=letter
                )
        if chance(rng, 0.25):
            stripe = rng.uniform(0.2, 0.95, 3).astype(np.float32)
            pen.polygon(
                [
                    (x0, top + 0.28 * down), (x1, top + 0.28 * down),
                    (x1 + 2, top + 0.5 * down), (x0 - 2, top + 0.5 * down),
                ],
                fill=ink(stripe),
            )  # fmt: skip


def _door(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    style: Style,
    width: int,
    height: int,
    down: float,
    over: float,
) -> None:
    x = rng.uniform(0.1, 0.9) * width
    half = min(0.3 * over, 0.22 * down)
    top = height - 0.72 * down
    tone = ink(rng.uniform(0.08, 0.6) * rng.uniform(0.6, 1, 3))
    pen.rectangle((x - half * 1.3, top - 0.06 * down, x + half * 1.3, height), fill=ink(style.trim))
    pen.rectangle((x - half, top, x + half, height), fill=tone)


def _bands(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    style: Style,
    width: int,
    height: int,
    floors: int,
    down: float,
) -> None:
    """Cornice, plinth, bands between storeys and pipes."""
    trim = ink(style.trim)
    if chance(rng, 0.55):
        depth = max(1.0, 0.14 * down)
        pen.rectangle((0, 0, width, depth), fill=trim)
        pen.rectangle((0, depth, width, depth * 1.4), fill=ink(style.wall * 0.55))
    if chance(rng, 0.3) and style.kind != "glass":
        pen.rectangle((0, height - 0.12 * down, width, height), fill=ink(style.wall * 0.65))
    if chance(rng, 0.25) and down > 8 and style.kind == "windows":
        for floor in range(1, floors):
            y = height - floor * down
            pen.rectangle((0, y - 0.02 * down, width, y + 0.03 * down), fill=trim)
    if chance(rng, 0.2):
        x = rng.uniform(0, width)
        pen.line((x, 0, x, height), fill=ink(style.wall * 0.55), width=max(1, width // 120))


def _weathered(
    rng: np.random.Generator, picture: Image.Image, style: Style, least: float
) -> Image.Image:
    """Stains, courses of bricks and a gradient from top to bottom."""
    shape = (picture.height, picture.width)
    stains = screen_noise(rng, 2.2, shape, 1.5) * (0.03 + 0.25 * style.dirt)
    bright: Field = 1 + stains + screen_noise(rng, 0.6, shape) * (0.03 + least * 0.3)
    streak = screen_noise(rng, 1.4, (1, picture.width)) * 0.12 * style.dirt
    bright = bright + streak + np.linspace(0.04, -0.06, picture.height)[:, None]
    if style.courses > 0.08 and picture.height > 60:
        every = max(3, picture.height // int(rng.integers(24, 70)))
        bright[::every] *= 1 - style.courses
    pixels = np.asarray(picture, np.float32) * bright[..., None].clip(0.3, 1.5)
    shown = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return shown.filter(ImageFilter.SMOOTH) if chance(rng, 0.3) else shown
