"""Outlines of which every object is put together: ovals, limbs, turned profiles, rough edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""Corners (n, 2) of a closed polygon, x to the right and y down, in units of the object."""


@dataclass(frozen=True)
class Part:
    """A piece of an object, drawn over the pieces before it."""

    outline: Outline
    material: str
    """Parts with the same word are made of the same stuff."""
    shade: float = 1.0
    """Brightness beside other parts of this material."""
    hole: Outline | None = None
    flat: float = 0.0
    """1 for what is not rounded: windows, paper, pupils."""


@dataclass(frozen=True)
class Thing:
    """An object before it is placed: its parts from back to front and how it may stand."""

    parts: list[Part]
    grounded: bool = True
    """Stands on the ground, upright; otherwise it may lie anywhere at any angle."""
    cut: bool = False
    """Reaches the lower edge of the picture, like a bust."""
    rough: float = 0.0
    """Roughness of its edge: fur, feathers, leaves."""
    stuff: dict[str, str] | None = None
    """The kind of colours for each material; any kind where it is not named."""


def spline(points: Sequence[Sequence[float]] | Outline, steps: int = 6) -> Outline:
    """A closed Catmull-Rom curve through the points."""
    p = np.asarray(points, dtype=np.float64)
    t = (np.arange(steps) / steps)[None, :, None]
    before, here, after, beyond = (np.roll(p, shift, axis=0)[:, None] for shift in (1, 0, -1, -2))
    curve = 0.5 * (
        2 * here
        + (after - before) * t
        + (2 * before - 5 * here + 4 * after - beyond) * t**2
        + (3 * here - before - 3 * after + beyond) * t**3
    )
    return curve.reshape(-1, 2)


def oval(
    x: float, y: float, rx: float, ry: float, turn: float = 0.0, power: float = 2.0
) -> Outline:
    """An ellipse, or for powers above 2 a rounded box, turned by radians."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    c, s = np.cos(t), np.sin(t)
    u = rx * np.sign(c) * np.abs(c) ** (2 / power)
    v = ry * np.sign(s) * np.abs(s) ** (2 / power)
    return np.stack(
        [x + u * np.cos(turn) - v * np.sin(turn), y + u * np.sin(turn) + v * np.cos(turn)], axis=1
    )


def box(left: float, top: float, right: float, bottom: float, power: float = 8.0) -> Outline:
    """A box with more or less rounded corners."""
    return oval(
        (left + right) / 2, (top + bottom) / 2, (right - left) / 2, (bottom - top) / 2, 0, power
    )


def limb(points: Sequence[Sequence[float]], widths: Sequence[float], steps: int = 7) -> Outline:
    """A bent tube through the points with half widths at each, round at both ends."""
    p = np.asarray(points, dtype=np.float64)
    w = np.asarray(widths, dtype=np.float64)
    t = np.linspace(0, len(p) - 1, (len(p) - 1) * steps + 1)
    low = np.minimum(t.astype(int), len(p) - 2)
    u = (t - low)[:, None]
    before, here = p[np.maximum(low - 1, 0)], p[low]
    after, beyond = p[low + 1], p[np.minimum(low + 2, len(p) - 1)]
    line = 0.5 * (
        2 * here
        + (after - before) * u
        + (2 * before - 5 * here + 4 * after - beyond) * u**2
        + (3 * here - before - 3 * after + beyond) * u**3
    )
    width = np.interp(t, np.arange(len(w)), w)[:, None]
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    ends = []
    for at, way in ((-1, 1), (0, -1)):
        angles = np.linspace(np.pi / 2, -np.pi / 2, 5)[1:-1, None]
        cap = np.cos(angles) * along[at] + np.sin(angles) * across[at] * way
        ends.append(line[at] + way * width[at] * np.where(way > 0, cap, cap * 1.0))
    return np.concatenate([line + across * width, ends[0], (line - across * width)[::-1], ends[1]])


def turned(profile: Sequence[Sequence[float]], smooth: bool = True) -> Outline:
    """The outline of a body of revolution from (half width, height) pairs, top to bottom."""
    p = np.asarray(profile, dtype=np.float64)
    if smooth and len(p) > 2:
        t = np.linspace(0, len(p) - 1, 6 * len(p))
        p = np.stack([np.interp(t, np.arange(len(p)), p[:, k]) for k in (0, 1)], axis=1)
        kernel = np.ones(5) / 5
        inner = np.stack([np.convolve(p[:, k], kernel, "valid") for k in (0, 1)], axis=1)
        p = np.concatenate([p[:1], inner, p[-1:]])
    return np.concatenate([p, p[::-1] * (-1, 1)])


def wobbly(
    rng: np.random.Generator, x: float, y: float, radius: float, amount: float, waves: int = 5
) -> Outline:
    """A roundish blob whose radius varies by `amount` in `waves` Fourier terms."""
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    r = np.ones_like(t)
    for k in range(2, 2 + waves):
        r += amount / k**0.7 * rng.normal() * np.cos(k * t + rng.uniform(0, 2 * np.pi))
    r = radius * np.clip(r, 0.25, 2.5)
    return np.stack([x + r * np.cos(t), y + r * np.sin(t)], axis=1)


def roughened(rng: np.random.Generator, outline: Outline, amount: float) -> Outline:
    """The outline with many small teeth: fur, feathers, leaves. `amount` is in its own units."""
    closed = np.concatenate([outline, outline[:1]])
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    way = np.concatenate([[0], np.cumsum(lengths)])
    count = int(np.clip(way[-1] / (0.5 * amount + 0.006), 24, 400))
    at = np.linspace(0, way[-1], count, endpoint=False)
    fine = np.stack([np.interp(at, way, closed[:, k]) for k in (0, 1)], axis=1)
    coarse = np.repeat(rng.normal(0, amount, (count // 4 + 1, 2)), 4, axis=0)[:count]
    return fine + 0.6 * rng.normal(0, amount, (count, 2)) + 0.6 * coarse


def moved(part: Part, matrix: Outline, shift: Outline) -> Part:
    """The part after a linear map and a shift."""
    hole = None if part.hole is None else part.hole @ matrix.T + shift
    return replace(part, outline=part.outline @ matrix.T + shift, hole=hole)


def pick(rng: np.random.Generator, *choices: str) -> str:
    """One of the words."""
    return choices[int(rng.integers(len(choices)))]
