"""Describes a loaded checkpoint as JSON: network, readings, spec, evidence."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

from PIL import Image

from segdemo.checkpoints import Detection
from segdemo.checkpoints.evidence import facts
from segdemo.inference.image_evidence import (
    CLOSE,
    USUAL_VALUES,
    Nearness,
    Standing,
    is_unlike,
    standings,
)
from segdemo.inference.segmenter import Segmenter
from segdemo.spec import SegmentationSpec
from segdemo.strings import text


def inspect_network(segmenter: Segmenter, image: Image.Image | None = None) -> dict[str, Any]:
    """Network, alternatives and spec, with who decided what; the keys are stable.

    With an image, also how near each usual reading of it comes to what the norms remember.
    Raises PictureError.
    """
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
        "evidence": {
            **facts(segmenter.evidence, detection, spec),
            "image": None if image is None else _on_image(segmenter, image),
        },
    }


def _on_image(segmenter: Segmenter, image: Image.Image) -> dict[str, Any]:
    found = standings(segmenter, image)
    return {
        "readings": [{"name": one.name, **_figures(one.nearness)} for one in found],
        "unlike": is_unlike(found),
        "sentences": list(_sentences(found)),
    }


def _figures(near: Nearness) -> dict[str, float | None]:
    # JSON has no infinity.
    return {**asdict(near), "doubt": near.doubt if math.isfinite(near.doubt) else None}


def _sentences(found: Sequence[Standing]) -> Iterator[str]:
    """In the current language."""
    # Some give the network the same, such as a grey image in either order of channels.
    other = [one for one in found if one.nearness != found[0].nearness]
    if other:
        best, next_best = found[0], other[0]
        yield text(
            _key(best, next_best),
            name=_title(best.name),
            figure=f"{best.nearness.distance:.2f}",
            other=_title(next_best.name),
            against=f"{next_best.nearness.distance:.2f}",
        )
    if is_unlike(found):
        least = min(one.nearness.first for one in found)
        yield text("evidence_unlike", figure=f"{least:.2f}")


def _key(best: Standing, next_best: Standing) -> str:
    is_close = next_best.nearness.distance < CLOSE * best.nearness.distance
    if is_close and best.nearness.order[0] == next_best.nearness.order[0]:
        return "evidence_image_open"
    return "evidence_image_now" if best.name == "now" else "evidence_image"


def _title(name: str) -> str:
    """Of a reading, such as "÷ 255"; a network by its id."""
    known = {"now", "bgr", *USUAL_VALUES}
    return text(f"trial_{name}") if name in known else name


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
