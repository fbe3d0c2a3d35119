"""The catalogue: what the files of a folder say of themselves."""

import json

import pytest
import torch
from safetensors.torch import save_file

from segdemo.catalog import SHIPPED_FOLDER, shipped


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


@pytest.mark.parametrize("words", [None, "{}"])
def test_a_silent_file_is_called_by_its_name(tmp_path, words):
    write(tmp_path / "net.safetensors", words)
    (entry,) = shipped(tmp_path)
    assert (entry.title, entry.architecture, entry.task) == ("net", "", "")


def test_entries_are_sorted_by_task_and_title(tmp_path):
    for name, task, title in (("a", "vessels", "Z"), ("b", "vessels", "A"), ("c", "nuclei", "M")):
        write(tmp_path / f"{name}.safetensors", json.dumps({"task": task, "title": title}))
    assert [entry.id for entry in shipped(tmp_path)] == ["c", "b", "a"]


@pytest.mark.parametrize("words", ["{", "[]", "null", "[" * 100_000, '{"assume": 3}'])
def test_a_file_with_broken_words_is_left_out(tmp_path, words):
    write(tmp_path / "good.safetensors", "{}")
    write(tmp_path / "broken.safetensors", words)
    assert [entry.id for entry in shipped(tmp_path)] == ["good"]


@pytest.mark.parametrize("data", [b"", b"text", b"\0" * 50])
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
