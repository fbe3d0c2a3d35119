"""The shipped files: what they hold, what their card says, and what they find."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from scipy import ndimage
from skimage import data

import segdemo
from weights import evaluation, make, pictures

NUCLEI = [name for name, recipe in make.RECIPES.items() if recipe.task == "nuclei"]
VESSELS = [name for name, recipe in make.RECIPES.items() if recipe.task == "vessels"]
BARS = {"nuclei_unet": 0.85, "nuclei_u2net_lite": 0.83}
VESSELS_BAR = 0.80
LIMIT = 5_000_000


def path_of(name: str):
    return make.FOLDER / f"{name}.safetensors"


@pytest.mark.parametrize("name", make.RECIPES)
def test_a_file_is_small_and_in_half_precision(name):
    assert path_of(name).stat().st_size < LIMIT
    with safe_open(path_of(name), framework="pt") as stored:
        for key in stored.keys():  # noqa: SIM118
            tensor = stored.get_tensor(key)
            assert tensor.dtype == (torch.int64 if "num_batches" in key else torch.float16), key
            assert bool(torch.isfinite(tensor.float()).all()), key


@pytest.mark.parametrize("name", make.RECIPES)
def test_a_file_says_what_it_is(name):
    facts = make.describe(path_of(name))
    recipe = make.RECIPES[name]
    assert facts["title"] == recipe.title
    assert facts["licence"] == "Apache-2.0"
    assert facts["data"] == "generated pictures only"
    assert facts["training"]["steps"] == recipe.steps
    assert facts["training"]["seed"] == recipe.seed
    version = pictures.generator_version(recipe.task)
    assert facts["training"]["generator"] == f"{recipe.task} v{version}"


@pytest.mark.parametrize("name", make.RECIPES)
def test_a_file_is_recognised_and_brings_its_spec(name):
    segmenter = segdemo.load(path_of(name))
    recipe = make.RECIPES[name]
    assert segmenter.spec == make.spec_of(recipe)
    assert segmenter.detection.architecture.id == recipe.architecture


@pytest.mark.parametrize("name", make.RECIPES)
def test_the_config_in_the_metadata_is_the_one_that_the_tensors_tell(name):
    detected = dataclasses.asdict(segdemo.load(path_of(name)).detection.config)
    assert make.describe(path_of(name))["config"] == json.loads(json.dumps(detected))


@pytest.mark.parametrize("name", make.RECIPES)
def test_the_readme_has_the_hash_of_the_file(name):
    digest = hashlib.sha256(path_of(name).read_bytes()).hexdigest()
    assert digest in (make.FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", make.RECIPES)
def test_the_scores_in_the_card_reach_the_bars(name):
    scores = make.describe(path_of(name))["scores"]
    assert scores["held_out_pictures"] == 200
    if name in NUCLEI:
        assert scores["iou"] >= BARS[name]
    else:
        assert scores["f1_1px"] >= VESSELS_BAR


@pytest.mark.parametrize("name", make.RECIPES)
def test_the_scores_hold_on_pictures_never_scored_before(name):
    task = make.RECIPES[name].task
    shown, masks = pictures.generate(task, seed=pictures.HELD_OUT + 1, side=128, count=40)
    found, truth = evaluation.probabilities(path_of(name), shown) >= 0.5, masks > 0
    if task == "nuclei":
        # Forty pictures say less than two hundred: a little less is asked of them.
        assert evaluation.intersection_over_union(found, truth) >= BARS[name] - 0.03
    else:
        assert evaluation.tolerant_f1(found, truth) >= VESSELS_BAR


@pytest.mark.parametrize("name", NUCLEI)
def test_the_24_coins_are_24_pieces(name):
    coins = Image.fromarray(data.coins()).convert("RGB")
    mask = segdemo.load(path_of(name)).predict(coins).mask(0.5)
    assert evaluation.components(mask) == 24


@pytest.mark.parametrize("name", VESSELS)
def test_the_vessels_of_a_real_retina_hang_together(name):
    picture = Image.fromarray(data.retina())
    found = segdemo.load(path_of(name)).predict(picture).probabilities[0] >= 0.5
    assert 0.06 < found.mean() < 0.2
    pieces, count = ndimage.label(found, np.ones((3, 3)))
    sizes = np.sort(ndimage.sum(found, pieces, range(1, count + 1)))[::-1]
    assert sizes[:3].sum() > 0.6 * found.sum()
    # The arcades reach from the disc at the left far to the right, above and below the fovea.
    rows, columns = np.nonzero(np.isin(pieces, 1 + np.argsort(-np.bincount(pieces.flat)[1:])[:3]))
    assert columns.max() - columns.min() > 0.7 * found.shape[1]
    assert rows.max() - rows.min() > 0.7 * found.shape[0]


@pytest.mark.parametrize("name", VESSELS)
def test_a_picture_without_vessels_stays_empty(name):
    plain = Image.new("RGB", (256, 256), (190, 80, 40))
    mask = segdemo.load(path_of(name)).predict(plain).mask(0.5)
    assert mask.mean() < 0.002
