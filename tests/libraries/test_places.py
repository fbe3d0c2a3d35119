"""What a library saved opens wherever it comes from: the Hub, files dropped together, a ZIP."""

import json
import shutil
import zipfile

import pytest
from hub_server import HubServer, clients
from huggingface_hub.utils import close_session

from segdemo.catalog import from_file
from segdemo.checkpoints.folders import unpacked, weights_at
from segdemo.errors import FileError, UnknownNetworkError
from segdemo.hub.listing import look
from segdemo.hub.references import Address
from segdemo.libraries.base import Library
from segdemo.settings import Settings
from segdemo.ui.adding.handlers import Adding
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
    place = tmp_path / "uploads"
    place.mkdir(parents=True)
    return [shutil.copy(folder / name, place / name) for name in names]


def test_the_folder_with_its_training_files_has_one_file_of_weights(saved):
    assert weights_at(saved).name == "model.safetensors"


def test_files_that_are_dropped_together_are_one_checkpoint(saved, tmp_path, adding, visitor):
    names = ("config.json", "model.safetensors", "preprocessor_config.json")
    answer = adding.judge_file(visitor, dropped(saved, tmp_path, *names), 1)
    assert "SegformerForSemanticSegmentation" in answer.items[0].facts
    entry = adding.use(visitor, 0)
    assert entry.architecture == "transformers"
    assert entry.path.with_name("preprocessor_config.json").exists()


def test_weights_that_are_dropped_alone_do_not_open(saved, tmp_path, adding, visitor):
    answer = adding.judge_file(visitor, dropped(saved, tmp_path, "model.safetensors"), 1)
    assert not answer.items[0].usable
    assert [one for one in visitor.folder.rglob("*") if one.is_file()] == []


def test_a_zip_of_the_folder_is_one_checkpoint(saved, tmp_path, adding, visitor):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(saved).items():
            archive.writestr(f"checkpoint/{name}", content)
        archive.writestr("../../evil.py", "print()")
    answer = adding.judge_file(visitor, path, 1)
    assert answer.items[0].usable, answer.items[0].facts
    left = {one.name for one in visitor.folder.rglob("*") if one.is_file()}
    assert left == {"config.json", "model.safetensors", "preprocessor_config.json"}


def test_a_zip_that_says_less_than_it_holds_is_refused(saved, tmp_path):
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
    names = ("config.json", "model.safetensors")
    answer = adding.judge_file(visitor, dropped(saved, tmp_path, *names), 1)
    assert "pip install -r requirements-transformers.txt" in answer.items[0].facts


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
