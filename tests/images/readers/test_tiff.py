"""TIFF files of every kind: the bright disc is bright, and what was chosen is said."""

import io
from contextlib import suppress

import numpy as np
import pytest
import tifffile

from segdemo.errors import PictureError
from segdemo.images.decode import decode, decode_plane
from segdemo.images.masks import decode_truth
from segdemo.images.readers import tiff
from tests.table import every

SIDE = 64
Y, X = np.mgrid[:SIDE, :SIDE]
DISC = (Y - 32) ** 2 + (X - 32) ** 2 < 15**2
OUTSIDE = ((Y - 32) ** 2 + (X - 32) ** 2 > 17**2) & (X > 16)
BASE = np.where(DISC, 0.8, 0.2)
COLOUR = np.stack([BASE, BASE * 0.9, BASE * 0.7], -1)
INFRARED = np.where(DISC, 0.1, 0.9)[..., None]
FLAT = np.full((SIDE, SIDE), 300, np.uint16)
U16 = (BASE * 4095).astype(np.uint16)


def written(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def colour(kind, top):
    return (COLOUR * top).astype(kind)


def bands(count, kind=np.uint16, top=3000):
    return np.repeat((BASE * top).astype(kind)[..., None], count, -1)


def nodata(value):
    return [(42113, "s", 0, str(value), True)]


def with_strip(array, value):
    return np.where(X < 16, array.dtype.type(value), array)


KINDS = {
    "16 bits a colour": written(colour(np.uint16, 65535), photometric="rgb"),
    "12 bits in 16": written(colour(np.uint16, 4095), photometric="rgb"),
    "planes of red, green and blue": written(
        np.moveaxis(colour(np.uint16, 4095), -1, 0), photometric="rgb", planarconfig="separate"
    ),
    "three bands as GDAL": written(
        bands(3), photometric="minisblack", planarconfig="contig", extrasamples=[0, 0]
    ),
    "16 bits, white is zero": written(
        65535 - (BASE * 65535).astype(np.uint16), photometric="miniswhite"
    ),
    "8 bits, white is zero": written(255 - (BASE * 255).astype(np.uint8), photometric="miniswhite"),
    "int8": written((BASE * 250 - 125).astype(np.int8)),
    "int16 of a scanner": written((BASE * 2000 - 1000).astype(np.int16)),
    "uint32 above 2^31": written((BASE * 4e9).astype(np.uint32)),
    "int64": written((BASE * 1e12).astype(np.int64)),
    "float16": written(BASE.astype(np.float16)),
    "float32 colours": written(COLOUR.astype(np.float32), photometric="rgb"),
    "float64": written(BASE),
    "complex": written(BASE.astype(np.complex64)),
    "NaN": written(np.where(X < 5, np.nan, BASE).astype(np.float32)),
    "-9999 unsaid": written(with_strip(BASE.astype(np.float32), -9999)),
    "-9999 said": written(
        with_strip(BASE.astype(np.float32) * 5000, -9999), extratags=nodata(-9999)
    ),
    "-32768 said": written(
        with_strip((BASE * 900).astype(np.int16), -32768), extratags=nodata(-32768)
    ),
    "65535 said": written(with_strip(U16, 65535), extratags=nodata(65535)),
    "the lowest float said": written(
        with_strip(BASE.astype(np.float32), -3.4028235e38),
        extratags=nodata("-3.40282346638529e+38"),
    ),
    "a band of infrared": written(
        (np.concatenate([COLOUR, INFRARED], -1) * 255).astype(np.uint8),
        photometric="rgb",
        extrasamples=["unspecified"],
    ),
    "16 bits with infrared": written(
        (np.concatenate([COLOUR, INFRARED], -1) * 3000).astype(np.uint16),
        photometric="rgb",
        extrasamples=["unspecified"],
    ),
    "5 bands": written(bands(5, np.uint8, 255), photometric="minisblack", planarconfig="contig"),
    "12 bands": written(bands(12), photometric="minisblack", planarconfig="contig"),
    "(H, W, 2) as tifffile likes it": written(np.stack([U16, U16], -1)),
    "channels, OME": written(np.stack([FLAT, U16, FLAT]), ome=True, metadata={"axes": "CYX"}),
    "slices, ImageJ": written(np.stack([FLAT, U16, FLAT]), imagej=True, metadata={"axes": "ZYX"}),
    "tiles": written(U16, tile=(32, 32), compression="deflate"),
    "BigTIFF": written(U16, bigtiff=True),
    "big-endian": written(U16, byteorder=">"),
    "predictor": written(U16, compression="deflate", predictor=True),
    "inks of 16 bits": written(
        (np.concatenate([1 - COLOUR, np.zeros((SIDE, SIDE, 1))], -1) * 65535).astype(np.uint16),
        photometric="separated",
    ),
}


@every("kind", KINDS)
def test_what_is_bright_in_the_file_is_bright(kind):
    image = decode(KINDS[kind], max_megapixels=1)
    assert image.size == (SIDE, SIDE)
    grey = np.asarray(image).mean(-1)
    assert grey[DISC].min() > grey[OUTSIDE].max() + 60


def test_a_strip_without_measurements_is_black():
    shown = np.asarray(decode(KINDS["-9999 said"], max_megapixels=1))
    assert (shown[:, :16] == 0).all()
    assert (shown[DISC] == 255).all()


def test_colours_of_16_bits_keep_their_proportions():
    shown = np.asarray(decode(KINDS["12 bits in 16"], max_megapixels=1))[32, 32]
    assert shown[0] > shown[1] > shown[2]


SAID = {
    "channels, OME": "Channel 2 of 3 is shown.",
    "slices, ImageJ": "Slice 2 of 3 is shown.",
    "(H, W, 2) as tifffile likes it": "Channel 1 of 2 is shown.",
    "12 bands": "Bands 1, 2 and 3 of 12 are shown as red, green and blue.",
    "planes of red, green and blue": "Bands 1, 2 and 3 of 3 are shown as red, green and blue.",
    "16 bits a colour": "",
    "tiles": "",
}


@every("kind", SAID)
def test_it_is_said_which_plane_is_shown(kind):
    decoded = decode_plane(KINDS[kind], max_megapixels=1)
    assert " ".join(notice.message() for notice in decoded.notices) == SAID[kind]


def test_a_person_chooses_a_plane():
    stack = written(
        np.stack([FLAT, U16, np.roll(U16, 9, 1)]), imagej=True, metadata={"axes": "ZYX"}
    )
    second, third = (decode_plane(stack, max_megapixels=1, plane=plane) for plane in (2, 3))
    assert third.plane == 3
    moved = np.roll(np.asarray(second.image), 9, 1)
    np.testing.assert_array_equal(np.asarray(third.image), moved)
    band = decode_plane(KINDS["12 bands"], max_megapixels=1, plane=7)
    assert (band.plane, band.planes) == (7, 12)
    for plane in (0, 4):
        with pytest.raises(PictureError, match="Choose from 1 to 3"):
            decode_plane(stack, max_megapixels=1, plane=plane)


def pyramid(*, inside):
    """256 x 192 pixels with copies of a half and a quarter, within the page or after it."""
    stream = io.BytesIO()
    whole = np.kron(U16[:48], np.ones((4, 4), np.uint16))
    with tifffile.TiffWriter(stream) as file:
        file.write(whole, tile=(64, 64), subifds=2 if inside else None)
        for step in (2, 4):
            file.write(whole[::step, ::step], tile=(64, 64), subfiletype=1)
    return stream.getvalue()


@every("inside", [True, False])
def test_of_a_pyramid_the_largest_level_within_the_limit_is_read(inside):
    content = pyramid(inside=inside)
    sizes = {limit: decode_plane(content, max_megapixels=limit) for limit in (1, 0.02, 0.004)}
    assert [one.image.size for one in sizes.values()] == [(256, 192), (128, 96), (64, 48)]
    assert "256 × 192" in sizes[0.02].notices[0].message()
    assert not sizes[1].notices
    with pytest.raises(PictureError) as caught:
        decode(content, max_megapixels=0.001)
    assert caught.value.key == "picture_too_large"


def test_nothing_beyond_the_size_is_decoded_before_it_is_refused():
    huge = bytearray(written(np.zeros((4, 4), np.uint16)))
    for tag in (256, 257):
        at = huge.index(tag.to_bytes(2, "little") + (4).to_bytes(2, "little"))
        huge[at + 8 : at + 12] = (60_000).to_bytes(4, "little")
    with pytest.raises(PictureError) as caught:
        decode(bytes(huge), max_megapixels=40)
    assert caught.value.key == "picture_too_large"
    cube = np.zeros((256, 256, 80), np.uint8)
    many = written(cube, photometric="minisblack", planarconfig="contig")
    with pytest.raises(PictureError) as caught:
        decode(many, max_megapixels=1)
    assert caught.value.key == "picture_samples"


def test_an_endless_chain_of_pages_is_damaged_and_a_long_one_is_told(monkeypatch):
    stack = bytearray(written(np.stack([FLAT, U16, FLAT]), photometric="minisblack", metadata=None))
    with tifffile.TiffFile(io.BytesIO(stack)) as file:
        first, last = file.pages[0].offset, file.pages[2].offset
    entries = int.from_bytes(stack[last : last + 2], "little")
    at = last + 2 + 12 * entries
    monkeypatch.setattr(tiff, "MOST_PAGES", 2)
    with pytest.raises(PictureError, match="Pages in this file: more than 2"):
        decode(bytes(stack), max_megapixels=1)
    monkeypatch.setattr(tiff, "MOST_PAGES", 20)
    stack[at : at + 4] = first.to_bytes(4, "little")
    with pytest.raises(PictureError) as caught:
        decode(bytes(stack), max_megapixels=1)
    assert caught.value.key == "picture_incomplete"


@every("kind", ["float64", "tiles", "channels, OME", "12 bands"])
@every("share", [0.01, 0.3, 0.9])
def test_a_file_that_ends_too_early_is_damaged(kind, share):
    content = KINDS[kind]
    with pytest.raises(PictureError) as caught:
        decode(content[: int(len(content) * share)], max_megapixels=1)
    assert caught.value.key in ("picture_incomplete", "picture_unknown")


def test_whatever_a_damaged_file_holds_one_sentence_says_so():
    rng = np.random.default_rng(0)
    for number in range(400):
        content = bytearray(list(KINDS.values())[number % len(KINDS)])
        for place in rng.integers(0, min(len(content), 500), 1 + number % 6):
            content[place] = rng.choice([0, 1, 128, 255])
        for read in (decode, decode_truth):
            with suppress(PictureError):
                read(bytes(content), max_megapixels=1)


def test_without_imagecodecs_one_sentence_names_it(monkeypatch):
    def missing(*arguments, **options):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile.TiffPage, "asarray", missing)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", missing)
    deep = written(
        colour(np.uint16, 4095), photometric="rgb"
    )  # LZW is written by imagecodecs alone
    with pytest.raises(PictureError, match="pip install imagecodecs"):
        tiff.read_tiff(deep, max_megapixels=1)


