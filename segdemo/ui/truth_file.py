"""A person's ground truth as the viewer needs it; one of no use never sinks the comparison."""

from collections.abc import Callable

from segdemo.truth import TruthMask
from segdemo.ui.errors import explain
from segdemo.ui.map_files import cache_map
from segdemo.ui.payload import Truth
from segdemo.ui.runner import viewer_size


def told(read: Callable[[], TruthMask], size: tuple[int, int]) -> Truth:
    """What the viewer is told of the mask that ``read`` returns for a picture of ``size``.

    A problem stands in place of labels when ``read`` fails.
    """
    try:
        mask = read()
    except Exception as error:
        return Truth(problem=explain(error))
    return Truth(
        labels=cache_map(mask.at(viewer_size(size)).labels),
        several=mask.several,
        notices=tuple(notice.message() for notice in mask.notices),
    )
