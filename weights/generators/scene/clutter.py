"""What is none of the classes: people, poles, lamps, signs, fences, benches, bins and crates."""

from __future__ import annotations

import numpy as np
from PIL import Image

from weights.generators.common import Field, chance, log_uniform
from weights.generators.scene.view import (
    BACKGROUND,
    Colour,
    Points,
    Sheet,
    Thing,
    by,
    colour,
    ink,
    varied,
)

SKINS = (colour(0.87, 0.68, 0.55), colour(0.72, 0.5, 0.36), colour(0.45, 0.3, 0.22))
FLAT = np.array([0.0, 0.0, -1.0])


def person(rng: np.random.Generator, x: float, z: float) -> Thing:
    """Someone who stands or walks."""
    tall = rng.uniform(1.5, 1.9) if chance(rng, 0.88) else rng.uniform(0.9, 1.4)
    skin = varied(rng, SKINS[int(rng.integers(len(SKINS)))], 0.1)
    hair = varied(rng, colour(0.2, 0.14, 0.1), 0.4)
    dark = chance(rng, 0.55)
    coat = rng.uniform(0.03, 0.3) * rng.uniform(0.6, 1.3, 3)
    if not dark:
        coat = 0.5 * rng.uniform(0.1, 0.95, 3) + 0.5 * rng.uniform(0.2, 0.8)
    legs = varied(rng, colour(0.16, 0.18, 0.25), 0.4) if chance(rng, 0.7) else coat * 0.8
    long_coat = chance(rng, 0.25)
    stride, swing = rng.uniform(-0.25, 0.25), rng.uniform(-0.2, 0.2)
    turned = rng.uniform(0.6, 1.0)
    bag = chance(rng, 0.3)

    def paint(sheet: Sheet) -> None:
        depth = float(sheet.view.depth(np.array([[x, 1.0, z]]))[0])
        if depth < 1.0:
            return
        scale = tall / 1.75
        light = sheet.light
        sun = 1.0 if light.sun[0] * np.cos(sheet.view.yaw) > 0 else -1.0

        def spot(points: list[tuple[float, float]]) -> Points:
            across, up = (np.array(points, float) * scale).T
            cos, sin = np.cos(sheet.view.yaw), np.sin(sheet.view.yaw)
            return sheet.view.on_sheet(np.column_stack([x + across * cos, up, z - across * sin]))

        def tone(base: Field, side: float) -> tuple[int, int, int]:
            return light.shaded(np.asarray(base, np.float32), (0.8 * side, 0.2, -0.55), depth)

        pixels = sheet.view.focal / depth * scale
        for hip, foot, side in ((-0.08, stride - 0.05, -sun), (0.08, 0.05 - stride, sun)):
            leg = spot([(hip, 0.9), ((hip + foot) / 2 + 0.03, 0.48), (foot, 0.06)])
            sheet.line(leg, max(1.0, 0.15 * pixels), tone(legs, side), BACKGROUND)
            shoe = spot([(foot, 0.05), (foot + 0.12, 0.04)])
            sheet.line(
                shoe, max(1.0, 0.09 * pixels), tone(colour(0.1, 0.09, 0.08), side), BACKGROUND
            )
        wide = 0.23 * turned
        hem = 0.5 if long_coat else 0.85
        body = [(-wide, 1.44), (-0.07, 1.5), (0.07, 1.5), (wide, 1.44), (wide * 0.85, 1.1),
                (wide * 0.95, hem), (-wide * 0.95, hem), (-wide * 0.85, 1.1)]  # fmt: skip
        sheet.polygon(spot(body), tone(coat, -sun), BACKGROUND)
        half = [(0.02 * sun, 1.49), (wide * sun, 1.43), (wide * 0.85 * sun, 1.1),
                (wide * 0.95 * sun, hem), (0.05 * sun, hem)]  # fmt: skip
        sheet.polygon(spot(half), tone(coat, sun), BACKGROUND)
        for side, bend in ((-1, swing), (1, -swing)):
            arm = spot(
                [(side * wide, 1.4), (side * (wide + 0.06), 1.12), (side * wide + bend, 0.86)]
            )
            sheet.line(arm, max(1.0, 0.1 * pixels), tone(coat * 0.9, side), BACKGROUND)
            hand = arm[-1]
            sheet.ellipse(
                hand[0], hand[1], 0.045 * pixels, 0.05 * pixels, tone(skin, side), BACKGROUND
            )
        neck = spot([(0, 1.5), (0, 1.58)])
        sheet.line(neck, max(1.0, 0.1 * pixels), tone(skin * 0.85, -sun), BACKGROUND)
        head = spot([(0.01, 1.64)])[0]
        sheet.ellipse(
            head[0],
            head[1] - 0.02 * pixels,
            0.095 * pixels,
            0.125 * pixels,
            tone(hair, -sun),
            BACKGROUND,
        )
        face = head + by(0.02 * sun * pixels, 0.02 * pixels)
        sheet.ellipse(face[0], face[1], 0.075 * pixels, 0.1 * pixels, tone(skin, sun), BACKGROUND)
        if bag:
            box = [(wide + 0.02, 0.95), (wide + 0.24, 0.95), (wide + 0.22, 0.7), (wide + 0.04, 0.7)]
            sheet.polygon(spot(box), tone(coat[::-1] * 0.7 + 0.1, sun), BACKGROUND)

    foot = np.array([[-0.25, 0, -0.15], [0.25, 0, -0.15], [0.25, 0, 0.2], [-0.25, 0, 0.2]])
    here = np.array([x, 0, z])
    return Thing(
        depth=z, paint=paint, shadow=np.concatenate([foot, foot * 0.7 + by(0, tall, 0)]) + here,
        contact=foot + here,
    )  # fmt: skip


