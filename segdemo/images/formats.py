"""Which reader a file needs: those whose numbers Pillow does not hand over as they are."""

import re
from typing import BinaryIO

from segdemo.images.raster import Raster, require_plane
from segdemo.images.readers import tiff
from segdemo.images.readers.dicom import read_dicom
from segdemo.images.readers.nifti import GZIP, is_nifti, read_nifti
from segdemo.images.readers.npy import NPY_MAGIC, is_npz, read_npy, read_npz
from segdemo.images.readers.png import read_deep_png

HEAD_BYTES = 1024
PICTURE_ENDINGS = frozenset(
    (
        *(".jpg", ".jpeg", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".npy", ".npz", ".dcm", ".nii", ".gz"),
        *(".heic", ".heif"),
    )
) | {".svg", ".pdf", ".mha"}
"""Of files that are offered to be read; the last few are told what to do instead."""
_PNG = b"\x89PNG"
# With the preamble of the standard, or without: then group 8 begins the file.
_DICOM = re.compile(rb"\A(.{128}DICM|\x08\0.\0([A-Z]{2}|.\0\0\0))", re.S)
_NIFTI_HEADS = (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c")


def read_raster(
    stream: BinaryIO, *, max_megapixels: float, plane: int | None = None, exact: bool = False
) -> Raster | None:
    """One image of a TIFF, NumPy, DICOM or NIfTI file, or of a deep PNG; None for any other.

    ``plane`` counts pages, channels and slices from 1. A TIFF that Pillow reads right is None,
    too, unless ``exact``. The stream ends where it began. Raises PictureError.
    """
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    raster: Raster | None = None
    if head.startswith(_PNG):
        raster = read_deep_png(stream, max_megapixels=max_megapixels)
    elif _DICOM.match(head):
        # Its preamble may be that of a TIFF, so this is asked first.
        raster = read_dicom(stream.read(), max_megapixels=max_megapixels, plane=plane)
    elif head[:4] in tiff.MAGIC:
        raster = tiff.read_tiff(
            stream.read(), max_megapixels=max_megapixels, plane=plane, exact=exact
        )
    elif head.startswith(NPY_MAGIC):
        raster = read_npy(stream.read(), max_megapixels=max_megapixels, plane=plane)
    elif is_npz(head):
        raster = read_npz(stream, max_megapixels=max_megapixels, plane=plane, mask=exact)
    elif (head.startswith(GZIP) or head[:4] in _NIFTI_HEADS) and is_nifti(head):
        raster = read_nifti(stream.read(), max_megapixels=max_megapixels, plane=plane)
    stream.seek(0)
    if raster is not None:
        require_plane(plane, raster.planes)
    return raster


def begins_like_raster(head: bytes) -> bool:
    """Whether a file that begins with these bytes is TIFF, NumPy, DICOM or NIfTI."""
    volume = (head.startswith(GZIP) or head[:4] in _NIFTI_HEADS) and is_nifti(head)
    known = head[:4] in tiff.MAGIC or head.startswith(NPY_MAGIC) or is_npz(head)
    return volume or known or _DICOM.match(head) is not None
