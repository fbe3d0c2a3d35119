"""What the batch norms of a checkpoint tell, in sentences for people and as JSON has it."""

from collections.abc import Iterator, Sequence
from typing import Any

from segdemo.checkpoints.detection import Detection
from segdemo.checkpoints.evidence.first_layer import TrainingInputs
from segdemo.checkpoints.evidence.gathered import Evidence
from segdemo.checkpoints.evidence.scales import LEAST_R_SQUARED, scale_of
from segdemo.checkpoints.evidence.wiring import Method, RuledOut, Wiring
from segdemo.spec import SegmentationSpec
from segdemo.strings import text

_METHODS: tuple[Method, ...] = ("signs", "moments", "statistics")
"""In the order in which they are asked."""
_MOST_NAMES = 4  # of readings in one sentence


def sentences(evidence: Evidence, detection: Detection, spec: SegmentationSpec) -> Iterator[str]:
    """In the current language, what was told and what speaks against what somebody said."""
    if evidence.inputs is not None:
        for sentence in on_inputs(evidence.inputs):
            yield sentence
            if evidence.against_values(spec):
                yield text("evidence_against_values")
    if evidence.wiring is not None:
        yield from _on_readings(evidence, evidence.wiring, detection)


def on_inputs(inputs: TrainingInputs) -> Iterator[str]:
    """What the first layer saw, and which scale that is; nothing where it does not tell."""
    if inputs.r_squared >= LEAST_R_SQUARED:
        scale = scale_of(inputs)
        told = scale.scale if scale else "unusual"
        yield text(f"evidence_inputs_{told}", **_figures_of(inputs))


def told_by(evidence: Evidence, detection: Detection) -> str | None:
    """Who decided for the reading, where its norms did: "told by its batch norms: 0.05 against..."

    None where they did not, or speak against it.
    """
    wiring = evidence.wiring
    if wiring is None or not wiring.ruled_out or wiring.against(detection.id):
        return None
    return _comparison("origin_norms", _closest(wiring.ruled_out))


def facts(evidence: Evidence, detection: Detection, spec: SegmentationSpec) -> dict[str, Any]:
    """The same with all figures; the keys are stable."""
    inputs, scale, wiring = evidence.inputs, evidence.scale, evidence.wiring
    return {
        "inputs": inputs
        and {
            "mean": list(inputs.mean),
            "deviation": list(inputs.deviation),
            "r_squared": inputs.r_squared,
        },
        "scale": scale and {"name": scale.scale, "probability": scale.probability},
        "readings": wiring
        and {
            "left": list(wiring.left),
            "ruled_out": [
                {"id": one.id, "by": one.by, "figure": one.figure, "against": one.against}
                for one in wiring.ruled_out
            ],
            "divergence": dict(wiring.figures),
        },
        "against_values": evidence.against_values(spec),
        "against_reading": evidence.against_reading(detection) is not None,
        "sentences": list(sentences(evidence, detection, spec)),
    }


def _on_readings(evidence: Evidence, wiring: Wiring, detection: Detection) -> Iterator[str]:
    against = evidence.against_reading(detection)
    if against is not None:
        better = wiring.left[0] if wiring.left else wiring.order[0]
        yield _comparison("evidence_against_reading", against, name=detection.id, better=better)
        return
    for method in _METHODS:
        found = [one for one in wiring.ruled_out if one.by == method]
        if found:
            others = _names([one.id for one in found])
            yield _comparison("evidence_reading", _closest(found), name=detection.id, others=others)
    left = [name for name in wiring.left if name != detection.id]
    if left:
        yield text("evidence_open", name=detection.id, others=_names(left))


def _closest(ruled_out: Sequence[RuledOut]) -> RuledOut:
    """The one that was ruled out by the least, of those that the last method had to."""
    last = [one for one in ruled_out if one.by == max(ruled_out, key=_place).by]
    return min(last, key=lambda one: abs(one.figure - one.against))


def _place(one: RuledOut) -> int:
    return _METHODS.index(one.by)


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown}, …"


def _comparison(key: str, one: RuledOut, **names: str) -> str:
    measure = text(
        f"evidence_by_{one.by}", figure=f"{one.figure:.2f}", against=f"{one.against:.2f}"
    )
    return text(key, measure=measure, **names)


def _figures_of(inputs: TrainingInputs) -> dict[str, str]:
    digits = 0 if inputs.typical_deviation >= 10 else 2
    figures = {"mean": inputs.typical_mean, "deviation": inputs.typical_deviation}
    # Adding zero leaves no minus before it.
    return {name: f"{round(value, digits) + 0.0:.{digits}f}" for name, value in figures.items()}
