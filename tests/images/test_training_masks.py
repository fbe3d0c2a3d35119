"""Masks: every common way to draw one means the same, and every other is refused in a sentence."""

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import TrainingError
from segdemo.images.masks import VOID
from segdemo.images.training_masks import Labelling, RawMask, read_mask
from segdemo.wording import printable

TRUTH = np.zeros((24, 32), bool)
TRUTH[4:12, 6:20] = True


def read(path):
    return read_mask(path, max_megapixels=1)


def grey(values):
    return Image.fromarray(values.astype(np.uint8))


def indexed(values, palette):
    picture = Image.fromarray(values.astype(np.uint8), "P")
    picture.putpalette(palette)
    return picture


WAYS = {
    "white.png": grey(TRUTH * 255),
    "ones.png": grey(TRUTH),
    "bits.png": Image.fromarray(TRUTH),
    "white.gif": grey(TRUTH * 255),
    "white.bmp": grey(TRUTH * 255),
    "white.tiff": grey(TRUTH * 255),
    "photo.jpg": grey(TRUTH * 255),
    "colours.png": Image.merge("RGB", [grey(TRUTH * 255)] * 3),
    "alpha.png": Image.merge("RGBA", [grey(TRUTH * 255)] * 4),
    "deep.png": Image.fromarray((TRUTH * 65535).astype(np.uint16)),
    "red.png": indexed(TRUTH, [0, 0, 0, 128, 0, 0]),
    "white_first.png": indexed(~TRUTH, [255, 255, 255, 0, 0, 0]),
    "soft.png": grey(TRUTH * 255).resize((33, 25), Image.Resampling.BICUBIC).resize((32, 24)),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_mask_of_one_thing_is_understood_however_it_is_stored(name, tmp_path):
    WAYS[name].save(tmp_path / name)
    mask = read(tmp_path / name)
    labelling = Labelling.of([mask])
    assert labelling.classes == 2
    wrong = (labelling.labels(mask) == 1) != TRUTH
    assert wrong.mean() < (0.06 if name == "soft.png" else 1e-9)


def test_numbers_of_classes_stay_numbers_and_255_says_nothing(tmp_path):
    values = np.repeat([[0, 1, 2, 255]], 20, axis=0)
    indexed(values, list(range(256)) * 3).save(tmp_path / "a.png")
    mask = read(tmp_path / "a.png")
    labelling = Labelling.of([mask])
    assert labelling.classes == 3
    np.testing.assert_array_equal(labelling.labels(mask), values)
    assert VOID == 255


def test_the_values_of_all_masks_together_decide(tmp_path):
    grey(np.full((20, 20), 1)).save(tmp_path / "full.png")
    grey(np.zeros((20, 20))).save(tmp_path / "empty.png")
    masks = [read(tmp_path / name) for name in ("full.png", "empty.png")]
    assert Labelling.of(masks).labels(masks[0]).all()


def refused(call):
    with pytest.raises(TrainingError) as caught:
        call()
    return caught.value


def test_masks_without_anything_are_refused(tmp_path):
    grey(np.zeros((20, 20))).save(tmp_path / "a.png")
    assert refused(lambda: Labelling.of([read(tmp_path / "a.png")])).key == "finetune_masks_empty"


@pytest.mark.parametrize("values", [[0, 100, 200], [0, 1, 300], [-1, 0, 1], [0.0, 0.5, 1.0]])
def test_values_that_are_no_classes_are_refused(values):
    mask = RawMask(values=np.array([values]), smeared=False)
    assert refused(lambda: Labelling.of([mask])).key == "finetune_mask_values"


def test_a_mask_in_colour_is_refused(tmp_path):
    Image.new("RGB", (20, 20), "red").save(tmp_path / "a.png")
    assert refused(lambda: read(tmp_path / "a.png")).key == "finetune_mask_colour"


def test_a_huge_mask_is_refused_by_its_header(tmp_path):
    grey(np.zeros((20, 20))).save(tmp_path / "a.png")
    error = refused(lambda: read_mask(tmp_path / "a.png", max_megapixels=1e-4))
    assert error.key == "finetune_mask_large"


@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_mask_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    error = refused(lambda: read(tmp_path / "a.png"))
    assert error.key == "finetune_mask_unreadable"
    assert "a.png" in str(error)


def test_a_name_is_one_short_line():
    assert printable("a\nb\x1b[31m" + "c" * 200) == "a?b?[31m" + "c" * 72
    assert printable("叶子.png") == "叶子.png"
