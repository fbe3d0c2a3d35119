"""Compare segmentation checkpoints: recognised from their tensors, run, and shown side by side."""

from typing import TYPE_CHECKING

from segdemo import late
from segdemo.version import VERSION

if TYPE_CHECKING:
    from segdemo.checkpoints import Detection, detect
    from segdemo.evaluation.evaluate import Evaluation, evaluate
    from segdemo.inference.prediction import Prediction
    from segdemo.inference.pretrained import from_pretrained
    from segdemo.inference.segmenter import Segmenter, load
else:
    __getattr__ = late.names(
        __name__,
        {
            "Detection": "segdemo.checkpoints",
            "Evaluation": "segdemo.evaluation.evaluate",
            "Prediction": "segdemo.inference.segmenter",
            "Segmenter": "segdemo.inference.segmenter",
            "detect": "segdemo.checkpoints",
            "evaluate": "segdemo.evaluation.evaluate",
            "from_pretrained": "segdemo.inference.pretrained",
            "load": "segdemo.inference.segmenter",
        },
    )

__all__ = [
    "Detection",
    "Evaluation",
    "Prediction",
    "Segmenter",
    "detect",
    "evaluate",
    "from_pretrained",
    "load",
]

__version__ = VERSION


def __dir__() -> list[str]:
    """The public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})
