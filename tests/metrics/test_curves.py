import numpy as np
import pytest
import torch
from scipy import ndimage
from sklearn import metrics as sklearn
from torchmetrics.functional import classification as torchmetrics

from segdemo.images.masks import VOID
from segdemo.metrics.confusion import Confusion, confusion
from segdemo.metrics.curves import best_threshold, curve, overlap, tail_sums
from segdemo.metrics.outlines import outlines
from tests.mask_pairs import COUNT, class_pair, mask_pair
from tests.table import every

LEVELS = np.arange(257)
PAIRS = range(COUNT)
# The other code wants a pixel of which something is said.
SAID = [number for number in PAIRS if (mask_pair(number)[1] != VOID).any()]
CLASSES = 5

# Shape (1, ...): the leading axis is that of the thresholds, along which nothing spreads.
CROSS = ndimage.generate_binary_structure(2, 1)[None]
DISC = (np.hypot(*np.mgrid[-2:3, -2:3]) <= 2)[None]


def masks(q):
    """(257, H, W): the map's mask at every threshold."""
    return q >= LEVELS[:, None, None]


def columns(q, truth):
    """Found and right, (pixels, 257), of the pixels that are not VOID."""
    said = truth != VOID
    found = q[said][:, None] >= LEVELS
    return found, np.broadcast_to((truth[said] == 1)[:, None], found.shape)


def same(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12, equal_nan=True)


# --- Against other code -----------------------------------------------------------------------


@every("number", SAID)
def test_scores_at_all_thresholds_are_those_of_scikit_learn(number):
    found, right = columns(*mask_pair(number))
    ours = curve(*mask_pair(number))
    precision, recall, f1, _ = sklearn.precision_recall_fscore_support(
        right, found, average=None, zero_division=np.nan
    )
    same(ours.score("precision"), precision)
    same(ours.score("recall"), recall)
    same(ours.dice, f1)
    empty = ~(found | right).any(axis=0)
    iou = sklearn.jaccard_score(right, found, average=None, zero_division=0)
    same(ours.iou, np.where(empty, np.nan, iou))
    table = sklearn.multilabel_confusion_matrix(right, found)
    same(ours.score("accuracy"), (table[:, 0, 0] + table[:, 1, 1]) / len(found))


@every("number", SAID)
def test_counts_at_all_thresholds_are_those_of_torchmetrics(number):
    found, right = columns(*mask_pair(number))
    table = torchmetrics.multilabel_stat_scores(
        torch.tensor(found).long(), torch.tensor(right).long(), num_labels=257, average=None
    ).numpy()
    ours = curve(*mask_pair(number))
    counts = (ours.true_positives, ours.false_positives, ours.true_negatives, ours.false_negatives)
    assert np.array_equal(np.stack(counts, axis=1), table[:, :4])


@every("number", PAIRS)
def test_outlines_at_all_thresholds_are_those_of_scipy(number):
    q, truth = mask_pair(number)
    ours = outlines(q, truth)
    # At k = 0 everything is foreground, VOID pixels too.
    found = masks(np.where(truth == VOID, 0, q))
    right = (truth == 1)[None]
    edge = found & ~ndimage.binary_erosion(found, CROSS, border_value=1)
    wanted = right & ~ndimage.binary_erosion(right, CROSS, border_value=1)
    near = edge & ndimage.binary_dilation(wanted, DISC)
    met = wanted & ndimage.binary_dilation(edge, DISC)
    assert np.array_equal(ours.found, edge.sum((1, 2)))
    assert np.array_equal(ours.right, near.sum((1, 2)))
    assert ours.wanted == wanted.sum()
    assert np.array_equal(ours.met, met.sum((1, 2)))
    with np.errstate(invalid="ignore"):
        precision, recall = near.sum((1, 2)) / edge.sum((1, 2)), met.sum((1, 2)) / wanted.sum()
        f_score = 2 * precision * recall / (precision + recall)
    lacking = edge.any((1, 2)) != wanted.any()
    missed = precision + recall == 0
    same(ours.f_score, np.where(lacking | missed, 0.0, f_score))


@every("number", PAIRS)
def test_the_agreement_of_two_maps_is_the_iou_of_their_masks(number):
    first, _ = mask_pair(number)
    second = np.random.default_rng(number).permuted(first, axis=1)
    a, b = (masks(q).reshape(257, -1).T for q in (first, second))
    expected = sklearn.jaccard_score(a, b, average=None, zero_division=0)
    same(overlap(first, second).iou, np.where(~(a | b).any(axis=0), np.nan, expected))
    assert np.array_equal(tail_sums(first), a.sum(axis=0))


