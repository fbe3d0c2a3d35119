"""Networks get the bands and the numbers of a file where 8-bit colours do not hold them."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from segdemo.architectures import SizeRequirements
from segdemo.errors import PredictionError
from segdemo.images.decode import decode_plane, turned
from segdemo.images.measured import MeasuredImage, turned_values
from segdemo.images.readers.tiff import MAGIC
from segdemo.inference.bands import bands_for
from segdemo.inference.processing import prepare
from segdemo.spec import Preprocessing

ANY_SIZE = SizeRequirements()
SIZE = (20, 24)


def deep(bands, low=0, high=4000, dtype=np.uint16):
    return np.random.default_rng(bands).integers(low, high, (*SIZE, bands)).astype(dtype)


def measured(values, **facts):
    return MeasuredImage(image=Image.new("RGB", SIZE[::-1]), bands=values, **facts)


def given_to(picture, in_channels, **rules):
    preprocessing = Preprocessing(**{"resize": "none", **rules})
    return (
        prepare(
            picture,
            preprocessing,
            in_channels=in_channels,
            requirements=ANY_SIZE,
            max_side=4096,
        )
        .tensor[0]
        .numpy()
    )


def test_which_bands_a_network_gets():
    rgb, raw = Image.new("RGB", SIZE[::-1]), Preprocessing(divisor=65535)
    five, one, third = measured(deep(5)), measured(deep(1)), measured(deep(4), plane=3)
    plain, chosen = Preprocessing(), Preprocessing(bands=(4, 2))
    found = [
        bands_for(rgb, plain, 3),
        bands_for(rgb, raw, 1),
        bands_for(five, plain, 3),
        bands_for(five, plain, 4),
        bands_for(five, raw, 3),
        bands_for(five, raw, 1),
        bands_for(five, chosen, 2),
        bands_for(one, raw, 3),
        bands_for(third, raw, 1),
    ]
    assert found == [
        *(None, None, None),
        *((1, 2, 3, 4), (1, 2, 3), (1, 2, 3), (4, 2), (1, 1, 1), (3,)),
    ]
    for picture, spec, channels in (
        (rgb, plain, 4),
        (one, plain, 2),
        (five, chosen, 3),
        (five, Preprocessing(bands=(6, 1)), 2),
        (rgb, chosen, 2),
        (rgb, Preprocessing(bands=(1, 2)), 3),
    ):
        with pytest.raises(PredictionError):
            bands_for(picture, spec, channels)


def test_numbers_beyond_8_bits_arrive_exactly_where_they_are_meant():
    values = deep(4)
    np.testing.assert_allclose(
        given_to(measured(values), 4, divisor=10_000), values.transpose(2, 0, 1) / 10_000, rtol=1e-6
    )
    standardised = given_to(measured(values), 4, standardise="channel")
    np.testing.assert_allclose(standardised.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(standardised.std(axis=(1, 2)), 1, atol=1e-5)
    # Else as they are shown, all bands through one window.
    shown = given_to(measured(values), 4)
    assert (shown.min(), shown.max()) == (0, 1)


def test_a_window_of_hounsfield_units_becomes_0_to_255():
    units = deep(1, -1000, 2000, np.int16)
    windowed = given_to(measured(units), 1, window=(-160.0, 240.0), divisor=255)
    np.testing.assert_allclose(windowed[0], np.clip((units[..., 0] + 160) / 400, 0, 1), atol=1e-6)


def test_what_was_not_measured_is_the_lowest_of_its_band():
    values = deep(2, 100, 200).astype(np.float32)
    values[0, 0], values[1, 1, 0] = -9999, np.nan
    found = given_to(measured(values, nodata=-9999), 2, divisor=1000)
    lowest = np.where(values > 0, values, np.inf).min(axis=(0, 1)) / 1000
    np.testing.assert_allclose(found[:, 0, 0], lowest)
    assert found[0, 1, 1] == pytest.approx(lowest[0])


@pytest.mark.parametrize("resample", ["bilinear", "bicubic", "nearest", "lanczos"])
def test_bands_are_resized_as_pillow_resizes_them(resample):
    values = deep(2)
    found = given_to(
        measured(values), 2, divisor=1000, resize="longest", side=12, resample=resample
    )
    kind = Image.Resampling[resample.upper()]
    for number in range(2):
        band = Image.fromarray(values[..., number].astype(np.float32))
        expected = np.asarray(band.resize((12, 10), kind)) / 1000
        np.testing.assert_allclose(found[number], expected, rtol=1e-4, atol=1e-4)


def test_bands_of_a_colour_picture_are_red_green_and_blue():
    values = deep(3, 0, 256, np.uint8)
    found = given_to(Image.fromarray(values), 2, bands=(3, 1), divisor=255)
    np.testing.assert_allclose(found, values[..., [2, 0]].transpose(2, 0, 1) / 255, rtol=1e-6)


def test_deep_colours_keep_their_order():
    values = deep(3)
    straight = given_to(measured(values), 3, divisor=65535)
    np.testing.assert_array_equal(
        given_to(measured(values), 3, divisor=65535, channels="bgr"), straight[::-1]
    )
    grey = given_to(measured(values), 1, divisor=65535)
    np.testing.assert_allclose(grey[0], np.tensordot((0.299, 0.587, 0.114), straight, 1), rtol=1e-5)


def test_a_file_has_its_bands_beside_the_picture():
    def decoded(values, **options):
        stream = io.BytesIO()
        if values.dtype == np.float64:
            np.save(stream, values)
        else:
            tifffile.imwrite(stream, values, **options)
        assert stream.getvalue()[:4] in (*MAGIC, b"\x93NUM")
        return decode_plane(stream.getvalue(), max_megapixels=1)

    stack, flat = deep(3).transpose(2, 0, 1), deep(1)[..., 0]
    pages = decoded(stack, photometric="minisblack")
    np.testing.assert_array_equal(pages.given.bands, deep(3))
    assert pages.given.plane == 1
    np.testing.assert_array_equal(decoded(deep(6).astype(float)).given.bands, deep(6))
    np.testing.assert_array_equal(decoded(flat).given.bands[..., 0], flat)
    eight = deep(3, 0, 256, np.uint8)
    assert decoded(eight, photometric="rgb").measured is None


def test_numbers_are_turned_as_pictures_are():
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    for orientation in range(1, 9):
        np.testing.assert_array_equal(
            turned_values(stored, orientation),
            np.asarray(turned(Image.fromarray(stored), orientation)),
        )
