import io

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.masks import VOID, TruthMask, decode_truth
from segdemo.images.palettes import CLASS_PALETTES
from segdemo.strings import speaking
from tests.table import every

HEIGHT, WIDTH = 40, 60


def blocks(*values):
    """(H, W): the values as upright bands."""
    return np.repeat(np.array(values), WIDTH // len(values))[None].repeat(HEIGHT, axis=0)


DRAWN = blocks(0, 1, 0)
CLASSES = blocks(0, 5, 20, 15)


def written(picture, kind="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()


def read(picture, kind="PNG", **options):
    return decode_truth(written(picture, kind, **options), max_megapixels=1)


def grey(values):
    return Image.fromarray(np.asarray(values).astype(np.uint8))


def coloured(values, table):
    colours = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in table])
    return Image.fromarray(colours[values].astype(np.uint8))


def soft_disc():
    """(H, W) in 0..255: a disc whose edge fades over two pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.clip((14.3 - np.hypot(y - 19.7, x - 30.2)) * 128 + 128, 0, 255).astype(np.uint8)


def keys(mask):
    return [notice.key for notice in mask.notices]


# --- Ground and foreground --------------------------------------------------------------------


@every(
    "picture",
    [
        Image.fromarray(DRAWN.astype(bool)),
        grey(DRAWN * 255),
        grey(DRAWN),
        grey(DRAWN * 200),
        grey(DRAWN * 255).convert("RGB"),
        grey(DRAWN * 255).convert("RGBA"),
        grey(DRAWN * 255).convert("LA"),
        grey(DRAWN * 255).convert("P"),
        Image.fromarray((DRAWN * 65535).astype(np.uint16)),
        Image.fromarray((DRAWN * 4095).astype(np.uint16)),
        coloured(DRAWN, ["#000000", "#ff0000"]),
    ],
    ids=lambda picture: picture.mode,
)
def test_two_values_are_ground_and_foreground(picture):
    mask = read(picture)
    assert np.array_equal(mask.labels, DRAWN)
    assert not mask.several
    assert not mask.notices


def test_a_float_mask_is_read_too():
    for values in (DRAWN, DRAWN * 255):
        assert np.array_equal(
            read(Image.fromarray(values.astype(np.float32)), "TIFF").labels, DRAWN
        )
    share = read(Image.fromarray((soft_disc() / 255).astype(np.float32)), "TIFF")
    assert np.array_equal(share.labels, soft_disc() >= 128)


def test_a_gif_as_carvana_has_it_is_black_and_white():
    for reverse in (False, True):
        picture = grey(DRAWN ^ reverse).convert("P")
        picture.putpalette([255] * 3 + [0] * 3 if reverse else [0] * 3 + [255] * 3)
        assert np.array_equal(read(picture, "GIF").labels, DRAWN)


def test_a_mask_of_one_value_is_all_or_nothing():
    empty = read(grey(DRAWN * 0))
    assert not empty.labels.any()
    assert keys(empty) == ["truth_empty"]
    assert (read(grey(DRAWN * 0 + 255)).labels == 1).all()


def test_soft_edges_are_cut_in_the_middle():
    mask = read(grey(soft_disc()))
    assert np.array_equal(mask.labels, soft_disc() >= 128)
    assert keys(mask) == ["truth_cut"]


def test_a_smeared_mask_is_cut_in_the_middle():
    for picture in (grey(DRAWN * 255), grey(DRAWN * 255).convert("RGB")):
        mask = read(picture, "JPEG", quality=80)
        assert np.array_equal(mask.labels, DRAWN)
        assert keys(mask) == ["truth_cut"]


def test_a_cut_out_says_by_its_transparency_what_is_foreground():
    photo = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    for alpha in (DRAWN * 255, soft_disc()):
        picture = Image.fromarray(np.dstack([photo, alpha]).astype(np.uint8))
        assert np.array_equal(read(picture).labels, alpha >= 128)


# --- Classes ----------------------------------------------------------------------------------


def test_small_numbers_are_labels_and_255_says_nothing():
    values = blocks(0, 3, 7, 255)
    mask = read(grey(values))
    assert np.array_equal(mask.labels, values)
    assert mask.several
    assert mask.numbers == (0, 3, 7)
    assert set(np.unique(mask.foreground())) == {0, 1, VOID}
    assert np.array_equal(mask.of_class(7) == 1, values == 7)


def test_labels_in_16_bits_are_labels():
    mask = read(Image.fromarray(CLASSES.astype(np.uint16)))
    assert np.array_equal(mask.labels, CLASSES)
    void = np.where(CLASSES == 20, 65535, CLASSES)
    assert (read(Image.fromarray(void.astype(np.uint16))).labels[CLASSES == 20] == VOID).all()


def test_a_palette_holds_labels_in_its_indices():
    values = np.where(CLASSES == 5, 255, CLASSES)
    picture = grey(values)
    picture.putpalette(bytes.fromhex("".join(code[1:] for code in CLASS_PALETTES["voc"])))
    assert np.array_equal(read(picture).labels, values)


def test_a_gif_holds_labels_in_its_colours():
    picture = grey(DRAWN * 0 + blocks(0, 1, 2))
    picture.putpalette([0, 128, 0, 0, 0, 0, 128, 0, 0])  # VOC's classes 2, 0 and 1
    assert np.array_equal(read(picture, "GIF").labels, blocks(2, 0, 1))


@every(("name", "count"), [("voc", 21), ("ade20k_background", 40), ("safe", 8)])
def test_colours_of_a_known_table_are_its_classes(name, count):
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) // 30 % count
    mask = read(coloured(values, CLASS_PALETTES[name]))
    assert np.array_equal(mask.labels, values)


def test_colours_beyond_the_classes_say_nothing():
    table = CLASS_PALETTES["cityscapes"]
    mask = read(coloured(blocks(0, 18, 19), [*table, "#000000"]))
    assert np.array_equal(mask.labels, blocks(0, 18, VOID))
    mask = read(coloured(blocks(0, 20, 21), [*CLASS_PALETTES["voc"][:21], "#e0e0c0"]))
    assert np.array_equal(mask.labels, blocks(0, 20, VOID))


def test_greys_spread_to_be_seen_are_classes():
    mask = read(grey(blocks(0, 85, 170, 255)))
    assert np.array_equal(mask.labels, blocks(0, 1, 2, 3))
    assert keys(mask) == ["truth_greys"]


def test_numbers_of_single_objects_are_foreground():
    mask = read(Image.fromarray(blocks(0, 300, 301, 4000).astype(np.uint16)))
    assert np.array_equal(mask.labels, blocks(0, 1, 1, 1))
    assert keys(mask) == ["truth_objects"]


def test_unknown_colours_are_foreground_on_black():
    mask = read(coloured(blocks(0, 1, 2), ["#000000", "#123456", "#654321"]))
    assert np.array_equal(mask.labels, blocks(0, 1, 1))
    assert keys(mask) == ["truth_coloured"]


# --- What is no mask --------------------------------------------------------------------------


def photograph():
    return Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    )


@every(
    ("content", "key"),
    [
        (written(photograph()), "truth_photograph"),
        (written(photograph().convert("L")), "truth_photograph"),
        (written(photograph(), "JPEG"), "truth_smeared"),
        (written(grey(CLASSES), "JPEG"), "truth_smeared"),
        (written(Image.fromarray(-2 * DRAWN.astype(np.int32)), "TIFF"), "truth_values"),
        (
            written(Image.fromarray(np.where(DRAWN, np.nan, 0).astype(np.float32)), "TIFF"),
            "truth_values",
        ),
        (b"", "picture_empty"),
        (b"no picture", "picture_unknown"),
        (written(grey(DRAWN))[:60], "picture_incomplete"),
        (written(grey(np.zeros((1100, 1000)))), "picture_too_large"),
    ],
)
def test_a_file_that_is_no_mask_is_a_sentence(content, key):
    with pytest.raises(PictureError) as caught:
        decode_truth(content, max_megapixels=1)
    assert caught.value.key == key


# --- The picture's size -----------------------------------------------------------------------


def test_a_mask_of_the_pictures_size_stays_as_it_is():
    mask = TruthMask(labels=DRAWN.astype(np.uint8))
    assert mask.fitted((WIDTH, HEIGHT)) is mask


@every("size", [(30, 20), (120, 80), (121, 80)])
def test_a_mask_of_the_pictures_proportions_is_resized_without_mixing_labels(size):
    mask = TruthMask(labels=np.where(CLASSES == 15, VOID, CLASSES).astype(np.uint8))
    fitted = mask.fitted(size)
    assert fitted.size == size
    assert fitted.numbers == mask.numbers
    assert keys(fitted) == ["truth_resized"]
    assert f"{size[0]} × {size[1]}" in fitted.notices[0].message()


@every("size", [(40, 60), (60, 42), (62, 40)])
def test_a_mask_of_other_proportions_is_refused(size):
    with pytest.raises(PictureError, match="proportions") as caught:
        TruthMask(labels=DRAWN.astype(np.uint8)).fitted(size)
    assert "60 × 40" in str(caught.value)


def test_a_mask_is_turned_upright_like_its_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(grey(DRAWN * 255), exif=exif).size == (HEIGHT, WIDTH)


def test_a_notice_is_said_in_the_language_of_the_moment():
    notice = read(grey(soft_disc())).notices[0]
    with speaking("zh"):
        chinese = notice.message()
    assert notice.message().isascii()
    assert not chinese.isascii()
