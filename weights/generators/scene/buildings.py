"""Houses, blocks, towers and skylines of a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from weights.generators.common import chance, log_uniform
from weights.generators.scene.facades import Style, facade, random_style
from weights.generators.scene.view import (
    BUILDING,
    Colour,
    Points,
    Sheet,
    Thing,
    colour,
    ink,
    screen_noise,
    varied,
)

ROOFS = (
    colour(0.55, 0.3, 0.22), colour(0.48, 0.27, 0.2), colour(0.33, 0.32, 0.33),
    colour(0.24, 0.24, 0.26), colour(0.42, 0.36, 0.31), colour(0.5, 0.5, 0.5),
    colour(0.3, 0.38, 0.34), colour(0.6, 0.4, 0.3),
)  # fmt: skip
UP = np.array([0.0, 1.0, 0.0])


def footprint(middle: tuple[float, float], width: float, length: float, yaw: float) -> Points:
    """Ground corners (4, 3), in order around, of a block `width` wide at its front."""
    x, z = middle
    across = np.array([np.cos(yaw), 0, -np.sin(yaw)]) * width / 2
    along = np.array([np.sin(yaw), 0, np.cos(yaw)]) * length / 2
    origin = np.array([x, 0.0, z])
    return np.stack(
        [
            origin - across - along,
            origin + across - along,
            origin + across + along,
            origin - across + along,
        ]
    )


def block(
    rng: np.random.Generator, corners: Points, height: float, style: Style, roof: str, depth: float
) -> Thing:
    """A building on four ground corners; roof flat, gable, hip or spire."""
    tone = varied(rng, ROOFS[int(rng.integers(len(ROOFS)))], 0.15)
    rise = 0.0
    if roof != "flat":
        narrow = min(
            np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[1])
        )
        rise = float(narrow) * (rng.uniform(0.25, 0.6) if roof != "spire" else rng.uniform(1, 3))
    chimney = roof in ("gable", "hip") and chance(rng, 0.4)
    clutter = roof == "flat" and chance(rng, 0.4)

    def paint(sheet: Sheet) -> None:
        if not sheet.view.shows(np.concatenate([corners, corners + UP * (height + 1.2 * rise)])):
            return
        if clutter:
            _roof_clutter(sheet, corners, height)
        visible = _facing(sheet, corners)
        for here, there in visible:
            wall(sheet, corners[here], corners[there], height, style)
        if rise:
            _roof(sheet, corners, height, rise, roof, tone, style)
        if chimney:
            _chimney(sheet, corners, height, rise, style)

    lifted = corners + UP * (height + 0.5 * rise)
    return Thing(depth=depth, paint=paint, shadow=lifted, contact=corners * 1.0)


def _facing(sheet: Sheet, corners: Points) -> list[tuple[int, int]]:
    """The sides that the eye sees, as (left corner, right corner), the farther ones first."""
    eye = np.array([0.0, 0.0, 0.0])
    centre = corners.mean(axis=0)
    sides = []
    for here in range(4):
        there = (here + 1) % 4
        edge = corners[there] - corners[here]
        outward = np.array([edge[2], 0, -edge[0]])
        middle = (corners[here] + corners[there]) / 2
        if np.dot(outward, middle - centre) < 0:
            outward = -outward
        if np.dot(outward, eye - middle) > 0:
            left, right = (here, there)
            # Seen from outside, the outward side of left -> right is up x across.
            if np.dot(np.cross(UP, corners[right] - corners[left]), outward) < 0:
                left, right = right, left
            sides.append((-float(np.linalg.norm(middle)), left, right))
    return [(left, right) for _, left, right in sorted(sides)]


def wall(
    sheet: Sheet, left: Points, right: Points, height: float, style: Style, label: int = BUILDING
) -> None:
    """One upright side of a building, from its left ground corner to its right one."""
    across = right - left
    metres = (float(np.linalg.norm(across)), height)
    places = sheet.view.on_sheet(np.stack([left, right, left + UP * height, right + UP * height]))
    spread = (
        np.abs(places[0] - places[1])[0],
        max(abs(places[0] - places[2])[1], abs(places[1] - places[3])[1]),
    )
    side = sheet.view.side
    room = (min(float(spread[0]) * 1.3, 1.5 * side), min(float(spread[1]), 1.5 * side))
    texture = facade(sheet.rng, sheet.light, style, metres, room)
    sheet.plane(left, across, UP * height, texture, label)


def _roof(
    sheet: Sheet, corners: Points, height: float, rise: float, kind: str, tone: Colour, style: Style
) -> None:
    base = corners + UP * height
    centre = base.mean(axis=0)
    over = base + (base - centre) * 0.06 - UP * 0.03 * height
    top = centre + UP * rise
    first, second = (base[0] + base[3]) / 2, (base[1] + base[2]) / 2
    if kind == "gable":
        ridge = np.stack([first, second]) + UP * rise
        if np.linalg.norm(base[1] - base[0]) < np.linalg.norm(base[2] - base[1]):
            ridge = np.stack([(base[0] + base[1]) / 2, (base[2] + base[3]) / 2]) + UP * rise
            slopes = [
                (over[0], over[3], ridge[1], ridge[0]),
                (over[1], over[2], ridge[1], ridge[0]),
            ]
            ends = [(base[0], base[1], ridge[0]), (base[2], base[3], ridge[1])]
        else:
            slopes = [
                (over[0], over[1], ridge[1], ridge[0]),
                (over[3], over[2], ridge[1], ridge[0]),
            ]
            ends = [(base[0], base[3], ridge[0]), (base[1], base[2], ridge[1])]
        faces = [(np.stack(slope), tone) for slope in slopes]
        faces += [(np.stack(end), style.wall) for end in ends]
    else:
        faces = [(np.stack([over[here], over[(here + 1) % 4], top]), tone) for here in range(4)]
        if kind == "hip":
            faces = _hipped(over, centre, rise, tone)
    eye = np.array([0.0, sheet.view.eye, 0.0])
    ordered = sorted(faces, key=lambda face: -float(np.linalg.norm(face[0].mean(axis=0) - eye)))
    for face, paint in ordered:
        normal = np.cross(face[1] - face[0], face[2] - face[0])
        normal = normal / (np.linalg.norm(normal) + 1e-9)
        if np.dot(normal, face.mean(axis=0) - centre + UP * 0.2 * rise) < 0:
            normal = -normal
        if np.dot(normal, eye - face[0]) > 0:
            sheet.face(face, paint, normal, BUILDING)
            if paint is tone:
                _tiles(sheet, face, tone, normal)


def _hipped(over: Points, centre: Points, rise: float, tone: Colour) -> list[tuple[Points, Colour]]:
    wide = np.linalg.norm(over[1] - over[0]) > np.linalg.norm(over[2] - over[1])
    order = over if wide else np.roll(over, -1, axis=0)
    left, right = (order[0] + order[3]) / 2, (order[1] + order[2]) / 2
    inset = 0.35
    first = left + (right - left) * inset + UP * rise
    second = right + (left - right) * inset + UP * rise
    return [
        (np.stack([order[0], order[1], second, first]), tone),
        (np.stack([order[3], order[2], second, first]), tone),
        (np.stack([order[0], order[3], first]), tone),
        (np.stack([order[1], order[2], second]), tone),
    ]


def _tiles(sheet: Sheet, face: Points, tone: Colour, normal: Points) -> None:
    """Courses along a roof's slope."""
    if len(face) < 4:
        return
    places = sheet.view.on_sheet(face)
    tall = float(np.abs(places[0] - places[3]).max())
    count = int(np.clip(tall / 5, 0, 22))
    depth = float(sheet.view.depth(face).mean())
    paint = sheet.light.shaded(tone * 0.8, normal, depth)
    if float(sheet.view.depth(face).min()) < 1:
        return
    for course in range(1, count):
        share = course / count
        ends = np.stack(
            [face[0] + (face[3] - face[0]) * share, face[1] + (face[2] - face[1]) * share]
        )
        spots = sheet.view.on_sheet(ends).clip(-3000, 3000).tolist()
        sheet.pen.line([(x, y) for x, y in spots], fill=paint)


