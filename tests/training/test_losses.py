"""The loss: falls towards the truth, for one class and for several, whatever is ignored."""

import torch

from segdemo.images.masks import VOID
from segdemo.training.losses import deep_loss, loss
from tests.table import every


def square(classes):
    labels = torch.zeros(2, 8, 8, dtype=torch.uint8)
    labels[:, 2:6, 2:6] = 1
    if classes > 2:
        labels[:, :2] = 2
    return labels


def sure(labels, channels, scale):
    """Logits that say the truth, the surer the larger the scale; the contrary below zero."""
    if channels == 1:
        return ((labels == 1).float() * 2 - 1)[:, None] * scale
    one_hot = torch.nn.functional.one_hot(labels.long(), channels).permute(0, 3, 1, 2)
    return (one_hot.float() * 2 - 1) * scale


@every("channels", [1, 2, 3])
def test_it_falls_as_the_logits_approach_the_truth(channels):
    labels = square(channels)
    losses = [float(loss(sure(labels, channels, scale), labels)) for scale in (-4, 0, 1, 8)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.01


@every("channels", [1, 3])
def test_pixels_that_say_nothing_do_not_count(channels):
    labels = square(channels)
    logits = sure(labels, channels, 3.0)
    labels[:, 6:] = VOID
    other = logits.clone()
    other[:, :, 6:] *= -1
    torch.testing.assert_close(loss(logits, labels), loss(other, labels))


@every("channels", [1, 3])
def test_a_batch_that_says_nothing_teaches_nothing(channels):
    logits = torch.randn(2, channels, 4, 4, requires_grad=True)
    loss(logits, torch.full((2, 4, 4), VOID, dtype=torch.uint8)).backward()
    assert float(logits.grad.abs().max()) < 1e-6


def test_a_pixel_between_two_bodies_weighs_more():
    labels = torch.zeros(1, 16, 16, dtype=torch.uint8)
    labels[:, :14] = 1
    labels[:, 7] = 0
    in_the_gap, far_away = sure(labels, 1, 6.0), sure(labels, 1, 6.0)
    in_the_gap[..., 7, 4] = 6
    far_away[..., 15, 4] = 6
    assert loss(in_the_gap, labels, gap_weight=3) > loss(far_away, labels, gap_weight=3)
    torch.testing.assert_close(loss(in_the_gap, labels), loss(far_away, labels))


def test_side_outputs_count_less_than_the_answer():
    labels = square(1)
    right, wrong = sure(labels, 1, 4.0), sure(labels, 1, -4.0)
    assert deep_loss([wrong, right], labels) > deep_loss([right, wrong], labels)
    assert deep_loss([right, wrong], labels) > deep_loss([right, right], labels)
