"""A renaming written by hand: the checkpoint's names for tensors beside ours."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from segdemo.checkpoints.detection import Detection, detect
from segdemo.checkpoints.nearest import nearest_miss
from segdemo.checkpoints.unwrap import unwrap
from segdemo.errors import UnknownNetworkError
from segdemo.wording import shown

_ASSUME, _NAMES = "assume", "names"
_MAX_BYTES = 4_000_000

Names = Mapping[str, Any]
"""Their name -> ours, None for a gap; or these under ``names``, beside what to ``assume``."""


def proposed_names(content: Mapping[str, Any], *, assume: str | None = None) -> dict[str, Any]:
    """A renaming for a state dict, with None where a tensor has no place.

    Of a network that is recognised it is complete; of another it has the names of the nearest
    one, as far as they are alike.
    """
    tensors = unwrap(content).tensors
    try:
        detection = detect(content, assume=assume)
    except UnknownNetworkError:
        miss = nearest_miss(tensors)
        known = [key for key in tensors if miss and miss.mapping.match(key)]
        found = (miss.mapping.rename(known) if miss else None) or {}
        return {_ASSUME: None, _NAMES: {key: found.get(key) for key in tensors}}
    found = detection.mapping.rename(tensors) or {}
    supposed = detection.id if detection.known else None
    return {_ASSUME: supposed, _NAMES: {key: found.get(key) for key in tensors}}


def read_names(path: Path) -> Names:
    """The renaming in a JSON file. Raises UnknownNetworkError where there is none."""
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("its size")
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _wrong(path.name, shown(str(error))) from error
    if not isinstance(document, dict):
        raise _wrong(path.name, "{…}")
    return document


def detect_renamed(
    content: Mapping[str, Any], names: str | Path | Names, *, assume: str | None = None
) -> Detection:
    """The network that the tensors are under these names; those without a name are left out.

    ``names`` may be the path of a JSON file. Raises UnknownNetworkError that says what does not
    fit.
    """
    source = _NAMES
    if isinstance(names, str | Path):
        source, names = Path(names).name, read_names(Path(names))
    inside = names.get(_NAMES)
    wanted = inside if isinstance(inside, Mapping) else names
    supposed = names.get(_ASSUME) if wanted is inside else None
    if assume is None and isinstance(supposed, str):
        assume = supposed
    tensors = unwrap(content).tensors
    _check(tensors, wanted, source)
    renamed = {ours: tensors[key] for key, ours in wanted.items() if ours}
    try:
        return detect(renamed, assume=assume)
    except UnknownNetworkError as error:
        raise _wrong(source, str(error)) from error


def _check(tensors: Mapping[str, Tensor], names: Names, source: str) -> None:
    """Raises UnknownNetworkError for names that the checkpoint lacks, and for one given twice."""
    ours = [name for name in names.values() if name]
    strange = [key for key in names if key not in tensors]
    doubles = [str(name) for name, count in Counter(map(str, ours)).items() if count > 1]
    unreadable = [str(name) for name in ours if not isinstance(name, str)]
    wrong = [*strange, *doubles, *unreadable]
    if wrong or not ours:
        raise _wrong(source, shown(wrong[0]) if wrong else "null")


def _wrong(source: str, reason: str) -> UnknownNetworkError:
    return UnknownNetworkError("checkpoint_names", name=shown(source), reason=reason)
