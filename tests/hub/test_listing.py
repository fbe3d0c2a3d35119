"""Looking at repositories and searching for them: verdicts before any download."""

import io
import json
import time

import pytest
import torch
from code_bases import TutorialUNet
from hub_server import HubServer
from safetensors.torch import save
from strangers import EncoderDecoderNumbered
from table import every

from segdemo.errors import HubError
from segdemo.hub import listing
from segdemo.hub.about import About, allows_commerce
from segdemo.hub.forms import form_of
from segdemo.hub.listing import look, search
from segdemo.hub.references import Address

NETWORK = TutorialUNet(width=4, depth=2, classes=2)
WEIGHTS = save(NETWORK.state_dict())
OTHER_WEIGHTS = save(TutorialUNet(width=6, depth=2).state_dict())
UNKNOWN = save({"a.weight": torch.ones(3)})
REPO = "alice/cells"


def pickled(content, **options):
    stream = io.BytesIO()
    torch.save(content, stream, **options)
    return stream.getvalue()


def card(**facts):
    return ("---\n" + json.dumps(facts) + "\n---\n# Cells\n").encode()


def seen(name=REPO, *, seconds=20.0, token=None, **facts):
    return look(Address(repo_id=name, **facts), seconds=seconds, token=token)


def patience(key):
    """Seconds: few only for what never answers, however busy the machine is."""
    return 0.5 if key == "hub_silent" else 60.0


def refused(name=REPO, **facts):
    with pytest.raises(HubError) as caught:
        seen(name, **facts)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return caught.value


def reasons(repository):
    """By file name: why it does not load, or "" where it does."""
    return {
        file.address.filename: file.verdict.reason.key if file.verdict.reason else ""
        for file in repository.files
    }


def touched(hub):
    return {request.path for request in hub.requests if request.kind in ("get", "head")}


def test_each_weight_file_has_its_verdict_the_loadable_first(hub: HubServer):
    files = {
        "a.pth": pickled(NETWORK),
        "b.safetensors": UNKNOWN,
        "folder/z.pth": pickled({"net": NETWORK.state_dict()}),
        "y.safetensors": WEIGHTS,
        "readme.txt": b"hello",
    }
    commit = hub.add(REPO, files)
    repository = seen()
    assert repository.address == Address(repo_id=REPO, revision=commit)
    assert list(reasons(repository).items()) == [
        ("folder/z.pth", ""),
        ("y.safetensors", ""),
        ("a.pth", "file_whole_object"),
        ("b.safetensors", "checkpoint_unknown"),
    ]
    for file in repository.files:
        assert file.address.revision == commit
        assert file.bytes == len(files[file.address.filename])
        assert len(file.sha256) == 64
    verdict = repository.files[0].verdict
    assert (verdict.architecture, verdict.classes, verdict.in_channels) == ("unet", 2, 3)
    assert verdict.parameters == sum(parameter.numel() for parameter in NETWORK.parameters())


def test_a_look_is_one_request_and_little_of_each_large_file(hub: HubServer):
    big = {f"{n}": torch.ones(10**6) for n in range(3)}
    hub.add(REPO, {"a.pth": pickled(big), "b.safetensors": save(big)})
    seen()
    assert sum(request.kind == "api" for request in hub.requests) == 1
    for path, parts in (("a.pth", 2), ("b.safetensors", 1)):
        sent = [request.sent for request in hub.requests if request.path == path and request.sent]
        assert len(sent) == parts
        assert sum(sent) <= 170_000
    assert all(request.range for request in hub.requests if request.kind == "get")


@every("form", ["archive", "safetensors"])
def test_a_look_tells_what_a_network_was_trained_on_from_a_few_small_tensors(hub, form):
    torch.manual_seed(0)
    network = EncoderDecoderNumbered(width=12)
    conv, norm = network.enc1[0], network.enc1[1]
    mean = torch.tensor([0.5, 0.4, 0.3])
    # Of images in [0, 1] whose pixels are those of one colour each, nearly.
    norm.running_mean.copy_((conv.weight.sum((2, 3)) @ mean + conv.bias).detach())
    norm.running_var.copy_((0.25 * conv.weight.sum((1, 2, 3))).detach() ** 2 + 1e-4)
    data = pickled(network.state_dict()) if form == "archive" else save(network.state_dict())
    hub.add(f"{REPO}-{form}", {"a.bin": data})
    before = len(hub.requests)
    (file,) = seen(f"{REPO}-{form}").files
    assert file.verdict.reason is None
    assert file.verdict.inputs is not None
    assert file.verdict.inputs.mean == pytest.approx(mean.tolist(), abs=1e-3)
    assert file.verdict.inputs.r_squared > 0.99
    sent = [request.sent for request in hub.requests[before:] if request.path == "a.bin"]
    assert sum(sent) <= 200_000
    assert sum(map(bool, sent)) <= 4


