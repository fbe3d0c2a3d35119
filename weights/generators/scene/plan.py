"""What a scene consists of before it is painted, and what all kinds of scenes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from weights.generators.common import chance, log_uniform
from weights.generators.scene.buildings import skyline
from weights.generators.scene.clutter import person, random_clutter
from weights.generators.scene.land import Road, paint_ridge
from weights.generators.scene.plants import leaf_colour, random_plant, woods
from weights.generators.scene.view import GROUND, TREE, Sheet, Thing, View, colour, varied


@dataclass(kw_only=True)
class Plan:
    """What a scene consists of, before anything is painted."""

    base: str
    roads: list[Road] = field(default_factory=list)
    far: list[Callable[[Sheet], None]] = field(default_factory=list)
    """Painted before the ground, which hides their feet."""
    things: list[Thing] = field(default_factory=list)
    water: tuple[float, float] | None = None
    """Metres away at which water begins and ends."""


def random_view(
    rng: np.random.Generator,
    side: int,
    horizon: tuple[float, float],
    focal: tuple[float, float] = (0.7, 1.5),
    eye: tuple[float, float] = (1.3, 2.4),
    yaw: float = 0.15,
) -> View:
    """An eye with its horizon, focal length (in sides of the sheet) and height in these ranges."""
    return View(
        side=side,
        horizon=rng.uniform(*horizon) * side,
        middle=side * rng.uniform(0.35, 0.65),
        focal=log_uniform(rng, *focal) * side,
        eye=log_uniform(rng, *eye),
        yaw=float(rng.normal(0, yaw)),
    )


def close_the_view(rng: np.random.Generator, plan: Plan, depth: float) -> None:
    """What closes the view: hills, woods, a skyline, or nothing."""
    if chance(rng, 0.35):
        tone = varied(
            rng, colour(0.38, 0.39, 0.34) if chance(rng, 0.5) else colour(0.45, 0.42, 0.42), 0.2
        )
        height, rough, far = rng.uniform(0.02, 0.22), rng.uniform(0.02, 0.2), rng.uniform(1, 4)
        plan.far.append(
            lambda sheet: paint_ridge(
                sheet, height * sheet.view.side, sheet.light.clear * far * 0.4, tone, GROUND, rough
            )
        )
    if chance(rng, 0.35):
        away, tallest = log_uniform(rng, 150, 900), log_uniform(rng, 20, 160)
        plan.far.append(lambda sheet: skyline(sheet, away, tallest))
    if chance(rng, 0.25):
        leaf = leaf_colour(rng) * 0.75
        low = rng.uniform(0.01, 0.06)
        plan.far.append(
            lambda sheet: paint_ridge(sheet, low * sheet.view.side, 2 * depth, leaf, TREE, 1.2)
        )
    if chance(rng, 0.45):
        away, tall, gaps = depth * rng.uniform(1, 2), rng.uniform(6, 16), rng.uniform(0, 0.5)
        plan.far.append(lambda sheet: woods(sheet, away, tall, gaps))


def scatter(rng: np.random.Generator, plan: Plan, count: int, reach: tuple[float, float]) -> None:
    """Plants here and there, in the part of the ground that is seen."""
    for _ in range(count):
        z = log_uniform(rng, *reach)
        plan.things.append(random_plant(rng, rng.uniform(-0.8, 0.8) * z, z))


def crowd(rng: np.random.Generator, plan: Plan, mean: float) -> None:
    """People, poles and furniture not far away, `mean` of them on average."""
    for _ in range(int(rng.poisson(mean))):
        z = log_uniform(rng, 2.5, 24)
        plan.things.append(random_clutter(rng, rng.uniform(-0.6, 0.6) * z, z))
    for _ in range(int(rng.integers(1, 4)) if chance(rng, 0.3) else 0):
        z = rng.uniform(1.7, 4.5)
        plan.things.append(person(rng, rng.uniform(-0.45, 0.45) * z, z))
