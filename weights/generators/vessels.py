"""Blood vessels in fundus photographs: branching trees over a disc, a fovea and distractors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from weights.generators.common import (
    Field,
    blur,
    camera,
    chance,
    grid,
    log_uniform,
    power_noise,
    smooth_field,
    warp,
)

VERSION = 4

FINE = 4
"""Lines are drawn this many times larger and averaged down."""
STEP = 0.02
"""Distance between two points of a vessel, in radii of the field of view."""
PIECE = 6
"""Points of a vessel that share one width when drawn."""
BRANCHES = 420


@dataclass(frozen=True)
class View:
    """Where the picture lies in the field of view; positions are (x, y) in field radii."""

    size: int
    radius: float
    """Of the field of view, in pixels."""
    middle: NDArray[np.float64]
    """Pixel position of the field's middle."""
    disc: NDArray[np.float64]
    disc_radius: float
    side: float
    """+1 when the fovea lies to the right of the disc, else -1."""

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Field positions as pixel positions."""
        return points * self.radius + self.middle

    def distance(self, point: NDArray[np.float64], stretch: float = 1.0) -> Field:
        """Distance of every pixel from a field position, in field radii."""
        rows, columns = grid(self.size)
        x, y = self.pixels(point)
        return np.hypot(columns - x, (rows - y) * stretch).astype(np.float32) / self.radius


@dataclass(frozen=True)
class Vessel:
    """One branch: its points and widths in field radii, and how dark it is."""

    points: NDArray[np.float64]
    widths: NDArray[np.float64]
    contrast: float
    artery: bool


def _random_view(rng: np.random.Generator, size: int) -> View:
    radius = log_uniform(rng, 0.45 * size, 3.2 * size)
    # A small field lies mostly inside the picture; a large one is seen through a window.
    reach = min(0.95, max(0.1, radius / size - 0.3))
    angle, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random()) * reach
    seen = np.array([np.cos(angle), np.sin(angle)]) * far
    side = float(rng.choice([-1.0, 1.0]))
    disc = np.array([-side * rng.uniform(0.0, 0.75), rng.uniform(-0.15, 0.15)])
    if chance(rng, 0.4):
        seen = disc + rng.normal(0, 0.15, 2)
    return View(size, radius, size / 2 - seen * radius, disc, rng.uniform(0.08, 0.17), side)


def _grow(rng: np.random.Generator, view: View) -> list[Vessel]:
    """Trees from the disc outwards, thick branches first."""
    corners = (np.array([[0, 0], [view.size, view.size]]) - view.middle) / view.radius
    low, high = corners[0] - 0.3, corners[1] + 0.3
    wiggle = log_uniform(rng, 1.0, 5.0)
    density = rng.uniform(0.06, 0.2)
    widest = rng.uniform(0.018, 0.042)
    thinnest = max(0.003, 0.45 / view.radius)
    base = rng.uniform(0.2, 0.6)
    queue: list[tuple[NDArray[np.float64], float, float, float, bool, float, int]] = []
    roots = int(rng.integers(4, 10))
    for root in range(roots):
        upward = -1.0 if root % 2 else 1.0
        tilt = rng.normal(0.35, 0.45) if root < 4 else rng.uniform(-1.5, 1.5)
        heading = upward * (np.pi / 2 - tilt)
        direction = np.array([np.cos(heading) * view.side, np.sin(heading)])
        start = view.disc + direction * view.disc_radius * rng.uniform(0.0, 0.6)
        bend = -upward * view.side * rng.uniform(0.1, 1.5) * (1 if root < 4 else rng.uniform(-1, 1))
        width = widest * (rng.uniform(0.7, 1.0) if root < 4 else rng.uniform(0.3, 0.8))
        angle = float(np.arctan2(direction[1], direction[0]))
        queue.append((start, angle, width, bend, bool(root // 2 % 2), rng.uniform(0.8, 1.1), 0))
    vessels: list[Vessel] = []
    while queue and len(vessels) < BRANCHES:
        start, heading, width, bend, artery, tone, depth = queue.pop(0)
        length = rng.uniform(0.9, 1.9) if depth == 0 else rng.uniform(6, 30) * width + 0.08
        count = max(4, int(length / STEP))
        turn = rng.normal(0, 1, count).cumsum()
        turn = turn - np.linspace(0, 1, count) * turn[-1] * rng.uniform(0, 1)
        headings = heading + bend * STEP * np.arange(count) + turn * wiggle * STEP
        steps = STEP * np.stack([np.cos(headings), np.sin(headings)], axis=1)
        points = start + np.concatenate([np.zeros((1, 2)), steps[:-1]]).cumsum(axis=0)
        widths = width * np.linspace(1.0, rng.uniform(0.35, 0.75), count)
        inside = np.all((points > low) & (points < high), axis=1)
        if inside.any():
            fade = 0.55 + 0.45 * min(1.0, width / (0.6 * widest))
            contrast = base * tone * fade * (rng.uniform(0.55, 0.85) if artery else 1.0)
            vessels.append(Vessel(points, widths, min(contrast, 0.75), artery))
        place = int(rng.uniform(0.02, 0.08) / STEP) if depth else int(0.1 / STEP)
        hand = 1.0
        while depth < 5:
            place += max(1, int(rng.exponential(density) / STEP) + 1)
            if place >= count - 2:
                break
            child = widths[place] * rng.uniform(0.35, 0.85)
            hand = -hand if chance(rng, 0.75) else hand
            if child > thinnest and (inside[place] or child > 0.4 * widest):
                angle = headings[place] + hand * rng.uniform(0.35, 1.3)
                child_tone = tone * rng.uniform(0.8, 1.1)
                queue.append(
                    (points[place], angle, child, rng.normal(0, 0.6), artery, child_tone, depth + 1)
                )
    return sorted(vessels, key=lambda vessel: float(vessel.widths[0]))


def _pieces(
    view: View, vessels: list[Vessel]
) -> Iterator[tuple[list[tuple[float, float]], float, NDArray[np.float64], Vessel]]:
    """Runs of points in fine pixels, their width in pixels, their middle, and whose they are."""
    for vessel in vessels:
        points = view.pixels(vessel.points)
        for start in range(0, len(points) - 1, PIECE):
            run = points[start : start + PIECE + 1]
            low, high = run.min(axis=0), run.max(axis=0)
            if high.min() < -8 or low.max() > view.size + 8:
                continue
            width = float(vessel.widths[start : start + PIECE + 1].mean()) * view.radius
            fine = [(x, y) for x, y in (run * FINE).tolist()]
            yield fine, width, run[len(run) // 2], vessel


def _draw(
    rng: np.random.Generator,
    view: View,
    vessels: list[Vessel],
    light: Field,
    grain: float,
    soft: float,
) -> tuple[Field, Field, NDArray[np.bool_]]:
    """How dark vessels make every pixel, the bright reflex on them, and which pixels are labelled.

    A stretch is labelled only where it darkens the picture by more than the grain around it.
    """
    fine = (view.size * FINE, view.size * FINE)
    dark, shine, label = (Image.new("L", fine) for _ in range(3))
    darker, shiner, labeller = (ImageDraw.Draw(image) for image in (dark, shine, label))
    reflex = rng.uniform(0.2, 0.7) if chance(rng, 0.4) else 0.0
    last = view.size - 1
    for points, width, middle, vessel in _pieces(view, vessels):
        ink = round(255 * vessel.contrast)
        pen = max(1, round(width * FINE))
        darker.line(points, fill=ink, width=pen, joint="curve")
        if pen > 5:
            end, half = points[-1], pen / 2 - 0.5
            darker.ellipse((end[0] - half, end[1] - half, end[0] + half, end[1] + half), fill=ink)
        if reflex and vessel.artery and width > 2.5:
            shiner.line(points, fill=round(255 * reflex), width=max(1, round(pen * 0.3)))
        column, row = middle.clip(0, last).astype(int)
        seen = vessel.contrast * light[row, column] * min(1.0, width / (1.0 + soft))
        # The eye, and a network, average along a line: a wide vessel shows in more grain.
        if seen > max(grain * (1.1 + 1.0 / max(width, 0.4)), 0.027):
            pen = max(pen, round(1.35 * FINE))
            labeller.line(points, fill=255, width=pen, joint="curve")
            end, half = points[-1], pen / 2 - 0.5
            labeller.ellipse((end[0] - half, end[1] - half, end[0] + half, end[1] + half), fill=255)
    darkness, brightness, labels = (
        np.asarray(image.reduce(FINE), dtype=np.float32) / 255 for image in (dark, shine, label)
    )
    return darkness, brightness, labels > 0.5


def _lesions(rng: np.random.Generator, view: View, scene: Field) -> Field:
    """Bright and dark spots, never labelled: exudates, bleedings, aneurysms."""
    for _ in range(int(rng.integers(1, 14))):
        spot = rng.uniform(0, view.size, 2)
        spread = log_uniform(rng, 0.8, 0.05 * view.radius + 1.2)
        rows, columns = grid(view.size)
        angle, stretch = rng.uniform(0, np.pi), log_uniform(rng, 0.4, 1)
        x, y = columns - spot[0], rows - spot[1]
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        distance = np.hypot(along * stretch, across)
        edge = rng.uniform(0.15, 1.0) * spread + 0.4
        cover = 1 / (1 + np.exp(np.clip((distance - spread) / (0.35 * edge), -30, 30)))
        cover = (cover * rng.uniform(0.2, 0.8))[..., None].astype(np.float32)
        if chance(rng, 0.5):
            colour = np.array([1.0, 0.9, 0.55], np.float32) * rng.uniform(0.7, 1.0)
            scene = scene * (1 - cover) + colour * cover
        else:
            scene = scene * (1 - cover * np.array([0.6, 0.9, 0.8], np.float32))
    return scene


def _ground(rng: np.random.Generator, view: View) -> tuple[Field, float]:
    """The retina without vessels, (size, size, 3), and how much its texture varies in green."""
    size = view.size
    green = rng.uniform(0.18, 0.6)
    colour = np.array([rng.uniform(0.45, 0.95), green, green * rng.uniform(0.1, 0.8)], np.float32)
    if chance(rng, 0.15):
        colour = rng.uniform(0.25, 0.9, 3).astype(np.float32)
    light = 1 + smooth_field(rng, size, int(rng.integers(1, 4))) * rng.uniform(0, 0.3)
    coarse = power_noise(rng, size, rng.uniform(1.8, 3)) * rng.uniform(0, 0.09)
    fine_amount = log_uniform(rng, 0.004, 0.06)
    fine = power_noise(rng, size, rng.uniform(0.3, 1.4)) * fine_amount
    light = light * (1 + coarse + fine)
    if chance(rng, 0.35):
        streaks = power_noise(
            rng, size, 1.6, stretch=rng.uniform(4, 14), angle=rng.uniform(0, np.pi)
        )
        light = light * (1 + streaks * rng.uniform(0.01, 0.05))
    scene = light[..., None] * colour
    if chance(rng, 0.35):
        # The choroid shines through: broad, soft, orange bands that are no retinal vessels.
        bands = power_noise(rng, size, 3, stretch=rng.uniform(2, 6), angle=rng.uniform(0, np.pi))
        shift = smooth_field(rng, size, 4) * rng.uniform(2, 12)
        bands = blur(np.abs(warp(bands, shift, -shift)), 0.01 * view.radius + 0.8)
        scene = scene * (1 + bands[..., None] * np.array([0.06, 0.12, 0.05]) * rng.uniform(-1, 1.5))
    fovea = view.disc + np.array([view.side * rng.uniform(0.5, 0.75), rng.uniform(-0.05, 0.1)])
    far = view.distance(fovea)
    pit = np.exp(-((far / rng.uniform(0.08, 0.3)) ** 2)) * rng.uniform(0.05, 0.5)
    if chance(rng, 0.4):
        pit = pit + np.exp(-((far / rng.uniform(0.02, 0.05)) ** 2)) * rng.uniform(0, 0.3)
    scene = scene * (1 - pit[..., None] * np.array([0.7, 1.0, 0.9]))
    return _with_disc(rng, view, scene.astype(np.float32)), fine_amount * float(green)


def _with_disc(rng: np.random.Generator, view: View, scene: Field) -> Field:
    stretch = rng.uniform(0.8, 1.0)
    rows, columns = grid(view.size)
    x, y = view.pixels(view.disc)
    far = view.distance(view.disc, stretch) / view.disc_radius
    angle = np.arctan2(rows - y, columns - x)
    far = far * (1 + rng.uniform(0, 0.06) * np.cos(2 * angle + rng.uniform(0, 6)))
    edge = log_uniform(rng, 0.02, 0.25)
    cover = 1 / (1 + np.exp(np.clip((far - 1) / edge, -30, 30)))
    bright = np.clip(scene.mean(axis=(0, 1)) * rng.uniform(1.1, 1.9), 0, 1)
    colour = np.maximum(bright, np.array([0.9, 0.7, 0.4]) * rng.uniform(0.6, 1.2))
    cup = np.exp(-((far / rng.uniform(0.3, 0.7)) ** 2)) * rng.uniform(0, 0.5)
    tissue = colour * (1 + cup[..., None])
    tissue = tissue * (1 + power_noise(rng, view.size, 1.8)[..., None] * rng.uniform(0, 0.06))
    amount = (cover * rng.uniform(0.4, 0.98))[..., None]
    scene = scene * (1 - amount) + tissue * amount
    glow = np.exp(-np.clip(far - 1, 0, None) * rng.uniform(0.8, 3)) * rng.uniform(0, 0.25)
    scene = scene * (1 + glow[..., None])
    # Pigment and atrophy follow the border of the disc and look like a vessel: no label. They
    # darken red as much as green, which blood does not.
    for _ in range(int(rng.integers(0, 5))):
        middle, width = rng.uniform(0.9, 1.25), rng.uniform(0.03, 0.16)
        ragged = power_noise(rng, view.size, rng.uniform(1.0, 2.4))
        ring = np.exp(-(((far - middle + ragged * rng.uniform(0, 0.06)) / width) ** 2))
        arc = np.clip(np.cos(angle - rng.uniform(0, 6.3)) * 3 + rng.uniform(-2.6, 1.8), 0, 1)
        if chance(rng, 0.5):
            grains = blur(power_noise(rng, view.size, 0.4), rng.uniform(0.4, 0.02 * view.radius))
            grains = np.clip(grains / (grains.std() + 1e-6) - rng.uniform(-0.5, 1.0), 0, 1)
            ring = ring * grains
        dark = ring * arc * (rng.uniform(-0.6, -0.1) if chance(rng, 0.8) else 0.25)
        tint = np.array([rng.uniform(0.7, 1.15), 1.0, rng.uniform(0.6, 1.1)], np.float32)
        scene = scene * (1 + dark[..., None] * tint).clip(0.1, 2)
    return scene


def _field_of_view(rng: np.random.Generator, view: View) -> Field:
    """1 inside the lit circle, 0 on the black around it; sometimes with a notch or cut flat."""
    rows, columns = grid(view.size)
    x, y = columns - view.middle[0], rows - view.middle[1]
    inside = view.radius * rng.uniform(0.97, 1.0) - np.hypot(x, y)
    if chance(rng, 0.3):
        cut = view.radius * rng.uniform(0.75, 0.97)
        inside = np.minimum(inside, cut - np.abs(y))
    if chance(rng, 0.3):
        angle = rng.uniform(0, 2 * np.pi)
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        notch = np.minimum(0.05 * view.radius - np.abs(across), 1.04 * view.radius - along)
        inside = np.maximum(inside, np.where(along > 0, notch, -9.0))
    softness = log_uniform(rng, 0.3, 0.02 * view.radius + 0.6)
    return np.clip(0.5 + inside / (2 * softness), 0, 1).astype(np.float32)


def generate(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One picture (size, size, 3) and its mask (size, size) of 0 and 1, both uint8."""
    view = _random_view(rng, size)
    scene, texture = _ground(rng, view)
    lit = _field_of_view(rng, view)
    rows, columns = grid(size)
    away = np.hypot(columns - view.middle[0], rows - view.middle[1]) / view.radius
    scene = scene * (1 - rng.uniform(0, 0.6) * np.clip(away, 0, 1) ** 2.5)[..., None]
    vessels = _grow(rng, view) if chance(rng, 0.97) else []
    noise = log_uniform(rng, 0.003, 0.045) if chance(rng, 0.7) else 0.002
    soft = rng.uniform(0.0, 1.0)
    grain = float(np.hypot(noise, texture))
    darkness, reflex, labels = _draw(rng, view, vessels, scene[..., 1], grain, soft)
    share = np.array([rng.uniform(0.12, 0.6), 1.0, rng.uniform(0.4, 1.0)], np.float32)
    if chance(rng, 0.35):
        # A sheen of light runs along both sides of the large vessels.
        halo = np.clip(blur(darkness, rng.uniform(1.5, 4)) - darkness, 0, None)
        scene = scene * (1 + halo[..., None] * rng.uniform(0.1, 0.8))
    scene = scene * (1 - darkness[..., None] * share) + 0.25 * (reflex * darkness)[..., None]
    if chance(rng, 0.35):
        scene = _lesions(rng, view, scene)
    if chance(rng, 0.2):
        rim = np.exp(-(((away - 0.97) / rng.uniform(0.01, 0.05)) ** 2)) * rng.uniform(-0.3, 0.3)
        scene = scene * (1 + rim[..., None])
    outside = rng.uniform(0, 0.05)
    scene = blur(scene * lit[..., None] + outside * (1 - lit[..., None]), soft)
    if chance(rng, 0.15):
        scene = np.repeat(scene[..., 1:2], 3, axis=2) * rng.uniform(0.8, 1.5)
    mask = labels & (lit > 0.5)
    return camera(rng, scene.astype(np.float32), noise), mask.astype(np.uint8)
