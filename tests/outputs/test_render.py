import io

import numpy as np
from PIL import Image

from segdemo.images.palettes import CLASS_PALETTES, PANEL_COLOURS
from segdemo.inference.maps import quantise
from segdemo.inference.prediction import Prediction
from segdemo.outputs.render import (
    View,
    cutout_picture,
    deep_map_picture,
    draw,
    label_picture,
    labels_overlay_picture,
    map_picture,
    mask_picture,
    overlay_picture,
)
from tests.table import every

MASK = np.array([[True, False], [False, True], [False, False]])
PICTURE = Image.new("RGB", (2, 3), (100, 100, 100))
LABELS = np.array([[0, 1], [2, 0], [1, 1]], dtype=np.uint8)
COLOURS = ("#000000", "#ff0000", "#0000ff")
RANDOM = np.random.default_rng(0).random((64, 64), dtype=np.float32)


def stored(picture: Image.Image) -> Image.Image:
    """The picture as a PNG brings it back."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return Image.open(buffer)


def test_the_foreground_of_a_mask_is_white_and_the_rest_black():
    assert np.asarray(mask_picture(MASK)).tolist() == [[255, 0], [0, 255], [0, 0]]


def test_a_map_is_quantised_by_the_one_rule():
    probabilities = np.array([[0.0, 0.5, 1.0, 127.9 / 256]], dtype=np.float32)
    assert np.asarray(map_picture(probabilities)).tolist() == [[0, 128, 255, 127]]


def test_a_deep_map_has_16_bits_also_as_a_file():
    probabilities = np.array([[0.0, 0.5, 1.0, 1 / 65536]], dtype=np.float32)
    picture = stored(deep_map_picture(probabilities))
    assert picture.mode == "I;16"
    assert np.asarray(picture).tolist() == [[0, 32768, 65535, 1]]


@every("k", [1, 77, 128, 255])
def test_a_deep_map_is_cut_where_the_map_on_the_screen_is(k):
    exact = np.arange(257, dtype=np.float32)[None] / 256
    for probabilities in (RANDOM, exact, np.nextafter(exact, np.float32(0))):
        deep = np.asarray(deep_map_picture(probabilities))
        assert np.array_equal(deep >= 256 * k, quantise(probabilities) >= k)


def test_an_overlay_tints_the_foreground_alone():
    pixels = np.asarray(overlay_picture(PICTURE, MASK, "#ff0000", opacity=0.5))
    assert pixels[0, 0].tolist() == [177, 50, 50]
    assert pixels[0, 1].tolist() == [100, 100, 100]


def test_a_label_picture_holds_the_numbers_and_shows_the_colours():
    picture = stored(label_picture(LABELS, COLOURS))
    assert picture.mode == "P"
    assert np.array_equal(np.asarray(picture), LABELS)
    assert picture.convert("RGB").getpixel((0, 1)) == (0, 0, 255)


def view(count: int, probabilities: np.ndarray | None = None, **words) -> View:
    """Of a network of ``count`` classes, which all look the same unless it is said how."""
    if probabilities is None:
        probabilities = np.full((count, 3, 2), 1 / count, np.float32)
    prediction = Prediction(
        probabilities=probabilities,
        picture_size=(2, 3),
        reduced=False,
        milliseconds=1.0,
        device="cpu",
        precision="fp32",
    )
    return View(prediction=prediction, **words)


def test_classes_have_the_colours_that_a_person_chose_where_there_are_enough():
    assert view(3).colours == CLASS_PALETTES["safe"][:3]
    assert view(3, palette="voc").colours == CLASS_PALETTES["voc"][:3]
    assert view(21, palette="cityscapes").colours == CLASS_PALETTES["voc"][:21]
    assert view(3, palette="nobody's").colours == CLASS_PALETTES["safe"][:3]


def winning(labels: np.ndarray, **words) -> View:
    """What wins, each pixel by far, as a person looks at it."""
    probabilities = np.stack([np.where(labels == number, 0.8, 0.1) for number in range(3)])
    return view(3, pick="all", probabilities=probabilities.astype(np.float32), **words)


@every("hidden", [(), (0,), (1, 2), (0, 1, 2, 999)])
def test_files_of_classes_paint_the_classes_that_the_screen_paints(hidden):
    shown = winning(LABELS, hidden=hidden)
    painted = ~np.isin(LABELS, hidden)
    overlay = np.asarray(draw("overlay", PICTURE, shown))
    assert np.array_equal((overlay != 100).any(-1), painted)
    alpha = np.asarray(draw("cutout", PICTURE, shown).getchannel("A"))
    assert np.array_equal(alpha >= 128, painted)
    assert np.array_equal(np.asarray(draw("mask", PICTURE, shown)), LABELS)


def test_a_file_that_nobody_looked_at_paints_all_but_the_background():
    overlay = np.asarray(draw("overlay", PICTURE, winning(LABELS)))
    assert np.array_equal((overlay != 100).any(-1), LABELS != 0)


def test_an_overlay_of_classes_tints_those_that_are_painted():
    painted = LABELS != 0
    pixels = np.asarray(labels_overlay_picture(PICTURE, LABELS, COLOURS, painted, opacity=0.5))
    assert pixels[0, 0].tolist() == [100, 100, 100]
    assert pixels[0, 1].tolist() == [177, 50, 50]


@every("k", [1, 64, 128, 200, 255])
def test_a_cutout_is_half_there_exactly_where_the_mask_begins(k):
    picture = Image.new("RGB", (64, 64), PANEL_COLOURS[0])
    alpha = np.asarray(cutout_picture(picture, RANDOM, k / 256).getchannel("A"))
    assert np.array_equal(alpha >= 128, quantise(RANDOM) >= k)


def test_the_alpha_of_a_cutout_rises_with_the_probability_and_keeps_the_colours():
    probabilities = np.linspace(0, 1, 300, dtype=np.float32)[None]
    picture = Image.new("RGB", (300, 1), (10, 20, 30))
    pixels = np.asarray(cutout_picture(picture, probabilities, 0.3)).astype(int)
    assert pixels[0, :, :3].tolist() == [[10, 20, 30]] * 300
    assert (np.diff(pixels[0, :, 3]) >= 0).all()
    assert (pixels[0, 0, 3], pixels[0, -1, 3]) == (0, 255)


def test_the_alpha_of_a_cutout_at_one_half_is_the_probability():
    alpha = np.asarray(cutout_picture(Image.new("RGB", (64, 64)), RANDOM).getchannel("A"))
    assert np.array_equal(alpha, quantise(RANDOM))
