import numpy as np
import pytest
from PIL import Image

import segdemo
from segdemo.catalog import shipped
from segdemo.images.decode import decode
from segdemo.inference.maps import quantise
from segdemo.ui.viewer.stored import FOLDER, examples
from tests.table import every


@pytest.fixture(scope="module")
def stored():
    return examples()


@every("place", range(len(examples())), ids=lambda place: f"example-{place}")
def test_the_stored_maps_are_what_the_shipped_checkpoints_say(stored, place):
    example = stored[place]
    paths = {entry.id: entry.path for entry in shipped()}
    picture = decode(example.picture, max_megapixels=40)
    for checkpoint, panel in zip(example.checkpoints, example.comparison.panels, strict=True):
        prediction = segdemo.load(paths[checkpoint], device="cpu").predict(picture)
        fresh = quantise(prediction.foreground_at(picture.size)).astype(int)
        kept = np.asarray(Image.open(panel.map.file.path)).astype(int)
        # Another processor adds in another order: a step or two, hardly anywhere.
        assert kept.shape == fresh.shape
        assert np.abs(kept - fresh).max() <= 8
        assert np.mean(kept != fresh) < 0.02
        classes = panel.classes
        assert (classes is None) == (len(prediction.probabilities) == 1)
        if classes is None:
            continue
        labels = np.asarray(Image.open(classes.labels.file.path))
        assert np.mean(labels != prediction.labels_at(picture.size)) < 0.001
        atlas = np.asarray(Image.open(classes.atlas.file.path)).reshape(-1, *labels.shape)
        found = np.stack([quantise(one) for one in prediction.classes_at(picture.size)])
        assert np.mean(np.abs(atlas.astype(int) - found) > 2) < 0.001


def test_one_example_is_of_several_classes(stored):
    classes = [panel.classes for one in stored for panel in one.comparison.panels if panel.classes]
    assert {one.names for one in classes} == {
        ("background", "ground", "sky", "building", "tree", "vehicle")
    }


def test_the_first_visit_shows_two_networks_on_the_retina(stored):
    assert stored[0].picture.name == "retina.jpg"
    assert stored[0].checkpoints == ("vessels_unet", "vessels_u2net_lite")


def test_every_example_is_complete_and_credited(stored):
    credits = (FOLDER / "README.md").read_text(encoding="utf-8")
    for example in stored:
        assert example.picture.exists()
        assert example.picture.name in credits
        for panel in example.comparison.panels:
            assert panel.status == "ready"
            assert panel.label
            assert panel.detail
