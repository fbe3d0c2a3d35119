"""Reads the pixel values of a mask file, before they are interpreted."""

import io
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside
from segdemo.images.annotations.reading import read_annotations
from segdemo.images.decode import check_size, opened, upright
from segdemo.images.formats import read_raster
from segdemo.images.labels import VOID
from segdemo.images.measured import turned_values
from segdemo.images.notices import Notice
from segdemo.images.one_hot import MOST_CLASSES, one_hot_labels
from segdemo.images.raster import Raster, require_plane
from segdemo.images.readers.tiff import MissingCodecError

Values = npt.NDArray[Any]

SMEARING = ("JPEG", "WEBP", "AVIF", "JPEG2000")
"""Formats that smear the edge between two values into all those in between."""
MOST_COLOURS = 64
"""More are those of a photograph."""
WHITE = 255

_TINT = 16
"""How far JPEG moves the channels of a grey pixel apart."""
_MOST_INDICES = 16
"""A grey palette of more colours than this lists shades."""
_OPAQUE = 128
_MOST_REREAD = 16
"""Pages that are read one by one to see whether each is a class."""
_LARGE = 8
"""Bytes of numbers that floats may not hold."""


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskValues:
    """What a file holds: (H, W) of numbers, or of colours as red << 16 | green << 8 | blue."""

    values: Values
    coloured: bool = False
    smeared: bool = False
    """Whether the format changes values near an edge."""
    shares: bool = False
    """Whether 0 to 255 stand for probabilities of 0 to 1."""
    void: npt.NDArray[np.bool_] | None = None
    """(H, W): where the file itself says nothing, as NaN or GDAL's nodata."""
    planes: int = 1
    plane: int = 1
    """Which page or channel of the file this is, counted from 1."""
    labelled: bool = False
    """Whether the numbers are labels for certain, because somebody named them."""
    notices: tuple[Notice, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.values.shape
        return width, height

    @cached_property
    def counts(self) -> dict[float, int]:
        """Value -> pixels, in ascending order; what is void is left out."""
        values = self.values if self.void is None else self.values[~self.void]
        if values.dtype == np.uint8 and values.size:
            counted = Image.fromarray(np.atleast_2d(values)).histogram()
            return {value: pixels for value, pixels in enumerate(counted) if pixels}
        found, times = np.unique(values, return_counts=True)
        return dict(zip(found.tolist(), times.tolist(), strict=True))

    def as_colours(self) -> "MaskValues":
        """The same with greys as colours, for a data set in which other masks are coloured."""
        if self.coloured:
            return self
        return replace(self, values=self.values.astype(np.int32) * 0x010101, coloured=True)


def read_mask_values(
    content: bytes, *, max_megapixels: float, plane: int | None = None, beside: Beside | None = None
) -> MaskValues:
    """The values of a mask's file, upright as its EXIF orientation says.

    Of several pages the first that is not all of one value is read, or ``plane``. Annotations of
    ``beside``, its image, are drawn. Raises PictureError when the file cannot be read or is in
    colours that were smeared.
    """
    drawn = read_annotations(content, beside or Beside(), max_megapixels=max_megapixels)
    if drawn is not None:
        labels, notices = drawn
        void = labels == VOID
        values = np.where(void, np.uint8(0), labels)
        return MaskValues(
            values=values,
            void=void if void.any() else None,
            labelled=True,
            notices=tuple(notices),
        )
    try:
        raster = read_raster(
            io.BytesIO(content), max_megapixels=max_megapixels, plane=plane, exact=True
        )
    except MissingCodecError:
        raster = None
    if raster is not None:
        height, width = raster.values.shape[:2]
        check_size(width, height, max_megapixels)
        return _one_hot(raster, content, plane, max_megapixels) or _of_raster(raster)
    picture = opened(content, max_megapixels=max_megapixels)
    require_plane(plane, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        smeared = picture.format in SMEARING and not _is_lossless(content, picture)
        return _of_picture(upright(picture), smeared=smeared, indexed=picture.format != "GIF")


def _is_lossless(content: bytes, picture: Image.Image) -> bool:
    """Whether a WebP keeps values: its first chunk says so."""
    return picture.format == "WEBP" and b"VP8L" in content[:64]


def _one_hot(
    raster: Raster, content: bytes, plane: int | None, max_megapixels: float
) -> MaskValues | None:
    """Labels of a file with a channel for each class; None for any other."""
    if plane is not None or not 1 < raster.planes <= MOST_CLASSES:
        return None
    values = raster.values
    if values.ndim == 3 and (raster.plane or raster.planes != values.shape[2]):
        return None  # Pages, each of several channels.
    if values.ndim == 2 and raster.planes > _MOST_REREAD:
        return None

    def channel(number: int) -> Values:
        if values.ndim == 3:
            return values[..., number]
        read = read_raster(
            io.BytesIO(content), max_megapixels=max_megapixels, plane=number + 1, exact=True
        )
        return values if read is None else read.values

    # Three channels of 0 and all that their type holds are pure colours.
    whole = values.dtype.kind == "u" and values.max() == np.iinfo(values.dtype).max
    if values.ndim == 3 and raster.planes == 3 and (whole or values.max() == WHITE):
        return None
    labels = one_hot_labels(channel, raster.planes)
    if labels is None:
        return None
    notice = Notice(key="truth_one_hot", facts={"count": raster.planes})
    return MaskValues(
        values=turned_values(labels, raster.orientation), labelled=True, notices=(notice,)
    )


# --- Arrays -----------------------------------------------------------------------------------


def _of_raster(raster: Raster) -> MaskValues:
    values = np.abs(raster.values) if raster.values.dtype.kind == "c" else raster.values
    if raster.palette is not None and values.dtype == np.uint8:
        picture = Image.fromarray(values)
        picture.putpalette(raster.palette[: WHITE + 1].tobytes())
        mask = _of_palette(picture, indexed=True)
        if mask is not None:
            return _told(mask, raster)
    if values.ndim == 3:
        return _told(_of_bands(raster), raster)
    if values.dtype == np.bool_:
        # A scan is black on white; an array of True and False is not, whatever its tag says.
        flipped = raster.white_is_zero and not raster.raw_bits
        return _told(MaskValues(values=(values ^ flipped).astype(np.uint8)), raster)
    if values.dtype.kind == "f":
        return _told(_of_floats(values, raster.nodata), raster)
    if values.dtype.itemsize == _LARGE and max(int(values.max()), -int(values.min())) >= 2**53:
        raise PictureError("truth_values", value=str(int(values.max())))
    if values.dtype.kind == "i" and values.max(initial=0) == 0 and values.min(initial=0) == -1:
        # 255 in a type with a sign, or the True of programs that set all bits.
        values = np.where(values, np.uint8(WHITE), np.uint8(0))
    if raster.white_is_zero and not raster.raw_bits:
        values = np.iinfo(values.dtype).max - values
    return _told(MaskValues(values=values, void=_declared(values, raster.nodata)), raster)


def _told(mask: MaskValues, raster: Raster) -> MaskValues:
    """With what the file says of its pages, turned upright."""
    orientation = raster.orientation
    several = raster.planes > 1 and raster.plane > 0
    return replace(
        mask,
        values=turned_values(mask.values, orientation),
        void=None if mask.void is None else turned_values(mask.void, orientation),
        planes=raster.planes if several else 1,
        plane=raster.plane if several else 1,
        notices=(*(raster.notices if several else ()), *mask.notices),
    )


def _of_bands(raster: Raster) -> MaskValues:
    values = raster.values[..., :3]
    if values.dtype.kind == "c":
        values = np.abs(values)
    if values.dtype == np.uint8:
        layers = [values] if raster.alpha is None else [values, raster.alpha[..., None]]
        picture = Image.fromarray(np.ascontiguousarray(np.concatenate(layers, axis=-1)))
        return _of_picture(picture, smeared=False, indexed=False)
    if (values == values[..., :1]).all():
        return _of_raster(Raster(values=values[..., 0], nodata=raster.nodata))
    top = 65535 if values.dtype.kind in "ui" and values.max() > WHITE else WHITE
    scale = WHITE / top if values.dtype.kind in "ui" else WHITE
    scaled = np.clip(np.rint(values.astype(np.float64) * scale), 0, WHITE).astype(np.uint8)
    return _of_picture(Image.fromarray(scaled), smeared=False, indexed=False)


def _declared(values: Values, nodata: float | None) -> npt.NDArray[np.bool_] | None:
    """Where the file's own nodata lies; 0 is the ground of masks, and two values are no three."""
    if nodata is None or nodata == 0:
        return None
    void = np.asarray(values == nodata)
    rest = values[~void]
    return void if void.any() and rest.size and (rest != rest.flat[0]).any() else None


def _of_floats(values: Values, nodata: float | None) -> MaskValues:
    void = ~np.isfinite(values)
    declared = _declared(values, nodata if nodata is None else float(values.dtype.type(nodata)))
    if declared is not None:
        void |= declared
    said = values[~void]
    if void.any() and (not said.size or (said == said.flat[0]).all()):
        if not said.size or not said.flat[0]:
            raise PictureError("truth_values", value="NaN")
        # GIS programs leave out what lies around.
        notice = Notice(key="truth_nan", facts={"value": f"{float(said.flat[0]):g}"})
        value = float(said.flat[0])
        label = int(value) if value.is_integer() and 0 < value < VOID else 1
        labels = np.where(void, 0, label).astype(np.uint8)
        return MaskValues(values=labels, labelled=True, notices=(notice,))
    kept = None if not void.any() else void
    filled = values.astype(np.float64) if kept is None else np.where(void, said[0], values)
    whole = np.rint(filled)
    if (whole == filled).all() and np.abs(whole).max(initial=0) < 2**53:
        return MaskValues(values=whole.astype(np.int64), void=kept)
    if filled.min() < -1 / WHITE or filled.max() > WHITE + 1:
        raise PictureError("truth_values", value=f"{float(filled.flat[0]):g}")
    if filled.max() > 1 + 1 / WHITE:
        # Labels or greys that were resized with mixing.
        greys = np.clip(np.rint(filled), 0, WHITE).astype(np.uint8)
        return MaskValues(values=greys, void=kept)
    shares = np.rint(np.clip(filled, 0, 1) * WHITE).astype(np.uint8)
    return MaskValues(values=shares, shares=True, void=kept)


# --- Images of Pillow -----------------------------------------------------------------------


def _of_picture(picture: Image.Image, *, smeared: bool, indexed: bool) -> MaskValues:
    if picture.mode == "P":
        mask = _of_palette(picture, indexed=indexed)
        if mask is not None:
            return mask
    if picture.has_transparency_data:
        covered = _of_layer(picture.convert("RGBA"), smeared=smeared)
        if covered is not None:
            return covered
    if picture.mode == "1":
        return MaskValues(values=np.asarray(picture).astype(np.uint8))
    if picture.mode == "F":
        return _of_floats(np.asarray(picture), None)
    if picture.mode in ("L", "I") or picture.mode.startswith("I;16"):
        return MaskValues(values=np.asarray(picture), smeared=smeared)
    return _of_colours(picture.convert("RGB"), smeared=smeared)


def _of_palette(picture: Image.Image, *, indexed: bool) -> MaskValues | None:
    """Indices or greys; None where the colours themselves have to be looked up.

    A grey palette of two values, or of many, is a way to store greys. One that lists a few in
    another order than their brightness numbers classes, whatever they look like.
    """
    palette = np.asarray(picture.getpalette("RGB"), np.uint8).reshape(-1, 3)
    used = np.flatnonzero(picture.histogram())
    within = used[used < len(palette)]
    colours = palette[within]
    if len(colours) >= 2 and not (colours != colours[:, :1]).any():
        greys = palette[:, 0].astype(np.int64)
        rising = bool((np.diff(greys[within]) > 0).all())
        few = 2 < len(used) <= _MOST_INDICES
        if indexed and few and not rising and used[-1] == len(used) - 1:
            return MaskValues(values=np.asarray(picture))
        return MaskValues(values=palette[:, 0][np.minimum(np.asarray(picture), len(palette) - 1)])
    # A GIF's palette has the colours in any order: there the colours are the labels.
    if indexed and len(used) <= MOST_COLOURS and len(colours) >= 1:
        return MaskValues(values=np.asarray(picture))
    return None


def _of_layer(layer: Image.Image, *, smeared: bool) -> MaskValues | None:
    """An image with opacity; None where that is the same everywhere.

    Colours decide where they alone tell two values, transparent pixels being black. Otherwise
    the shape is in the opacity: of cut-outs, of silhouettes and of half-transparent overlays.
    """
    alpha = np.asarray(layer.getchannel("A"))
    highest = int(alpha.max())
    if int(alpha.min()) == highest:
        return None
    colours = np.asarray(layer)[..., :3]
    seen = colours[alpha > 0]
    few = Image.fromarray(seen[None]).getcolors(MOST_COLOURS)
    if few is not None and len(few) > 1:
        flat = np.where((alpha > 0)[..., None], colours, 0).astype(np.uint8)
        return _of_colours(Image.fromarray(flat), smeared=smeared)
    half = _OPAQUE if highest > _OPAQUE else (highest + 1) // 2
    soft = len(np.unique(alpha)) > 2
    notices = (Notice(key="truth_cut", facts={"half": half, "top": highest}),) if soft else ()
    values = np.where(alpha >= half, np.uint8(WHITE), np.uint8(0))
    return MaskValues(values=values, notices=notices)


def _of_colours(picture: Image.Image, *, smeared: bool) -> MaskValues:
    if _tint(picture) <= (_TINT if smeared else 0):
        return MaskValues(values=np.asarray(picture.getchannel("G")), smeared=smeared)
    if smeared:
        raise PictureError("truth_smeared")
    red, green, blue = (np.asarray(channel).astype(np.int32) for channel in picture.split())
    return MaskValues(values=(red << 16) | (green << 8) | blue, coloured=True)


def _tint(picture: Image.Image) -> int:
    """How far the channels of an RGB image's pixels are apart at the most; 0 when it is grey."""
    red, green, blue = picture.split()
    pairs = ((red, green), (green, blue), (blue, red))
    return max(int(np.asarray(ImageChops.difference(*pair)).max()) for pair in pairs)
