"""The environment as one frozen value."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from segdemo.errors import SettingsError

_Value = TypeVar("_Value")
_Number = TypeVar("_Number", int, float)


def _positive(convert: Callable[[str], _Number]) -> Callable[[str], _Number]:
    def parse(raw: str) -> _Number:
        value = convert(raw)
        if not 0 < value < math.inf:
            raise ValueError(raw)
        return value

    return parse


def _setting(
    default: _Value, variable: str, parse: Callable[[str], _Value], expected: str, meaning: str
) -> Any:
    """A field read from ``variable``; ``expected`` and ``meaning`` complete our sentences."""
    metadata = {"variable": variable, "parse": parse, "expected": expected, "meaning": meaning}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the operator decides; every field has an environment variable of its own."""

    device: str | None = _setting(
        None,
        "SEGDEMO_DEVICE",
        str,
        "a device",
        "the device to run on, such as cpu, cuda, cuda:1 or mps; the best one when unset",
    )
    max_megapixels: float = _setting(
        40.0,
        "SEGDEMO_MAX_MEGAPIXELS",
        _positive(float),
        "a positive number",
        "the largest picture that is decoded, in millions of pixels",
    )
    max_upload_megabytes: int = _setting(
        50,
        "SEGDEMO_MAX_UPLOAD_MB",
        _positive(int),
        "a positive whole number",
        "the largest file that the page accepts, in MB",
    )
    max_network_side: int = _setting(
        2048,
        "SEGDEMO_MAX_SIDE",
        _positive(int),
        "a positive whole number",
        "the longest side, in pixels, that is ever given to a network",
    )
    cache_megabytes: int = _setting(
        2048,
        "SEGDEMO_CACHE_MB",
        _positive(int),
        "a positive whole number",
        "how many MB of loaded networks stay in memory",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read every variable; an empty one counts as unset. Raises SettingsError."""
        values: dict[str, Any] = {}
        for entry in fields(cls):
            name, raw = entry.metadata["variable"], environment.get(entry.metadata["variable"], "")
            if not raw.strip():
                continue
            try:
                values[entry.name] = entry.metadata["parse"](raw.strip())
            except ValueError as error:
                raise SettingsError(
                    "settings_invalid", name=name, value=raw, expected=entry.metadata["expected"]
                ) from error
        return cls(**values)
