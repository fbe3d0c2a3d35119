"""Motorcycles, as parts in the plane that halves them."""

from __future__ import annotations

import numpy as np

from weights.generators.common import chance
from weights.generators.scene.bodywork import random_paint
from weights.generators.scene.view import (
    VEHICLE,
    Colour,
    Points,
    Sheet,
    Thing,
    by,
    colour,
    ink,
    varied,
)


def motorcycle(rng: np.random.Generator, x: float, z: float, yaw: float) -> Thing:
    """A motorcycle or scooter, as parts in the plane that halves it."""
    tank = random_paint(rng)
    if chance(rng, 0.35):
        tank = varied(rng, colour(0.7, 0.08, 0.08), 0.15)
    chrome, black = varied(rng, colour(0.62, 0.62, 0.64), 0.15), colour(0.07, 0.07, 0.07)
    base, radius = rng.uniform(1.3, 1.6), rng.uniform(0.26, 0.34)
    spokes = int(rng.integers(6, 18))
    rake = rng.uniform(0.15, 0.4)
    cos, sin = np.cos(yaw), np.sin(yaw)

    def paint(sheet: Sheet) -> None:
        view, light = sheet.view, sheet.light
        depth = float(view.depth(np.array([[x, 0.5, z]]))[0])
        if depth < 1.2:
            return
        scale = view.focal / depth

        def spot(points: list[tuple[float, float]] | Points) -> Points:
            along, up = np.asarray(points, float).T
            ahead = along - base / 2
            return view.on_sheet(np.column_stack([x + ahead * sin, up, z - ahead * cos]))

        def tone(base_colour: Colour) -> tuple[int, int, int]:
            return ink(light.through_air(base_colour * light.on((0.0, 0.4, -0.8)), depth))

        angles = np.linspace(0, 2 * np.pi, 25)
        for hub in (0.0, base):
            circle = np.column_stack(
                [hub + radius * np.cos(angles), radius + radius * np.sin(angles)]
            )
            thick = 0.11 * scale
            sheet.line(spot(circle * 1.0), thick, tone(black), VEHICLE)
            rim = np.column_stack(
                [hub + 0.78 * radius * np.cos(angles), radius + 0.78 * radius * np.sin(angles)]
            )
            sheet.line(spot(rim), 0.03 * scale, tone(chrome), VEHICLE)
            for angle in np.linspace(0, 2 * np.pi, spokes, endpoint=False).tolist():
                tip = (hub + 0.75 * radius * np.cos(angle), radius + 0.75 * radius * np.sin(angle))
                sheet.line(spot([(hub, radius), tip]), 0.012 * scale, tone(chrome * 0.8), VEHICLE)
            disc = np.column_stack(
                [hub + 0.3 * radius * np.cos(angles), radius + 0.3 * radius * np.sin(angles)]
            )
            sheet.polygon(spot(disc), tone(chrome * 0.7), VEHICLE)
            fender = np.column_stack(
                [
                    hub + 1.2 * radius * np.cos(angles[3:11]),
                    radius + 1.2 * radius * np.sin(angles[3:11]),
                ]
            )
            sheet.line(spot(fender), 0.07 * scale, tone(tank), VEHICLE)
        head = (base - rake, 0.85)
        sheet.line(
            spot([(0, radius), (0.55, 0.36), (0.95, 0.36), head]),
            0.06 * scale,
            tone(black),
            VEHICLE,
        )
        engine = [(0.45, 0.22), (0.95, 0.22), (1.02, 0.45), (0.85, 0.66), (0.5, 0.62), (0.42, 0.4)]
        sheet.polygon(spot(engine), tone(chrome * 0.75), VEHICLE)
        for _ in range(9):
            at = np.array([sheet.rng.uniform(0.48, 0.9), sheet.rng.uniform(0.28, 0.6)])
            part = np.array([[0, 0], [0.12, 0.01], [0.1, 0.08], [0.01, 0.06]]) * sheet.rng.uniform(
                0.5, 1.4
            )
            shade = float(sheet.rng.uniform(0.2, 1.3))
            sheet.polygon(spot(part + at), tone(chrome * np.float32(shade)), VEHICLE)
        sheet.line(
            spot([(0.75, 0.3), (0.5, 0.25), (-0.25, 0.33)]), 0.09 * scale, tone(chrome), VEHICLE
        )
        fuel = [(0.6, 0.68), (0.72, 0.86), (1.0, 0.92), (1.18, 0.82), (1.1, 0.68)]
        sheet.polygon(spot(fuel), tone(tank), VEHICLE)
        shine = [(0.74, 0.82), (0.84, 0.88), (1.02, 0.88), (1.0, 0.84)]
        sheet.polygon(spot(shine), tone(tank * 0.6 + 0.35), VEHICLE)
        seat = [(-0.1, 0.7), (0.05, 0.8), (0.35, 0.74), (0.66, 0.72), (0.6, 0.62), (0.0, 0.62)]
        sheet.polygon(spot(seat), tone(black * 1.3), VEHICLE)
        panel = [(0.15, 0.45), (0.1, 0.62), (0.5, 0.64), (0.55, 0.48)]
        sheet.polygon(spot(panel), tone(tank * 0.85), VEHICLE)
        sheet.line(
            spot([(base, radius), head, (base - rake - 0.05, 1.02)]),
            0.06 * scale,
            tone(chrome),
            VEHICLE,
        )
        sheet.line(
            spot([(base - rake - 0.28, 1.06), (base - rake, 1.04)]),
            0.04 * scale,
            tone(black),
            VEHICLE,
        )
        lamp = spot([(base - rake + 0.14, 0.88)])[0]
        sheet.ellipse(lamp[0], lamp[1], 0.1 * scale, 0.1 * scale, tone(chrome), VEHICLE)

    ends = np.array([[-radius, 0, 0], [base + radius, 0, 0]]) - by(base / 2, 0, 0)
    turned = np.stack([ends[:, 0] * sin + x, ends[:, 1], z - ends[:, 0] * cos], axis=1)
    foot = np.concatenate(
        [turned + by(0.12 * cos, 0, 0.12 * sin), turned - by(0.12 * cos, 0, 0.12 * sin)]
    )
    return Thing(
        depth=z, paint=paint, shadow=np.concatenate([foot, foot + by(0, 0.85, 0)]), contact=foot
    )
