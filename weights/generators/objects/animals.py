"""Animals: four-legged ones, birds, fish."""

# ruff: noqa: RUF005 - points are arrays, and plus adds to them

from __future__ import annotations

import numpy as np

from weights.generators.common import chance
from weights.generators.objects.outlines import Outline, Part, Thing, limb, oval, pick, spline


def quadruped(rng: np.random.Generator) -> Thing:
    """A four-legged animal from the side: standing, running, lying."""
    leg, neck = rng.uniform(0.15, 0.75), rng.uniform(0.12, 0.6)
    fat = rng.uniform(0.13, 0.32)
    length = rng.uniform(0.45, 0.75)
    swing = rng.uniform(0.05, 0.3) if chance(rng, 0.6) else rng.uniform(0.4, 0.9)
    lying = chance(rng, 0.15)
    hip, shoulder = np.array([-length, 0.0]), np.array([length, rng.uniform(-0.2, 0.12)])
    parts: list[Part] = []

    def leg_at(root: Outline, shade: float, forward: float) -> None:
        if lying:
            knee = root + (0.35 * rng.uniform(0.5, 1), fat * 0.9)
            foot = knee + (rng.uniform(-0.1, 0.5), 0.05)
        else:
            angle = rng.normal(0, swing)
            knee = root + leg * 0.5 * np.array([np.sin(angle), np.cos(angle)])
            angle += rng.normal(-0.15 * forward, 0.2 + 0.5 * swing)
            foot = knee + leg * 0.6 * np.array([np.sin(angle), np.cos(angle)])
        thick = fat * rng.uniform(0.4, 0.6)
        thin = thick * rng.uniform(0.3, 0.6)
        toe = foot + (thin * rng.uniform(0.5, 1.6), thin * 0.3)
        parts.append(
            Part(limb([root, knee, foot, toe], [thick, thin * 1.1, thin, thin]), "fur", shade)
        )

    low = np.array([0, fat * 0.5])
    for root in (hip + low, shoulder + low):
        leg_at(root + (rng.normal(0, 0.05), 0), rng.uniform(0.5, 0.9), 1)
    if chance(rng, 0.85):
        reach, lift = rng.uniform(0.15, 0.7), rng.uniform(-0.5, 0.6)
        tail = [
            hip,
            hip + (-reach * 0.5, lift * 0.2),
            hip + (-reach, lift),
        ]
        thin = rng.uniform(0.02, 0.08)
        parts.append(Part(limb(tail, [thin * 1.5, thin, thin * rng.uniform(0.5, 2.0)]), "fur", 0.9))
    middle = (hip + shoulder) / 2 + (0, rng.uniform(-0.04, 0.1))
    rear, waist, chest = (
        fat * rng.uniform(0.8, 1.1),
        fat * rng.uniform(0.75, 1.1),
        fat * rng.uniform(0.9, 1.2),
    )
    back = [hip + (-0.05, 0.02), hip * 0.6, middle, shoulder * 0.7, shoulder + (0.04, -0.02)]
    body = limb(back, [rear * 0.8, rear, waist, chest, chest * 0.8])
    angle = rng.uniform(-0.3, 1.3)
    skull = rng.uniform(0.1, 0.2)
    head = shoulder + (fat * 0.5, -fat * 0.3) + neck * np.array([np.cos(angle), -np.sin(angle)])
    parts.append(
        Part(
            limb(
                [shoulder, (shoulder + head) / 2 + (0, 0.03), head],
                [chest * 0.8, skull * 1.1, skull * 0.9],
            ),
            "fur",
            0.95,
        )
    )
    parts.append(Part(body, "fur"))
    for root in (hip + low, shoulder + low):
        leg_at(root + (rng.normal(0, 0.05), 0), 1.0, 1)
    snout = rng.uniform(0.1, 0.42)
    down = rng.uniform(-0.1, 0.7)
    nose = head + snout * np.array([np.cos(down), np.sin(down)])
    ear = rng.uniform(0.06, 0.3)
    for k in (0, 1):
        root = head + (-0.02 - 0.08 * k, -skull * 0.7)
        tip = root + ear * np.array(
            [rng.uniform(-0.7, 0.3), -rng.uniform(0.3, 1) if chance(rng, 0.7) else 0.6]
        )
        parts.append(
            Part(
                limb([root, (root + tip) / 2, tip], [0.05, ear * 0.25, 0.015]), "fur", 0.8 + 0.2 * k
            )
        )
    parts.append(
        Part(
            limb(
                [head, (head + nose) / 2, nose],
                [skull, skull * 0.75, skull * rng.uniform(0.35, 0.7)],
            ),
            "fur",
            1.05,
        )
    )
    if chance(rng, 0.7):
        parts.append(Part(oval(*(head + (snout * 0.25, -0.03)), 0.025, 0.025), "pupil", 1, None, 1))
        parts.append(Part(oval(*nose, 0.045, 0.035), "pupil", 1, None, 0))
    if chance(rng, 0.25):
        horn = head + (-0.03, -skull * 0.8)
        tip = horn + (rng.uniform(-0.5, 0.2), -rng.uniform(0.2, 0.6))
        parts.append(
            Part(limb([horn, (horn + tip) / 2 + (0.1, 0), tip], [0.04, 0.03, 0.01]), "horn")
        )
    if chance(rng, 0.3):
        mane = spline(
            [
                shoulder + rng.normal(0, 0.02, 2) + (a, b)
                for a, b in ((-0.1, -fat * 0.8), (0.3, -neck), (0.5, -0.1), (0.3, 0.3), (0, 0.2))
            ]
        )
        parts.insert(-5, Part(mane, "mane"))
    if chance(rng, 0.2):
        parts.append(
            Part(
                oval(*(middle + (0, -fat * 0.2)), length * rng.uniform(0.3, 0.7), fat * 0.7),
                "patch",
            )
        )
    stuff = {"fur": "fur", "mane": "fur", "patch": "fur", "pupil": "dark", "horn": "fur"}
    rough = rng.uniform(0.002, 0.01) if chance(rng, 0.6) else 0.0
    return Thing(parts, rough=rough, stuff=stuff)


