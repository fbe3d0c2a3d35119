"""Files, folders, patterns and lists lead to images, whose outputs never share a name."""

from pathlib import Path, PurePath

import pytest
from PIL import Image

from segdemo.batch.sources import find_sources, listed, names_below
from segdemo.errors import PictureError
from segdemo.outputs.png import encode_png
from tests.table import every


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(Image.new("L", (2, 2))).replace(b"segdemo", b"a_brush"))
    return path


@pytest.fixture
def patients(tmp_path):
    """A folder for each patient, with the same names in each."""
    for patient in ("p1", "p2"):
        for number in ("1.png", "2.jpg"):
            write(tmp_path / patient / "img" / number)
    write(tmp_path / ".hidden" / "3.png")
    write(tmp_path / "p1" / ".4.png")
    (tmp_path / "p1" / "notes.txt").write_text("none")
    return tmp_path


def names_in(found):
    return [source.name.as_posix() for source in found.sources]


def test_a_folder_stands_for_all_images_below_it(patients):
    assert names_in(find_sources([patients])) == ["p1/img/1", "p1/img/2", "p2/img/1", "p2/img/2"]


def test_a_pattern_stands_for_what_it_matches(patients):
    assert names_in(find_sources([f"{patients}/**/1.png"])) == ["p1/img/1", "p2/img/1"]


def test_an_image_that_is_named_twice_is_there_once(patients):
    first = patients / "p1" / "img" / "1.png"
    assert names_in(find_sources([first, patients / "p1", first])) == ["1", "2"]


def test_one_image_is_called_as_its_file(patients):
    assert names_in(find_sources([patients / "p1" / "img" / "1.png"])) == ["1"]


@every(
    ("paths", "names"),
    [
        (["p1/a.png", "p2/a.png"], ["p1/a", "p2/a"]),
        (["a.png", "a.jpg", "b.png"], ["a.png", "a.jpg", "b"]),
        (["a.png", "A.png"], ["a.png_1", "A.png_2"]),
        (["a.jpg.png", "a.jpg", "a.png"], ["a.jpg.png", "a.jpg", "a.png"]),
        (["x/y/a.png", "x/b.png"], ["y/a", "b"]),
    ],
)
def test_no_two_outputs_share_a_name(paths, names):
    assert names_below([Path(path) for path in paths]) == [PurePath(name) for name in names]
    assert len({name.casefold() for name in names}) == len(names)


def test_what_an_earlier_run_wrote_is_no_image_of_the_next(tmp_path):
    write(tmp_path / "photo.jpg")
    write(tmp_path / "photo.mask.png")  # by an earlier version, which signed nothing
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.overlay.png").write_bytes(encode_png(Image.new("L", (2, 2))))
    write(tmp_path / "elsewhere" / "my.mask.png")  # somebody's own
    found = find_sources([tmp_path, tmp_path / "photo.mask.png"])
    assert sorted(names_in(found)) == ["elsewhere/my.mask", "photo"]
    assert {path.name for path in found.own} == {"photo.mask.png", "x.overlay.png"}


def test_a_file_that_is_absent_says_so_in_its_turn(tmp_path):
    (source,) = find_sources([tmp_path / "absent.png"]).sources
    assert source.path == tmp_path / "absent.png"


@every("named", [(), ("*.nothing",)])
def test_what_leads_to_nothing_is_a_sentence(named):
    with pytest.raises(PictureError, match="no picture here"):
        find_sources(named)


def test_a_list_has_a_name_in_each_line():
    assert listed(["a.png\n", "\n", "# no\n", "  b c.png \n"]) == ["a.png", "b c.png"]
