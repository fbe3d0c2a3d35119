"""Doubts about a truth beside a network's answer, as a person looks at it."""

from segdemo.images.mask_hints import better_readings, class_hints
from segdemo.images.masks import TruthMask
from segdemo.images.notices import Notice
from segdemo.outputs.render import View

_MOST_CLASSES = 256


def truth_hints(view: View, truth: TruthMask) -> tuple[Notice, ...]:
    """Labels beyond the network's classes, and the reading that fits its answer far better.

    ``truth`` has the image's size. Of several better readings the best is told.
    """
    background = view.prediction.background
    winners = 2 < view.classes <= _MOST_CLASSES and view.class_number is None
    if winners:
        size = view.prediction.picture_size
        found = view.labels if view.by_class else view.prediction.labels_at(size)
        better = better_readings(truth, found, background=background)
        if better or truth.several:
            return (*class_hints(truth, view.classes), *(one.notice for one in better[:1]))
    better = better_readings(truth, view.mask)
    return (*class_hints(truth, view.classes), *(one.notice for one in better[:1]))
