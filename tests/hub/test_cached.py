"""The Hub's cache on disk: what may be a checkpoint is found without asking anybody."""

import socket

import pytest
from huggingface_hub import constants, hf_hub_download

from segdemo.hub import cached as module
from segdemo.hub.cached import cached_files

COMMIT, LATER = "a" * 40, "b" * 40
WEIGHTS = b"\x80\x02" + b"w" * 20_000
MOST = 1_000_000


@pytest.fixture
def cache(tmp_path):
    """Lays a file into a cache as the client does, by a link to its content."""

    def put(repository, filename, content=WEIGHTS, *, commit=COMMIT, blob=None):
        blobs = tmp_path / repository / "blobs"
        path = tmp_path / repository / "snapshots" / commit / filename
        blobs.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        target = blobs / (blob or f"{commit[0]}{filename.replace('/', '_')}")
        target.write_bytes(content)
        path.symlink_to(target)
        return path

    put.folder = tmp_path
    return put


def found(cache, **options):
    return cached_files(cache.folder, **{"most_bytes": MOST, **options})


def names(cache, **options):
    return [file.address.filename for file in found(cache, **options)]


def test_a_file_comes_with_the_address_that_it_was_fetched_from(cache):
    path = cache("models--owner--name", "models/net.pth")
    (file,) = found(cache)
    assert file.path == path
    assert file.bytes == len(WEIGHTS)
    address = file.address
    assert (address.source, address.repo_type, address.repo_id) == ("hub", "model", "owner/name")
    assert (address.revision, address.filename) == (COMMIT, "models/net.pth")


def test_what_could_not_be_asked_for_is_left_out(cache):
    cache("models--owner--.name", "net.pth")
    cache("models--owner--name", "a\\b.pth")
    cache("models--owner--name", "net.pth")
    assert names(cache) == ["net.pth"]


def test_spaces_hold_checkpoints_and_data_sets_do_not(cache):
    cache("spaces--owner--demo", "unet.pt")
    cache("datasets--owner--masks", "masks.bin")
    cache("other--owner--name", "net.pth")
    (file,) = found(cache)
    assert (file.address.repo_type, file.address.repo_id) == ("space", "owner/demo")


def test_weights_are_found_by_their_usual_endings_or_none(cache):
    usual = ["a.safetensors", "a.pth", "a.pt", "a.bin", "a.ckpt", "a.PTH", "model-34-stage2", "a/b"]
    for name in usual:
        cache("models--o--n", name)
    assert sorted(names(cache)) == sorted(usual)


def test_what_is_no_network_is_left_out_by_its_name(cache):
    for name in (
        *("optimizer.pt", "scheduler.pt", "scaler.pt", "rng_state_0.pth", "training_args.bin"),
        *("model-00001-of-00005.safetensors", "pytorch_model-00002-of-00002.bin"),
        *("model.ort", "model.gguf", "tf_model.h5", "config.json", "README.md", "photo.png"),
    ):
        cache("models--o--n", name)
    assert names(cache) == []


def test_models_of_language_and_diffusion_are_left_out_as_a_whole(cache):
    for kind in ("tokenizer.json", "vocab.txt", "model_index.json"):
        for filename in (kind, "model.safetensors", "unet/diffusion_pytorch_model.safetensors"):
            cache(f"models--o--{kind.partition('.')[0]}", filename)
    cache("models--o--n", "model.safetensors")
    assert [file.address.repo_id for file in found(cache)] == ["o/n"]


def test_a_size_that_no_checkpoint_of_ours_has_is_left_out(cache):
    for size in (0, 9_999, 10_000, MOST, MOST + 1):
        cache("models--o--n", f"{size}.pth", b"x" * size)
    assert sorted(names(cache)) == ["10000.pth", f"{MOST}.pth"]


def test_one_content_under_two_commits_is_there_once(cache):
    cache("models--o--n", "a.pth", blob="same")
    cache("models--o--n", "a.pth", commit=LATER, blob="same")
    assert len(found(cache)) == 1
    cache("models--o--n", "a.pth", commit="c" * 40, blob="other")
    assert len(found(cache)) == 2


def test_a_link_to_nothing_is_left_out(cache):
    path = cache("models--o--n", "a.pth")
    path.resolve().unlink()
    assert names(cache) == []


def test_a_file_that_is_being_fetched_is_left_out(cache):
    cache("models--o--n", "a.pth")
    blobs = cache.folder / "models--o--n" / "blobs"
    (blobs / "1234.incomplete").write_bytes(WEIGHTS)
    assert names(cache) == ["a.pth"]


def test_the_order_is_that_of_the_names(cache):
    for repository in ("models--z--z", "models--a--b", "models--a--a"):
        for name in ("z.pth", "a.pth"):
            cache(repository, name)
    addresses = [(file.address.repo_id, file.address.filename) for file in found(cache)]
    assert addresses == sorted(addresses)
    assert len(addresses) == 6


def test_a_large_cache_is_not_read_to_its_end(cache, monkeypatch):
    for number in range(5):
        cache("models--o--n", f"{number}.pth")
    monkeypatch.setattr(module, "_MAX_FILES", 3)
    assert names(cache) == ["0.pth", "1.pth", "2.pth"]
    monkeypatch.setattr(module, "_MAX_VISITED", 2)
    assert len(names(cache)) == 2


def test_a_cache_that_is_none_is_empty(tmp_path):
    (tmp_path / "file").write_text("text")
    for kind in ("absent", "file"):
        assert cached_files(tmp_path / kind, most_bytes=MOST) == ()


def test_what_is_no_snapshot_is_left_alone(cache):
    (cache.folder / "models--o--n" / "snapshots" / "main").mkdir(parents=True)
    (cache.folder / "models--o--n" / "snapshots" / "main" / "a.pth").write_bytes(WEIGHTS)
    (cache.folder / "models--o--m").write_text("no folder")
    (cache.folder / "version.txt").write_text("1")
    assert names(cache) == []


def test_what_the_client_fetched_is_found_and_nobody_is_asked(hub, hub_cache, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    commit = hub.add("owner/net", {"weights/net.pth": WEIGHTS})
    path = hf_hub_download("owner/net", "weights/net.pth")

    def connect(*_):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert str(hub_cache) == constants.HF_HUB_CACHE
    (file,) = cached_files(most_bytes=MOST)
    assert (str(file.path), file.address.revision) == (path, commit)
