"""Plants, tools and things of no certain kind."""

from __future__ import annotations

import numpy as np

from weights.generators.common import chance, log_uniform
from weights.generators.objects.outlines import Part, Thing, limb, oval, spline, turned, wobbly


def plant(rng: np.random.Generator) -> Thing:
    """A flower, mushroom, single tree, cactus or pot plant."""
    parts: list[Part] = []
    kind = rng.random()
    if kind < 0.5:
        stem = rng.uniform(0.5, 1.8)
        lean = rng.normal(0, 0.3)
        parts.append(
            Part(
                limb([(lean, stem), (lean * 0.3, stem * 0.5), (0, 0)], [0.05, 0.045, 0.04]), "green"
            )
        )
        for _ in range(int(rng.integers(0, 4))):
            y, way = rng.uniform(0.4, 1) * stem, rng.choice([-1, 1])
            parts.append(
                Part(
                    limb(
                        [
                            (lean * 0.4, y),
                            (way * 0.3, y - 0.2),
                            (way * 0.65, y - rng.uniform(0, 0.4)),
                        ],
                        [0.04, 0.13, 0.02],
                    ),
                    "green",
                    0.9,
                )
            )
        petals, reach, squash = int(rng.integers(4, 16)), rng.uniform(0.5, 0.9), rng.uniform(0.5, 1)
        turn = np.array([[1, 0], [0, squash]])
        for k in range(petals):
            a = 2 * np.pi * k / petals + rng.normal(0, 0.08)
            leaf = oval(
                reach * 0.55 * np.cos(a),
                reach * 0.55 * np.sin(a),
                reach * 0.5,
                reach * rng.uniform(0.15, 0.3),
                a,
            )
            parts.append(Part(leaf @ turn.T, "petal", rng.uniform(0.8, 1.1)))
        parts.append(Part(oval(0, 0, reach * 0.27, reach * 0.27 * squash), "heart"))
    elif kind < 0.7:
        cap = rng.uniform(0.5, 1)
        parts.append(Part(turned([(0.15, -0.2), (0.18, 0.5), (0.25, 0.9)]), "stalk"))
        parts.append(
            Part(
                spline(
                    [
                        (-cap, 0),
                        (-cap * 0.6, -0.6),
                        (0, -0.85),
                        (cap * 0.6, -0.6),
                        (cap, 0),
                        (0, 0.12),
                    ]
                ),
                "petal",
            )
        )
    else:
        parts.append(Part(turned([(0.07, -0.4), (0.1, 0.8), (0.18, 1.2)]), "bark"))
        for _ in range(int(rng.integers(1, 7))):
            x, y = rng.normal(0, 0.35), rng.normal(-0.6, 0.3)
            parts.append(
                Part(
                    wobbly(rng, x, y, rng.uniform(0.35, 0.75), 0.15), "green", rng.uniform(0.8, 1.1)
                )
            )
        if chance(rng, 0.4):
            parts.append(Part(turned([(0.5, 0.7), (0.35, 1.4)], False), "petal"))
    stuff = {"green": "leaf", "bark": "wood", "petal": "vivid", "heart": "any", "stalk": "pale"}
    return Thing(parts, grounded=kind > 0.5, rough=rng.uniform(0, 0.03), stuff=stuff)


def tool(rng: np.random.Generator) -> Thing:
    """Thin things: tools, instruments, branches, rings, letters, ropes."""
    parts: list[Part] = []
    wide = log_uniform(rng, 0.03, 0.14)
    for _ in range(int(rng.integers(1, 5))):
        points = np.cumsum(rng.normal(0, 0.55, (int(rng.integers(2, 6)), 2)), axis=0)
        points += rng.normal(0, 0.2, 2) - points.mean(axis=0)
        widths = wide * rng.uniform(0.5, 1.5, len(points))
        parts.append(Part(limb(points, widths), str(rng.choice(["a", "b"]))))
    for _ in range(int(rng.integers(0, 3))):
        x, y = rng.normal(0, 0.5, 2)
        r = rng.uniform(0.15, 0.6)
        hole = oval(x, y, r * 0.7, r * 0.7) if chance(rng, 0.5) else None
        parts.append(
            Part(oval(x, y, r, r, 0, rng.uniform(2, 6)), str(rng.choice(["a", "b"])), 1, hole)
        )
    return Thing(parts, grounded=chance(rng, 0.3), stuff={"a": "any", "b": "metal"})


def blob(rng: np.random.Generator) -> Thing:
    """Anything roundish, or several such things grown together: fruit, stones, toys, food."""
    parts: list[Part] = []
    for k in range(int(rng.choice([1, 1, 2, 3, 4, 6]))):
        x, y = (0.0, 0.0) if k == 0 else rng.normal(0, 0.5, 2)
        r = rng.uniform(0.25, 0.6) if k else rng.uniform(0.5, 0.8)
        name = "abc"[int(rng.integers(3))]
        if chance(rng, 0.5):
            outline = wobbly(rng, x, y, r, rng.uniform(0.02, 0.3), int(rng.integers(2, 9)))
        else:
            power = rng.choice([2.0, 2.5, 4.0, 12.0])
            outline = oval(x, y, r, r * rng.uniform(0.35, 1), rng.uniform(0, np.pi), power)
        hole = None
        if k == 0 and chance(rng, 0.08):
            hole = oval(x, y, r * 0.4, r * 0.3)
        parts.append(Part(outline, name, rng.uniform(0.85, 1.1), hole))
    for _ in range(int(rng.integers(0, 6))):
        x, y = rng.normal(0, 0.35, 2)
        mark = wobbly(rng, x, y, rng.uniform(0.06, 0.3), 0.15)
        parts.append(Part(mark, "abc"[int(rng.integers(3))], rng.uniform(0.7, 1.2), None, 1))
    return Thing(
        parts, grounded=chance(rng, 0.5), rough=rng.uniform(0, 0.03) if chance(rng, 0.4) else 0
    )
