"""Images go with masks of their name; what is alone or ambiguous is listed."""

import json

import pytest
from PIL import Image

from segdemo.errors import PictureError
from segdemo.evaluation.pairing import pair_folders
from segdemo.outputs.png import encode_png
from tests.table import every


def lay(folder, names):
    """Empty files of these names, in folders of their own."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"of no interest")
    return folder


@every(
    ("images", "masks", "pairs", "alone"),
    [
        (["a.jpg"], ["a.png"], [("a.jpg", "a.png")], ([], [])),
        (["a.jpg"], ["a_mask.gif"], [("a.jpg", "a_mask.gif")], ([], [])),
        (["p/1.jpg", "q/1.jpg"], ["p/1.png", "q/1.png"], None, ([], [])),
        (["p/1.jpg"], ["1.png"], [("p/1.jpg", "1.png")], ([], [])),
        (["A.JPG"], ["a.png"], [("A.JPG", "a.png")], ([], [])),
        (["a.jpg", "b.jpg"], ["a.png", "c.png"], [("a.jpg", "a.png")], (["b.jpg"], ["c.png"])),
        (
            ["a.jpg", "b.jpg"],
            ["a.png", "b.png", "b_mask.png"],
            [("a.jpg", "a.png")],
            (["b.jpg"], ["b.png", "b_mask.png"]),
        ),
        (
            ["a.jpg", "p/1.jpg", "q/1.jpg"],
            ["a.png", "1.png"],
            [("a.jpg", "a.png")],
            (["p/1.jpg", "q/1.jpg"], ["1.png"]),
        ),
        (["a.jpg", "a.png", "b.png"], ["a.png", "b.png"], None, (["a.jpg", "a.png"], ["a.png"])),
    ],
    ids=lambda images: "-".join(images),
)
def test_who_belongs_together(images, masks, pairs, alone, tmp_path):
    found = pair_folders(lay(tmp_path / "images", images), lay(tmp_path / "masks", masks))
    if pairs is not None:
        masks_of = [
            (pair.name, pair.mask.relative_to(tmp_path / "masks").as_posix())
            for pair in found.pairs
        ]
        assert masks_of == pairs
    assert (list(found.pictures_alone), list(found.masks_alone)) == alone


def test_one_folder_may_hold_both(tmp_path):
    lay(tmp_path, ["a.jpg", "a_mask.png", "b.jpg"])
    (tmp_path / "a.overlay.png").write_bytes(encode_png(Image.new("L", (2, 2))))
    found = pair_folders(tmp_path, tmp_path)
    assert [(pair.name, pair.mask.name) for pair in found.pairs] == [("a.jpg", "a_mask.png")]
    assert found.pictures_alone == ("b.jpg",)


def test_no_pair_and_no_folder_are_sentences(tmp_path):
    with pytest.raises(PictureError, match=r"Of 1 pictures in .* none has a mask of its name"):
        pair_folders(lay(tmp_path / "a", ["a.jpg"]), lay(tmp_path / "b", ["b.png"]))
    with pytest.raises(PictureError, match="There is no folder"):
        pair_folders(tmp_path / "absent", tmp_path)


def test_annotations_are_masks_where_there_is_no_other(tmp_path):
    images = lay(tmp_path / "images", ["a.jpg", "b.jpg", "c.jpg"])
    masks = lay(tmp_path / "masks", ["a.json", "a.png", "b.json", "readme.txt"])
    found = pair_folders(images, masks)
    assert [pair.mask.name for pair in found.pairs] == ["a.png", "b.json"]
    assert (found.pictures_alone, found.masks_alone) == (("c.jpg",), ())
    together = lay(tmp_path / "together", ["a.jpg", "a.json"])
    assert [pair.mask.name for pair in pair_folders(together, together).pairs] == ["a.json"]


def test_one_file_may_be_the_annotations_of_all_images(tmp_path):
    images = lay(tmp_path / "images", ["a.jpg", "b/c.jpg"])
    masks = tmp_path / "instances.json"
    named = [{"id": number, "file_name": name} for number, name in enumerate(("a.jpg", "c.jpg"))]
    masks.write_text(json.dumps({"images": named, "annotations": []}))
    found = pair_folders(images, masks)
    assert [(pair.name, pair.mask) for pair in found.pairs] == [
        ("a.jpg", masks),
        ("b/c.jpg", masks),
    ]


def test_one_file_of_one_image_is_that_of_the_image_called_so(tmp_path):
    images = lay(tmp_path / "images", ["a.jpg", "b.jpg"])
    masks = tmp_path / "b.json"
    masks.write_text(json.dumps({"shapes": []}))
    found = pair_folders(images, masks)
    assert [(pair.name, pair.mask) for pair in found.pairs] == [("b.jpg", masks)]
    assert found.pictures_alone == ("a.jpg",)


def test_one_image_and_one_mask_belong_together_whatever_their_names(tmp_path):
    images, masks = lay(tmp_path / "images", ["a.jpg"]), lay(tmp_path, ["truth.png"]) / "truth.png"
    assert [pair.mask for pair in pair_folders(images, masks).pairs] == [masks]
