"""The catalogue: what is on offer, from where, once each and under a title of its own."""

import hashlib
import json
import os
import re
from dataclasses import replace

import pytest
import torch
from checkpoint_files import write_checkpoint
from code_bases import TutorialUNet, randomised
from huggingface_hub import constants
from safetensors.torch import save_file

from segdemo import catalog as module
from segdemo.catalog import (
    SHIPPED_FOLDER,
    cached,
    curated,
    from_file,
    from_weight_file,
    in_folders,
    offered,
    shipped,
)
from segdemo.checkpoints import judging
from segdemo.checkpoints import published as published_module
from segdemo.checkpoints.published import Published, published
from segdemo.checkpoints.verdict import Verdict
from segdemo.errors import FileError, SpecError, UnknownNetworkError
from segdemo.hub.references import Address, Repository, WeightFile
from segdemo.settings import Settings
from segdemo.strings import speaking
from tests.table import every

COMMIT, LATER = "a" * 40, "b" * 40
MOST = 10_000_000


def write(path, words=None):
    metadata = None if words is None else {"segdemo": words}
    save_file({"a": torch.ones(3)}, path, metadata=metadata)


def test_an_entry_says_what_its_file_says(tmp_path):
    words = {"title": "Vessels", "architecture": "unet", "task": "vessels", "other": 1}
    write(tmp_path / "vessels_unet.safetensors", json.dumps(words))
    (entry,) = shipped(tmp_path)
    assert (entry.id, entry.title) == ("vessels_unet", "Vessels")
    assert (entry.architecture, entry.task) == ("unet", "vessels")
    assert entry.path == tmp_path / "vessels_unet.safetensors"
    assert entry.bytes == entry.path.stat().st_size


@pytest.mark.parametrize(
    ("licence", "commercial"), [("Apache-2.0", True), ("cc-by-nc-4.0", False), ("own", None)]
)
def test_a_licence_that_a_file_states_is_told_and_understood(folder, licence, commercial):
    path = write_checkpoint(folder / "a.safetensors", words={"licence": licence})
    for entry in (*shipped(folder), *in_folders([folder]), from_file(path, "upload")):
        assert (entry.licence, entry.commercial) == (licence, commercial)


@every("words", [None, "{}"])
def test_a_silent_file_is_called_by_its_name(tmp_path, words):
    write(tmp_path / "net.safetensors", words)
    (entry,) = shipped(tmp_path)
    assert (entry.title, entry.architecture, entry.task) == ("net", "", "")


def test_weights_that_a_library_called_as_all_others_are_named_by_their_folder(tmp_path):
    for folder in ("polyps", "vessels"):
        (tmp_path / folder).mkdir()
        write_checkpoint(tmp_path / folder / "model.safetensors")
    titles = [
        from_file(tmp_path / name / "model.safetensors", source).title
        for name, source in (("polyps", "folder"), ("vessels", "folder"), ("polyps", "upload"))
    ]
    assert titles == ["polyps", "vessels", "model"]


def test_entries_are_sorted_by_task_and_title(tmp_path):
    for name, task, title in (("a", "vessels", "Z"), ("b", "vessels", "A"), ("c", "nuclei", "M")):
        write(tmp_path / f"{name}.safetensors", json.dumps({"task": task, "title": title}))
    assert [entry.id for entry in shipped(tmp_path)] == ["c", "b", "a"]


@every("words", ["{", "[]", "null", "[" * 100_000, '{"assume": 3}'])
def test_a_file_with_broken_words_is_left_out(tmp_path, words):
    write(tmp_path / "good.safetensors", "{}")
    write(tmp_path / "broken.safetensors", words)
    assert [entry.id for entry in shipped(tmp_path)] == ["good"]


@every("data", [b"", b"text", b"\0" * 50])
def test_a_damaged_file_is_left_out(tmp_path, data):
    (tmp_path / "damaged.safetensors").write_bytes(data)
    (tmp_path / "folder.safetensors").mkdir()
    write(tmp_path / "good.safetensors")
    assert [entry.id for entry in shipped(tmp_path)] == ["good"]


