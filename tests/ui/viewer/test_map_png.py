"""Every array comes back from its PNG bit by bit, by another reader."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from segdemo.ui.viewer.map_png import encode
from tests.table import every


def read(data):
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert (picture.format, picture.mode) == ("PNG", "L")
        return np.asarray(picture)


@given(
    arrays(
        np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.integers(0, 255)
    )
)
def test_a_map_comes_back_bit_by_bit(grey):
    assert np.array_equal(read(encode(grey)), grey)


@every("step", [(slice(None, None, 2), slice(1, None, 3)), (slice(5), slice(9))])
def test_a_part_of_a_larger_map_is_stored_as_it_is_seen(step):
    grey = np.random.default_rng(0).integers(0, 256, (60, 90), dtype=np.uint8)[step]
    assert np.array_equal(read(encode(grey)), grey)


def test_a_map_without_contrast_takes_next_to_nothing():
    assert len(encode(np.full((1000, 1000), 7, np.uint8))) < 20_000
