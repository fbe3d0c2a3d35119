"""Colours as they occur in photographs, and materials made of a texture and a run of colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from weights.generators.common import Field, chance, log_uniform
from weights.generators.objects.textures import COUNT, lookup

# Hue in turns (low, high), saturation, brightness; each kind has several such ranges.
_RANGES: dict[str, tuple[tuple[float, ...], ...]] = {
    "fur": (
        (0.05, 0.12, 0.2, 0.65, 0.25, 0.85),
        (0.05, 0.12, 0.1, 0.4, 0.08, 0.4),
        (0.0, 1.0, 0.0, 0.08, 0.04, 0.3),
        (0.05, 0.15, 0.0, 0.2, 0.6, 0.98),
        (0.0, 0.15, 0.0, 0.15, 0.3, 0.7),
        (0.04, 0.09, 0.5, 0.8, 0.4, 0.85),
    ),
    "hair": (
        (0.03, 0.12, 0.2, 0.65, 0.06, 0.4),
        (0.07, 0.13, 0.2, 0.6, 0.4, 0.85),
        (0.0, 1.0, 0.0, 0.1, 0.03, 0.2),
        (0.0, 1.0, 0.0, 0.1, 0.5, 0.9),
    ),
    "skin": ((0.02, 0.09, 0.2, 0.5, 0.6, 0.98), (0.03, 0.08, 0.35, 0.65, 0.2, 0.6)),
    "lips": ((0.95, 1.03, 0.4, 0.7, 0.4, 0.75),),
    "cloth": (
        (0.0, 1.0, 0.0, 0.2, 0.03, 0.25),
        (0.0, 1.0, 0.0, 0.12, 0.65, 0.98),
        (0.0, 1.0, 0.3, 0.95, 0.15, 0.9),
        (0.55, 0.7, 0.2, 0.8, 0.1, 0.6),
        (0.0, 1.0, 0.05, 0.4, 0.2, 0.7),
    ),
    "paint": (
        (0.0, 1.0, 0.5, 1.0, 0.3, 0.95),
        (0.95, 1.05, 0.7, 1.0, 0.4, 0.95),
        (0.0, 1.0, 0.0, 0.08, 0.7, 1.0),
        (0.0, 1.0, 0.0, 0.1, 0.03, 0.25),
        (0.5, 0.7, 0.0, 0.2, 0.3, 0.75),
    ),
    "metal": ((0.5, 0.7, 0.0, 0.15, 0.3, 0.9), (0.05, 0.15, 0.0, 0.4, 0.2, 0.8)),
    "stone": ((0.05, 0.15, 0.02, 0.35, 0.3, 0.9), (0.5, 0.7, 0.0, 0.12, 0.2, 0.8)),
    "wood": ((0.03, 0.11, 0.3, 0.8, 0.15, 0.75),),
    "glass": ((0.5, 0.65, 0.0, 0.4, 0.05, 0.4), (0.5, 0.6, 0.05, 0.3, 0.5, 0.95)),
    "dark": ((0.0, 1.0, 0.0, 0.2, 0.01, 0.12),),
    "pale": ((0.0, 0.2, 0.0, 0.15, 0.75, 1.0),),
    "lit": ((0.08, 0.16, 0.2, 0.85, 0.8, 1.0), (0.0, 1.0, 0.1, 0.7, 0.7, 1.0)),
    "food": ((0.03, 0.14, 0.4, 0.95, 0.1, 0.85), (0.2, 0.35, 0.4, 0.8, 0.2, 0.7)),
    "vivid": ((0.0, 1.0, 0.4, 1.0, 0.5, 1.0), (0.0, 0.2, 0.0, 0.2, 0.8, 1.0)),
    "leaf": ((0.15, 0.4, 0.2, 0.75, 0.08, 0.6), (0.1, 0.2, 0.3, 0.7, 0.3, 0.75)),
    "any": ((0.0, 1.0, 0.0, 0.9, 0.05, 0.98), (0.0, 0.2, 0.0, 0.6, 0.05, 0.9)),
    # Grounds.
    "sky": (
        (0.54, 0.64, 0.1, 0.75, 0.45, 1.0),
        (0.5, 0.7, 0.0, 0.12, 0.65, 1.0),
        (0.02, 0.12, 0.2, 0.7, 0.6, 1.0),
        (0.58, 0.72, 0.3, 0.8, 0.04, 0.35),
    ),
    "grass": ((0.16, 0.36, 0.2, 0.75, 0.12, 0.65), (0.1, 0.17, 0.2, 0.6, 0.35, 0.8)),
    "earth": ((0.04, 0.13, 0.1, 0.6, 0.15, 0.8), (0.0, 0.2, 0.0, 0.15, 0.15, 0.75)),
    "snow": ((0.5, 0.7, 0.0, 0.2, 0.7, 1.0),),
    "water": ((0.45, 0.65, 0.1, 0.7, 0.15, 0.8), (0.4, 0.6, 0.0, 0.2, 0.4, 0.95)),
    "road": ((0.0, 1.0, 0.0, 0.1, 0.15, 0.75),),
    "wall": (
        (0.0, 1.0, 0.0, 0.12, 0.5, 1.0),
        (0.05, 0.17, 0.05, 0.5, 0.3, 0.95),
        (0.0, 1.0, 0.05, 0.5, 0.2, 0.9),
        (0.0, 1.0, 0.0, 0.3, 0.02, 0.25),
    ),
    "trees": ((0.15, 0.42, 0.1, 0.7, 0.03, 0.35), (0.05, 0.14, 0.1, 0.6, 0.05, 0.4)),
    "hill": ((0.1, 0.6, 0.05, 0.5, 0.1, 0.7), (0.03, 0.13, 0.1, 0.6, 0.15, 0.7)),
}


def colour(rng: np.random.Generator, kind: str) -> Field:
    """A colour (3,) in [0, 1] of a kind of stuff."""
    ranges = _RANGES.get(kind, _RANGES["any"])
    h0, h1, s0, s1, v0, v1 = ranges[int(rng.integers(len(ranges)))]
    hue = rng.uniform(h0, h1)
    if h1 - h0 == 1 and (0.7 < hue < 0.95 or 0.4 < hue < 0.52) and chance(rng, 0.7):
        # Violet and turquoise are rare outside of generated pictures.
        hue = rng.normal(0.09, 0.05) if chance(rng, 0.6) else rng.normal(0.6, 0.03)
    return from_hsv(hue, s0 + (s1 - s0) * rng.random() ** 1.3, rng.uniform(v0, v1))


def from_hsv(hue: float, saturation: float, value: float) -> Field:
    """Red, green and blue of a hue in turns, a saturation and a brightness."""
    k = (np.array([5.0, 3.0, 1.0]) + 6 * hue) % 6
    weight = np.clip(np.minimum(k, 4 - k), 0, 1)
    rgb: Field = (value * (1 - saturation * weight)).astype(np.float32)
    return rgb


@dataclass(frozen=True)
class Material:
    """A run of colours over a texture that lies at some place, size and angle."""

    table: Field
    """(256, 3) colours by texture value."""
    texture: int
    scale: float
    angle: float
    shift: tuple[float, float]
    gloss: float

    def paint(self, rows: Field, columns: Field) -> Field:
        """Colours (h, w, 3) at places in units of a picture of 128 pixels."""
        c, s = self.scale * np.cos(self.angle), self.scale * np.sin(self.angle)
        y, x = rows * c - columns * s + self.shift[0], rows * s + columns * c + self.shift[1]
        values = lookup(self.texture, y.astype(np.float32), x.astype(np.float32), self.scale)
        return self.table[(values * 255).astype(np.uint8)]

    def recoloured(self, gain: Field, offset: Field) -> Material:
        """With all colours scaled and moved."""
        return replace(self, table=np.clip(self.table * gain + offset, 0, 1).astype(np.float32))


def material(rng: np.random.Generator, kind: str, contrast: float | None = None) -> Material:
    """A random material of a kind of stuff; `contrast` spreads its colours, drawn when None."""
    base = colour(rng, kind)
    if contrast is None:
        contrast = log_uniform(rng, 0.05, 0.9)
    stops = int(rng.integers(2, 6))
    light = np.linspace(1 - contrast, 1 + contrast * 0.7, stops) + rng.normal(
        0, 0.1 * contrast, stops
    )
    if chance(rng, 0.3):
        rng.shuffle(light)
    run = base[None] * light[:, None]
    run = run * (1 + rng.normal(0, 0.12 * contrast + 0.01, (stops, 3)))
    if chance(rng, 0.22) and contrast > 0.15:
        # Markings of another colour: a piebald horse, printed cloth.
        other = colour(rng, kind)
        share = int(rng.integers(1, stops))
        run[:share] = other[None] * light[:share, None]
    at = np.linspace(0, 1, stops)
    if chance(rng, 0.3):
        at[1:-1] = np.sort(rng.uniform(0, 1, stops - 2))
    ways = np.linspace(0, 1, 256)
    table = np.stack([np.interp(ways, at, run[:, k]) for k in range(3)], axis=1)
    return Material(
        table=np.clip(table, 0, 1).astype(np.float32),
        texture=int(rng.integers(COUNT)),
        scale=log_uniform(rng, 0.4, 3.0),
        angle=float(rng.uniform(0, 2 * np.pi)) if chance(rng, 0.5) else 0.0,
        shift=(float(rng.uniform(0, 256)), float(rng.uniform(0, 256))),
        gloss=float(rng.uniform(0.1, 0.9)) if kind in _SHINY and chance(rng, 0.7) else 0.0,
    )


_SHINY = {"paint", "metal", "glass", "dark", "food", "any"}
