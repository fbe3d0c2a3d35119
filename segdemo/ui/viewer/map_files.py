"""Images and maps as files for the browser, written straight into Gradio's cache."""

import io
import math
import secrets
from pathlib import Path

import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray
from PIL import Image

from segdemo.images.decode import is_plain_jpeg
from segdemo.ui.viewer.map_png import encode
from segdemo.ui.viewer.payload import CachedFile, CachedImage

MAX_SIDE = 2048
"""Long side of the images and maps that go to a browser, in pixels."""


_BYTES_OF_A_PIXEL = 0.5
"""A JPEG of the best quality that is usual has as many."""


def cache_picture(picture: Image.Image, source: Path | None = None) -> CachedImage:
    """The RGB image as a JPEG of at most MAX_SIDE; the entry keeps the image's own size.

    The file that it was decoded from, its ``source``, is taken as it is where it would do.
    """
    width, height = picture.size
    own = source.read_bytes() if source and _will_do(source, picture.size) else None
    content = own or _jpeg(picture)
    return CachedImage(width=width, height=height, file=cache_file(content, "picture.jpg"))


def _will_do(source: Path, size: tuple[int, int]) -> bool:
    """Whether a file shows what was decoded from it, and is no more to fetch than ours."""
    small = source.stat().st_size <= _BYTES_OF_A_PIXEL * size[0] * size[1]
    return small and max(size) <= MAX_SIDE and is_plain_jpeg(source)


def _jpeg(picture: Image.Image) -> bytes:
    width, height = picture.size
    # Whole blocks of pixels are averaged four times as fast as others; it is worth a few pixels.
    blocks = math.ceil(max(width, height) / MAX_SIDE)
    if blocks == 1:
        shown = picture
    elif max(width, height) / blocks > 0.75 * MAX_SIDE:
        shown = picture.reduce(blocks)
    else:
        shown = picture.resize(viewer_size(picture.size), Image.Resampling.BOX)
    buffer = io.BytesIO()
    shown.save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def cache_map(quantised: NDArray[np.uint8]) -> CachedImage:
    """The (H, W) map of values q in 0..255 as a lossless PNG of at most MAX_SIDE.

    A larger map is thinned, not averaged: each value shown is one that the network gave.
    """
    if quantised.dtype != np.uint8 or quantised.ndim != 2:
        raise ValueError(f"A map is (H, W) uint8, not {quantised.shape} {quantised.dtype}.")
    if max(quantised.shape) > MAX_SIDE:
        grey = Image.fromarray(quantised)
        grey.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.NEAREST, reducing_gap=None)
        quantised = np.asarray(grey)
    return _cache_grey(quantised, "map.png")


def cache_atlas(maps: NDArray[np.uint8]) -> CachedImage:
    """The (C, H, W) maps of one size as one lossless PNG, from top to bottom in order."""
    return _cache_grey(maps.reshape(-1, maps.shape[-1]), "classes.png")


def viewer_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the maps of an image of ``size``: its own, at most MAX_SIDE."""
    factor = min(1.0, MAX_SIDE / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _cache_grey(grey: NDArray[np.uint8], name: str) -> CachedImage:
    height, width = grey.shape
    return CachedImage(width=width, height=height, file=cache_file(encode(grey), name))


def secret_path(name: str) -> Path:
    """Where to write a file of that name in the cache: in a folder that nobody can guess."""
    folder = Path(get_upload_folder()) / secrets.token_hex(32)
    folder.mkdir(parents=True)
    return folder / name


def cache_file(data: bytes, name: str) -> CachedFile:
    """The bytes as a file of that name which a browser or a program may fetch."""
    # Named by content, so equal files are stored once; Gradio finds them in place and copies none.
    return CachedFile(path=save_bytes_to_cache(data, name, get_upload_folder()))
