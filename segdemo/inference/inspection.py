"""What is known of a checkpoint, as JSON has it."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from segdemo.checkpoints import Detection
from segdemo.inference.segmenter import Segmenter
from segdemo.spec import SegmentationSpec


def inspection(segmenter: Segmenter) -> dict[str, Any]:
    """Network, alternatives and spec, with who decided what; the keys are stable."""
    detection, spec = segmenter.detection, segmenter.spec
    return {
        "architecture": detection.architecture.id,
        "title": detection.architecture.title,
        "configuration": detection.architecture.describe(detection.config),
        "origin": detection.origin,
        "parameters": detection.parameters,
        "in_channels": detection.config.in_channels,
        "classes": detection.config.classes,
        "class_names": list(spec.postprocessing.classes),
        "assumed": detection.id,
        "known": dict(detection.known),
        "alternatives": [_alternative(alternative) for alternative in detection.alternatives],
        "stripped": list(detection.stripped),
        "class_values": list(detection.class_values),
        "spec": dict(_spec(spec)),
    }


def _alternative(detection: Detection) -> dict[str, Any]:
    return {"id": detection.id, "origin": detection.origin, "known": dict(detection.known)}


def _spec(spec: SegmentationSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field with its value and who decided it; "default" when nobody did."""
    for part in ("preprocessing", "postprocessing"):
        values = getattr(spec, part)
        for entry in fields(values):
            name = f"{part}.{entry.name}"
            origin = spec.origins.get(name) or "default"
            yield name, {"value": getattr(values, entry.name), "origin": origin}