def test_other_files_are_not_ours(tmp_path):
    (tmp_path / "README.md").write_text("text")
    (tmp_path / "net.pth").write_bytes(b"")
    assert shipped(tmp_path) == ()


def test_a_folder_that_is_absent_is_empty(tmp_path):
    assert shipped(tmp_path / "absent") == ()


def test_words_of_an_odd_kind_become_text(tmp_path):
    write(tmp_path / "a.safetensors", json.dumps({"title": 5, "task": None}))
    assert shipped(tmp_path)[0].title == "5"


def test_the_shipped_checkpoints_lie_beside_the_package(root):
    assert root / "weights" == SHIPPED_FOLDER


@pytest.fixture
def folder(tmp_path):
    """Where an operator keeps checkpoints."""
    folder = tmp_path / "operators"
    folder.mkdir()
    return folder


@pytest.fixture
def hub_cache(tmp_path):
    """Lays a checkpoint into a cache of the Hub."""

    def put(repo_id, filename, *, seed=0, commit=COMMIT, kind="models", words=None):
        name = f"{kind}--{repo_id.replace('/', '--')}"
        path = tmp_path / "hub" / name / "snapshots" / commit / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_checkpoint(path, seed=seed, words=words, depth=2)

    put.folder = tmp_path / "hub"
    return put


@pytest.fixture(autouse=True)
def _no_other_caches(tmp_path, monkeypatch):
    # What the machine that runs the tests has fetched is none of their business.
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def known(monkeypatch):
    """Makes checkpoints known to us for one test."""

    def make(**facts):
        base = {
            "id": "ours",
            "title": "Ours, published",
            "task": "tests",
            "architecture": "unet",
            "repo_id": "owner/net",
            "filename": "net.pth",
            "bytes": 1,
            "licence": "mit",
            "commercial": True,
            "words": {},
        }
        one = Published(**{**base, **facts})
        for place in (module, published_module):
            monkeypatch.setattr(place, "published", lambda: (one,))
        return one

    yield make
    published_module._known_file.cache_clear()


def content(path):
    return {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "bytes": path.stat().st_size,
    }


def ids(entries):
    return [entry.id for entry in entries]


def titles(entries):
    return [entry.title for entry in entries]


def test_a_folder_offers_whatever_loads_by_content_and_not_by_name(folder):
    write_checkpoint(folder / "a.safetensors", words={"title": "Mine", "task": "vessels"})
    torch.save(randomised(TutorialUNet(depth=1, width=2)).state_dict(), folder / "b")
    first, second = in_folders([folder])
    assert (first.title, first.task, first.architecture) == ("Mine", "vessels", "unet")
    assert (second.title, second.task, second.architecture) == ("b", "", "unet")
    assert second.path == folder / "b"
    assert second.bytes == second.path.stat().st_size
    assert {first.source, second.source} == {"folder"}
    assert first.address is None
    assert first.commercial is None