def pole(rng: np.random.Generator, x: float, z: float) -> Thing:
    """A street lamp, a sign on a post, a traffic light, or a mast with wires."""
    kind = str(
        rng.choice(["lamp", "sign", "signal", "wires", "bollard"], p=[0.34, 0.26, 0.12, 0.16, 0.12])
    )
    height = {"lamp": rng.uniform(4, 9), "sign": rng.uniform(2, 3), "signal": rng.uniform(3, 5),
              "wires": rng.uniform(7, 11), "bollard": rng.uniform(0.7, 1.1)}[kind]  # fmt: skip
    thick = {"lamp": 0.13, "sign": 0.07, "signal": 0.13, "wires": 0.25, "bollard": 0.14}[kind]
    tone = varied(rng, colour(0.42, 0.43, 0.43), 0.35)
    if kind == "wires":
        tone = varied(rng, colour(0.36, 0.29, 0.23), 0.2)
    reach = rng.uniform(0.6, 2.2) * (1 if x < 0 else -1)
    panel = (colour(0.75, 0.1, 0.1), colour(0.12, 0.3, 0.65), colour(0.9, 0.9, 0.9),
             colour(0.9, 0.75, 0.15), colour(0.1, 0.42, 0.25))[int(rng.integers(5))]  # fmt: skip
    round_sign = chance(rng, 0.45)
    spans = [rng.uniform(0.8, 0.98) for _ in range(int(rng.integers(1, 4)))]

    def paint(sheet: Sheet) -> None:
        view, light = sheet.view, sheet.light
        ends = np.array([[x, 0, z], [x, height, z]])
        depth = float(view.depth(ends)[0])
        if depth < 1.0:
            return
        scale = view.focal / depth
        body = light.shaded(tone, (0.5, 0, -0.8), depth)
        places = view.on_sheet(ends)
        sheet.line(places, max(1.0, thick * scale), body, BACKGROUND)
        if thick * scale > 4:
            dark = light.shaded(tone * 0.5, (0, 0, -1), depth)
            offset = places + by((0.3 if light.sun[0] < 0 else -0.3) * thick * scale, 0)
            sheet.line(offset, thick * scale * 0.35, dark, BACKGROUND)
        top = np.array([x, height, z])
        if kind == "lamp":
            arm = np.stack([top, top + by(reach * 0.5, 0.35, 0), top + by(reach, 0.3, 0)])
            spots = view.on_sheet(arm)
            sheet.line(spots, max(1.0, 0.08 * scale), body, BACKGROUND)
            lamp = spots[-1]
            sheet.ellipse(lamp[0], lamp[1], 0.35 * scale, 0.12 * scale, body, BACKGROUND)
            if light.night:
                _glow(sheet, lamp[0], lamp[1], max(3.0, 0.5 * scale), colour(1, 0.85, 0.55))
        elif kind == "sign":
            half = 0.32
            if round_sign:
                spot = places[1]
                rim = light.shaded(colour(0.9, 0.9, 0.9), FLAT, depth)
                sheet.ellipse(spot[0], spot[1], half * scale, half * scale, rim, BACKGROUND)
                sheet.ellipse(spot[0], spot[1], half * scale * 0.85, half * scale * 0.85,
                              light.shaded(panel, FLAT, depth), BACKGROUND)  # fmt: skip
            else:
                board = top + np.array(
                    [[-half, -0.4, 0], [half, -0.4, 0], [half, 0.3, 0], [-half, 0.3, 0]]
                )
                sheet.face(board, panel, FLAT, BACKGROUND)
        elif kind == "signal":
            board = top + np.array(
                [[-0.16, -0.45, 0], [0.16, -0.45, 0], [0.16, 0.45, 0], [-0.16, 0.45, 0]]
            )
            sheet.face(board, colour(0.07, 0.08, 0.07), FLAT, BACKGROUND)
            lit = int(sheet.rng.integers(3))
            for index, lamp_tone in enumerate(
                ((0.9, 0.15, 0.1), (0.9, 0.65, 0.1), (0.1, 0.8, 0.4))
            ):
                spot = view.on_sheet(top[None] + by(0, 0.28 - 0.28 * index, 0))[0]
                bright = colour(*lamp_tone) * (1.0 if index == lit else 0.15)
                sheet.ellipse(spot[0], spot[1], 0.1 * scale, 0.1 * scale, ink(bright), BACKGROUND)
        elif kind == "wires":
            arm = view.on_sheet(top + np.array([[-0.9, -0.5, 0], [0.9, -0.5, 0]]))
            sheet.line(arm, max(1.0, 0.12 * scale), body, BACKGROUND)
            for span in spans:
                _wire(sheet, places[1] + (places[0] - places[1]) * (1 - span), scale, depth)

    reach_top = np.array(
        [[x - thick, 0, z], [x + thick, 0, z], [x + thick, height, z], [x - thick, height, z]]
    )
    return Thing(depth=z, paint=paint, shadow=reach_top)