def test_what_training_keeps_is_not_shown_and_other_forms_are_only_named(hub: HubServer):
    hidden = (
        "optimizer.pt", "scheduler.pt", "rng_state.pth", "rng_state_0.pth", "training_args.bin",
        "optimizer.bin", "scaler.pt", "random_states_0.pkl", "events.out.tfevents.1.host.0",
        "model.safetensors.index.json", "config.json", "picture.png", "run/optimizer_state.pt",
    )  # fmt: skip
    unread = ("a.ort", "b.keras", "c.h5", "d.gguf", "e.tflite", "f.pkl", "openvino_model.bin")
    hub.add(REPO, {"model.safetensors": WEIGHTS, **dict.fromkeys((*hidden, *unread), b"{}")})
    repository = seen()
    assert list(reasons(repository)) == ["model.safetensors"]
    assert repository.unread == unread
    assert touched(hub) == {"model.safetensors", "config.json"}


def test_a_large_file_without_an_ending_may_be_weights(hub: HubServer):
    names = ["model-34-stage2", "unet_v1.2"]
    hub.add(REPO, {**dict.fromkeys(names, WEIGHTS), "LICENSE": b"MIT"}, lfs=names)
    assert reasons(seen()) == dict.fromkeys(names, "")


@every(
    ("path", "large", "form"),
    [
        ("u2net.pth", False, "weights"),
        ("a/b.PT", False, "weights"),
        ("unet.pth.tar", False, "weights"),
        ("pytorch_model.bin", False, "weights"),
        ("last.ckpt", False, "weights"),
        ("model_not_working.not_safetensors", True, "unread"),
        ("model.torchscript.pt", True, "unread"),
        ("LICENSE", False, "other"),
        ("picture.jpg", True, "other"),
        ("film.mp4", True, "other"),
        (".gitattributes", True, "other"),
        ("optimizer.py", False, "other"),
        ("optimal.pt", False, "weights"),
        ("epoch=3-step=900", True, "weights"),
    ],
)
def test_a_name_tells_what_a_file_may_be(path, large, form):
    assert form_of(path, large=large) == form


def test_the_same_content_is_read_once_and_each_file_is_told_by_its_own_name(hub: HubServer):
    whole = pickled(NETWORK)
    hub.add(REPO, {"a.pth": WEIGHTS, "b/a.bin": WEIGHTS, "x.pth": whole, "y.pth": whole})
    repository = seen()
    assert reasons(repository) == {
        "a.pth": "",
        "b/a.bin": "",
        "x.pth": "file_whole_object",
        "y.pth": "file_whole_object",
    }
    assert len(touched(hub)) == 2
    for file in repository.files[2:]:
        assert file.address.filename in str(file.verdict.reason)


def test_of_very_many_files_the_largest_are_read_and_the_others_named(hub, monkeypatch):
    monkeypatch.setattr(listing, "MAX_JUDGED", 3)
    sizes = {f"{n}.safetensors": save({"w": torch.ones(n)}) for n in (10, 40, 20, 50, 30)}
    hub.add(REPO, sizes)
    found = reasons(seen())
    assert {name for name, key in found.items() if key == "hub_not_judged"} == {
        "10.safetensors",
        "20.safetensors",
    }
    assert touched(hub) == {"30.safetensors", "40.safetensors", "50.safetensors"}


def test_a_network_in_several_files_is_one_file_with_a_reason(hub: HubServer):
    parts = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    hub.add(REPO, {**dict.fromkeys(parts, WEIGHTS), "unet.pth": pickled(NETWORK.state_dict())})
    first, second = seen().files
    assert first.verdict.reason is None
    assert (second.verdict.reason.key, second.bytes) == ("hub_in_parts", 3 * len(WEIGHTS))
    assert "model.safetensors" in str(second.verdict.reason)
    assert touched(hub) == {"unet.pth"}
    (part,) = seen(filename=parts[1]).files
    assert part.verdict.reason.facts["count"] == 3


