"""People, whole and from the waist up."""

# ruff: noqa: RUF005 - points are arrays, and plus adds to them

from __future__ import annotations

import numpy as np

from weights.generators.common import chance
from weights.generators.objects.heads import eyes
from weights.generators.objects.outlines import (
    Outline,
    Part,
    Thing,
    box,
    limb,
    oval,
    pick,
    spline,
    wobbly,
)


def portrait(rng: np.random.Generator) -> Thing:
    """A person from the waist or the shoulders up."""
    parts: list[Part] = []
    wide, slope = rng.uniform(1.1, 2.0), rng.uniform(0.1, 0.5)
    lean, look = rng.normal(0, 0.15), rng.normal(0, 0.2)
    long_hair = chance(rng, 0.4)
    if long_hair:
        parts.append(
            Part(
                spline(
                    [
                        (-0.9, -0.4),
                        (-0.5, -1.2),
                        (0.5, -1.2),
                        (0.9, -0.4),
                        (rng.uniform(0.8, 1.3), rng.uniform(0.9, 2.2)),
                        (-rng.uniform(0.8, 1.3), rng.uniform(0.9, 2.2)),
                    ]
                ),
                "hair",
                0.8,
            )
        )
    top = rng.uniform(1.25, 1.5)
    sag = rng.uniform(-0.15, 0.15)
    torso = spline(
        [
            (-0.4, top),
            (0.4, top),
            (wide, top + slope + sag),
            (wide * 1.1, top + 1.4),
            (wide * rng.uniform(0.8, 1.2), 5),
            (-wide * rng.uniform(0.8, 1.2), 5),
            (-wide * 1.1, top + 1.4),
            (-wide, top + slope - sag),
        ]
    )
    parts.append(Part(torso, "cloth"))
    for side in (-1, 1):
        if chance(rng, 0.5):
            elbow = (side * wide * rng.uniform(1.0, 1.5), top + rng.uniform(1.4, 2.2))
            hand = (side * rng.uniform(-0.4, 1.4), top + rng.uniform(0.2, 2.4))
            arm = limb([(side * wide * 0.9, top + 0.6), elbow, hand], [0.4, 0.34, 0.25])
            parts.append(Part(arm, "cloth", rng.uniform(0.8, 1.1)))
            parts.append(Part(oval(*hand, 0.25, 0.22), "skin"))
    neck = rng.uniform(0.28, 0.45)
    if chance(rng, 0.5):
        deep = rng.uniform(0.5, 1.8)
        parts.append(
            Part(
                spline(
                    [
                        (-0.45, top - 0.05),
                        (0.45, top - 0.05),
                        (0.15, top + deep),
                        (-0.15, top + deep),
                    ],
                    4,
                ),
                pick(rng, "shirt", "skin"),
            )
        )
    parts.append(Part(limb([(0, 0.5), (0, top + 0.1)], [neck, neck * 1.15]), "skin", 0.75))
    if chance(rng, 0.25):
        parts.append(
            Part(box(-0.5, top - 0.25, 0.5, top + 0.1, 3), pick(rng, "shirt", "cloth", "hair"), 0.9)
        )
    chin = rng.uniform(0.35, 0.6)
    if chance(rng, 0.5):
        parts += [
            Part(oval(side * 0.72 + look * 0.3, 0.1, 0.12, 0.22), "skin", 0.85) for side in (-1, 1)
        ]
    face = spline(
        [
            (-0.55, -0.8),
            (0.55, -0.8),
            (0.74, -0.1),
            (0.62, 0.55),
            (chin * 0.6, 0.98),
            (-chin * 0.6, 0.98),
            (-0.62, 0.55),
            (-0.74, -0.1),
        ]
    )
    parts.append(Part(face, "skin"))
    if chance(rng, 0.9):
        fringe, volume = rng.uniform(-0.7, -0.25), rng.uniform(0.02, 0.3)
        parts.append(
            Part(
                spline(
                    [
                        (-0.78 - volume, 0.1),
                        (-0.75 - volume, -0.7),
                        (-0.4, -1.05 - volume),
                        (0.4, -1.05 - volume),
                        (0.75 + volume, -0.7),
                        (0.78 + volume, 0.1),
                        (0.62, fringe + 0.3),
                        (rng.uniform(-0.4, 0.4), fringe),
                        (-0.62, fringe + 0.3),
                    ]
                ),
                "hair",
            )
        )
    else:
        fringe = -0.4
    if chance(rng, 0.75):
        parts += eyes(rng, look * 0.8, 0.02, 0.28, rng.uniform(0.05, 0.08))
        parts += [
            Part(
                limb([(look * 0.8 + s * 0.42, -0.14), (look * 0.8 + s * 0.2, -0.18)], [0.03, 0.03]),
                "hair",
                0.8,
                None,
                1,
            )
            for s in (-1, 1)
        ]
        parts.append(Part(oval(look, 0.33, 0.11, 0.1), "skin", 0.88))
        parts.append(Part(oval(look, 0.6, rng.uniform(0.15, 0.3), 0.06), "lips", 1, None, 1))
    if chance(rng, 0.15):
        parts.append(
            Part(
                spline(
                    [
                        (-0.5, 0.45),
                        (0.5, 0.45),
                        (0.45, 0.95),
                        (0, rng.uniform(1.1, 1.5)),
                        (-0.45, 0.95),
                    ]
                ),
                "hair",
            )
        )
    if chance(rng, 0.25):
        brim = rng.uniform(0.75, 1.5)
        parts.append(
            Part(
                spline(
                    [
                        (-0.8, fringe),
                        (-0.7, -1.2),
                        (0, -rng.uniform(1.25, 1.9)),
                        (0.7, -1.2),
                        (0.8, fringe),
                    ]
                ),
                "hat",
            )
        )
        parts.append(Part(oval(look, fringe + 0.02, brim, rng.uniform(0.08, 0.25)), "hat", 0.8))
    if chance(rng, 0.15):
        parts += [
            Part(oval(look * 0.8 + s * 0.3, 0.04, 0.22, 0.17), "glasses", 1, None, 1)
            for s in (-1, 1)
        ]
    if chance(rng, 0.2):
        x, y = rng.uniform(-0.9, 0.9), top + rng.uniform(0.8, 2.4)
        parts.append(Part(wobbly(rng, x, y, rng.uniform(0.4, 1.1), 0.15), "held"))
    if chance(rng, 0.5):
        for _ in range(int(rng.integers(1, 5))):
            x, y, r = rng.uniform(-1, 1), top + rng.uniform(0.6, 2.5), rng.uniform(0.06, 0.3)
            parts.append(
                Part(
                    oval(x, y, r, r * rng.uniform(0.4, 1)),
                    pick(rng, "shirt", "badge", "held"),
                    1,
                    None,
                    1,
                )
            )
    c, s = np.cos(lean), np.sin(lean)
    turn = np.array([[c, -s], [s, c]])
    parts = [
        p
        if p.material in ("cloth", "held", "badge")
        else Part(p.outline @ turn.T, p.material, p.shade, p.hole, p.flat)
        for p in parts
    ]
    stuff = {
        "skin": "skin",
        "hair": "hair",
        "cloth": "cloth",
        "shirt": "cloth",
        "hat": "cloth",
        "lips": "lips",
        "pupil": "dark",
        "iris": "pale",
        "glasses": "dark",
        "held": "any",
        "badge": "any",
    }
    if chance(rng, 0.12):
        # Statues, robots, masks: one stuff for all.
        stuff = dict.fromkeys(stuff, pick(rng, "stone", "wood", "metal", "any", "fur"))
    return Thing(parts, cut=True, rough=rng.uniform(0, 0.003), stuff=stuff)


