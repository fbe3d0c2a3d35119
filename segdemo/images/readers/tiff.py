"""TIFF files of every kind through tifffile: one page, channel and resolution of them."""

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import tifffile

from segdemo.errors import PictureError
from segdemo.images.notices import Notice
from segdemo.images.raster import (
    Raster,
    Values,
    chosen_plane,
    from_array,
    of_bands,
    require_pixels,
)

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MOST_PAGES = 20_000
_SHORTEST_SIDE = 16
_ASPECT = 0.02
"""By how much the proportions of a reduced copy may differ from those of the image."""

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_PILLOW_COLOURS = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _SEPARATED, _YCBCR, _LAB)
_LIBTIFF = (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946)
"""Compressions that every Pillow has: none, CCITT, LZW, JPEG, Deflate, PackBits."""
_TOGETHER = 1
"""The samples of a pixel lie side by side, not a plane each."""
_ALPHA = (1, 2)
_DEFLATE = (8, 32946)
_AXES = {"C": "channel", "S": "channel", "Z": "slice", "T": "frame"}
_GDAL_NODATA, _ORIENTATION = 42113, 274
_FEWEST_APART = 2
"""So many samples are no colours."""
_MOST_SAMPLES = 4
"""Of a pixel; Pillow reads no more."""

# Without a handler Python writes the warnings of a library to stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class MissingCodecError(PictureError):
    """The file is compressed in a way that only imagecodecs can undo."""


@dataclass(frozen=True, eq=False, kw_only=True)
class _Image:
    """A series of planes of one size, or its copy of another resolution."""

    series: Any
    height: int
    width: int
    axes: str
    """Of the planes, Y, X and S left out."""
    planes: int
    samples: int

    @classmethod
    def of(cls, series: Any) -> "_Image | None":
        """None for what has no height and width."""
        axes, shape = str(series.axes), tuple(map(int, series.shape))
        if "Y" not in axes or "X" not in axes or len(axes) != len(shape):
            return None
        lengths = dict(zip(axes, shape, strict=True))
        planes = 1
        for axis, length in zip(axes, shape, strict=True):
            planes *= 1 if axis in "YXS" else length
        return cls(
            series=series,
            height=lengths["Y"],
            width=lengths["X"],
            axes="".join(axis for axis in axes if axis not in "YXS" and lengths[axis] > 1),
            planes=planes,
            samples=lengths.get("S", 1),
        )

    @property
    def pixels(self) -> int:
        return self.height * self.width

    def is_copy_of(self, other: "_Image") -> bool:
        """Whether this is the same image at another resolution, as far as its shape says."""
        stretch = self.width * other.height / max(1, self.height * other.width)
        same = self.samples == other.samples and self.series.dtype == other.series.dtype
        # Of a small copy the proportions are rounded.
        allowed = _ASPECT + 1 / max(1, min(self.width, self.height))
        return same and self.planes == other.planes and abs(stretch - 1) <= allowed


def read_tiff(
    content: bytes, *, max_megapixels: float, plane: int | None = None, exact: bool = False
) -> Raster | None:
    """One plane of a TIFF file; ``plane`` counts pages, channels and slices from 1.

    Of an image in several resolutions it is the largest that is within the limit. None stands
    for 8-bit images that Pillow reads right, unless ``exact``. Sizes and the number of pages are
    checked before anything is decoded, and nothing outside of the file is opened. Raises
    PictureError, as MissingCodecError where imagecodecs would help.
    """
    _require_pages(content)
    try:
        with tifffile.TiffFile(io.BytesIO(content), _multifile=False) as file:
            image, notices = _fitting(file, max_megapixels)
            if not exact and plane is None and _is_plain(file, image):
                return None
            raster = _raster(content, file, image, max_megapixels, plane)
    except PictureError:
        raise
    except Exception as error:
        # Where Python itself brings a codec, tifffile asks for that of a newer one.
        if isinstance(error, ImportError) or "imagecodecs" in str(error):
            raise MissingCodecError("picture_codec", codec=_codec(content)) from error
        raise PictureError("picture_incomplete") from error
    return replace(raster, notices=(*notices, *raster.notices))


def _codec(content: bytes) -> str:
    with tifffile.TiffFile(io.BytesIO(content), _multifile=False) as file:
        compression = file.pages[0].compression
        return str(getattr(compression, "name", compression))


def _require_pages(content: bytes) -> None:
    """Raise PictureError for a chain of directories that is broken, endless or too long."""
    little = content[:1] == b"I"
    big = content[2:3] == b"+" or content[3:4] == b"+"
    order = "<" if little else ">"
    counted, entry, pointer = ("Q", 20, "Q") if big else ("H", 12, "I")
    width = struct.calcsize(f"{order}{counted}")
    seen: set[int] = set()
    try:
        (offset,) = struct.unpack_from(order + pointer, content, 8 if big else 4)
        while offset:
            if offset in seen:
                raise PictureError("picture_incomplete")
            if len(seen) >= MOST_PAGES:
                raise PictureError("picture_pages", limit=MOST_PAGES)
            seen.add(offset)
            (entries,) = struct.unpack_from(order + counted, content, offset)
            (offset,) = struct.unpack_from(
                order + pointer, content, offset + width + entry * entries
            )
    except (struct.error, OverflowError) as error:
        raise PictureError("picture_incomplete") from error
    if not seen:
        raise PictureError("picture_incomplete")


