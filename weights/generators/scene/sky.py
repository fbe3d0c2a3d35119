"""Weather, the light that it makes, and the sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from weights.generators.common import Field, blur, chance, log_uniform
from weights.generators.scene.view import SKY, Colour, Light, Sheet, View, by, colour, noise, varied


@dataclass(frozen=True, kw_only=True)
class Weather:
    """The sky's colours and clouds, and the light that comes from it."""

    zenith: Colour
    low: Colour
    """Just above the horizon."""
    cover: float
    """Share of the sky under clouds: 0 none, 1 all."""
    cloud: Colour
    cloud_shadow: Colour
    light: Light


def random_weather(rng: np.random.Generator) -> Weather:
    """Clear or cloudy day 64 %, overcast 18 %, dusk 13 %, night 5 %."""
    angle = rng.uniform(0, 2 * np.pi)
    kind = rng.random()
    height = rng.uniform(0.35, 0.95)
    sun = np.array([np.cos(angle), 0.0, -np.sin(angle) * 0.9 - 0.1])
    sun = sun / np.linalg.norm(sun) * np.sqrt(1 - height**2) + np.array([0, height, 0])
    clear = log_uniform(rng, 150, 3000)
    if kind < 0.64:
        deep = rng.uniform(0, 1)
        zenith = varied(
            rng, colour(0.42 - 0.27 * deep, 0.62 - 0.27 * deep, 0.88 - 0.18 * deep), 0.07
        )
        low = varied(rng, colour(0.78, 0.86, 0.93) * (1 - 0.2 * deep), 0.06)
        strength = rng.uniform(0.45, 0.8)
        ambient = varied(rng, colour(0.36, 0.4, 0.47), 0.15)
        warm = colour(1.0, 0.95, 0.85)
        cover = rng.uniform(0, 0.7) if chance(rng, 0.65) else 0.0
        cloud, shadow = colour(0.98, 0.98, 0.98), varied(rng, colour(0.66, 0.7, 0.76))
    elif kind < 0.82:
        level = rng.uniform(0.6, 0.97)
        zenith, low = varied(rng, colour(0.9, 0.93, 0.97) * level, 0.06), colour(1, 1, 1) * level
        low = varied(rng, low * rng.uniform(0.95, 1.1), 0.03)
        strength, warm = rng.uniform(0, 0.15), colour(1, 1, 1)
        ambient = varied(rng, colour(0.66, 0.68, 0.7), 0.15)
        cover, cloud = rng.uniform(0.4, 1.0), varied(rng, low, 0.05)
        shadow = varied(rng, zenith * 0.85, 0.08)
        clear = log_uniform(rng, 60, 1200)
    elif kind < 0.95:
        zenith = varied(rng, colour(0.24, 0.34, 0.56), 0.2)
        low = varied(rng, colour(0.95, 0.66, 0.42), 0.15)
        if chance(rng, 0.3):
            low = varied(rng, colour(0.75, 0.6, 0.68), 0.15)
        strength, warm = rng.uniform(0.1, 0.5), colour(1.0, 0.72, 0.45)
        sun = sun * np.array([1, 0.4, 1])
        sun = sun / np.linalg.norm(sun)
        ambient = varied(rng, colour(0.3, 0.3, 0.38), 0.25)
        cover = rng.uniform(0, 0.8)
        cloud, shadow = varied(rng, low, 0.2), varied(rng, zenith * 0.8 + 0.1, 0.15)
    else:
        zenith = varied(rng, colour(0.05, 0.07, 0.16), 0.4)
        low = varied(rng, zenith * 1.8 + colour(0.06, 0.05, 0.05), 0.3)
        strength, warm = 0.0, colour(1, 1, 1)
        ambient = varied(rng, colour(0.26, 0.25, 0.26), 0.2)
        cover, cloud, shadow = rng.uniform(0, 0.6), low * 1.1, zenith
    haze = (0.75 * low + 0.25 * zenith).astype(np.float32)
    light = Light(
        sun=sun,
        strength=float(strength),
        warm=warm,
        ambient=ambient,
        haze=haze,
        clear=clear,
        night=kind >= 0.95,
    )
    return Weather(
        zenith=zenith, low=low, cover=float(cover), cloud=cloud, cloud_shadow=shadow, light=light
    )


def paint_sky(sheet: Sheet, weather: Weather) -> None:
    """Covers the whole sheet with sky."""
    rng, view = sheet.rng, sheet.view
    side = view.side
    rows = np.arange(side, dtype=np.float32)[:, None]
    columns = np.arange(side, dtype=np.float32)[None]
    up = (view.horizon - rows).clip(0) / view.focal
    share = 1 - np.exp(-up * rng.uniform(1.6, 5))
    tilt = (columns / side - 0.5) * rng.uniform(-0.25, 0.25)
    share = (share + tilt * share).clip(0, 1)[..., None]
    sky: Field = weather.low * (1 - share) + weather.zenith * share
    if weather.cover > 0:
        sky = _clouded(rng, sky, weather, up, columns - view.middle, view)
    if weather.light.night and chance(rng, 0.5):
        stars = rng.random((side, side), dtype=np.float32) > 0.9985
        sky = sky + (stars * rng.uniform(0.2, 0.6))[..., None]
    toward = view.seen(weather.light.sun[None] * 1e4 + by(0, view.eye, 0))[0]
    if toward[2] > 0 and not weather.light.night and weather.light.strength > 0.05:
        x = view.middle + view.focal * toward[0] / toward[2]
        y = view.horizon + view.focal * toward[1] / toward[2]
        far = np.hypot(columns - x, rows - y) / view.focal
        glow = np.exp(-far / rng.uniform(0.1, 0.35)) * rng.uniform(0.2, 0.6)
        sky = sky + (glow[..., None] * (weather.light.warm - 0.3 * sky))
    pixels = (sky.clip(0, 1) * 255).astype(np.uint8)
    sheet.replace(Image.fromarray(pixels), Image.new("L", (side, side), SKY))


def _clouded(
    rng: np.random.Generator, sky: Field, weather: Weather, up: Field, across: Field, view: View
) -> Field:
    """Clouds on a ceiling that comes down to the horizon, or soft banks seen from the side."""
    side = view.side
    small = slice(None, None, 2)
    up, across = up[small], across[:, small] / view.focal
    if chance(rng, 0.6):
        far = 1 / (up + rng.uniform(0.12, 0.3))
        scale = log_uniform(rng, 12, 70)
        heaps = noise(rng, 2.2, far * scale * 2.2, across * far * scale + 0 * far)
        lit = noise(rng, 1.4, far * scale * 2.2, across * far * scale + 0 * far)
    else:
        scale = log_uniform(rng, 40, 220)
        flat = rng.uniform(1, 3)
        heaps = noise(rng, 2.2, up * scale * flat, across * scale + 0 * up)
        lit = noise(rng, 2.2, up * scale * flat + 3, across * scale + 0 * up)
    soft = log_uniform(rng, 0.15, 1.2)
    amount = ((heaps - (1.5 - 3 * weather.cover)) / soft + 0.5).clip(0, 1)
    thick = ((heaps - (1.5 - 3 * weather.cover)) * 0.5 + 0.3 * lit).clip(0, 1)[..., None]
    body = weather.cloud * (1 - thick) + weather.cloud_shadow * thick
    amount = (blur(amount, 0.6) * rng.uniform(0.5, 1.0))[..., None]
    whole = np.concatenate([body * amount, amount], axis=2).repeat(2, axis=0).repeat(2, axis=1)
    whole = blur(whole[:side, :side], 1.0)
    return sky * (1 - whole[..., 3:]) + whole[..., :3]
