"""Where a scene is seen from and in which light, and the sheet on which it is painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from weights.generators.common import Field, power_noise

BACKGROUND, GROUND, SKY, BUILDING, TREE, VEHICLE = range(6)

FINE = 2
"""Pixels of the sheet a side for one pixel of the picture."""
NEAR = 0.5
"""Metres before the eye from which on things are seen."""
TILE = 512
"""Side of a noise tile; tiles repeat without a seam."""

Points: TypeAlias = NDArray[np.float64]
"""(n, 3) metres: right, up and away from the eye's foot; or (n, 2) places on the sheet."""
Colour: TypeAlias = NDArray[np.float32]
"""(3,) red, green and blue of a surface in white light, each in [0, 1]."""
Ink: TypeAlias = tuple[int, int, int]


@lru_cache(maxsize=1)
def _tiles() -> dict[float, list[Field]]:
    rng = np.random.default_rng(20)
    slopes = (0.6, 1.4, 2.2, 3.0)
    return {slope: [power_noise(rng, TILE, slope) for _ in range(3)] for slope in slopes}


def noise(
    rng: np.random.Generator,
    slope: float,
    rows: Field | NDArray[np.int64],
    columns: Field | NDArray[np.int64],
) -> Field:
    """Noise of deviation 1 at places that broadcast together, from a tile that fits the slope.

    The tiles are the same for all pictures, the place in them is the picture's own.
    """
    tiles = _tiles()
    tile = tiles[min(tiles, key=lambda known: abs(known - slope))][int(rng.integers(3))]
    top, left = rng.integers(0, TILE, 2)
    down = np.floor(rows).astype(np.int32) + np.int32(top) & (TILE - 1)
    across = np.floor(columns).astype(np.int32) + np.int32(left) & (TILE - 1)
    found: Field = tile.ravel()[down * TILE + across]
    return found


def screen_noise(
    rng: np.random.Generator, slope: float, shape: tuple[int, int], zoom: float = 1.0
) -> Field:
    """Noise of a (rows, columns) shape, its grain `zoom` times as large."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])[None]
    return noise(rng, slope, rows / zoom, columns / zoom)


def colour(*values: float) -> Colour:
    """A surface's colour."""
    return np.array(values, np.float32)


def by(*values: float) -> Points:
    """An offset, for adding to points."""
    return np.array(values, np.float64)


def varied(rng: np.random.Generator, base: Colour, amount: float = 0.08) -> Colour:
    """A colour near `base`: lighter or darker, and a little off in hue."""
    shift = np.exp(rng.normal(0, amount) + rng.normal(0, 0.35 * amount, 3))
    return (base * shift).astype(np.float32).clip(0.01, 1.0)


def ink(values: Field) -> Ink:
    """A colour as Pillow takes it."""
    red, green, blue = (np.clip(values, 0, 1) * 255).astype(int).tolist()
    return red, green, blue


