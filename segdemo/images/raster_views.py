"""What an image of numbers is shown as, and what of it networks may be given."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from segdemo.images.measured import MOST_BANDS, MeasuredImage, turned_values
from segdemo.images.raster import SAMPLES_A_PIXEL, Raster, Values
from segdemo.images.window import to_8_bits

_NETWORKS_ITEM = 4
"""Bytes of a number that a network is given."""


def shown_image(raster: Raster) -> Image.Image:
    """RGB as people see it: colours of a palette, deep numbers windowed, opacity over white."""
    shown = _shown(raster)
    if raster.alpha is not None:
        shown = _blended(shown, raster.alpha)
    image = Image.fromarray(np.ascontiguousarray(shown))
    return image if image.mode == "RGB" else image.convert("RGB")


def bands_of(
    raster: Raster, plane_of: Callable[[int], Raster | None] | None, max_megapixels: float
) -> Values | None:
    """(H, W, bands): all numbers of the file; None where 8-bit colours hold them.

    ``plane_of`` reads a page or channel by its number from 1; None where only this one counts.
    """
    values, alpha = raster.values, raster.alpha
    if raster.palette is not None:
        return None
    if values.ndim == 3:
        if alpha is not None and alpha.dtype == values.dtype:
            values = np.concatenate([values, alpha[..., None]], axis=-1)
        return values if values.shape[2] > 3 or values.dtype != np.uint8 else None
    small = values.size * raster.planes <= SAMPLES_A_PIXEL * max(max_megapixels, 1) * 1e6
    if plane_of is not None and 1 < raster.planes <= MOST_BANDS and small:
        planes = [plane_of(number) for number in range(1, raster.planes + 1)]
        alike = [one.values for one in planes if one and one.values.shape == values.shape]
        if len(alike) == raster.planes:
            return np.stack(alike, axis=-1)
    return values[..., None] if values.dtype not in (np.uint8, np.bool_) else None


def measured_image(image: Image.Image, raster: Raster, bands: Values) -> MeasuredImage:
    """The upright ``image`` with all numbers of its file."""
    if np.iscomplexobj(bands):
        bands = np.abs(bands)
    if bands.dtype.itemsize > _NETWORKS_ITEM:
        # The network is given no finer numbers, and two images are kept for all visitors.
        bands = bands.astype(np.float32)
    one_of_several = bands.shape[2] > 1 and raster.values.ndim == 2
    return MeasuredImage(
        image=image,
        bands=turned_values(bands, raster.orientation),
        nodata=raster.nodata,
        plane=raster.plane if one_of_several else 0,
        inverted=raster.white_is_zero,
    )


def _shown(raster: Raster) -> Values:
    """(H, W) or (H, W, 3) in 0..255."""
    values = raster.values
    if raster.palette is not None:
        colours: Values = raster.palette[np.minimum(values, len(raster.palette) - 1)]
        return colours
    if values.ndim == 3:
        values = values[..., :3]
    if values.dtype != np.uint8:
        return to_8_bits(
            values, nodata=raster.nodata, inverted=raster.white_is_zero, window=raster.window
        )
    inverted: Values = 255 - values
    return inverted if raster.white_is_zero else values


def _blended(shown: Values, alpha: Values) -> Values:
    """Over white, as far as ``alpha`` (H, W) lets through."""
    top = np.iinfo(alpha.dtype).max if alpha.dtype.kind in "ui" else 1.0
    share = (alpha / top).astype(np.float32)
    share = share[..., None] if shown.ndim == 3 else share
    over: Values = np.rint(255 - share * (255 - shown.astype(np.float32))).astype(np.uint8)
    return over
