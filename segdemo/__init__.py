"""Compare segmentation checkpoints: recognised from their tensors, run, and shown side by side."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from segdemo.version import VERSION

if TYPE_CHECKING:
    from segdemo.checkpoints import Detection, detect
    from segdemo.evaluation.evaluate import Evaluation, evaluate
    from segdemo.inference.prediction import Prediction
    from segdemo.inference.pretrained import from_pretrained
    from segdemo.inference.segmenter import Segmenter, load

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

_HOMES = {
    "Detection": "segdemo.checkpoints",
    "Evaluation": "segdemo.evaluation.evaluate",
    "Prediction": "segdemo.inference.segmenter",
    "Segmenter": "segdemo.inference.segmenter",
    "detect": "segdemo.checkpoints",
    "evaluate": "segdemo.evaluation.evaluate",
    "from_pretrained": "segdemo.inference.pretrained",
    "load": "segdemo.inference.segmenter",
}


__version__ = VERSION


def __dir__() -> list[str]:
    """The public names, whether they were used yet or not."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # Importing torch takes seconds, so a public name is fetched when it is first used.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
