"""The shipped files: what they hold, what their card says, and what they find."""

import dataclasses
import hashlib
import json
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from scipy import ndimage
from skimage import data

import segdemo
from segdemo.catalog import shipped
from segdemo.metrics.accumulated import scores_for
from tests.table import every
from weights import cards, evaluation, make, pictures
from weights.recipes import RECIPES
from weights.tasks import TASKS

TRAINED = list(cards.trained(make.FOLDER))
NUCLEI = [name for name in TRAINED if RECIPES[name].task == "nuclei"]
VESSELS = [name for name in TRAINED if RECIPES[name].task == "vessels"]
BARS = {"nuclei": 0.88, "vessels": 0.85, "objects": 0.82, "scene": 0.80}
"""What is asked of the best network of a task, by evaluation.quality."""
SHARE = 0.80
"""What every other network of the task reaches of the best."""
FILE_LIMIT, LIMIT = 10_000_000, 40_000_000
COUNTS_COINS = ("nuclei_unet", "nuclei_u2net_lite")
FRESH = 40


def quality(name: str) -> float:
    return evaluation.quality(cards.describe(path_of(name))["scores"])


def best_of(task: str) -> float:
    return max(quality(name) for name in TRAINED if RECIPES[name].task == task)


@cache
def fresh_pictures(task: str, side: int):
    """Pictures that no score was made of, and their masks: once for all networks of a task."""
    return pictures.generate(task, pictures.HELD_OUT + 1, side, FRESH)


def path_of(name: str):
    return make.FOLDER / f"{name}.safetensors"


@every("name", TRAINED)
def test_a_file_is_small_and_in_half_precision(name):
    assert path_of(name).stat().st_size < FILE_LIMIT
    with safe_open(path_of(name), framework="pt") as stored:
        for key in stored.keys():  # noqa: SIM118
            tensor = stored.get_tensor(key)
            assert tensor.dtype == (torch.int64 if "num_batches" in key else torch.float16), key
            assert bool(torch.isfinite(tensor.float()).all()), key


@every("name", TRAINED)
def test_a_file_says_what_it_is(name):
    facts = cards.describe(path_of(name))
    recipe = RECIPES[name]
    assert facts["title"] == recipe.title
    assert facts["licence"] == "Apache-2.0"
    assert facts["data"] == "generated pictures only"
    assert facts["training"]["steps"] == recipe.steps
    assert facts["training"]["seed"] == recipe.seed
    before = [run["steps"] for run in facts["training"].get("before", ())]
    assert before == [run.steps for run in recipe.runs[:-1]]
    version = pictures.generator_version(recipe.task)
    assert facts["training"]["generator"] == f"{recipe.task} v{version}"


@every("name", TRAINED)
def test_a_file_is_recognised_and_brings_its_spec(name):
    segmenter = segdemo.load(path_of(name))
    recipe = RECIPES[name]
    assert segmenter.spec == recipe.spec
    assert segmenter.detection.architecture.id == recipe.architecture


@every("name", TRAINED)
def test_the_config_in_the_metadata_is_the_one_that_the_tensors_tell(name):
    detected = dataclasses.asdict(segdemo.load(path_of(name)).detection.config)
    assert cards.describe(path_of(name))["config"] == json.loads(json.dumps(detected))


@every("name", TRAINED)
def test_the_readme_has_the_hash_of_the_file(name):
    digest = hashlib.sha256(path_of(name).read_bytes()).hexdigest()
    assert digest in (make.FOLDER / "README.md").read_text(encoding="utf-8")


@every("name", TRAINED)
def test_the_scores_in_the_card_come_near_the_best_of_the_task(name):
    scores = cards.describe(path_of(name))["scores"]
    assert scores["held_out_pictures"] == make.HELD_OUT_PICTURES
    assert quality(name) >= SHARE * best_of(RECIPES[name].task)


@every("task", sorted({RECIPES[name].task for name in TRAINED}))
def test_the_best_of_a_task_reaches_its_bar(task):
    assert best_of(task) >= BARS[task]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_the_scores_hold_on_pictures_never_scored_before(name):
    recipe = RECIPES[name]
    shown, masks = fresh_pictures(recipe.task, recipe.canvas)
    maps = evaluation.probabilities(path_of(name), shown)
    if recipe.task == "vessels":
        found = evaluation.tolerant_f1(np.stack([each[0] for each in maps]) >= 0.5, masks > 0)
    else:
        counted = scores_for(TASKS[recipe.task].classes)
        for each, labels in zip(maps, masks, strict=True):
            counted.add(each, labels)
        found = counted.best
    # Forty pictures say less than five hundred: a little less is asked of them.
    assert found >= quality(name) - 0.05


def test_all_files_together_need_no_large_file_storage():
    files = list(make.FOLDER.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in files) <= LIMIT


def test_every_shipped_file_has_a_recipe():
    assert {path.stem for path in make.FOLDER.glob("*.safetensors")} <= RECIPES.keys()


def test_the_page_offers_every_checkpoint():
    assert set(TRAINED) <= {entry.id for entry in shipped()}


@every("name", COUNTS_COINS)
def test_the_24_coins_are_24_pieces(name):
    coins = Image.fromarray(data.coins()).convert("RGB")
    mask = segdemo.load(path_of(name)).predict(coins).mask(0.5)
    assert evaluation.components(mask) == 24


@every("name", VESSELS)
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


@every("name", VESSELS)
def test_a_picture_without_vessels_stays_empty(name):
    plain = Image.new("RGB", (256, 256), (190, 80, 40))
    mask = segdemo.load(path_of(name)).predict(plain).mask(0.5)
    assert mask.mean() < 0.002
