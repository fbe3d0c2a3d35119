"""What was dropped is sorted by what it holds."""

import json
import zipfile
from functools import partial

import pytest
import torch
from PIL import Image

from segdemo.ui.intake import sorting
from segdemo.ui.intake.sorting import Sorted

sort = partial(sorting.sort, limit=10**7, max_megapixels=1)


@pytest.fixture
def files(tmp_path, folder):
    """Files by name, whatever their names say."""
    Image.new("L", (40, 30)).save(tmp_path / "photo.png")
    Image.new("L", (40, 30)).save(tmp_path / "photo_mask.png")
    Image.new("L", (40, 30)).save(tmp_path / "deep.tif")
    Image.new("L", (40, 30)).save(tmp_path / "image.pth", format="PNG")
    torch.save({"a": torch.zeros(1)}, tmp_path / "saved.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "saved.zip")
    torch.save({"a": torch.zeros(1)}, tmp_path / "old", _use_new_zipfile_serialization=False)
    (tmp_path / "tensors").write_bytes((folder / "first.safetensors").read_bytes())
    (tmp_path / "page.pth").write_text("<!DOCTYPE html>")
    (tmp_path / "page.png").write_text("<!DOCTYPE html>")
    (tmp_path / "words.txt").write_text(json.dumps({"a": 1}))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        archive.write(tmp_path / "photo.png", "photo.png")
    return lambda *names: [tmp_path / name for name in names]


def names(found: Sorted):
    return [
        [path.name for path in paths] for paths in (found.pictures, found.masks, found.networks)
    ]


@pytest.mark.parametrize("target", ["any", "picture", "network"])
def test_images_and_checkpoints_are_told_by_content_wherever_they_are_dropped(files, target):
    dropped = files("saved.pth", "image.pth", "saved.zip", "old", "tensors", "page.pth")
    found = sort(dropped, target)
    assert names(found) == [
        ["image.pth"],
        [],
        ["saved.pth", "saved.zip", "old", "tensors", "page.pth"],
    ]


def test_what_is_neither_is_judged_as_what_it_was_meant_for(files):
    for target, expected in (("picture", 0), ("mask", 1), ("network", 2)):
        found = names(sort(files("words.txt", "page.png"), target))
        assert found[expected] == ["words.txt", "page.png"]


def test_an_image_is_a_mask_where_it_was_meant_or_named_as_one(files):
    assert names(sort(files("photo.png"), "mask")) == [
        [],
        ["photo.png"],
        [],
    ]
    both = files("photo_mask.png", "photo.png", "deep.tif")
    assert names(sort(both, "any")) == [
        ["photo.png", "deep.tif"],
        ["photo_mask.png"],
        [],
    ]
    alone = files("photo_mask.png", "deep.tif")
    assert names(sort(alone, "any")) == [
        ["photo_mask.png", "deep.tif"],
        [],
        [],
    ]


def test_of_two_images_the_one_that_holds_labels_is_the_mask(files, tmp_path):
    photo = Image.linear_gradient("L").resize((40, 30))
    photo.save(tmp_path / "IMG_1.jpg")
    photo.point(lambda grey: 255 * (grey > 99)).save(tmp_path / "right.png")
    for dropped in (("IMG_1.jpg", "right.png"), ("right.png", "IMG_1.jpg", "saved.pth")):
        found = sort(files(*dropped), "any")
        assert names(found)[:2] == [["IMG_1.jpg"], ["right.png"]]
    photo.save(tmp_path / "IMG_2.jpg")
    found = sort(files("IMG_1.jpg", "IMG_2.jpg"), "any")
    assert names(found)[0] == ["IMG_1.jpg", "IMG_2.jpg"]
    photo.resize((40, 40)).point(lambda grey: 255 * (grey > 99)).save(tmp_path / "right.png")
    found = sort(files("IMG_1.jpg", "right.png"), "any")
    assert names(found)[1] == []


def test_an_archive_of_images_is_no_checkpoint(files):
    assert names(sort(files("many.zip"), "any")) == [
        ["many.zip"],
        [],
        [],
    ]


def test_an_archive_of_checkpoints_is_judged_as_a_network_unless_it_holds_pictures(tmp_path):
    for name, expected in (("words.txt", 2), ("photo.png", 0)):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for member in ("a.pth", "deep/b.safetensors", name):
                archive.writestr(member, b"")
        assert names(sort([path], "any"))[expected] == [path.name]


def test_a_network_of_another_program_is_judged_as_one(tmp_path):
    contents = {
        "a": b"\x08\x08\x12\x07pytorch",
        "b": b"\x1c\0\0\0TFL3",
        "c": b"GGUF\x03\0\0\0",
        "d": b"\x89HDF\r\n\x1a\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    found = sort([tmp_path / name for name in contents], "any")
    assert names(found) == [[], [], [*contents]]


def test_annotations_are_masks_wherever_they_are_dropped(files, tmp_path):
    shape = {"label": "a", "points": [(1, 1), (9, 1), (9, 9)]}
    (tmp_path / "drawn.json").write_text(json.dumps({"shapes": [shape]}))
    (tmp_path / "drawn.txt").write_text("0 0.1 0.1 0.9 0.1 0.9 0.9\n")
    for target in ("any", "picture", "mask", "network"):
        found = sort(files("photo.png", "drawn.json", "drawn.txt"), target)
        assert {path.name for path in found.masks} >= {"drawn.json", "drawn.txt"}
        assert not found.networks
