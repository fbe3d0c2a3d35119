"""A picture in parts: every part fits, and together they say what the whole says."""

import torch
from code_bases import randomised
from hypothesis import given, settings
from hypothesis import strategies as st

from segdemo.architectures.fcn import FCN, FCNConfig
from segdemo.architectures.parts.vgg import vgg16
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.engine.engine import Engine
from segdemo.engine.receptive_field import ReceptiveField
from segdemo.engine.tiling import best_tiling, tiled

FIELDS = st.builds(
    ReceptiveField,
    before=st.integers(0, 40),
    after=st.integers(0, 40),
    step=st.sampled_from([1, 2, 16]),
)
LENGTHS = st.integers(1, 400)
SHARES = st.floats(0.01, 1.0)


@given(LENGTHS, LENGTHS, FIELDS, SHARES)
def test_every_pixel_comes_from_one_part_that_sees_all_that_it_depends_on(h, w, field, share):
    parts = best_tiling(h, w, field, share)
    if parts is None:
        return
    for length, spans in ((h, parts.rows), (w, parts.columns)):
        kept = [range(length)[s.kept_start : s.kept_stop] for s in spans]
        assert [pixel for part in kept for pixel in part] == list(range(length))
        for span, pixels in zip(spans, kept, strict=True):
            assert span.start <= max(0, pixels[0] - field.before)
            assert span.stop >= min(length, pixels[-1] + field.after + 1)
            assert span.start % field.step == 0


@given(LENGTHS, LENGTHS, FIELDS, SHARES)
def test_no_part_is_larger_than_its_share_nor_all_of_them_than_three_pictures(h, w, field, share):
    parts = best_tiling(h, w, field, share)
    if parts is None:
        return
    areas = [
        (row.stop - row.start) * (column.stop - column.start)
        for row in parts.rows
        for column in parts.columns
    ]
    assert max(areas) <= share * h * w
    assert sum(areas) <= 3 * h * w
    assert len(areas) == parts.count


def test_a_picture_that_fits_is_one_part():
    parts = best_tiling(100, 200, ReceptiveField(before=9, after=9, step=1), 1.0)
    assert parts.count == 1
    assert parts.sizes == {(100, 200)}


def test_the_parts_with_the_least_overlap_are_chosen():
    field = ReceptiveField(before=8, after=8, step=1)
    # A long picture is cut across, whichever way it lies.
    assert best_tiling(100, 1000, field, 0.3).sizes == {(100, 262)}
    assert best_tiling(1000, 100, field, 0.3).sizes == {(262, 100)}


def test_a_picture_that_would_be_mostly_overlap_has_no_parts():
    assert best_tiling(64, 64, ReceptiveField(before=30, after=30, step=1), 0.5) is None


def test_a_unet_is_not_told_by_its_parts_from_the_whole():
    @settings(max_examples=8, deadline=None)
    @given(
        st.sampled_from(["skip_first", "up_first"]),
        st.booleans(),
        st.sampled_from([2, 3]),
        st.integers(24, 32),
        st.integers(24, 32),
        st.integers(0, 99),
    )
    def check(join, norm, classes, rows, columns, seed):
        torch.manual_seed(seed)
        config = UNetConfig.standard(width=2, classes=classes, bias=True)
        network = randomised(UNet(UNetConfig(**{**vars(config), "join": join, "norm": norm})))
        assert_the_same(network, torch.rand(1, 3, 16 * rows, 16 * columns), 0.85)

    check()


def test_so_it_is_with_an_fcn_that_pads_by_100_and_cuts():
    torch.manual_seed(0)
    widths = vgg16(1)
    network = FCN(FCNConfig(in_channels=3, classes=2, widths=widths, hidden=(4, 4), skips=2))
    assert_the_same(randomised(network), torch.rand(1, 3, 1600, 96), 0.8)


def test_margins_that_are_too_small_would_be_seen():
    network = randomised(UNet(UNetConfig.standard(width=2)))
    pictures = torch.rand(1, 3, 320, 320)
    parts = best_tiling(320, 320, ReceptiveField(before=16, after=16, step=16), 0.5)
    with torch.inference_mode():
        expected = network(pictures)
        found = tiled(network, pictures, parts)
    assert (found - expected).abs().max() > 1e-3 * expected.abs().max()


def assert_the_same(network, pictures, share):
    """To 1e-5 of the largest logit, in more than one part."""
    engine = Engine()
    parts = engine.tiling(network, pictures, share)
    assert parts is not None
    assert parts.count > 1
    with torch.inference_mode():
        expected = network(pictures)
        found = engine.run(network, pictures, tiling=parts)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max().clamp(min=1)


def test_a_network_that_cuts_its_skips_to_the_size_has_no_parts_of_odd_sizes():
    config = UNetConfig.standard(width=2)
    network = randomised(UNet(UNetConfig(**{**vars(config), "fit": "crop"})))
    assert Engine().tiling(network, torch.rand(1, 3, 500, 500), 0.7) is None
    assert_the_same(network, torch.rand(1, 3, 512, 512), 0.7)
    # What is not cut may be odd.
    assert_the_same(network, torch.rand(1, 3, 500, 512), 0.7)
