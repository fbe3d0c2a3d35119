"""The training loss: cross-entropy plus soft Dice."""

from torch import Tensor
from torch.nn import functional

from segdemo.images.masks import VOID

_SIDE_WEIGHT = 0.4


def loss(logits: Tensor, labels: Tensor, *, gap_weight: float = 0.0) -> Tensor:
    """Of logits (N, C, H, W) and labels (N, H, W); 0 when every pixel is surely right.

    One channel stands for label 1 against all others: binary cross-entropy plus one minus
    soft Dice, an image at a time. Several stand for one label each: cross-entropy over them
    plus one minus their soft Dice over the batch. ``gap_weight`` is the extra weight of ground
    that is squeezed between two pieces of label 1; one channel only.
    """
    if logits.shape[1] == 1:
        return _binary(logits[:, 0].float(), labels, gap_weight)
    return _of_classes(logits.float(), labels)


def deep_loss(outputs: list[Tensor], labels: Tensor, *, gap_weight: float = 0.0) -> Tensor:
    """The loss of the first output, and of every other one at 0.4 times its weight."""
    first, *sides = (loss(logits, labels, gap_weight=gap_weight) for logits in outputs)
    return first + _SIDE_WEIGHT * sum(sides, start=first.new_zeros(()))


def _binary(logits: Tensor, labels: Tensor, gap_weight: float) -> Tensor:
    kept = (labels != VOID).float()
    truth = (labels == 1).float()
    weight = kept
    if gap_weight:
        # What a 3x3 closing of the mask fills in is the gap between two touching bodies.
        closed = -functional.max_pool2d(-functional.max_pool2d(truth, 3, 1, 1), 3, 1, 1)
        weight = kept * (1 + gap_weight * (closed - truth))
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, weight, reduction="sum")
    chance = logits.sigmoid() * kept
    dice = _dice((chance * truth).sum((1, 2)), chance.sum((1, 2)), truth.sum((1, 2)))
    return entropy / kept.sum().clamp(min=1) + 1 - dice.mean()


def _of_classes(logits: Tensor, labels: Tensor) -> Tensor:
    kept = labels != VOID
    entropy = functional.cross_entropy(logits, labels.long(), ignore_index=VOID, reduction="sum")
    chance = logits.softmax(1) * kept[:, None]
    one_hot = functional.one_hot(labels.long() * kept, logits.shape[1]).permute(0, 3, 1, 2)
    truth = one_hot * kept[:, None]
    # Over the batch, because most images lack some class.
    sums = ((chance * truth).sum((0, 2, 3)), chance.sum((0, 2, 3)), truth.sum((0, 2, 3)))
    return entropy / kept.sum().clamp(min=1) + 1 - _dice(*sums).mean()


def _dice(common: Tensor, found: Tensor, truth: Tensor) -> Tensor:
    return (2 * common + 1) / (found + truth + 1)
