import json

import pytest
import torch
from checkpoint_files import write_checkpoint
from huggingface_hub import ModelCard, constants
from table import every

import segdemo
from segdemo.checkpoints import read_metadata
from segdemo.cli.main import main
from segdemo.errors import CheckpointError, HubError
from segdemo.hub.publish import publish, write_repository

# The library itself sends files in a way that its HTTP client has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

WORDS = {
    "title": "Cells | of *mine*",
    "licence": "Apache-2.0",
    "preprocessing": {"mean": [0.5], "resize": "longest", "side": 96},
    "postprocessing": {"classes": ["<b>cell</b>"], "threshold": 0.25},
}


@pytest.fixture
def checkpoint(tmp_path):
    return write_checkpoint(tmp_path / "cells.safetensors", words=WORDS)


@pytest.fixture
def token(hub, monkeypatch):
    # The Hub of these tests takes files by HTTP alone.
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    token = hub.user("alice")
    monkeypatch.setenv("HF_TOKEN", token)
    return token


def card(folder, checkpoint, **options):
    write_repository(checkpoint, folder, repo_id="alice/cells", **options)
    return ModelCard.load(folder / "README.md")


@pytest.mark.usefixtures("token")
def test_what_was_published_is_read_back_as_the_same_network(checkpoint):
    address = publish(checkpoint, "alice/cells")
    assert address.endswith("/alice/cells")
    there, here = segdemo.from_pretrained("alice/cells"), segdemo.load(checkpoint)
    assert there.spec == here.spec
    ours = here.network.state_dict()
    for name, tensor in there.network.state_dict().items():
        assert torch.equal(tensor, ours[name])


def test_a_repository_holds_weights_facts_and_a_card(checkpoint, tmp_path):
    card(tmp_path, checkpoint)
    facts = json.loads((tmp_path / "config.json").read_text())
    assert (tmp_path / "model.safetensors").exists()
    assert (facts["library_name"], facts["architecture"]) == ("segdemo", "unet")
    assert facts["postprocessing"]["threshold"] == 0.25


def test_the_card_carries_the_tags_that_the_hub_searches(checkpoint, tmp_path):
    data = card(tmp_path, checkpoint).data
    assert (data.library_name, data.pipeline_tag) == ("segdemo", "image-segmentation")
    assert {"segdemo", "unet", "image-segmentation"} <= set(data.tags)


def test_the_card_states_the_licence_of_the_file(checkpoint, tmp_path):
    assert card(tmp_path, checkpoint).data.license == "apache-2.0"


def test_the_publisher_decides_the_licence(checkpoint, tmp_path):
    assert card(tmp_path, checkpoint, licence="mit").data.license == "mit"
    words = json.loads(read_metadata(tmp_path / "model.safetensors")["segdemo"])
    assert words["licence"] == "mit"


def test_a_licence_that_nobody_stated_is_not_made_up(tmp_path):
    file = write_checkpoint(tmp_path / "a.safetensors")
    assert card(tmp_path, file).data.license is None


def test_text_from_a_file_is_no_markup_in_the_card(checkpoint, tmp_path):
    body = card(tmp_path, checkpoint).text
    assert "# Cells \\| of \\*mine\\*" in body
    assert "\\<b\\>cell" in body
    assert "<b>" not in body


def test_a_name_that_is_none_is_refused_before_anything_is_sent(hub, checkpoint):
    for name in ("cells", "a/b/c.pth", "spaces/alice/cells"):
        with pytest.raises(HubError) as caught:
            publish(checkpoint, name)
        assert caught.value.key == "publish_not_a_name"
    assert not hub.requests


def test_without_a_token_nothing_is_sent(hub, checkpoint):
    with pytest.raises(HubError) as caught:
        publish(checkpoint, "alice/cells")
    assert caught.value.key == "publish_no_token"
    assert not hub.requests


@pytest.mark.usefixtures("token")
def test_nobody_publishes_under_the_name_of_another(checkpoint):
    with pytest.raises(HubError) as caught:
        publish(checkpoint, "bob/cells")
    assert caught.value.key.startswith("hub_forbidden")


@every(
    ("fault", "options", "key"),
    [
        ("hang", {"on": "api"}, "hub_silent"),
        ("status", {"on": "api", "status": 503}, "hub_down"),
        ("page", {"on": "api"}, "hub_no_hub"),
        ("drop", {"on": "write"}, "hub_broken_off"),
    ],
)
def test_a_hub_that_cannot_take_it_is_told(
    hub, token, checkpoint, monkeypatch, fault, options, key
):
    hub.heal()
    hub.fault(fault, **options)
    monkeypatch.setenv("SEGDEMO_HUB_TIMEOUT", "0.5" if key == "hub_silent" else "60")
    with pytest.raises(HubError) as caught:
        publish(checkpoint, "alice/cells", token=token)
    assert caught.value.key == key
    assert not hub.holds("alice/cells", "model.safetensors")


def test_a_token_that_has_expired_is_told_before_anything_is_sent(hub, checkpoint):
    with pytest.raises(HubError) as caught:
        publish(checkpoint, "alice/cells", token="hf_expired")
    assert caught.value.key == "hub_token"
    assert {request.kind for request in hub.requests} == {"api"}


def test_what_is_no_network_is_not_published(hub, token, tmp_path):
    file = tmp_path / "notes.pth"
    file.write_text("no weights")
    with pytest.raises(CheckpointError):
        publish(file, "alice/cells", token=token)
    assert not hub.requests


@pytest.mark.usefixtures("token")
def test_the_command_line_publishes_and_says_how_to_read_it_back(checkpoint, capsys):
    assert main(["publish", str(checkpoint), "alice/cells", "--licence", "mit"]) == 0
    assert 'segdemo.from_pretrained("alice/cells")' in capsys.readouterr().out


def test_the_command_line_tells_what_is_missing(checkpoint, capsys, hub):
    assert main(["publish", str(checkpoint), "alice/cells"]) == 1
    assert "HF_TOKEN" in capsys.readouterr().err
    assert not hub.requests
