"""Pictures and maps as files for the browser, written straight into Gradio's cache."""

import io

import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray
from PIL import Image

from segdemo.ui.payload import CachedFile, CachedImage

MAX_SIDE = 2048
"""Long side of the pictures and maps that go to a browser, in pixels."""


def cache_picture(picture: Image.Image) -> CachedImage:
    """The RGB picture as a JPEG of at most MAX_SIDE; the entry keeps the picture's own size."""
    width, height = picture.size
    shown = picture.convert("RGB")
    shown.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX, reducing_gap=None)
    buffer = io.BytesIO()
    shown.save(buffer, format="JPEG", quality=90)
    file = cache_file(buffer.getvalue(), "picture.jpg")
    return CachedImage(width=width, height=height, file=file)


def cache_map(quantised: NDArray[np.uint8]) -> CachedImage:
    """The (H, W) map of values q in 0..255 as a lossless PNG of at most MAX_SIDE.

    A larger map is thinned, not averaged: each value shown is one that the network gave.
    """
    if quantised.dtype != np.uint8 or quantised.ndim != 2:
        raise ValueError(f"A map is (H, W) uint8, not {quantised.shape} {quantised.dtype}.")
    grey = Image.fromarray(quantised)
    if max(grey.size) > MAX_SIDE:
        grey.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.NEAREST, reducing_gap=None)
    return _cache_grey(grey, "map.png")


def cache_atlas(maps: NDArray[np.uint8]) -> CachedImage:
    """The (C, H, W) maps of one size as one lossless PNG, from top to bottom in order."""
    return _cache_grey(Image.fromarray(maps.reshape(-1, maps.shape[-1])), "classes.png")


def _cache_grey(grey: Image.Image, name: str) -> CachedImage:
    buffer = io.BytesIO()
    grey.save(buffer, format="PNG", compress_level=1)
    return CachedImage(
        width=grey.width, height=grey.height, file=cache_file(buffer.getvalue(), name)
    )


def cache_file(data: bytes, name: str) -> CachedFile:
    """The bytes as a file of that name which a browser or a program may fetch."""
    # Named by content, so equal files are stored once; Gradio finds them in place and copies none.
    return CachedFile(path=save_bytes_to_cache(data, name, get_upload_folder()))
