"""Masks to train on: every common way to draw one means the same, or is refused in a sentence."""

import numpy as np
import pytest
from PIL import Image

from segdemo.errors import TrainingError
from segdemo.images.masks import VOID, decode_truth
from segdemo.training.labelling import Labelling
from segdemo.wording import printable
from tests.table import every

TRUTH = np.zeros((24, 32), bool)
TRUTH[4:12, 6:20] = True


def labelling(*paths, reading=None):
    return Labelling.of(paths, max_megapixels=1, reading=reading)


def labels(found, path):
    return found.labels(found.mask(path))


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
    "from_1.png": grey(TRUTH + 1),
    "objects.png": grey(TRUTH * (np.arange(32) + 200)),
    "painted.png": Image.merge("RGB", [grey(TRUTH * 255), grey(TRUTH * 0), grey(TRUTH * 0)]),
    "soft.png": grey(TRUTH * 255).resize((33, 25), Image.Resampling.BICUBIC).resize((32, 24)),
}


@every("name", WAYS)
def test_a_mask_of_one_thing_is_understood_however_it_is_stored(name, tmp_path):
    path = tmp_path / name
    WAYS[name].save(path)
    found = labelling(path)
    assert found.classes == 2
    wrong = (labels(found, path) == 1) != TRUTH
    assert wrong.mean() < (0.06 if name == "soft.png" else 1e-9)


@every("name", WAYS)
def test_the_page_reads_a_mask_of_one_thing_the_same(name, tmp_path):
    path = tmp_path / name
    WAYS[name].save(path)
    page = decode_truth(path.read_bytes(), max_megapixels=1)
    np.testing.assert_array_equal(labels(labelling(path), path), page.foreground())


def test_numbers_of_classes_stay_numbers_and_255_says_nothing(tmp_path):
    values = np.repeat([[0, 1, 2, 255]], 20, axis=0).repeat(5, axis=1)
    indexed(values, list(range(256)) * 3).save(tmp_path / "a.png")
    found = labelling(tmp_path / "a.png")
    assert found.classes == 3
    np.testing.assert_array_equal(labels(found, tmp_path / "a.png"), values)
    assert VOID == 255


def test_the_values_of_all_masks_together_decide(tmp_path):
    paths = [tmp_path / name for name in ("full.png", "empty.png", "third.png")]
    for path, value in zip(paths, (170, 0, 85), strict=True):
        grey(np.full((20, 20), value)).save(path)
    found = labelling(*paths)
    assert found.classes == 3
    assert [labels(found, path).max() for path in paths] == [2, 0, 1]
    assert [notice.key for notice in found.notices] == ["truth_greys"]


def test_a_person_names_another_reading(tmp_path):
    grey((~TRUTH) * 255).save(tmp_path / "a.png")
    found = labelling(tmp_path / "a.png", reading="inverse")
    np.testing.assert_array_equal(labels(found, tmp_path / "a.png"), TRUTH)
    assert refused(lambda: labelling(tmp_path / "a.png", reading="upside_down"))


def refused(call):
    with pytest.raises(TrainingError) as caught:
        call()
    return caught.value


def test_masks_without_anything_are_refused(tmp_path):
    grey(np.zeros((20, 20))).save(tmp_path / "a.png")
    assert refused(lambda: labelling(tmp_path / "a.png")).key == "finetune_masks_empty"


def test_more_classes_than_anybody_trains_on_are_refused(tmp_path):
    grey(np.repeat([[0, 70, 91]], 20, axis=0).repeat(7, axis=1)).save(tmp_path / "a.png")
    error = refused(lambda: labelling(tmp_path / "a.png"))
    assert error.key == "finetune_mask_values"
    assert "91" in str(error)


def test_a_photograph_is_no_mask(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40))
    grey(noise).save(tmp_path / "a.png")
    error = refused(lambda: labelling(tmp_path / "a.png"))
    assert error.key == "finetune_masks_unclear"
    assert "photograph" in str(error)


def test_a_huge_mask_is_refused_by_its_header(tmp_path):
    grey(np.zeros((20, 20))).save(tmp_path / "a.png")
    error = refused(lambda: Labelling.of([tmp_path / "a.png"], max_megapixels=1e-4))
    assert error.key == "finetune_mask"
    assert "megapixels" in str(error)


@every("content", [b"", b"text", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_a_mask_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    error = refused(lambda: labelling(tmp_path / "a.png"))
    assert error.key == "finetune_mask"
    assert "a.png" in str(error)


def test_a_name_is_one_short_line():
    assert printable("a\nb\x1b[31m" + "c" * 200) == "a?b?[31m" + "c" * 72
    assert printable("叶子.png") == "叶子.png"


def test_many_classes_that_may_be_objects_are_a_doubt(tmp_path):
    numbers = np.arange(16 * 16).reshape(16, 16) // 20
    grey(numbers).save(tmp_path / "many.png")
    many = labelling(tmp_path / "many.png", reading="labels")
    assert many.classes == 13
    assert "--instances" in many.told[-1].message()
    assert many.told[:-1] == many.notices
    few = labelling(tmp_path / "many.png", reading="foreground")
    assert few.told == few.notices