def test_folders_inside_are_looked_into_and_hidden_ones_are_not(folder):
    for name in ("z/deep/a.pth", "b.pth", ".git/c.pth", ".d.pth"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_checkpoint(folder / name)
    assert titles(in_folders([folder])) == ["b", "a"]


@pytest.mark.parametrize(
    "data", [b"", b"text", b"PK\x03\x04", b"\x80\x02]", b"\0" * 500, b"\x89PNG\r\n\x1a\n"]
)
def test_what_does_not_load_is_left_out(folder, data):
    (folder / "a.pth").write_bytes(data)
    (folder / "absent.pth").symlink_to(folder / "nowhere")
    write(folder / "unknown.safetensors")
    write_checkpoint(folder / "wrong.safetensors", words={"assume": 3})
    assert in_folders([folder]) == ()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(folder):
    os.mkfifo(folder / "a.pth")
    assert in_folders([folder]) == ()


def test_a_folder_that_has_gone_is_empty(folder):
    write_checkpoint(folder / "a.pth")
    assert titles(in_folders([folder / "absent", folder])) == ["a"]


def test_a_folder_of_very_many_files_is_not_read_to_its_end(folder, monkeypatch):
    for number in range(4):
        write_checkpoint(folder / f"{number}.pth", seed=number)
    monkeypatch.setattr(module, "_MAX_FILES", 2)
    assert titles(in_folders([folder])) == ["0", "1"]


def test_a_file_is_judged_once_and_again_when_it_has_changed(folder, monkeypatch):
    path = write_checkpoint(folder / "a.pth")
    judged = []
    honest = judging.judge
    monkeypatch.setattr(
        judging, "judge", lambda *args, **facts: judged.append(1) or honest(*args, **facts)
    )
    assert in_folders([folder]) == in_folders([folder])
    assert len(judged) == 1
    path.write_bytes(b"other")
    assert in_folders([folder]) == ()
    assert len(judged) == 2


def test_an_id_is_a_name_and_a_content_wherever_the_file_lies(folder, tmp_path):
    path = write_checkpoint(folder / "my net (1).safetensors")
    moved = tmp_path / "elsewhere" / path.name
    moved.parent.mkdir()
    moved.write_bytes(path.read_bytes())
    other = write_checkpoint(tmp_path / "other" / path.name, seed=1)
    ids = [from_file(file, "folder").id for file in (path, moved, other)]
    assert re.fullmatch(r"my-net-1-[0-9a-f]{8}", ids[0])
    assert ids[0] == ids[1] != ids[2]
    assert "operators" not in ids[0]


def test_what_a_person_trained_here_is_on_offer(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "own_folder", lambda: tmp_path)
    path = write_checkpoint(tmp_path / "mine.safetensors")
    path.with_suffix(".unfinished").write_bytes(path.read_bytes())
    mine = [entry for entry in offered(Settings()) if entry.source == "own"]
    assert [entry.path for entry in mine] == [path]


def test_a_title_is_one_short_line(folder):
    write_checkpoint(
        folder / "a.safetensors", words={"title": "x\ny\0" + "z" * 200, "task": "a\tb"}
    )
    (entry,) = in_folders([folder])
    assert entry.title.startswith("x y z")
    assert len(entry.title) == 80
    assert entry.title.isprintable()
    assert entry.task == "a b"


def test_titles_of_any_language_stay_as_they_are(folder):
    write_checkpoint(folder / "a.safetensors", words={"title": "U²-Net 血管"})
    assert titles(in_folders([folder])) == ["U²-Net 血管"]


def test_a_file_on_its_own_says_why_it_does_not_load(tmp_path):
    (tmp_path / "a.pth").write_text("text")
    write(tmp_path / "unknown.safetensors")
    write_checkpoint(tmp_path / "words.safetensors", words={"assume": 3})
    for name, error in (
        ("a.pth", FileError),
        ("absent.pth", FileError),
        ("unknown.safetensors", UnknownNetworkError),
        ("words.safetensors", SpecError),
    ):
        with pytest.raises(error):
            from_file(tmp_path / name, "upload")


def test_a_file_on_its_own_is_an_entry(tmp_path):
    path = write_checkpoint(tmp_path / "mine.safetensors")
    entry = from_file(path, "upload")
    assert (entry.source, entry.path, entry.title) == ("upload", path, "mine")


def test_the_cache_offers_what_loads_under_the_name_of_its_repository(hub_cache):
    path = hub_cache("owner/net", "models/a.pth")
    other = hub_cache("owner/other", "b.pth", kind="spaces", words={"title": "Named"})
    (hub_cache.folder / "models--owner--net/snapshots" / COMMIT / "c.bin").write_bytes(
        b"x" * 20_000
    )
    first, second = cached(hub_cache.folder, most_bytes=MOST)
    assert (first.path, first.title, first.source) == (path, "owner/net · models/a.pth", "cached")
    assert first.address == Address(repo_id="owner/net", revision=COMMIT, filename="models/a.pth")
    assert (second.path, second.title) == (other, "Named")
    assert second.address.repo_type == "space"


def test_the_cache_of_the_environment_is_the_one_that_is_offered(hub_cache):
    hub_cache("owner/net", "a.pth")
    assert cached(most_bytes=MOST) == cached(hub_cache.folder, most_bytes=MOST) != ()


def test_every_curated_entry_can_be_fetched():
    entries = curated()
    assert len(entries) == sum(one.source != "elsewhere" for one in published())
    for entry in entries:
        assert entry.path is None
        assert entry.address.filename
        assert entry.source == entry.address.source
    assert len(set(ids(entries))) == len(set(titles(entries))) == len(entries)


def test_what_may_not_be_used_commercially_says_so():
    licences = {entry.id: (entry.licence, entry.commercial) for entry in curated()}
    assert licences["rmbg-1.4"] == ("bria-rmbg-1.4", False)
    assert licences["u2net-salient"] == ("apache-2.0", True)
    assert licences["u2net-person"] == ("", None)


def test_what_torchvision_has_fetched_before_is_at_hand(tmp_path, known):
    path = tmp_path / "torch" / "hub" / "checkpoints" / "net.pth"
    path.parent.mkdir(parents=True)
    write_checkpoint(path)
    known(source="torchvision", **content(path))
    (entry,) = curated()
    assert (entry.source, entry.path) == ("torchvision", path)
    path.write_bytes(b"x" * path.stat().st_size)
    assert curated()[0].path is None


def look(**facts):
    """What a look at a repository found."""
    base = {"licence": "", "commercial": None, "private": False, "gated": False, "files": ()}
    address = Address(repo_id="owner/net", revision=COMMIT, filename="a.pth")
    file = {
        "address": address,
        "bytes": 5,
        "sha256": "0" * 64,
        "verdict": Verdict(architecture="unet"),
    }
    for name in file.keys() & facts.keys():
        file[name] = facts.pop(name)
    repository = Repository(address=replace(address, filename=None), **{**base, **facts})
    return from_weight_file(repository, WeightFile(**file))


def test_a_file_on_the_hub_is_an_entry_without_a_path():
    entry = look(licence="mit", commercial=True)
    assert (entry.source, entry.path, entry.architecture) == ("hub", None, "unet")
    assert entry.title == "owner/net · a.pth"
    assert (entry.licence, entry.commercial, entry.bytes) == ("mit", True, 5)
    assert entry.address.revision == COMMIT


def test_a_file_on_the_hub_has_the_id_that_it_has_when_it_is_cached(hub_cache):
    hub_cache("owner/net", "a.pth")
    (entry,) = cached(hub_cache.folder, most_bytes=MOST)
    assert look().id == entry.id
    assert look(address=replace(entry.address, revision=LATER)).id != entry.id
    assert look(address=replace(entry.address, repo_type="space")).id != entry.id


def test_a_mirror_of_a_published_checkpoint_is_that_checkpoint(known):
    known(sha256="1" * 64)
    entry = look(sha256="1" * 64)
    assert (entry.id, entry.title, entry.task) == ("ours", "Ours, published", "tests")
    assert (entry.licence, entry.commercial) == ("mit", True)
    assert entry.address.repo_id == "owner/net"
    assert look(sha256="2" * 64).id != "ours"


def test_the_licence_of_the_copy_goes_before_that_of_the_authors(known):
    known(sha256="1" * 64)
    entry = look(sha256="1" * 64, licence="cc-by-nc-4.0", commercial=False)
    assert (entry.licence, entry.commercial) == ("cc-by-nc-4.0", False)


def test_the_page_offers_all_sources_in_their_order(folder, hub_cache):
    write_checkpoint(folder / "a.pth", seed=1)
    hub_cache("owner/net", "b.pth", seed=2)
    entries = offered(Settings(weights_folders=(folder,)))
    sources = [entry.source for entry in entries]
    order = list(dict.fromkeys(sources))
    assert order == ["shipped", "folder", "hub", "torchvision", "cached"]
    assert sources == sorted(sources, key=order.index)
    assert ids(entries[: len(shipped())]) == ids(shipped())
    assert len(set(ids(entries))) == len(set(titles(entries))) == len(entries)
    assert entries == offered(Settings(weights_folders=(folder,)))


def test_a_cached_file_that_the_page_would_not_fetch_is_not_offered(hub_cache, monkeypatch):
    path = hub_cache("owner/net", "b.pth")
    monkeypatch.setattr(module, "_MEGABYTE", path.stat().st_size // 2)
    assert "cached" not in {entry.source for entry in offered(Settings(max_download_megabytes=1))}
    assert "cached" in {entry.source for entry in offered(Settings(max_download_megabytes=2))}


def test_a_published_checkpoint_that_is_cached_is_offered_once_with_its_path(hub_cache, known):
    before = known(sha256="1" * 64)
    (entry,) = (entry for entry in offered(Settings()) if entry.source == "hub")
    assert (entry.id, entry.path) == (before.id, None)
    path = hub_cache("some/mirror", "weights.bin")
    known(**content(path))
    entries = [entry for entry in offered(Settings()) if entry.source != "shipped"]
    assert [(entry.id, entry.path, entry.source) for entry in entries] == [("ours", path, "hub")]
    assert entries[0].bytes == path.stat().st_size
    assert entries[0].address.repo_id == "some/mirror"


def test_a_published_checkpoint_of_the_operator_is_not_offered_for_download(folder, known):
    path = write_checkpoint(folder / "a.pth")
    known(**content(path))
    (entry,) = (
        entry for entry in offered(Settings(weights_folders=(folder,))) if entry.id == "ours"
    )
    assert (entry.source, entry.path, entry.title) == ("folder", path, "Ours, published")
    assert (entry.licence, entry.commercial, entry.task) == ("mit", True, "tests")


def test_the_same_weights_are_offered_once(folder, hub_cache):
    (folder / "again").mkdir()
    original = write_checkpoint(folder / "a.pth", depth=2)
    (folder / "again" / "copy.pth").write_bytes(original.read_bytes())
    (folder / "link.pth").symlink_to(original)
    hub_cache("owner/net", "b.pth")
    hub_cache("owner/net", "b.pth", commit=LATER)
    hub_cache("owner/other", "of_equal_size.pth", seed=1)
    settings = Settings(weights_folders=(folder, folder / "again"))
    entries = [entry for entry in offered(settings) if entry.source in ("folder", "cached")]
    assert titles(entries) == ["a", "owner/other · of_equal_size.pth"]


def test_equal_titles_are_told_apart(folder, hub_cache):
    for number, name in enumerate(("a.safetensors", "b.safetensors", "c/b.safetensors")):
        (folder / name).parent.mkdir(exist_ok=True)
        write_checkpoint(folder / name, seed=number, words={"title": "Cells"})
    hub_cache("owner/net", "a.pth", seed=4)
    hub_cache("owner/net", "a.pth", seed=5, commit=LATER)
    settings = Settings(weights_folders=(folder,))
    entries = [entry for entry in offered(settings) if entry.source in ("folder", "cached")]
    assert titles(entries) == [
        "Cells",
        "Cells (b.safetensors)",
        "Cells (c/b.safetensors)",
        "owner/net · a.pth",
        "owner/net · a.pth (bbbbbbb)",
    ]


def test_every_shipped_title_is_translated():
    entries = shipped()
    with speaking("zh"):
        assert all(entry.title_here != entry.title for entry in entries)
        assert len({entry.title_here for entry in entries}) == len(entries)
    assert [entry.title_here for entry in entries] == titles(entries)


def test_a_title_that_somebody_else_chose_stays_as_it_is():
    entry = next(entry for entry in shipped() if entry.id == "nuclei_unet")
    with speaking("zh"):
        assert replace(entry, source="folder").title_here == "Nuclei · U-Net"
        assert replace(entry, title="Mine").title_here == "Mine"
