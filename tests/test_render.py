import numpy as np
from PIL import Image

from segdemo.render import cutout_picture, map_picture, mask_picture, overlay_picture

MASK = np.array([[True, False], [False, True], [False, False]])
PICTURE = Image.new("RGB", (2, 3), (100, 100, 100))


def test_the_foreground_of_a_mask_is_white_and_the_rest_black():
    assert np.asarray(mask_picture(MASK)).tolist() == [[255, 0], [0, 255], [0, 0]]


def test_a_map_is_quantised_by_the_one_rule():
    probabilities = np.array([[0.0, 0.5, 1.0, 127.9 / 256]], dtype=np.float32)
    assert np.asarray(map_picture(probabilities)).tolist() == [[0, 128, 255, 127]]


def test_an_overlay_tints_the_foreground_alone():
    pixels = np.asarray(overlay_picture(PICTURE, MASK, "#ff0000", opacity=0.5))
    assert pixels[0, 0].tolist() == [177, 50, 50]
    assert pixels[0, 1].tolist() == [100, 100, 100]


def test_a_cutout_is_transparent_outside_and_untouched_inside():
    pixels = np.asarray(cutout_picture(PICTURE, MASK))
    assert pixels[1, 1].tolist() == [100, 100, 100, 255]
    assert pixels[2, 0, 3] == 0
