"""A mask that is black or wrong on purpose, in eight ways: what is said, and how it is mended.

The network and the picture are shipped ones. "Right" is the shipped checkpoint's own map; each
mend is what a person can do on the page, and has to give exactly that map.
"""

import json
import math

import numpy as np
import pytest
import torch
from code_bases import TutorialUNet, randomised
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from segdemo.catalog import SHIPPED_FOLDER, from_file
from segdemo.inference.pool import Pool
from segdemo.settings import Settings
from segdemo.ui.handlers import Handlers
from segdemo.ui.shelf import Shelf
from segdemo.ui.viewer.stored import FOLDER
from segdemo.ui.visitor import Visitor
from tests.ui.hub_fakes import FakeHub

SHIPPED = SHIPPED_FOLDER / "nuclei_unet.safetensors"
HALF = 128


class Page:
    """A visitor with one checkpoint in the only slot and one picture."""

    def __init__(self, path, picture_path):
        self.pool = Pool(Settings(device="cpu"))
        self.entry = from_file(path, "folder")
        self.handlers = Handlers(
            settings=Settings(device="cpu"),
            predictor=self.pool,
            shelf=Shelf(lambda: [self.entry], online=False),
            hub=FakeHub(offline=True).access,
            examples=(),
        )
        self.visitor = Visitor()
        self.picture_path = picture_path

    def panel(self):
        *_, last = self.handlers.compare(self.visitor, self.picture_path, [self.entry.id])
        return last.panels[0]

    def decide(self, **values):
        for name, raw in values.items():
            name = name.replace("__", ".")
            self.handlers.rereading.reassume(self.visitor, [self.entry.id], "slot-0", name, raw)
        return self.panel()

    def try_others(self):
        self.handlers.rereading.begin_trials(self.visitor, [self.entry.id], "slot-0")
        return self.panel().trials

    def choose(self, title):
        (trial,) = [trial for trial in self.try_others() if trial.title.split(" · ")[0] == title]
        self.handlers.rereading.choose(self.visitor, [self.entry.id], "slot-0", trial.id)
        return self.panel()


def pixels(image):
    return np.asarray(Image.open(image.file.path))


@pytest.fixture(scope="module")
def picture_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "nuclei.png"
    Image.open(FOLDER / "nuclei.png").crop((200, 160, 328, 256)).save(path)
    return str(path)


def shipped_words():
    with safe_open(SHIPPED, "pt") as file:
        return json.loads(file.metadata()["segdemo"])


@pytest.fixture
def made(tmp_path, picture_path):
    """Makes a page around the shipped checkpoint with other words or weights."""

    def make(change=lambda tensors: None, **preprocessing):
        tensors, words = load_file(SHIPPED), shipped_words()
        change(tensors)
        words["preprocessing"] = words["preprocessing"] | preprocessing
        path = tmp_path / "wrong.safetensors"
        save_file(tensors, path, {"segdemo": json.dumps(words)})
        return Page(path, picture_path)

    return make


@pytest.fixture
def right(picture_path):
    """The map of the shipped checkpoint; about a third of the picture is nuclei."""
    found = pixels(Page(SHIPPED, picture_path).panel().map)
    assert 0.1 < (found >= HALF).mean() < 0.6
    return found


def test_the_wrong_divisor(made, right):
    page = made(divisor=1.0)
    wrong = page.panel()
    assert not np.array_equal(pixels(wrong.map) >= HALF, right >= HALF)
    assert {one.name: one.value for one in wrong.assumed}["preprocessing.divisor"] == (
        "raw, 0 to 255"
    )
    mended = page.decide(preprocessing__divisor="255")
    assert np.array_equal(pixels(mended.map), right)


def test_another_mean_and_deviation(made, right):
    page = made(mean=[104.0, 117.0, 123.0], std=[1.0])
    wrong = page.panel()
    assert (pixels(wrong.map) >= HALF).mean() < 0.1 * (right >= HALF).mean()
    assert wrong.figures.mean < 0.1
    assert "mean 104, 117, 123" in " ".join(wrong.notes)
    mended = page.decide(
        preprocessing__mean="0.485, 0.456, 0.406", preprocessing__std="0.229, 0.224, 0.225"
    )
    assert np.array_equal(pixels(mended.map), right)


def test_the_channels_in_another_order(made, right):
    page = made(channels="bgr")
    wrong = page.panel()
    assert not np.array_equal(pixels(wrong.map), right)
    assert "BGR" in " ".join(wrong.notes)
    mended = page.decide(preprocessing__channels="rgb")
    assert np.array_equal(pixels(mended.map), right)


