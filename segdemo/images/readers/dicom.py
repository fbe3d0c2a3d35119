"""DICOM files through pydicom: one frame in the units of its scanner, and the window to show."""

import io
from importlib import import_module
from typing import Any

import numpy as np

from segdemo.errors import PictureError
from segdemo.images.notices import Notice
from segdemo.images.raster import Raster, Values, require_pixels, require_plane
from segdemo.wording import shown


def read_dicom(content: bytes, *, max_megapixels: float, plane: int | None = None) -> Raster:
    """One frame of a DICOM file; ``plane`` counts frames from 1, by default it is the middle one.

    The rescale slope and intercept are applied, so that a CT is in Hounsfield units; MONOCHROME1
    is said to be white at its lowest; the file's first window is kept for showing. Sizes are
    checked before anything is decoded. Raises PictureError, also where pydicom is not installed.
    """
    try:
        pydicom: Any = import_module("pydicom")
        pixels: Any = import_module("pydicom.pixels")
    except ImportError as error:
        raise PictureError("picture_dicom") from error
    try:
        file = pydicom.dcmread(io.BytesIO(content), force=True)
        height, width = int(file.Rows), int(file.Columns)
        frames = int(file.get("NumberOfFrames", 1) or 1)
        samples = int(file.get("SamplesPerPixel", 1))
        colours = str(file.get("PhotometricInterpretation", ""))
    except Exception as error:
        raise PictureError("picture_dicom_empty") from error
    require_pixels(width, height, max_megapixels, samples)
    require_plane(plane, frames)
    number = plane or (frames + 1) // 2
    try:
        array = np.asarray(pixels.pixel_array(file, index=number - 1))
    except Exception as error:
        syntax = getattr(file.file_meta, "TransferSyntaxUID", None)
        if syntax is not None and syntax.is_compressed:
            raise PictureError("picture_dicom_codec", compression=shown(syntax.name)) from error
        raise PictureError("picture_incomplete") from error
    if colours == "PALETTE COLOR":
        array, samples = np.asarray(pixels.apply_color_lut(array, file)), 3
    notice = Notice(key="picture_slice", facts={"number": number, "count": frames})
    if int(file.get("BitsStored", 16)) == 1:
        array = array.astype(bool)
    return Raster(
        values=array if samples > 1 else _in_units(array, file),
        colour=samples > 1,
        white_is_zero=colours == "MONOCHROME1",
        window=None if samples > 1 else _window(file),
        planes=frames,
        plane=number,
        notices=(notice,) if frames > 1 else (),
    )


def _in_units(array: Values, file: Any) -> Values:
    """The stored numbers in the units that the file's linear rescale leads to."""
    slope = _number(file.get("RescaleSlope")) or 1.0
    intercept = _number(file.get("RescaleIntercept")) or 0.0
    if (slope, intercept) == (1.0, 0.0) or array.dtype == np.bool_:
        return array
    return array.astype(np.float32) * np.float32(slope) + np.float32(intercept)


def _window(file: Any) -> tuple[float, float] | None:
    """The lowest and highest number to show, of the first window that the file brings."""
    centre, width = _number(file.get("WindowCenter")), _number(file.get("WindowWidth"))
    if centre is None or width is None or not width > 1:
        return None
    # PS3.3 C.11.2.1.2: the window reaches from half a unit below to half a unit above.
    return centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2


def _number(value: Any) -> float | None:
    """A finite number, or the first of several."""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        value = value[0] if len(value) else None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None
