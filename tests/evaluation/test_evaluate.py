"""The figures are those of scikit-learn and torchmetrics; a run goes on where it stopped."""

import csv
import json
import math
import re

import numpy as np
import pytest
import torch
from checkpoint_files import write_checkpoint
from PIL import Image
from scipy import stats
from sklearn.metrics import f1_score, jaccard_score, precision_score, recall_score
from torchmetrics.functional.classification import binary_calibration_error

import segdemo
from segdemo.cli.main import main
from segdemo.errors import PictureError
from segdemo.evaluation.scoring import SCORES
from segdemo.evaluation.writing import NAMES, write
from segdemo.inference.segmenter import Segmenter
from segdemo.metrics.calibration import BINS

COUNT, SIZE = 5, (40, 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Images, binary masks, masks of three classes, and checkpoints of both kinds."""
    folder = tmp_path_factory.mktemp("evaluation")
    rng = np.random.default_rng(0)
    for name in ("images", "binary", "classes"):
        (folder / name).mkdir()
    for number in range(COUNT):
        smooth = rng.random((8, 10, 3)).repeat(4, 0).repeat(4, 1)
        pixels = (255 * smooth).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        grey = smooth.mean(2)
        labels = np.digitize(grey, [0.4, 0.6]).astype(np.uint8)
        Image.fromarray(labels).save(folder / "classes" / f"{number}.png")
        binary = np.where(grey > 0.5, 255, 0) if number else np.zeros_like(grey)
        Image.fromarray(binary.astype(np.uint8)).save(folder / "binary" / f"{number}.png")
    for seed, name in enumerate(("one", "two", "three")):
        write_checkpoint(folder / f"{name}.safetensors", seed=seed)
    words = {"postprocessing": {"classes": ["ground", "leaf", "stone"]}}
    write_checkpoint(folder / "many.safetensors", classes=3, seed=4, words=words)
    return folder


@pytest.fixture(scope="module")
def binary(folder):
    names = [folder / f"{name}.safetensors" for name in ("one", "two", "three")]
    return segdemo.evaluate(folder / "images", folder / "binary", names)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_binary_scores_are_those_of_scikit_learn_and_torchmetrics(folder, binary):
    segmenter = segdemo.load(folder / "two.safetensors")
    rows = {row["picture"]: row for row in binary.rows if row["checkpoint"] == "two"}
    assert list(rows) == [f"{number}.png" for number in range(COUNT)]
    for name, row in rows.items():
        prediction = segmenter.predict(folder / "images" / name)
        truth = pixels(folder / "binary" / name) > 0
        flat = truth.ravel(), prediction.mask().ravel()
        expected = {
            "dice": f1_score(*flat, zero_division=np.nan),
            "iou": jaccard_score(*flat, zero_division=0.0) if any(map(np.any, flat)) else math.nan,
            "precision": precision_score(*flat, zero_division=np.nan),
            "recall": recall_score(*flat, zero_division=np.nan),
            "ece": float(
                binary_calibration_error(
                    torch.tensor(prediction.foreground_at(SIZE)).reshape(-1),
                    torch.tensor(truth).reshape(-1).long(),
                    n_bins=BINS,
                )
            ),
        }
        found = {key: row[key] for key in expected}
        assert found == pytest.approx(expected, abs=1e-6, nan_ok=True), name


def test_each_class_is_scored_and_the_mean_over_them(folder):
    found = segdemo.evaluate(
        folder / "images",
        folder / "classes",
        {"mine": segdemo.load(folder / "many.safetensors")},
        truth_reading="labels",
    )
    segmenter = segdemo.load(folder / "many.safetensors")
    for number in range(COUNT):
        name = f"{number}.png"
        labels = segmenter.predict(folder / "images" / name).labels.ravel()
        truth = pixels(folder / "classes" / name).ravel()
        ious = jaccard_score(truth, labels, labels=[0, 1, 2], average=None, zero_division=0)
        there = [(labels == each).any() or (truth == each).any() for each in range(3)]
        rows = {row["class"]: row for row in found.rows if row["picture"] == name}
        assert list(rows) == ["ground", "leaf", "stone", "mean"]
        ours = [rows[each]["iou"] for each in ("ground", "leaf", "stone")]
        expected = [iou if known else math.nan for iou, known in zip(ious, there, strict=True)]
        assert ours == pytest.approx(expected, nan_ok=True)
        assert rows["mean"]["iou"] == pytest.approx(np.nanmean(expected))
    assert found.summary.thresholds == ()


def test_means_leave_out_what_is_not_defined_and_pooled_counts_every_pixel(folder, binary):
    figure = {one.score: one for one in binary.summary.figures if one.network == "two"}
    values = np.array([row["dice"] for row in binary.rows if row["checkpoint"] == "two"])
    known = values[~np.isnan(values)]
    assert figure["dice"].count == len(known)
    assert figure["dice"].mean == pytest.approx(known.mean())
    assert figure["dice"].sd == pytest.approx(known.std(ddof=1))
    assert figure["dice"].median == pytest.approx(np.median(known))
    segmenter = segdemo.load(folder / "two.safetensors")
    names = [f"{number}.png" for number in range(COUNT)]
    truth = np.concatenate([pixels(folder / "binary" / name).ravel() > 0 for name in names])
    said = [segmenter.predict(folder / "images" / name).mask().ravel() for name in names]
    assert figure["dice"].pooled == pytest.approx(f1_score(truth, np.concatenate(said)))


def test_the_best_threshold_is_that_of_the_highest_mean(folder, binary):
    segmenter = segdemo.load(folder / "one.safetensors")
    means = []
    for k in range(1, 256):
        values = []
        for number in range(COUNT):
            mask = segmenter.predict(folder / "images" / f"{number}.png").mask(k / 256)
            truth = pixels(folder / "binary" / f"{number}.png") > 0
            whole = mask.sum() + truth.sum()
            values += [2 * (mask & truth).sum() / whole] if whole else []
        means.append(np.mean(values))
    one = next(one for one in binary.summary.thresholds if one.network == "one")
    assert one.at_best == pytest.approx(max(means))
    assert one.at_best == pytest.approx(means[round(one.best * 256) - 1])
    assert one.at_used == pytest.approx(means[127])
    np.testing.assert_allclose(one.curve[1:256], means)


def test_networks_are_compared_on_the_images_of_both(binary):
    found = {(one.first, one.second, one.score): one for one in binary.summary.comparisons}
    assert len(found) == 3 * len(SCORES)
    values = {
        name: np.array([row["iou"] for row in binary.rows if row["checkpoint"] == name])
        for name in ("one", "two")
    }
    gaps = values["one"] - values["two"]
    gaps = gaps[~np.isnan(gaps)]
    one = found["one", "two", "iou"].difference
    assert one.mean == pytest.approx(gaps.mean())
    method = "exact" if len(set(np.abs(gaps))) == len(gaps) and gaps.all() else "approx"
    assert one.p == pytest.approx(stats.wilcoxon(gaps, method=method).pvalue)


def test_a_picture_that_fails_is_told_and_the_rest_is_judged(folder, tmp_path):
    for name in ("images", "binary"):
        (tmp_path / name).mkdir()
        for number in range(2):
            source = folder / name / f"{number + 1}.png"
            (tmp_path / name / f"{number}.png").write_bytes(source.read_bytes())
    (tmp_path / "images" / "0.png").write_bytes(b"none")
    found = segdemo.evaluate(tmp_path / "images", tmp_path / "binary", folder / "one.safetensors")
    assert [bool(row["message"]) for row in found.rows] == [True, False]
    (failure,) = found.summary.failures
    assert failure.picture == "0.png"


class StoppedError(Exception):
    """Somebody pressed Ctrl-C."""


def test_an_interrupted_evaluation_goes_on_where_it_stopped(folder, binary, tmp_path, monkeypatch):
    given = folder / "images", folder / "binary"
    networks = [folder / "one.safetensors", folder / "two.safetensors"]

    def stop(done, total, worked):
        if done == 4:
            raise StoppedError

    with pytest.raises(StoppedError):
        segdemo.evaluate(*given, networks, out=tmp_path, jobs=1, told=stop)
    predicted = []
    predict = Segmenter.predict

    def counted(self, picture, scheduler=None):
        predicted.append(picture)
        return predict(self, picture, scheduler)

    monkeypatch.setattr(Segmenter, "predict", counted)
    with (tmp_path / "evaluation.jsonl").open("a") as file:
        file.write('{"half a li')
    again = segdemo.evaluate(*given, networks, out=tmp_path, jobs=1)
    assert len(predicted) == 2 * COUNT - 4
    fresh = segdemo.evaluate(*given, networks, jobs=1)
    assert json.dumps(again.to_dict()) == json.dumps(fresh.to_dict())
    assert again.cases == fresh.cases
    predicted.clear()
    segdemo.evaluate(*given, networks, out=tmp_path, jobs=1)
    assert not predicted
    segdemo.evaluate(*given, networks, out=tmp_path, jobs=1, threshold=0.25)
    assert len(predicted) == 2 * COUNT


def test_everything_is_written_and_the_page_opens_offline(binary, tmp_path):
    paths = write(binary, tmp_path)
    assert [path.name for path in paths] == list(NAMES)
    with (tmp_path / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * COUNT
    assert set(SCORES) <= rows[0].keys()
    facts = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert facts["pairs"] == COUNT
    assert len(facts["scores"]) == 3 * COUNT
    html = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    assert html.count("data:image/jpeg;base64,") == len(binary.cases) > 0
    assert not re.search(r"<script|<link|src=\"(?!data:)|https?://(?!www\.w3)", html)
    markdown = (tmp_path / "evaluation.md").read_text(encoding="utf-8")
    assert "| one | Foreground |" in markdown


def test_a_name_is_text_and_never_html(folder, tmp_path):
    for name, source in (("images", "images"), ("masks", "binary")):
        (tmp_path / name).mkdir()
        content = (folder / source / "1.png").read_bytes()
        (tmp_path / name / "<b>&x.png").write_bytes(content)
    networks = {"<i>net": folder / "one.safetensors"}
    found = segdemo.evaluate(tmp_path / "images", tmp_path / "masks", networks)
    write(found, tmp_path / "out")
    html = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert "<b>&x" not in html
    assert "<i>net" not in html
    assert "&lt;b&gt;&amp;x.png" in html


def test_nothing_to_evaluate_is_a_sentence(folder):
    with pytest.raises(PictureError, match="No checkpoint is named"):
        segdemo.evaluate(folder / "images", folder / "binary", [])


def test_the_command_prints_the_tables_and_writes_the_rest(folder, tmp_path, capsys):
    given = ["--images", str(folder / "images"), "--masks", str(folder / "binary")]
    networks = ["-c", str(folder / "one.safetensors"), "-c", str(folder / "two.safetensors")]
    out = ["--out", str(tmp_path / "out")]
    assert main(["evaluate", *given, *networks, *out, "-t", "0.4"]) == 0
    said = capsys.readouterr()
    assert "| one | Foreground |" in said.out
    assert "(0.398)" in said.out
    assert len(said.err.splitlines()) == len(NAMES)
    assert main(["evaluate", *given, "-c", str(folder / "absent.pth")]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
