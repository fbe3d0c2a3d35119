"""The segmentation spec: preprocessing and postprocessing values, JSON form, precedence."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any, Literal, get_args

from segdemo.errors import SpecError
from segdemo.wording import one_line

ResizeRule = Literal["none", "at_most", "longest", "shortest", "stretch", "scale"]
Resample = Literal["nearest", "bilinear", "bicubic", "lanczos"]
Channels = Literal["rgb", "bgr", "grey"]
Standardise = Literal["none", "image", "channel"]
Activation = Literal["sigmoid", "softmax", "none"]

FIRST_LAYER, GRAPH, ASSUMED = "first layer", "graph", "assumed"
"""Who decided a field, beside files and people: evidence, a graph's own nodes, nobody."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """Image -> input of the network: resized, divided, centred, padded, in this order."""

    resize: ResizeRule = "at_most"
    """``none`` keeps the size; ``longest`` and ``shortest`` bring that side to ``side`` and keep
    the proportions; ``at_most`` does so only to a longest side above ``side``; ``stretch`` makes
    a square of ``side``; ``scale`` multiplies both sides by ``scale``. Sizes are rounded to the
    nearest pixel, halves to even."""
    side: int = 1024
    """Pixels."""
    longest: int = 0
    """The most that ``shortest`` makes of the longest side, in pixels; 0 for no limit."""
    height: int = 0
    """Of what ``stretch`` makes, where it is no square: then ``side`` is the width; else 0."""
    scale: float = 1.0
    resample: Resample = "bilinear"
    """The filter; all but ``nearest`` widen with the reduction (antialiased)."""
    channels: Channels = "rgb"
    bands: tuple[int, ...] = ()
    """Which band of the file each channel of the network gets, counted from 1; empty: colours, or
    the bands in their order."""
    window: tuple[float, ...] = ()
    """The lowest and the highest number of the file, such as Hounsfield units, that become 0 and
    255; empty: those of a file of more than 8 bits are windowed as they are shown, or are taken
    as they are where they are standardised or the divisor is above 255."""
    divisor: float | Literal["maximum"] = 255.0
    """By which the values are divided, 0 to 255 or the file's own; ``maximum`` is the largest of
    the image."""
    mean: tuple[float, ...] = (0.0,)
    """Subtracted after the division; one number, or one a channel in the network's order."""
    std: tuple[float, ...] = (1.0,)
    """Divided by after that."""
    standardise: Standardise = "none"
    """Whether the image's own mean and deviation take the place of ``mean`` and ``std``: of all its
    values, or of each channel (z-score, as nnU-Net's ZScoreNormalization and MONAI's
    NormalizeIntensity)."""
    multiple_of: int = 1
    """Both sides are padded at the bottom right to a multiple, and the map is cropped back."""


@dataclass(frozen=True, kw_only=True)
class Postprocessing:
    """Logits -> probabilities, and what they mean."""

    activation: Activation = "sigmoid"
    classes: tuple[str, ...] = ()
    """The name of each channel; empty when unknown."""
    threshold: float = 0.5
    """Where the slider starts, in (0, 1)."""
    ground: int | None = None
    """The channel that is no foreground; None: the one called so, or else the first of a softmax,
    and none of those with a sigmoid each."""


