"""What is written is what is read back, by a reader that is not ours."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from segdemo.outputs.png import encode_png, is_own_png
from segdemo.outputs.render import label_picture
from tests.table import every

RNG = np.random.default_rng(0)


def noise(mode, width=37, height=23):
    if mode == "I;16":
        return Image.fromarray(RNG.integers(0, 65536, (height, width), dtype=np.uint16))
    if mode == "P":
        labels = RNG.integers(0, 3, (height, width), dtype=np.uint8)
        return label_picture(labels, ("#000000", "#ff0000", "#00ff00"))
    shape = (height, width, len(mode)) if len(mode) > 1 else (height, width)
    return Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8))


@every("mode", ["L", "P", "RGB", "RGBA", "I;16"])
def test_every_pixel_comes_back(mode):
    image = noise(mode)
    with Image.open(BytesIO(encode_png(image))) as read:
        read.load()
        assert read.mode == mode
        np.testing.assert_array_equal(np.asarray(read), np.asarray(image))
        assert (read.getpalette() or [])[:9] == (image.getpalette() or [])[:9]


def test_one_row_and_one_pixel_are_images_too():
    for size in ((1, 1), (5, 1), (1, 5)):
        image = noise("RGB", *size)
        with Image.open(BytesIO(encode_png(image))) as read:
            np.testing.assert_array_equal(np.asarray(read), np.asarray(image))


def test_a_file_says_who_wrote_it_and_others_do_not():
    buffer = BytesIO()
    noise("L").save(buffer, format="PNG")
    assert is_own_png(encode_png(noise("L")))
    assert not is_own_png(buffer.getvalue())


def test_another_mode_is_a_mistake():
    with pytest.raises(ValueError, match="CMYK"):
        encode_png(Image.new("CMYK", (2, 2)))
