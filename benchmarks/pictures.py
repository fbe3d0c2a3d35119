"""The pictures and maps that everything here is measured on; the same on every machine."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from benchmarks.processes import ROOT
from segdemo.inference.maps import resize_map
from segdemo.inference.segmenter import load

_PHOTO = ROOT / "segdemo" / "ui" / "examples" / "retina.jpg"
_NETWORKS = ("vessels_unet", "vessels_u2net_lite", "nuclei_unet", "nuclei_u2net_lite")
_SEED = 7
_NOISE = 3.0  # standard deviation in levels of 255, as a camera has it


def photo(size: tuple[int, int]) -> Image.Image:
    """A real photograph, cut and scaled to ``size`` (width, height)."""
    with Image.open(_PHOTO) as picture:
        return ImageOps.fit(picture.convert("RGB"), size, Image.Resampling.BICUBIC)


def camera_jpeg(size: tuple[int, int], seed: int = 0) -> bytes:
    """The photo as a camera would store it, with noise that ``seed`` decides."""
    clean = np.asarray(photo(size), dtype=np.float32)
    noise = np.random.default_rng(seed).normal(0, _NOISE, clean.shape)
    buffer = io.BytesIO()
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, format="JPEG", quality=92)
    return buffer.getvalue()


def learned_maps(size: tuple[int, int]) -> list[npt.NDArray[np.uint8]]:
    """What four shipped networks say of the photo, as maps (H, W) of this size."""
    shown = photo(size)
    return [_learned_map(name, shown) for name in _NETWORKS]


def _learned_map(name: str, shown: Image.Image) -> npt.NDArray[np.uint8]:
    found = (
        load(ROOT / "weights" / f"{name}.safetensors", device="cpu").predict(shown).probabilities
    )
    whole = resize_map(found, (shown.width, shown.height))[-1]
    return np.minimum(whole * 256, 255).astype(np.uint8)


def smooth_maps(size: tuple[int, int], count: int) -> list[npt.NDArray[np.uint8]]:
    """``count`` different maps (H, W) with structures of many sizes and all 256 values."""
    rng = np.random.default_rng(_SEED)
    return [_smooth_map(size, rng) for _ in range(count)]


def _smooth_map(size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    total = np.zeros(size[::-1], dtype=np.float32)
    for cells in (6, 24, 96):
        noise = Image.fromarray(rng.standard_normal((cells, cells)).astype(np.float32))
        total += np.asarray(noise.resize(size, Image.Resampling.BICUBIC)) / np.sqrt(cells)
    ranks = total.ravel().argsort().argsort().reshape(total.shape)
    return (ranks * 256 // total.size).astype(np.uint8)