@dataclass(frozen=True, kw_only=True)
class View:
    """A pinhole over level ground; upright lines stay upright."""

    side: int
    """Of the sheet, in its own fine pixels."""
    horizon: float
    """Row of the horizon; may lie outside the sheet."""
    middle: float
    """Column straight ahead."""
    focal: float
    """Pixels a metre at one metre's distance."""
    eye: float
    """Metres over the ground."""
    yaw: float
    """Radians that the eye is turned to the right."""

    def depth(self, points: Points) -> NDArray[np.float64]:
        """Metres before the eye of world points (n, 3)."""
        away: NDArray[np.float64] = points[:, 0] * np.sin(self.yaw) + points[:, 2] * np.cos(
            self.yaw
        )
        return away

    def seen(self, points: Points) -> Points:
        """World points (n, 3) in the eye's own axes: right, down, away."""
        right = points[:, 0] * np.cos(self.yaw) - points[:, 2] * np.sin(self.yaw)
        return np.stack([right, self.eye - points[:, 1], self.depth(points)], axis=1)

    def on_sheet(self, points: Points) -> Points:
        """Places (n, 2) of world points before the eye."""
        right, down, away = self.seen(points).T
        away = np.maximum(away, NEAR)
        return np.stack(
            [self.middle + self.focal * right / away, self.horizon + self.focal * down / away],
            axis=1,
        )

    def clipped(self, points: Points) -> Points:
        """Places (n, 2) of a flat polygon's part before the eye; empty when none is."""
        seen = self.seen(points)
        if seen[:, 2].min() >= NEAR:
            return self.on_sheet(points)
        kept: list[Points] = []
        for here, there in zip(seen, np.roll(seen, -1, axis=0), strict=True):
            if here[2] >= NEAR:
                kept.append(here)
            if (here[2] >= NEAR) != (there[2] >= NEAR):
                kept.append(here + (there - here) * (NEAR - here[2]) / (there[2] - here[2]))
        if len(kept) < 3:
            return np.empty((0, 2))
        right, down, away = np.stack(kept).T
        return np.stack(
            [self.middle + self.focal * right / away, self.horizon + self.focal * down / away],
            axis=1,
        )

    def shows(self, points: Points) -> bool:
        """Whether something inside the hull of world points may be on the sheet."""
        if self.depth(points).max() < NEAR:
            return False
        places = self.on_sheet(points)
        low, high = places.min(axis=0), places.max(axis=0)
        return bool(low.max() < self.side and high.min() > 0)

    def place(self, x: float, row: float) -> tuple[float, float]:
        """World (right, away) of the ground seen `x` of the way across the sheet at a row."""
        away = self.focal * self.eye / max(row - self.horizon, 1e-3)
        right = (x * self.side - self.middle) * away / self.focal
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        return float(right * cos + away * sin), float(away * cos - right * sin)


