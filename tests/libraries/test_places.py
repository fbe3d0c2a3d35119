"""What a library saved opens wherever it comes from: the Hub, files dropped together, a ZIP."""

import json
import shutil
import zipfile

import pytest
from hub_server import HubServer, clients
from huggingface_hub.utils import close_session

from segdemo.catalog import from_file
from segdemo.checkpoints.export import export_safetensors
from segdemo.checkpoints.recognise import recognise
from segdemo.errors import ExportError, FileError, TrainingError, UnknownNetworkError
from segdemo.hub.listing import look
from segdemo.hub.references import Address
from segdemo.libraries.base import Library
from segdemo.libraries.folders import unpacked, weights_at
from segdemo.settings import Settings
from segdemo.training.start import continued
from segdemo.ui.adding.handlers import Adding
from segdemo.ui.intake.sorting import sort
from segdemo.ui.shelf import Shelf
from segdemo.ui.visitor import Visitor
from tests.libraries.small_transformers import network
from tests.ui.hub_fakes import FakeHub

pytest.importorskip("transformers")

REPO = "alice/segformer"
LIMIT = 10**8


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder as the library leaves it, with what is beside the weights."""
    folder = tmp_path_factory.mktemp("saved")
    network("SegFormer").save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": 128}))
    (folder / "training_args.bin").write_bytes(b"no weights")
    return folder


def contents(folder):
    """Name -> bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    with HubServer() as server:
        clients.turn_client_to(server.endpoint, cache=tmp_path / "cache", patch=monkeypatch)
        yield server
    close_session()


@pytest.fixture
def adding():
    shelf = Shelf(lambda: [])
    return Adding(settings=Settings(max_download_megabytes=200), hub=FakeHub().access, shelf=shelf)


@pytest.fixture
def visitor():
    return Visitor()


def dropped(folder, tmp_path, *names):
    """Uploads, each in a folder of its own as Gradio keeps them."""
    uploads = []
    for name in names:
        place = tmp_path / "uploads" / name.replace(".", "-")
        place.mkdir(parents=True)
        uploads.append(shutil.copy(folder / name, place / name))
    return uploads


def test_the_folder_with_its_training_files_has_one_file_of_weights(saved):
    assert weights_at(saved).name == "model.safetensors"


def test_files_that_are_dropped_together_are_one_checkpoint(saved, tmp_path, adding, visitor):
    names = ("config.json", "model.safetensors", "preprocessor_config.json")
    found = sort(dropped(saved, tmp_path, *names), "any", limit=LIMIT, max_megapixels=1)
    assert [path.name for path in found.networks] == ["model.safetensors"]
    assert not found.pictures
    entry, facts = adding.take(visitor, found.networks[0], found.beside)
    assert "SegformerForSemanticSegmentation" in facts
    assert entry.architecture == "transformers"
    assert entry.path.with_name("preprocessor_config.json").exists()
    again, _ = adding.take(visitor, found.networks[0], found.beside)
    assert again.id == entry.id


def test_weights_that_are_dropped_alone_do_not_open(saved, tmp_path, adding, visitor):
    (path,) = dropped(saved, tmp_path, "model.safetensors")
    with pytest.raises(UnknownNetworkError):
        adding.take(visitor, path)
    assert [one for one in visitor.folder.rglob("*") if one.is_file()] == []


def test_a_zip_of_the_folder_is_one_checkpoint(saved, tmp_path, adding, visitor):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(saved).items():
            archive.writestr(f"checkpoint/{name}", content)
        archive.writestr("../../evil.py", "print()")
    assert sort([path], "any", limit=LIMIT, max_megapixels=1).networks == (path,)
    entry, _ = adding.take(visitor, path)
    assert entry.architecture == "transformers"
    left = {one.name for one in visitor.folder.rglob("*") if one.is_file()}
    assert left == {"config.json", "model.safetensors", "preprocessor_config.json"}


def test_what_a_zip_holds_is_called_as_people_know_it(tmp_path, adding, visitor):
    def take(*names):
        path = tmp_path / f"mine{len(names)}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
            for name in names:
                archive.writestr(name, b"no network")
        with pytest.raises(FileError) as refused:
            adding.take(visitor, path)
        return refused.value

    assert take("../best.pth").facts["name"].startswith("mine1")
    several = take("best.pth", "last.pth")
    assert several.key == "archive_several"
    assert several.facts == {"name": "mine2.zip", "count": 2, "names": "best.pth, last.pth"}


def test_who_drops_a_zip_of_several_checkpoints_is_told_to_unpack_it(tmp_path, adding, visitor):
    path = tmp_path / "runs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("one/best.pth", "two/best.safetensors", "__MACOSX/one/._best.pth"):
            archive.writestr(name, b"no network")
    found = sort([path], "any", limit=LIMIT, max_megapixels=1)
    with pytest.raises(FileError, match=r"holds 2 checkpoints: best.pth, best.safetensors. Unpack"):
        adding.take(visitor, *found.networks)
    assert not any(visitor.folder.iterdir())


def test_a_zip_beyond_the_limit_is_refused(tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.safetensors", bytes(LIMIT + 1))
    with pytest.raises(FileError) as refused:
        unpacked(path, tmp_path, max_bytes=LIMIT)
    assert refused.value.key == "add_file_too_large"


def test_without_the_extra_the_page_names_the_command(
    saved, tmp_path, adding, visitor, monkeypatch
):
    monkeypatch.setattr(Library, "is_installed", False)
    found = sort(
        dropped(saved, tmp_path, "config.json", "model.safetensors"),
        "any",
        limit=LIMIT,
        max_megapixels=1,
    )
    with pytest.raises(UnknownNetworkError, match=r"pip install -r requirements-transformers"):
        adding.take(visitor, found.networks[0], found.beside)


def test_the_hub_is_told_of_before_the_download(saved, hub, monkeypatch):
    hub.add(REPO, contents(saved))
    address = Address(repo_id=REPO)
    file = next(one for one in look(address).files if one.address.filename == "model.safetensors")
    assert file.verdict.reason is None
    assert (file.verdict.architecture, file.verdict.classes) == ("transformers", 5)
    monkeypatch.setattr(Library, "is_installed", False)
    file = next(one for one in look(address).files if one.address.filename == "model.safetensors")
    assert file.verdict.reason.key == "library_missing"


def test_an_entry_changes_with_the_config_beside_it(saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "copy")
    assert from_file(folder / "model.safetensors", "folder").architecture == "transformers"
    (folder / "config.json").unlink()
    with pytest.raises(UnknownNetworkError):
        from_file(folder / "model.safetensors", "folder")


def test_what_a_library_builds_is_neither_trained_nor_written_anew(saved, tmp_path):
    recognised = recognise(saved)
    with pytest.raises(ExportError) as refused:
        export_safetensors(recognised.detection, recognised.spec, {}, tmp_path / "a.safetensors")
    assert refused.value.key == "library_stays"
    with pytest.raises(TrainingError) as refused:
        continued(recognised.detection, 2, seed=0)
    assert refused.value.key == "library_stays"
