"""Readings of the same tensors: the right one is told by the norms, or it is said that none is."""

from dataclasses import replace

import pytest
import torch
from remembered import SCALINGS, remembering, smooth_images

from segdemo.architectures.u_shape import UShape
from segdemo.architectures.unet import UNet, UNetConfig, _of_the_family
from segdemo.checkpoints import detect
from segdemo.checkpoints.evidence import wiring
from segdemo.checkpoints.evidence.divergence import divergences
from segdemo.checkpoints.evidence.flow import Joined, norms_of
from segdemo.checkpoints.evidence.moments import join_correlation
from segdemo.checkpoints.evidence.signs import looks_rectified, place_agreement
from segdemo.checkpoints.evidence.texture import texture
from segdemo.checkpoints.evidence.wiring import weigh
from tests.table import every

ORDERS = ("skip_first", "up_first")
IMAGES = torch.empty(1, 3, 64, 64, device="meta")


def trained(join, **changes):
    """A small U-Net that joins in this order, as its file has it."""
    torch.manual_seed(0)
    up = changes.pop("up", "transposed")
    config = replace(UNetConfig.standard(width=8, depth=2, up=up), join=join, **changes)
    network = UNet(config)
    return detect(remembering(network, SCALINGS["unit"](smooth_images())).state_dict())


def readings(detection):
    """Both orders of joining, under the names that one would give them."""
    return tuple(
        replace(
            detection,
            config=replace(detection.config, join=join),
            mapping=replace(detection.mapping, id=join),
        )
        for join in ORDERS
    )


def without_numbers(detection):
    return norms_of(detection.without_weights().build(), IMAGES)


@pytest.fixture(autouse=True)
def _nothing_weighed_before(monkeypatch):
    monkeypatch.setattr(wiring, "_weighed", type(wiring._weighed)())


def test_moments_tell_the_order_behind_transposed_convolutions_from_the_tensors_alone():
    for join in ORDERS:
        detection = trained(join)
        correlations = {
            reading.id: join_correlation(without_numbers(reading), detection.tensors)
            for reading in readings(detection)
        }
        (wrong,) = set(ORDERS) - {join}
        assert correlations[join] > wiring.MOMENTS_LEAST
        assert correlations[wrong] < wiring.MOMENTS_MOST


def test_moments_say_nothing_where_both_branches_are_those_of_a_relu():
    detection = trained("skip_first", up="bilinear")
    assert join_correlation(without_numbers(detection), detection.tensors) is None


@every("join", ORDERS)
@every(
    "changes", [{}, {"up": "bilinear"}, {"up_norm": True}], ids=["moments", "bilinear", "up_norm"]
)
def test_the_order_of_joining_is_told(join, changes):
    found = weigh(readings(trained(join, **changes)), None)
    assert found.left == (join,)
    (ruled_out,) = found.ruled_out
    assert ruled_out.by == ("statistics" if changes else "moments")
    assert found.order[0] == join


def test_norms_that_were_never_trained_rule_nothing_out():
    torch.manual_seed(0)
    network = UNet(UNetConfig.standard(width=8, depth=2))
    assert not weigh(readings(detect(network.state_dict())), None).ruled_out


def test_a_network_without_norms_rules_nothing_out():
    torch.manual_seed(0)
    config = replace(UNetConfig.standard(width=8, depth=1, bias=True), norm=False)
    found = weigh(readings(detect(UNet(config).state_dict())), None)
    assert set(found.left) == set(ORDERS)
    assert not found.figures


def test_readings_that_compute_the_same_stay_apart_from_none():
    """Whether a skip is padded or cropped does not matter where sizes fit."""
    detection = trained("skip_first", up="bilinear")
    one, other = (
        replace(
            detection,
            config=replace(detection.config, fit=fit),
            mapping=replace(detection.mapping, id=fit),
        )
        for fit in ("pad", "crop")
    )
    found = weigh((one, other), None)
    assert set(found.left) == {"pad", "crop"}
    assert found.figures["pad"] == found.figures["crop"]


def test_the_same_content_is_weighed_once_and_another_again(monkeypatch):
    detection = trained("skip_first")
    runs = []
    weigh_anew = wiring._weigh
    monkeypatch.setattr(wiring, "_weigh", lambda *given: runs.append(given) or weigh_anew(*given))
    first = weigh(readings(detection), None)
    assert weigh(readings(detection), None) is first
    assert len(runs) == 1
    exchanged = {
        name: tensor.flip(1) if name == "decoder.1.conv.conv1.weight" else tensor
        for name, tensor in detection.tensors.items()
    }
    weigh(readings(replace(detection, tensors=exchanged)), None)
    assert len(runs) == 2


def test_weighing_leaves_the_network_as_it_was():
    detection = trained("skip_first", up="bilinear")
    before = {name: tensor.clone() for name, tensor in detection.tensors.items()}
    weigh(readings(detection), None)
    changed = [name for name in before if not torch.equal(before[name], detection.tensors[name])]
    assert not changed


def test_signs_tell_the_place_of_the_norm():
    images = smooth_images(8)
    networks = []
    for order in ("norm_first", "act_first"):
        torch.manual_seed(0)
        plain = _of_the_family(UNetConfig.standard(width=8, depth=1))
        networks.append(UShape(replace(plain, order=order)))
    for right, wrong in (networks, networks[::-1]):
        tensors = remembering(right, images).state_dict()
        assert place_agreement(norms_of(right, images), tensors) == 1
        assert place_agreement(norms_of(wrong, images), tensors) < 0.5


def test_a_single_norm_tells_by_its_signs_alone():
    variance = torch.ones(8)
    assert looks_rectified(torch.linspace(0, 1, 8), variance) is True
    assert looks_rectified(torch.linspace(-1, 1, 8), variance) is False
    assert looks_rectified(torch.zeros(8), variance) is None
    assert looks_rectified(torch.ones(3), torch.ones(3)) is None


def test_the_flow_sees_what_each_norm_takes():
    detection = trained("skip_first")
    norms = without_numbers(detection)
    assert len(norms) == 10
    behind_joins = [norm.mean for norm in norms if isinstance(norm.source.source, Joined)]
    assert behind_joins == [f"decoder.{n}.conv.norm1.running_mean" for n in range(2)]


def test_restored_statistics_are_near_in_the_network_that_they_are_of():
    detection = trained("skip_first")
    network, images = detection.build(), smooth_images()
    assert max(divergences(network, images, restored=False)) < 1e-4
    far = divergences(network, 2 - 3 * images, restored=False)
    near = divergences(network, 2 - 3 * images, restored=True)
    assert sum(near[1:]) < sum(far[1:])
    assert near[0] == far[0]


def test_a_network_that_cannot_run_has_no_divergences():
    network = trained("skip_first").build()
    assert divergences(network, torch.zeros(1, 1, 64, 64), restored=True) == ()


def test_the_texture_is_always_the_same_and_as_asked():
    mean, deviation = (0.3, -0.1, 0.0), (0.2, 0.3, 1.0)
    image = texture(mean, deviation, side=64)
    assert torch.equal(image, texture(mean, deviation, side=64))
    assert image.shape == (1, 3, 64, 64)
    assert torch.allclose(image.mean((0, 2, 3)), torch.tensor(mean), atol=1e-5)
    assert torch.allclose(image.std((0, 2, 3)), torch.tensor(deviation), atol=1e-5)
    between = torch.corrcoef(image[0].flatten(1))[0, 1]
    assert 0.8 < float(between) < 0.97
