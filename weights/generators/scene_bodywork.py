"""Solids with wheels, windows and lamps, from the outline that they have from their side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from weights.generators.common import chance
from weights.generators.scene_view import (
    VEHICLE,
    Colour,
    Points,
    Sheet,
    Thing,
    colour,
    ink,
    varied,
)

PAINTS = (
    (colour(0.86, 0.86, 0.86), 0.22), (colour(0.1, 0.1, 0.11), 0.18),
    (colour(0.52, 0.53, 0.55), 0.2), (colour(0.3, 0.31, 0.33), 0.12),
    (colour(0.6, 0.09, 0.09), 0.09), (colour(0.12, 0.2, 0.42), 0.09),
    (colour(0.12, 0.3, 0.2), 0.02), (colour(0.85, 0.65, 0.12), 0.04),
    (colour(0.55, 0.5, 0.42), 0.04),
)  # fmt: skip
_SHARES = np.array([share for _, share in PAINTS])

World: TypeAlias = Callable[[Points], Points]
Put: TypeAlias = Callable[[Points, Colour, float], None]
Widths: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]


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
        _paint_solid(sheet, shape, look, world)

    half = shape.width / 2
    foot = world(
        np.array([[0, 0, -half], [0, 0, half], [shape.length, 0, half], [shape.length, 0, -half]])
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


def _paint_solid(sheet: Sheet, shape: Shape, look: _Look, world: World) -> None:
    half = shape.width / 2
    outline = shape.outline
    view, light = sheet.view, sheet.light
    middle = world(np.array([[shape.length / 2, 0.5, 0.0]]))
    depth = float(view.depth(middle)[0])
    reach = shape.length * 0.6
    around = np.array(
        [[-reach, 0, -reach], [reach, 4, reach], [reach, 0, -reach], [-reach, 4, reach]]
    )
    ends = world(np.array([[a, 0, b] for a in (0, shape.length) for b in (-half, half)]))
    if view.depth(ends).min() < 1.2 or not view.shows(middle + around):
        return
    small = view.focal / depth * shape.length < 30
    eye = np.array([0.0, view.eye, 0.0])
    top = float(outline[:, 1].max())

    def half_at(height: NDArray[np.float64]) -> NDArray[np.float64]:
        share = ((height - shape.belt) / max(0.2, top - shape.belt)).clip(0, 1)
        low = (0.04 * (1 - height / shape.belt)).clip(0, 1)
        width: NDArray[np.float64] = half - shape.inset * share - low
        return width

    rail = half_at(outline[:, 1])
    soft = np.minimum(0.1, 0.06 + 0 * rail)
    left = np.column_stack([outline, rail])
    right = np.column_stack([outline, -rail])
    upper_left = np.column_stack([outline, rail - soft])
    upper_right = np.column_stack([outline, soft - rail])
    centre = outline.mean(axis=0)
    inner = outline + (centre - outline) * 0.05
    left[:, :2] = inner
    right[:, :2] = inner

    def put(local: Points, base: Colour, gloss: float) -> None:
        corners = world(local)
        normal = _normal(corners)
        if np.dot(normal, corners[0] + corners[2] - 2 * core) < 0:
            normal = -normal
        if np.dot(normal, eye - corners[0]) <= 0:
            return
        # Paint mirrors the sky above and the road below.
        mirror = light.haze if normal[1] > 0.12 else light.haze * 0.35
        lit = base * light.on(normal) * (1 - gloss) + mirror * gloss
        sheet.polygon(view.clipped(corners), ink(light.through_air(lit, depth)), VEHICLE)

    dark = ink(light.through_air(colour(0.02, 0.02, 0.02), depth))
    core = world(np.array([[shape.length / 2, 0.55 * shape.belt + 0.2, 0.0]]))[0]
    for side in (half - 0.12, 0.12 - half):
        skirt = np.array([[0.3, 0.1, side], [shape.length - 0.3, 0.1, side],
                          [shape.length - 0.3, 0.5, side], [0.3, 0.5, side]])  # fmt: skip
        sheet.polygon(view.clipped(world(skirt)), dark, VEHICLE)
    order = []
    for index in range(len(outline) - 1):
        spot = world(np.array([[*outline[index : index + 2].mean(axis=0), 0.0]]))[0]
        order.append((-float(np.linalg.norm(spot - eye)), index))
    near_left = _nearer(world, shape, eye)
    first, last = shape.roof
    for _, index in sorted(order):
        pair = slice(index, index + 2)
        base, gloss = look.paint, 0.12
        strip = np.concatenate([upper_left[pair], upper_right[pair][::-1]])
        put(strip, base, gloss)
        for edge, upper in ((left, upper_left), (right, upper_right)) if not small else ():
            put(np.concatenate([edge[pair], upper[pair][::-1]]), base, 0.22)
        is_front = index == first - 1 and shape.glass_front
        is_back = index == last and shape.glass_back
        if is_front or is_back:
            inset = _shrunk(strip, 0.9)
            put(inset, look.glass, look.mirrored)
        if not small and (index in (0, 1) or index >= len(outline) - 3):
            _end_details(shape, look, strip, index, put)
    for side in (1, -1) if not near_left else (-1, 1):
        edge = left if side == 1 else right
        body = np.column_stack([edge[:, :2], half_at(edge[:, 1]) * side])
        _side(sheet, shape, look, body, side, half_at, put, world, eye, depth)


def _nearer(world: World, shape: Shape, eye: Points) -> bool:
    """Whether the left side is nearer to the eye than the right one."""
    ends = world(np.array([[shape.length / 2, 0.5, 1.0], [shape.length / 2, 0.5, -1.0]]))
    left, right = np.linalg.norm(ends - eye, axis=1)
    return bool(left < right)


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


def _end_details(shape: Shape, look: _Look, strip: Points, index: int, put: Put) -> None:
    """Lamps, grille and plate on the nose and the tail."""
    front = index < 2
    if index not in (1, len(shape.outline) - 3):
        if index == 0 or index == len(shape.outline) - 2:
            put(_part(strip, 0.06, 0.94, 0.1, 0.9), look.trim, 0.05)
        return
    lamp = colour(0.85, 0.85, 0.82) if front else colour(0.6, 0.05, 0.05)
    if look.lamps_on:
        lamp = lamp * 1.8
    for start, end in ((0.02, 0.22), (0.78, 0.98)):
        put(_part(strip, start, end, 0.45, 0.9), lamp, 0.1)
    if front:
        put(_part(strip, 0.28, 0.72, 0.35, 0.85), look.trim * 0.6, 0.05)
    put(_part(strip, 0.4, 0.6, 0.05, 0.3), colour(0.85, 0.85, 0.8), 0.0)


def _part(strip: Points, start: float, end: float, low: float, high: float) -> Points:
    """A piece of a strip [left a, left b, right b, right a]: shares across and from a to b."""
    a_left, b_left, b_right, a_right = strip

    def at(across: float, up: float) -> Points:
        left = a_left + (b_left - a_left) * up
        right = a_right + (b_right - a_right) * up
        spot: Points = left + (right - left) * across
        return spot

    return np.stack([at(start, low), at(start, high), at(end, high), at(end, low)])


def _side(
    sheet: Sheet,
    shape: Shape,
    look: _Look,
    body: Points,
    side: int,
    half_at: Widths,
    put: Put,
    world: World,
    eye: Points,
    depth: float,
) -> None:
    """One long side: sheet metal, windows, door lines and wheels."""
    light, view = sheet.light, sheet.view
    plane = world(np.array([[0, 0.5, side * shape.width / 2], [1, 0.5, side * shape.width / 2],
                            [0, 0.9, side * shape.width / 2]]))  # fmt: skip
    outward = world(np.array([[0, 0.5, side * 2.0]]))[0] - plane[0]
    if np.dot(outward, eye - plane[0]) <= 0:
        return
    low = body[:, 1].clip(None, shape.belt)
    lower = np.column_stack([body[:, 0], low, half_at(low) * side])
    put(body, look.paint, 0.1)
    sill = np.column_stack([lower[:, 0], lower[:, 1].clip(None, 0.45), half_at(lower[:, 1]) * side])
    put(sill, look.paint * 0.72, 0.08)
    if look.stripe is not None:
        at = half_at(np.full(4, shape.belt * 0.8)) * side
        band = np.column_stack([[0.05, shape.length - 0.05, shape.length - 0.05, 0.05],
                                np.array([0.55, 0.55, 0.9, 0.9]) * shape.belt, at])  # fmt: skip
        put(band, np.asarray(look.stripe, np.float32), 0.05)
    for start, end in shape.windows:
        xs = np.linspace(start, end, 6)
        high = np.interp(xs, body[:, 0], body[:, 1]) - 0.09
        bottom = np.full(6, shape.belt + 0.02)
        high = np.maximum(high, bottom)
        pane = np.concatenate(
            [
                np.column_stack([xs, bottom, half_at(bottom) * side]),
                np.column_stack([xs, high, half_at(high) * side])[::-1],
            ]
        )
        put(pane, look.glass, look.mirrored)
    focal = view.focal / depth
    if focal > 22:
        dark = ink(light.through_air(look.paint * light.ambient * 0.5, depth))
        doors = [*(start for start, _ in shape.windows), shape.windows[-1][1]]
        for at in doors[:4]:
            seam = np.array(
                [[at, 0.35, side * shape.width / 2], [at, shape.belt, side * shape.width / 2]]
            )
            places = view.on_sheet(world(seam)).tolist()
            sheet.pen.line([(px, py) for px, py in places], fill=dark)
    for wheel in shape.wheels:
        _wheel(sheet, shape, look, wheel, side, world, depth)


def _wheel(
    sheet: Sheet, shape: Shape, look: _Look, at: float, side: int, world: World, depth: float
) -> None:
    light, view = sheet.light, sheet.view
    angles = np.linspace(0, 2 * np.pi, 18, endpoint=False)

    def ring(radius: float, out: float) -> Points:
        circle = np.column_stack(
            [
                at + np.cos(angles) * radius,
                shape.wheel + np.sin(angles) * radius,
                np.full(18, out * side),
            ]
        )
        return view.clipped(world(circle))

    half = shape.width / 2
    arch = light.through_air(colour(0.03, 0.03, 0.03), depth)
    sheet.polygon(ring(shape.wheel * 1.18, half - 0.005), ink(arch), VEHICLE)
    tyre = light.through_air(colour(0.1, 0.1, 0.1) * light.ambient * 1.5, depth)
    sheet.polygon(ring(shape.wheel, half + 0.01), ink(tyre), VEHICLE)
    rim = light.through_air(look.rim * light.on((0, 0.1, -0.9)), depth)
    sheet.polygon(ring(shape.wheel * 0.66, half + 0.015), ink(rim), VEHICLE)
    if view.focal / depth * shape.wheel > 6:
        for spoke in range(look.spokes):
            angle = 2 * np.pi * (spoke + 0.5) / look.spokes
            spread = np.array([angle - 0.3, angle + 0.3, angle])
            reach = np.array([0.58, 0.58, 0.18]) * shape.wheel
            gap = np.column_stack(
                [
                    at + np.cos(spread) * reach,
                    shape.wheel + np.sin(spread) * reach,
                    np.full(3, (half + 0.02) * side),
                ]
            )
            sheet.polygon(view.clipped(world(gap)), ink(rim * 0.25), VEHICLE)
    hub = ring(shape.wheel * 0.14, half + 0.02)
    sheet.polygon(hub, ink(rim * 0.6), VEHICLE)
