"""Networks of segmentation_models_pytorch from their tensors alone: no config.json, any wrapper."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from segdemo.errors import UnknownNetworkError
from segdemo.inference.segmenter import load
from segdemo.libraries.base import Library
from segdemo.libraries.smp import settings as smp_settings
from segdemo.libraries.smp import signatures
from tests.libraries.small_smp import NARROW, network, seeded
from tests.libraries.test_smp import image, of_the_library
from tests.table import every

pytest.importorskip("segmentation_models_pytorch")

# Another one for each decoder, so that all ways in which encoders are named take part.
PAIRS = [
    (decoder, encoder)
    for number, decoder in enumerate(one for one in NARROW if one != "DPT")
    for encoder in [("mobilenet_v2", "resnet18", "vgg11", "timm-skresnet18")[number % 4]]
    if not (encoder == "vgg11" and decoder in ("PAN", "DeepLabV3", "DeepLabV3Plus"))
]


def lightning(path, net):
    """As the library's own example trains: buffers of the inputs beside the network."""
    named = {f"model.{key}": tensor for key, tensor in net.state_dict().items()}
    named |= {"mean": torch.full((1, 3, 1, 1), 0.4), "std": torch.full((1, 3, 1, 1), 0.3)}
    torch.save({"state_dict": named, "epoch": 2}, path)


@pytest.mark.slow
@every("decoder, encoder", PAIRS)
def test_the_decoder_is_told_by_names_and_the_encoder_by_shapes(tmp_path, decoder, encoder):
    seeded()
    net = network(decoder, encoder)
    path = tmp_path / "weights.pth"
    torch.save(net.state_dict(), path)
    segmenter = load(path, device="cpu")
    assert encoder in segmenter.detection.architecture.describe(segmenter.detection.config).lower()
    picture = image(64, 96)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4


def test_a_lightning_module_says_how_its_network_was_fed(tmp_path):
    net = network("FPN", "resnet18")
    lightning(tmp_path / "last.ckpt", net)
    segmenter = load(tmp_path / "last.ckpt", device="cpu")
    assert segmenter.spec.preprocessing.mean == pytest.approx((0.4,) * 3)
    assert segmenter.spec.preprocessing.std == pytest.approx((0.3,) * 3)
    picture = image(64, 64)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4


def test_what_no_tensor_tells_is_an_alternative(tmp_path):
    net = network("Unet", "mobilenet_v2", decoder_interpolation="bilinear")
    path = tmp_path / "weights.pth"
    torch.save(net.state_dict(), path)
    first = load(path, device="cpu")
    assert "decoder_interpolation" not in first.detection.known
    (other,) = first.detection.alternatives
    assert other.known["decoder_interpolation"] == "bilinear"
    segmenter = load(path, device="cpu", assume=other.id)
    picture = image(64, 64)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4


def test_encoders_that_share_all_shapes_are_alternatives_of_a_resnet(tmp_path):
    net = network("Unet", "tu-resnetaa50")
    path = tmp_path / "weights.pth"
    torch.save(net.state_dict(), path)
    first = load(path, device="cpu")
    ids = [other.id for other in first.detection.alternatives]
    assert "smp.unet.tu-resnetaa50" in ids
    assert "smp.unet.tu-resnetblur50" in ids
    segmenter = load(path, device="cpu", assume="smp.unet.tu-resnetaa50")
    picture = image(64, 64)
    expected = of_the_library(net, picture, segmenter)
    assert np.abs(segmenter.predict(picture).probabilities - expected).max() <= 2e-4


def test_without_the_extra_another_decoder_is_named_and_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    save_file(network("Linknet", "resnet18").state_dict(), path)
    monkeypatch.setattr(Library, "is_installed", False)
    with pytest.raises(UnknownNetworkError) as refused:
        load(path, device="cpu")
    assert refused.value.key == "library_missing"
    assert "Linknet on resnet18" in str(refused.value)


def test_every_encoder_of_the_librarys_own_list_has_its_signature():
    import segmentation_models_pytorch as smp  # noqa: PLC0415

    named = {name for names in signatures._index().values() for name in names}
    assert set(smp.encoders.get_encoder_names()) <= named
    assert len(named) > 500
    assert smp_settings.TIMM + "resnetaa50" in named
