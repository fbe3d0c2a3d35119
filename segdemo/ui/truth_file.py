"""A person's ground truth as the viewer needs it; a file of no use never sinks the comparison."""

from collections.abc import Callable

from segdemo.truth import TruthMask, decode_truth
from segdemo.ui.errors import explain
from segdemo.ui.map_files import cache_map
from segdemo.ui.payload import Truth
from segdemo.ui.runner import viewer_size


def read_truth(
    read: Callable[[], bytes], size: tuple[int, int], *, max_megapixels: float
) -> tuple[Truth, TruthMask | None]:
    """What the viewer is told of the file that ``read`` returns, and the mask at ``size``.

    ``size`` is the width and height of the picture. A file that cannot be used has a problem in
    place of labels.
    """
    try:
        mask = decode_truth(read(), max_megapixels=max_megapixels).fitted(size)
    except Exception as error:
        return Truth(problem=explain(error)), None
    labels = cache_map(mask.at(viewer_size(size)).labels)
    notices = tuple(notice.message() for notice in mask.notices)
    return Truth(labels=labels, several=mask.several, notices=notices), mask