def test_without_imagecodecs_a_bomb_of_deflate_is_damaged(monkeypatch):
    monkeypatch.setattr(tiff, "find_spec", lambda name: None)
    honest = KINDS["tiles"]
    decode(honest, max_megapixels=1)
    larger = written(np.zeros((SIDE * 8, SIDE), np.uint16), compression="deflate", rowsperstrip=512)
    lying = bytearray(larger)
    for tag in (257, 278):
        at = lying.index(tag.to_bytes(2, "little") + (4).to_bytes(2, "little"))
        lying[at + 8 : at + 12] = SIDE.to_bytes(4, "little")
    with pytest.raises(PictureError) as caught:
        decode(bytes(lying), max_megapixels=1)
    assert caught.value.key == "picture_incomplete"


def test_a_damaged_page_does_not_take_the_others_away():
    pages = np.random.default_rng(0).integers(0, 255, (3, 20, 30), dtype=np.uint8)
    stream = io.BytesIO()
    tifffile.imwrite(stream, pages, photometric="minisblack", compression="zlib")
    content = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        (offset, *_), (length, *_) = file.pages[2].dataoffsets, file.pages[2].databytecounts
    content[offset : offset + length] = bytes(length)
    image = decode_plane(bytes(content), max_megapixels=1).image
    np.testing.assert_array_equal(np.asarray(image)[..., 0], pages[0])
