"""Picture files of every kind to upright RGB, or to one sentence that says why not."""

import io
import math
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, UnidentifiedImageError

from segdemo.errors import PictureError

MIN_SIDE = 16  # pixels
MAX_ASPECT = 20  # longer side / shorter side

# Only these parsers ever see a file; AVIF is missing from older builds of Pillow.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF")
_FORMAT_NAMES = "JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF"

# What a file that Pillow does not know looks like; the first match names the sentence.
_HEAD_BYTES = 1024
_LOOKS = (
    (re.compile(rb"\A(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype\s+)?html", re.I | re.S), "html"),
    (re.compile(rb"<svg[\s>]", re.I), "svg"),
    (re.compile(rb"\A.{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.S), "heic"),
    (re.compile(rb"\A%PDF-"), "pdf"),
    (re.compile(rb"\A.{128}DICM", re.S), "dicom"),
    (re.compile(rb"\Aversion https://git-lfs"), "pointer"),
    (
        re.compile(
            rb"\A(\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|II\*\0|MM\0\*|BM|GIF8|.{4}ftypavi[fs])", re.S
        ),
        "incomplete",
    ),
)

# EXIF orientation -> what turns the stored pixels upright.
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# More than 8 bits are shown through the window between these percentiles.
_WINDOW = (0.5, 99.5)
_WINDOW_SAMPLES = 1_000_000
_BLOCK_ROWS = 256
_NO_CONTRAST = 128  # a constant picture is shown in this grey

_DEEP_MODES = ("I", "F")  # and all whose name begins with "I;16"


def decode(source: bytes | Path | Image.Image, *, max_megapixels: float) -> Image.Image:
    """The picture upright, in sRGB, mode RGB, free of metadata; ``source`` stays as it is.

    The size is read from the header and checked before a pixel is decoded. EXIF orientation
    is applied, transparency lies over white, the first frame stands for an animation, an
    embedded colour profile is converted, and what is deeper than 8 bits is windowed between
    its percentiles instead of clipped. Raises PictureError with a sentence for the person.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of sizes that are checked here anyway.
        warnings.simplefilter("ignore")
        if isinstance(source, Image.Image):
            return _decode(source, max_megapixels)
        if isinstance(source, bytes):
            return _decode_stream(io.BytesIO(source), max_megapixels)
        try:
            stream = source.open("rb")
        except OSError as error:
            raise PictureError("picture_missing", name=source.name) from error
        with stream:
            return _decode_stream(stream, max_megapixels)


def opened(content: bytes, *, max_megapixels: float) -> Image.Image:
    """The first picture in a file, loaded, in whatever mode and orientation it is stored.

    Its size is checked before a pixel is decoded. Raises PictureError as `decode` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _open(io.BytesIO(content), max_megapixels)


def is_plain_jpeg(path: Path) -> bool:
    """Whether the file, which was decoded, is a JPEG that anybody shows as ``decode`` reads it.

    Nor does it hold anything else: no orientation, profile or remark, nothing of a camera.
    """
    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            # JFIF's own segment and Adobe's say what the numbers are.
            plain = {name for name, _ in getattr(picture, "applist", ())} <= {"APP0", "APP14"}
            # A file of several pictures is another format.
            return plain and picture.format == "JPEG" and picture.mode in ("L", "RGB")
    except UnidentifiedImageError:
        return False


def _decode_stream(stream: BinaryIO, max_megapixels: float) -> Image.Image:
    with _open(stream, max_megapixels) as picture:
        return _decode(picture, max_megapixels)


def _open(stream: BinaryIO, max_megapixels: float) -> Image.Image:
    head = stream.read(_HEAD_BYTES)
    if not head:
        raise PictureError("picture_empty")
    stream.seek(0)
    try:
        picture = Image.open(stream, formats=_formats())
    except Image.DecompressionBombError as error:
        raise _too_large(error, max_megapixels) from error
    except UnidentifiedImageError as error:
        raise _not_a_picture(head) from error
    except Exception as error:
        # Pillow answers a damaged file with whatever its parser stumbled over.
        raise _damaged(error) from error
    _load(picture, max_megapixels)
    return picture


def _load(picture: Image.Image, max_megapixels: float) -> None:
    _check_size(picture.width, picture.height, max_megapixels)
    try:
        picture.load()
    except Image.DecompressionBombError as error:
        raise _too_large(error, max_megapixels) from error
    except Exception as error:
        raise _damaged(error) from error


def _decode(picture: Image.Image, max_megapixels: float) -> Image.Image:
    _load(picture, max_megapixels)
    profile = picture.info.get("icc_profile")
    picture = _to_srgb(_over_white(_to_8_bits(upright(picture))), profile)
    # A copy in any case, and without the metadata, so that nothing is applied twice.
    picture = picture.convert("RGB")
    picture.info = {}
    return picture


@cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _check_size(width: int, height: int, max_megapixels: float) -> None:
    if width * height > max_megapixels * 1e6:
        raise _too_many_pixels(width * height, max_megapixels)
    if min(width, height) < MIN_SIDE:
        raise PictureError("picture_too_small", width=width, height=height, limit=MIN_SIDE)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError("picture_too_narrow", width=width, height=height, limit=MAX_ASPECT)


def _too_many_pixels(pixels: int, max_megapixels: float) -> PictureError:
    # Rounded up, so that a picture just above the limit is not said to be at it.
    megapixels = math.ceil(pixels / 1e5) / 10
    return PictureError(
        "picture_too_large", megapixels=f"{megapixels:g}", limit=f"{max_megapixels:g}"
    )


def _too_large(error: Image.DecompressionBombError, max_megapixels: float) -> PictureError:
    """Pillow has a limit of its own, above ours, and tells the size only in its text."""
    ceiling = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    told = re.search(r"\d+", str(error))
    pixels = int(told.group()) if told else ceiling
    return _too_many_pixels(pixels, min(max_megapixels, math.floor(ceiling / 1e6)))


def _not_a_picture(head: bytes) -> PictureError:
    for look, kind in _LOOKS:
        if look.search(head):
            return PictureError(f"picture_{kind}")
    return PictureError("picture_unknown", formats=_FORMAT_NAMES)


def _damaged(error: Exception) -> PictureError:
    if isinstance(error, ValueError) and "MAX_TEXT" in str(error):
        return PictureError("picture_metadata")
    return PictureError("picture_incomplete")


def upright(picture: Image.Image) -> Image.Image:
    """The pixels turned as the file's EXIF orientation says."""
    try:
        turn = _UPRIGHT.get(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # damaged EXIF says nothing about orientation
        return picture
    return picture if turn is None else picture.transpose(turn)


def _to_8_bits(picture: Image.Image) -> Image.Image:
    if picture.mode not in _DEEP_MODES and not picture.mode.startswith("I;16"):
        return picture
    values = np.asarray(picture)
    low, high = _window(values)
    shown = np.full(values.shape, _NO_CONTRAST, dtype=np.uint8)
    if high > low:
        # By blocks of rows: the whole picture as floats would be the largest thing in memory.
        for start in range(0, len(values), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            scaled = (values[block].astype(np.float64) - low) / (high - low)
            scaled = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0)
            shown[block] = np.rint(np.clip(scaled, 0.0, 1.0) * 255)
    return Image.fromarray(shown)


def _window(values: npt.NDArray[Any]) -> tuple[float, float]:
    """The lowest and the highest number to show; equal when there is no contrast."""
    stride = max(1, values.size // _WINDOW_SAMPLES)
    sample = values.ravel()[::stride]
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 0.0
    low, high = np.percentile(sample, _WINDOW)
    if not high > low:
        # A few bright spots on an even ground: the window has to hold them too.
        finite = values[np.isfinite(values)]
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def _over_white(picture: Image.Image) -> Image.Image:
    """Modes with a colour profile of their own (L, RGB, CMYK) stay; all others become RGB."""
    if not picture.has_transparency_data:
        return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")
    layer = picture.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as the embedded ``profile`` means them; a profile that does not fit is ignored."""
    if not profile:
        return picture
    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return picture
        converted = ImageCms.profileToProfile(
            picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except Exception:  # Pillow without LittleCMS, a damaged profile, one of another colour space
        return picture
    return converted or picture
