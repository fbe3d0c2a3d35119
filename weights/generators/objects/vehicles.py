"""Cars, cycles, boats and aeroplanes."""

# ruff: noqa: RUF005 - points are arrays, and plus adds to them

from __future__ import annotations

from itertools import pairwise

import numpy as np

from weights.generators.common import chance
from weights.generators.objects.outlines import (
    Outline,
    Part,
    Thing,
    box,
    limb,
    oval,
    spline,
    wobbly,
)


def _wheel(x: float, y: float, radius: float, open_rim: bool = False) -> list[Part]:
    hole = oval(x, y, radius * 0.78, radius * 0.78) if open_rim else None
    tyre = Part(oval(x, y, radius, radius), "tyre", 1, hole)
    if open_rim:
        return [tyre, Part(oval(x, y, radius * 0.15, radius * 0.15), "hub")]
    return [tyre, Part(oval(x, y, radius * 0.58, radius * 0.58), "hub", 1, None, 1)]


def car(rng: np.random.Generator) -> Thing:
    """A car, van, bus, lorry or train from the side or a little from the front."""
    long, high = rng.uniform(0.9, 1.5), rng.uniform(0.22, 0.42)
    wheel = rng.uniform(0.16, 0.27)
    parts = [Part(box(-long * 0.9, high * 0.4, long * 0.9, high + wheel * 0.4, 5), "under", 0.6)]
    if rng.random() < 0.62:
        roof, rear, front = rng.uniform(0.3, 0.55), rng.uniform(0.3, 0.95), rng.uniform(0.1, 0.6)
        top = [(-long * rear, 0.02), (-long * rear * 0.75, -roof), (long * front * 0.3, -roof)]
        cabin = spline([*top, (long * (0.15 + front * 0.6), 0.02), (0, 0.15)], 5)
        glass = (cabin - (0, -roof * 0.45)) * (0.86, 0.72) + (0, -roof * 0.42)
        parts += [Part(cabin, "paint", 0.9), Part(glass, "glass", 1, None, 0.5)]
        for x in rng.uniform(-0.5, 0.3, int(rng.integers(1, 3))):
            parts.append(Part(box(x, -roof * 0.95, x + 0.06, 0.02), "paint", 0.85))
        nose, tail = rng.uniform(-0.05, 0.15), rng.uniform(-0.1, 0.1)
        body = [
            (-long, tail),
            (-long * 0.5, -0.03),
            (0.2, -0.04),
            (long * 0.7, nose),
            (long, nose + 0.1),
        ]
        parts.append(Part(spline([*body, (long * 0.98, high), (-long * 0.98, high)], 5), "paint"))
    else:
        roof = rng.uniform(0.5, 1.1)
        parts.append(Part(box(-long, -roof, long, high, 9), "paint"))
        count = int(rng.integers(1, 8))
        edges = np.linspace(-long * 0.92, long * 0.95, count + 1)
        bottom = -roof * rng.uniform(0.2, 0.5)
        for left, right in pairwise(edges.tolist()):
            pane = box(left + 0.03, -roof * 0.88, right - 0.03, bottom, 10)
            parts.append(Part(pane, "glass", 1, None, 1))
        if chance(rng, 0.4):
            parts.append(
                Part(box(-long, bottom + 0.1, long, bottom + 0.25, 20), "stripe", 1, None, 1)
            )
    if chance(rng, 0.6):
        parts.append(
            Part(box(-long * 0.99, high * 0.55, long * 0.99, high * 0.75, 20), "stripe", 0.9)
        )
    for x in (-long * 0.97, long * 0.95):
        parts.append(Part(oval(x, high * 0.3, 0.07, 0.06), "lamp", 1.1, None, 1))
    for x in (-long * rng.uniform(0.5, 0.72), long * rng.uniform(0.5, 0.7)):
        parts += _wheel(x, high, wheel)
    stuff = {
        "paint": "paint",
        "tyre": "dark",
        "glass": "glass",
        "under": "dark",
        "hub": "metal",
        "lamp": "pale",
    }
    return Thing(_seen_askew(rng, parts), stuff=stuff)


def _seen_askew(rng: np.random.Generator, parts: list[Part]) -> list[Part]:
    """Narrower and slanting, as seen from a corner."""
    squeeze, slant = rng.uniform(0.6, 1.0), rng.normal(0, 0.1)

    def change(p: Outline) -> Outline:
        return np.stack(
            [p[:, 0] * squeeze, p[:, 1] * (1 + slant * p[:, 0] * 0.5) + slant * p[:, 0]], 1
        )

    return [
        Part(
            change(p.outline),
            p.material,
            p.shade,
            None if p.hole is None else change(p.hole),
            p.flat,
        )
        for p in parts
    ]