@every("number", PAIRS)
def test_scores_of_several_classes_are_those_of_scikit_learn(number):
    found, labels = class_pair(number, CLASSES)
    said = labels != VOID
    ours = confusion(found, labels, CLASSES)
    known = list(range(CLASSES))
    there = np.isin(known, np.concatenate([found[said], labels[said]]))
    iou = sklearn.jaccard_score(
        labels[said], found[said], labels=known, average=None, zero_division=0
    )
    same(ours.ious, np.where(there, iou, np.nan))
    same(ours.mean_iou, iou[there].mean())
    same(ours.accuracy, sklearn.accuracy_score(labels[said], found[said]))
    table = torchmetrics.multiclass_confusion_matrix(
        torch.tensor(found[said]), torch.tensor(labels[said]), num_classes=CLASSES + 1
    )
    assert np.array_equal(ours.counts, table[:, :CLASSES].numpy())


# --- What is 0/0 ------------------------------------------------------------------------------


def test_what_cannot_be_told_is_not_a_number():
    nothing = np.zeros((4, 4), np.uint8)
    empty = curve(nothing, nothing).at(1)
    assert np.isnan([empty[name] for name in ("dice", "iou", "precision", "recall")]).all()
    assert empty["accuracy"] == 1
    assert np.isnan(outlines(nothing, nothing).f_score).all()
    unsaid = np.full((4, 4), VOID, np.uint8)
    assert np.isnan(list(curve(nothing, unsaid).at(1).values())).all()
    assert np.isnan(confusion(nothing, unsaid, 3).accuracy)
    assert np.isnan(confusion(nothing, unsaid, 3).mean_iou)


def test_finding_something_where_there_is_nothing_scores_zero():
    nothing = np.zeros((9, 9), np.uint8)
    spot = nothing.copy()
    spot[4, 4] = 200
    scores = curve(spot, nothing).at(200)
    assert (scores["dice"], scores["iou"], scores["precision"]) == (0, 0, 0)
    assert np.isnan(scores["recall"])
    assert outlines(spot, nothing).f_score[200] == 0
    assert outlines(nothing, (spot > 0).astype(np.uint8)).f_score[200] == 0


def test_a_label_without_a_class_counts_as_wrong():
    found = np.array([[0, 1], [1, 1]])
    labels = np.array([[0, 1], [7, 1]], np.uint8)
    judged = confusion(found, labels, 2)
    assert judged.accuracy == 3 / 4
    assert judged.ious.tolist() == [1, 2 / 3]
    assert isinstance(judged, Confusion)


# --- The best threshold -----------------------------------------------------------------------


@every("number", PAIRS)
def test_no_threshold_has_a_higher_dice_than_the_best(number):
    judged = curve(*mask_pair(number))
    usable = judged.dice[1:256]
    if not np.nan_to_num(usable).any():
        assert judged.best is None
        return
    assert judged.dice[judged.best] == np.nanmax(usable)
    assert 1 < judged.best < 255


def test_of_equal_thresholds_the_best_is_the_one_nearest_to_the_middle():
    truth = np.array([[0, 1]], np.uint8)
    for high, best in ((255, 128), (100, 100), (129, 128)):
        assert curve(np.array([[0, high]], np.uint8), truth).best == best
    assert curve(np.array([[200, 255]], np.uint8), truth).best == 201


def test_where_the_score_still_rises_at_the_end_no_threshold_is_best():
    truth = np.ones((1, 2), np.uint8)
    assert curve(np.array([[1, 1]], np.uint8), truth).best is None
    assert curve(np.array([[0, 255]], np.uint8), np.array([[0, 1]], np.uint8)).best == 128


def test_one_threshold_for_several_maps_has_the_best_mean():
    curves = [curve(*mask_pair(number)) for number in (1, 2, 6)]
    means = np.mean([judged.dice for judged in curves], axis=0)[1:256]
    assert means[best_threshold(curves) - 1] == pytest.approx(means.max(), abs=1e-15)
    assert best_threshold([]) is None


# --- Shapes -----------------------------------------------------------------------------------


def test_maps_of_different_size_are_a_mistake():
    small, large = np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)
    for measure in (curve, outlines, overlap):
        with pytest.raises(ValueError, match="one size"):
            measure(small, large)
    with pytest.raises(ValueError, match="one picture"):
        confusion(small, large, 2)


def test_outlines_are_counted_in_parts_where_there_are_many():
    # More pixels of outline than are looked at in one go.
    truth = np.indices((400, 400)).sum(0).astype(np.uint8) % 2
    judged = outlines(truth * np.uint8(255), truth)
    assert judged.wanted == judged.met[1] == judged.found[255] == truth.sum()
    assert judged.f_score[128] == 1
