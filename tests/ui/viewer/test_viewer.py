"""What goes to the viewer and what comes back."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segdemo.images.decode import decode
from segdemo.ui.viewer.map_files import MAX_SIDE, cache_map, cache_picture
from segdemo.ui.viewer.payload import (
    SCHEMA,
    CachedFile,
    CachedImage,
    PanelEntry,
    PanelState,
    ViewerPayload,
    ViewerState,
    new_run,
)
from segdemo.ui.viewer.viewer import ComparisonViewer, read_state

IMAGE = CachedImage(width=8, height=6, file=CachedFile(path="/nowhere/picture.jpg"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def panel(**changes) -> PanelEntry:
    return PanelEntry(**{"id": "slot-0", "label": "U-Net", **changes})


def test_a_map_arrives_bit_by_bit():
    q = np.random.default_rng(1).integers(0, 256, (37, 53), dtype=np.uint8)
    entry = cache_map(q)
    with Image.open(entry.file.path) as stored:
        assert stored.mode == "L"
        assert np.array_equal(np.asarray(stored), q)
    assert (entry.width, entry.height) == (53, 37)


def test_a_large_map_is_thinned_and_never_averaged():
    q = np.zeros((10, 3 * MAX_SIDE), dtype=np.uint8)
    q[:, ::2] = 255
    entry = cache_map(q)
    with Image.open(entry.file.path) as stored:
        assert max(stored.size) == entry.width == MAX_SIDE
        assert set(np.unique(np.asarray(stored))) <= {0, 255}


@pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros((4, 4, 1), dtype=np.uint8)])
def test_a_map_is_two_dimensional_and_quantised(wrong):
    with pytest.raises(ValueError, match=r"\(H, W\) uint8"):
        cache_map(wrong)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((MAX_SIDE, 90), (MAX_SIDE, 90)),
        ((2 * MAX_SIDE, MAX_SIDE), (MAX_SIDE, MAX_SIDE // 2)),
        ((4000, 3000), (2000, 1500)),
        ((1500, 2560), (1200, MAX_SIDE)),
    ],
)
def test_a_picture_keeps_its_own_size_though_its_file_is_smaller(size, shown):
    picture = Image.new("RGB", size, "teal")
    entry = cache_picture(picture)
    assert (entry.width, entry.height) == size
    with Image.open(entry.file.path) as stored:
        assert stored.format == "JPEG"
        assert stored.size == shown
        np.testing.assert_allclose(stored.getpixel((5, 5)), picture.getpixel((5, 5)), atol=2)


def jpeg(path, size, **options):
    picture = Image.effect_noise(size, 40).convert("RGB")
    picture.save(path, format="JPEG", **options)
    return decode(path, max_megapixels=1)


def test_a_plain_jpeg_goes_to_the_browser_as_it_is(tmp_path):
    path = tmp_path / "somebody's name.jpg"
    picture = jpeg(path, (300, 200), quality=60)
    entry = cache_picture(picture, path)
    assert Path(entry.file.path).read_bytes() == path.read_bytes()
    assert Path(entry.file.path).name == "picture.jpg"
    assert (entry.width, entry.height) == (300, 200)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((MAX_SIDE + 2, 128), {"quality": 60}),
        ((300, 200), {"quality": 60, "comment": b"where it was taken"}),
        ((300, 200), {"quality": 100, "subsampling": 0}),
    ],
    ids=["too large", "with a remark", "needlessly many bytes"],
)
def test_any_other_file_becomes_a_jpeg_of_ours(tmp_path, size, options):
    path = tmp_path / "picture.jpg"
    picture = jpeg(path, size, **options)
    entry = cache_picture(picture, path)
    content = Path(entry.file.path).read_bytes()
    assert content != path.read_bytes()
    assert b"where it was taken" not in content


def test_equal_maps_are_stored_once_and_nothing_else_is_left(cache):
    q = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert cache_map(q) == cache_map(q.copy())
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 1


def test_a_payload_is_plain_json_with_files_that_gradio_recognises():
    entry = panel(status="ready", map=IMAGE, milliseconds=4.2, notes=("padding 1",))
    payload = ViewerPayload(image=IMAGE, panels=(entry,), threshold=77).to_json()
    assert json.loads(json.dumps(payload)) == payload
    assert payload["schema"] == SCHEMA
    assert payload["threshold"] == 77
    assert payload["panels"][0]["map"]["file"]["meta"] == {"_type": "gradio.FileData"}


def test_what_is_not_known_is_left_out():
    entry = panel().to_json()
    assert "milliseconds" not in entry
    assert "map" not in entry


def test_each_run_has_a_name_of_its_own():
    assert new_run() != new_run()
    assert ViewerPayload(image=IMAGE, panels=()).run != ViewerPayload(image=IMAGE, panels=()).run


@pytest.mark.parametrize(
    "wrong",
    [
        {"run": "Not hexadecimal"},
        {"threshold": 0},
        {"threshold": 256},
        {"panels": (panel(), panel())},
        {"panels": tuple(panel(id=f"slot-{place}") for place in range(5))},
        {"panels": (panel(status="ready"),)},
    ],
)
def test_a_payload_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"A comparison|A run|A threshold|is ready"):
        ViewerPayload(**{"image": IMAGE, "panels": (), **wrong})


def test_a_state_survives_the_way_to_the_browser_and_back():
    panels = (
        PanelState(threshold=9, pick="all", palette="voc", hidden=(0, 2)),
        PanelState(threshold=255, pick="12"),
    )
    state = ViewerState(
        threshold=42, mode="difference", layout="swipe", opacity=0.25, panels=panels
    )
    payload = ViewerPayload(image=IMAGE, panels=(), state=state).to_json()
    assert read_state(json.loads(json.dumps(payload))) == state


@pytest.mark.parametrize(
    "payload",
    [
        None,
        "text",
        [],
        {},
        {"state": None},
        {"state": []},
        {"state": {"mode": "mask"}},
        {"state": {"threshold": "1"}},
        {"state": {"threshold": True}},
        {"state": {"threshold": math.nan}},
        {"state": {"threshold": math.inf}},
    ],
)
def test_a_state_without_a_threshold_is_none(payload):
    assert read_state(payload) is None


def test_a_state_is_brought_into_range_part_by_part():
    payload = {"state": {"threshold": 1e9, "mode": {}, "layout": "\n", "opacity": -7}}
    assert read_state(payload) == ViewerState(threshold=255, opacity=0.0)


def test_the_state_of_a_panel_is_brought_into_range_part_by_part():
    panels = [
        "text",
        {"threshold": -5, "pick": "../etc", "palette": []},
        {"pick": "7", "palette": "nobody's", "hidden": [-1]},
        {"hidden": [1, True]},
        {},
    ]
    read = read_state({"state": {"threshold": 5, "panels": panels}})
    assert read.panels == (
        PanelState(),
        PanelState(threshold=1),
        PanelState(pick="7"),
        PanelState(),
    )


def test_only_the_state_of_a_payload_is_read():
    viewer = ComparisonViewer()
    sent = {
        "state": {"threshold": 5, "path": "/etc/passwd"},
        "image": {"file": {"path": "/etc/passwd"}},
        "panels": [{"label": "x"}],
    }
    assert viewer.preprocess(sent) == ViewerState(threshold=5)


def test_an_empty_viewer_has_no_payload():
    assert ComparisonViewer().postprocess(None) is None


def test_the_example_of_the_interface_is_a_state():
    viewer = ComparisonViewer()
    assert viewer.preprocess(viewer.example_payload()) == ViewerState(threshold=128)
    assert viewer.api_info()["properties"]["state"]["required"] == ["threshold"]
