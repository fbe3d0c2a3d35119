"""All that the batch norms of a checkpoint tell when it is loaded, without an image."""

from dataclasses import dataclass, replace

from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.evidence.first_layer import (
    TrainingInputs,
    first_layer_of,
    training_inputs,
)
from segdemo.checkpoints.evidence.flow import without_numbers
from segdemo.checkpoints.evidence.scales import ToldScale, scale_of, speaks_against
from segdemo.checkpoints.evidence.wiring import RuledOut, Wiring, weigh
from segdemo.spec import SegmentationSpec

_FILLED = ("divisor", "mean", "std")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is told, whoever decides in the end."""

    inputs: TrainingInputs | None = None
    """None where no batch norm stands right behind the first convolution."""
    scale: ToldScale | None = None
    """None where ``inputs`` do not tell."""
    wiring: Wiring | None = None
    """None where only one reading is possible."""

    def against_reading(self, detection: Detection) -> RuledOut | None:
        """What speaks against the reading that is taken, because somebody said it."""
        return self.wiring.against(detection.id) if self.wiring else None

    def against_values(self, spec: SegmentationSpec) -> bool:
        """Whether the images are prepared otherwise than those of the training."""
        return self.inputs is not None and speaks_against(self.inputs, spec.preprocessing)


NO_EVIDENCE = Evidence()


def gather(detection: Detection) -> Evidence:
    """What the norms of a network and of its alternatives tell; nothing on the meta device.

    Nothing either of what a library builds: it says itself how its networks are fed.
    """
    if detection.architecture.assemble is not None:
        return NO_EVIDENCE
    if any(tensor.is_meta for tensor in detection.tensors.values()):
        return NO_EVIDENCE
    layer = first_layer_of(without_numbers(detection), detection.config.in_channels)
    inputs = training_inputs(layer, detection.tensors) if layer else None
    readings = tuple(
        reading
        for reading in (detection, *detection.alternatives)
        if reading.architecture.assemble is None
    )
    # Whoever is taken: the same readings are weighed once.
    readings = tuple(sorted(readings, key=lambda reading: reading.id))
    return Evidence(
        inputs=inputs,
        scale=scale_of(inputs) if inputs else None,
        wiring=weigh(readings, inputs) if len(readings) > 1 else None,
    )


def ordered(detection: Detection, evidence: Evidence, *, said: bool) -> Detection:
    """The reading to take, its alternatives with the likeliest first.

    That is ``detection`` where somebody ``said`` so or nothing speaks against it, and else the
    most usual one of those that are left.
    """
    wiring = evidence.wiring
    if wiring is None:
        return detection
    readings = (detection, *detection.alternatives)
    left = [reading for reading in readings if reading.id in wiring.left]
    taken = detection if said or not left else left[0]
    others = [reading for reading in readings if reading is not taken]
    places = {name: place for place, name in enumerate(wiring.order)}
    others.sort(key=lambda reading: places.get(reading.id, len(places)))
    return replace(taken, alternatives=tuple(replace(one, alternatives=()) for one in others))


def filled(evidence: Evidence, spec: SegmentationSpec) -> dict[str, dict[str, object]]:
    """What the first layer adds to a spec in which nobody speaks of values, in the JSON form."""
    said = any(f"preprocessing.{name}" in spec.origins for name in _FILLED)
    if evidence.scale is None or said:
        return {}
    return {"preprocessing": dict(evidence.scale.words)}
