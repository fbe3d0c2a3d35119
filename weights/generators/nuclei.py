"""Nuclei and other round bodies under three lights: fluorescence, stained tissue, and relief."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from weights.generators.bodies import Arrangement, Layout, lay_out, random_arrangement
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

VERSION = 6

# Optical density per unit of stain in red, green and blue.
HAEMATOXYLIN = (0.65, 0.70, 0.29)
EOSIN = (0.07, 0.99, 0.11)
DIAMINOBENZIDINE = (0.27, 0.57, 0.78)


def _relabel(layout: Layout, keep: NDArray[np.bool_]) -> Layout:
    table = np.concatenate([[False], keep])
    labels = np.where(table[layout.labels], layout.labels, 0)
    return Layout(labels, layout.depth, layout.count, layout.radii)


def _fluorescence(rng: np.random.Generator, size: int) -> tuple[Field, Layout, float]:
    """Glowing bodies on a dark ground with haze, halo and photon noise; grey or tinted."""
    plan = random_arrangement(rng)
    layout = lay_out(rng, size, plan)
    ground = rng.uniform(0.0, 0.3) ** 1.5
    strength = rng.uniform(0.12, 0.85)
    brightness = strength * np.exp(rng.normal(0, rng.uniform(0.05, 0.6), layout.count))
    photons = log_uniform(rng, 12, 1200)
    read = rng.uniform(0, 0.03)
    # A body less than about one and a half sigma above the ground cannot be seen; no label then.
    floor = 1.5 * np.sqrt((ground + 0.01) / photons + read**2) * 3 / np.maximum(layout.radii, 3)
    layout = _relabel(layout, brightness > floor.clip(0.05))
    dome = rng.uniform(0, 0.8)
    body = 1 - dome + dome * np.sqrt(np.clip(1 - layout.depth**2, 0, 1))
    grain = power_noise(rng, size, rng.uniform(0.5, 2.5))
    body = body * np.clip(1 + grain * rng.uniform(0, 0.3), 0.1, None)
    if chance(rng, 0.4):
        spots = power_noise(rng, size, 1.5) > rng.uniform(1.0, 2.0)
        body = np.where(spots, body * rng.uniform(0.4, 1.7), body)
    glow = layout.per_body(brightness.astype(np.float32).clip(0, 1.4)) * body
    glow = blur(glow, rng.uniform(0, min(2.6, 0.12 * plan.radius + 0.4)))
    if chance(rng, 0.4):
        glow = glow + blur(glow, rng.uniform(3, 12)) * rng.uniform(0.05, 0.4)
    back = np.full((size, size), ground, np.float32)
    if chance(rng, 0.35):
        cell = blur((layout.labels > 0).astype(np.float32), plan.radius * rng.uniform(0.5, 1.2))
        back += cell * (1 + 0.3 * grain) * rng.uniform(0.02, 0.3) * strength
    if chance(rng, 0.5):
        back = back * (1 + smooth_field(rng, size, int(rng.integers(1, 4))) * rng.uniform(0, 0.6))
    if chance(rng, 0.3):
        back = back + np.abs(power_noise(rng, size, 2)) * rng.uniform(0, 0.04)
    if chance(rng, 0.12):
        ring = np.exp(-((layout.depth - 1.15) ** 2) / rng.uniform(0.01, 0.08))
        back = back * (1 - rng.uniform(0.3, 1.0) * ring * (layout.labels == 0))
    scene = np.clip(back + glow, 0, 1)
    if chance(rng, 0.7):
        scene = rng.poisson(scene * photons).astype(np.float32) / np.float32(photons)
        scene = scene + rng.normal(0, read, scene.shape).astype(np.float32)
    if chance(rng, 0.04):
        scene = 1 - scene
    if chance(rng, 0.6):
        tint = np.ones(3, np.float32)
    elif chance(rng, 0.5):
        tint = np.array([0.1, 0.25, 1.0], np.float32) * rng.uniform(0.6, 1.2, 3).astype(np.float32)
    else:
        tint = rng.uniform(0, 1, 3).astype(np.float32)
        tint = tint / tint.max()
    return scene[..., None] * tint, layout, 0.0


def _relief(rng: np.random.Generator, size: int) -> tuple[Field, Layout, float]:
    """Large discs with a struck, half-shadowed face on an uneven grey ground, as on a tray."""
    big = chance(rng, 0.3)
    plan = Arrangement(
        radius=log_uniform(rng, 34, 75) if big else log_uniform(rng, 9, 36),
        spread=rng.uniform(0.02, 0.2),
        aspect=(rng.uniform(0.8, 1.0), 1.0),
        roughness=rng.uniform(0, 0.035),
        coverage=rng.uniform(0.08, 0.55),
        overlap=rng.uniform(-0.6, 0.0),
        clustered=False,
        aligned=False,
    )
    layout = lay_out(rng, size, plan)
    ground = rng.uniform(0.08, 0.45)
    back = ground * (1 + smooth_field(rng, size, int(rng.integers(1, 3))) * rng.uniform(0.1, 0.7))
    back = back + power_noise(rng, size, rng.uniform(0.3, 2.5)) * rng.uniform(0.002, 0.035)
    if chance(rng, 0.3):
        bands = power_noise(rng, size, 2.5, stretch=8, angle=rng.uniform(0, np.pi))
        back = back + bands * rng.uniform(0.005, 0.03)
    angle = rng.uniform(0, 2 * np.pi)
    light_y, light_x = np.sin(angle), np.cos(angle)
    height = blur(power_noise(rng, size, rng.uniform(1.2, 2.8)), rng.uniform(0.4, 1.6))
    if chance(rng, 0.6):
        lines = np.exp(
            -((power_noise(rng, size, rng.uniform(2, 3.2)) / rng.uniform(0.04, 0.2)) ** 2)
        )
        height = height + lines * rng.uniform(-2.5, 1.5)
    slope = np.gradient(height)
    shade = slope[0] * light_y + slope[1] * light_x
    shade = shade / (shade.std() + 1e-6)
    raise_by = layout.per_body(
        (rng.uniform(0.15, 0.5) * np.exp(rng.normal(0, 0.25, layout.count))).astype(np.float32)
    )
    face = back + raise_by * (1 + rng.uniform(-0.1, 0.25) * (1 - layout.depth))
    face = face + shade * rng.uniform(0.0, 0.16) + height * rng.uniform(0, 0.07)
    # The rim is lit on one side and dark on the other, like any raised edge.
    solid = blur((layout.labels > 0).astype(np.float32), 1.0)
    edge = np.gradient(solid)
    rim = (edge[0] * light_y + edge[1] * light_x) * rng.uniform(-0.2, 0.7)
    shadow = 1 - rng.uniform(0, 0.6) * ndimage.shift(
        blur(solid, 1.5), (-light_y * 3, -light_x * 3), order=1
    )
    scene = np.where(layout.labels > 0, face, back * (shadow if chance(rng, 0.6) else 1.0)) + rim
    if chance(rng, 0.5 if big else 0.25):
        halo = np.exp(-np.clip(layout.depth - 1, 0, None) * rng.uniform(2.5, 7))
        scene = scene - (layout.labels == 0) * halo * rng.uniform(0.05, 0.25)
    if chance(rng, 0.6):
        scene = _framed(rng, scene, layout)
    scene = blur(scene.astype(np.float32), rng.uniform(0, 1.1))
    if chance(rng, 0.06):
        scene = 1 - scene
    tint = np.ones(3, np.float32)
    if chance(rng, 0.25):
        tint = tint * rng.uniform(0.75, 1.1, 3).astype(np.float32)
    return scene[..., None] * tint, layout, log_uniform(rng, 0.002, 0.03)


def _framed(rng: np.random.Generator, scene: Field, layout: Layout) -> Field:
    """Dust, and a piece of the paper round a photograph: straight edges, often a round corner."""
    size = scene.shape[0]
    rows, columns = grid(size)
    back = layout.labels == 0
    paper = np.full((size, size), -99.0, np.float32)
    if chance(rng, 0.7):
        corner = rng.uniform(0, 14)
        for flip in range(int(rng.integers(1, 3))):
            inset = float(rng.choice([0, 1, 2, 3, 5, 9])) + rng.uniform(-1, 1)
            x = columns if chance(rng, 0.5) else size - 1 - columns
            y = rows if chance(rng, 0.5) else size - 1 - rows
            x = x + smooth_field(rng, size, 4) * rng.uniform(0, 1.5)
            inner_x, inner_y = corner + inset - x, corner + inset - y
            rounded = np.hypot(np.clip(inner_x, 0, None), np.clip(inner_y, 0, None)) - corner
            straight = (inset - x) if flip else (inset - y)
            paper = np.maximum(paper, rounded if chance(rng, 0.6) else straight)
    shown = np.where(back, np.clip(paper + 0.5, 0, 1), 0)
    scene = scene * (1 - shown) + shown * rng.choice([rng.uniform(0, 0.1), rng.uniform(0.6, 1)])
    for _ in range(int(rng.integers(0, 9))):
        x, y = rng.uniform(0, size, 2)
        speck = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / rng.uniform(0.3, 2.0))
        scene = scene + speck * back * rng.uniform(-0.3, 0.5)
    return scene


def _stroma(rng: np.random.Generator, size: int) -> Field:
    """Wavy fibres in [0, 1]."""
    angle = rng.uniform(0, np.pi)
    fibres = power_noise(rng, size, rng.uniform(1.0, 2.6), stretch=rng.uniform(1, 8), angle=angle)
    wave = rng.uniform(0, 14)
    cells = int(rng.integers(2, 6))
    fibres = warp(
        fibres, smooth_field(rng, size, cells) * wave, smooth_field(rng, size, cells) * wave
    )
    return np.clip(0.5 + 0.25 * fibres, 0, 1)


def _membranes(rng: np.random.Generator, size: int, layout: Layout) -> Field:
    """A brown stain in [0, 1]: cell borders, granules or plain cytoplasm inside a region."""
    region = smooth_field(rng, size, int(rng.integers(1, 4))) + rng.uniform(-0.4, 0.7)
    region = blur((region > 0).astype(np.float32), rng.uniform(0.6, 3))
    grain = power_noise(rng, size, rng.uniform(0.6, 2.0))
    cytoplasm = np.clip(rng.uniform(0.2, 0.8) + rng.uniform(0.05, 0.3) * grain, 0, 1)
    if chance(rng, 0.75):
        spacing = log_uniform(rng, 7, 26)
        if chance(rng, 0.6):
            spacing = max(6.0, float(layout.radii.mean()) * 2.4) if layout.count else spacing
        seeds = rng.uniform(-10, size + 10, (int(((size + 20) / spacing) ** 2) + 4, 2))
        rows, columns = grid(size)
        pull = rng.uniform(1, 4)
        angle = rng.uniform(0, np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        stretch = np.array([1.0, 1 / log_uniform(rng, 1, 4)])
        bend_y, bend_x = smooth_field(rng, size, 4) * pull, smooth_field(rng, size, 4) * pull
        pixels = np.stack([(rows + bend_y).ravel(), (columns + bend_x).ravel()], axis=1)
        near, _ = cKDTree(seeds @ turn * stretch).query(pixels @ turn * stretch, k=2)
        gap = (near[:, 1] - near[:, 0]).reshape(size, size)
        lines = np.exp(-((gap / rng.uniform(0.8, 2.4)) ** 2)).astype(np.float32)
        cytoplasm = np.maximum(cytoplasm * rng.uniform(0.2, 1), lines)
    return np.clip(region * cytoplasm, 0, 1).astype(np.float32)


def _stained(rng: np.random.Generator, size: int) -> tuple[Field, Layout, float]:
    """Haematoxylin nuclei in eosin or brown stained tissue, by the Beer-Lambert law."""
    plan = random_arrangement(rng)
    brown = chance(rng, 0.5)
    if brown and chance(rng, 0.6):
        narrow = rng.uniform(0.35, 0.65)
        plan = Arrangement(
            radius=log_uniform(rng, 5, 14),
            spread=plan.spread,
            aspect=(narrow, narrow + 0.35),
            roughness=plan.roughness,
            coverage=rng.uniform(0.1, 0.8),
            overlap=rng.uniform(-0.3, 0.1),
            clustered=chance(rng, 0.3),
            aligned=chance(rng, 0.7),
        )
    layout = lay_out(rng, size, plan)
    inside = (layout.labels > 0).astype(np.float32)
    edge = blur(inside, rng.uniform(0.3, 1.0))
    grain = power_noise(rng, size, rng.uniform(0.5, 2))
    pale = brown or chance(rng, 0.2)
    middle = log_uniform(rng, 0.45, 2.6) if not brown else log_uniform(rng, 0.35, 1.4)
    amounts = middle * np.exp(rng.normal(0, rng.uniform(0.03, 0.35), layout.count))
    amounts = np.clip(amounts, 0.28, 2.9).astype(np.float32)
    amount = blur(layout.per_body(amounts), 0.6)
    if chance(rng, 0.35):
        hollow = rng.uniform(0.1, 0.55)
        amount = amount * (1 - hollow * np.clip(1 - layout.depth**2, 0, 1))
    if chance(rng, 0.5):
        spots = (power_noise(rng, size, 1.2) > 1.3) * rng.uniform(0, 0.6)
        amount = amount * (1 + spots)
    blue = amount * np.clip(1 + grain * rng.uniform(0.02, 0.28), 0.3, 2) * edge.clip(0, 1)
    fibres = _stroma(rng, size)
    tissue = np.ones((size, size), np.float32)
    if chance(rng, 0.5):
        hole = smooth_field(rng, size, int(rng.integers(1, 5))) + 0.15 * power_noise(rng, size, 2.2)
        tissue = np.clip((rng.uniform(0.1, 0.9) - hole) * rng.uniform(3, 15), 0, 1)
        tissue = np.maximum(tissue, edge)
    red = tissue * (rng.uniform(0.05, 0.35) + rng.uniform(0.05, 0.6) * fibres)
    red = red * (rng.uniform(0, 0.35) if pale else rng.uniform(0.5, 1.4))
    haze = tissue * (0.4 + 0.6 * _stroma(rng, size)) * rng.uniform(0.0, 0.28)
    if chance(rng, 0.45):
        # Pale blue grain between the nuclei, as fine as a nucleus' edge, is no nucleus.
        speckle = power_noise(
            rng, size, rng.uniform(0.2, 1.6), rng.uniform(1, 4), rng.uniform(0, 3)
        )
        haze = haze + np.clip(speckle, 0, None) * tissue * rng.uniform(0.02, 0.16)
    if not brown and chance(rng, 0.15):
        cells = lay_out(
            rng,
            size,
            Arrangement(
                log_uniform(rng, 3.5, 9),
                0.08,
                (0.85, 1),
                0.02,
                rng.uniform(0.03, 0.25),
                -0.1,
                True,
                False,
            ),
        )
        red = red + (cells.labels > 0) * (0.7 + 0.3 * cells.depth) * (1 - inside) * rng.uniform(
            0.3, 1
        )
    dab = np.zeros((size, size), np.float32)
    if brown:
        dab = _membranes(rng, size, layout) * tissue * log_uniform(rng, 0.5, 2.6)
        dab = dab * (1 - edge * rng.uniform(0.3, 0.95))
        dab = blur(dab, rng.uniform(0, 0.8))
        if chance(rng, 0.5):
            dab = dab + (power_noise(rng, size, 1.2) > 2.4) * (1 - inside) * rng.uniform(0, 0.8)
    stains = np.stack([blue + haze, red * (1 - 0.5 * edge), dab], axis=2)
    colours = np.array([HAEMATOXYLIN, EOSIN, DIAMINOBENZIDINE], np.float32)
    colours = np.clip(colours + rng.normal(0, 0.05, (3, 3)), 0.02, 1.2).astype(np.float32)
    scene = np.exp(-(stains.astype(np.float32) @ colours)) * rng.uniform(0.85, 1.0)
    if chance(rng, 0.4):
        scene = blur(scene, rng.uniform(0.3, 1.2))
    noise = log_uniform(rng, 0.003, 0.05) if chance(rng, 0.6) else 0.0
    return scene, layout, noise


def generate(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """One picture (size, size, 3) and its mask (size, size) of 0 and 1, both uint8."""
    kind = rng.random()
    if kind < 0.36:
        scene, layout, noise = _fluorescence(rng, size)
    elif kind < 0.56:
        scene, layout, noise = _relief(rng, size)
    else:
        scene, layout, noise = _stained(rng, size)
    return camera(rng, scene.astype(np.float32), noise), layout.mask()