# --- Which image ------------------------------------------------------------------------------


def _images(file: Any) -> Iterator[_Image]:
    for series in file.series:
        for level in series.levels:
            image = _Image.of(level)
            if image is not None and not getattr(level.keyframe, "is_mask", False):
                yield image


def _fitting(file: Any, max_megapixels: float) -> tuple[_Image, tuple[Notice, ...]]:
    """The largest resolution of the first image that is within the limit."""
    images = list(_images(file))
    if not images or not images[0].pixels:
        raise PictureError("picture_incomplete")
    first = images[0]
    copies = [image for image in images if image.is_copy_of(first)]
    whole = max(copies, key=lambda image: image.pixels)
    if _is_channels_last(whole):
        return whole, ()
    fitting = [image for image in copies if image.pixels <= max_megapixels * 1e6]
    if not fitting:
        require_pixels(whole.width, whole.height, max_megapixels)
    chosen = max(fitting, key=lambda image: image.pixels)
    if chosen.pixels == whole.pixels:
        return chosen, ()
    facts = {
        "width": whole.width,
        "height": whole.height,
        "shown_width": chosen.width,
        "shown_height": chosen.height,
    }
    return chosen, (Notice(key="picture_level", facts=facts),)


def _is_channels_last(image: _Image) -> bool:
    """Whether tifffile was handed (H, W, bands) and took it for pages of a narrow image."""
    return image.width < _SHORTEST_SIDE <= min(image.height, image.planes) and len(image.axes) == 1


def _is_plain(file: Any, image: _Image) -> bool:
    page = image.series.keyframe
    bits = page.bitspersample
    extra = tuple(map(int, page.extrasamples))
    return (
        image.planes == 1
        and page is file.pages[0]
        and (bits == 8 or (bits == 1 and page.samplesperpixel == 1))
        and str(page.dtype) in ("uint8", "bool")
        and int(page.photometric) in _PILLOW_COLOURS
        and int(page.compression) in _LIBTIFF
        and (int(page.planarconfig) == _TOGETHER or page.samplesperpixel == 1)
        and page.samplesperpixel <= _MOST_SAMPLES
        and len(extra) <= 1
        and all(sample in _ALPHA for sample in extra)
        and _nodata(page) is None
    )


# --- Its values -------------------------------------------------------------------------------


def _raster(
    content: bytes, file: Any, image: _Image, max_megapixels: float, plane: int | None
) -> Raster:
    series, page = image.series, image.series.keyframe
    if _is_channels_last(image):
        require_pixels(image.height, image.planes, max_megapixels, image.width)
        _require_data(content, series.pages, max_megapixels)
        array = np.moveaxis(series.asarray(), series.axes.index("X"), -1)
        return from_array(array, max_megapixels=max_megapixels, plane=plane)
    require_pixels(image.width, image.height, max_megapixels, image.samples)

    def read(index: int) -> Values:
        return _plane(content, image, index, max_megapixels)

    if image.planes > 1:
        number = chosen_plane(image.planes, plane, read)
        raster = replace(
            _one(read(number - 1), image, None),
            planes=image.planes,
            plane=number,
            notices=(_said(image, number),),
        )
    else:
        raster = _one(read(0), image, plane)
    software = str(getattr(page, "software", "") or "")
    return replace(
        raster,
        nodata=_nodata(page),
        white_is_zero=int(page.photometric) == _WHITE_IS_ZERO,
        raw_bits=software.startswith("tifffile") or series.kind == "shaped",
        orientation=int(page.tags.valueof(_ORIENTATION, 1) or 1),
        palette=_palette(page),
    )


def _plane(content: bytes, image: _Image, index: int, max_megapixels: float) -> Values:
    """(H, W) or (H, W, samples) of one plane, without reading the others."""
    series = image.series
    count = image.pixels * image.samples
    if image.planes == 1:
        _require_data(content, series.pages, max_megapixels)
        array = series.asarray()
    elif len(series.pages) == image.planes:
        page = series.pages[index]
        if page is None:
            return np.zeros((image.height, image.width), series.dtype)
        _require_data(content, [page], max_megapixels)
        array = page.asarray()
    elif series.dataoffset is not None:
        dtype = series.dtype.newbyteorder(series.keyframe.parent.byteorder)
        offset = series.dataoffset + index * count * dtype.itemsize
        if offset + count * dtype.itemsize > len(content):
            raise PictureError("picture_incomplete")
        array = np.frombuffer(content, dtype, count, offset)
    else:
        require_pixels(image.width, image.height, max_megapixels, image.planes * image.samples)
        _require_data(content, series.pages, max_megapixels)
        array = series.asarray().reshape(image.planes, -1)[index]
    axes = "".join(axis for axis in series.axes if axis in "YXS")
    lengths = {"Y": image.height, "X": image.width, "S": image.samples}
    array = np.asarray(array).reshape([lengths[axis] for axis in axes])
    if "S" in axes:
        array = np.moveaxis(array, axes.index("S"), -1)
    if axes.index("X") < axes.index("Y"):
        array = array.swapaxes(0, 1)
    return array