def _wire(sheet: Sheet, start: Points, scale: float, depth: float) -> None:
    """A sagging wire too thin for a label."""
    side = sheet.view.side
    end = np.array([side * 1.1 if sheet.rng.random() < 0.5 else -0.1 * side,
                    start[1] + sheet.rng.uniform(-0.2, 0.1) * side])  # fmt: skip
    share = np.linspace(0, 1, 9)[:, None]
    sag = 4 * share * (1 - share) * [0, sheet.rng.uniform(0.01, 0.06) * side]
    places = (start + (end - start) * share + sag).tolist()
    tone = sheet.light.through_air(colour(0.08, 0.08, 0.08), depth)
    sheet.pen.line([(px, py) for px, py in places], fill=ink(tone), width=1)


def fence(rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float]) -> Thing:
    """Posts and rails, pickets, or a railing."""
    height = rng.uniform(0.8, 1.6)
    tone = (varied(rng, colour(0.45, 0.36, 0.27), 0.25) if chance(rng, 0.5)
            else varied(rng, colour(0.5, 0.5, 0.5), 0.5))  # fmt: skip
    solid = chance(rng, 0.3)
    rails, spacing = int(rng.integers(2, 4)), log_uniform(rng, 0.2, 2)

    def paint(sheet: Sheet) -> None:
        ends = np.array([[start[0], 0, start[1]], [end[0], 0, end[1]]], float)
        depths = sheet.view.depth(ends)
        if depths.min() < 1.0:
            return
        depth = float(depths.mean())
        if solid:
            board = np.concatenate([ends, ends[::-1] + by(0, height, 0)])
            sheet.face(board, tone, np.array([0.3, 0, -0.9]), BACKGROUND)
        body = sheet.light.shaded(tone * (0.8 if solid else 1), (0.3, 0, -0.9), depth)
        count = int(min(60.0, float(np.linalg.norm(ends[1] - ends[0])) / spacing)) + 1
        for share in np.linspace(0, 1, count + 1).tolist():
            foot = ends[0] + (ends[1] - ends[0]) * share
            post = sheet.view.on_sheet(np.stack([foot, foot + by(0, height, 0)]))
            scale = sheet.view.focal / float(sheet.view.depth(foot[None])[0])
            sheet.line(post, max(1.0, 0.07 * scale), body, BACKGROUND)
        for rail in range(rails):
            level = height * (0.3 + 0.65 * rail / max(1, rails - 1))
            places = sheet.view.on_sheet(ends + by(0, level, 0))
            width = 0.07 * sheet.view.focal / depth
            sheet.line(places, max(1.0, width), body, BACKGROUND)

    ends = np.array([[start[0], 0, start[1]], [end[0], 0, end[1]]], float)
    return Thing(
        depth=max(start[1], end[1]), paint=paint, contact=np.concatenate([ends, ends + 0.05])
    )


