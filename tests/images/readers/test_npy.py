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


def zipped(content):
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.npy", content)
        return stream.getvalue()


def test_no_more_is_unpacked_than_the_array_takes(monkeypatch):
    with io.BytesIO() as stream:
        np.save(stream, np.eye(24, dtype=np.uint8))
        content = zipped(stream.getvalue() + bytes(1_000_000))
    asked = []
    read = zipfile.ZipExtFile.read
    monkeypatch.setattr(
        zipfile.ZipExtFile, "read", lambda self, n=-1: asked.append(n) or read(self, n)
    )
    assert decode_plane(content, max_megapixels=1).image.size == (24, 24)
    assert 0 < sum(asked) < 100_000


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
        header = {"descr": "<f8", "fortran_order": False, "shape": (20_000, 20_000)}
        np.lib.format.write_array_header_1_0(stream, header)
        large = zipped(stream.getvalue())
    contents = {
        "picture_arrays": [npz(**many), large],
        "picture_array": [npz(a=np.zeros(3)), npz(a=np.array(["text"])), npz(a=np.zeros((0, 9)))],
        "picture_incomplete": [npz(a=np.zeros(SIZE))[:150], zipped(b"no array")],
    }
    wrong = []
    for key, files in contents.items():
        for content in files:
            with pytest.raises(PictureError) as caught:
                decode_plane(content, max_megapixels=1)
            if caught.value.key != key:
                wrong.append((key, caught.value.key))
    assert not wrong
