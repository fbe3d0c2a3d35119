"""A person's ground truth as the viewer needs it; one of no use never sinks the comparison."""

from collections.abc import Callable

from segdemo.images.masks import TruthMask
from segdemo.strings import text
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.mask_words import said
from segdemo.ui.viewer.map_files import cache_map, viewer_size
from segdemo.ui.viewer.payload import Truth


def told(read: Callable[[], TruthMask], size: tuple[int, int]) -> tuple[Truth, TruthMask | None]:
    """What the viewer is told of the mask that ``read`` returns for an image of ``size``.

    A problem stands in place of labels, and None of the mask, when ``read`` fails.
    """
    try:
        mask = read()
    except Exception as error:
        return Truth(problem=explain(error)), None
    shown = viewer_size(size)
    notices = [said(notice) for notice in mask.notices]
    if shown != size:
        notices.append(text("truth_thinned", width=shown[0], height=shown[1]))
    truth = Truth(
        labels=cache_map(mask.at(shown).labels),
        several=mask.several,
        notices=tuple(notices),
    )
    return truth, mask