@pytest.mark.parametrize(
    "wrong",
    [{"divisor": 1.0}, {"mean": [104.0, 117.0, 123.0], "std": [1.0]}, {"channels": "bgr"}],
)
def test_all_three_are_mended_by_choosing_among_the_usual_readings_too(made, right, wrong):
    page = made(**wrong)
    assert not np.array_equal(pixels(page.panel().map), right)
    assert np.array_equal(pixels(page.choose("ImageNet mean").map), right)


def test_an_activation_applied_twice(made, right):
    page = made()
    loaded = page.pool.load(page.entry.path)
    loaded.network = nn.Sequential(loaded.network, nn.Sigmoid())
    wrong = page.panel()
    assert (pixels(wrong.map) >= HALF).all()
    # By this the page knows it: a sigmoid of a sigmoid lies in [0.5, 0.731].
    assert wrong.activation == "sigmoid"
    assert 0.5 <= wrong.figures.minimum <= wrong.figures.maximum <= 1 / (1 + math.exp(-1))
    assert np.array_equal(pixels(page.choose("Output as it is").map), right)
    mended = page.decide(postprocessing__activation="none")
    assert np.array_equal(pixels(mended.map), right)
    assert mended.activation == "none"


def test_weights_that_are_no_numbers(made, picture_path):
    def break_one(tensors):
        tensors["head.bias"] = torch.full_like(tensors["head.bias"], float("nan"))

    panel = made(break_one).panel()
    assert panel.status == "failed"
    assert panel.map is None
    assert "NaN" in panel.message
    assert "head.bias" in panel.message


def test_the_wrong_class(tmp_path, picture_path, right):
    """Nuclei are class 0, which is background by custom: the mask is the wrong way round."""
    tensors, words = load_file(SHIPPED), shipped_words()
    weight, bias = tensors["head.weight"], tensors["head.bias"]
    none, never = torch.zeros_like(weight), torch.full_like(bias, -100)
    tensors["head.weight"] = torch.cat([weight, none, none])
    tensors["head.bias"] = torch.cat([bias, torch.zeros_like(bias), never])
    words["postprocessing"] = {"activation": "softmax", "classes": ["nucleus", "rest", "dust"]}
    path = tmp_path / "wrong.safetensors"
    save_file(tensors, path, {"segdemo": json.dumps(words)})
    panel = Page(path, picture_path).panel()
    assert ((pixels(panel.map) >= HALF) != (right >= HALF)).mean() > 0.99
    assert panel.classes.names == ("nucleus", "rest", "dust")
    atlas = pixels(panel.classes.atlas)
    picked = atlas[: len(right)]
    # Softmax over three rounds otherwise than a sigmoid of one.
    assert np.abs(picked.astype(int) - right).max() <= 1
    assert np.array_equal(pixels(panel.classes.labels) == 0, right >= HALF)


def test_a_threshold_that_is_too_high(made, right):
    """Every logit is a tenth less ln 15, so that p = 1/2 has become p = 1/16."""

    def lower(tensors):
        tensors["head.weight"] = tensors["head.weight"].float() / 10
        tensors["head.bias"] = tensors["head.bias"].float() / 10 - math.log(15)

    panel = made(lower).panel()
    found = pixels(panel.map)
    # By this the page knows above which threshold nothing can show.
    assert found.max() == math.floor(256 * panel.figures.maximum)
    assert panel.figures.maximum < 0.5
    assert not (found >= HALF).any()
    assert np.array_equal(found >= HALF // 8, right >= HALF)


def test_another_network_that_the_same_tensors_fit(tmp_path, picture_path):
    network = randomised(TutorialUNet(era="bias", depth=2, width=4))
    plain, wrong = tmp_path / "right.safetensors", tmp_path / "wrong.safetensors"
    save_file(network.state_dict(), plain)
    right = Page(plain, picture_path).panel()
    assumed = right.assumed[0]
    other = next(name for name, _ in assumed.options if name != assumed.raw)
    save_file(network.state_dict(), wrong, {"segdemo": json.dumps({"assume": other})})
    page = Page(wrong, picture_path)
    shown = page.panel()
    assert not np.array_equal(pixels(shown.map), pixels(right.map))
    assert f"Read as {other}; the same tensors also fit {assumed.raw}." in shown.notes
    mended = page.decide(assume=assumed.raw)
    assert np.array_equal(pixels(mended.map), pixels(right.map))
    page.handlers.rereading.reset(page.visitor, [page.entry.id], "slot-0")
    assert np.array_equal(pixels(page.choose(f"As {assumed.raw}").map), pixels(right.map))
