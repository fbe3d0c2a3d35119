"""Arrays of NumPy as pictures and masks: which of several is meant, and what is none."""

import io
import zipfile

import numpy as np
import pytest

from segdemo.errors import PictureError
from segdemo.images.decode import decode_plane, looks_like_image
from segdemo.images.masks import decode_truth

SIZE = (24, 32)


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def test_of_several_arrays_the_image_or_the_mask_is_read_by_its_name():
    image = np.arange(24 * 32, dtype=np.uint8).reshape(SIZE)
    mask = np.zeros(SIZE, np.uint8)
    mask[4:9] = 1
    content = npz(affine=np.eye(4), label=mask, image=image)
    assert looks_like_image(content[:512])
    decoded = decode_plane(content, max_megapixels=1)
    np.testing.assert_array_equal(np.asarray(decoded.image)[..., 0], image)
    assert "the one called “image” was read" in decoded.notices[0].message()
    truth = decode_truth(content, max_megapixels=1)
    np.testing.assert_array_equal(truth.labels, mask)


def test_what_holds_no_image_is_one_sentence():
    many = {f"layer{number}": np.zeros(SIZE) for number in range(65)}
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", bytes(200_000_000))
        bomb = stream.getvalue()
    contents = {
        "picture_arrays": [npz(**many), bomb],
        "picture_array": [npz(a=np.zeros(3)), npz(a=np.array(["text"]))],
        "picture_incomplete": [npz(a=np.zeros(SIZE))[:150]],
    }
    wrong = []
    for key, files in contents.items():
        for content in files:
            with pytest.raises(PictureError) as caught:
                decode_plane(content, max_megapixels=1)
            if caught.value.key != key:
                wrong.append((key, caught.value.key))
    assert not wrong
