"""Made things that do not move: towers, crockery, furniture."""

# ruff: noqa: RUF005 - points are arrays, and plus adds to them

from __future__ import annotations

import numpy as np

from weights.generators.common import chance
from weights.generators.objects.outlines import Part, Thing, box, limb, oval, spline, turned


def tower(rng: np.random.Generator) -> Thing:
    """A tower, rocket, lighthouse, statue, lamp post, column, house or tent."""
    kind = rng.random()
    parts: list[Part] = []
    if kind < 0.55:
        base, top = rng.uniform(0.1, 0.45), rng.uniform(0.02, 0.2)
        curve = rng.uniform(0.6, 2.6)
        heights = np.linspace(-1.6, 1.6, 9)
        widths = top + (base - top) * np.linspace(0, 1, 9) ** curve
        steps = np.repeat(rng.uniform(0.75, 1.3, 3), 3) if chance(rng, 0.4) else np.ones(9)
        parts.append(
            Part(turned(list(zip(widths * steps, heights, strict=True)), chance(rng, 0.5)), "wall")
        )
        spire = rng.uniform(0.1, 0.6)
        parts.insert(
            0,
            Part(
                turned([(0.01, -1.6 - spire), (widths[0] * rng.uniform(0.3, 1), -1.55)], False),
                "roof",
            ),
        )
        for y in rng.uniform(-1.5, 1.4, int(rng.integers(0, 5))):
            w = float(np.interp(y, heights, widths)) * rng.uniform(1.0, 1.4)
            parts.append(
                Part(box(-w, y, w, y + rng.uniform(0.03, 0.3), 12), "band", rng.uniform(0.6, 1.1))
            )
        if chance(rng, 0.3):
            w = float(widths[-1]) * rng.uniform(1.2, 2.4)
            parts.append(Part(spline([(-w, 1.6), (0, 0.8), (w, 1.6)], 3), "band"))
        if chance(rng, 0.25):
            for side in (-1, 1):
                x = side * (base + rng.uniform(0.02, 0.1))
                parts.append(Part(limb([(x, -0.6), (x, 1.6)], [0.08, 0.1]), "band", 0.9))
    elif kind < 0.8:
        w, h = rng.uniform(0.5, 1.3), rng.uniform(0.5, 1.2)
        eaves, ridge = w * rng.uniform(1.0, 1.2), rng.uniform(0.3, 1)
        parts.append(Part(box(-w, -h, w, h, 30), "wall"))
        if chance(rng, 0.6):
            parts.append(Part(box(w * 0.3, -h, w, h, 30), "wall", rng.uniform(0.6, 0.9)))
        flat = rng.uniform(0, 0.8)
        parts.append(
            Part(
                np.array(
                    [
                        (-eaves, -h),
                        (eaves, -h),
                        (eaves * flat, -h - ridge),
                        (-eaves * flat, -h - ridge),
                    ]
                ),
                "roof",
            )
        )
        for _ in range(int(rng.integers(1, 7))):
            x, y, s = (
                rng.uniform(-w * 0.8, w * 0.6),
                rng.uniform(-h * 0.8, h * 0.5),
                rng.uniform(0.1, 0.25),
            )
            parts.append(Part(box(x, y, x + s, y + s * rng.uniform(1, 2), 20), "glass", 1, None, 1))
    else:
        # A figure on a plinth, a lamp on a post, a signpost.
        parts.append(Part(limb([(0, 1.6), (0, -0.6)], [rng.uniform(0.03, 0.12)] * 2), "wall"))
        head = rng.uniform(0.25, 0.7)
        if chance(rng, 0.5):
            parts.append(Part(turned([(head * 0.5, -1.2), (head, -0.55)], False), "roof"))
        else:
            parts.append(
                Part(oval(0, -0.9, head, head * rng.uniform(0.5, 1), 0, rng.uniform(2, 9)), "roof")
            )
        parts.append(Part(oval(0, 1.6, head * rng.uniform(0.4, 0.9), 0.1), "band"))
    stuff = {
        "wall": str(rng.choice(["stone", "paint", "any", "lit"])),
        "roof": "any",
        "band": "stone",
        "glass": "glass",
    }
    return Thing(parts, cut=chance(rng, 0.35), stuff=stuff)


