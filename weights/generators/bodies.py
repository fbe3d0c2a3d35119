"""Where bodies lie: rough ellipses, crowded or apart, and the mask that keeps them apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from weights.generators.common import Field, chance, grid, log_uniform, smooth_field

SLIVER = 12
"""Pixels below which a piece of a body is not labelled."""


@dataclass(frozen=True)
class Layout:
    """Which body every pixel belongs to, and how far from that body's middle it lies."""

    labels: NDArray[np.int32]
    """(size, size), 0 for background, 1..count for bodies."""
    depth: Field
    """(size, size), 0 in the middle of a body, 1 on its border, more outside."""
    count: int
    radii: Field
    """(count,), in pixels."""

    def mask(self) -> NDArray[np.uint8]:
        """1 on bodies, 0 elsewhere; two bodies are never 8-connected to one another.

        Slivers that an edge of the picture or a neighbour left of a body are background: no
        piece is smaller than SLIVER pixels.
        """
        labels = self.labels
        keep = labels > 0
        for first, second in (
            (np.s_[:, :-1], np.s_[:, 1:]),
            (np.s_[:-1], np.s_[1:]),
            (np.s_[:-1, :-1], np.s_[1:, 1:]),
            (np.s_[:-1, 1:], np.s_[1:, :-1]),
        ):
            touching = (labels[first] != labels[second]) & (labels[first] > 0)
            keep[first] &= ~(touching & (labels[second] > 0))
        pieces, _ = ndimage.label(keep)
        large = np.bincount(pieces.ravel()) >= SLIVER
        large[0] = False
        return large[pieces].astype(np.uint8)

    def per_body(self, values: Field, background: float = 0.0) -> Field:
        """A (size, size) field holding each body's own value of a (count,) array."""
        table = np.concatenate([[background], values]).astype(np.float32)
        return table[self.labels]


@dataclass(frozen=True)
class Arrangement:
    """How bodies are drawn and spread: the parameters of one picture."""

    radius: float
    spread: float
    aspect: tuple[float, float]
    roughness: float
    coverage: float
    overlap: float
    clustered: bool
    aligned: bool


def random_arrangement(rng: np.random.Generator) -> Arrangement:
    """Any arrangement of nuclei, from a few large ones to a crowd of small ones."""
    radius = log_uniform(rng, 4.2, 34)
    narrow = rng.uniform(0.4, 1.0)
    return Arrangement(
        radius=radius,
        spread=rng.uniform(0.05, 0.35),
        aspect=(narrow, min(1.0, narrow + rng.uniform(0.05, 0.4))),
        roughness=rng.uniform(0, 0.1),
        coverage=rng.uniform(0.05, 0.9) if radius < 16 else rng.uniform(0.05, 0.55),
        overlap=rng.uniform(-0.3, 0.25),
        clustered=chance(rng, 0.45),
        aligned=chance(rng, 0.4),
    )


def _place(
    rng: np.random.Generator, size: int, plan: Arrangement
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres (count, 2) and radii (count,) that overlap no more than the plan allows."""
    margin = plan.radius
    shape = np.sqrt(np.mean(plan.aspect))
    room = (size + 2 * margin) ** 2
    wanted = max(1, round(plan.coverage * room / (np.pi * plan.radius**2 * shape**2)))
    tries = int(wanted * (2.5 if plan.coverage > 0.4 else 1.6)) + 1
    if plan.clustered:
        middles = rng.uniform(-margin, size + margin, (max(1, int(rng.integers(1, 8))), 2))
        reach = plan.radius * np.sqrt(tries) * rng.uniform(0.35, 1.0)
        points = middles[rng.integers(0, len(middles), tries)] + rng.normal(0, reach, (tries, 2))
        loose = rng.random(tries) < 0.25
        points[loose] = rng.uniform(-margin, size + margin, (int(loose.sum()), 2))
    else:
        points = rng.uniform(-margin, size + margin, (tries, 2))
    radii = plan.radius * np.exp(rng.normal(0, plan.spread, tries)).clip(0.4, 1.9)
    inside = np.all((points > -margin) & (points < size + margin), axis=1)
    points, radii = points[inside], radii[inside]
    if len(points) == 0:
        return points, radii
    closeness = (1 - plan.overlap) * shape
    pairs = cKDTree(points).query_pairs(2 * float(radii.max()) * closeness, output_type="ndarray")
    gaps = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    pairs = pairs[gaps < closeness * (radii[pairs[:, 0]] + radii[pairs[:, 1]])]
    pairs = np.sort(pairs, axis=1)
    alive = np.ones(len(points), dtype=bool)
    for first, second in pairs[np.argsort(pairs[:, 1], kind="stable")].tolist():
        if alive[first] and alive[second]:
            alive[second] = False
    chosen = np.flatnonzero(alive)[:wanted]
    return points[chosen], radii[chosen]


def lay_out(rng: np.random.Generator, size: int, plan: Arrangement) -> Layout:
    """Bodies with rough elliptical outlines; where two meet, the nearer middle wins."""
    centres, radii = _place(rng, size, plan)
    count = len(centres)
    if count == 0:
        empty = np.zeros((size, size), dtype=np.int32)
        return Layout(empty, np.full((size, size), 9.0, np.float32), 0, np.zeros(0, np.float32))
    aspects = rng.uniform(*plan.aspect, count)
    if plan.aligned:
        directions = smooth_field(rng, size, 2) * rng.uniform(0.3, 2) + rng.uniform(0, np.pi)
        spots = centres.clip(0, size - 1).astype(int)
        angles = directions[spots[:, 0], spots[:, 1]] + rng.normal(0, 0.15, count)
    else:
        angles = rng.uniform(0, np.pi, count)
    waves = np.arange(2, 6)
    heights = rng.normal(0, 1, (count, 4)) * plan.roughness / (waves - 1)
    phases = rng.uniform(0, 2 * np.pi, (count, 4))
    rows, columns = grid(size)
    pixels = np.stack([rows.ravel(), columns.ravel()], axis=1)
    near = min(4, count)
    # Distances are compared in units of the radius: adding the radius as a third coordinate
    # would be exact, but the four nearest middles hold the owner in all but absurd cases.
    _, owners = cKDTree(centres).query(
        pixels, k=near, distance_upper_bound=float(radii.max()) * 2.2, workers=1
    )
    owners = owners.reshape(len(pixels), near)
    places, slots = np.nonzero(owners < count)
    owner = owners[places, slots]
    offset = pixels[places] - centres[owner]
    along = offset[:, 0] * np.sin(angles[owner]) + offset[:, 1] * np.cos(angles[owner])
    across = offset[:, 0] * np.cos(angles[owner]) - offset[:, 1] * np.sin(angles[owner])
    stretch = np.sqrt(aspects[owner])
    along, across = along * stretch, across / stretch
    reach = np.hypot(along, across)
    outline = np.ones_like(reach)
    if plan.roughness > 0.01:
        theta = np.arctan2(across, along)
        for index, wave in enumerate(waves):
            outline += heights[owner, index] * np.cos(wave * theta + phases[owner, index])
    distance = np.full(owners.shape, 9.0)
    distance[places, slots] = reach / (radii[owner] * outline.clip(0.5, 1.6))
    best = distance.argmin(axis=1)
    depth = distance[np.arange(len(pixels)), best]
    labels = np.where(depth < 1, owners[np.arange(len(pixels)), best] + 1, 0)
    return Layout(
        labels.reshape(size, size).astype(np.int32),
        depth.reshape(size, size).astype(np.float32),
        count,
        radii.astype(np.float32),
    )
