"""What programs may call, on a page that is served: four endpoints, and nothing behind them."""

import json
from contextlib import ExitStack
from dataclasses import replace

import httpx
import numpy as np
import pytest
import tifffile
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from safetensors.torch import save_file
from sklearn.metrics import f1_score, jaccard_score

from segdemo.architectures.unet import UNet, UNetConfig
from segdemo.catalog import shipped
from segdemo.cli.main import main
from segdemo.hub.references import Address
from segdemo.inference.maps import quantise
from segdemo.inference.pool import Pool
from segdemo.inference.segmenter import load
from segdemo.metrics.curves import curve
from segdemo.metrics.outlines import outlines
from segdemo.settings import Settings
from segdemo.ui import launch_options
from segdemo.ui.handlers import Handlers
from segdemo.ui.page import build
from segdemo.ui.shelf import Shelf
from segdemo.ui.visitor import Visitor
from tests.browser.conftest import served
from tests.table import every
from tests.ui.conftest import in_a_loop, save_unet
from tests.ui.hub_fakes import FakeHub

OWN = 131
"""A threshold k that is no usual one."""

ENDPOINTS = {"/list_checkpoints", "/inspect", "/segment", "/compare"}


@pytest.fixture(scope="module")
def gradio_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("gradio")))
        yield