@dataclass(frozen=True, kw_only=True)
class Light:
    """What shines: the sky on everything, the sun from one side, and the air in between."""

    sun: Points
    """(3,) towards the sun, length 1, in world axes."""
    strength: float
    warm: Colour
    ambient: Colour
    haze: Colour
    clear: float
    """Metres after which two thirds of a colour have gone into the haze."""
    night: bool

    def on(self, normal: Sequence[float] | Points) -> Colour:
        """How bright white is on a surface with this normal of length 1."""
        facing = max(0.0, float(np.dot(np.asarray(normal), self.sun)))
        upward = 0.85 + 0.15 * float(normal[1])
        return (self.ambient * upward + self.warm * (self.strength * facing)).astype(np.float32)

    def through_air(self, values: Field, depth: float) -> Field:
        """Lit colours (..., 3) as they look from `depth` metres away."""
        lost = np.float32(1 - np.exp(-max(depth, 0.0) / self.clear))
        return values * (1 - lost) + self.haze * lost

    def shaded(self, base: Colour, normal: Sequence[float] | Points, depth: float) -> Ink:
        """The colour to draw a surface with."""
        return ink(self.through_air(base * self.on(normal), depth))


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that stands on the ground; farther ones are painted first."""

    depth: float
    paint: Callable[[Sheet], None]
    shadow: Points | None = None
    """(n, 3) world points whose hull, cast on the ground, is its shadow."""
    leafy: bool = False
    """Whether the rim of its shadow is ragged, and light falls through."""
    contact: Points | None = None
    """(n, 3) world points on the ground that it darkens by standing there."""


@dataclass(kw_only=True)
class Sheet:
    """The picture and its labels while they are painted, back to front."""

    rng: np.random.Generator
    view: View
    light: Light
    picture: Image.Image = field(init=False)
    labels: Image.Image = field(init=False)
    pen: ImageDraw.ImageDraw = field(init=False)
    marker: ImageDraw.ImageDraw = field(init=False)

    def __post_init__(self) -> None:
        side = (self.view.side, self.view.side)
        self.replace(Image.new("RGB", side), Image.new("L", side, SKY))

    def replace(self, picture: Image.Image, labels: Image.Image) -> None:
        """Goes on painting on these."""
        self.picture, self.labels = picture, labels
        self.pen, self.marker = ImageDraw.Draw(picture), ImageDraw.Draw(labels)

    def polygon(self, places: Points, paint: Ink, label: int) -> None:
        """Fills a polygon (n, 2) on the sheet."""
        if len(places) >= 3:
            corners = [(x, y) for x, y in places.clip(-3000, 3000).tolist()]
            self.pen.polygon(corners, fill=paint)
            self.marker.polygon(corners, fill=label)

    def ellipse(self, x: float, y: float, rx: float, ry: float, paint: Ink, label: int) -> None:
        """Fills an upright ellipse around (x, y)."""
        box = (x - rx, y - ry, x + rx, y + ry)
        self.pen.ellipse(box, fill=paint)
        self.marker.ellipse(box, fill=label)

    def line(self, places: Points, width: float, paint: Ink, label: int) -> None:
        """A line through places (n, 2); one too thin to see keeps the label below."""
        corners = [(x, y) for x, y in places.clip(-3000, 3000).tolist()]
        self.pen.line(corners, fill=paint, width=max(1, round(width)), joint="curve")
        if width >= 0.65 * FINE:
            self.marker.line(corners, fill=label, width=max(1, round(width)), joint="curve")

    def face(self, corners: Points, base: Colour, normal: Points, label: int) -> None:
        """A flat polygon (n, 3) of the world in one colour, lit and seen through the air."""
        depth = float(self.view.depth(corners).mean())
        self.polygon(self.view.clipped(corners), self.light.shaded(base, normal, depth), label)

    def plane(
        self,
        origin: Points,
        across: Points,
        up: Points,
        texture: Image.Image,
        label: int,
        outline: Points | None = None,
    ) -> None:
        """Lays a texture on the parallelogram from `origin` (its lower left corner) in the world.

        `outline` (n, 2), in parts of `across` and `up`, cuts a piece out of it.
        """
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) if outline is None else outline
        corners = origin + square[:, :1] * across + square[:, 1:] * up
        places = self.view.clipped(corners)
        if len(places) < 3:
            return
        low = np.floor(places.min(axis=0)).clip(0, self.view.side).astype(int)
        high = np.ceil(places.max(axis=0) + 1).clip(0, self.view.side).astype(int)
        width, height = (high - low).tolist()
        if width < 1 or height < 1:
            return
        # Where a texture's pixel goes is a homography; Pillow wants its inverse.
        axes = self.view.seen(np.stack([origin + across, origin + up, origin]))
        axes[:2] -= axes[2]
        view = self.view
        lens = np.array([[view.focal, 0, view.middle], [0, view.focal, view.horizon], [0, 0, 1]])
        to_sheet = lens @ axes.T
        w, h = texture.size
        from_texture = np.array([[1 / w, 0, 0], [0, -1 / h, 1], [0, 0, 1]])
        shifted = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ to_sheet @ from_texture
        if abs(np.linalg.det(shifted)) < 1e-12:
            return
        back = np.linalg.inv(shifted)
        back = back / back[2, 2]
        lit = self._lit(texture, np.cross(up, across), float(self.view.depth(corners).mean()))
        warped = lit.transform(
            (width, height),
            Image.Transform.PERSPECTIVE,
            back.ravel()[:8].tolist(),
            Image.Resampling.BILINEAR,
        )
        mask = Image.new("L", (width, height))
        local = [(x, y) for x, y in (places - low).clip(-3000, 3000).tolist()]
        ImageDraw.Draw(mask).polygon(local, fill=255)
        self.paste(warped, mask, (int(low[0]), int(low[1])), label)

    def paste(
        self, part: Image.Image, mask: Image.Image, corner: tuple[int, int], label: int
    ) -> None:
        """Puts a part of the picture where its mask (L) is 255."""
        self.picture.paste(part, corner, mask)
        self.labels.paste(label, (*corner, corner[0] + mask.width, corner[1] + mask.height), mask)

    def _lit(self, texture: Image.Image, normal: Points, depth: float) -> Image.Image:
        length = float(np.linalg.norm(normal)) + 1e-9
        toward = normal / length
        white = self.light.on(toward)
        levels = np.arange(256, dtype=np.float32)[:, None] / 255
        table = self.light.through_air(levels * white, depth).clip(0, 1) * 255
        return texture.point(table.T.astype(np.uint8).ravel().tolist())

    def cast(self, things: Sequence[Thing], softness: float) -> None:
        """Darkens the ground where things stand and where they keep the sun away."""
        side = self.view.side
        cast, leafy, contact = (Image.new("L", (side, side)) for _ in range(3))
        sun = self.light.sun
        for thing in things:
            if thing.shadow is not None and self.light.strength > 0.05:
                drop = thing.shadow[:, 1:2] / max(0.15, sun[1])
                foot = thing.shadow - drop * sun
                foot[:, 1] = 0
                # Leaves begin far above the ground: nothing ties their shadow to the trunk.
                whole = foot if thing.leafy else np.concatenate([foot, thing.shadow * [1, 0, 1]])
                _fill_hull(leafy if thing.leafy else cast, self.view, whole)
            if thing.contact is not None:
                _fill_hull(contact, self.view, thing.contact)
        strength = float(np.clip(self.light.strength, 0, 0.52))
        dark = cast.filter(ImageFilter.BoxBlur(softness))
        if leafy.getbbox() is not None:
            rim = np.asarray(leafy.filter(ImageFilter.BoxBlur(side / 50)), np.float32) / 255
            spots = screen_noise(self.rng, 1.4, (side, side), 1.5) * 0.22
            ragged = ((rim - 0.55 + spots) * 3 + 0.5).clip(0, 1) * (rim > 0)
            dark = ImageChops.lighter(dark, Image.fromarray((ragged * 255).astype(np.uint8)))
        dark = dark.point([round(value * strength) for value in range(256)])
        near = contact.point([round(value * 0.55) for value in range(256)])
        soft = near.filter(ImageFilter.BoxBlur(side / 90))
        dark = ImageChops.lighter(dark, soft)
        ground = self.labels.point([255 if label == GROUND else 0 for label in range(256)])
        dark = ImageChops.multiply(dark, ground)
        tint = self.light.ambient / (self.light.ambient.max() + 1e-6)
        self.picture.paste(ink(0.12 * tint * self.light.ambient.mean()), (0, 0, side, side), dark)


def _fill_hull(mask: Image.Image, view: View, points: Points) -> None:
    if float(view.depth(points).max()) < NEAR:
        return
    places = view.clipped(_hull(points[:, [0, 2]]))
    if len(places) >= 3:
        corners = [(x, y) for x, y in places.clip(-3000, 3000).tolist()]
        ImageDraw.Draw(mask).polygon(corners, fill=255)


def _hull(points: Points) -> Points:
    """The convex hull of ground points (n, 2) as world points (m, 3)."""
    ordered = sorted(map(tuple, points.tolist()))

    def half(run: list[tuple[float, ...]]) -> list[tuple[float, ...]]:
        kept: list[tuple[float, ...]] = []
        for point in run:
            while len(kept) > 1 and (
                (kept[-1][0] - kept[-2][0]) * (point[1] - kept[-2][1])
                <= (kept[-1][1] - kept[-2][1]) * (point[0] - kept[-2][0])
            ):
                kept.pop()
            kept.append(point)
        return kept[:-1]

    corners = np.array(half(ordered) + half(ordered[::-1]) or ordered[:1])
    return np.stack([corners[:, 0], np.zeros(len(corners)), corners[:, 1]], axis=1)
