"""Downloads: what is asked, what is checked before and after, and who may stop them."""

import errno
import hashlib
import os
import shutil
import threading
from pathlib import Path

import pytest
from checkpoint_files import write_checkpoint
from hub_server import refusing_endpoint
from huggingface_hub import constants, hf_hub_download
from table import every

from segdemo.errors import HubError
from segdemo.hub import repository_files
from segdemo.hub.download import Downloads, Progress
from segdemo.hub.references import Address
from segdemo.inference.segmenter import load
from segdemo.settings import Settings

REPO = "alice/cells"
LARGE = os.urandom(700_000)
SMALL = b"weights that are not in large file storage"


def settings(**changes):
    return Settings(**{"hub_timeout_seconds": 60, **changes})


@pytest.fixture
def downloads():
    """For what answers, however busy the machine is."""
    return Downloads(settings())


def impatient():
    """For what never answers."""
    return Downloads(settings(hub_timeout_seconds=0.5))


def address(filename="model.safetensors", revision=None, repo_id=REPO):
    return Address(repo_id=repo_id, filename=filename, revision=revision)


def fetched(downloads, where, **options):
    download = downloads.start(where, **options)
    seen = list(download.updates())
    return download, seen


def failure(downloads, where, **options):
    with pytest.raises(HubError) as caught:
        fetched(downloads, where, **options)
    return caught.value


def asked(hub):
    return [request.method for request in hub.requests]


def files_in(folder):
    return {path.name for path in Path(folder).rglob("*") if path.is_file()}


@every(
    ("filename", "content"), [("model.safetensors", LARGE), ("unet.ckpt", SMALL), ("a.bin", b"")]
)
def test_a_file_arrives_as_it_is_on_the_hub(hub, hub_cache, downloads, filename, content):
    lfs = [filename] if content is LARGE else []
    commit = hub.add(REPO, {filename: content}, lfs=lfs)
    download, seen = fetched(downloads, address(filename))
    assert download.path.read_bytes() == content
    assert download.path.name == filename
    assert download.path.parent.name == commit
    assert hub_cache in download.path.parents
    assert not download.unchecked
    assert seen[-1] == Progress(received=len(content), total=len(content))


def test_a_copy_of_a_full_commit_costs_no_request(hub, downloads):
    commit = hub.add(REPO, {"model.safetensors": LARGE})
    first, _ = fetched(downloads, address(revision=commit))
    hub.forget()
    again, _ = fetched(downloads, address(revision=commit))
    assert again.path == first.path
    assert not hub.requests


def test_a_copy_that_another_program_fetched_costs_no_request(hub, hub_cache, downloads):
    commit = hub.add(REPO, {"model.safetensors": LARGE, "config.json": b"{}"})
    theirs = hf_hub_download(REPO, "model.safetensors", revision=commit)
    hub.forget()
    download, _ = fetched(downloads, address(revision=commit))
    assert download.path == Path(theirs)
    assert not hub.requests