def test_a_repository_without_weights_that_are_read_is_refused_with_its_forms(hub: HubServer):
    hub.add(REPO, {"a.ort": b"1", "b/b.keras": b"2", "c.ORT": b"3", "README.md": b""})
    error = refused()
    assert error.key == "hub_no_weights"
    assert error.facts["found"] == ".keras, .ort"


def test_a_repository_without_any_weights_is_refused(hub: HubServer):
    for files in ({}, {"README.md": b"", "optimizer.pt": b"1"}):
        hub.add(REPO, files)
        assert refused().key == "hub_no_files"


def test_what_is_said_of_the_repository_keeps_its_name(hub: HubServer):
    commit = hub.add(REPO, {"a.pth": WEIGHTS})
    siblings = [{"rfilename": name, "size": 9} for name in ("a.pth", "gone.pth")]
    hub.fault("body", on="api", content=described(sha=commit, siblings=siblings), times=1)
    (gone,) = [file for file in seen().files if file.address.filename == "gone.pth"]
    assert str(gone.verdict.reason).startswith(f"{REPO} has no file gone.pth")


# What goes wrong with one file, or with all.


@every(
    ("fault", "options", "key"),
    [
        ("drop", {}, "hub_broken_off"),
        ("page", {}, "hub_other_part"),
        ("status", {"status": 500}, "hub_down"),
        ("status", {"status": 404}, "hub_refused"),
        ("status", {"status": 429, "headers": {"Retry-After": "86400"}}, "hub_rate_limited"),
        ("redirect", {"to": "http://127.0.0.1:1/"}, "hub_unreachable"),
        ("no_ranges", {}, ""),
        ("headers", {"headers": {"Content-Range": "bytes 0-9/10"}}, "hub_other_part"),
    ],
)
def test_one_bad_file_has_its_own_reason_and_spares_the_others(hub, fault, options, key):
    hub.heal()
    others = {f"{n}.safetensors": save({"w": torch.ones(n)}) for n in range(1, 9)}
    hub.add(REPO, {"bad.pth": WEIGHTS, "good.pth": OTHER_WEIGHTS, **others})
    hub.fault(fault, on="get", path="bad.pth", **options)
    found = reasons(seen(seconds=60))
    assert (found.pop("bad.pth"), found.pop("good.pth")) == (key, "")
    assert set(found.values()) == {"checkpoint_unknown"}


def test_files_that_never_answer_leave_time_for_the_others(hub: HubServer):
    bad = {f"{n}.pth": save({"w": torch.ones(1000 + n)}) for n in range(5)}
    hub.add(REPO, {"good.pth": WEIGHTS, "odd.safetensors": UNKNOWN, **bad})
    for name in bad:
        hub.fault("stall" if name == "0.pth" else "hang", on="get", path=name)
    began = time.monotonic()
    found = reasons(seen(seconds=6))
    assert time.monotonic() - began < 12
    assert (found.pop("good.pth"), found.pop("odd.safetensors")) == ("", "checkpoint_unknown")
    assert set(found.values()) == {"hub_silent"}


def test_when_time_is_up_what_was_not_read_says_so(hub, monkeypatch):
    monkeypatch.setattr(listing, "_THREADS", 1)
    monkeypatch.setattr(listing, "_SHARE_OF_TIME", 1)
    hub.add(REPO, {"a.pth": WEIGHTS + bytes(900), "b.pth": WEIGHTS})
    hub.fault("hang", on="get", path="a.pth")
    assert reasons(seen(seconds=0.6)) == {"a.pth": "hub_silent", "b.pth": "hub_no_time"}


@every(
    ("fault", "options", "key"),
    [
        ("hang", {}, "hub_silent"),
        ("trickle", {"size": 1, "seconds": 0.05}, "hub_silent"),
        ("page", {}, "hub_no_hub"),
        ("body", {"content": b'{"id": '}, "hub_no_hub"),
        ("body", {"content": b"[]"}, "hub_no_hub"),
        ("body", {"content": b'{"id": "a/b"}'}, "hub_no_hub"),
        (
            "body",
            {"content": b'{"id": "a/b", "sha": "../x", "siblings": []}'},
            "hub_no_hub",
        ),
        ("body", {"content": b'{"id": "a/b", "siblings": 3}'}, "hub_no_hub"),
        ("status", {"status": 503}, "hub_down"),
        ("gzip", {}, "hub_no_hub"),
    ],
)
def test_a_listing_that_does_not_come_has_its_sentence(hub, fault, options, key):
    hub.heal()
    hub.add(REPO, {"a.pth": WEIGHTS})
    hub.fault(fault, on="api", **options)
    assert refused(seconds=patience(key)).key == key