def _chimney(sheet: Sheet, corners: Points, height: float, rise: float, style: Style) -> None:
    rng = sheet.rng
    spot = corners.mean(axis=0) + (corners[0] - corners[1]) * rng.uniform(-0.35, 0.35)
    half, tall = rng.uniform(0.3, 0.6), height + rise * rng.uniform(0.9, 1.3) + 0.6
    for (dx0, dz0), (dx1, dz1), normal in (
        ((-1, -1), (1, -1), (0, 0, -1)),
        ((1, -1) if spot[0] < 0 else (-1, -1), (1, 1) if spot[0] < 0 else (-1, 1),
         (1 if spot[0] < 0 else -1, 0, 0)),
    ):  # fmt: skip
        foot = np.array([[dx0, 0, dz0], [dx1, 0, dz1]]) * half + spot
        low, high = foot + UP * (height + 0.55 * rise), foot + UP * tall
        face = np.concatenate([low, high[::-1]])
        sheet.face(face, style.wall * 0.85, np.array(normal, float), BUILDING)


def _roof_clutter(sheet: Sheet, corners: Points, height: float) -> None:
    """Plant rooms, tanks and masts that look over a flat roof."""
    rng = sheet.rng
    centre = corners.mean(axis=0)
    for _ in range(int(rng.integers(1, 4))):
        spot = centre + (corners[1] - corners[0]) * rng.uniform(-0.35, 0.35)
        half, tall = rng.uniform(0.6, 2.5), rng.uniform(1.5, 4)
        face = np.array([[-half, 0, 0], [half, 0, 0], [half, tall, 0], [-half, tall, 0]])
        tone = varied(rng, colour(0.6, 0.6, 0.6), 0.25)
        sheet.face(face + spot + UP * height, tone, np.array([0, 0, -1.0]), BUILDING)