def test_a_copy_of_a_branch_costs_one_request_that_moves_nothing(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    fetched(downloads, address())
    hub.forget()
    fetched(downloads, address())
    assert asked(hub) == ["HEAD"]


def test_a_branch_that_moved_on_brings_its_new_file(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    old, _ = fetched(downloads, address())
    hub.add(REPO, {"model.safetensors": LARGE[::-1]})
    new, _ = fetched(downloads, address())
    assert new.path != old.path
    assert new.path.read_bytes() == LARGE[::-1]


def test_the_last_copy_of_a_branch_serves_when_the_hub_cannot_be_reached(
    hub, downloads, turn_client_to
):
    hub.add(REPO, {"model.safetensors": LARGE})
    first, _ = fetched(downloads, address())
    with refusing_endpoint() as nobody:
        turn_client_to(nobody)
        download, _ = fetched(downloads, address())
        assert download.path == first.path
        assert download.unchecked
        assert failure(downloads, address("other.pth")).key == "hub_unreachable"


@every(("name", "options"), [("status", {"status": 503}), ("hang", {}), ("page", {}), ("drop", {})])
def test_the_last_copy_of_a_branch_serves_when_the_hub_is_in_trouble(hub, downloads, name, options):
    hub.heal()
    hub.add(REPO, {"model.safetensors": LARGE})
    first, _ = fetched(downloads, address())
    hub.fault(name, **options)
    download, _ = fetched(impatient() if name == "hang" else downloads, address())
    assert download.path == first.path
    assert download.unchecked


def test_no_copy_serves_for_a_repository_that_is_gone(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    fetched(downloads, address())
    hub.repository(REPO).private = True
    assert failure(downloads, address()).key == "hub_not_found"


def test_offline_mode_serves_what_is_there_and_asks_nobody(hub, downloads, monkeypatch):
    hub.add(REPO, {"model.safetensors": LARGE})
    first, _ = fetched(downloads, address())
    hub.forget()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    download, _ = fetched(downloads, address())
    assert download.path == first.path
    assert failure(downloads, address("other.pth")).key == "hub_offline"
    assert not hub.requests


def test_what_describes_the_weights_comes_with_them(hub, downloads):
    commit = hub.add(
        REPO,
        {
            "a/model.safetensors": LARGE,
            "a/config.json": b'{"classes": 1}',
            "a/preprocessor_config.json": b"{}",
            "config.json": b"not beside it",
        },
    )
    download, _ = fetched(downloads, address("a/model.safetensors", commit))
    assert {path.name for path in download.path.parent.iterdir()} == {
        "model.safetensors",
        "config.json",
        "preprocessor_config.json",
    }
    assert (download.path.parent / "config.json").read_bytes() == b'{"classes": 1}'


def test_what_arrived_is_loaded_with_what_describes_it(hub, downloads, tmp_path):
    weights = write_checkpoint(tmp_path / "model.safetensors").read_bytes()
    preprocessor = b'{"image_mean": [0.25, 0.5, 0.75], "image_std": [1, 1, 1]}'
    hub.add(REPO, {"model.safetensors": weights, "preprocessor_config.json": preprocessor})
    download, _ = fetched(downloads, address())
    assert load(download.path).spec.preprocessing.mean == (0.25, 0.5, 0.75)


def test_what_describes_the_weights_is_left_out_when_it_is_too_large(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE, "config.json": b" " * 1_000_001}, lfs=[])
    download, _ = fetched(downloads, address())
    assert not (download.path.parent / "config.json").exists()


def test_weights_do_not_come_without_what_describes_them(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE, "config.json": b"{}"})
    fault = hub.fault("status", path="config.json", status=503)
    assert failure(downloads, address()).key == "hub_down"
    fault.lift()
    download, _ = fetched(downloads, address())
    assert (download.path.parent / "config.json").exists()


def test_a_description_that_is_damaged_is_not_kept(hub, hub_cache, downloads):
    hub.add(REPO, {"model.safetensors": LARGE, "config.json": b'{"classes": 1}'})
    hub.fault("corrupt", on="get", path="config.json")
    assert failure(downloads, address()).key == "hub_corrupt"
    assert "config.json" not in files_in(hub_cache)


# Before any byte.


def test_a_file_over_the_limit_is_refused_before_any_byte(hub):
    hub.add(REPO, {"model.safetensors": os.urandom(1_000_001)})
    error = failure(Downloads(settings(max_download_megabytes=1)), address())
    assert error.key == "hub_too_large"
    assert error.facts["limit"] == "1.0 MB"
    assert asked(hub) == ["HEAD"]


def test_a_file_larger_than_the_disk_is_refused_before_any_byte(hub, downloads, monkeypatch):
    hub.add(REPO, {"model.safetensors": LARGE})
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    error = failure(downloads, address())
    assert error.key == "hub_disk_small"
    assert error.facts["free"] == "1.0 kB"
    assert asked(hub) == ["HEAD"]


NAMES = [
    ("etag", "../../../../evil"),
    ("etag", "a" * 39),
    ("etag", "A" * 64),
    ("etag", ""),
    ("commit", "../../../../evil"),
    ("commit", "main"),
    ("commit", "b" * 39),
    ("size", "-1"),
    ("size", "many"),
]


@every(
    ("name", "value", "path"),
    [(*row, path) for row in NAMES for path in ("model.safetensors", "config.json")],
)
def test_names_from_the_server_are_checked_in_every_answer(
    hub, tmp_path, downloads, name, value, path
):
    """In that about the weights, and in the next one, about what describes them."""
    hub.heal()
    commit = hub.add(REPO, {"model.safetensors": LARGE, "config.json": b"{}"})
    hub.fault(name, on="head", path=path, value=value)
    assert failure(downloads, address(revision=commit)).key == "hub_no_hub"
    assert not [path for path in tmp_path.parent.rglob("*") if "evil" in path.name]


def test_what_comes_with_the_bytes_names_nothing(hub, tmp_path, downloads):
    """Only the answer that was checked before says where a file is kept."""
    hub.add(REPO, {"model.safetensors": SMALL}, lfs=[])
    names = {"ETag": '"../../../../evil"', "X-Repo-Commit": "../../../../evil"}
    hub.fault("headers", on="get", headers=names)
    download, _ = fetched(downloads, address())
    assert download.path.read_bytes() == SMALL
    assert not [path for path in tmp_path.parent.rglob("*") if "evil" in path.name]


def test_another_commit_than_the_wanted_one_is_refused(hub, downloads):
    commit = hub.add(REPO, {"model.safetensors": LARGE})
    hub.fault("commit", on="head", value="c" * 40)
    assert failure(downloads, address(revision=commit)).key == "hub_no_hub"


def test_a_server_that_sends_more_than_it_said_is_cut_off(hub, hub_cache, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    endless = hub.fault("endless", on="get", path="model.safetensors")
    assert failure(downloads, address()).key == "hub_too_long"
    endless.lift()
    assert "model.safetensors" not in files_in(hub_cache)


# On its way.


FAILURES = [
    ("corrupt", {}, "hub_corrupt"),
    ("truncate", {}, "hub_broken_off"),
    ("shorter", {}, "hub_size"),
    ("stall", {}, "hub_silent"),
    ("hang", {}, "hub_silent"),
    ("drop", {}, "hub_broken_off"),
    ("garbage", {}, "hub_broken_off"),
    ("status", {"status": 500}, "hub_down"),
    ("status", {"status": 429, "headers": {"Retry-After": "3600"}}, "hub_rate_limited"),
    ("gzip", {"megabytes": 1}, "hub_no_hub"),
    ("redirect", {"to": "file:///etc/passwd"}, "hub_no_hub"),
    ("redirect_loop", {}, "hub_no_hub"),
]


@every(
    ("name", "options", "key", "size"),
    [(*row, len(content)) for row in FAILURES for content in (LARGE, SMALL)],
)
def test_a_transfer_that_fails_leaves_nothing_and_can_be_tried_again(
    hub, hub_cache, downloads, name, options, key, size
):
    content = os.urandom(size)
    lfs = ["model.safetensors"] if size == len(LARGE) else []
    hub.add(REPO, {"model.safetensors": content}, lfs=lfs)
    fault = hub.fault(name, on="get", path="model.safetensors", **options)
    asked = impatient() if key == "hub_silent" else downloads
    assert failure(asked, address()).key == key
    assert not [name for name in files_in(hub_cache) if name.endswith(".incomplete")]
    assert "model.safetensors" not in files_in(hub_cache)
    fault.lift()
    download, _ = fetched(downloads, address())
    assert download.path.read_bytes() == content
    shutil.rmtree(hub_cache)


def test_a_copy_in_the_cache_that_differs_is_removed(hub, hub_cache, downloads):
    commit = hub.add(REPO, {"model.safetensors": LARGE, "old.pth": b"1"})
    fetched(downloads, address("old.pth", commit))
    blob = next(hub_cache.rglob("blobs")) / hashlib.sha256(LARGE).hexdigest()
    blob.write_bytes(b"not these")
    assert failure(downloads, address(revision=commit)).key == "hub_corrupt"
    assert not blob.exists()
    download, _ = fetched(downloads, address(revision=commit))
    assert download.path.read_bytes() == LARGE


def test_what_a_killed_process_left_of_a_file_is_removed(hub, hub_cache, downloads):
    commit = hub.add(REPO, {"model.safetensors": LARGE, "old.pth": b"1"})
    fetched(downloads, address("old.pth", commit))
    blobs = next(hub_cache.rglob("blobs"))
    left = blobs / f"{hashlib.sha256(LARGE).hexdigest()}.0a1b2c3d.incomplete"
    other = blobs / f"{'0' * 64}.0a1b2c3d.incomplete"
    left.touch()
    other.touch()
    fetched(downloads, address(revision=commit))
    assert not left.exists()
    assert other.exists()


def test_two_processes_fetch_a_file_once(hub, hub_cache):
    """Another process asks the same of the disk as other downloads in this one."""
    commit = hub.add(REPO, {"model.safetensors": LARGE})
    stall = hub.fault("stall", on="get", path="model.safetensors")
    first, second, third = (Downloads(settings()) for _ in range(3))
    working = first.start(address(revision=commit))
    assert stall.met.wait(20)
    next(progress for progress in working.updates() if progress.received)
    parts = {name for name in files_in(hub_cache) if name.endswith(".incomplete")}
    assert len(parts) == 1
    waiting, leaving = second.start(address(revision=commit)), third.start(address(revision=commit))
    for download in (waiting, leaving):
        next(progress for progress in download.updates() if progress.total)
    leaving.cancel()
    with pytest.raises(HubError):
        list(leaving.updates())
    assert parts <= files_in(hub_cache)
    stall.lift()
    for download in (working, waiting):
        list(download.updates())
        assert download.path.read_bytes() == LARGE
    assert len([request for request in hub.requests if request.sent > 1000]) == 1


def test_a_full_disk_is_told_as_such(hub, hub_cache, downloads, monkeypatch):
    hub.add(REPO, {"model.safetensors": LARGE})

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert failure(downloads, address()).key == "hub_disk_full"


def test_a_cache_that_cannot_be_written_to_is_told_as_such(hub, hub_cache, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    hub_cache.write_text("a file in the place of the folder", encoding="utf-8")
    error = failure(downloads, address())
    assert error.key == "hub_cache_unwritable"
    assert error.facts["folder"] == str(hub_cache)


# Who may see what.


def test_a_visitors_file_goes_to_the_visitors_folder_alone(hub, hub_cache, downloads, tmp_path):
    hub.add(REPO, {"model.safetensors": LARGE}, private=True)
    token = hub.user("alice")
    folder = tmp_path / "visitor"
    download, _ = fetched(downloads, address(), token=token, folder=folder)
    assert folder in download.path.parents
    assert "model.safetensors" not in files_in(hub_cache)
    assert failure(downloads, address()).key == "hub_not_found"


def test_a_token_goes_to_the_hub_and_not_to_the_storage_that_it_names(hub, downloads, tmp_path):
    hub.add(REPO, {"model.safetensors": LARGE}, private=True)
    fetched(downloads, address(), token=hub.user("alice"), folder=tmp_path / "visitor")
    hosts = {(request.host.split(":")[0], bool(request.token)) for request in hub.requests}
    assert hosts == {("127.0.0.1", True), ("localhost", False)}


def test_a_gated_file_comes_for_those_who_were_let_in(hub, downloads, tmp_path):
    hub.add(REPO, {"model.safetensors": LARGE}, gated="manual")
    hub.admit("carol", REPO)
    bob, carol, folder = hub.user("bob"), hub.user("carol"), tmp_path / "v"
    for token, key in ((None, "hub_gated"), (bob, "hub_gated_refused")):
        assert failure(downloads, address(), token=token, folder=folder).key == key
    fetched(downloads, address(), token=carol, folder=folder)


# Together.


def test_the_same_file_wanted_twice_comes_once_and_both_see_it(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    stall = hub.fault("stall", on="get", path="model.safetensors")
    patient = Downloads(settings())
    first, second = patient.start(address()), patient.start(address())
    for download in (first, second):
        assert next(seen for seen in download.updates() if seen.received).total == len(LARGE)
    stall.lift()
    assert list(first.updates())[-1] == list(second.updates())[-1]
    assert first.path == second.path
    bodies = [request for request in hub.requests if request.sent > 1000]
    assert len(bodies) == 1


def test_different_tokens_never_share_a_transfer(hub, downloads, tmp_path):
    hub.add(REPO, {"model.safetensors": LARGE}, private=True)
    stall = hub.fault("stall", on="get", path="model.safetensors")
    patient = Downloads(settings())
    allowed = patient.start(address(), token=hub.user("alice"), folder=tmp_path)
    assert stall.met.wait(20)
    refused = patient.start(address(), token=hub.user("bob"), folder=tmp_path)
    with pytest.raises(HubError) as caught:
        list(refused.updates())
    assert caught.value.key == "hub_not_found_signed_in"
    allowed.cancel()


def test_a_transfer_stops_when_nobody_waits_any_more(hub, hub_cache):
    hub.add(REPO, {"model.safetensors": LARGE})
    stall = hub.fault("stall", on="get", path="model.safetensors")
    patient = Downloads(settings())
    first, second = patient.start(address()), patient.start(address())
    next(seen for seen in first.updates() if seen.received)
    first.cancel()
    with pytest.raises(HubError) as caught:
        list(first.updates())
    assert caught.value.key == "hub_cancelled"
    stall.lift()
    assert list(second.updates())[-1].received == len(LARGE)
    assert second.path.read_bytes() == LARGE


@every(
    ("name", "on"),
    [("hang", "head"), ("trickle", "head"), ("hang", "get"), ("trickle", "get"), ("stall", "get")],
)
def test_cancelling_acts_while_the_server_is_silent(hub, hub_cache, downloads, name, on):
    hub.heal()
    hub.add(REPO, {"model.safetensors": LARGE})
    options = {"size": 1, "seconds": 0.05} if name == "trickle" else {}
    fault = hub.fault(name, on=on, **options)
    download = downloads.start(address())
    worker = next(t for t in threading.enumerate() if t.name == f"download {REPO}")
    assert fault.met.wait(20)
    download.cancel()
    with pytest.raises(HubError) as caught:
        list(download.updates())
    # Long before the deadline, which is a minute.
    worker.join(20)
    assert not worker.is_alive()
    assert caught.value.key == "hub_cancelled"
    assert not [name for name in files_in(hub_cache) if name.endswith(".incomplete")]


def test_what_was_cancelled_can_be_started_again_at_once(hub):
    hub.add(REPO, {"model.safetensors": LARGE})
    stall = hub.fault("stall", on="get", path="model.safetensors", times=1)
    patient = Downloads(settings())
    download = patient.start(address())
    assert stall.met.wait(20)
    download.cancel()
    again, seen = fetched(patient, address())
    assert again.path.read_bytes() == LARGE
    assert seen[-1].received == len(LARGE)


def test_cancelling_twice_or_after_the_end_changes_nothing(hub, downloads):
    hub.add(REPO, {"model.safetensors": LARGE})
    download, _ = fetched(downloads, address())
    download.cancel()
    assert list(download.updates())
    assert download.path.exists()
    stall = hub.fault("stall", on="get", path="other.pth")
    hub.add(REPO, {"other.pth": LARGE[::-1]})
    patient = Downloads(settings())
    one, other = patient.start(address("other.pth")), patient.start(address("other.pth"))
    one.cancel()
    one.cancel()
    assert stall.met.wait(20)
    stall.lift()
    assert list(other.updates())[-1].received == len(LARGE)


def test_a_mistake_of_ours_is_not_swallowed(hub, downloads, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(repository_files, "fetch", broken)
    with pytest.raises(ZeroDivisionError):
        fetched(downloads, address())


def test_a_repository_alone_is_nothing_to_fetch(hub, downloads):
    assert failure(downloads, Address(repo_id=REPO)).key == "hub_no_file"


def test_the_path_is_there_only_after_the_end(hub):
    hub.add(REPO, {"model.safetensors": LARGE})
    hang = hub.fault("hang")
    patient = Downloads(settings())
    download = patient.start(address())
    with pytest.raises(RuntimeError, match="not ended"):
        _ = download.path
    assert next(download.updates()) == Progress(received=0, total=0)
    hang.lift()
    assert list(download.updates())
    assert download.path.exists()
