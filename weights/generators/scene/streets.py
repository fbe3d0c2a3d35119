"""Scenes among houses: streets, suburbs, parked vehicles and fronts."""

from __future__ import annotations

import numpy as np

from weights.generators.common import chance, log_uniform
from weights.generators.scene.buildings import footprint, random_block
from weights.generators.scene.clutter import fence, furniture, person, random_clutter
from weights.generators.scene.land import Road, random_material
from weights.generators.scene.motorcycles import motorcycle
from weights.generators.scene.plan import Plan, close_the_view, crowd, random_view, scatter
from weights.generators.scene.plants import bush, hedge, random_plant, tree
from weights.generators.scene.vehicles import car, random_vehicle
from weights.generators.scene.view import View


def street(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """A street between houses, trees and pavements, with traffic and people."""
    view = random_view(rng, side, (0.3, 0.7))
    plan = Plan(
        base=str(
            rng.choice(
                ["pavement", "grass", "concrete", "dirt", "snow"], p=[0.4, 0.3, 0.15, 0.1, 0.05]
            )
        )
    )
    half, kerb = rng.uniform(2.5, 8), rng.uniform(0.8, 4)
    road = Road(
        right=rng.uniform(-1.2, 1.2) * half,
        bend=rng.normal(0, 3) if chance(rng, 0.4) else 0.0,
        half=half,
        material=random_material(
            rng, str(rng.choice(["asphalt", "pavement", "snow"], p=[0.85, 0.1, 0.05]))
        ),
        marked=chance(rng, 0.75),
        kerb=kerb,
        pavement=random_material(rng, "pavement" if chance(rng, 0.7) else "concrete"),
    )
    plan.roads.append(road)
    close_the_view(rng, plan, 90)
    for hand in (-1, 1):
        _street_side(rng, plan, road, hand)
    for _ in range(int(rng.integers(0, 4))):
        away = log_uniform(rng, 5, 60)
        lane = rng.uniform(0.2, 0.6) * half * (1 if chance(rng, 0.5) else -1)
        turn = (0.0 if lane < 0 else np.pi) + rng.normal(0, 0.06)
        plan.things.append(random_vehicle(rng, float(road.middle(away)) + lane, away, turn))
    crowd(rng, plan, 0.5)
    for _ in range(int(rng.poisson(1.2))):
        away = log_uniform(rng, 3, 40)
        plan.things.append(person(rng, float(road.middle(away)) + rng.uniform(-1, 1) * half, away))
    return view, plan


def _street_side(rng: np.random.Generator, plan: Plan, road: Road, hand: int) -> None:
    """Houses, plants, parked cars and clutter along one side."""
    front = road.half + road.kerb + (rng.uniform(0.3, 12) if chance(rng, 0.35) else 0.2)
    kind = "houses" if chance(rng, 0.72) else "plants" if chance(rng, 0.6) else "open"
    towers = chance(rng, 0.2)
    low = chance(rng, 0.25)
    z = rng.uniform(-6, 14)
    while z < 110:
        length = rng.uniform(6, 24) if not low else rng.uniform(7, 13)
        x = float(road.middle(z + length / 2)) + hand * front
        if kind == "houses" and chance(rng, 0.88):
            corners = np.array(
                [
                    [x, 0, z],
                    [x + hand * 11, 0, z],
                    [x + hand * 11, 0, z + length],
                    [x, 0, z + length],
                ]
            )
            sort = "house" if low else "tower" if towers and chance(rng, 0.4) else "town"
            plan.things.append(random_block(rng, corners, z + length + 2, kind=sort))
        elif kind == "plants":
            plan.things.append(random_plant(rng, x + hand * rng.uniform(0, 6), z + length / 2))
            if chance(rng, 0.4):
                plan.things.append(
                    hedge(rng, (x, max(2.0, z)), (x, z + length), rng.uniform(0.8, 2.2))
                )
        z += length + (rng.uniform(1, 10) if chance(rng, 0.25) or low else 0.0)
    parked, planted, clutter = rng.random(3) < (0.5, 0.45, 0.7)
    z = rng.uniform(3, 9)
    turn = 0.0 if hand < 0 else np.pi
    while parked and z < 60:
        if chance(rng, 0.7):
            x = float(road.middle(z)) + hand * (road.half - 1.1)
            plan.things.append(random_vehicle(rng, x, z, turn + rng.normal(0, 0.03)))
        z += rng.uniform(5.5, 8)
    z, step, tall = rng.uniform(3, 12), rng.uniform(5, 16), rng.uniform(4, 12)
    while planted and z < 80:
        x = float(road.middle(z)) + hand * (road.half + min(1.2, 0.6 * road.kerb))
        plan.things.append(tree(rng, x, z, tall * rng.uniform(0.75, 1.25)))
        z += step * rng.uniform(0.8, 1.3)
    for _ in range(int(rng.poisson(2.5)) if clutter else 0):
        z = log_uniform(rng, 2.5, 50)
        x = float(road.middle(z)) + hand * (road.half + rng.uniform(0.2, max(0.4, road.kerb)))
        plan.things.append(random_clutter(rng, x, z))


def suburb(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """Houses with gardens behind a road, seen from across it."""
    view = random_view(rng, side, (0.35, 0.65), (0.6, 1.4), (1.3, 2.6), 0.3)
    plan = Plan(base="grass" if chance(rng, 0.8) else str(rng.choice(["dirt", "snow", "pavement"])))
    close_the_view(rng, plan, 70)
    front = rng.uniform(9, 26)
    if chance(rng, 0.7):
        half = rng.uniform(2, 4)
        plan.roads.append(
            Road(
                right=rng.uniform(2.5, max(3.0, front - half - 2)), bend=0.0,
                half=half, crossing=True,
                material=random_material(rng, "asphalt"), marked=chance(rng, 0.5),
                kerb=rng.uniform(0.8, 2), pavement=random_material(rng, "pavement"),
            )
        )  # fmt: skip
    x = rng.uniform(-32, -22)
    while x < 30:
        width = rng.uniform(7, 14)
        if chance(rng, 0.85):
            corners = footprint(
                (x + width / 2, front + 6), width, rng.uniform(7, 12), rng.normal(0, 0.15)
            )
            plan.things.append(random_block(rng, corners, front + 10, kind="house"))
        elif chance(rng, 0.5):
            plan.things.append(random_plant(rng, x + width / 2, front + 4))
        if chance(rng, 0.4):
            plan.things.append(bush(rng, x + rng.uniform(0, width), front - 1, rng.uniform(0.6, 2)))
        if chance(rng, 0.3):
            plan.things.append(
                car(
                    rng,
                    x + rng.uniform(0, width),
                    front - 3.5,
                    rng.choice([0, 0.5, 1]) * np.pi + rng.normal(0, 0.1),
                )
            )
        x += width + rng.uniform(1, 7)
    scatter(rng, plan, int(rng.integers(0, 6)), (5, 50))
    if chance(rng, 0.35):
        z = front - rng.uniform(1.5, 4)
        plan.things.append(
            hedge(rng, (-z, z), (z * rng.uniform(-0.3, 1), z), rng.uniform(0.6, 1.8))
        )
    if chance(rng, 0.3):
        z = front - rng.uniform(1.5, 5)
        plan.things.append(fence(rng, (-z * 1.3, z), (z * rng.uniform(-0.3, 1.3), z)))
    for road in plan.roads:
        for _ in range(int(rng.integers(0, 4))):
            away = road.right + rng.uniform(-0.6, 0.6) * road.half
            turn = np.pi / 2 * rng.choice([-1, 1]) + rng.normal(0, 0.05)
            plan.things.append(random_vehicle(rng, rng.uniform(-0.7, 0.7) * away, away, turn))
    crowd(rng, plan, 1.5)
    return view, plan


def parked(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """One vehicle that fills much of the picture, before a house, woods, a wall or open land."""
    view = random_view(rng, side, (0.2, 0.55), (0.8, 1.6), (1.1, 2.0), 0.05)
    plan = Plan(
        base=str(
            rng.choice(
                ["asphalt", "concrete", "pavement", "grass", "dirt", "sand", "snow"],
                p=[0.3, 0.2, 0.15, 0.15, 0.1, 0.05, 0.05],
            )
        )
    )
    close_the_view(rng, plan, rng.uniform(25, 90))
    away = rng.uniform(4.5, 9)
    x = rng.uniform(-0.15, 0.15) * away
    turn = rng.uniform(0, 2 * np.pi)
    if chance(rng, 0.25):
        plan.things.append(
            motorcycle(rng, x, rng.uniform(2.2, 4), rng.choice([-1, 1]) * rng.uniform(0.9, 2.2))
        )
    else:
        plan.things.append(random_vehicle(rng, x, away, turn))
    behind = away + rng.uniform(3, 14)
    if chance(rng, 0.55):
        at = rng.uniform(-35, -15)
        while at < 25:
            width = rng.uniform(8, 24)
            corners = footprint((at + width / 2, behind + 6), width, 11, rng.normal(0, 0.06))
            plan.things.append(
                random_block(
                    rng, corners, behind + 12, kind="town" if chance(rng, 0.6) else "house"
                )
            )
            at += width + (rng.uniform(1, 8) if chance(rng, 0.4) else 0)
    elif chance(rng, 0.5):
        plan.things.append(
            hedge(
                rng,
                (-behind, behind),
                (behind, behind * rng.uniform(0.9, 1.1)),
                rng.uniform(0.8, 3),
            )
        )
    scatter(rng, plan, int(rng.integers(0, 9)), (behind - 2, 50))
    for _ in range(int(rng.integers(0, 4))):
        z = away + rng.uniform(2, 12)
        plan.things.append(
            random_vehicle(rng, rng.uniform(-0.7, 0.7) * z, z, rng.uniform(0, 2 * np.pi))
        )
    crowd(rng, plan, 1.2)
    for _ in range(int(rng.poisson(0.5))):
        z = away + rng.uniform(0.5, 4)
        plan.things.append(furniture(rng, rng.uniform(-0.6, 0.6) * z, z))
    return view, plan


def front(rng: np.random.Generator, side: int) -> tuple[View, Plan]:
    """One or two buildings that fill most of the picture; looked up at now and then."""
    view = random_view(rng, side, (0.55, 1.25), (0.7, 1.5), (1.3, 2.5), 0.1)
    plan = Plan(base=str(rng.choice(["pavement", "grass", "asphalt"])))
    close_the_view(rng, plan, 100)
    z = rng.uniform(8, 30)
    x = rng.uniform(-1.0, 0.1) * z
    for _ in range(int(rng.integers(1, 4))):
        width = rng.uniform(0.5, 1.6) * z
        yaw = rng.normal(0, 0.45)
        corners = footprint(
            (x + width / 2, z + width / 2), width, width * rng.uniform(0.6, 1.2), yaw
        )
        kind = str(rng.choice(["town", "tower", "house"], p=[0.55, 0.3, 0.15]))
        plan.things.append(random_block(rng, corners, z + width / 2, kind=kind))
        x += width * rng.uniform(1.0, 1.6)
    scatter(rng, plan, int(rng.integers(0, 7)), (4, z))
    for _ in range(int(rng.integers(0, 3))):
        away = rng.uniform(4, z)
        plan.things.append(
            random_vehicle(rng, rng.uniform(-0.7, 0.7) * away, away, np.pi / 2 + rng.normal(0, 0.4))
        )
    crowd(rng, plan, 1.5)
    return view, plan