def described(**facts):
    """The answer of a server that says of a repository what it likes."""
    return json.dumps({"id": REPO, "sha": "a" * 40, "siblings": [], **facts}).encode()


def test_what_a_listing_says_of_files_is_not_trusted(hub: HubServer):
    good = {"rfilename": "good.pth", "size": len(WEIGHTS), "lfs": None}
    siblings = [
        {"rfilename": "../../evil.pth", "size": 3},
        {"rfilename": "/etc/evil.pth", "size": 3},
        {"rfilename": "a\n<b>.pth", "size": 3},
        {"rfilename": 7, "size": 3},
        {"rfilename": "minus.pth", "size": -5},
        {"rfilename": "minus.pth", "size": -5},
        {"rfilename": "text.pth", "size": "9"},
        {"rfilename": "huge.pth", "size": 10**18},
        {
            "rfilename": "digest.pth",
            "size": 3,
            "lfs": {"size": 3, "sha256": "../x", "pointerSize": 1},
        },
        good,
    ]
    commit = hub.add(REPO, {"good.pth": WEIGHTS})
    content = described(siblings=siblings, sha=commit, tags="x", config=[1], cardData=[3], gated={})
    hub.fault("body", on="api", content=content, times=1)
    repository = seen()
    assert reasons(repository) == {
        "good.pth": "",
        "digest.pth": "hub_no_file_of",
        "huge.pth": "hub_no_file_of",
        "minus.pth": "file_empty",
        "text.pth": "file_empty",
    }
    assert all(file.sha256 is None for file in repository.files)
    assert (repository.licence, repository.commercial, repository.gated) == ("", None, False)


def test_a_file_of_another_size_than_listed_is_refused(hub: HubServer):
    commit = hub.add(REPO, {"a.pth": WEIGHTS})
    siblings = [{"rfilename": "a.pth", "size": len(WEIGHTS) - 1}]
    hub.fault("body", on="api", content=described(sha=commit, siblings=siblings))
    assert reasons(seen()) == {"a.pth": "hub_other_part"}


# Who may see it.


def test_gated_private_and_absent_repositories_are_told_apart(hub: HubServer):
    hub.add("bob/gated", {"a.pth": WEIGHTS, "b.pth": OTHER_WEIGHTS}, gated="manual")
    hub.add("bob/own", {"a.pth": WEIGHTS}, private=True)
    visitor, owner = hub.user("eve"), hub.user("bob")
    assert refused("bob/gated").key == "hub_gated"
    assert refused("bob/gated", token=visitor).key == "hub_gated_refused"
    assert refused("bob/own").key == "hub_not_found"
    assert refused("bob/own", token=visitor).key == "hub_not_found_signed_in"
    assert refused("bob/none").key == "hub_not_found"
    assert refused("bob/gated", token="hf_wrong").key == "hub_token"
    gated, own = seen("bob/gated", token=owner), seen("bob/own", token=owner)
    assert (gated.gated, gated.private, set(reasons(gated).values())) == (True, False, {""})
    assert (own.gated, own.private, set(reasons(own).values())) == (False, True, {""})


def test_a_refusal_that_holds_for_all_is_not_asked_for_again(hub: HubServer):
    files = {f"{n}.pth": save({"w": torch.ones(n)}) for n in range(1, 31)}
    hub.add(REPO, files, gated="auto")
    assert refused().key == "hub_gated"
    assert len(touched(hub)) < 10


# Which files of which revision.


def test_a_revision_is_pinned_to_its_commit(hub: HubServer):
    old = hub.add(REPO, {"a.safetensors": UNKNOWN})
    request = hub.add(REPO, {"a.safetensors": WEIGHTS}, branch="refs/pr/2")
    assert reasons(seen(revision="refs/pr/2")) == {"a.safetensors": ""}
    assert seen(revision="refs/pr/2").address.revision == request
    assert seen().address.revision == old
    assert refused(revision="none").key == "hub_no_revision_of"


