"""Solids with wheels, windows and lamps, from the outline that they have from their side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from weights.generators.common import chance
from weights.generators.scene.view import VEHICLE, Colour, Points, Sheet, Thing, colour, ink, varied

PAINTS = (
    (colour(0.86, 0.86, 0.86), 0.22), (colour(0.1, 0.1, 0.11), 0.18),
    (colour(0.52, 0.53, 0.55), 0.2), (colour(0.3, 0.31, 0.33), 0.12),
    (colour(0.6, 0.09, 0.09), 0.09), (colour(0.12, 0.2, 0.42), 0.09),
    (colour(0.12, 0.3, 0.2), 0.02), (colour(0.85, 0.65, 0.12), 0.04),
    (colour(0.55, 0.5, 0.42), 0.04),
)  # fmt: skip
_SHARES = np.array([share for _, share in PAINTS])

World: TypeAlias = Callable[[Points], Points]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A vehicle's outline from its side: nose at x = 0, up y, in metres."""

    length: float
    width: float
    belt: float
    """Height of the lower edge of the windows."""
    outline: Points
    """(n, 2) from the nose's foot over the roof to the tail's foot."""
    roof: tuple[int, int]
    """First and last point of the outline that bound the roof; glass lies before and behind."""
    windows: list[tuple[float, float]]
    """Side windows from x to x, between belt and roof."""
    wheels: tuple[float, ...]
    wheel: float
    """Radius."""
    inset: float
    """How much narrower a side is at the roof than at the belt, in metres."""
    glass_front: bool = True
    glass_back: bool = True


def random_paint(rng: np.random.Generator) -> Colour:
    """A vehicle's colour: mostly white, black or grey, rarely any at all."""
    if chance(rng, 0.06):
        return rng.uniform(0.05, 0.9, 3).astype(np.float32)
    return varied(rng, PAINTS[int(rng.choice(len(PAINTS), p=_SHARES / _SHARES.sum()))][0], 0.12)


def solid(rng: np.random.Generator, shape: Shape, x: float, z: float, yaw: float) -> Thing:
    """A vehicle of some shape on the ground."""
    look = _Look(rng, shape, random_paint(rng))
    cos, sin = np.cos(yaw), np.sin(yaw)

    def world(local: Points) -> Points:
        """From the vehicle's own axes (from its nose back, up, to one side) into the world."""
        back, up, aside = local.T
        back = back - shape.length / 2
        return np.stack([x + back * sin + aside * cos, up, z + back * cos - aside * sin], axis=1)

    def paint(sheet: Sheet) -> None:
        painter = _Painter(sheet, shape, look, world)
        if painter.seen():
            painter.paint()

    half = shape.width / 2
    foot = world(
        np.array(
            [
                [0, 0, -half],
                [0, 0, half],
                [shape.length, 0, half],
                [shape.length, 0, -half],
            ]
        )
    )
    roof = world(
        np.array(
            [[a, h, s] for a, h in shape.outline[[1, 4, 7, -2]].tolist() for s in (-half, half)]
        )
    )
    return Thing(depth=z, paint=paint, shadow=np.concatenate([roof, foot]), contact=foot)


class _Look:
    """The choices that make two vehicles of one shape differ."""

    def __init__(self, rng: np.random.Generator, shape: Shape, paint: Colour) -> None:
        self.paint = paint
        self.glass = varied(rng, colour(0.13, 0.15, 0.17), 0.3)
        self.trim = varied(rng, colour(0.14, 0.14, 0.14), 0.3) if chance(rng, 0.6) else paint * 0.8
        self.rim = varied(rng, colour(0.6, 0.6, 0.62), 0.2)
        self.lamps_on = chance(rng, 0.15)
        self.spokes = int(rng.integers(5, 9))
        self.stripe = rng.uniform(0.1, 0.9, 3) if shape.length > 5.5 and chance(rng, 0.5) else None
        self.mirrored = rng.uniform(0.05, 0.6)