@dataclass(frozen=True, kw_only=True)
class SegmentationSpec:
    """Everything beside the tensors that a prediction depends on."""

    preprocessing: Preprocessing = Preprocessing()
    postprocessing: Postprocessing = Postprocessing()
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Who decided each field that is no neutral default: ``"preprocessing.mean"`` -> name."""

    def to_json(self) -> str:
        """One JSON object with ``preprocessing`` and ``postprocessing``."""
        return json.dumps(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """The JSON form as a dictionary."""
        return {
            "preprocessing": asdict(self.preprocessing),
            "postprocessing": asdict(self.postprocessing),
        }

    @classmethod
    def from_json(cls, document: str, origin: str = "file") -> "SegmentationSpec":
        """The spec that ``to_json`` wrote; missing fields are neutral. Raises SpecError."""
        try:
            layer = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise SpecError(
                "spec_invalid", field="segdemo", value=_shown(document), expected="JSON"
            ) from error
        return cls.resolve([(origin, layer)])

    @classmethod
    def resolve(cls, layers: Iterable[tuple[str, Any]]) -> "SegmentationSpec":
        """The first layer that speaks of a field decides it; ``layers`` are (origin, JSON form).

        Unknown keys are ignored, so that newer files open in older versions. Raises SpecError
        for a known field with a senseless value.
        """
        values: dict[str, dict[str, Any]] = {part: {} for part in _PARTS}
        origins: dict[str, str] = {}
        for origin, layer in layers:
            _require(isinstance(layer, Mapping), "segdemo", layer, "an object")
            for part, kind in _PARTS.items():
                given = layer.get(part, {})
                _require(isinstance(given, Mapping), part, given, "an object")
                for entry in fields(kind):
                    if entry.name in given and entry.name not in values[part]:
                        name = f"{part}.{entry.name}"
                        values[part][entry.name] = _CHECKS[entry.name](name, given[entry.name])
                        origins[name] = origin
        return cls(
            preprocessing=Preprocessing(**values["preprocessing"]),
            postprocessing=Postprocessing(**values["postprocessing"]),
            origins=origins,
        )


def require_known(overrides: Mapping[str, Any] | str | PurePath) -> None:
    """Raises SpecError for an override of a field that there is not, with the nearest that is."""
    if isinstance(overrides, str | PurePath):
        # ``words``, the former name of overrides, is easily taken for that of a renaming.
        raise SpecError("names_no_renaming", name=_shown(PurePath(overrides).name))
    members = {part: {entry.name for entry in fields(kind)} for part, kind in _PARTS.items()}
    for part, given in overrides.items():
        if part not in members:
            # Perhaps a field whose part was left out, or forgotten.
            full = [f"{known}.{name}" for known in members for name in members[known]]
            if part in full:
                outer, _, inner = part.partition(".")
                raise SpecError("spec_dotted", field=part, part=outer, name=inner)
            raise _unknown(str(part), [*members, *full])
        for name in given if isinstance(given, Mapping) else ():
            if name not in members[part]:
                raise _unknown(f"{part}.{name}", [f"{part}.{known}" for known in members[part]])


def _unknown(name: str, known: list[str]) -> SpecError:
    last = name.rpartition(".")[2]
    exact = [other for other in known if other.rpartition(".")[2] == last]
    close = exact or get_close_matches(name, known, n=1, cutoff=0.0)
    return SpecError("spec_unknown", field=one_line(name), nearest=close[0])


_PARTS: dict[str, type[Any]] = {"preprocessing": Preprocessing, "postprocessing": Postprocessing}


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _require(holds: bool, name: str, value: object, expected: str) -> None:
    if not holds:
        raise SpecError("spec_invalid", field=name, value=_shown(value), expected=expected)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _one_of(alias: Any) -> Callable[[str, Any], Any]:
    choices = get_args(alias)

    def check(name: str, value: Any) -> Any:
        _require(isinstance(value, str) and value in choices, name, value, ", ".join(choices))
        return value

    return check


def _number(low: float, high: float) -> Callable[[str, Any], float]:
    def check(name: str, value: Any) -> float:
        inside = _is_number(value) and low < value < high
        _require(inside, name, value, f"a number between {low:g} and {high:g}")
        return float(value)

    return check


def _whole(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        inside = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        _require(inside, name, value, f"a whole number from {low} to {high}")
        return int(value)

    return check


def _optional(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda name, value: None if value is None else check(name, value)


def _numbers(low: float, high: float) -> Callable[[str, Any], tuple[float, ...]]:
    number = _number(low, high)

    def check(name: str, value: Any) -> tuple[float, ...]:
        fits = isinstance(value, list | tuple) and bool(value)
        _require(fits, name, value, f"a list of numbers between {low:g} and {high:g}")
        return tuple(number(name, entry) for entry in value)

    return check


def _names(name: str, value: Any) -> tuple[str, ...]:
    fits = isinstance(value, list | tuple) and all(isinstance(entry, str) for entry in value)
    _require(fits, name, value, "a list of names")
    return tuple(value)


def _bands(name: str, value: Any) -> tuple[int, ...]:
    _require(isinstance(value, list | tuple), name, value, "a list of whole numbers from 1")
    return tuple(_whole(1, 1024)(name, _as_whole(entry)) for entry in value)


def _as_whole(value: Any) -> Any:
    """Fields of numbers hold floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _window(name: str, value: Any) -> tuple[float, ...]:
    fits = isinstance(value, list | tuple) and len(value) in (0, 2)
    _require(fits, name, value, "the lowest and the highest number, or neither")
    numbers = tuple(_number(-1e9, 1e9)(name, entry) for entry in value)
    _require(not numbers or numbers[0] < numbers[1], name, value, "two rising numbers")
    return numbers


def _divisor(name: str, value: Any) -> float | str:
    return value if value == "maximum" else _number(*_POSITIVE)(name, value)


# Far beyond what anybody means, and well within what float32 can divide by.
_POSITIVE = (1e-6, 1e6)


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    "resize": _one_of(ResizeRule),
    "side": _whole(1, 1 << 14),
    "longest": _whole(0, 1 << 14),
    "height": _whole(0, 1 << 14),
    "scale": _number(0, 16),
    "resample": _one_of(Resample),
    "channels": _one_of(Channels),
    "bands": _bands,
    "window": _window,
    "divisor": _divisor,
    "mean": _numbers(-1e6, 1e6),
    "std": _numbers(*_POSITIVE),
    "standardise": _one_of(Standardise),
    "multiple_of": _whole(1, 1024),
    "activation": _one_of(Activation),
    "classes": _names,
    "threshold": _number(0, 1),
    "ground": _optional(_whole(0, 1 << 16)),
}


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """User overrides of a checkpoint's reading and spec.

    Hashable, so that they can be part of a cache key; two that decide the same are equal.
    """

    assume: str | None = None
    """The id of the reading to take where tensors cannot tell; None for the default one."""
    spec_json: str = "{}"
    """The overridden fields of the spec in its JSON form, keys in order."""

    @property
    def spec(self) -> dict[str, Any]:
        """The overridden fields as ``load(overrides=...)`` takes them."""
        spec: dict[str, Any] = json.loads(self.spec_json)
        return spec

    def with_override(self, name: str, value: object) -> "Overrides":
        """A copy with one field overridden, such as "preprocessing.side"; None removes it.

        The value is any that JSON has; ``SegmentationSpec.resolve`` checks it.
        """
        part, _, member = name.partition(".")
        spec = self.spec
        values = {key: given for key, given in spec.pop(part, {}).items() if key != member}
        if value is not None:
            values[member] = value
        spec.update({part: values} if values else {})
        return replace(self, spec_json=json.dumps(spec, sort_keys=True))

    def with_overrides(self, spec: Mapping[str, Mapping[str, Any]]) -> "Overrides":
        """A copy with all of these fields overridden."""
        overrides = self
        for part, values in spec.items():
            for member, value in values.items():
                overrides = overrides.with_override(f"{part}.{member}", value)
        return overrides


NO_OVERRIDES = Overrides()
"""Nothing is overridden: as the file, the files beside it and its code base say."""
