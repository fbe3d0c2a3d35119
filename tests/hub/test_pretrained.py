import json

import pytest
import torch
from code_bases import randomised
from huggingface_hub import PyTorchModelHubMixin, constants
from PIL import Image
from safetensors.torch import save
from torch import nn

import segdemo
from segdemo.architectures.u2net import U2Net, U2NetConfig
from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.errors import HubError, UnknownNetworkError

PICTURE = Image.linear_gradient("L").resize((48, 40)).convert("RGB")


def unet(seed=0):
    return randomised(UNet(UNetConfig.standard(width=4, depth=1)), seed)


def weights(seed=0):
    return save(unet(seed).state_dict(), {"segdemo": json.dumps({"title": f"seed {seed}"})})


def refusal(*arguments, **options):
    with pytest.raises(HubError) as caught:
        segdemo.from_pretrained(*arguments, **options)
    return caught.value


def test_a_repository_with_one_checkpoint_needs_no_filename(hub):
    hub.add("alice/cells", {"weights/best.safetensors": weights(), "README.md": b"# Cells"})
    segmenter = segdemo.from_pretrained("alice/cells")
    assert segmenter.detection.architecture.id == "unet"
    assert segmenter.predict(PICTURE).probabilities.shape == (1, 40, 48)


def test_among_several_the_one_with_the_usual_name_is_meant(hub):
    hub.add("alice/cells", {"a.safetensors": weights(1), "model.safetensors": weights(2)})
    found = segdemo.from_pretrained("alice/cells").network.state_dict()
    expected = unet(2).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_among_equals_the_person_chooses(hub):
    hub.add("alice/cells", {"a.safetensors": weights(1), "b.safetensors": weights(2)})
    error = refusal("alice/cells")
    assert error.key == "hub_which_file"
    assert error.facts["known"] == "a.safetensors, b.safetensors"
    assert segdemo.from_pretrained("alice/cells", filename="b.safetensors")


def test_a_pasted_address_of_a_file_is_enough(hub):
    hub.add("alice/cells", {"a.safetensors": weights(1), "b.safetensors": weights(2)})
    address = f"{hub.endpoint}/alice/cells/blob/main/a.safetensors"
    assert segdemo.from_pretrained(address).detection.parameters


def test_a_revision_names_an_older_network(hub):
    first = hub.add("alice/cells", {"model.safetensors": weights(1)})
    hub.add("alice/cells", {"model.safetensors": weights(2)})
    found = segdemo.from_pretrained("alice/cells", revision=first).network.state_dict()
    expected = unet(1).state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_pytorch_model_hub_mixin_saved_is_read(hub, tmp_path):
    class Wrapped(nn.Module, PyTorchModelHubMixin, library_name="their-library"):
        def __init__(self, classes: int = 1):
            super().__init__()
            config = U2NetConfig.lite(in_channels=3, classes=classes)
            self.model = randomised(U2Net(config))

    theirs = Wrapped()
    theirs.save_pretrained(tmp_path / "saved")
    files = {path.name: path.read_bytes() for path in (tmp_path / "saved").iterdir()}
    assert {"config.json", "model.safetensors"} <= files.keys()
    hub.add("alice/wrapped", files)
    segmenter = segdemo.from_pretrained("alice/wrapped")
    assert segmenter.detection.stripped == ("model.",)
    found, expected = segmenter.network.state_dict(), theirs.model.state_dict()
    assert found.keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())


def test_a_private_repository_needs_its_token(hub):
    token = hub.user("alice")
    hub.add("alice/cells", {"model.safetensors": weights()}, private=True)
    assert refusal("alice/cells").key == "hub_not_found"
    assert segdemo.from_pretrained("alice/cells", token=token)


def test_what_no_network_of_ours_fits_says_why(hub):
    hub.add("alice/other", {"model.safetensors": save({"head.weight": torch.rand(3, 4)})})
    with pytest.raises(UnknownNetworkError):
        segdemo.from_pretrained("alice/other")


def test_words_that_name_no_repository_are_refused(hub):
    assert refusal("cells and more").key == "hub_not_an_address"
    assert not hub.requests


def test_offline_it_is_what_was_fetched_before(hub, monkeypatch):
    hub.add("alice/cells", {"model.safetensors": weights()})
    segdemo.from_pretrained("alice/cells")
    asked = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert segdemo.from_pretrained("alice/cells").detection.architecture.id == "unet"
    assert refusal("alice/never-fetched").key == "hub_offline"
    assert len(hub.requests) == asked


def test_a_file_that_is_there_is_not_fetched_again(hub):
    commit = hub.add("alice/cells", {"model.safetensors": weights()})
    segdemo.from_pretrained(f"alice/cells@{commit}/model.safetensors")
    asked = len(hub.requests)
    segdemo.from_pretrained(f"alice/cells@{commit}/model.safetensors")
    assert len(hub.requests) == asked
