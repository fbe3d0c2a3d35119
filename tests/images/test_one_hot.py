"""A channel for each class is one label for each pixel, and nothing else is."""

import io

import numpy as np
import tifffile

from segdemo.images.masks import decode_truth
from segdemo.images.one_hot import one_hot_labels

LABELS = np.array([[0, 1, 2], [2, 1, 0]])
SET = np.eye(3)[LABELS].transpose(2, 0, 1)


def labels_of(planes):
    return one_hot_labels(lambda number: planes[number], len(planes))


def test_exactly_one_channel_is_set_at_each_pixel():
    forms = (SET.astype(np.uint8), SET > 0, (SET * 255).astype(np.uint16), SET, SET * 0.7 + 0.1)
    for planes in forms:
        np.testing.assert_array_equal(labels_of(planes), LABELS)


def test_other_channels_are_no_labels():
    twice, never = SET.copy(), SET.copy()
    twice[:, 0, 0] = 1
    never[:, 0, 0] = 0
    unlike = [SET[0], SET[1], SET[2][:1]]
    numbers = (SET * np.arange(1, 4)).astype(int)
    others = (twice, never, -SET, SET * 2.0, np.where(SET, np.nan, 0), unlike, numbers + SET[0])
    assert not [planes for planes in others if labels_of(planes) is not None]


def test_pages_of_colours_are_no_channels():
    pages = np.zeros((6, 20, 30, 3), np.uint8)
    pages[:, 4:9, :, 0] = 255
    stream = io.BytesIO()
    tifffile.imwrite(stream, pages, photometric="rgb")
    assert decode_truth(stream.getvalue(), max_megapixels=1).numbers == (0, 1)