def test_an_address_of_a_file_is_about_this_file_alone(hub: HubServer):
    hub.add(REPO, {"a.pth": WEIGHTS, "b.pth": OTHER_WEIGHTS, "odd.txt": WEIGHTS, "c.ort": b"1"})
    assert reasons(seen(filename="a.pth")) == {"a.pth": ""}
    assert touched(hub) == {"a.pth"}
    assert reasons(seen(filename="odd.txt")) == {"odd.txt": ""}
    assert reasons(seen(filename="c.ort")) == {"c.ort": "file_foreign"}
    error = refused(filename="d.pth")
    assert (error.key, error.facts["known"]) == ("hub_no_file_of", "a.pth, b.pth")
    hub.add("alice/none", {"a.txt": b"1"})
    assert refused("alice/none", filename="d.pth").key == "hub_no_file"


def test_a_space_is_looked_at_like_a_model(hub: HubServer):
    hub.add(REPO, {"app.py": b"", "model": WEIGHTS}, repo_type="space", lfs=["model"])
    repository = seen(repo_type="space")
    assert reasons(repository) == {"model": ""}
    assert repository.files[0].address.repo_type == "space"


# Whose networks they are.


@pytest.mark.parametrize(
    "config",
    [{"auto_map": {"AutoModel": "briarmbg.BriaRMBG"}, "model_type": "SegformerForSegmentation"}],
)
def test_networks_with_code_of_their_own_load_when_their_tensors_are_known(hub, config):
    files = {"a.pth": WEIGHTS, "b.safetensors": UNKNOWN, "c.pth": b"<html>"}
    hub.add(REPO, {**files, "config.json": json.dumps(config).encode()})
    assert reasons(seen()) == {
        "a.pth": "",
        "b.safetensors": "hub_remote_code",
        "c.pth": "file_web_page",
    }


def test_of_a_diffusion_model_it_is_said_what_it_is(hub: HubServer):
    hub.add(REPO, {"unet/diffusion.safetensors": UNKNOWN, "a.pth": WEIGHTS}, tags=["diffusers"])
    assert reasons(seen()) == {"a.pth": "", "unet/diffusion.safetensors": "hub_diffusion"}


@every(
    ("facts", "shown", "commercial"),
    [
        ({"license": "apache-2.0"}, "apache-2.0", True),
        ({"license": "MIT"}, "mit", True),
        ({"license": ["bsd-3-clause", "mit"]}, "bsd-3-clause", True),
        ({"license": "cc-by-nc-4.0"}, "cc-by-nc-4.0", False),
        ({"license": "cc-by-nc-sa-3.0"}, "cc-by-nc-sa-3.0", False),
        ({"license": "openrail"}, "openrail", None),
        ({"license": "other"}, "other", None),
        (
            {"license": "other", "license_name": "bria-rmbg-1.4"},
            "other (bria-rmbg-1.4)",
            False,
        ),
        ({"license": "other", "license_name": "mine"}, "other (mine)", None),
        (
            {"license": "mit", "library_name": "segmentation-models-pytorch"},
            "mit (SMP default)",
            None,
        ),
        ({}, "", None),
    ],
)
def test_the_licence_is_shown_with_what_it_allows(hub, facts, shown, commercial):
    hub.add(REPO, {"a.pth": WEIGHTS, "README.md": card(**facts)})
    repository = seen()
    assert (repository.licence, repository.commercial) == (shown, commercial)


def test_a_licence_in_the_tags_counts_when_the_card_names_none(hub: HubServer):
    about = About.read(tags=["license:mit", 3], library=None, config=None, card=None)
    assert about.licence == ("mit", True)
    assert allows_commerce("nvidia-open") is False


# Searching.


@pytest.fixture
def many(hub: HubServer):
    """Repositories as a search on the Hub finds them."""
    pth = {"a.pth": b"1"}
    hub.add("ann/u2net-human", pth, downloads=5, likes=2)
    hub.add("ben/U-2-Net", pth, downloads=50, gated="auto")
    hub.add("cat/unet-cells", pth, downloads=7, pipeline_tag="image-segmentation")
    hub.add("dan/unet-notebook", {"a.ipynb": b"1", "b.ort": b"1"}, downloads=900)
    hub.add("eva/anime-unet", pth, downloads=800, tags=["diffusers"], library_name="diffusers")
    hub.add("fay/unet-comfy", pth, downloads=700, tags=["ComfyUI"])
    hub.add("guy/unet-words", pth, downloads=600, pipeline_tag="text-generation")
    hub.add("smp-hub/unet.imagenet", pth, downloads=500)
    hub.add(
        "hal/sd-unet",
        {**pth, "config.json": b'{"auto_map": {}}', "README.md": card(license="mit")},
        downloads=3,
    )
    hub.add("ida/fcn8s", pth, pipeline_tag="image-segmentation", downloads=2)
    return hub