def _require_data(content: bytes, pages: Any, max_megapixels: float) -> None:
    """Raise PictureError where the file ends before its pixels do, or a piece of them is a bomb."""
    for page in pages:
        if page is None:
            continue
        keyframe = page.keyframe
        if keyframe.is_tiled:
            tile = keyframe.tilewidth * keyframe.tilelength
            if tile > max(4 * max_megapixels * 1e6, 1 << 20):
                raise PictureError("picture_incomplete")
        for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False):
            if offset + length > len(content):
                raise PictureError("picture_incomplete")
        if int(keyframe.compression) in _DEFLATE and find_spec("imagecodecs") is None:
            _require_honest(content, page)


def _require_honest(content: bytes, page: Any) -> None:
    """What is unpacked by Python's zlib has no limit of its own: count it first."""
    keyframe = page.keyframe
    rows, columns = (
        (keyframe.tilelength, keyframe.tilewidth)
        if keyframe.is_tiled
        else (keyframe.rowsperstrip, keyframe.imagewidth)
    )
    together = int(keyframe.planarconfig) == _TOGETHER
    samples = keyframe.samplesperpixel if together else 1
    most = min(rows, max(keyframe.imagelength, keyframe.tilelength or 0)) * columns * samples
    most *= keyframe.dtype.itemsize
    for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False):
        unpacker, left = zlib.decompressobj(), most
        data = content[offset : offset + length]
        while data and left >= 0 and not unpacker.eof:
            left -= len(unpacker.decompress(data, 1 << 20))
            data = unpacker.unconsumed_tail
        if left < 0:
            raise PictureError("picture_incomplete")


def _one(array: Values, image: _Image, plane: int | None) -> Raster:
    """A plane with its samples told apart: colours, bands, opacity."""
    if array.ndim == 2:
        return Raster(values=array)
    page = image.series.keyframe
    colours = int(page.photometric) in (_RGB, _YCBCR)
    inks = int(page.photometric) == _SEPARATED
    extra = tuple(map(int, page.extrasamples))
    own = image.samples - len(extra)
    apart = int(page.planarconfig) != _TOGETHER and image.series.kind == "shaped"
    if apart and plane is None and image.samples > _FEWEST_APART:
        # tifffile writes three or four slices so, and takes the fourth for opacity, unasked.
        notice = Notice(key="picture_bands", facts={"count": image.samples})
        return replace(of_bands(array, colour=True), notices=(notice,))
    opaque = next((own + place for place, kind in enumerate(extra) if kind in _ALPHA), None)
    if inks and own == 4 and plane is None:
        return Raster(values=_from_inks(array[..., :4]), colour=True, planes=image.samples, plane=0)
    alpha = None
    if opaque is not None and (colours or own == 1):
        alpha = array[..., opaque]
        array = np.delete(array, opaque, axis=-1)
    if array.shape[-1] == 1:
        return Raster(values=array[..., 0], alpha=alpha)
    raster = of_bands(array, plane=plane, colour=colours and array.shape[-1] == 3)
    if alpha is not None and plane is None:
        return replace(raster, alpha=alpha)
    return raster


def _from_inks(array: Values) -> Values:
    """Red, green and blue of cyan, magenta, yellow and black, in the same range."""
    top = np.iinfo(array.dtype).max if array.dtype.kind in "ui" else 1.0
    shares = 1 - array.astype(np.float32) / top
    return np.asarray(shares[..., :3] * shares[..., 3:])


def _palette(page: Any) -> Any:
    """(N, 3) in 0..255, or None."""
    if int(page.photometric) != _PALETTE or page.colormap is None:
        return None
    colours = np.asarray(page.colormap).T
    return (colours >> 8 if colours.max(initial=0) > 255 else colours).astype(np.uint8)


def _nodata(page: Any) -> float | None:
    """The number that GDAL's tag names."""
    declared = page.tags.valueof(_GDAL_NODATA)
    if declared is None:
        return None
    try:
        return float(str(declared).strip("\0 ").replace(",", "."))
    except ValueError:
        return None


def _said(image: _Image, number: int) -> Notice:
    """Which plane is read: by the name of its axis where there is one alone."""
    kind = _AXES.get(image.axes, "page")
    return Notice(key=f"picture_{kind}", facts={"number": number, "count": image.planes})
