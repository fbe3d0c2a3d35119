"""Images as people have them in Python are read as their files are."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from segdemo.errors import PictureError
from segdemo.images.decode import decode
from segdemo.images.inputs import as_image
from tests.table import every

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def read(source):
    return np.asarray(as_image(source, max_megapixels=1))


def test_a_path_its_text_bytes_and_an_image_are_one_picture(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(PIXELS).save(path)
    buffer = path.read_bytes()
    with Image.open(path) as image:
        for source in (path, str(path), buffer, bytearray(buffer), memoryview(buffer), image):
            np.testing.assert_array_equal(read(source), PIXELS)


@every(
    ("array", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS[..., 0], np.repeat(PIXELS[..., :1], 3, 2)),
        (PIXELS[..., :1], np.repeat(PIXELS[..., :1], 3, 2)),
        (PIXELS[::2, ::-1], PIXELS[::2, ::-1]),
        (PIXELS.astype(np.float32) / 255, PIXELS),
        (PIXELS[..., 0] > 99, np.repeat(np.where(PIXELS[..., :1] > 99, 255, 0), 3, 2)),
    ],
    ids=["colour", "grey", "one channel", "a view", "floats", "bools"],
)
def test_arrays_are_rgb(array, expected):
    np.testing.assert_array_equal(read(array), expected)


def test_an_array_of_16_bits_is_read_as_its_file():
    deep = PIXELS[..., 0].astype(np.uint16) * 13
    buffer = BytesIO()
    np.save(buffer, deep)
    expected = decode(buffer.getvalue(), max_megapixels=1)
    np.testing.assert_array_equal(read(deep), np.asarray(expected))


def test_transparency_of_an_array_lies_over_white():
    clear = np.zeros((18, 19, 4), np.uint8)
    assert (read(clear) == 255).all()


@every(
    ("source", "sentence"),
    [
        (torch.zeros(3, 4, 4), "A Tensor is no picture"),
        (None, "A NoneType is no picture"),
        (np.zeros((3, 20, 30), np.uint8), "3 × 20 × 30"),
        (np.zeros((0, 3), np.uint8), "0 × 3"),
        (np.array(["a"]), "is no picture"),
        ("absent.png", "no readable file"),
        (b"", "empty"),
    ],
    ids=["tensor", "nothing", "channels first", "no pixel", "words", "absent", "empty"],
)
def test_what_is_no_picture_is_a_sentence(source, sentence):
    with pytest.raises(PictureError, match=sentence):
        as_image(source, max_megapixels=1)


def test_an_array_of_no_numbers_is_read_as_such_a_file_is():
    nothing = np.full((32, 32), np.nan)
    file = BytesIO()
    np.save(file, nothing)
    np.testing.assert_array_equal(read(nothing), read(file.getvalue()))
