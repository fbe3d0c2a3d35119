"""Streets and landscapes in perspective, with every pixel's class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from weights.generators.common import camera, chance, log_uniform
from weights.generators.scene.land import paint_ground, paint_water, random_material
from weights.generators.scene.landscapes import country, open_land, park
from weights.generators.scene.plan import Plan
from weights.generators.scene.sky import paint_sky, random_weather
from weights.generators.scene.streets import front, parked, street, suburb
from weights.generators.scene.view import FINE, Points, Sheet, Thing, View, screen_noise

VERSION = 1

CLASSES = ("background", "ground", "sky", "building", "tree", "vehicle")
"""Names of the labels 0 to 5."""

Kind: TypeAlias = Callable[[np.random.Generator, int], tuple[View, Plan]]

KINDS: tuple[tuple[Kind, float], ...] = (
    (street, 0.27),
    (suburb, 0.13),
    (parked, 0.15),
    (front, 0.10),
    (country, 0.13),
    (park, 0.13),
    (open_land, 0.09),
)
"""Kinds of scenes and their shares."""


def generate(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One picture (size, size, 3) and its labels (size, size), indices of CLASSES, both uint8."""
    shares = np.array([share for _, share in KINDS])
    kind = KINDS[int(rng.choice(len(KINDS), p=shares / shares.sum()))][0]
    view, plan = kind(rng, size * FINE)
    weather = random_weather(rng)
    sheet = Sheet(rng=rng, view=view, light=weather.light)
    paint_sky(sheet, weather)
    for paint in plan.far:
        paint(sheet)
    paint_ground(sheet, random_material(rng, plan.base), plan.roads)
    if plan.water is not None:
        paint_water(sheet, *plan.water, weather)
        near, far = plan.water
        plan.things = [thing for thing in plan.things if not near < thing.depth < far]
    plan.things = _apart([thing for thing in plan.things if thing.depth > 0.5])
    sheet.cast(plan.things, rng.uniform(0.002, 0.02) * view.side)
    blurred = chance(rng, 0.06)
    nearest = min((thing.depth for thing in plan.things), default=0.0)
    for thing in sorted(plan.things, key=lambda thing: -thing.depth):
        if blurred and thing.depth < nearest + 2:
            _defocus(sheet, thing.depth)
            blurred = False
        thing.paint(sheet)
    _roll(rng, sheet)
    return _developed(rng, sheet)


def _apart(things: list[Thing]) -> list[Thing]:
    """Without those that would stand inside a larger one."""
    kept: list[Thing] = []
    boxes = np.empty((0, 4))
    for thing, box in sorted(
        ((thing, _ground_box(thing)) for thing in things),
        key=lambda pair: -(pair[1][2] - pair[1][0]) * (pair[1][3] - pair[1][1]),
    ):
        inside = (boxes[:, :2] < box[2:]) & (boxes[:, 2:] > box[:2])
        if not inside.all(axis=1).any():
            kept.append(thing)
            boxes = np.concatenate([boxes, box[None]])
    return kept


def _ground_box(thing: Thing) -> Points:
    """(4,) least right and away, most right and away, of nine tenths of where it stands."""
    if thing.contact is None:
        return np.zeros(4)
    low, high = thing.contact[:, [0, 2]].min(axis=0), thing.contact[:, [0, 2]].max(axis=0)
    middle, half = (low + high) / 2, 0.45 * (high - low)
    return np.concatenate([middle - half, middle + half])


def _defocus(sheet: Sheet, depth: float) -> None:
    """Blurs what lies behind the ground at a depth."""
    view = sheet.view
    row = view.horizon + view.focal * view.eye / depth
    soft = sheet.picture.filter(
        ImageFilter.GaussianBlur(view.side * sheet.rng.uniform(0.004, 0.016))
    )
    ramp = np.clip((row - np.arange(view.side)) / (0.08 * view.side), 0, 1) * 255
    mask = Image.fromarray(np.repeat(ramp[:, None], view.side, axis=1).astype(np.uint8))
    sheet.picture.paste(soft, (0, 0), mask)


def _roll(rng: np.random.Generator, sheet: Sheet) -> None:
    """A camera that was not held level, in a quarter of the pictures."""
    if not chance(rng, 0.25):
        return
    angle = rng.normal(0, 3)
    side = sheet.view.side
    grown = round(side * (1 + 1.1 * abs(np.sin(np.radians(angle)))))
    cut = (grown - side) // 2
    box = (cut, cut, cut + side, cut + side)
    picture = sheet.picture.resize((grown, grown), Image.Resampling.BILINEAR)
    labels = sheet.labels.resize((grown, grown), Image.Resampling.NEAREST)
    sheet.replace(
        picture.rotate(angle, Image.Resampling.BILINEAR).crop(box), labels.rotate(angle).crop(box)
    )


GRAIN = np.array([0.03, 0.02, 0.0, 0.03, 0.13, 0.015], np.float32)
"""Deviation of the fine grain of each class's surfaces."""


def _developed(
    rng: np.random.Generator, sheet: Sheet
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The sheet at the picture's size: colours averaged, labels by majority."""
    fine = np.asarray(sheet.labels)
    grain = screen_noise(rng, 0.6, fine.shape) * GRAIN[fine]
    painted = np.asarray(sheet.picture, np.float32) * (1 + grain[..., None])
    a, b, c, d = painted[::2, ::2], painted[1::2, ::2], painted[::2, 1::2], painted[1::2, 1::2]
    small = (a + b + c + d) / np.float32(4 * 255)
    one, two, three, four = fine[::2, ::2], fine[1::2, 1::2], fine[::2, 1::2], fine[1::2, ::2]
    labels = np.where((one == two) | (one == three) | (one == four), one, two)
    labels = np.where(
        (labels == two) & (two != three) & (two != four) & (three == four), three, labels
    )
    noise = log_uniform(rng, 0.004, 0.05) if chance(rng, 0.6) else 0.003
    # A camera exposes for what it sees, and not always well.
    wanted = rng.uniform(0.12, 0.3) if sheet.light.night else rng.uniform(0.36, 0.52)
    small = small * np.float32((wanted / max(0.06, float(small.mean()))) ** 0.8)
    return camera(rng, small, noise, tint=0.04), labels.astype(np.uint8)
