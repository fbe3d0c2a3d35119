"""Pairs: found by name, and split so that every class is trained on."""

import pytest

from segdemo.errors import TrainingError
from segdemo.training.pairs import find_pairs, gather, left_out, require_classes, split
from tests.table import every


@pytest.fixture
def folders(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    return tmp_path / "images", tmp_path / "masks"


def fill(folder, *names):
    for name in names:
        (folder / name).touch()


def test_files_of_one_name_are_a_pair_whatever_their_endings(folders):
    images, masks = folders
    fill(images, "a.jpg", "b.JPEG", "c.png", "alone.png", ".hidden.png")
    fill(masks, "a.png", "b_mask.gif", "c.tif", "notes.txt", ".hidden.png")
    found = [(pair.picture.name, pair.mask.name) for pair in find_pairs(images, masks)]
    assert found == [("a.jpg", "a.png"), ("b.JPEG", "b_mask.gif"), ("c.png", "c.tif")]


@pytest.mark.parametrize(
    ("pictures", "drawn", "key"),
    [
        ([], [], "finetune_no_pairs"),
        (["a.jpg"], ["b.png"], "finetune_no_pairs"),
        (["a.jpg", "b.jpg"], ["a.png"], "finetune_one_pair"),
        (["a.jpg", "a.png"], ["a.png"], "finetune_twice"),
        (["a.jpg", "b.jpg"], ["a.png", "a.gif"], "finetune_twice"),
    ],
)
def test_folders_that_hold_no_pairs_are_refused(folders, pictures, drawn, key):
    fill(folders[0], *pictures)
    fill(folders[1], *drawn)
    with pytest.raises(TrainingError) as caught:
        find_pairs(*folders)
    assert caught.value.key == key


def test_one_folder_for_both_is_refused(folders):
    with pytest.raises(TrainingError) as caught:
        find_pairs(folders[0], folders[0] / ".." / "images")
    assert caught.value.key == "finetune_folders"


def test_a_folder_that_is_absent_is_named(folders):
    with pytest.raises(TrainingError, match="absent") as caught:
        find_pairs(folders[0], folders[1] / "absent")
    assert caught.value.key == "finetune_folder_absent"


@every("count", [2, 3, 5, 20, 1000])
def test_every_picture_is_in_one_part_and_both_have_some(count):
    training, aside = split([frozenset({0, 1})] * count, 2, seed=0)
    assert sorted(training + aside) == list(range(count))
    assert 1 <= len(aside) <= 50
    assert len(training) > 0
    assert (training, aside) == split([frozenset({0, 1})] * count, 2, seed=0)
    assert count < 5 or (training, aside) != split([frozenset({0, 1})] * count, 2, seed=1)


def test_a_class_of_one_picture_is_trained_on_whatever_the_seed():
    held = [frozenset({0})] * 4 + [frozenset({0, 1})]
    for seed in range(20):
        training, aside = split(held, 2, seed)
        assert 4 in training
        assert aside


def test_a_class_that_is_nowhere_is_named():
    with pytest.raises(TrainingError, match="class 1") as caught:
        split([frozenset({0, 2})] * 4, 3, seed=0)
    assert caught.value.key == "finetune_class_absent"


def test_what_has_no_partner_is_named_and_notes_are_not(folders):
    images, masks = folders
    fill(images, "a.jpg", "b.jpg", "alone.jpg", "notes.txt")
    fill(masks, "a.png", "b.png", "lost.png", "notes.md")
    pairs = find_pairs(images, masks)
    assert left_out(images, masks, pairs) == (("alone.jpg",), ("lost.png",))


def test_folders_to_judge_by_come_last_and_one_pair_is_enough(folders, tmp_path):
    images, masks = folders
    fill(images, "a.jpg", "b.jpg")
    fill(masks, "a.png", "b.png")
    judge = tmp_path / "judge", tmp_path / "judge_masks"
    for folder, name in zip(judge, ("c.jpg", "c.png"), strict=True):
        folder.mkdir()
        fill(folder, name, "d" + name[1:] if folder.name == "judge" else "e.png")
    found = gather(images, masks, judge)
    assert [pair.name for pair in found.pairs] == ["a.jpg", "b.jpg", "c.jpg"]
    assert found.judging == 1
    assert (found.pictures_alone, found.masks_alone) == (("d.jpg",), ("e.png",))


def test_a_class_that_no_image_to_train_on_shows_is_refused():
    require_classes([frozenset({0, 1}), frozenset({2})], 3)
    with pytest.raises(TrainingError, match="No mask holds class 1"):
        require_classes([frozenset({0, 2})], 3)
