"""Heads of animals with neck and breast, as in a portrait."""

from __future__ import annotations

import numpy as np

from weights.generators.common import chance
from weights.generators.objects.outlines import Part, Thing, limb, oval, pick, spline, wobbly


def eyes(rng: np.random.Generator, x: float, y: float, apart: float, size: float) -> list[Part]:
    """Two eyes around (x, y), `apart` from it, with or without white."""
    parts = []
    pale = chance(rng, 0.6)
    for side in (-1, 1):
        at = x + side * apart
        if pale:
            parts.append(Part(oval(at, y, size * 1.5, size), "iris", 1.0, None, 1))
        parts.append(Part(oval(at, y, size * 0.75, size * 0.8), "pupil", 1.0, None, 1))
    return parts


def animal_head(rng: np.random.Generator) -> Thing:
    """The head of a cat, dog, bear, ape, sheep, with neck and breast down to the edge."""
    wide, high = rng.uniform(0.75, 1.1), rng.uniform(0.8, 1.15)
    lean = rng.normal(0, 0.12)
    look = rng.normal(0, 0.18)
    parts: list[Part] = []
    breast = rng.uniform(0.7, 1.7)
    drift = rng.normal(0, 0.35)
    parts.append(
        Part(
            spline(
                [
                    (-wide * 0.7, 0.3),
                    (wide * 0.7, 0.3),
                    (drift + breast, 1.4),
                    (drift + breast * 1.2, 3.4),
                    (drift - breast * 1.2, 3.4),
                    (drift - breast, 1.4),
                ]
            ),
            "fur",
            0.85,
        )
    )
    if chance(rng, 0.35):
        parts.append(
            Part(
                spline(
                    [
                        (-0.5, 0.5),
                        (0.5, 0.5),
                        (drift + breast * 0.6, 1.6),
                        (drift + 0.4, 3.2),
                        (drift - 0.4, 3.2),
                        (drift - breast * 0.6, 1.6),
                    ]
                ),
                "pale",
                0.9,
            )
        )
    ear, spread = rng.uniform(0.25, 0.75), rng.uniform(0.4, 0.9)
    pointed, hanging = chance(rng, 0.5), chance(rng, 0.25)
    if chance(rng, 0.2):
        parts.append(Part(wobbly(rng, 0, 0.1, rng.uniform(1.2, 1.7), 0.12), "mane"))
    for side in (-1, 1):
        x, y = side * wide * spread, -high * (0.95 - 0.5 * spread)
        if hanging:
            outline = limb(
                [(x, y), (side * (wide + 0.2), y + ear * 0.5), (side * (wide + 0.1), y + ear * 2)],
                [0.15, 0.3 * ear + 0.1, 0.12],
            )
        elif pointed:
            tip = (x + side * ear * rng.uniform(0, 0.6), y - ear)
            outline = spline(
                [(x - side * 0.3, y), tip, (x + side * 0.22, y + 0.35), (x, y + 0.3)], 5
            )
        else:
            outline = oval(x, y, ear * 0.6, ear * 0.65, side * 0.4)
        parts.append(Part(outline, "fur", 0.85))
        if not hanging and chance(rng, 0.6):
            centre = outline.mean(axis=0)
            parts.append(Part(centre + (outline - centre) * 0.55 + (0, 0.03), "inner"))
    crown, jaw = rng.uniform(0.75, 1.0), rng.uniform(0.4, 0.9)
    parts.append(
        Part(
            spline(
                [
                    (-wide * 0.55, -high * crown),
                    (wide * 0.55, -high * crown),
                    (wide, -0.1),
                    (wide * 0.85, 0.5),
                    (wide * jaw * 0.6, high),
                    (-wide * jaw * 0.6, high),
                    (-wide * 0.85, 0.5),
                    (-wide, -0.1),
                ]
            ),
            "fur",
        )
    )
    if chance(rng, 0.4):
        parts.append(
            Part(
                spline(
                    [
                        (-0.18 + look, -high * 0.9),
                        (0.18 + look, -high * 0.9),
                        (0.2 + look, 0.2),
                        (0.5 + look, 0.7),
                        (-0.5 + look, 0.7),
                        (-0.2 + look, 0.2),
                    ]
                ),
                "pale",
            )
        )
    if chance(rng, 0.5):
        parts += [
            Part(
                oval(look + side * wide * 0.45, -0.05, 0.3, 0.28),
                pick(rng, "pale", "inner", "mane"),
            )
            for side in (-1, 1)
        ]
    muzzle = rng.uniform(0.25, 0.6)
    if chance(rng, 0.75):
        parts.append(
            Part(
                oval(1.4 * look, high * 0.52, muzzle, muzzle * rng.uniform(0.6, 1.0)),
                pick(rng, "pale", "fur", "inner"),
                1.05,
            )
        )
    parts += eyes(
        rng,
        look,
        -0.08 + rng.normal(0, 0.06),
        wide * rng.uniform(0.36, 0.5),
        rng.uniform(0.07, 0.15),
    )
    parts.append(
        Part(
            spline(
                [
                    (1.5 * look - 0.16, high * 0.36),
                    (1.5 * look + 0.16, high * 0.36),
                    (1.5 * look, high * 0.55),
                ]
            ),
            "pupil",
            1.2,
        )
    )
    parts.append(
        Part(
            limb(
                [
                    (1.5 * look - 0.25, high * 0.72),
                    (1.5 * look, high * 0.68),
                    (1.5 * look + 0.25, high * 0.72),
                ],
                [0.02, 0.03, 0.02],
            ),
            "pupil",
            1,
            None,
            1,
        )
    )
    if chance(rng, 0.12):
        parts.append(Part(oval(drift * 0.3, 1.15, wide * 0.75, 0.14), "collar"))
    turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
    parts = [parts[0]] + [
        Part(p.outline @ turn.T, p.material, p.shade, p.hole, p.flat) for p in parts[1:]
    ]
    stuff = dict.fromkeys(("fur", "pale", "mane", "inner"), "fur") | {
        "pupil": "dark",
        "iris": "any",
    }
    return Thing(parts, cut=True, rough=rng.uniform(0.0, 0.018), stuff=stuff)
