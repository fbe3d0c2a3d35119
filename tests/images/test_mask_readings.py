"""Masks as data sets store them: the right labels, how they were read, and what else there is."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw

from segdemo.errors import PictureError
from segdemo.images.masks import VOID, decode_truth, read_data_set
from segdemo.images.palettes import CLASS_PALETTES
from tests.table import every

WIDTH, HEIGHT = 96, 72
Y, X = np.mgrid[:HEIGHT, :WIDTH]
DISC = ((Y - 36) ** 2 + (X - 34) ** 2 < 18**2).astype(np.uint8)
TWO = np.where((Y - 36) ** 2 + (X - 76) ** 2 < 12**2, 2, DISC).astype(np.uint8)
INNER = np.logical_and.reduce(
    [np.roll(DISC, *shift) for shift in ((1, 0), (-1, 0), (1, 1), (-1, 1))]
)
EDGE = (DISC == 1) & ~INNER
CELLS = np.zeros((3 * HEIGHT, 3 * WIDTH), np.uint16)
for number, (row, column) in enumerate(np.ndindex(18, 24), 1):
    CELLS[12 * row + 2 : 12 * row + 10, 12 * column + 2 : 12 * column + 10] = number


def lines(width, *labels):
    picture = Image.new("L", (WIDTH, HEIGHT))
    ends = ((5, 8, 90, 26), (12, 66, 72, 9), (3, 36, 93, 40), (48, 2, 51, 70))
    for line, label in zip(ends, labels, strict=True):
        ImageDraw.Draw(picture).line(line, fill=label, width=width)
    return np.asarray(picture)


def png(array, **options):
    picture = array if isinstance(array, Image.Image) else Image.fromarray(array)
    return written(picture, "PNG", **options)


def written(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def tiff(array, **options):
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def u8(array):
    return np.asarray(array).astype(np.uint8)


def painted(*colours):
    return np.array(colours, np.uint8)[TWO]


def voc(array):
    picture = Image.fromarray(u8(array))
    table = [int(code[at : at + 2], 16) for code in CLASS_PALETTES["voc"] for at in (1, 3, 5)]
    picture.putpalette(table)
    return picture


def layered(colours, alpha):
    return png(np.dstack([colours, alpha]).astype(np.uint8))


VESSELS = lines(1, 1, 1, 1, 1)
SCRIBBLE = np.where(VESSELS == 1, 1, np.where(lines(1, 0, 1, 0, 1) == 1, 0, 255))
SCRIBBLE[60:66, 10:80] = 0
VOC = np.where(EDGE, VOID, TWO * 5)
CULANE = lines(4, 60, 120, 180, 240)
PIECES = np.where((Y // 18 + X // 24) % 2, Y // 18 * 4 + X // 24 + 1, 0)
UNSURE = np.where(EDGE, VOID, DISC)
NODATA = [(42113, "s", 0, "-9999", True)]

ISPRS = ((255,) * 3, (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0))

# name -> file, right labels, the reading's name
CASES = {
    "vessels of one pixel": (png(VESSELS), VESSELS, "labels"),
    "vessels of three": (png(lines(3, 1, 1, 1, 1)), lines(3, 1, 1, 1, 1), "labels"),
    "lanes": (png(lines(4, 1, 2, 3, 4)), lines(4, 1, 2, 3, 4), "labels"),
    "lanes times 60": (png(CULANE), CULANE // 60, "greys"),
    "scribbles": (png(u8(SCRIBBLE)), SCRIBBLE, "labels"),
    "points": (png(u8((X % 13 == 5) & (Y % 11 == 4))), (X % 13 == 5) & (Y % 11 == 4), "labels"),
    "an outline": (png(u8(EDGE)), EDGE, "labels"),
    "pets": (png(u8(np.where(EDGE, 3, 2 - DISC))), UNSURE, "trimap"),
    "labels from 1": (png(DISC + 1), DISC, "count_from_1"),
    "three labels from 1": (png(TWO + 1), TWO, "count_from_1"),
    "VOC by palette": (png(voc(VOC)), VOC, "labels"),
    "VOC by colours": (png(voc(VOC).convert("RGB")), VOC, "voc"),
    "VOC made grey": (png(voc(VOC).convert("RGB").convert("L")), VOC, "voc"),
    "greys of VOC": (png(np.choose(TWO, u8([0, 38, 75]))), TWO, "voc"),
    "thirds of white": (png(np.choose(TWO, u8([0, 85, 170]))), TWO, "greys"),
    "halves of white": (png(np.choose(TWO, u8([0, 128, 255]))), TWO, "greys"),
    "red and blue made grey": (png(np.choose(TWO, u8([0, 29, 76]))), TWO, "greys"),
    "any greys": (png(np.choose(TWO, u8([0, 90, 200]))), TWO, "greys"),
    "categories of COCO": (
        png(np.choose(TWO, u8([0, 1, 90]))),
        np.choose(TWO, [0, 1, 90]),
        "labels",
    ),
    "a trimap of greys": (png(u8(np.where(EDGE, 127, DISC * 255))), UNSURE, "foreground,void=127"),
    "0 and 127": (png(DISC * 127), DISC, "foreground"),
    "void of 250": (png(u8(np.where(EDGE, 250, TWO))), np.where(EDGE, VOID, TWO), "labels"),
    "void of -1": (tiff(np.where(EDGE, -1, TWO.astype(int))), np.where(EDGE, VOID, TWO), "labels"),
    "12 objects": (png(u8(PIECES)), PIECES, "labels"),
    "200 objects": (
        png(u8(np.where(CELLS > 200, 0, CELLS))),
        (CELLS > 0) & (CELLS <= 200),
        "instances",
    ),
    "254 objects": (
        png(u8(np.where(CELLS > 254, 0, CELLS))),
        (CELLS > 0) & (CELLS <= 254),
        "instances",
    ),
    "probabilities in 8 bits": (
        png(u8(np.clip(255 / (1 + np.exp((np.hypot(Y - 36, X - 34) - 18) / 2)), 0, 255))),
        255 / (1 + np.exp((np.hypot(Y - 36, X - 34) - 18) / 2)) >= 128,
        "foreground",
    ),
    "thin objects": (
        png(u8(np.where(VESSELS, 1 + (X // 8 + 12 * (Y // 24)) * 7 % 254, 0))),
        VESSELS,
        "instances",
    ),
    "objects in 16 bits": (tiff(CELLS), CELLS > 0, "instances"),
    "objects in int32": (tiff(CELLS.astype(np.int32)), CELLS > 0, "instances"),
    "objects in uint32": (tiff(CELLS.astype(np.uint32)), CELLS > 0, "instances"),
    "objects in int64": (tiff(CELLS.astype(np.int64)), CELLS > 0, "instances"),
    "objects in int64 of NumPy": (npy(CELLS.astype(np.int64)), CELLS > 0, "instances"),
    "objects on the second page": (
        tiff(np.stack([CELLS * 0, CELLS]), photometric="minisblack"),
        CELLS > 0,
        "instances",
    ),
    "True and False": (tiff(DISC.astype(bool)), DISC, "labels"),
    "True and False of NumPy": (npy(DISC.astype(bool)), DISC, "labels"),
    "True and False of a scanner": (
        written(Image.fromarray(DISC * 255).convert("1"), "TIFF", compression="group4"),
        DISC,
        "labels",
    ),
    "white is zero in 16 bits": (
        tiff(DISC.astype(np.uint16), photometric="miniswhite"),
        DISC,
        "labels",
    ),
    "int8 of -128 and 127": (tiff((DISC * 255 - 128.0).astype(np.int8)), DISC, "foreground"),
    "int8 of 255": (tiff((DISC * 255).astype(np.int8)), DISC, "foreground"),
    "float32": (tiff(DISC.astype(np.float32)), DISC, "labels"),
    "float64": (tiff(DISC.astype(np.float64)), DISC, "labels"),
    "65535": (tiff(DISC.astype(np.uint16) * 65535), DISC, "foreground"),
    "probabilities": (
        tiff(np.clip(0.5 + (18 - np.hypot(Y - 36, X - 34)) / 6.1, 0, 1).astype(np.float32)),
        np.hypot(Y - 36, X - 34) <= 18,
        "probabilities",
    ),
    "NaN says nothing": (tiff(np.where(EDGE, np.nan, DISC)), UNSURE, "labels"),
    "GDAL's nodata says nothing": (
        tiff(np.where(EDGE, -9999, DISC).astype(np.float32), extratags=NODATA),
        UNSURE,
        "labels",
    ),
    "black, red, green": (png(painted((0, 0, 0), (255, 0, 0), (0, 255, 0))), TWO > 0, "foreground"),
    "black, red, blue": (png(painted((0, 0, 0), (255, 0, 0), (0, 0, 255))), TWO > 0, "foreground"),
    "red on white": (
        png(painted((255, 255, 255), (255, 0, 0), (255, 0, 0))),
        TWO > 0,
        "foreground",
    ),
    "viridis": (png(painted((68, 1, 84), (253, 231, 37), (253, 231, 37))), TWO > 0, "foreground"),
    "Cityscapes": (
        png(painted((128, 64, 128), (70, 70, 70), (220, 20, 60))),
        np.choose(TWO, [0, 2, 11]),
        "cityscapes",
    ),
    "six colours of ISPRS": (
        png(np.array(ISPRS, np.uint8)[X * 6 // WIDTH]),
        X * 6 // WIDTH,
        "isprs",
    ),
    "labels in red": (png(painted((0, 0, 0), (1, 0, 0), (2, 0, 0))), TWO, "labels"),
    "JPEG": (written(Image.fromarray(DISC * 255), "JPEG", quality=90), DISC, "foreground"),
    "lossless WebP of labels": (
        written(Image.fromarray(TWO).convert("RGB"), "WEBP", lossless=True),
        TWO,
        "labels",
    ),
    "GIF of Carvana": (
        written(Image.fromarray(DISC * 255).convert("P"), "GIF"),
        DISC,
        "foreground",
    ),
    "red, opaque": (
        layered(painted((0, 0, 0), (255, 0, 0), (0, 0, 0)), X * 0 + 255),
        DISC,
        "foreground",
    ),
    "one pixel is less opaque": (
        layered(np.dstack([DISC * 255] * 3), np.where((X == 0) & (Y == 0), 254, 255)),
        DISC,
        "foreground",
    ),
    "a transparent border": (
        layered(np.dstack([DISC * 255] * 3), np.where(X < 5, 0, 255)),
        DISC,
        "foreground",
    ),
    "half opaque": (layered(np.full((HEIGHT, WIDTH, 3), 255), DISC * 128), DISC, "foreground"),
    "less than half opaque": (
        layered(np.full((HEIGHT, WIDTH, 3), 255), DISC * 100),
        DISC,
        "foreground",
    ),
    "a silhouette": (layered(np.zeros((HEIGHT, WIDTH, 3)), DISC * 255), DISC, "foreground"),
    "grey and alpha": (png(np.dstack([DISC * 255, DISC * 255])), DISC, "foreground"),
}


@every("name", CASES)
def test_a_mask_is_read_as_its_data_set_means_it(name):
    content, right, reading = CASES[name]
    mask = decode_truth(content, max_megapixels=1)
    wrong = mask.labels != np.asarray(right).astype(np.uint8)
    assert wrong.mean() <= (0.01 if name in ("JPEG", "probabilities") else 0)
    assert mask.reading.name == reading


@every("name", CASES)
def test_every_other_reading_is_another_and_can_be_named(name):
    content = CASES[name][0]
    mask = decode_truth(content, max_megapixels=1)
    assert "inverse" in mask.other_readings
    for other in mask.other_readings:
        again = decode_truth(content, max_megapixels=1, reading=other)
        assert again.reading.name == other
        if not other.startswith("plane="):
            turned = mask.size != again.size
            assert turned or np.array_equal(again.labels, mask.read_as(other).labels)


def test_the_values_are_told_with_their_labels():
    mask = decode_truth(CASES["pets"][0], max_megapixels=1)
    told = {value.value: (value.pixels, value.label) for value in mask.values}
    assert told == {
        "2": (int((DISC == 0).sum()), 0),
        "1": (int(DISC.sum() - EDGE.sum()), 1),
        "3": (int(EDGE.sum()), VOID),
    }
    mask = decode_truth(CASES["red on white"][0], max_megapixels=1)
    assert [(value.value, value.label) for value in mask.values] == [("#ffffff", 0), ("#ff0000", 1)]


NAMED = {
    "inverse": (png(DISC * 255), 1 - DISC),
    "foreground": (png(TWO * 85), TWO > 0),
    "labels": (png(TWO + 1), TWO + 1),
    "count_from_1": (png(u8(np.choose(TWO, [0, 1, 7]))), np.choose(TWO, [VOID, 0, 6])),
    "ground=255": (png(u8(np.choose(TWO, [255, 128, 0]))), TWO),
    "ground=1": (png(u8(np.choose(TWO, [1, 0, 2]))), TWO),
    "void=2": (png(TWO), np.where(TWO == 2, VOID, TWO)),
    "labels,ground=1,void=2": (png(TWO), np.choose(TWO, [1, 0, VOID])),
    "cityscapes_ids": (png(u8(np.choose(TWO, [7, 24, 26]))), np.choose(TWO, [0, 11, 13])),
    "trimap": (png(u8(np.choose(TWO, [2, 1, 3]))), np.choose(TWO, [0, 1, VOID])),
    "colours": (png(painted((0, 0, 0), (0, 0, 255), (255, 0, 0))), TWO),
    "colours,void=#ff0000": (
        png(painted((0, 0, 0), (0, 0, 255), (255, 0, 0))),
        np.choose(TWO, [0, 1, VOID]),
    ),
    "rotated_90": (png(DISC), np.rot90(DISC)),
    "rotated_270,inverse": (png(DISC), 1 - np.rot90(DISC, 3)),
    "transposed": (png(DISC), DISC.T),
    "flipped_horizontally": (png(DISC), DISC[:, ::-1]),
    "plane=2": (
        tiff(np.stack([TWO, TWO.max() - TWO, TWO * 0]), photometric="minisblack"),
        2 - TWO,
    ),
}


@every("name", NAMED)
def test_a_reading_can_be_named(name):
    content, right = NAMED[name]
    mask = decode_truth(content, max_megapixels=1, reading=name)
    np.testing.assert_array_equal(mask.labels, np.asarray(right).astype(np.uint8))


@every(
    ("name", "key"),
    [
        ("upside_down", "truth_reading"),
        ("labels,foreground", "truth_reading"),
        ("void=", "truth_reading"),
        ("<b>", "truth_reading"),
        ("void=77", "truth_no_value"),
        ("plane=2", "picture_no_plane"),
    ],
)
def test_a_name_that_is_none_is_one_sentence(name, key):
    with pytest.raises(PictureError) as caught:
        decode_truth(tiff(np.stack([TWO])), max_megapixels=1, reading=name)
    assert caught.value.key == key


def keys(content):
    return [notice.key for notice in decode_truth(content, max_megapixels=1).notices]


def test_what_may_be_wrong_is_said():
    assert keys(png((1 - DISC) * 255)) == ["truth_inverse"]
    assert keys(png(DISC * 255)) == []
    assert keys(png(u8(X * 0 + 7))) == ["truth_covered"]
    assert keys(png(u8(np.choose(TWO, [1, 3, 9])))) == ["truth_covered"]
    assert keys(png(u8(np.choose(TWO, [7, 24, 26])))) == ["truth_ids", "truth_covered"]
    assert keys(png(TWO + 1)) == ["truth_from_1"]


def test_a_data_set_is_read_as_one():
    files = [png(DISC * value) for value in (85, 170, 255)]
    data_set = read_data_set([lambda f=f: f for f in files], max_megapixels=1)
    found = [int(data_set.read(file, max_megapixels=1).labels.max()) for file in files]
    assert found == [1, 2, 3]
    assert all(data_set.read(file, max_megapixels=1).several for file in files)


def test_in_a_data_set_of_colours_a_grey_mask_is_one_of_colours():
    coloured = voc(np.where(EDGE, 7, TWO * 5)).convert("RGB")
    grey = voc(DISC * 7).convert("RGB")
    files = [png(coloured), png(grey)]
    data_set = read_data_set([lambda f=f: f for f in files], max_megapixels=1)
    assert data_set.reading.name == "voc"
    labels = data_set.read(files[1], max_megapixels=1).labels
    np.testing.assert_array_equal(labels, DISC * 7)


def test_a_mask_that_cannot_be_read_does_not_decide_for_the_others():
    failures = []
    data_set = read_data_set(
        [lambda: b"nothing", lambda: png(TWO)],
        max_megapixels=1,
        failed=lambda number, error: failures.append((number, error.key)),
    )
    assert failures == [(0, "picture_unknown")]
    assert data_set.reading.name == "labels"


@every(
    "content",
    [
        png(u8(np.random.default_rng(0).integers(0, 256, (60, 60)))),
        png(u8(np.hypot(Y - 20, X - 20))),
        png(u8(np.random.default_rng(0).integers(0, 256, (60, 60, 3)))),
    ],
    ids=["noise", "a gradient", "a photograph"],
)
def test_what_is_no_mask_is_not_read_as_one(content):
    with pytest.raises(PictureError, match="photograph"):
        decode_truth(content, max_megapixels=1)


@every(("orientation", "turn"), [(6, 1), (8, -1)])
def test_a_mask_drawn_on_the_stored_pixels_of_a_photo_is_turned_like_it(orientation, turn):
    upright = DISC
    stored = decode_truth(png(np.ascontiguousarray(np.rot90(upright, turn))), max_megapixels=1)
    fitted = stored.fitted((WIDTH, HEIGHT), orientation)
    np.testing.assert_array_equal(fitted.labels, upright)
    assert [notice.key for notice in fitted.notices] == ["truth_turned"]
    with pytest.raises(PictureError, match="rotated_90"):
        stored.fitted((WIDTH, HEIGHT))
