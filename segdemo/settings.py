"""Settings read from environment variables, as one frozen value."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from segdemo.errors import SettingsError

_Value = TypeVar("_Value")
_Number = TypeVar("_Number", int, float)

Precision = Literal["fp32", "bf16", "fp16"]
"""What networks compute in: 32 bits, or 16 with the range or the fraction that others have."""

LogForm = Literal["text", "json"]

_NO_FOLDERS: tuple[Path, ...] = ()
_ANY_HOST: tuple[str, ...] = ()
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def _positive(convert: Callable[[str], _Number]) -> Callable[[str], _Number]:
    def parse(raw: str) -> _Number:
        value = convert(raw)
        if not 0 < value < math.inf:
            raise ValueError(raw)
        return value

    return parse


def _folders(raw: str) -> tuple[Path, ...]:
    try:
        folders = tuple(Path(part).expanduser() for part in raw.split(os.pathsep) if part.strip())
        # A folder that is misspelt would only look like one without checkpoints.
        if not all(folder.is_dir() for folder in folders):
            raise ValueError(raw)
    except (OSError, RuntimeError) as error:  # no home, or a name that no system takes
        raise ValueError(raw) from error
    return folders


def _names(raw: str) -> tuple[str, ...]:
    names = tuple(part.strip().lower() for part in raw.split(",") if part.strip())
    if not all(map(_HOST.fullmatch, names)):
        raise ValueError(raw)
    return names


def _switch(raw: str) -> bool:
    return {"on": True, "off": False}[raw.lower()]


def _precision(raw: str) -> Precision:
    known: dict[str, Precision] = {name: name for name in get_args(Precision)}
    return known[raw.lower()]


def _log_form(raw: str) -> LogForm:
    known: dict[str, LogForm] = {name: name for name in get_args(LogForm)}
    return known[raw.lower()]


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
    precision: Precision = _setting(  # noqa: RUF009 - ruff does not know the name for a value
        "fp32",
        "SEGDEMO_PRECISION",
        _precision,
        "fp32, bf16 or fp16",
        "what networks compute in; bf16 and fp16 are faster where the device has them, not exact",
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
    memory_megabytes: int = _setting(
        4096,
        "SEGDEMO_MEMORY_MB",
        _positive(int),
        "a positive whole number",
        "how many MB a network may need for a picture; more is done in parts, or smaller",
    )
    cache_megabytes: int = _setting(
        2048,
        "SEGDEMO_CACHE_MB",
        _positive(int),
        "a positive whole number",
        "how many MB of loaded networks stay in memory",
    )
    weights_folders: tuple[Path, ...] = _setting(
        _NO_FOLDERS,
        "SEGDEMO_WEIGHTS",
        _folders,
        "a list of folders that exist",
        "folders with more checkpoints for the page, separated like those of PATH",
    )
    hub_timeout_seconds: float = _setting(
        20.0,
        "SEGDEMO_HUB_TIMEOUT",
        _positive(float),
        "a positive number",
        "how many seconds the Hugging Face Hub may stay silent",
    )
    max_download_megabytes: int = _setting(
        1000,
        "SEGDEMO_MAX_DOWNLOAD_MB",
        _positive(int),
        "a positive whole number",
        "the largest checkpoint that is downloaded, in MB",
    )
    checkpoint_uploads: bool = _setting(
        True,
        "SEGDEMO_UPLOADS",
        _switch,
        "on or off",
        "whether visitors may open checkpoints of their own, on or off; off on a Space when unset",
    )
    disk_megabytes: int = _setting(
        8000,
        "SEGDEMO_DISK_MB",
        _positive(int),
        "a positive whole number",
        "how many MB visitors' files may take on disk, together; one address may take half of it",
    )
    hosts: tuple[str, ...] = _setting(
        _ANY_HOST,
        "SEGDEMO_HOSTS",
        _names,
        "a list of names such as demo.example.org,*.example.org",
        "the names under which the server is reached, separated by commas; when unset, those of "
        "this machine if it listens here alone, of the Space on a Space, and any otherwise",
    )
    drain_seconds: float = _setting(
        20.0,
        "SEGDEMO_DRAIN_SECONDS",
        _positive(float),
        "a positive number",
        "how many seconds runs have to finish once the server is told to stop",
    )
    run_seconds: float = _setting(
        600.0,
        "SEGDEMO_RUN_SECONDS",
        _positive(float),
        "a positive number",
        "how many seconds a comparison may take; networks that have not begun by then are left out",
    )
    log: LogForm = _setting(  # noqa: RUF009 - ruff does not know the name for a value
        "text",
        "SEGDEMO_LOG",
        _log_form,
        "text or json",
        "how what the server has to tell its operator is written to stderr: text, or json for "
        "one object a line",
    )
    mcp: bool = _setting(
        False,
        "SEGDEMO_MCP",
        _switch,
        "on or off",
        "whether assistants may call the endpoints by the Model Context Protocol, on or off",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read every variable; an empty one counts as unset. Raises SettingsError."""
        values: dict[str, Any] = {}
        if environment.get("SPACE_ID"):
            # Strangers' files may be large, and a Space has one small disk for all.
            values["checkpoint_uploads"] = False
        for entry in fields(cls):
            name, raw = entry.metadata["variable"], environment.get(entry.metadata["variable"], "")
            if not raw.strip():
                continue
            try:
                values[entry.name] = entry.metadata["parse"](raw.strip())
            except (ValueError, KeyError) as error:
                raise SettingsError(
                    "settings_invalid", name=name, value=raw, expected=entry.metadata["expected"]
                ) from error
        return cls(**values)
