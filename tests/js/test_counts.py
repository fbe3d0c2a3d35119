"""What the browser counts against what Python counts, on the same masks at all thresholds."""

import numpy as np
import pytest

from segdemo.images.masks import TruthMask
from segdemo.metrics.confusion import confusion
from segdemo.metrics.curves import curve
from segdemo.metrics.outlines import outlines
from segdemo.metrics.scores import PIXEL_SCORES
from tests.mask_pairs import COUNT, class_pair, mask_pair

pytestmark = pytest.mark.browser

COUNTS = "/segdemo/ui/viewer/static/arithmetic/counts.js"
CLASSES = 5


@pytest.fixture(scope="module")
def counting(page):
    """The page, with all that counts.js exports within reach."""
    page.evaluate(
        "path => import(path).then((counts) => { Object.assign(window, counts); })", COUNTS
    )
    return page


def same(ours, theirs):
    theirs = [np.nan if value is None else value for value in theirs]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("number", range(COUNT))
def test_the_browser_counts_what_python_counts(counting, number):
    q, truth = mask_pair(number)
    answer = counting.evaluate(
        """([q, truth, width, height]) => {
          const known = (value) => (Number.isNaN(value) ? null : value);
          const [map, right] = [Uint8Array.from(q), Uint8Array.from(truth)];
          const curve = curveOf(map, right);
          const outlines = outlinesOf(map, right, width, height);
          const levels = Array.from({ length: 257 }, (_, k) => k);
          const dice = levels.map((k) => scoresAt(curve, k).dice);
          return {
            curve: Object.values(curve).map((counts) => [...counts]),
            outlines: [outlines.found, outlines.right, outlines.met].map((counts) => [...counts]),
            wanted: outlines.wanted,
            best: bestOf([dice]),
            scores: levels.map((k) => Object.values(scoresAt(curve, k)).map(known)),
            fScore: levels.map((k) => known(outlineScore(outlines, k))),
          };
        }""",
        [q.ravel().tolist(), truth.ravel().tolist(), *q.shape[::-1]],
    )
    ours, edges = curve(q, truth), outlines(q, truth)
    counts = (ours.true_positives, ours.false_positives, ours.false_negatives, ours.true_negatives)
    assert [row.tolist() for row in counts] == answer["curve"]
    assert [row.tolist() for row in (edges.found, edges.right, edges.met)] == answer["outlines"]
    assert edges.wanted == answer["wanted"]
    assert ours.best == answer["best"]
    for place, score in enumerate(PIXEL_SCORES):
        same(ours.score(score.name), [row[place] for row in answer["scores"]])
    same(edges.f_score, answer["fScore"])


@pytest.mark.parametrize("number", range(COUNT))
def test_the_browser_judges_classes_as_python_does(counting, number):
    found, labels = class_pair(number, CLASSES)
    answer = counting.evaluate(
        """([found, labels, classes]) => {
          const known = (value) => (Number.isNaN(value) ? null : value);
          const counts = confusionOf(Uint8Array.from(found), Uint8Array.from(labels), classes);
          const { accuracy, ious, mean } = classScores(counts, classes);
          return { counts: [...counts], scores: [accuracy, mean, ...ious].map(known) };
        }""",
        [found.ravel().tolist(), labels.ravel().tolist(), CLASSES],
    )
    ours = confusion(found, labels, CLASSES)
    assert ours.counts.ravel().tolist() == answer["counts"]
    same([ours.accuracy, ours.mean_iou, *ours.ious], answer["scores"])


@pytest.mark.parametrize("pick", ["foreground", "0", "2", "4"])
@pytest.mark.parametrize("background", [0, 4])
@pytest.mark.parametrize("highest", [1, 4])
def test_the_browser_means_the_same_truth_as_python(counting, pick, background, highest):
    labels = class_pair(1, CLASSES)[1]
    labels = np.where((labels > highest) & (labels < 255), 1, labels).astype(np.uint8)
    mask = TruthMask(labels=labels)
    answer = counting.evaluate(
        """([labels, ...facts]) => [...truthFor(Uint8Array.from(labels), ...facts)]""",
        [labels.ravel().tolist(), mask.several, pick, background],
    )
    ours = (
        mask.foreground(background)
        if pick == "foreground"
        else mask.of_class(int(pick), background)
    )
    assert ours.ravel().tolist() == answer