def cycle(rng: np.random.Generator) -> Thing:
    """A bicycle or motorcycle from the side, sometimes with its rider."""
    heavy = chance(rng, 0.65)
    r, apart = rng.uniform(0.32, 0.45), rng.uniform(0.6, 0.8)
    back, front = np.array([-apart, 0.0]), np.array([apart, 0.0])
    parts = _wheel(*back, r, chance(rng, 0.5) or not heavy) + _wheel(
        *front, r, chance(rng, 0.5) or not heavy
    )
    seat, bars = np.array([-0.3, -0.55]), np.array([apart - 0.25, -rng.uniform(0.65, 0.95)])
    pedal = np.array([-0.05, 0.1])
    thin = 0.05 if heavy else 0.03
    for a, b in (
        (back, pedal),
        (back, seat),
        (pedal, seat),
        (pedal, bars),
        (seat, bars),
        (front, bars),
    ):
        parts.append(Part(limb([a, b], [thin, thin]), "frame"))
    if heavy:
        parts.append(
            Part(
                spline([(-0.4, 0.2), (0.35, 0.2), (0.4, -0.25), (0, -0.4), (-0.35, -0.3)]), "engine"
            )
        )
        parts.append(Part(wobbly(rng, 0.0, 0.0, 0.22, 0.1), "chrome"))
        parts.append(
            Part(limb([(-0.9, 0.15), (-0.2, 0.22), (0.25, 0.1)], [0.07, 0.06, 0.04]), "chrome")
        )
        parts.append(Part(limb([(-0.05, -0.55), (0.4, -0.5)], [0.17, 0.12]), "paint"))
        parts.append(Part(limb([back + (-0.25, -0.35), back + (0.1, -0.45)], [0.05, 0.1]), "paint"))
        parts.append(
            Part(
                limb(
                    [front + (-0.3, -0.3), front + (0, -r), front + (0.3, -0.25)],
                    [0.05, 0.06, 0.04],
                ),
                "paint",
            )
        )
        parts.append(Part(oval(*(bars + (0.12, 0.1)), 0.12, 0.12), "chrome", 1.1))
    parts.append(
        Part(
            limb([seat + (-0.4 if heavy else -0.12, -0.08), seat + (0.2, 0)], [0.08, 0.07]), "seat"
        )
    )
    parts.append(
        Part(limb([bars + (-0.15, -0.08), bars, bars + (0.05, 0.1)], [0.03, 0.03, 0.03]), "seat")
    )
    if chance(rng, 0.25):
        chest = np.array([0.1, -1.25])
        parts.append(
            Part(
                limb(
                    [seat + (0, -0.15), pedal + (0.2, -0.3), pedal + (0.1, 0.15)],
                    [0.15, 0.11, 0.08],
                ),
                "trousers",
            )
        )
        parts.append(Part(limb([seat + (0, -0.2), chest], [0.17, 0.2]), "shirt"))
        parts.append(
            Part(
                limb([chest, (chest + bars) / 2 + (0, 0.1), bars], [0.1, 0.09, 0.06]), "shirt", 0.85
            )
        )
        parts.append(Part(oval(*(chest + (0.12, -0.32)), 0.17, 0.2), "hat"))
    stuff = {
        "tyre": "dark",
        "hub": "metal",
        "frame": "paint",
        "engine": "metal",
        "chrome": "metal",
        "paint": "paint",
        "seat": "dark",
        "shirt": "cloth",
        "trousers": "cloth",
        "hat": "paint",
    }
    return Thing(parts, stuff=stuff)


def craft(rng: np.random.Generator) -> Thing:
    """A boat with or without sails, or an aeroplane."""
    parts: list[Part] = []
    if chance(rng, 0.6):
        rise = rng.uniform(0.05, 0.3)
        deck = rng.uniform(0.2, 0.4)
        parts.append(
            Part(
                spline([(-0.9, -rise * 0.4), (0, 0), (1, -rise), (0.7, deck), (-0.75, deck)], 5),
                "hull",
            )
        )
        if chance(rng, 0.6):
            mast, x = rng.uniform(0.9, 2.2), rng.uniform(-0.2, 0.2)
            parts.insert(0, Part(limb([(x, 0.1), (x, -mast)], [0.03, 0.02]), "mast"))
            for side in (-1, 1) if chance(rng, 0.7) else (1,):
                foot = x + side * rng.uniform(0.4, 0.85)
                sail = spline(
                    [
                        (x, -mast),
                        (x + side * 0.03, -0.12),
                        (foot, -0.15),
                        ((x + foot) / 2 + side * 0.05, -mast * 0.5),
                    ],
                    5,
                )
                parts.append(Part(sail, "sail", rng.uniform(0.85, 1.1)))
        for _ in range(int(rng.integers(0, 4))):
            x, w, h = rng.uniform(-0.6, 0.4), rng.uniform(0.15, 0.5), rng.uniform(0.1, 0.45)
            parts.append(Part(box(x, -h, x + w, 0.08, 6), "house", rng.uniform(0.7, 1.1)))
        return Thing(
            parts, stuff={"hull": "paint", "sail": "pale", "mast": "wood", "house": "paint"}
        )
    fat = rng.uniform(0.09, 0.17)
    sweep = rng.uniform(-0.6, 0.1)
    parts.append(
        Part(
            spline(
                [(-0.1, 0), (0.25, 0), (sweep, -rng.uniform(0.4, 0.9)), (sweep - 0.15, -0.5)], 4
            ),
            "wing",
            0.75,
        )
    )
    parts.append(
        Part(
            spline([(-0.95, 0), (-0.7, -0.05), (-0.95, -rng.uniform(0.3, 0.5)), (-1.1, -0.4)], 4),
            "tail",
        )
    )
    parts.append(
        Part(
            limb([(-1, -0.02), (-0.4, 0), (0.7, 0), (1, 0.03)], [fat * 0.3, fat, fat, fat * 0.4]),
            "paint",
        )
    )
    parts.append(
        Part(
            spline(
                [(-0.1, 0.03), (0.3, 0.03), (sweep, rng.uniform(0.4, 1)), (sweep - 0.2, 0.5)], 4
            ),
            "wing",
        )
    )
    return Thing(parts, grounded=False, stuff={"paint": "paint", "wing": "metal", "tail": "paint"})
