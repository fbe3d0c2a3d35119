"""torchvision's weights: fetched like all others, to where torchvision finds them."""

import hashlib
import io
import os

import pytest
import torch
from table import every
from torchvision import models

from segdemo.errors import HubError
from segdemo.hub import torchvision_weights
from segdemo.hub.download import Downloads
from segdemo.hub.references import Address
from segdemo.settings import Settings


def saved(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


WEIGHT = torch.arange(80_000.0)
CONTENT = saved({"weight": WEIGHT})
NAME = f"lraspp_test-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
LRASPP = Address(source="torchvision", repo_id="lraspp_mobilenet_v3_large")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """torch's own, for downloads."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "torch"))
    return tmp_path / "torch" / "checkpoints"


@pytest.fixture
def publish(hub, folder, monkeypatch):
    """Publishes a file as the weights of LR-ASPP."""

    def published(content=CONTENT, name=NAME):
        hub.add("torch/vision", {name: content}, lfs=[name])
        weights = models.get_model_weights(LRASPP.repo_id).DEFAULT
        url = f"{hub.endpoint}/torch/vision/resolve/main/{name}"
        monkeypatch.setattr(weights.value, "url", url)
        return weights

    return published


def start(address=LRASPP, *, seconds=1.5, megabytes=1000, **options):
    settings = Settings(hub_timeout_seconds=seconds, max_download_megabytes=megabytes)
    return Downloads(settings).start(address, **options)


def fetched(*arguments, **options):
    download = start(*arguments, **options)
    return download, list(download.updates())


def failure(*arguments, **options):
    with pytest.raises(HubError) as caught:
        fetched(*arguments, **options)
    return caught.value


def test_the_six_segmentation_weights_are_known():
    names = torchvision_weights.builders()
    assert len(names) == 6
    for name in names:
        weights = models.get_model_weights(name).DEFAULT
        assert torchvision_weights.DIGEST.search(weights.url), "its digest is checked"


def test_weights_arrive_where_torchvision_looks_for_them(hub, folder, publish):
    weights = publish()
    download, seen = fetched()
    assert download.path == folder / NAME
    assert download.path.read_bytes() == CONTENT
    assert (seen[-1].received, seen[-1].total) == (len(CONTENT), len(CONTENT))
    assert torch.hub.get_dir() == str(folder.parent)
    hub.forget()
    assert torch.equal(weights.get_state_dict()["weight"], WEIGHT)
    assert not hub.requests


def test_weights_that_are_there_cost_no_request(hub, folder, publish):
    publish()
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(CONTENT)
    download, _ = fetched()
    assert download.path.read_bytes() == CONTENT
    assert not hub.requests


def test_weights_over_the_limit_are_refused_before_any_byte(hub, folder, publish):
    publish(os.urandom(1_000_001))
    assert failure(megabytes=1).key == "hub_too_large"
    assert {request.method for request in hub.requests} == {"HEAD"}


FAILURES = [
    ("corrupt", "get", {}, "hub_corrupt"),
    ("truncate", "get", {}, "hub_broken_off"),
    ("stall", "get", {}, "hub_silent"),
    ("endless", "get", {}, "hub_too_long"),
    ("shorter", "get", {}, "hub_size"),
    ("hang", "head", {}, "hub_silent"),
    ("trickle", "head", {"size": 1, "seconds": 0.05}, "hub_silent"),
    ("status", "head", {"status": 503}, "hub_down"),
    ("status", "head", {"status": 403}, "hub_refused"),
    ("status", "get", {"status": 404}, "hub_refused"),
    ("page", "get", {}, "hub_no_file_host"),
    ("page", ("head", "get"), {}, "hub_no_file_host"),
]


@every(("name", "on", "options", "key"), FAILURES)
def test_a_transfer_that_fails_leaves_nothing_and_can_be_tried_again(
    hub, folder, publish, name, on, options, key
):
    publish()
    fault = hub.fault(name, on=on, **options)
    # Whatever else is told by itself.
    assert failure(seconds=0.5 if key == "hub_silent" else 60).key == key
    assert not folder.exists() or not list(folder.iterdir())
    fault.lift()
    download, _ = fetched(seconds=60)
    assert download.path.read_bytes() == CONTENT
    download.path.unlink()


def test_a_file_with_another_digest_than_its_name_says_is_refused(hub, folder, publish):
    publish(name="lraspp_test-0123abcd.pth")
    assert failure().key == "hub_corrupt"
    assert not list(folder.iterdir())


def test_no_token_is_sent_to_torchvision(hub, folder, publish, monkeypatch):
    publish()
    monkeypatch.setenv("HF_TOKEN", hub.user("operator"))
    fetched(token=hub.user("alice"))
    assert {request.token for request in hub.requests} == {""}


def test_weights_can_be_cancelled(hub, folder, publish):
    publish()
    stall = hub.fault("stall", on="get")
    download = start(seconds=60)
    next(seen for seen in download.updates() if seen.received)
    assert stall.met.is_set()
    download.cancel()
    with pytest.raises(HubError) as caught:
        list(download.updates())
    assert caught.value.key == "hub_cancelled"


def test_a_part_that_a_killed_process_left_is_removed(hub, folder, publish):
    publish()
    folder.mkdir(parents=True)
    old, new = folder / f"{NAME}.aa.part", folder / f"{NAME}.bb.part"
    for part in (old, new):
        part.touch()
    os.utime(old, (0, 0))
    fetched()
    assert not old.exists()
    assert new.exists()


def test_a_folder_that_cannot_be_written_to_is_told_as_such(hub, folder, publish):
    publish()
    folder.parent.write_text("a file in the place of the folder", encoding="utf-8")
    error = failure()
    assert error.key == "hub_cache_unwritable"
    assert error.facts["folder"] == str(folder)


def test_a_name_that_torchvision_does_not_have_is_told_with_those_that_it_has(folder):
    error = failure(Address(source="torchvision", repo_id="unet"))
    assert error.key == "hub_no_torchvision"
    assert "fcn_resnet50" in error.facts["known"]
