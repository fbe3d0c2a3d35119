"""What the batch norms of a network tell of its wiring and of the images it was trained on."""

from segdemo.checkpoints.evidence.beforehand import inputs_beforehand
from segdemo.checkpoints.evidence.first_layer import (
    FirstLayer,
    TrainingInputs,
    first_layer_of,
    training_inputs,
)
from segdemo.checkpoints.evidence.gathered import (
    NO_EVIDENCE,
    ORIGIN,
    Evidence,
    filled,
    gather,
    ordered,
)
from segdemo.checkpoints.evidence.report import facts, on_inputs, sentences, told_by
from segdemo.checkpoints.evidence.scales import Scale, ToldScale, scale_of
from segdemo.checkpoints.evidence.wiring import RuledOut, Wiring, weigh

__all__ = [
    "NO_EVIDENCE",
    "ORIGIN",
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
