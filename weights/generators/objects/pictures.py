"""Pictures of a subject before a background, with the subject's exact silhouette as mask.

Everything is drawn from one random generator, so a picture depends on it alone. Shares and sizes
below are the parameters of the task; VERSION counts up whenever a change alters the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from weights.generators.common import (
    Field,
    blur,
    camera,
    chance,
    grid,
    log_uniform,
    power_noise,
    smooth_field,
)
from weights.generators.objects.animals import bird, fish, quadruped
from weights.generators.objects.colours import colour, material
from weights.generators.objects.heads import animal_head
from weights.generators.objects.outlines import Outline, Part, Thing, wobbly
from weights.generators.objects.people import person, portrait
from weights.generators.objects.render import (
    Drawn,
    Light,
    cast_shadow,
    draw,
    mask_of,
    placed,
    random_light,
)
from weights.generators.objects.scenes import Ground, bokeh, out_of_focus, random_ground
from weights.generators.objects.shapes import blob, plant, tool
from weights.generators.objects.things import crockery, furniture, tower
from weights.generators.objects.vehicles import car, craft, cycle

VERSION = 2

LEAST, MOST = 0.03, 0.88
"""Share of the picture that subjects cover, when there are any."""
EMPTY = 0.05
"""Share of pictures without a subject."""

CUT = 0.15
"""Share of subjects, beside busts, whose lower part lies below the frame: half-length pictures."""

Maker = Callable[[np.random.Generator], Thing]

FAMILIES: tuple[tuple[Maker, float], ...] = (
    (quadruped, 0.15),
    (animal_head, 0.13),
    (portrait, 0.16),
    (person, 0.11),
    (bird, 0.06),
    (fish, 0.03),
    (car, 0.07),
    (cycle, 0.04),
    (craft, 0.04),
    (tower, 0.07),
    (crockery, 0.07),
    (furniture, 0.04),
    (plant, 0.05),
    (tool, 0.03),
    (blob, 0.09),
)
_SHARES = np.cumsum([share for _, share in FAMILIES])


def random_thing(rng: np.random.Generator) -> Thing:
    """Any object, not yet placed."""
    return FAMILIES[int(np.searchsorted(_SHARES, rng.random() * _SHARES[-1]))][0](rng)


def _bounds(thing: Thing) -> tuple[Outline, Outline]:
    corners = np.concatenate([part.outline for part in thing.parts])
    return corners.min(axis=0), corners.max(axis=0)


def _turned(rng: np.random.Generator, thing: Thing) -> Thing:
    """Mirrored by chance, and tilted: a little when it stands, anyhow when it does not."""
    angle = rng.normal(0, 0.06) if thing.grounded or thing.cut else rng.uniform(-0.9, 0.9)
    mirror = -1.0 if chance(rng, 0.5) else 1.0
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c * mirror, -s], [s * mirror, c]])
    matrix = matrix * np.exp(rng.normal(0, 0.08, 2))
    bend = _bend(rng)
    parts = [
        replace(p, outline=bend(p.outline), hole=None if p.hole is None else bend(p.hole))
        for p in placed(thing, matrix, np.zeros(2))
    ]
    return replace(thing, parts=parts)


def _bend(rng: np.random.Generator) -> Callable[[Outline], Outline]:
    """A smooth distortion of the plane, so that no two things of a family are alike."""
    strength = log_uniform(rng, 0.01, 0.12)
    waves = rng.normal(0, 1.6, (3, 2))
    ways = rng.normal(0, strength, (3, 2))
    phases = rng.uniform(0, 2 * np.pi, 3)
    return lambda points: points + np.sin(points @ waves.T + phases) @ ways


def _place(
    rng: np.random.Generator, thing: Thing, size: int, horizon: float, reach: float, close: bool
) -> tuple[Thing, float]:
    """The thing in pixels, and its longest side; `reach` is that side as a share of the frame."""
    thing = _turned(rng, thing)
    low, high = _bounds(thing)
    if thing.cut:
        # A bust's height counts down to where the frame cuts it.
        high = np.array([high[0], low[1] + (high[1] - low[1]) * rng.uniform(0.45, 0.85)])
    extent = high - low
    scale = reach * size / float(extent.max())
    middle = np.array([rng.normal(0.5, 0.11), rng.normal(0.5, 0.08)]) * size
    spot = middle - scale * (low + high) / 2
    if thing.cut and close:
        # Head first: where the frame cuts a bust close by, it cuts the breast.
        spot[1] = size * rng.uniform(-0.3, 0.06) - scale * low[1]
    elif thing.cut:
        spot[1] = size * rng.uniform(1.0, 1.05) - scale * high[1]
    elif thing.grounded and not close:
        floor = size * rng.uniform(min(0.93, max(0.55, horizon + 0.03)), 0.98)
        spot[1] = min(floor, size * 0.99) - scale * high[1]
        if spot[1] + scale * low[1] < 0:
            spot[1] = size * 0.5 - scale * (low[1] + high[1]) / 2
    if close:
        spot = spot + rng.normal(0, 0.14, 2) * size
    parts = placed(thing, np.eye(2) * scale, spot)
    return replace(thing, parts=parts), float(reach * size)


def _grain(rng: np.random.Generator, size: int) -> Field:
    """Unevenness at all scales, as every real surface has it: factors (size, size, 1)."""
    noise = power_noise(rng, size, rng.uniform(1.4, 2.6)) * log_uniform(rng, 0.02, 0.18)
    factors: Field = np.exp(noise)[..., None]
    return factors


def _apart(drawn: Drawn, scene: Field, least: float) -> Drawn:
    """The object with its colours moved until they differ enough from what surrounds it."""
    cover = drawn.cover
    around = blur(cover, 0.06 * len(cover)) * (1 - cover)
    if around.sum() < 1 or cover.sum() < 1:
        return drawn
    outside = (scene * around[..., None]).sum((0, 1)) / around.sum()
    inside = (drawn.colours * cover[..., None]).sum((0, 1)) / cover.sum()
    spread = float(np.abs(drawn.colours - inside).mean(axis=2)[cover > 0.5].mean())
    gap = float(np.linalg.norm(inside - outside)) + 0.5 * spread
    if gap >= least:
        return drawn
    way = 1.0 if inside.mean() > outside.mean() else -1.0
    if outside.mean() > 0.72:
        way = -1.0
    elif outside.mean() < 0.22:
        way = 1.0
    missing = (least - gap) / np.sqrt(3)
    mean = max(0.05, float(inside.mean()))
    gain = np.clip(1 + way * missing / mean * 0.8, 0.2, 3)
    shifted = drawn.colours * gain + way * missing * 0.3 * cover[..., None]
    return Drawn(np.clip(shifted, 0, 1).astype(np.float32), cover)


def _behind(rng: np.random.Generator, scene: Field, ground: Ground, light: Light) -> Field:
    """Distractors: small, cut by the frame, or faint things that are not the subject."""
    size = len(scene)
    for _ in range(int(rng.choice([0, 0, 0, 1, 2, 4]))):
        thing = random_thing(rng)
        reach = rng.uniform(0.06, 0.22)
        put, pixels = _place(rng, replace(thing, cut=False), size, ground.horizon, reach, False)
        shift = np.array([rng.uniform(-0.55, 0.55), -rng.uniform(0, 0.25)]) * size
        put = replace(put, parts=placed(put, np.eye(2), shift))
        drawn = draw(rng, put, size, light, pixels)
        amount = (drawn.cover * rng.uniform(0.4, 1.0))[..., None]
        scene = scene * (1 - amount) + drawn.colours * amount
    if chance(rng, 0.15):
        # A rock, a bank, a table: what a subject may sit on is none.
        bulk = wobbly(rng, rng.uniform(0.1, 0.9), 0, rng.uniform(0.3, 0.7), 0.1)
        bulk = (bulk + np.array([0, rng.uniform(0.95, 1.2)])) * size
        kind = str(rng.choice(["stone", "earth", "wood", "grass", "cloth"]))
        rock = Thing([Part(bulk, "rock")], rough=0.004, stuff={"rock": kind})
        drawn = draw(rng, rock, size, light, size)
        scene = scene * (1 - drawn.cover[..., None]) + drawn.colours * drawn.cover[..., None]
    if chance(rng, 0.2):
        # Posts, trunks, door frames: upright things tied to the frame.
        for _ in range(int(rng.integers(1, 4))):
            x, half = rng.uniform(0, size), log_uniform(rng, 0.006, 0.06) * size
            columns = np.arange(size)[None]
            lean = (np.arange(size)[:, None] / size - 0.5) * rng.normal(0, 0.05) * size
            post = np.clip(half - np.abs(columns - x - lean) + 0.5, 0, 1)[..., None]
            bottom = rng.uniform(0.6, 1.1) * size
            post = post * (np.arange(size)[:, None, None] < bottom)
            rows, cols = (place * np.float32(128 / size) for place in grid(size))
            stuff = material(rng, str(rng.choice(["trees", "wood", "stone", "metal"])), 0.3)
            scene = scene * (1 - post) + stuff.paint(rows, cols) * post
    return scene


def _before(rng: np.random.Generator, scene: Field, mask: Field) -> tuple[Field, Field]:
    """Blurred grass, leaves or a rail between the subject and the camera, at the lower edge."""
    size = len(scene)
    line = power_noise(rng, size, rng.uniform(0.8, 2.4))[0]
    top = size * (1 - rng.uniform(0.02, 0.14)) + line * size * rng.uniform(0.01, 0.05)
    cover = np.clip(np.arange(size)[:, None] - top[None] + 0.5, 0, 1).astype(np.float32)
    rows, columns = (place * np.float32(128 / size) for place in grid(size))
    kind = str(rng.choice(["grass", "leaf", "earth", "snow", "wood"]))
    paint = material(rng, kind).paint(rows, columns)
    soft = log_uniform(rng, 0.003, 0.03) * size
    cover = blur(cover, soft)
    amount = cover[..., None]
    return scene * (1 - amount) + blur(paint, soft) * amount, mask * (cover < 0.5)


def _reach(rng: np.random.Generator, thing: Thing) -> tuple[float, bool]:
    """The longest side of the subject as a share of the frame, and whether it is a close-up."""
    if thing.cut:
        close = chance(rng, 0.4)
        return rng.uniform(1.05, 1.8) if close else rng.uniform(0.65, 1.2), close
    low, high = _bounds(thing)
    extent = high - low
    # The share of the frame that its box covers; what is long and narrow may fill its length.
    share = log_uniform(rng, 0.1, 0.75)
    reach = float(np.sqrt(share * extent.max() / extent.min()))
    if chance(rng, 0.13):
        return max(reach, rng.uniform(1.0, 1.5)), True
    return float(np.clip(reach, 0.3, rng.uniform(0.8, 1.05))), False


def _subjects(
    rng: np.random.Generator, scene: Field, ground: Ground, light: Light
) -> tuple[Field, Field]:
    """The scene with one, two or three subjects, and how much they cover."""
    size = len(scene)
    total = np.zeros((size, size), np.float32)
    count = int(rng.choice([1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3]))
    maker = FAMILIES[int(np.searchsorted(_SHARES, rng.random() * _SHARES[-1]))][0]
    least = log_uniform(rng, 0.1, 0.45)
    shadow = rng.random()
    edge = rng.uniform(0.0, 0.9) if chance(rng, 0.5) else rng.uniform(0.0, 0.4)
    for k in range(count):
        thing = maker(rng) if chance(rng, 0.8) else random_thing(rng)
        if chance(rng, CUT):
            thing = replace(thing, cut=True)
        reach, close = _reach(rng, thing)
        if count > 1:
            reach, close = min(reach, 0.85) * rng.uniform(0.55, 0.8), False
        put, pixels = _place(rng, thing, size, ground.horizon, reach, close)
        if count > 1:
            aside = (k - (count - 1) / 2) * rng.uniform(0.2, 0.7) / (count - 1) * size
            put = replace(put, parts=placed(put, np.eye(2), np.array([aside, 0.0])))
        drawn = draw(rng, put, size, light, pixels)
        drawn = _apart(Drawn(drawn.colours * _grain(rng, size), drawn.cover), scene, least)
        if shadow < 0.6:
            dark = cast_shadow(rng, drawn.cover, light, thing.grounded)
            scene = scene * (1 - dark)[..., None]
        soft = edge * size / 128
        cover = blur(drawn.cover, soft)[..., None]
        # Colours bleed outwards a little, or a soft edge would be dark.
        bled = blur(drawn.colours * drawn.cover[..., None], soft) / np.maximum(cover, 1e-3)
        scene = scene * (1 - cover) + bled * cover
        total = np.maximum(total, drawn.cover)
    return scene, total


def _air(rng: np.random.Generator, scene: Field) -> Field:
    """What lies over all: haze, light falling in, flare."""
    size = len(scene)
    if chance(rng, 0.12):
        haze = rng.uniform(0.05, 0.45)
        scene = scene * (1 - haze) + colour(rng, "sky") * haze
    if chance(rng, 0.15):
        y, x = rng.uniform(-0.2, 0.7) * size, rng.uniform(0, 1) * size
        rows, columns = grid(size)
        glow = np.exp(-np.hypot(rows - y, columns - x) / (rng.uniform(0.1, 0.5) * size))
        scene = scene + colour(rng, "lit") * (glow * rng.uniform(0.1, 0.6))[..., None]
    if chance(rng, 0.35):
        light = 1 + smooth_field(rng, size, int(rng.integers(1, 4))) * rng.uniform(0, 0.35)
        scene = scene * light[..., None]
    if chance(rng, 0.25):
        rows, columns = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j].astype(np.float32)
        scene = scene * (1 - rng.uniform(0.1, 0.5) * (rows**2 + columns**2) / 2)[..., None]
    warm = np.exp(rng.normal(0, 0.07)) ** np.array([1, 0, -1], np.float32)
    return scene * warm


def generate(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One picture (size, size, 3) and its mask (size, size) of 0 and 1, both uint8.

    Unless the picture is empty, subjects cover LEAST to MOST of it.
    """
    while True:
        light = random_light(rng)
        ground = random_ground(rng, size)
        scene = _behind(rng, ground.scene * _grain(rng, size), ground, light)
        if chance(rng, 0.08):
            scene = bokeh(rng, scene)
        scene = out_of_focus(rng, scene)
        cover = np.zeros((size, size), np.float32)
        empty = chance(rng, EMPTY)
        if not empty:
            scene, cover = _subjects(rng, scene, ground, light)
            if chance(rng, 0.08):
                scene, cover = _before(rng, scene, cover)
        mask = mask_of(cover)
        if empty or LEAST <= mask.mean() <= MOST:
            break
    noise = log_uniform(rng, 0.004, 0.04) if chance(rng, 0.45) else 0.003
    picture = camera(rng, _air(rng, scene).astype(np.float32), noise)
    return picture, mask.astype(np.uint8)
