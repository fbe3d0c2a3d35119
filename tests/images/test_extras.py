"""DICOM, NIfTI and HEIC: read by packages that may be absent, which one sentence says then."""

import gzip
import io
import sys

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.annotations.beside import Beside
from segdemo.images.decode import decode, decode_plane
from segdemo.images.masks import decode_truth
from tests.table import every

NIFTI_HEADER = b"\x5c\x01\0\0" + bytes(340) + b"n+1\0" + bytes(40)


@every(
    ("package", "content", "key"),
    [
        ("pydicom", bytes(128) + b"DICM" + bytes(60), "picture_dicom"),
        ("pydicom", b"\x08\0\x05\0CS\x0a\0ISO_IR 100" + bytes(60), "picture_dicom"),
        ("nibabel", NIFTI_HEADER, "picture_nifti"),
        ("nibabel", gzip.compress(NIFTI_HEADER), "picture_nifti"),
        ("pillow_heif", b"\x00\x00\x00\x24ftypheic" + bytes(60), "picture_heic"),
    ],
)
def test_without_its_package_one_sentence_has_the_command(package, content, key, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PictureError, match=r"pip install -r requirements-imaging\.txt") as caught:
        decode(content, max_megapixels=1)
    assert caught.value.key == key


def dicom(pydicom, array, **words):
    """A file with these pixels, as a scanner writes it."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    file = pydicom.dataset.Dataset()
    file.file_meta = meta
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
    file.Rows, file.Columns = array.shape[-2:]
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = 8 * array.dtype.itemsize
    file.BitsAllocated, file.BitsStored, file.HighBit = bits, bits, bits - 1
    file.PixelRepresentation = int(array.dtype.kind == "i")
    if array.ndim == 3:
        file.NumberOfFrames = len(array)
    for name, value in words.items():
        setattr(file, name, value)
    file.PixelData = array.tobytes()
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, file, enforce_file_format=True)
    return stream.getvalue()


Y, X = np.mgrid[:40, :40]
DISC = (Y - 20) ** 2 + (X - 20) ** 2 < 100


def test_a_dicom_slice_is_shown_through_its_window_in_the_units_of_the_scanner():
    pydicom = pytest.importorskip("pydicom")
    hounsfield = np.where(DISC, 40, -1000)
    stored = (hounsfield + 1024).astype(np.int16)
    words = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400}
    shown = np.asarray(decode(dicom(pydicom, stored, **words), max_megapixels=1))[..., 0]
    assert (shown[DISC] == 128).all()
    assert (shown[~DISC] == 0).all()
    inverted = dicom(pydicom, stored, **words, PhotometricInterpretation="MONOCHROME1")
    shown = np.asarray(decode(inverted, max_megapixels=1))[..., 0]
    assert (shown[~DISC] == 255).all()


def test_of_several_dicom_frames_the_middle_one_or_the_chosen_one_is_shown():
    pydicom = pytest.importorskip("pydicom")
    frames = np.stack([np.roll(DISC, 3 * n, 1) for n in range(5)]).astype(np.uint16) * 900
    content = dicom(pydicom, frames)
    middle = decode_plane(content, max_megapixels=1)
    assert middle.notices[0].message() == "Slice 3 of 5 is shown."
    fifth = decode_plane(content, max_megapixels=1, plane=5)
    np.testing.assert_array_equal(np.asarray(fifth.image)[..., 0] > 128, np.roll(DISC, 12, 1))
    with pytest.raises(PictureError, match="from 1 to 5"):
        decode_plane(content, max_megapixels=1, plane=6)


def test_a_dicom_file_without_a_picture_or_too_large_a_one_is_a_sentence():
    pydicom = pytest.importorskip("pydicom")
    huge = dicom(pydicom, np.zeros((40, 40), np.uint8), Rows=60_000, Columns=60_000)
    for content, key in (
        (bytes(128) + b"DICM" + bytes(60), "picture_dicom_empty"),
        (huge, "picture_too_large"),
        (dicom(pydicom, np.zeros((40, 40), np.uint8))[:-900], "picture_incomplete"),
    ):
        with pytest.raises(PictureError) as caught:
            decode(content, max_megapixels=40)
        assert caught.value.key == key


def test_a_dicom_file_that_no_decoder_reads_says_how_it_is_compressed(monkeypatch):
    pydicom = pytest.importorskip("pydicom")
    pixels = pytest.importorskip("pydicom.pixels")

    def undecodable(*arguments, **options):
        raise RuntimeError("Unable to decode as exceptions were raised by all available plugins")

    monkeypatch.setattr(pixels, "pixel_array", undecodable)
    file = pydicom.dcmread(io.BytesIO(dicom(pydicom, np.zeros((40, 40), np.uint8))))
    file.file_meta.TransferSyntaxUID = pydicom.uid.JPEGExtended12Bit
    file.PixelData = pydicom.encaps.encapsulate([bytes(64)])
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, file, enforce_file_format=True)
    with pytest.raises(PictureError, match=r"compressed as JPEG Extended \(Process 2 and 4\)"):
        decode(stream.getvalue(), max_megapixels=1)


def test_a_nifti_slice_lies_as_radiologists_look_at_it():
    nibabel = pytest.importorskip("nibabel")
    # The first axis points to the patient's right, the second to the front, the third to the head.
    volume = np.zeros((40, 50, 7), np.int16)
    volume[30:36], volume[:, 44:48] = 100, 200
    flipped = volume[::-1].copy()
    for data, affine in ((volume, np.eye(4)), (flipped, np.diag([-1, 1, 1, 1]))):
        content = nibabel.Nifti1Image(data, affine).to_bytes()
        for packed in (content, gzip.compress(content)):
            decoded = decode_plane(packed, max_megapixels=1)
            shown = np.asarray(decoded.image)[..., 0]
            assert decoded.notices[0].message() == "Slice 4 of 7 is shown."
            assert (shown[2:6] > 200).all()
            assert (shown[-1, 4:10] > 100).all()
            assert shown[-1, 10:].max() == 0


def test_a_nifti_label_map_is_read_at_the_slice_of_its_picture():
    nibabel = pytest.importorskip("nibabel")
    labels = np.zeros((40, 50, 7), np.uint8)
    labels[5:20, 5:20, 5:], labels[5:20, 30:40, 6] = 1, 2
    content = nibabel.Nifti1Image(labels, np.eye(4)).to_bytes()
    alone = decode_truth(content, max_megapixels=1)
    assert not alone.labels.any()
    beside = decode_truth(content, max_megapixels=1, beside=Beside(plane=7, planes=7))
    np.testing.assert_array_equal(beside.labels, labels[::-1, ::-1, 6].T)
    assert beside.numbers == (0, 1, 2)


def test_a_heic_photo_is_read_upright():
    pillow_heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.where(Y[..., None] < 20, 255, np.zeros(3)).astype(np.uint8))
    stream = io.BytesIO()
    pillow_heif.from_pillow(stored).save(stream, exif=exif.tobytes())
    shown = np.asarray(decode(stream.getvalue(), max_megapixels=1))[..., 0]
    assert shown[:, 30:].min() > 200
    assert shown[:, :10].max() < 60
    with pytest.raises(PictureError) as caught:
        decode(stream.getvalue(), max_megapixels=0.001)
    assert caught.value.key == "picture_too_large"
