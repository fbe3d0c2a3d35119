"""What the batch norms of a network tell of its wiring and of the images it was trained on."""

from typing import TYPE_CHECKING

from segdemo import late

if TYPE_CHECKING:
    from segdemo.checkpoints.evidence.beforehand import inputs_beforehand
    from segdemo.checkpoints.evidence.first_layer import (
        FirstLayer,
        TrainingInputs,
        first_layer_of,
        training_inputs,
    )
    from segdemo.checkpoints.evidence.gathered import (
        NO_EVIDENCE,
        Evidence,
        filled,
        gather,
        ordered,
    )
    from segdemo.checkpoints.evidence.report import facts, on_inputs, sentences, told_by
    from segdemo.checkpoints.evidence.scales import Scale, ToldScale, scale_of
    from segdemo.checkpoints.evidence.wiring import RuledOut, Wiring, weigh
else:
    __getattr__ = late.names(
        __name__,
        {
            "Evidence": "segdemo.checkpoints.evidence.gathered",
            "FirstLayer": "segdemo.checkpoints.evidence.first_layer",
            "NO_EVIDENCE": "segdemo.checkpoints.evidence.gathered",
            "RuledOut": "segdemo.checkpoints.evidence.wiring",
            "Scale": "segdemo.checkpoints.evidence.scales",
            "ToldScale": "segdemo.checkpoints.evidence.scales",
            "TrainingInputs": "segdemo.checkpoints.evidence.first_layer",
            "Wiring": "segdemo.checkpoints.evidence.wiring",
            "facts": "segdemo.checkpoints.evidence.report",
            "filled": "segdemo.checkpoints.evidence.gathered",
            "first_layer_of": "segdemo.checkpoints.evidence.first_layer",
            "gather": "segdemo.checkpoints.evidence.gathered",
            "inputs_beforehand": "segdemo.checkpoints.evidence.beforehand",
            "on_inputs": "segdemo.checkpoints.evidence.report",
            "ordered": "segdemo.checkpoints.evidence.gathered",
            "scale_of": "segdemo.checkpoints.evidence.scales",
            "sentences": "segdemo.checkpoints.evidence.report",
            "told_by": "segdemo.checkpoints.evidence.report",
            "training_inputs": "segdemo.checkpoints.evidence.first_layer",
            "weigh": "segdemo.checkpoints.evidence.wiring",
        },
    )

__all__ = [
    "NO_EVIDENCE",
    "Evidence",
    "FirstLayer",
    "RuledOut",
    "Scale",
    "ToldScale",
    "TrainingInputs",
    "Wiring",
    "facts",
    "filled",
    "first_layer_of",
    "gather",
    "inputs_beforehand",
    "on_inputs",
    "ordered",
    "scale_of",
    "sentences",
    "told_by",
    "training_inputs",
    "weigh",
]
