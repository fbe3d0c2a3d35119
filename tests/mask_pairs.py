"""Maps with truths: a hundred of every kind and one of which nothing is said, always the same."""

import numpy as np
from scipy import ndimage

from segdemo.images.masks import VOID

COUNT = 101


def mask_pair(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A map q and a truth of 0, 1 and in some VOID, both (H, W) uint8."""
    rng = np.random.default_rng(number)
    height, width = rng.integers(3, 25, 2)
    noise = rng.random((height, width))
    blur = number % 4
    hidden = ndimage.gaussian_filter(noise, blur) if blur else noise
    hidden = (hidden - hidden.min()) / (np.ptp(hidden) or 1)
    q = np.floor(np.clip(hidden + rng.normal(0, 0.1, hidden.shape), 0, 0.999) * 256)
    truth = (hidden > rng.uniform(0.2, 0.8)).astype(np.uint8)
    if number % 10 == 7:
        q = np.where(q < 128, 0, 255)
    if number % 5 == 3:
        truth[rng.random(truth.shape) < 0.2] = VOID
    odd = {10: (q, 0), 20: (q, 1), 30: (q, VOID), 40: (0 * q, truth), 50: (0 * q + 255, truth)}
    q, truth = odd.get(number, (q, truth))
    return q.astype(np.uint8), np.broadcast_to(np.uint8(truth), q.shape).copy()


def class_pair(number: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes found and labels, both (H, W) uint8; one label has no class, some pixels are VOID."""
    rng = np.random.default_rng(number)
    size = rng.integers(3, 34, 2)
    labels = rng.integers(0, classes + number % 2, size, dtype=np.uint8)
    found = np.where(rng.random(size) < 0.6, labels, rng.integers(0, classes, size))
    found = np.minimum(found, classes - 1 - number % 3).astype(np.uint8)
    if number % 4 == 1:
        labels[rng.random(size) < 0.3] = VOID
    return found, labels