def person(rng: np.random.Generator) -> Thing:
    """A whole person: standing, walking, jumping, bending, perhaps with something in hand."""
    parts: list[Part] = []
    pose = rng.uniform(0.05, 0.9)
    bend = rng.normal(0, 0.25) if chance(rng, 0.7) else rng.normal(0, 0.7)
    hip = np.array([0.0, 0.0])
    chest = hip + 0.62 * np.array([np.sin(bend), -np.cos(bend)])
    thick = rng.uniform(0.13, 0.24)
    head_angle = bend * 0.5 + rng.normal(0, 0.15)
    head = chest + (0.12 + thick + 0.12) * np.array([np.sin(head_angle), -np.cos(head_angle)])

    def joint(
        root: Outline, first: float, second: float, lengths: tuple[float, float]
    ) -> list[Outline]:
        knee = root + lengths[0] * np.array([np.sin(first), np.cos(first)])
        return [root, knee, knee + lengths[1] * np.array([np.sin(second), np.cos(second)])]

    def leg(side: float, shade: float) -> None:
        first = rng.normal(0, 0.1 + 0.6 * pose) + side * 0.08
        points = joint(
            hip + (side * thick * 0.5, 0),
            first,
            first - abs(rng.normal(0, 0.7 * pose)),
            (0.48, 0.5),
        )
        parts.append(
            Part(limb(points, [thick * 0.75, thick * 0.5, thick * 0.35]), "trousers", shade)
        )
        foot = points[-1]
        parts.append(Part(limb([foot, foot + (0.16 * toes, 0.03)], [0.06, 0.05]), "shoes", shade))

    def arm(side: float, shade: float) -> Outline:
        first = rng.normal(0, 0.3 + 0.9 * pose) + side * 0.15
        points = joint(
            chest + (side * thick * 0.9, 0.0),
            first,
            first + abs(rng.normal(0, 0.9)) * toes,
            (0.34, 0.3),
        )
        sleeve = "shirt" if chance(rng, 0.7) else "skin"
        parts.append(Part(limb(points, [thick * 0.42, thick * 0.34, thick * 0.25]), sleeve, shade))
        parts.append(Part(oval(*points[-1], 0.06, 0.06), "skin", shade))
        return points[-1]

    toes = 1.0 if chance(rng, 0.5) else -1.0
    arm(-1, 0.8)
    leg(-1, 0.8)
    leg(1, 1.0)
    if chance(rng, 0.2):
        flare = rng.uniform(0.25, 0.6)
        parts.append(
            Part(
                spline(
                    [
                        (-thick, -0.1),
                        (thick, -0.1),
                        (flare, rng.uniform(0.3, 0.8)),
                        (-flare, rng.uniform(0.3, 0.8)),
                    ],
                    4,
                ),
                pick(rng, "trousers", "shirt"),
            )
        )
    parts.append(
        Part(limb([hip, (hip + chest) / 2, chest], [thick, thick * 0.95, thick * 1.15]), "shirt")
    )
    if chance(rng, 0.25):
        parts.append(Part(oval(*((hip + chest) / 2 + (-toes * thick, 0)), 0.2, 0.28, bend), "bag"))
    parts.append(Part(limb([chest, head], [0.1, 0.09]), "skin", 0.85))
    size = rng.uniform(0.13, 0.18)
    parts.append(Part(oval(*head, size * 0.85, size * 1.1, head_angle), "skin"))
    parts.append(
        Part(
            spline(
                [
                    head + size * np.array(p)
                    for p in (
                        (-0.95, 0.2),
                        (-0.9, -0.7),
                        (0, -1.35),
                        (0.9, -0.7),
                        (0.8, -0.3),
                        (0.1 * toes, -0.4),
                    )
                ]
            ),
            pick(rng, "hair", "hair", "hat"),
        )
    )
    hand = arm(1, 1.05)
    if chance(rng, 0.25):
        far = hand + rng.normal(0, 0.5, 2)
        parts.append(Part(limb([hand - (far - hand) * 0.3, far], [0.03, 0.03]), "held"))
    elif chance(rng, 0.2):
        parts.append(Part(wobbly(rng, *hand, rng.uniform(0.1, 0.25), 0.1), "held"))
    stuff = {
        "skin": "skin",
        "hair": "hair",
        "shirt": "cloth",
        "trousers": "cloth",
        "shoes": "cloth",
        "hat": "cloth",
        "bag": "cloth",
    }
    return Thing(parts, rough=rng.uniform(0, 0.003), stuff=stuff)
