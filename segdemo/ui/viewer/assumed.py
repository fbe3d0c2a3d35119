"""What was decided for a checkpoint: by whom, as a person reads it, and how to decide otherwise."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from segdemo.checkpoints import METADATA_KEY, evidence
from segdemo.errors import SpecError
from segdemo.spec import (
    ASSUMED,
    FIRST_LAYER,
    GRAPH,
    NO_OVERRIDES,
    Activation,
    Channels,
    Overrides,
    ResizeRule,
    Standardise,
)
from segdemo.strings import LANGUAGES, text
from segdemo.ui.viewer.payload import Assumption, Control
from segdemo.wording import shown

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter

_ASSUME = "assume"
_MAX_RAW = 400  # characters; a mean of many channels has fewer


@dataclass(frozen=True, kw_only=True)
class _Field:
    """How one field of the spec is set: its control, and the values that are usual."""

    control: Control
    values: tuple[str, ...] = ()


_ORIGINS = {
    "": "origin_classes",
    METADATA_KEY: "origin_file",
    FIRST_LAYER: "origin_first_layer",
    GRAPH: "origin_graph",
    ASSUMED: "origin_assumed",
}

_FIELDS = {
    "preprocessing.resize": _Field(control="choice", values=get_args(ResizeRule)),
    "preprocessing.side": _Field(control="number"),
    "preprocessing.scale": _Field(control="number"),
    "preprocessing.multiple_of": _Field(control="number"),
    "preprocessing.channels": _Field(control="choice", values=get_args(Channels)),
    "preprocessing.bands": _Field(control="numbers"),
    "preprocessing.window": _Field(control="numbers"),
    "preprocessing.divisor": _Field(control="choice", values=("255", "maximum", "1")),
    "preprocessing.standardise": _Field(control="choice", values=get_args(Standardise)),
    "preprocessing.mean": _Field(control="numbers"),
    "preprocessing.std": _Field(control="numbers"),
    "postprocessing.activation": _Field(control="choice", values=get_args(Activation)),
}


def assumed(segmenter: "Segmenter", overrides: Overrides = NO_OVERRIDES) -> tuple[Assumption, ...]:
    """Everything about ``segmenter``, read in that way, that a person may decide otherwise.

    In the order in which an image meets it: which network, sizes, values, and the answer.
    """
    return tuple(_assumed(segmenter, overrides))


def _assumed(segmenter: "Segmenter", overrides: Overrides) -> Iterator[Assumption]:
    detection = segmenter.detection
    readings = sorted((detection, *detection.alternatives), key=lambda other: other.id)
    names = {other.id: f"{other.architecture.title} · {other.origin}" for other in readings}
    yield Assumption(
        name=_ASSUME,
        label=text("assumed_assume"),
        value=names[detection.id],
        origin=_who_chose(segmenter, overrides),
        control="choice",
        raw=detection.id,
        options=tuple(names.items()),
        changed=overrides.assume is not None,
    )
    words = overrides.spec
    for name in _fields_of(segmenter):
        part, _, field = name.partition(".")
        raw = _raw(segmenter, name)
        options = tuple((value, _option(field, value)) for value in _values(segmenter, name, raw))
        yield Assumption(
            name=name,
            label=text(f"assumed_{field}"),
            value=dict(options).get(raw, raw),
            origin=origin_of(segmenter, name),
            control=_FIELDS[name].control,
            raw=raw,
            options=options,
            changed=field in words.get(part, {}),
        )


def _who_chose(segmenter: "Segmenter", overrides: Overrides) -> str:
    """Who decided which network it is."""
    if overrides.assume:
        return text("origin_user")
    return evidence.told_by(segmenter.evidence, segmenter.detection) or text(
        segmenter.detection.chosen_key
    )


def _fields_of(segmenter: "Segmenter") -> list[str]:
    """Those that make a difference to this network, the way it is read now."""
    idle = set()
    rule = segmenter.spec.preprocessing.resize
    if rule != "scale":
        idle.add("preprocessing.scale")
    if rule in ("none", "scale"):
        idle.add("preprocessing.side")
    if segmenter.spec.preprocessing.standardise == "none":
        # Usual readings offer it; hardly any network wants it.
        idle.add("preprocessing.standardise")
    else:
        idle |= {"preprocessing.mean", "preprocessing.std"}
    channels, preprocessing = segmenter.detection.config.in_channels, segmenter.spec.preprocessing
    if channels != 3:
        # It sees every image in grey, or bands that are no colours.
        idle.add("preprocessing.channels")
    if channels in (1, 3) and not preprocessing.bands:
        idle.add("preprocessing.bands")
    if channels == 3 and not preprocessing.window:
        # Numbers that are no colours are those of one channel, as in CT.
        idle.add("preprocessing.window")
    return [name for name in _FIELDS if name not in idle]


def _values(segmenter: "Segmenter", name: str, raw: str) -> list[str]:
    """The options, among which is what holds now."""
    values = list(_FIELDS[name].values)
    if name == "postprocessing.activation" and segmenter.detection.config.classes == 1:
        values.remove("softmax")
    if values and raw not in values:
        values.append(raw)
    return values


def _option(field: str, value: str) -> str:
    if field == "divisor" and value not in ("255", "maximum", "1"):
        return text("assumed_divisor_other", divisor=value)
    return text(f"assumed_{field}_{value}")


def _raw(segmenter: "Segmenter", name: str) -> str:
    part, _, field = name.partition(".")
    value: Any = getattr(getattr(segmenter.spec, part), field)
    if isinstance(value, tuple):
        return ", ".join(map(_number, value))
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """Exactly as it was, and whole numbers without a point."""
    return f"{int(value)}" if value == int(value) else repr(value)


def origin_of(segmenter: "Segmenter", name: str) -> str:
    """Who decided a field of the spec, such as "preprocessing.mean", in the current language."""
    origin = segmenter.spec.origins.get(name)
    if origin is None:
        return text("origin_default")
    if origin in _ORIGINS:
        return text(_ORIGINS[origin])
    for language in LANGUAGES:
        # A network may have been loaded for somebody of another language.
        before, after = text("origin_known", language, title="\0").split("\0")
        if origin.startswith(before) and origin.endswith(after):
            title = origin[len(before) : len(origin) - len(after)]
            return text("origin_known", title=title)
    return origin


def decide(plain: "Segmenter", overrides: Overrides, name: str, raw: str) -> Overrides:
    """``overrides`` with one assumption decided as its control holds it; see ``Assumption``.

    ``plain`` is the checkpoint as it comes. Raises SpecError for a value that makes no sense, and
    for a name that nobody may decide.
    """
    raw = raw.strip()
    if name == _ASSUME:
        known = (plain.detection, *plain.detection.alternatives)
        if raw not in [other.id for other in known]:
            raise SpecError("assumed_refused", label=text("assumed_assume"), value=shown(raw))
        return _assuming(plain, overrides, raw)
    if name not in _FIELDS:
        raise SpecError("assumed_refused", label=shown(name), value=shown(raw))
    _, _, field = name.partition(".")
    control = _FIELDS[name].control
    try:
        decided = overrides.with_override(name, _parsed(name, raw))
        plain.with_overrides(decided.spec)
    except (SpecError, ValueError, OverflowError) as error:
        key = "assumed_refused_numbers" if control == "numbers" else "assumed_refused"
        label = text(f"assumed_{field}")
        raise SpecError(key, label=label, value=shown(raw)) from error
    return decided


def _assuming(plain: "Segmenter", overrides: Overrides, name: str) -> Overrides:
    own = plain.detection.id
    return Overrides(assume=None if name == own else name, spec_json=overrides.spec_json)


def _parsed(name: str, raw: str) -> object:
    """The value in the spec's JSON form. Raises ValueError or OverflowError where it is none."""
    if len(raw) > _MAX_RAW:
        raise ValueError(raw)
    if _FIELDS[name].control == "numbers":
        return [float(number) for number in raw.replace(",", " ").split()]
    if name in ("preprocessing.side", "preprocessing.multiple_of"):
        return int(raw)
    if name == "preprocessing.scale" or (name == "preprocessing.divisor" and raw != "maximum"):
        return float(raw)
    return raw


def settled(unchanged: "Segmenter", overrides: Overrides) -> Overrides:
    """``overrides`` without what is so anyhow; ``unchanged`` assumes the same and has no words."""
    kept = overrides
    for part, values in unchanged.spec.to_dict().items():
        given = overrides.spec.get(part, {})
        for field, value in given.items():
            if json.loads(json.dumps(values[field])) == value:
                kept = kept.with_override(f"{part}.{field}", None)
    return kept