def bird(rng: np.random.Generator) -> Thing:
    """A bird that sits or flies, or an insect with wings."""
    parts: list[Part] = []
    flying = chance(rng, 0.4)
    fat, lift = rng.uniform(0.2, 0.45), rng.uniform(-0.2, 0.7)
    head = np.array([0.75, -lift])
    tail = np.array([-rng.uniform(0.8, 1.5), rng.uniform(-0.2, 0.4)])
    if flying:
        tip = (rng.uniform(-0.8, 0.3), -rng.uniform(0.7, 1.5))
        parts.append(
            Part(
                spline([(-0.4, 0), (0.4, -0.1), (tip[0] + 0.3, tip[1] * 0.9), tip, (-0.6, -0.4)]),
                "wing",
                0.75,
            )
        )
    elif chance(rng, 0.8):
        for x in (-0.1, 0.12):
            parts.append(
                Part(
                    limb([(x, fat * 0.6), (x + 0.05, fat + rng.uniform(0.2, 0.8))], [0.035, 0.025]),
                    "beak",
                    0.8,
                )
            )
    parts.append(Part(limb([(-0.3, 0), tail], [fat * 0.5, rng.uniform(0.05, 0.2)]), "wing", 0.9))
    parts.append(
        Part(
            limb(
                [(-0.5, 0.02), (0, 0.05), (0.45, -lift * 0.3), tuple(head)],
                [fat * 0.4, fat, fat * 0.85, 0.2],
            ),
            "down",
        )
    )
    parts.append(
        Part(
            oval(*head, rng.uniform(0.17, 0.26), rng.uniform(0.16, 0.22)),
            pick(rng, "down", "crest"),
        )
    )
    beak = rng.uniform(0.1, 0.5)
    parts.append(
        Part(
            spline([head + (0.14, -0.07), head + (0.2 + beak, 0.03), head + (0.14, 0.08)], 3),
            "beak",
        )
    )
    if chance(rng, 0.6):
        parts.append(Part(oval(0.1, fat * 0.5, 0.45, fat * 0.45), "belly"))
    parts.append(Part(oval(*(head + (0.06, -0.04)), 0.035, 0.035), "pupil", 1, None, 1))
    if flying:
        tip = (rng.uniform(-0.9, 0.2), rng.choice([-1.3, -0.9, 0.9]))
        parts.append(
            Part(
                spline(
                    [
                        (-0.35, 0.05),
                        (0.4, 0),
                        (tip[0] + 0.35, tip[1] * 0.8),
                        tip,
                        (-0.6, tip[1] * 0.4),
                    ]
                ),
                "wing",
            )
        )
    else:
        parts.append(
            Part(
                limb(
                    [(0.3, -0.05), (-0.3, 0.05), (tail[0] * 0.8, tail[1] * 0.6)],
                    [0.15, fat * 0.55, 0.06],
                ),
                "wing",
            )
        )
    stuff = {
        "pupil": "dark",
        "down": pick(rng, "fur", "any"),
        "wing": pick(rng, "fur", "any"),
        "belly": "fur",
    }
    return Thing(parts, grounded=not flying, rough=rng.uniform(0, 0.01), stuff=stuff)


def fish(rng: np.random.Generator) -> Thing:
    """Anything long that swims or creeps: fish, whale, lizard, beetle."""
    fat, bend = rng.uniform(0.15, 0.5), rng.normal(0, 0.3)
    nose, middle, back = (1.0, bend * 0.3), (0.2, 0.0), (-0.8, bend)
    parts = [
        Part(
            limb(
                [middle, (-0.1, fat * rng.uniform(1.2, 2)), (-0.4, fat * 1.3)], [0.12, 0.12, 0.04]
            ),
            "fin",
            0.8,
        )
    ]
    fork = rng.uniform(0.2, 0.6)
    parts.append(
        Part(spline([back, (-1.3, bend - fork), (-1.1, bend), (-1.3, bend + fork)], 4), "fin")
    )
    parts.append(
        Part(
            spline([(0.5, -fat * 0.5), (0.1, -fat * rng.uniform(1.1, 2.2)), (-0.5, -fat * 0.6)], 5),
            "fin",
        )
    )
    parts.append(
        Part(
            limb(
                [back, (-0.4, bend * 0.4), middle, (0.7, bend * 0.2), nose],
                [0.08, fat * 0.65, fat, fat * 0.75, fat * 0.25],
            ),
            "scales",
        )
    )
    if chance(rng, 0.5):
        parts.append(
            Part(
                limb(
                    [(-0.6, bend * 0.6 + fat * 0.3), (0.2, fat * 0.5), (0.9, fat * 0.2)],
                    [0.05, fat * 0.4, 0.08],
                ),
                "belly",
            )
        )
    parts.append(Part(oval(0.72, bend * 0.2 - fat * 0.2, 0.06, 0.06), "pupil", 1, None, 1))
    if chance(rng, 0.3):
        for x in (-0.4, 0.0, 0.4):
            parts.append(
                Part(
                    limb([(x, fat * 0.5), (x + rng.normal(0, 0.2), fat + 0.4)], [0.06, 0.03]), "fin"
                )
            )
    return Thing(parts, grounded=False, stuff={"pupil": "dark"}, rough=rng.uniform(0, 0.006))
