"""The recipe: generated pictures are what they claim, and a training ends the same every time."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

import segdemo
from segdemo.training.ranks import Ranks
from segdemo.training.start import fresh
from tests.table import every
from weights import cards, evaluation, make, pictures, training
from weights.generators import bodies, vessels
from weights.recipes import RECIPES, Recipe
from weights.tasks import TASKS

CPU = torch.device("cpu")
BOTH_NETWORKS = ["nuclei_unet", "vessels_u2net_lite"]
IN_RUNS = "scene_fcn8s"
ALL_KINDS = [name for name in RECIPES if not name.startswith("objects")]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def smoke(name: str) -> Recipe:
    return RECIPES[name].smoke()


@every("task", TASKS)
def test_a_picture_depends_on_its_seed_and_number_alone(task):
    shown, masks = pictures.generate(task, seed=3, side=64, count=4)
    again, masks_again = pictures.generate(task, seed=3, side=64, count=4, jobs=2)
    other, _ = pictures.generate(task, seed=4, side=64, count=4)
    np.testing.assert_array_equal(shown, again)
    np.testing.assert_array_equal(masks, masks_again)
    assert not np.array_equal(shown, other)


@every("task", TASKS)
def test_a_picture_is_rgb_and_its_mask_has_the_labels_of_the_task(task):
    shown, masks = pictures.generate(task, seed=5, side=64, count=8)
    assert shown.shape == (8, 64, 64, 3)
    assert masks.shape == (8, 64, 64)
    assert shown.dtype == masks.dtype == np.uint8
    assert set(np.unique(masks)) == set(range(max(2, len(TASKS[task].classes))))


def test_touching_nuclei_are_apart_in_the_mask():
    crowded = bodies.Arrangement(
        radius=8,
        spread=0.2,
        aspect=(0.7, 1.0),
        roughness=0.05,
        coverage=0.9,
        overlap=0.25,
        clustered=False,
        aligned=False,
    )
    layout = bodies.lay_out(np.random.default_rng(1), 128, crowded)
    pieces, count = ndimage.label(layout.mask(), np.ones((3, 3)))
    assert count > 20
    for piece in range(1, count + 1):
        assert len(np.unique(layout.labels[pieces == piece])) == 1


def test_nuclei_touch_before_their_mask_is_cut_apart():
    # Otherwise the test above would hold of bodies that never meet.
    crowded = bodies.Arrangement(8, 0.2, (0.7, 1.0), 0.05, 0.9, 0.25, False, False)
    layout = bodies.lay_out(np.random.default_rng(1), 128, crowded)
    _, merged = ndimage.label(layout.labels > 0)
    _, apart = ndimage.label(layout.mask())
    assert merged < apart


def test_a_vessel_fainter_than_the_grain_has_no_label():
    size = 64
    middle = np.array([32.0, 32.0])
    view = vessels.View(size, 100.0, middle, np.array([5.0, 5.0]), 0.1, 1.0)
    points = np.stack([np.linspace(-0.3, 0.3, 31), np.zeros(31)], axis=1)
    light = np.full((size, size), 0.5, np.float32)

    def labelled(contrast: float, grain: float) -> int:
        vessel = vessels.Vessel(points, np.full(31, 0.04), contrast, artery=False)
        rng = np.random.default_rng(0)
        _, _, labels = vessels._draw(rng, view, [vessel], light, grain, soft=0.3)
        return int(labels.sum())

    assert labelled(contrast=0.4, grain=0.02) > 100
    assert labelled(contrast=0.04, grain=0.05) == 0


def test_the_cache_is_read_back(tmp_path, monkeypatch):
    first = pictures.cached(tmp_path, "nuclei", seed=1, side=48, count=3)
    monkeypatch.setattr(pictures, "generate", None)
    second = pictures.cached(tmp_path, "nuclei", seed=1, side=48, count=3)
    for before, after in zip(first, second, strict=True):
        np.testing.assert_array_equal(before, after)


def same(first, second):
    found = second.state_dict()
    return all(torch.equal(value, found[key]) for key, value in first.state_dict().items())


@pytest.mark.parametrize("name", [*BOTH_NETWORKS, IN_RUNS])
def test_an_interrupted_training_ends_like_an_uninterrupted_one(name, tmp_path):
    recipe = smoke(name)
    whole = training.train(recipe, work=tmp_path / "whole", device=CPU)
    part = training.train(recipe, work=tmp_path / "parts", device=CPU, stops=lambda step: step == 2)
    assert (part.steps, part.finished) == (2, False)
    resumed = training.train(recipe, work=tmp_path / "parts", device=CPU)
    assert resumed.finished
    assert same(whole.network, resumed.network)
    assert not same(whole.network, fresh(recipe.network, recipe.config, recipe.seed))


def test_a_second_run_begins_with_the_weights_of_the_first(tmp_path):
    recipe = smoke(IN_RUNS)
    second = training.train(replace(recipe, steps=0), work=tmp_path, device=CPU)
    first = training.train(recipe.before, work=tmp_path, device=CPU)
    assert first.steps > 0
    assert same(first.network, second.network)


def test_the_weights_may_be_the_mean_of_two_runs(tmp_path):
    recipe = smoke(IN_RUNS)
    first = training.train(recipe.before, work=tmp_path, device=CPU).network.state_dict()
    last = training.train(recipe, work=tmp_path, device=CPU).network.state_dict()
    training.forget(recipe, tmp_path)
    averaged = replace(recipe, averaged=True)
    mean = training.train(averaged, work=tmp_path, device=CPU).network.state_dict()
    for name, tensor in mean.items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, (first[name] + last[name]) / 2)


def test_to_begin_anew_forgets_all_runs(tmp_path):
    recipe = smoke(IN_RUNS)
    training.train(recipe, work=tmp_path, device=CPU)
    assert len(list(tmp_path.glob("*.state.pt"))) == len(recipe.runs) > 1
    training.forget(recipe, tmp_path)
    assert not list(tmp_path.glob("*.state.pt"))


def test_an_unfinished_run_of_another_recipe_is_not_continued(tmp_path):
    recipe = smoke("nuclei_unet")
    other = replace(recipe, learning_rate=recipe.learning_rate * 2)
    training.train(other, work=tmp_path, device=CPU, stops=lambda step: step == 2)
    resumed = training.train(recipe, work=tmp_path, device=CPU)
    whole = training.train(recipe, work=tmp_path / "whole", device=CPU)
    assert same(whole.network, resumed.network)


def test_every_picture_is_seen_once_in_an_epoch():
    recipe = smoke("nuclei_unet")
    stock = np.zeros((recipe.samples, recipe.canvas, recipe.canvas, 3), np.uint8)
    batches = training.Batches(recipe, stock, stock[..., 0])
    seen = [index for step in range(3) for index in batches._shuffled(step)]
    assert sorted(seen) == list(range(6))


def test_the_processes_of_a_training_share_a_batch_without_rest():
    recipe = smoke("nuclei_unet")
    batches = training.Batches(recipe, *pictures.generate("nuclei", 0, recipe.canvas, 6))
    whole, labels = batches(1, Ranks())
    parts = [batches(1, Ranks(rank=rank, world=2)) for rank in (0, 1)]
    assert torch.equal(whole, torch.cat([shown for shown, _ in parts]))
    assert torch.equal(labels, torch.cat([labels for _, labels in parts]))


def test_a_network_of_one_channel_is_trained_in_grey():
    recipe = smoke("nuclei_unet")
    config = replace(recipe.config, in_channels=1)
    batches = training.Batches(
        replace(recipe, config=config), *pictures.generate("nuclei", 0, recipe.canvas, 6)
    )
    shown, _ = batches(0, Ranks())
    assert shown.shape == (2, 1, 32, 32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL_KINDS)
def test_smoke_mode_makes_a_file_that_loads(name, tmp_path):
    out, work = tmp_path / "out", tmp_path / "work"
    code = make.main([name, "--smoke", "--device", "cpu", "--out", str(out), "--work", str(work)])
    assert code == 0
    path = out / f"{name}.safetensors"
    segmenter = segdemo.load(path)
    assert segmenter.spec == RECIPES[name].spec
    assert segmenter.detection.config == RECIPES[name].config
    assert cards.describe(path)["scores"]["held_out_pictures"] == 4


@pytest.mark.slow
def test_two_processes_train_one_checkpoint(tmp_path):
    folders = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    answer = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         "-m", "weights.make", "nuclei_tiny8", "--smoke", "--device", "cpu", *folders],
        cwd=make.ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    segmenter = segdemo.load(tmp_path / "out" / "nuclei_tiny8.safetensors")
    assert segmenter.detection.config == RECIPES["nuclei_tiny8"].config
    # Rank 0 alone tells the score.
    assert answer.stdout.count("held_out_pictures") == 1


def test_smoke_mode_leaves_the_shipped_files_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(make.tempfile, "mkdtemp", lambda **_: str(tmp_path))
    before = {path: path.stat().st_mtime_ns for path in make.FOLDER.glob("*.safetensors")}
    assert make.main(["nuclei_unet", "--smoke", "--device", "cpu"]) == 0
    after = {path: path.stat().st_mtime_ns for path in make.FOLDER.glob("*.safetensors")}
    assert before == after
    assert (tmp_path / "nuclei_unet.safetensors").exists()


def test_a_weight_beyond_half_precision_is_refused(tmp_path):
    network = fresh(RECIPES["nuclei_unet"].network, RECIPES["nuclei_unet"].config, 0)
    with torch.no_grad():
        next(network.parameters()).fill_(70_000.0)
    with pytest.raises(ValueError, match="half precision"):
        cards.export(network, tmp_path / "x.safetensors", {})
    assert list(Path(tmp_path).iterdir()) == []


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        make.main(["kittens", "--smoke"])
    assert "kittens" in capsys.readouterr().err


def test_tolerant_f1_forgives_one_pixel_and_not_two():
    truth = np.zeros((1, 20, 20), bool)
    truth[0, 10, :] = True
    assert evaluation.tolerant_f1(np.roll(truth, 1, axis=1), truth) == 1
    assert evaluation.tolerant_f1(np.roll(truth, 2, axis=1), truth) == 0


def test_the_cards_name_every_file_that_is_there_and_no_other(tmp_path):
    folders = ["--out", str(tmp_path), "--work", str(tmp_path)]
    make.main(["nuclei_unet", "--smoke", "--device", "cpu", *folders])
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- cards -->\noutdated row\n<!-- end of cards -->\nafter\n")
    make.main(["--cards", "--out", str(tmp_path)])
    text = readme.read_text()
    assert text.startswith("before\n<!-- cards -->\n")
    assert text.endswith("<!-- end of cards -->\nafter\n")
    assert "outdated" not in text
    assert "nuclei_unet.safetensors" in text
    assert "vessels_unet" not in text


def test_the_metadata_is_one_json_document(tmp_path):
    network = fresh(RECIPES["nuclei_unet"].network, RECIPES["nuclei_unet"].config, 0)
    path = tmp_path / "x.safetensors"
    cards.export(network, path, {"title": "×"})
    assert cards.describe(path) == json.loads('{"title": "×"}')
