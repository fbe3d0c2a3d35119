"""Trees, palms, bushes, hedges and woods: clumps of leaves that the sky shows through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weights.generators.common import chance, log_uniform
from weights.generators.scene.view import TREE, Colour, Points, Sheet, Thing, by, colour, varied

GREENS = (
    colour(0.27, 0.38, 0.13), colour(0.2, 0.31, 0.13), colour(0.34, 0.43, 0.16),
    colour(0.16, 0.25, 0.13), colour(0.4, 0.46, 0.2), colour(0.3, 0.36, 0.22),
)  # fmt: skip
AUTUMN = (
    colour(0.62, 0.42, 0.13), colour(0.6, 0.28, 0.12), colour(0.5, 0.42, 0.15),
    colour(0.72, 0.56, 0.2), colour(0.85, 0.6, 0.68), colour(0.4, 0.14, 0.13),
)  # fmt: skip
BARK = colour(0.3, 0.24, 0.19)

_ANGLES = np.linspace(0, 2 * np.pi, 9, endpoint=False)


def leaf_colour(rng: np.random.Generator) -> Colour:
    """Mostly green, sometimes autumn or blossom."""
    stock = GREENS if chance(rng, 0.87) else AUTUMN
    return varied(rng, stock[int(rng.integers(len(stock)))], 0.2)


def _clumps(
    sheet: Sheet,
    centres: Points,
    sizes: NDArray[np.float64],
    brightness: NDArray[np.float64],
    leaf: Colour,
    depth: float,
) -> None:
    """Ragged clumps of leaves at places (n, 2) of the sheet, in the order given."""
    count = len(centres)
    if count == 0:
        return
    rng = sheet.rng
    light = sheet.light
    white = light.ambient + light.warm * light.strength
    tones = leaf * white * brightness[:, None] * np.exp(rng.normal(0, 0.05, (count, 3)))
    seen = light.through_air(tones.astype(np.float32), depth)
    inks = (np.clip(seen, 0, 1) * 255).astype(int).tolist()
    corners = 6 if float(np.median(sizes)) < 3 else 9
    radii = sizes[:, None] * rng.uniform(0.45, 1.25, (count, corners))
    angles = _ANGLES[:corners] * 9 / corners + rng.uniform(0, 1, (count, 1))
    x = centres[:, :1] + radii * np.cos(angles)
    y = centres[:, 1:] + radii * np.sin(angles) * 0.85
    outlines = np.stack([x, y], axis=2).clip(-3000, 3000).reshape(count, -1).tolist()
    for outline, paint in zip(outlines, inks, strict=True):
        sheet.pen.polygon(outline, fill=tuple(paint))
        sheet.marker.polygon(outline, fill=TREE)


def _crown(
    sheet: Sheet,
    middle: tuple[float, float],
    radii: tuple[float, float],
    leaf: Colour,
    depth: float,
    density: float,
    ragged: float,
) -> None:
    """A crown around a place of the sheet: boughs of clumps, light where the sun meets them."""
    rng = sheet.rng
    rx, ry = radii
    side = sheet.view.side
    if middle[0] + rx < 0 or middle[0] - rx > side or middle[1] - ry > side or middle[1] + ry < 0:
        return
    boughs = int(np.clip(3 + rx * ry / 150, 3, 16))
    turn = rng.uniform(0, 2 * np.pi, boughs)
    far = np.sqrt(rng.uniform(0.02, 1, boughs)) * 0.72
    places = np.stack([np.cos(turn) * far, np.sin(turn) * far], axis=1)
    places[:, 1] *= np.where(places[:, 1] > 0, 0.8, 1.0)
    spread = rng.uniform(0.22, 0.5, boughs) * (1 + 0.3 * ragged)
    # Close by, a clump is a twig of a hand's size.
    largest = max(3.2, 0.1 * sheet.view.focal / max(depth, 1.0))
    size = float(np.clip(0.06 * min(rx, ry), 1.0, largest))
    each = int(np.clip(density * 0.21 * rx * ry / size**2, 5, 100))
    owner = np.repeat(np.arange(boughs), each)
    angle = rng.uniform(0, 2 * np.pi, len(owner))
    out = np.sqrt(rng.random(len(owner)))
    dx, dy = np.cos(angle) * out, np.sin(angle) * out
    local = places[owner] + np.stack([dx, dy], axis=1) * spread[owner, None]
    # Each bough is a ball: its clumps are bright where they face the light, dark underneath.
    toward = sheet.view.seen(sheet.light.sun[None] + by(0, sheet.view.eye, 0))[0]
    ball = np.sqrt(np.clip(1 - dx**2 - dy**2, 0, 1))
    facing = dx * toward[0] + dy * toward[1] - ball * toward[2]
    whole = local[:, 0] * toward[0] + local[:, 1] * toward[1] * 0.6
    contrast = 0.25 + 0.6 * min(1.0, sheet.light.strength * 1.6)
    bright = 0.78 + contrast * (0.42 * facing + 0.3 * whole - 0.22 * local[:, 1] - 0.12)
    bright = bright * np.exp(rng.normal(0, 0.13, len(owner)))
    # The inside of a thick crown is dark, and closed but for a few gaps.
    inner = np.repeat(np.arange(boughs), int(np.clip(rx / 5, 3, 24)))
    around = rng.normal(0, 0.36, (len(inner), 2)) * spread[inner, None]
    thick = spread[inner] * min(rx, ry) * rng.uniform(0.15, 0.42, len(inner))
    shade = np.exp(rng.normal(-0.8, 0.15, len(inner)))
    thick = np.minimum(thick, 4 * largest)
    inside = (places[inner] + around) * [rx, ry] + middle
    _clumps(sheet, inside, thick, shade, leaf, depth)
    # Back to front: dark inner clumps first, the light ones on top.
    order = np.argsort(ball + 0.25 * bright + rng.normal(0, 0.22, len(owner)))
    centres = local * [rx, ry] + middle
    sizes = size * np.exp(rng.normal(0, 0.3, len(owner)))
    _clumps(sheet, centres[order], sizes[order], bright.clip(0.22, 1.6)[order], leaf, depth)


def _branches(
    sheet: Sheet,
    foot: tuple[float, float],
    top: tuple[float, float],
    width: float,
    bark: Colour,
    depth: float,
    forks: int,
) -> None:
    """A trunk with boughs that fork."""
    rng, light = sheet.rng, sheet.light
    bright = sheet.light.shaded(bark, (-0.4 if light.sun[0] < 0 else 0.4, 0.2, -0.8), depth)
    dark = sheet.light.shaded(bark * 0.6, (0, 0, -1), depth)
    toward = 1.0 if light.sun[0] > 0 else -1.0
    queue = [(np.array(foot), np.array(top), width, 0)]
    while queue:
        start, end, thick, level = queue.pop()
        places = np.stack([start, (start + end) / 2 + rng.normal(0, thick * 0.4, 2), end])
        sheet.line(places, max(1.0, thick), dark, TREE)
        if thick > 4:
            inner = places + by(toward * thick * 0.22, 0)
            sheet.line(inner, thick * 0.4, bright, TREE)
        if level < forks:
            length = float(np.linalg.norm(end - start)) * rng.uniform(0.5, 0.75)
            heading = np.arctan2(end[1] - start[1], end[0] - start[0])
            for turn in (rng.uniform(0.2, 0.75), -rng.uniform(0.2, 0.75)):
                tip = end + length * np.array([np.cos(heading + turn), np.sin(heading + turn)])
                queue.append((end, tip, thick * 0.62, level + 1))


def tree(rng: np.random.Generator, x: float, z: float, height: float) -> Thing:
    """A broad-leaved tree; now and then bare."""
    leaf, bark = leaf_colour(rng), varied(rng, BARK, 0.25)
    bare = chance(rng, 0.06)
    trunk = rng.uniform(0.12, 0.4)
    wide = height * rng.uniform(0.24, 0.5)
    density, ragged = rng.uniform(0.55, 1.3), rng.uniform(0, 1)
    lean = rng.normal(0, 0.03) * height
    middle_height = height * (0.5 + 0.5 * trunk)

    def paint(sheet: Sheet) -> None:
        spots = np.array([[x, -0.05, z], [x + lean, height * trunk, z], [x + lean, height, z]])
        depth = float(sheet.view.depth(spots).mean())
        if depth < 1.0:
            return
        scale = sheet.view.focal / depth
        foot, fork, top = sheet.view.on_sheet(spots).tolist()
        if bare:
            high = fork[1] + 0.35 * (top[1] - fork[1])
            _branches(
                sheet, (foot[0], foot[1]), (fork[0], high), 0.05 * height * scale, bark, depth, 5
            )
            return
        high = fork[1] + 0.3 * (top[1] - fork[1])
        _branches(
            sheet, (foot[0], foot[1]), (fork[0], high), 0.045 * height * scale, bark, depth, 2
        )
        radii = (wide * scale, (1 - trunk) * height * scale * 0.52)
        middle = (fork[0], (fork[1] + top[1]) / 2)
        _crown(sheet, middle, radii, leaf, depth, density, ragged)

    ring = np.array([[np.cos(a) * wide, middle_height, np.sin(a) * wide] for a in _ANGLES])
    stem = np.array([[np.cos(a) * 0.3, 0, np.sin(a) * 0.3] for a in _ANGLES])
    spot = np.array([x, 0, z])
    return Thing(
        depth=z, paint=paint, leafy=True, shadow=None if bare else ring + spot, contact=stem + spot
    )


def conifer(rng: np.random.Generator, x: float, z: float, height: float) -> Thing:
    """A fir, pine or cypress: layers of drooping clumps that narrow to the top."""
    leaf = varied(rng, colour(0.15, 0.24, 0.14), 0.22)
    wide = height * rng.uniform(0.1, 0.28)
    layered = rng.uniform(0.1, 0.9)

    def paint(sheet: Sheet) -> None:
        spots = np.array([[x, 0, z], [x, height, z]])
        depth = float(sheet.view.depth(spots).mean())
        if depth < 1.0:
            return
        scale = sheet.view.focal / depth
        foot, top = sheet.view.on_sheet(spots)
        tall = foot[1] - top[1]
        trunk = sheet.light.shaded(BARK * 0.8, (0, 0, -1), depth)
        sheet.line(np.stack([foot, (foot + top) / 2]), max(1.0, 0.03 * height * scale), trunk, TREE)
        count = int(np.clip(tall * wide * scale / 14, 24, 650))
        share = np.sqrt(sheet.rng.random(count))
        tiers = 1 + layered * 0.35 * np.sin(share * height * 6)
        reach = wide * scale * share * tiers
        side = sheet.rng.uniform(-1, 1, count)
        places = np.stack(
            [foot[0] + side * reach, top[1] + share * tall * 0.93 + np.abs(side) * reach * 0.25],
            axis=1,
        )
        toward = sheet.view.seen(sheet.light.sun[None] + by(0, sheet.view.eye, 0))[0]
        bright = (
            0.75
            + 0.55 * min(1, sheet.light.strength * 1.6) * side * toward[0]
            + 0.2 * (0.5 - share)
        )
        bright = bright * np.exp(sheet.rng.normal(0, 0.2, count))
        size = float(np.clip(0.022 * tall, 0.9, 6))
        order = np.argsort(share + sheet.rng.normal(0, 0.15, count))[::-1]
        _clumps(
            sheet, places[order], np.full(count, size), bright.clip(0.3, 1.5)[order], leaf, depth
        )

    ring = np.array([[np.cos(a) * wide, 0.1, np.sin(a) * wide] for a in _ANGLES])
    tip = np.array([[0, height * 0.9, 0]])
    spot = np.array([x, 0, z])
    return Thing(
        depth=z,
        paint=paint,
        leafy=True,
        shadow=np.concatenate([ring, tip]) + spot,
        contact=0.6 * ring + spot,
    )


def palm(rng: np.random.Generator, x: float, z: float, height: float) -> Thing:
    """A bare stem under a tuft of arched fronds."""
    leaf = varied(rng, colour(0.27, 0.36, 0.15), 0.2)
    lean = rng.normal(0, 0.06) * height
    fronds = int(rng.integers(9, 18))

    def paint(sheet: Sheet) -> None:
        curve = np.linspace(0, 1, 6)
        spots = np.stack([x + lean * curve**2, height * curve, np.full(6, z)], axis=1)
        depth = float(sheet.view.depth(spots).mean())
        if depth < 1.0:
            return
        scale = sheet.view.focal / depth
        stem = sheet.view.on_sheet(spots)
        bark = sheet.light.shaded(colour(0.45, 0.38, 0.3), (0.3, 0, -0.9), depth)
        sheet.line(stem, max(1.0, 0.3 * scale), bark, TREE)
        reach = 0.28 * height * scale
        white = sheet.light.ambient + sheet.light.warm * sheet.light.strength
        for angle in sheet.rng.uniform(-0.4, np.pi + 0.4, fronds).tolist():
            along = np.linspace(0.05, 1, 9)[:, None]
            length = reach * sheet.rng.uniform(0.7, 1.1)
            rib = (
                stem[-1]
                + np.concatenate(
                    [np.cos(angle) * along, -np.sin(angle) * along + 0.75 * along**2], axis=1
                )
                * length
            )
            width = np.sin(np.linspace(0.1, np.pi, 9))[:, None] * length * 0.11
            comb = np.where(np.arange(9)[:, None] % 2, 1.0, 0.45)
            edge = np.concatenate(
                [rib - by(0, 0.4) * width, (rib + by(0.1, 1.1) * width * comb)[::-1]]
            )
            tone = leaf * white * float(np.exp(sheet.rng.normal(-0.1, 0.25)))
            seen = sheet.light.through_air(tone.astype(np.float32), depth)
            red, green, blue = (np.clip(seen, 0, 1) * 255).astype(int).tolist()
            sheet.polygon(edge, (red, green, blue), TREE)

    ring = np.array([[np.cos(a) * 2, height, np.sin(a) * 2] for a in _ANGLES])
    return Thing(depth=z, paint=paint, leafy=True, shadow=ring + by(x, 0, z))


def bush(rng: np.random.Generator, x: float, z: float, height: float) -> Thing:
    """A low crown on the ground."""
    leaf = leaf_colour(rng)
    wide = height * rng.uniform(0.5, 1.1)
    density = rng.uniform(0.8, 1.4)

    def paint(sheet: Sheet) -> None:
        spot = np.array([[x, height * 0.42, z]])
        depth = float(sheet.view.depth(spot)[0])
        if depth < 1.0:
            return
        scale = sheet.view.focal / depth
        middle = sheet.view.on_sheet(spot)[0]
        radii = (wide * scale, 0.58 * height * scale)
        _crown(sheet, (float(middle[0]), float(middle[1])), radii, leaf, depth, density, 0.3)

    ring = np.array([[np.cos(a) * wide, 0, np.sin(a) * wide] for a in _ANGLES]) + by(x, 0, z)
    return Thing(
        depth=z, paint=paint, leafy=True, shadow=ring + by(0, height * 0.7, 0), contact=ring
    )


def hedge(
    rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float], height: float
) -> Thing:
    """A clipped or wild row of leaves between two ground points (right, away)."""
    leaf = leaf_colour(rng) if chance(rng, 0.3) else varied(rng, GREENS[1], 0.2)
    wild = rng.uniform(0.02, 0.25)

    def paint(sheet: Sheet) -> None:
        ends = np.array([[start[0], 0, start[1]], [end[0], 0, end[1]]], float)
        depths = sheet.view.depth(ends)
        if depths.min() < 0.8:
            return
        low = sheet.view.on_sheet(ends)
        high = sheet.view.on_sheet(ends + by(0, height, 0))
        area = abs(low[1, 0] - low[0, 0]) * (abs(low[:, 1] - high[:, 1]).mean())
        count = int(np.clip(area / 9, 30, 700))
        along, up = sheet.rng.random(count), np.sqrt(sheet.rng.random(count))
        share = along * depths[0] / (along * depths[0] + (1 - along) * depths[1])
        foot = low[0] + (low[1] - low[0]) * share[:, None]
        crest = high[0] + (high[1] - high[0]) * share[:, None]
        places = foot + (crest - foot) * (up * (1 + wild * np.sin(share * 40)))[:, None]
        sizes = (np.abs(foot - crest)[:, 1] * 0.07).clip(0.9, 6)
        bright = (0.6 + 0.45 * up) * np.exp(sheet.rng.normal(0, 0.16, count))
        solid = np.concatenate([low, high[::-1]])
        depth = float(depths.mean())
        sheet.polygon(solid, sheet.light.shaded(leaf * 0.55, (0, 0.3, -0.9), depth), TREE)
        order = np.argsort(up + sheet.rng.normal(0, 0.2, count))
        _clumps(sheet, places[order], sizes[order], bright[order], leaf, depth)

    ends = np.array([[start[0], 0, start[1]], [end[0], 0, end[1]]], float)
    wide = np.concatenate([ends + by(0.3, 0, 0.3), ends - by(0.3, 0, 0.3)])
    return Thing(
        depth=max(start[1], end[1]),
        paint=paint,
        leafy=True,
        shadow=wide + by(0, height, 0),
        contact=wide,
    )


def woods(sheet: Sheet, depth: float, height: float, gaps: float) -> None:
    """A line of trees far away, from one side to the other; `gaps` is the share left open."""
    rng, view = sheet.rng, sheet.view
    scale = view.focal / depth
    foot = view.horizon + view.eye * scale + 1
    if foot < 0 or height * scale < 1.5 or depth > 2 * sheet.light.clear:
        return
    leaf, dark = leaf_colour(rng), varied(rng, GREENS[3], 0.2)
    x = rng.uniform(-0.5, 0.0) * height * scale
    while x < view.side + height * scale:
        tall = height * scale * rng.uniform(0.6, 1.15)
        pointed = chance(rng, 0.2)
        if not chance(rng, gaps):
            own = varied(rng, leaf if chance(rng, 0.7) else dark, 0.12)
            rx = tall * (0.22 if pointed else rng.uniform(0.3, 0.6))
            # Small crowns need no trunk; the undergrowth hides it.
            _crown(sheet, (x, foot - 0.5 * tall), (rx, 0.52 * tall), own, depth, 0.9, 0.5)
        x += tall * rng.uniform(0.2, 0.6) + 0.5


def random_plant(rng: np.random.Generator, x: float, z: float) -> Thing:
    """Any plant that stands alone."""
    kind = rng.random()
    if kind < 0.62:
        return tree(rng, x, z, log_uniform(rng, 4, 16))
    if kind < 0.76:
        return conifer(rng, x, z, log_uniform(rng, 3, 20))
    if kind < 0.82:
        return palm(rng, x, z, rng.uniform(5, 14))
    return bush(rng, x, z, log_uniform(rng, 0.6, 3))
