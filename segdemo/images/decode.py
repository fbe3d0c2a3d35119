"""Decodes image files of every kind to upright RGB, or says in one sentence why not."""

import io
import math
import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside
from segdemo.images.formats import HEAD_BYTES, begins_like_raster, read_raster
from segdemo.images.measured import Given, MeasuredImage
from segdemo.images.notices import Notice
from segdemo.images.raster import Raster, require_pixels, require_plane
from segdemo.images.raster_views import bands_of, measured_image, shown_image
from segdemo.images.readers.heic import open_heic
from segdemo.images.readers.tiff import MissingCodecError
from segdemo.images.window import to_8_bits

MIN_SIDE = 16  # pixels
MAX_ASPECT = 20  # longer side / shorter side

# Only these parsers ever see a file; AVIF is missing from older builds of Pillow.
_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM", "JPEG2000")
_FORMAT_NAMES = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, PPM, PGM, NPY or NPZ"

# What a file that Pillow does not know looks like; the first match names the sentence.
_HEIC = re.compile(rb"\A.{4}ftyp(hei[cxms]|hev[cxms]|mif1|msf1)", re.S)
_LOOKS = (
    (re.compile(rb"\A(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype\s+)?html", re.I | re.S), "html"),
    (re.compile(rb"<svg[\s>]", re.I), "svg"),
    (re.compile(rb"\A%PDF-"), "pdf"),
    (re.compile(rb"\AObjectType\s*=", re.I), "metaimage"),
    (re.compile(rb"\Aversion https://git-lfs"), "pointer"),
    (
        re.compile(
            rb"\A(\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|II\*\0|MM\0\*|BM|GIF8|.{4}ftypavi[fs])", re.S
        ),
        "incomplete",
    ),
)
# How those begin that Pillow reads.
_BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|II[*+]\0|MM\0[*+]|BM.{4}\0\0\0\0|GIF8|.{4}ftypavi[fs]"
    rb"|P[1-7]\s|\0\0\0\x0cjP  |\xff\x4f\xff\x51",
    re.S,
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

_DEEP_MODES = ("I", "F")  # and all whose name begins with "I;16"
_PILLOW_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "I;16B", "F", "I")


@dataclass(frozen=True, eq=False, kw_only=True)
class Decoded:
    """An image as it is shown, and what its file holds beside it."""

    image: Image.Image
    """Upright, in sRGB, mode RGB."""
    notices: tuple[Notice, ...] = ()
    planes: int = 1
    """Pages, channels and slices of the file."""
    plane: int = 1
    """Which of them is shown, counted from 1; 0 for several bands shown as colours."""
    orientation: int = 1
    """How the file stores its pixels, as EXIF counts it; the image is upright."""
    measured: MeasuredImage | None = None
    """With the numbers of the file, where 8-bit colours do not hold them."""

    @property
    def given(self) -> Given:
        """What networks are given."""
        return self.measured or self.image

    def beside(self, name: str = "") -> Beside:
        """What a mask's reader has to know of the image in a file of that ``name``."""
        return Beside(plane=self.plane, planes=self.planes, size=self.image.size, name=name)


def decode(source: bytes | Path | Image.Image, *, max_megapixels: float) -> Image.Image:
    """The image upright, in sRGB, mode RGB, free of metadata; ``source`` stays as it is.

    The size is read from the header and checked before a pixel is decoded. EXIF orientation
    is applied, transparency lies over white, the first frame stands for an animation, an
    embedded colour profile is converted, and what is deeper than 8 bits is windowed between
    its percentiles instead of clipped. Raises PictureError with a sentence for the person.
    """
    return decode_plane(source, max_megapixels=max_megapixels).image


def decode_plane(
    source: bytes | Path | Image.Image, *, max_megapixels: float, plane: int | None = None
) -> Decoded:
    """The same with what was decided; ``plane`` counts pages, channels and slices from 1.

    By default it is the first that is not all of one value. Raises PictureError.
    """
    with warnings.catch_warnings():
        # Pillow warns of odd metadata and of sizes that are checked here anyway.
        warnings.simplefilter("ignore")
        if isinstance(source, Image.Image):
            image = _decode(source, max_megapixels)
            return Decoded(image=image, orientation=orientation_of(source))
        if isinstance(source, bytes):
            return _decode_stream(io.BytesIO(source), max_megapixels, plane)
        try:
            stream = source.open("rb")
        except OSError as error:
            raise PictureError("picture_missing", name=source.name) from error
        with stream:
            return _decode_stream(stream, max_megapixels, plane)


