"""Scenes outside of towns: fields, parks, and open land under much sky."""

from __future__ import annotations

import numpy as np

from weights.generators.common import chance, log_uniform
from weights.generators.scene.buildings import footprint, mast, random_block, skyline
from weights.generators.scene.clutter import fence, person, pole
from weights.generators.scene.land import Road, random_material
from weights.generators.scene.plan import Plan, close_the_view, crowd, random_view, scatter
from weights.generators.scene.plants import hedge
from weights.generators.scene.vehicles import random_vehicle
from weights.generators.scene.view import View


def country(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """Fields, a road or track, woods and hills, now and then a farm or a car."""
    view = random_view(rng, side, (0.25, 0.75), (0.7, 1.8), (1.3, 6))
    plan = Plan(base=str(rng.choice(["grass", "dirt", "sand", "snow"], p=[0.7, 0.12, 0.08, 0.1])))
    close_the_view(rng, plan, rng.uniform(60, 300))
    if chance(rng, 0.65):
        marked, tracks = chance(rng, 0.5), ["dirt", "asphalt", "sand", "snow"]
        road = Road(
            right=rng.uniform(-6, 6), bend=rng.normal(0, 8), half=rng.uniform(1.3, 5.5),
            material=random_material(rng, "asphalt" if marked else str(rng.choice(tracks))),
            marked=marked,
        )  # fmt: skip
        plan.roads.append(road)
        for _ in range(int(rng.integers(0, 3))):
            away = log_uniform(rng, 6, 60)
            x = float(road.middle(away)) + rng.uniform(-0.4, 0.4) * road.half
            plan.things.append(
                random_vehicle(rng, x, away, rng.choice([0, np.pi]) + rng.normal(0, 0.2))
            )
    scatter(rng, plan, int(rng.integers(0, 14)), (8, 150))
    for _ in range(int(rng.poisson(0.7))):
        x, z = view.place(rng.uniform(0, 1), view.horizon + rng.uniform(0.01, 0.1) * side)
        z = min(z, 150)
        corners = footprint((x, z), rng.uniform(6, 12), rng.uniform(8, 20), rng.uniform(-1, 1))
        plan.things.append(random_block(rng, corners, z, kind="house"))
    if chance(rng, 0.3):
        z = rng.uniform(5, 25)
        plan.things.append(fence(rng, (-z * 1.2, z + rng.uniform(-2, 2)), (z * 1.2, z)))
    crowd(rng, plan, 0.5)
    if chance(rng, 0.18):
        plan.water = (rng.uniform(8, 40), rng.uniform(60, 400))
    return view, plan


def park(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """Lawns, paths, trees near and far, people and benches; houses behind."""
    view = random_view(rng, side, (0.3, 0.65), (0.7, 1.6), (1.2, 2.5))
    plan = Plan(
        base=str(rng.choice(["grass", "snow", "sand", "pavement"], p=[0.8, 0.06, 0.04, 0.1]))
    )
    close_the_view(rng, plan, rng.uniform(40, 120))
    if chance(rng, 0.7):
        kind = str(rng.choice(["dirt", "pavement", "concrete", "asphalt"]))
        plan.roads.append(
            Road(
                right=rng.uniform(-6, 6), bend=rng.normal(0, 12), half=rng.uniform(0.8, 3),
                material=random_material(rng, kind), marked=False,
            )
        )  # fmt: skip
    if chance(rng, 0.35):
        z = rng.uniform(40, 100)
        x = rng.uniform(-60, -20)
        while x < 60:
            width = rng.uniform(10, 30)
            corners = footprint((x + width / 2, z + 6), width, 12, rng.normal(0, 0.1))
            plan.things.append(
                random_block(rng, corners, z + 14, kind="town" if chance(rng, 0.7) else "tower")
            )
            x += width + rng.uniform(0, 12)
    scatter(rng, plan, int(rng.integers(3, 16)), (5, 60))
    if chance(rng, 0.3):
        z = rng.uniform(6, 30)
        plan.things.append(
            hedge(
                rng,
                (-z, z),
                (z * rng.uniform(-0.2, 1), z * rng.uniform(0.9, 1.3)),
                rng.uniform(0.6, 2),
            )
        )
    crowd(rng, plan, 2.5)
    if chance(rng, 0.15):
        plan.water = (rng.uniform(5, 15), rng.uniform(20, 60))
    return view, plan


def open_land(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """Much sky over a far skyline, water, masts, tree tops or a flat field."""
    view = random_view(rng, side, (0.5, 1.15), (0.8, 2.2), (1.3, 12))
    plan = Plan(
        base=str(
            rng.choice(
                ["grass", "sand", "concrete", "dirt", "snow"], p=[0.4, 0.15, 0.25, 0.15, 0.05]
            )
        )
    )
    close_the_view(rng, plan, rng.uniform(80, 400))
    if chance(rng, 0.5):
        away, tallest = log_uniform(rng, 150, 600), log_uniform(rng, 30, 200)
        plan.far.append(lambda sheet: skyline(sheet, away, tallest))
    if chance(rng, 0.3):
        plan.water = (rng.uniform(4, 30), rng.uniform(60, 400))
    for _ in range(int(rng.poisson(0.8))):
        z = rng.uniform(25, 90)
        plan.things.append(mast(rng, rng.uniform(-0.5, 0.5) * z, z))
    for _ in range(int(rng.poisson(0.6))):
        z = rng.uniform(40, 120)
        corners = footprint(
            (rng.uniform(-0.5, 0.5) * z, z),
            rng.uniform(4, 18),
            rng.uniform(4, 18),
            rng.normal(0, 0.5),
        )
        plan.things.append(random_block(rng, corners, z, kind="tower"))
    if chance(rng, 0.5):
        scatter(rng, plan, int(rng.integers(1, 7)), (5, 60))
    if chance(rng, 0.3):
        plan.things.append(pole(rng, rng.uniform(-4, 4), rng.uniform(6, 15)))
    if chance(rng, 0.35):
        crowd(rng, plan, 1.5)
    if chance(rng, 0.25):
        z = rng.uniform(1.8, 3.2)
        plan.things.append(person(rng, rng.uniform(-0.35, 0.35) * z, z))
    return view, plan