def random_block(
    rng: np.random.Generator,
    corners: Points,
    depth: float,
    *,
    kind: str = "town",
) -> Thing:
    """A building that fits its lot: a house, something in a town, or a tower."""
    if kind == "house":
        style = replace(
            random_style(rng, "windows"), shop=False, balconies=False, bay=rng.uniform(2.6, 4.5)
        )
        height = rng.uniform(2.6, 3.4) * int(rng.choice([1, 2], p=[0.45, 0.55]))
        roof = str(rng.choice(["gable", "hip", "flat"], p=[0.65, 0.28, 0.07]))
    elif kind == "tower":
        style = random_style(
            rng, str(rng.choice(["windows", "glass", "ribbon"], p=[0.4, 0.35, 0.25]))
        )
        height = log_uniform(rng, 25, 130)
        roof = "flat" if chance(rng, 0.9) else "spire"
    else:
        style = random_style(rng)
        height = style.storey * int(rng.integers(2, 8))
        roof = str(rng.choice(["flat", "gable", "hip"], p=[0.68, 0.17, 0.15]))
    return block(rng, corners, height, style, roof, depth)


def skyline(sheet: Sheet, depth: float, tallest: float) -> None:
    """Buildings so far away that only their outline, their light side and window rows show."""
    rng, view = sheet.rng, sheet.view
    scale = view.focal / depth
    foot = view.horizon + view.focal * view.eye / depth + 1
    lost = depth > 1.7 * sheet.light.clear
    if lost or foot < 0 or foot - tallest * scale > view.side:
        return
    x = rng.uniform(-0.3, 0.3) * view.side
    end = view.side * rng.uniform(0.7, 1.3)
    side = 1.0 if chance(rng, 0.5) else -1.0
    while x < end:
        width = log_uniform(rng, 8, 45) * scale
        height = tallest * rng.uniform(0.12, 1.0) ** 1.7 * scale
        style = random_style(rng)
        if chance(rng, 0.72) and width > 1.5 and height > 1.5:
            _far_block(sheet, style, (x, foot), (width, height), depth, side)
        x += width * rng.uniform(0.5, 1.5)


def _far_block(
    sheet: Sheet,
    style: Style,
    corner: tuple[float, float],
    size: tuple[float, float],
    depth: float,
    side: float,
) -> None:
    rng, view = sheet.rng, sheet.view
    (x, foot), (width, height) = corner, size
    scale = view.focal / depth
    texture = facade(rng, sheet.light, style, (width / scale, height / scale), size, False)
    texture = texture.resize((max(1, round(width)), max(1, round(height))), Image.Resampling.BOX)
    pixels = np.asarray(texture, np.float32) / 255 * sheet.light.on((0.0, 0.0, -1.0))
    pixels = pixels * (1 + 0.04 * screen_noise(rng, 1.4, pixels.shape[:2]))[..., None]
    cut = round(pixels.shape[1] * rng.uniform(0.15, 0.5))
    part = np.s_[:, :cut] if side > 0 else np.s_[:, -cut:]
    if cut:
        pixels[part] *= rng.uniform(0.6, 1.3)
    seen = sheet.light.through_air(pixels, depth).clip(0, 1)
    shown = Image.fromarray((seen * 255).astype(np.uint8))
    sheet.paste(shown, Image.new("L", shown.size, 255), (round(x), round(foot - height)), BUILDING)
    if chance(rng, 0.12):
        top = foot - height
        middle = x + width / 2
        tip = np.array(
            [
                [middle, top - height * rng.uniform(0.1, 0.4)],
                [middle + width * 0.1, top + 1],
                [middle - width * 0.1, top + 1],
            ]
        )
        tone = sheet.light.through_air(style.wall * sheet.light.on((0.0, 0.0, -1.0)), depth)
        sheet.polygon(tip, ink(tone), BUILDING)


def mast(rng: np.random.Generator, x: float, z: float) -> Thing:
    """A lattice tower that the sky shines through."""
    height, half = rng.uniform(15, 60), rng.uniform(0.8, 4)
    tone = varied(
        rng, colour(0.35, 0.33, 0.33) if chance(rng, 0.7) else colour(0.6, 0.3, 0.22), 0.2
    )
    taper = rng.uniform(0.05, 1.0)

    def paint(sheet: Sheet) -> None:
        scale = sheet.view.focal / max(1.0, float(sheet.view.depth(np.array([[x, 0, z]]))[0]))
        width = max(1.0, 0.14 * half * scale)
        depth = z
        steps = int(np.clip(height / half / 1.2, 4, 16))
        levels = np.linspace(0, 1, steps + 1)
        spread = half * (1 - (1 - taper) * levels**0.8)
        for side, other in ((-1, 1), (1, -1)):
            near = np.stack([x + side * spread, levels * height, np.full(steps + 1, z)], axis=1)
            far = np.stack([x + other * spread, levels * height, np.full(steps + 1, z)], axis=1)
            dark = sheet.light.shaded(tone, (0.7 * side, 0, -0.7), depth)
            rail = sheet.view.on_sheet(near)
            sheet.line(rail, width, dark, BUILDING)
            across = sheet.view.on_sheet(far)
            for step in range(steps):
                sheet.line(np.stack([rail[step], across[step + 1]]), width * 0.6, dark, BUILDING)

    return Thing(depth=z, paint=paint)