def opened(content: bytes, *, max_megapixels: float) -> Image.Image:
    """The first image in a file, loaded, in whatever mode and orientation it is stored.

    Its size is checked before a pixel is decoded. Raises PictureError as `decode` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _open(io.BytesIO(content), max_megapixels)


def looks_like_image(head: bytes) -> bool:
    """Whether a file that begins with these bytes, 512 and more, is in a format of images."""
    return bool(_BEGINNINGS.match(head) or _HEIC.match(head) or begins_like_raster(head))


def is_plain_jpeg(path: Path) -> bool:
    """Whether the file, which was decoded, is a JPEG that anybody shows as ``decode`` reads it.

    Nor does it hold anything else: no orientation, profile or remark, nothing of a camera.
    """
    try:
        with Image.open(path, formats=["JPEG"]) as picture:
            # JFIF's own segment and Adobe's say what the numbers are.
            plain = {name for name, _ in getattr(picture, "applist", ())} <= {"APP0", "APP14"}
            # A file of several images is another format.
            return plain and picture.format == "JPEG" and picture.mode in ("L", "RGB")
    except UnidentifiedImageError:
        return False


def _decode_stream(stream: BinaryIO, max_megapixels: float, plane: int | None) -> Decoded:
    raster = _raster(stream, max_megapixels, plane)
    if raster is not None:
        return _decode_raster(raster, stream, max_megapixels, plane)
    picture = _open(stream, max_megapixels)
    require_plane(plane, 1)
    with picture:
        frames = _pages(picture)
        notices = (
            (Notice(key="picture_page", facts={"number": 1, "count": frames}),)
            if frames > 1
            else ()
        )
        image, orientation = _decode(picture, max_megapixels), orientation_of(picture)
    return Decoded(image=image, notices=notices, planes=frames, orientation=orientation)


def _pages(picture: Image.Image) -> int:
    """Of a TIFF; animations stand for one image."""
    try:
        return getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
    except Exception:  # whatever Pillow stumbles over in later pages
        return 1


def _raster(stream: BinaryIO, max_megapixels: float, plane: int | None) -> Raster | None:
    """The numbers of an image that Pillow does not read, or not as they are; None for others."""
    try:
        raster = read_raster(stream, max_megapixels=max_megapixels, plane=plane)
    except MissingCodecError:
        stream.seek(0)
        # libtiff may know what imagecodecs is needed for otherwise.
        if not _is_read_by_pillow(stream, max_megapixels):
            raise
        return None
    if raster is not None:
        check_size(raster.values.shape[1], raster.values.shape[0], max_megapixels)
    return raster


def _is_read_by_pillow(stream: BinaryIO, max_megapixels: float) -> bool:
    try:
        picture = _open(stream, max_megapixels)
    except PictureError:
        return False
    finally:
        stream.seek(0)
    return picture.mode in _PILLOW_MODES


def _decode_raster(
    raster: Raster, stream: BinaryIO, max_megapixels: float, plane: int | None
) -> Decoded:
    image = turned(shown_image(raster), raster.orientation)

    def plane_of(number: int) -> Raster | None:
        stream.seek(0)
        try:
            return read_raster(stream, max_megapixels=max_megapixels, plane=number)
        except PictureError:
            return None  # What is shown is sound.

    bands = bands_of(raster, plane_of if plane is None else None, max_megapixels)
    return Decoded(
        image=image,
        notices=raster.notices,
        planes=raster.planes,
        plane=raster.plane,
        orientation=raster.orientation,
        measured=None if bands is None else measured_image(image, raster, bands),
    )


def _open(stream: BinaryIO, max_megapixels: float) -> Image.Image:
    head = stream.read(HEAD_BYTES)
    if not head:
        raise PictureError("picture_empty")
    stream.seek(0)
    if _HEIC.match(head):
        return open_heic(stream.read(), max_megapixels=max_megapixels)
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
    check_size(picture.width, picture.height, max_megapixels)
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


def check_size(width: int, height: int, max_megapixels: float) -> None:
    """Raise PictureError for an image that is too large, too small or too narrow."""
    require_pixels(width, height, max_megapixels)
    if min(width, height) < MIN_SIDE:
        raise PictureError("picture_too_small", width=width, height=height, limit=MIN_SIDE)
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError("picture_too_narrow", width=width, height=height, limit=MAX_ASPECT)


def _too_large(error: Image.DecompressionBombError, max_megapixels: float) -> PictureError:
    """Pillow has a limit of its own, above ours, and tells the size only in its text."""
    ceiling = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    told = re.search(r"\d+", str(error))
    pixels = int(told.group()) if told else ceiling
    limit = min(max_megapixels, math.floor(ceiling / 1e6))
    return PictureError(
        "picture_too_large", megapixels=f"{math.ceil(pixels / 1e5) / 10:g}", limit=f"{limit:g}"
    )


def _not_a_picture(head: bytes) -> PictureError:
    for look, kind in _LOOKS:
        if look.search(head):
            return PictureError(f"picture_{kind}")
    return PictureError("picture_unknown", formats=_FORMAT_NAMES)


def _damaged(error: Exception) -> PictureError:
    if isinstance(error, ValueError) and "MAX_TEXT" in str(error):
        return PictureError("picture_metadata")
    return PictureError("picture_incomplete")


def orientation_of(picture: Image.Image) -> int:
    """What EXIF says of how the pixels lie; 1 where it says nothing sensible."""
    try:
        said = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF says nothing about orientation
        return 1
    return said if said in _UPRIGHT else 1


def turned(picture: Image.Image, orientation: int) -> Image.Image:
    """The pixels turned upright from how a camera with this EXIF orientation stores them."""
    turn = _UPRIGHT.get(orientation)
    return picture if turn is None else picture.transpose(turn)


def upright(picture: Image.Image) -> Image.Image:
    """The pixels turned as the file's EXIF orientation says."""
    return turned(picture, orientation_of(picture))


def _to_8_bits(picture: Image.Image) -> Image.Image:
    if picture.mode not in _DEEP_MODES and not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray(to_8_bits(np.asarray(picture)))


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