@pytest.fixture(autouse=True)
def _own_cache(gradio_cache):
    """One folder for the whole module: the server goes on between tests."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    save_unet(folder / "first.safetensors", title="A first")
    save_unet(folder / "broken.safetensors", title="Broken", break_it=True)
    save_unet(folder / "last.safetensors", title="The last")
    own = UNet(UNetConfig.standard(width=4, depth=2)).state_dict()
    words = {"title": "Own threshold", "architecture": "unet", "task": "test"}
    words["postprocessing"] = {"threshold": OWN / 256}
    save_file(own, folder / "own.safetensors", metadata={"segdemo": json.dumps(words)})
    torch.manual_seed(1)
    scene = UNet(UNetConfig.standard(width=4, depth=2, classes=3)).state_dict()
    # So that each class wins somewhere.
    scene["head.weight"] = torch.randn_like(scene["head.weight"])
    scene["head.bias"] = torch.zeros_like(scene["head.bias"])
    words = {"title": "Three classes", "architecture": "unet", "task": "test"}
    save_file(scene, folder / "scene.safetensors", metadata={"segdemo": json.dumps(words)})
    return folder


@pytest.fixture(scope="module")
def handlers(weights):
    settings = Settings(device="cpu", max_megapixels=1)
    here = shipped(weights)
    elsewhere = replace(
        here[0],
        id="far",
        title="Far away",
        path=None,
        source="hub",
        address=Address(repo_id="a/far"),
    )
    return Handlers(
        settings=settings,
        predictor=Pool(settings),
        shelf=Shelf(lambda: [*here, elsewhere]),
        hub=FakeHub().access,
        examples=(),
    )


@pytest.fixture(scope="module")
def address(gradio_cache, handlers, weights):
    with ExitStack() as stack:

        def serve():
            return served(build(handlers, weights), **launch_options(Settings()))

        yield in_a_loop(lambda: stack.enter_context(serve())).rstrip("/")


@pytest.fixture(scope="module")
def client(address, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fetched")
    return Client(address, verbose=False, download_files=folder, analytics_enabled=False)


@pytest.fixture
def picture_path(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (47, 61, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def map_of(weights, name, picture_path):
    """What a network says of the picture, in Python."""
    with Image.open(picture_path) as picture:
        prediction = load(weights / f"{name}.safetensors", device="cpu").predict(picture)
    return prediction.foreground_at(prediction.picture_size)


def middle(values):
    """A threshold that cuts the map in two."""
    return float(np.median(quantise(values))) / 256


def test_exactly_four_endpoints_can_be_called_by_name(address):
    assert httpx.get(f"{address}/gradio_api/info").json()["named_endpoints"].keys() == ENDPOINTS


def test_whatever_else_the_page_does_is_private(address, client):
    names = [event["api_name"] for event in httpx.get(f"{address}/config").json()["dependencies"]]
    assert len(names) > len(ENDPOINTS)
    for name in {name for name in names if name} - {name.strip("/") for name in ENDPOINTS}:
        with pytest.raises(ValueError, match="Cannot find a function"):
            client.predict(api_name=f"/{name}")


def test_each_endpoint_says_what_it_does_and_takes(address):
    for name, facts in httpx.get(f"{address}/gradio_api/info").json()["named_endpoints"].items():
        assert facts["description"].endswith("."), name
        assert all(parameter["type"] for parameter in facts["parameters"]), name
        assert all(answer["type"] for answer in facts["returns"]), name


def test_what_runs_a_network_waits_for_the_device(address):
    events = httpx.get(f"{address}/config").json()["dependencies"]
    queued = {event["api_name"]: event["queue"] for event in events}
    assert {name: queued[name.strip("/")] for name in ENDPOINTS} == {
        "/list_checkpoints": False,
        "/inspect": True,
        "/segment": True,
        "/compare": True,
    }


def test_checkpoints_are_listed_with_whether_they_can_run(client):
    listed = {one["id"]: one for one in client.predict(api_name="/list_checkpoints")}
    assert {name: one["ready"] for name, one in listed.items()} == {
        "first": True,
        "broken": True,
        "scene": True,
        "own": True,
        "last": True,
        "far": False,
    }
    assert listed["first"]["title"] == "A first"
    assert listed["first"]["architecture"] == "unet"


def test_inspect_says_what_the_command_line_says(client, weights, capsys):
    told = client.predict("first", api_name="/inspect")
    assert told.pop("checkpoint") == "first"
    assert main(["inspect", "--json", str(weights / "first.safetensors")]) == 0
    assert told == json.loads(capsys.readouterr().out)


def test_a_mask_is_what_python_computes_at_the_pictures_own_size(client, weights, picture_path):
    expected = map_of(weights, "first", picture_path)
    threshold = middle(expected)
    figures, mask, probability = client.predict(
        handle_file(picture_path), "first", threshold, api_name="/segment"
    )
    wanted = expected >= threshold
    assert 0 < wanted.mean() < 1
    assert (pixels(mask) == np.where(wanted, 255, 0)).all()
    assert (pixels(probability) // 256 == quantise(expected)).all()
    assert figures["coverage"] == wanted.mean()
    assert (figures["width"], figures["height"]) == (61, 47)
    assert figures["threshold"] == threshold
    assert figures["minimum"] <= figures["mean"] <= figures["maximum"]


def test_of_several_classes_any_can_be_picked(client, weights, picture_path):
    with Image.open(picture_path) as picture:
        prediction = load(weights / "scene.safetensors", device="cpu").predict(picture)
    labels = prediction.labels_at((61, 47))
    second = list(prediction.classes_at((61, 47)))[2]
    arguments = {"picture": handle_file(picture_path), "checkpoint": "scene"}
    figures, mask, _ = client.predict(**arguments, pick="all", api_name="/segment")
    assert len(np.unique(labels)) > 1
    assert (pixels(mask) == labels).all()
    assert figures["coverage"] == (labels != 0).mean()
    arguments["threshold"] = middle(second)
    _, mask, probability = client.predict(**arguments, pick="2", api_name="/segment")
    assert (pixels(mask) > 0).any()
    assert ((pixels(mask) > 0) == (second >= arguments["threshold"])).all()
    assert (pixels(probability) // 256 == quantise(second)).all()


def test_a_comparison_has_every_networks_files_and_how_far_they_agree(
    client, weights, picture_path
):
    expected = [map_of(weights, name, picture_path) for name in ("first", "last")]
    threshold = middle(np.concatenate(expected))
    told = client.predict(
        handle_file(picture_path), ["first", "last"], threshold, api_name="/compare"
    )
    masks = [pixels(answer["mask"]) > 0 for answer in told["answers"]]
    for mask, values in zip(masks, expected, strict=True):
        assert (mask == (values >= threshold)).all()
    shared = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    agreement = {"first": "first", "second": "last", "iou": shared, "mean_iou": None}
    assert told["agreement"] == [agreement]
    assert [answer["scores"] for answer in told["answers"]] == [None, None]


def test_each_network_is_cut_at_its_own_threshold_where_none_is_given(
    client, weights, picture_path
):
    values = map_of(weights, "own", picture_path)
    figures, mask, _ = client.predict(handle_file(picture_path), "own", api_name="/segment")
    assert figures["threshold"] == OWN / 256
    assert (pixels(mask) == np.where(quantise(values) >= OWN, 255, 0)).all()
    told = client.predict(handle_file(picture_path), ["own", "first"], api_name="/compare")
    assert [one["figures"]["threshold"] for one in told["answers"]] == [OWN / 256, 0.5]
    assert told["threshold"] is None


def test_a_threshold_means_the_same_in_python_and_for_programs(client, weights, picture_path):
    threshold = middle(map_of(weights, "first", picture_path)) + 0.0013
    with Image.open(picture_path) as picture:
        mask = load(weights / "first.safetensors", device="cpu").predict(picture).mask(threshold)
    _, sent, _ = client.predict(handle_file(picture_path), "first", threshold, api_name="/segment")
    assert (pixels(sent) == np.where(mask, 255, 0)).all()


def test_several_classes_are_scored_each_and_together(client, weights, picture_path, tmp_path):
    with Image.open(picture_path) as picture:
        prediction = load(weights / "scene.safetensors", device="cpu").predict(picture)
    labels = prediction.labels_at((61, 47))
    truth = np.roll(labels, 5, axis=0).astype(np.uint8)
    Image.fromarray(truth).save(tmp_path / "truth.png")
    told = client.predict(
        picture=handle_file(picture_path),
        checkpoints=["scene", "first"],
        truth=handle_file(tmp_path / "truth.png"),
        truth_reading="labels",
        api_name="/compare",
    )
    scene, first = told["answers"]
    flat = truth.ravel(), labels.ravel()
    options = {"labels": [0, 1, 2], "average": None}
    each = [jaccard_score(*flat, **options), f1_score(*flat, **options)]
    found = scene["class_scores"]
    assert [one["iou"] for one in found["classes"]] == pytest.approx(each[0])
    assert [one["dice"] for one in found["classes"]] == pytest.approx(each[1])
    assert found["mean_iou"] == pytest.approx(each[0].mean())
    assert found["mean_dice"] == pytest.approx(each[1].mean())
    assert scene["shown"] == "foreground"
    assert sum(one["share"] for one in scene["classes"]) == pytest.approx(1)
    assert (first["class_scores"], first["classes"]) == (None, [])


def test_a_class_may_be_compared_alone(client, picture_path):
    sent = {"picture": handle_file(picture_path), "pick": "2", "api_name": "/compare"}
    scene, first = client.predict(checkpoints=["scene", "first"], **sent)["answers"]
    assert scene["shown"] == "2"
    assert "2 is no class of this network, which has 1" in first["error"]


def test_a_program_overrides_how_a_picture_is_prepared(client, picture_path):
    small = {"preprocessing": {"resize": "longest", "side": 32}}
    sent = {"picture": handle_file(picture_path), "api_name": "/segment"}
    figures, _, _ = client.predict(checkpoint="first", overrides=small, **sent)
    assert figures["network_size"] == [32, 25]
    told = client.predict(
        handle_file(picture_path), ["first"], overrides={"first": small}, api_name="/compare"
    )
    assert told["answers"][0]["figures"]["network_size"] == [32, 25]


def test_a_network_that_fails_says_so_and_the_others_answer(client, picture_path):
    told = client.predict(handle_file(picture_path), ["broken", "first"], api_name="/compare")
    broken, first = told["answers"]
    assert "NaN" in broken["error"]
    assert broken["mask"] is None
    assert first["error"] is None
    assert pixels(first["mask"]).shape == (47, 61)


def test_a_truth_is_scored_as_python_scores_it(client, weights, picture_path, tmp_path):
    values = map_of(weights, "first", picture_path)
    threshold = middle(values)
    truth = np.zeros((47, 61), np.uint8)
    truth[10:30, 12:50] = 1
    Image.fromarray(truth * 255).save(tmp_path / "truth.png")
    told = client.predict(
        handle_file(picture_path),
        ["first"],
        threshold,
        handle_file(tmp_path / "truth.png"),
        api_name="/compare",
    )
    scores = told["answers"][0]["scores"]
    level = round(threshold * 256)
    q = quantise(values)
    assert scores.pop("boundary_f") == outlines(q, truth).f_score[level]
    assert scores == curve(q, truth).at(level)
    assert told["notices"] == []


def test_a_truth_says_how_it_was_read_and_is_read_as_it_is_asked(client, picture_path, tmp_path):
    labels = np.ones((47, 61), np.uint8)
    labels[10:30, 12:50] = 2
    labels[0, :9] = 250
    Image.fromarray(labels).save(tmp_path / "truth.png")
    sent = handle_file(picture_path), ["first"], 0.5, handle_file(tmp_path / "truth.png")
    truth = client.predict(*sent, api_name="/compare")["truth"]
    assert truth["reading"] == "count_from_1"
    assert {value["value"]: value["label"] for value in truth["values"]} == {
        "1": 0,
        "2": 1,
        "250": None,
    }
    assert "inverse" in truth["other_readings"]
    told = client.predict(*sent, "labels,ground=2", api_name="/compare")
    assert told["truth"]["reading"] == "labels,ground=2"
    with pytest.raises(AppError, match="is no reading of a mask"):
        client.predict(*sent, "sideways", api_name="/compare")


def test_a_program_chooses_a_page_of_the_picture(client, tmp_path):
    pages = np.random.default_rng(0).integers(0, 4096, (2, 40, 50)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "pages.tif", pages, photometric="minisblack")
    sent = handle_file(tmp_path / "pages.tif")
    told = client.predict(sent, ["first"], api_name="/compare")
    assert told["notices"] == ["Page 1 of 2 is shown."]
    told = client.predict(sent, ["first"], plane=2, api_name="/compare")
    assert told["notices"] == ["Page 2 of 2 is shown."]
    first, second = (
        client.predict(sent, "first", plane=plane, api_name="/segment")[0] for plane in (1, 2)
    )
    assert first["mean"] != second["mean"]
    for plane in (3, 0, 1.5, "two"):
        with pytest.raises(AppError, match=r"Pages, channels or slices|page, channel or slice"):
            client.predict(sent, ["first"], plane=plane, api_name="/compare")


def test_a_truth_of_another_shape_is_refused_by_a_sentence(client, picture_path, tmp_path):
    Image.new("L", (61, 10)).save(tmp_path / "truth.png")
    with pytest.raises(AppError, match="61"):
        client.predict(
            picture=handle_file(picture_path),
            checkpoints=["first"],
            truth=handle_file(tmp_path / "truth.png"),
            api_name="/compare",
        )


@every(
    ("endpoint", "arguments", "sentence"),
    [
        ("/inspect", {"checkpoint": "nobody"}, "No checkpoint on offer has the id nobody."),
        ("/inspect", {"checkpoint": ["first"]}, "No checkpoint on offer"),
        ("/inspect", {"checkpoint": "../first.safetensors"}, "No checkpoint on offer"),
        ("/inspect", {"checkpoint": "far"}, "Far away is not on this machine yet"),
        ("/segment", {"checkpoint": "first", "threshold": 1}, "The threshold is 1,"),
        ("/segment", {"checkpoint": "first", "threshold": "0.5"}, "The threshold is 0.5,"),
        ("/segment", {"checkpoint": "first", "threshold": 1e9}, "no number between 0 and 1"),
        ("/segment", {"checkpoint": "first", "assume": ["unet"]}, "no name of a reading"),
        ("/segment", {"checkpoint": "first", "assume": "resnet"}, "resnet"),
        ("/segment", {"checkpoint": "broken"}, "NaN"),
        ("/segment", {"checkpoint": "first", "pick": "all"}, "all is no class"),
        ("/segment", {"checkpoint": "first", "overrides": {"side": 9}}, "preprocessing.side"),
        ("/segment", {"checkpoint": "first", "overrides": []}, "no object of overrides"),
        ("/compare", {"checkpoints": ["first"], "overrides": 3}, "no object of overrides"),
        ("/segment", {"checkpoint": "scene", "pick": "3"}, "3 is no class of this network"),
        ("/compare", {"checkpoints": []}, r"\[\] is no list of checkpoints"),
        ("/compare", {"checkpoints": "first"}, "first is no list of checkpoints"),
        ("/compare", {"checkpoints": ["first", "nobody"]}, "has the id nobody"),
        ("/compare", {"checkpoints": [{}]}, "has the id {}"),
        ("/compare", {"checkpoints": ["first"] * 5}, "5 checkpoints were asked for"),
    ],
)
def test_a_mistake_is_answered_by_our_sentence(client, picture_path, endpoint, arguments, sentence):
    if endpoint != "/inspect":
        arguments = {"picture": handle_file(picture_path), **arguments}
    with pytest.raises(AppError, match=sentence):
        client.predict(**arguments, api_name=endpoint)


def test_the_limits_of_a_picture_hold(client, tmp_path):
    Image.new("L", (2000, 1000)).save(tmp_path / "large.png")
    with pytest.raises(AppError, match="2 megapixels; the limit is 1"):
        client.predict(handle_file(tmp_path / "large.png"), "first", api_name="/segment")


def test_what_is_no_picture_is_answered_by_our_sentence(client, tmp_path):
    (tmp_path / "page.png").write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")
    with pytest.raises(AppError, match="web page"):
        client.predict(handle_file(tmp_path / "page.png"), "first", api_name="/segment")


def segmented(address, picture):
    """What comes back when this is sent as the picture, by no client that means well."""
    call = f"{address}/gradio_api/call/segment"
    asked = httpx.post(call, json={"data": [picture, "first", 0.5, "foreground", None, None]})
    return httpx.get(f"{call}/{asked.json()['event_id']}").text


MARK = {"meta": {"_type": "gradio.FileData"}}


@every("mark", [{}, MARK], ids=["bare", "as a file"])
def test_a_picture_that_was_uploaded_is_one(address, picture_path, mark):
    with picture_path.open("rb") as file:
        (name,) = httpx.post(f"{address}/gradio_api/upload", files={"files": file}).json()
    answer = segmented(address, {"path": name, **mark})
    assert answer.startswith("event: complete")
    assert "coverage" in answer


def test_whatever_goes_wrong_is_a_sentence_on_every_road(address, picture_path):
    call = f"{address}/gradio_api/call/segment"
    for data in ([], [None, "first"], [{"path": "/etc/passwd", **MARK}, "first"], [3] * 9):
        asked = httpx.post(call, json={"data": data})
        answer = httpx.get(f"{call}/{asked.json()['event_id']}").text
        assert answer.startswith("event: error"), data
        assert len(json.loads(answer.partition("data: ")[2])["error"]) > 20, data
    named = f"{address}/gradio_api/call/v2/segment"
    for body in ({}, {"checkpoint": "first"}, {"picture": 3, "checkpoint": "first"}):
        asked = httpx.post(named, json=body)
        if asked.status_code == 200:
            answer = httpx.get(f"{named}/{asked.json()['event_id']}").text
            assert len(json.loads(answer.partition("data: ")[2])["error"]) > 20, body
        else:
            assert len(str(asked.json())) > 20, body


@every("mark", [{}, MARK], ids=["bare", "as a file"])
@every("place", ["inside", "above", "nul", "nothing"])
def test_a_path_on_the_server_is_no_picture(address, weights, picture_path, mark, place):
    name = {
        "inside": str(picture_path),
        "above": f"{weights}/../{picture_path.parent.name}/picture.png",
        "nul": "a\0b",
        "nothing": "",
    }[place]
    answer = segmented(address, {"path": name, **mark})
    assert answer.startswith("event: error")
    assert "coverage" not in answer


@every("picture", [None, "picture.png", [], 3, {"path": 3}, {"url": "x"}])
def test_what_is_no_file_is_no_picture(address, picture):
    assert "No picture was uploaded with this call" in segmented(address, picture)


def test_no_address_is_asked_for_a_picture(address):
    data = [{"path": f"{address}/config", **MARK}, "first", 0.5, "foreground", None, None]
    answer = httpx.post(f"{address}/gradio_api/call/segment", json={"data": data})
    assert answer.status_code == 400
    assert "this server fetches none" in answer.json()["detail"]


def test_nothing_is_run_past_the_queue(address):
    answer = httpx.post(f"{address}/gradio_api/run/segment", json={"data": []})
    assert answer.status_code == 404


def test_what_a_visitor_has_added_is_not_on_offer_to_programs(handlers, client, weights):
    visitor = Visitor()
    mine = replace(shipped(weights)[0], id="mine", title="Mine")
    visitor.entries["mine"] = mine
    assert handlers.shelf.find("mine", visitor)
    assert "mine" not in [one["id"] for one in client.predict(api_name="/list_checkpoints")]
    with pytest.raises(AppError, match="has the id mine"):
        client.predict("mine", api_name="/inspect")
