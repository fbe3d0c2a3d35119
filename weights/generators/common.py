"""Building blocks that every generator shares: noise, smooth fields, warps and the camera."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Field: TypeAlias = NDArray[np.floating[Any]]
"""Real values, one a pixel (h, w) or three (h, w, 3)."""


@lru_cache(maxsize=8)
def _frequencies(size: int) -> tuple[Field, Field]:
    vertical = np.fft.fftfreq(size)[:, None] * np.ones((1, size // 2 + 1))
    horizontal = np.fft.rfftfreq(size)[None, :] * np.ones((size, 1))
    return vertical.astype(np.float32), horizontal.astype(np.float32)


@lru_cache(maxsize=8)
def grid(size: int) -> tuple[Field, Field]:
    """Pixel coordinates (y, x), each (size, size) float32; shared, so never write into them."""
    rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
    return rows, columns


def power_noise(
    rng: np.random.Generator, size: int, slope: float, stretch: float = 1.0, angle: float = 0.0
) -> Field:
    """Noise with spectrum 1/f^slope, mean 0, deviation 1, drawn out `stretch` times at `angle`."""
    vertical, horizontal = _frequencies(size)
    along = vertical * np.sin(angle) + horizontal * np.cos(angle)
    across = horizontal * np.sin(angle) - vertical * np.cos(angle)
    squared = (along * stretch) ** 2 + across**2
    squared[0, 0] = 1.0
    amplitude = squared ** (-slope / 4 - 0.25)
    amplitude[0, 0] = 0.0
    white = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    noise = np.fft.irfft2(white * amplitude, s=(size, size)).astype(np.float32)
    return noise / (noise.std() + 1e-6)


def smooth_field(rng: np.random.Generator, size: int, cells: int) -> Field:
    """A bicubic surface through a grid of `cells` random heights a side, about in [-1, 1]."""
    heights = rng.uniform(-1, 1, (cells + 1, cells + 1)).astype(np.float32)
    surface = Image.fromarray(heights).resize((size, size), Image.Resampling.BICUBIC)
    return np.asarray(surface, dtype=np.float32)


def warp(field: Field, shift_y: Field, shift_x: Field) -> Field:
    """`field` (size, size) looked up at shifted places, reflected at its edges."""
    rows, columns = grid(field.shape[0])
    places = np.stack([rows + shift_y, columns + shift_x])
    return ndimage.map_coordinates(field, places, order=1, mode="reflect")


def blur(field: Field, sigma: float) -> Field:
    """Gaussian blur of a (h, w) or (h, w, 3) field over its two picture axes."""
    if sigma < 0.15:
        return field
    sigmas = (sigma, sigma) + (0,) * (field.ndim - 2)
    return ndimage.gaussian_filter(field, sigmas, truncate=3.0)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between low and high whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def camera(
    rng: np.random.Generator, picture: Field, noise: float, tint: float = 0.1
) -> NDArray[np.uint8]:
    """Light, colour, noise of deviation `noise`, sometimes JPEG on (h, w, 3) values in [0, 1]."""
    size = picture.shape[0]
    if chance(rng, 0.4):
        light = 1 + smooth_field(rng, size, 2) * rng.uniform(0, 0.3)
        picture = picture * light[..., None]
    picture = picture * np.exp(rng.normal(0, tint, 3)).astype(np.float32)
    picture = picture * np.float32(np.exp(rng.normal(0, 0.08)))
    picture = np.clip(picture, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.2)))
    if chance(rng, 0.08):
        grey = picture @ rng.dirichlet((3, 6, 2)).astype(np.float32)
        picture = np.repeat(grey[..., None], 3, axis=2)
    if chance(rng, 0.3):
        picture = blur(picture, rng.uniform(0.3, 0.9))
    elif chance(rng, 0.2):
        picture = picture + rng.uniform(0.3, 1.5) * (picture - blur(picture, rng.uniform(0.6, 1.2)))
    if noise > 0:
        shared = rng.standard_normal((size, size, 1), dtype=np.float32)
        own = rng.standard_normal((size, size, 3), dtype=np.float32)
        mixing = np.float32(rng.random())
        grain = shared * mixing + own * np.sqrt(1 - mixing * mixing)
        picture = picture + np.float32(noise) * grain
    pixels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    if chance(rng, 0.35):
        pixels = jpeg(pixels, int(rng.integers(40, 96)))
    return pixels


def jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The pixels after being saved as JPEG of this quality and read back."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))