def crockery(rng: np.random.Generator) -> Thing:
    """A cup on its saucer, a bottle, vase or desk lamp, seen a little from above."""
    tilt = rng.uniform(0.08, 0.55)
    kind = rng.random()
    parts: list[Part] = []
    stuff = {"drink": "food", "plate": "paint", "china": "paint", "steel": "metal", "label": "any"}
    if kind < 0.5:
        rim, foot = rng.uniform(0.45, 0.8), rng.uniform(0.25, 0.7)
        high = rng.uniform(0.5, 1.3)
        if chance(rng, 0.5):
            wide = rng.uniform(1.0, 1.6)
            flat = max(0.25, tilt * 1.2)
            y = high * 0.9
            parts.append(Part(oval(0, y, wide, wide * flat), "plate"))
            parts.append(
                Part(
                    oval(0, y - 0.03, wide * 0.7, wide * flat * 0.68),
                    "plate",
                    rng.uniform(0.75, 1.1),
                )
            )
            if chance(rng, 0.6):
                a, b = rng.uniform(-1, 1), rng.uniform(0.5, 1.0)
                parts.append(Part(limb([(a, y + 0.2), (b, y - 0.2)], [0.04, 0.04]), "steel"))
                parts.append(Part(oval(a, y + 0.2, 0.2, 0.13, 0.6), "steel", 1.2))
        if chance(rng, 0.7):
            x, y, r = (
                rng.choice([-1, 1]) * rim,
                high * rng.uniform(0.2, 0.5),
                rng.uniform(0.18, 0.35),
            )
            parts.append(Part(oval(x, y, r, r * 1.2), "china", 0.85, oval(x, y, r * 0.6, r * 0.75)))
        bulge = rng.uniform(0.7, 1.2)
        middle = (rim + foot) / 2 * bulge
        body = turned(
            [(rim, 0), (max(rim, middle), high * 0.35), (middle, high * 0.7), (foot, high)]
        )
        parts += [Part(body, "china"), Part(oval(0, high, foot, foot * tilt * 0.8), "china", 0.9)]
        parts.append(Part(oval(0, 0, rim, rim * tilt), "rim", 1.1))
        parts.append(Part(oval(0, 0.03, rim * 0.86, rim * tilt * 0.8), "drink", 1, None, 1))
        stuff["rim"] = "pale" if chance(rng, 0.6) else "paint"
    elif kind < 0.8:
        neck, belly = rng.uniform(0.08, 0.3), rng.uniform(0.25, 0.7)
        shoulder = rng.uniform(-0.7, 0.2)
        profile = [
            (neck, -1.3),
            (neck * 0.9, shoulder - 0.3),
            (belly, shoulder + 0.2),
            (belly * rng.uniform(0.7, 1.1), 0.8),
            (belly * rng.uniform(0.4, 1), 1.1),
        ]
        parts.append(Part(turned(profile), "glass2"))
        parts.append(Part(box(-belly * 0.95, 0.1, belly * 0.95, 0.7, 9), "label", 1, None, 0.4))
        parts.append(Part(box(-neck, -1.45, neck, -1.2, 6), "steel"))
        stuff["glass2"] = "any"
    else:
        # A lamp: shade, stem, foot. What glows is part of it; its light on the wall is not.
        shade, high = rng.uniform(0.4, 0.8), rng.uniform(0.4, 0.9)
        bend = rng.normal(0, 0.4) if chance(rng, 0.4) else 0.0
        parts.append(
            Part(limb([(bend, 1.1), (bend * 0.3, 0.2), (0, -0.7)], [0.06, 0.05, 0.05]), "steel")
        )
        parts.append(Part(oval(bend, 1.15, rng.uniform(0.3, 0.6), 0.13), "steel", 0.9))
        parts.append(
            Part(
                turned([(shade * rng.uniform(0.3, 1), -0.7 - high), (shade, -0.6)], False), "shade"
            )
        )
        stuff["shade"] = "lit"
    return Thing(parts, stuff=stuff)


def furniture(rng: np.random.Generator) -> Thing:
    """A chest, chair, table, parcel or screen: boxes seen from a corner."""
    parts: list[Part] = []
    w, h, d = rng.uniform(0.4, 1.0), rng.uniform(0.3, 1.0), rng.uniform(0.2, 0.7)
    dx, dy = d * rng.uniform(0.4, 0.9) * rng.choice([-1, 1]), -d * rng.uniform(0.2, 0.7)
    front = np.array([(-w, -h), (w, -h), (w, h), (-w, h)])
    edge = w if dx > 0 else -w
    side = np.array([(edge, -h), (edge + dx, -h + dy), (edge + dx, h + dy), (edge, h)])
    top = np.array([(-w, -h), (w, -h), (w + dx, -h + dy), (-w + dx, -h + dy)])
    light, dark = rng.uniform(1.05, 1.4), rng.uniform(0.5, 0.85)
    if chance(rng, 0.4):
        seat = h * rng.uniform(-0.5, 0.3)
        for x, y in ((-w, 0.0), (w, 0.0), (-w + dx, dy), (w + dx, dy)):
            parts.append(
                Part(
                    limb([(x * 0.93, seat + y), (x * 0.95, h * 1.3 + y)], [0.07, 0.05]),
                    "wood",
                    dark,
                )
            )
        if chance(rng, 0.5):
            parts.append(
                Part(
                    np.array(
                        [
                            (-w + dx, seat + dy),
                            (w + dx, seat + dy),
                            (w + dx, -h * 1.5 + dy),
                            (-w + dx, -h * 1.5 + dy),
                        ]
                    ),
                    "wood",
                    0.9,
                )
            )
        parts.append(Part(top + (0, h + seat), "seat", light))
        parts.append(Part(box(-w, seat, w, seat + 0.14, 20), "wood"))
    else:
        parts += [
            Part(top, "wood", light, None, 1),
            Part(side, "wood", dark, None, 1),
            Part(front, "wood", 1, None, 1),
        ]
        for _ in range(int(rng.integers(0, 5))):
            x, y = rng.uniform(-w, w * 0.4), rng.uniform(-h, h * 0.5)
            parts.append(
                Part(
                    box(
                        x,
                        y,
                        min(w, x + rng.uniform(0.15, 0.9)),
                        min(h, y + rng.uniform(0.1, 0.7)),
                        20,
                    ),
                    "panel",
                    rng.uniform(0.7, 1.2),
                    None,
                    1,
                )
            )
    stuff = {"wood": str(rng.choice(["wood", "paint", "any"])), "seat": "cloth", "panel": "any"}
    return Thing(parts, stuff=stuff)