def names(words, **options):
    return [found.repo_id for found in search(words, **options)]


@every("words", ["U²-Net", "u2net", "U-2-Net", "u2-net", " U2 Net "])
def test_a_network_is_found_however_its_name_is_written(many, words):
    assert names(words) == ["ben/U-2-Net", "ann/u2net-human"]


@every("words", ["unet", "U-Net", "UNET"])
def test_only_what_may_be_a_segmenter_is_found_those_for_it_first(many, words):
    assert names(words) == ["cat/unet-cells", "hal/sd-unet"]


@every("words", ["image-segmentation", "", "segmentation"])
def test_the_task_alone_is_a_search_too(many, words):
    assert names(words) == ["cat/unet-cells", "ida/fcn8s"]


@every("words", ["FCN", "fully convolutional network", "fcn8s"])
def test_other_names_are_found_as_well(many, words):
    assert names(words) == ["ida/fcn8s"]


def test_a_result_tells_what_people_choose_by(many):
    ben, ann = search("u2net")
    assert (ben.downloads, ben.gated, ann.likes, ann.gated) == (50, True, 2, False)
    assert [found.licence for found in search("sd-unet")] == ["mit"]


def test_nothing_is_found_for_what_is_not_there(many):
    assert names("zebrafish") == []


def test_no_more_than_asked_for_are_given(many):
    assert len(names("net", limit=2)) == 2


def test_each_spelling_is_one_page_and_no_more(many, monkeypatch):
    for n in range(70):
        many.add(f"zoe/unet-{n}", {"a.pth": b"1"})
    many.forget()
    assert len(names("unet", limit=20)) == 20
    assert len(many.requests) == 4


@every(
    ("fault", "options", "key"),
    [
        ("hang", {}, "hub_silent"),
        ("trickle", {"size": 1, "seconds": 0.05}, "hub_silent"),
        ("page", {}, "hub_no_hub"),
        ("body", {"content": b'{"error": 1}'}, "hub_no_hub"),
        ("body", {"content": b"nonsense"}, "hub_no_hub"),
        ("status", {"status": 503}, "hub_down"),
        ("status", {"status": 429, "headers": {"Retry-After": "99"}}, "hub_rate_limited"),
        ("gzip", {}, "hub_no_hub"),
        ("drop", {}, "hub_broken_off"),
    ],
)
def test_a_search_without_an_answer_says_why(many, fault, options, key):
    many.heal()
    many.fault(fault, on="list", **options)
    with pytest.raises(HubError) as caught:
        search("unet", seconds=patience(key))
    assert caught.value.key == key


def test_one_answer_of_several_is_enough(many):
    many.fault("status", status=500, on="list", times=1)
    assert names("fcn") == ["ida/fcn8s"]


def test_nothing_found_is_not_said_where_an_answer_is_missing(many):
    many.fault("status", status=500, on="list", times=1)
    with pytest.raises(HubError):
        search("zebrafish")


def test_results_that_make_no_sense_are_left_out(many):
    good = {"id": "a/b", "siblings": [{"rfilename": "a.pth"}], "downloads": "7", "likes": -1}
    content = [3, {}, {"id": 3}, {"id": "../x"}, {"id": "a/c", "siblings": [3]}, good]
    content += [{"id": "a/d", "siblings": [{"rfilename": "b.pth"}], "tags": 3, "cardData": "x"}]
    many.fault("body", on="list", content=json.dumps(content).encode())
    assert [(found.repo_id, found.downloads, found.likes) for found in search("x")] == [
        ("a/b", 0, 0),
        ("a/d", 0, 0),
    ]


def test_nothing_is_asked_offline(many, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(HubError) as caught:
        search("unet")
    assert (caught.value.key, refused("ann/u2net-human").key) == ("hub_offline", "hub_offline")
    assert not many.requests