def furniture(rng: np.random.Generator, x: float, z: float) -> Thing:
    """A bench, a bin, crates or a parasol."""
    kind = str(rng.choice(["bench", "bin", "crates", "parasol"], p=[0.3, 0.25, 0.3, 0.15]))
    tone = (
        varied(rng, colour(0.4, 0.3, 0.2), 0.3)
        if kind in ("bench", "crates")
        else rng.uniform(0.1, 0.8, 3).astype(np.float32)
    )
    wide = rng.uniform(0.5, 0.9) if kind != "bin" else 0.3
    boxes = [
        (rng.uniform(-1, 1), rng.uniform(0.3, 0.9), rng.uniform(0.3, 1.3), varied(rng, tone, 0.3))
        for _ in range(int(rng.integers(1, 5)))
    ]

    def paint(sheet: Sheet) -> None:
        here = np.array([x, 0, z])
        depth = float(sheet.view.depth(here[None])[0])
        if depth < 1.0:
            return
        scale = sheet.view.focal / depth

        def board(
            left: float, right: float, low: float, high: float, base: Field, near: float = 0
        ) -> None:
            corners = here + np.array(
                [[left, low, -near], [right, low, -near], [right, high, 0], [left, high, 0]]
            )
            sheet.face(corners, np.asarray(base, np.float32), np.array([0, 0.4, -0.9]), BACKGROUND)

        if kind == "bench":
            board(-wide, wide, 0.42, 0.47, tone, 0.45)
            for low in (0.55, 0.68, 0.8):
                board(-wide, wide, low, low + 0.08, tone)
            for at in (-wide * 0.85, wide * 0.85):
                leg = sheet.view.on_sheet(here + np.array([[at, 0, -0.1], [at, 0.85, 0]]))
                sheet.line(
                    leg,
                    max(1.0, 0.07 * scale),
                    sheet.light.shaded(colour(0.15, 0.15, 0.15), FLAT, depth),
                    BACKGROUND,
                )
        elif kind == "bin":
            board(-wide, wide, 0, 0.9, tone)
            board(-wide * 1.1, wide * 1.1, 0.85, 1.0, tone * 0.6)
        elif kind == "crates":
            for at, half, high, base in boxes:
                board(at - half, at + half, 0, high, base)
                board(at - half, at + half, high, high + 0.04, base * 1.3, 0)
        else:
            stem = sheet.view.on_sheet(here + np.array([[0, 0, 0], [0, 2.3, 0]]))
            sheet.line(
                stem,
                max(1.0, 0.06 * scale),
                sheet.light.shaded(colour(0.6, 0.6, 0.6), FLAT, depth),
                BACKGROUND,
            )
            roof = here + np.array(
                [[-1.3, 2.0, 0], [1.3, 2.0, 0], [0.15, 2.55, 0], [-0.15, 2.55, 0]]
            )
            sheet.face(roof, tone, np.array([0, 0.7, -0.7]), BACKGROUND)
            half = here + np.array([[0, 2.0, 0], [1.3, 2.0, 0], [0.15, 2.55, 0], [0, 2.55, 0]])
            sheet.face(half, tone * 0.75, np.array([0, 0.7, -0.7]), BACKGROUND)

    foot = np.array([[-wide, 0, -0.3], [wide, 0, -0.3], [wide, 0, 0.3], [-wide, 0, 0.3]]) + by(
        x, 0, z
    )
    return Thing(
        depth=z, paint=paint, shadow=np.concatenate([foot, foot + by(0, 0.9, 0)]), contact=foot
    )


def random_clutter(rng: np.random.Generator, x: float, z: float) -> Thing:
    """A person (45 %), something on a pole (35 %) or furniture (20 %)."""
    kind = rng.random()
    if kind < 0.45:
        return person(rng, x, z)
    return pole(rng, x, z) if kind < 0.8 else furniture(rng, x, z)


def _glow(sheet: Sheet, x: float, y: float, reach: float, tone: Colour) -> None:
    """Brightens the picture around a lamp at night; no label changes."""
    low = (round(max(0, x - 3 * reach)), round(max(0, y - 3 * reach)))
    high = (
        round(min(sheet.view.side, x + 3 * reach)),
        round(min(sheet.view.side, y + 3 * reach)),
    )
    if high[0] - low[0] < 2 or high[1] - low[1] < 2:
        return
    part = np.asarray(sheet.picture.crop((*low, *high)), np.float32) / 255
    rows = np.arange(low[1], high[1])[:, None]
    columns = np.arange(low[0], high[0])[None]
    far = np.hypot(rows - y, columns - x) / reach
    glow = np.exp(-(far**2)) * 0.9 + 0.1 * np.exp(-far)
    glow = glow - 0.1 * np.exp(-3)
    lit = part + glow.clip(0)[..., None].astype(np.float32) * tone
    sheet.picture.paste(Image.fromarray((lit.clip(0, 1) * 255).astype(np.uint8)), low)
