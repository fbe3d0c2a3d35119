"""From a checkpoint and an image to probabilities."""

from typing import TYPE_CHECKING

from segdemo import late

if TYPE_CHECKING:
    from segdemo.inference.image_evidence import USUAL_VALUES, nearness
    from segdemo.inference.inspection import inspect_network
    from segdemo.inference.pool import Pool
else:
    __getattr__ = late.names(
        __name__,
        {
            "Pool": "segdemo.inference.pool",
            "USUAL_VALUES": "segdemo.inference.image_evidence",
            "inspect_network": "segdemo.inference.inspection",
            "nearness": "segdemo.inference.image_evidence",
        },
    )

__all__ = ["USUAL_VALUES", "Pool", "inspect_network", "nearness"]
