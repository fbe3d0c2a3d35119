"""The shapes of cars, vans, buses and lorries."""

from __future__ import annotations

import numpy as np

from weights.generators.common import chance
from weights.generators.scene.bodywork import Shape, solid
from weights.generators.scene.motorcycles import motorcycle
from weights.generators.scene.view import Thing


def _car(rng: np.random.Generator) -> Shape:
    length, high = rng.uniform(3.7, 4.9), rng.uniform(1.38, 1.75)
    hood, belt = rng.uniform(0.72, 0.95), rng.uniform(0.85, 1.0)
    clear = 0.2
    nose, tail = 0.26 * length * rng.uniform(0.85, 1.1), rng.uniform(0.02, 0.2) * length
    screen = rng.uniform(0.35, 0.75)
    rear = rng.uniform(0.15, 0.7)
    front_roof, back_roof = nose + screen, length - tail - rear
    outline = np.array(
        [
            (0.06, clear), (0.0, 0.45), (0.05, hood - 0.12), (0.25, hood),
            (nose, belt + 0.02), (front_roof, high - 0.05), (front_roof + 0.4, high),
            (back_roof - 0.4, high - 0.01), (back_roof, high - 0.08),
            (length - tail, belt + 0.05), (length - 0.05, belt - 0.02), (length, 0.5),
            (length - 0.06, clear),
        ]
    )  # fmt: skip
    pillar = (front_roof + back_roof) / 2 + rng.uniform(-0.1, 0.2)
    windows = [(nose + 0.2, pillar - 0.06), (pillar + 0.06, length - tail - 0.12)]
    if chance(rng, 0.4):
        windows[1] = (pillar + 0.06, back_roof - 0.15)
    wheel = rng.uniform(0.29, 0.36)
    return Shape(
        length=length, width=rng.uniform(1.65, 1.9), belt=belt, outline=outline, roof=(5, 8),
        windows=windows, wheels=(0.19 * length, 0.81 * length), wheel=wheel,
        inset=rng.uniform(0.12, 0.24),
    )  # fmt: skip


def _van(rng: np.random.Generator) -> Shape:
    length, high = rng.uniform(4.4, 6.2), rng.uniform(1.8, 2.7)
    belt = rng.uniform(1.0, 1.25)
    outline = np.array(
        [
            (0.05, 0.22), (0.0, 0.5), (0.08, 0.95), (0.7, belt + 0.05), (1.35, high - 0.1),
            (1.6, high), (length - 0.2, high), (length - 0.05, high - 0.12), (length, 0.6),
            (length - 0.02, 0.25),
        ]
    )  # fmt: skip
    windows = [(1.05, 2.1)]
    if chance(rng, 0.5):
        windows += [(2.2, 3.3), (3.4, length - 0.3)]
    return Shape(
        length=length, width=rng.uniform(1.8, 2.1), belt=belt, outline=outline, roof=(4, 7),
        windows=windows, wheels=(0.17 * length, 0.8 * length), wheel=0.34, inset=0.1,
        glass_back=len(windows) > 1,
    )  # fmt: skip


def _bus(rng: np.random.Generator) -> Shape:
    length, high = rng.uniform(8, 13), rng.uniform(2.9, 4.2)
    belt = rng.uniform(1.1, 1.5)
    outline = np.array(
        [
            (0.03, 0.3), (0.0, 1.0), (0.05, high - 0.6), (0.25, high - 0.06), (0.5, high),
            (length - 0.4, high), (length - 0.1, high - 0.1), (length, high - 0.5),
            (length, 0.35),
        ]
    )  # fmt: skip
    edges = np.linspace(0.3, length - 0.2, int(rng.integers(5, 9)))
    windows = [(a, b - 0.1) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]
    return Shape(
        length=length, width=2.5, belt=belt, outline=outline, roof=(3, 6), windows=windows,
        wheels=(0.2 * length, 0.74 * length), wheel=0.48, inset=0.05,
    )  # fmt: skip


def _lorry(rng: np.random.Generator) -> Shape:
    length, high = rng.uniform(6, 11), rng.uniform(2.6, 3.9)
    cab = rng.uniform(1.7, 2.3)
    cab_high = min(high - 0.1, rng.uniform(2.2, 2.9))
    outline = np.array(
        [
            (0.03, 0.35), (0.0, 1.1), (0.12, cab_high - 0.3), (0.3, cab_high), (cab, cab_high),
            (cab + 0.15, high), (length - 0.02, high), (length, high - 0.03), (length, 0.7),
        ]
    )  # fmt: skip
    return Shape(
        length=length, width=2.4, belt=1.5, outline=outline, roof=(3, 7),
        windows=[(0.35, cab - 0.5)],
        wheels=(0.9, length - 1.0, length - 2.1) if length > 8 else (0.9, length - 1.2),
        wheel=0.48, inset=0.03, glass_back=False,
    )  # fmt: skip


def random_vehicle(rng: np.random.Generator, x: float, z: float, yaw: float) -> Thing:
    """A vehicle whose middle stands at (x, z); `yaw` 0 turns its nose towards the eye."""
    kind = rng.random()
    if kind < 0.1:
        return motorcycle(rng, x, z, yaw)
    shape = (
        _car(rng) if kind < 0.76 else _van(rng) if kind < 0.88 else
        _bus(rng) if kind < 0.94 else _lorry(rng)
    )  # fmt: skip
    return solid(rng, shape, x, z, yaw)


def car(rng: np.random.Generator, x: float, z: float, yaw: float) -> Thing:
    """A car whose middle stands at (x, z)."""
    return solid(rng, _car(rng), x, z, yaw)