class _Painter:
    """Paints one vehicle on one sheet."""

    def __init__(self, sheet: Sheet, shape: Shape, look: _Look, world: World) -> None:
        self.sheet, self.shape, self.look, self.world = sheet, shape, look, world
        self.middle = world(np.array([[shape.length / 2, 0.5, 0.0]]))
        self.depth = float(sheet.view.depth(self.middle)[0])
        self.eye = np.array([0.0, sheet.view.eye, 0.0])
        self.core = world(np.array([[shape.length / 2, 0.55 * shape.belt + 0.2, 0.0]]))[0]
        self.scale = sheet.view.focal / self.depth if self.depth > 0 else 0.0

    def seen(self) -> bool:
        """Whether all of it lies before the eye, and some of it on the sheet."""
        shape, reach = self.shape, self.shape.length * 0.6
        around = np.array(
            [
                [-reach, 0, -reach],
                [reach, 4, reach],
                [reach, 0, -reach],
                [-reach, 4, reach],
            ]
        )
        half = shape.width / 2
        ends = self.world(np.array([[a, 0, b] for a in (0, shape.length) for b in (-half, half)]))
        view = self.sheet.view
        return bool(view.depth(ends).min() >= 1.2) and view.shows(self.middle + around)

    def paint(self) -> None:
        """The skirts, the shell from its far end to its near one, and the sides."""
        shape = self.shape
        aside = self._half_at(shape.outline[:, 1])
        inner = shape.outline + (shape.outline.mean(axis=0) - shape.outline) * 0.05
        for side in (1, -1):
            self._skirt((shape.width / 2 - 0.12) * side)
        middles = (shape.outline[:-1] + shape.outline[1:]) / 2
        spots = self.world(np.column_stack([middles, np.zeros(len(middles))]))
        far = -np.linalg.norm(spots - self.eye, axis=1)
        for index in np.argsort(far, kind="stable").tolist():
            self._segment(index, inner, aside)
        ends = self.world(np.array([[shape.length / 2, 0.5, 1.0], [shape.length / 2, 0.5, -1.0]]))
        left, right = np.linalg.norm(ends - self.eye, axis=1)
        for side in (-1, 1) if left < right else (1, -1):
            body = np.column_stack([inner, self._half_at(inner[:, 1]) * side])
            if self._faces(side):
                self._side(body, side)

    def _half_at(self, height: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the sides are from the middle at some heights."""
        shape = self.shape
        top = float(shape.outline[:, 1].max())
        share = ((height - shape.belt) / max(0.2, top - shape.belt)).clip(0, 1)
        low = (0.04 * (1 - height / shape.belt)).clip(0, 1)
        half: NDArray[np.float64] = shape.width / 2 - shape.inset * share - low
        return half

    def _put(self, local: Points, base: Colour, gloss: float) -> None:
        """A piece of the shell, unless it is turned away from the eye."""
        light = self.sheet.light
        corners = self.world(local)
        normal = _normal(corners)
        if np.dot(normal, corners[0] + corners[2] - 2 * self.core) < 0:
            normal = -normal
        if np.dot(normal, self.eye - corners[0]) <= 0:
            return
        # Paint mirrors the sky above and the road below.
        mirror = light.haze if normal[1] > 0.12 else light.haze * 0.35
        lit = base * light.on(normal) * (1 - gloss) + mirror * gloss
        places = self.sheet.view.clipped(corners)
        self.sheet.polygon(places, ink(light.through_air(lit, self.depth)), VEHICLE)

    def _skirt(self, aside: float) -> None:
        """The dark between the wheels."""
        start, end = 0.3, self.shape.length - 0.3
        corners = np.array(
            [
                [start, 0.1, aside],
                [end, 0.1, aside],
                [end, 0.5, aside],
                [start, 0.5, aside],
            ]
        )
        dark = ink(self.sheet.light.through_air(colour(0.02, 0.02, 0.02), self.depth))
        self.sheet.polygon(self.sheet.view.clipped(self.world(corners)), dark, VEHICLE)

    def _segment(self, index: int, inner: Points, aside: NDArray[np.float64]) -> None:
        """The shell between two points of the outline, from one side over to the other."""
        shape, look = self.shape, self.look
        pair = slice(index, index + 2)
        small = self.scale * shape.length < 30
        upper_left = np.column_stack([shape.outline, aside - 0.06])[pair]
        upper_right = np.column_stack([shape.outline, 0.06 - aside])[pair]
        strip = np.concatenate([upper_left, upper_right[::-1]])
        self._put(strip, look.paint, 0.12)
        if not small:
            for side, upper in ((1, upper_left), (-1, upper_right)):
                edge = np.column_stack([inner, aside * side])[pair]
                self._put(np.concatenate([edge, upper[::-1]]), look.paint, 0.22)
        first, last = shape.roof
        if (index == first - 1 and shape.glass_front) or (index == last and shape.glass_back):
            self._put(_shrunk(strip, 0.9), look.glass, look.mirrored)
        if not small and (index < 2 or index >= len(shape.outline) - 3):
            self._end_details(strip, index)

    def _end_details(self, strip: Points, index: int) -> None:
        """Lamps, grille, plate and bumper on the nose and the tail."""
        look, last = self.look, len(self.shape.outline) - 2
        if index in (0, last):
            self._put(_part(strip, 0.06, 0.94, 0.1, 0.9), look.trim, 0.05)
        if index not in (1, last - 1):
            return
        lamp = colour(0.85, 0.85, 0.82) if index == 1 else colour(0.6, 0.05, 0.05)
        if look.lamps_on:
            lamp = lamp * 1.8
        for start, end in ((0.02, 0.22), (0.78, 0.98)):
            self._put(_part(strip, start, end, 0.45, 0.9), lamp, 0.1)
        if index == 1:
            self._put(_part(strip, 0.28, 0.72, 0.35, 0.85), look.trim * 0.6, 0.05)
        self._put(_part(strip, 0.4, 0.6, 0.05, 0.3), colour(0.85, 0.85, 0.8), 0.0)

    def _faces(self, side: int) -> bool:
        """Whether the eye sees a long side from outside."""
        half = self.shape.width / 2
        near, far = self.world(np.array([[0, 0.5, side * half], [0, 0.5, side * 2.0]]))
        return bool(np.dot(far - near, self.eye - near) > 0)

    def _side(self, body: Points, side: int) -> None:
        """One long side: sheet metal, windows, door lines and wheels."""
        shape, look = self.shape, self.look
        self._put(body, look.paint, 0.1)
        low = body[:, 1].clip(None, shape.belt)
        sill = np.column_stack([body[:, 0], low.clip(None, 0.45), self._half_at(low) * side])
        self._put(sill, look.paint * 0.72, 0.08)
        if look.stripe is not None:
            start, end = 0.05, shape.length - 0.05
            levels = np.array([0.55, 0.55, 0.9, 0.9]) * shape.belt
            aside = self._half_at(np.full(4, shape.belt * 0.8)) * side
            band = np.column_stack([[start, end, end, start], levels, aside])
            self._put(band, np.asarray(look.stripe, np.float32), 0.05)
        for start, end in shape.windows:
            self._window(body, side, start, end)
        if self.scale > 22:
            self._doors(side)
        for wheel in shape.wheels:
            self._wheel(wheel, side)

    def _window(self, body: Points, side: int, start: float, end: float) -> None:
        along = np.linspace(start, end, 6)
        bottom = np.full(6, self.shape.belt + 0.02)
        high = np.maximum(np.interp(along, body[:, 0], body[:, 1]) - 0.09, bottom)
        low_edge = np.column_stack([along, bottom, self._half_at(bottom) * side])
        high_edge = np.column_stack([along, high, self._half_at(high) * side])
        pane = np.concatenate([low_edge, high_edge[::-1]])
        self._put(pane, self.look.glass, self.look.mirrored)

    def _doors(self, side: int) -> None:
        shape, light = self.shape, self.sheet.light
        dark = ink(light.through_air(self.look.paint * light.ambient * 0.5, self.depth))
        aside = side * shape.width / 2
        lines = [*(start for start, _ in shape.windows), shape.windows[-1][1]]
        for along in lines[:4]:
            seam = self.world(np.array([[along, 0.35, aside], [along, shape.belt, aside]]))
            places = self.sheet.view.on_sheet(seam).tolist()
            self.sheet.pen.line([(px, py) for px, py in places], fill=dark)

    def _wheel(self, along: float, side: int) -> None:
        shape, sheet, light = self.shape, self.sheet, self.sheet.light
        half = shape.width / 2
        round_it = np.linspace(0, 2 * np.pi, 18, endpoint=False)

        def disc(
            angles: NDArray[np.float64], reach: NDArray[np.float64] | float, out: float
        ) -> Points:
            corners = np.column_stack(
                [
                    along + np.cos(angles) * reach,
                    shape.wheel + np.sin(angles) * reach,
                    np.full(len(angles), out * side),
                ]
            )
            return sheet.view.clipped(self.world(corners))

        arch = light.through_air(colour(0.03, 0.03, 0.03), self.depth)
        tyre = light.through_air(colour(0.1, 0.1, 0.1) * light.ambient * 1.5, self.depth)
        rim = light.through_air(self.look.rim * light.on((0, 0.1, -0.9)), self.depth)
        for share, out, tone in (
            (1.18, half - 0.005, arch),
            (1.0, half + 0.01, tyre),
            (0.66, half + 0.015, rim),
        ):
            sheet.polygon(disc(round_it, shape.wheel * share, out), ink(tone), VEHICLE)
        for spoke in range(self.look.spokes if self.scale * shape.wheel > 6 else 0):
            angle = 2 * np.pi * (spoke + 0.5) / self.look.spokes
            spread = np.array([angle - 0.3, angle + 0.3, angle])
            gap = disc(spread, np.array([0.58, 0.58, 0.18]) * shape.wheel, half + 0.02)
            sheet.polygon(gap, ink(rim * 0.25), VEHICLE)
        hub = disc(round_it, shape.wheel * 0.14, half + 0.02)
        sheet.polygon(hub, ink(rim * 0.6), VEHICLE)


def _normal(corners: Points) -> Points:
    """Of a roughly flat polygon, length 1; one of its two."""
    third = len(corners) // 3
    ax, ay, az = (corners[third] - corners[0]).tolist()
    bx, by, bz = (corners[2 * third] - corners[0]).tolist()
    normal = np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
    upright: Points = normal / (np.sqrt(normal @ normal) + 1e-9)
    return upright


def _shrunk(corners: Points, share: float) -> Points:
    middle = corners.mean(axis=0)
    smaller: Points = middle + (corners - middle) * share
    return smaller


def _part(strip: Points, start: float, end: float, low: float, high: float) -> Points:
    """A piece of a strip [left a, left b, right b, right a]: shares across and from a to b."""
    a_left, b_left, b_right, a_right = strip

    def at(across: float, up: float) -> Points:
        left = a_left + (b_left - a_left) * up
        right = a_right + (b_right - a_right) * up
        spot: Points = left + (right - left) * across
        return spot

    return np.stack([at(start, low), at(start, high), at(end, high), at(end, low)])
