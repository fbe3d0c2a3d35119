import numpy as np
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.masks import TruthMask
from segdemo.strings import speaking
from segdemo.ui.viewer.map_files import MAX_SIDE
from segdemo.ui.viewer.truth_file import told
from tests.table import every


def mask(width, height, highest=1):
    labels = np.arange(width * height).reshape(height, width) % (highest + 1)
    return TruthMask(labels=labels.astype(np.uint8))


@every(("highest", "several"), [(1, False), (2, True)])
def test_the_viewer_is_told_labels_and_whether_they_are_several(highest, several):
    truth, _ = told(lambda: mask(30, 20, highest), (30, 20))
    assert (truth.several, truth.notices, truth.problem) == (several, (), "")
    assert np.array_equal(
        np.asarray(Image.open(truth.labels.file.path)), mask(30, 20, highest).labels
    )


def test_labels_have_the_size_of_the_maps():
    size = (2 * MAX_SIDE, 21)
    truth, _ = told(lambda: mask(*size), size)
    # Halves are rounded to even, as for the maps.
    assert (truth.labels.width, truth.labels.height) == (MAX_SIDE, 10)
    assert truth.notices == (f"Measured at {MAX_SIDE} × 10, the size of the maps.",)


def test_a_notice_is_said_in_the_visitors_language():
    with speaking("zh"):
        truth, _ = told(lambda: mask(30, 20).fitted((60, 40)), (60, 40))
    assert "60 × 40" in truth.notices[0]
    assert not truth.notices[0].isascii()


def test_a_mask_of_no_use_is_a_problem_and_no_failure():
    truth, _ = told(lambda: mask(30, 20).fitted((60, 60)), (60, 60))
    assert truth.labels is None
    assert "proportions" in truth.problem

    def broken():
        raise PictureError("picture_empty")

    assert told(broken, (60, 60))[0].problem


def test_a_mistake_of_ours_is_told_without_its_text(caplog):
    def mistaken():
        raise RuntimeError("secret")

    problem = told(mistaken, (60, 60))[0].problem
    assert problem
    assert "secret" not in problem
    assert "secret" in caplog.text
