"""Writes lossless PNG files in a quarter of the time of a library that tries every filter."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

SOFTWARE = "segdemo"
"""What a file says of who wrote it, by which a later run knows its own outputs."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FILTER_UP = 2
_HEADER_BYTES = 512
# Mode -> colour type, bits of a channel, strategy of zlib. Of 6 MP photographs with
# tinted vessels, level 1: RGB 5.6 MB in 0.20 s by runs, 6.0 MB in 0.22 s by matches; RGBA 8.6 and
# 7.8 MB; 16 bits 5.7 and 4.6 MB; Pillow's default level 6 takes 2.0 s for the RGB's 5.0 MB.
_MODES = {
    "L": (0, 8, zlib.Z_RLE),
    "P": (3, 8, zlib.Z_RLE),
    "RGB": (2, 8, zlib.Z_RLE),
    "RGBA": (6, 8, zlib.Z_DEFAULT_STRATEGY),
    "I;16": (0, 16, zlib.Z_DEFAULT_STRATEGY),
}


def encode_png(image: Image.Image) -> bytes:
    """The image of mode L, P, RGB, RGBA or I;16 as a PNG of 8 or 16 bits.

    Each row is stored as its difference from the one above (W3C PNG, filter type 2). Raises
    ValueError for another mode.
    """
    if image.mode not in _MODES:
        raise ValueError(f"no PNG is written of mode {image.mode}")
    colour, bits, strategy = _MODES[image.mode]
    values = np.asarray(image)
    if bits == 16:
        values = values.astype(">u2")
    width, height = image.size
    rows = _filtered(np.ascontiguousarray(values).view(np.uint8).reshape(height, -1))
    packer = zlib.compressobj(1, strategy=strategy)
    packed = packer.compress(rows.data) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"tEXt", f"Software\0{SOFTWARE}".encode("latin-1")),
            *_palette(image),
            _chunk(b"IDAT", packed),
            _chunk(b"IEND", b""),
        )
    )


def is_own_png(head: bytes) -> bool:
    """Whether a file that begins so was written by ``encode_png``."""
    mark = b"tEXtSoftware\0" + SOFTWARE.encode("latin-1")
    return head.startswith(_SIGNATURE) and mark in head[:_HEADER_BYTES]


def _filtered(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """(H, B) -> (H, 1 + B): the filter's number, then differences from the line above."""
    height, length = lines.shape
    rows = np.empty((height, length + 1), np.uint8)
    rows[:, 0] = _FILTER_UP
    rows[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=rows[1:, 1:])
    return rows


def _palette(image: Image.Image) -> Iterator[bytes]:
    palette = image.getpalette("RGB") if image.mode == "P" else None
    if palette:
        yield _chunk(b"PLTE", bytes(palette))


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(kind))
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
