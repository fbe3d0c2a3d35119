"""Reads a checkpoint file: which network it is, and how images go in and masks come out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from segdemo.checkpoints.detection import Detection, detect
from segdemo.checkpoints.evidence import NO_EVIDENCE, Evidence, filled, gather, ordered
from segdemo.checkpoints.files import read_file
from segdemo.checkpoints.published import known_file
from segdemo.checkpoints.renaming import Names, detect_renamed
from segdemo.checkpoints.safetensors_header import METADATA_KEY, parse_metadata, senseless
from segdemo.checkpoints.sidecar_files import description, neighbours, saved_words
from segdemo.libraries.folders import weights_at
from segdemo.spec import FIRST_LAYER, SegmentationSpec
from segdemo.strings import text

Layer = tuple[str, Mapping[str, Any]]
"""Who speaks, and a part of a spec in its JSON form."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Recognised:
    """A checkpoint file that was read: its network with weights, its spec, its own words."""

    detection: Detection
    spec: SegmentationSpec
    metadata: Mapping[str, Any]
    """What the file says of itself; see ``parse_metadata``."""
    evidence: Evidence = NO_EVIDENCE
    """What its batch norms tell."""


def recognise(
    path: str | Path,
    *,
    assume: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    mmap: bool = False,
    names: str | Path | Names | None = None,
) -> Recognised:
    """Read a checkpoint without making it ready to predict; see ``load``.

    ``path`` may be a folder that a library saved. Raises CheckpointError.
    """
    path = weights_at(Path(path))
    file = read_file(path, mmap=mmap)
    metadata = parse_metadata(file.metadata)
    said = assume or metadata.get("assume")
    if names is None:
        detection = detect(file.content, assume=said, description=description(path))
    else:
        detection = detect_renamed(file.content, names, assume=said)
    evidence = gather(detection)
    detection = ordered(detection, evidence, said=said is not None)
    config = detection.config
    said_beside = saved_words(
        file.content, file.metadata, in_channels=config.in_channels, classes=config.classes
    )
    spec = resolve_spec(
        detection,
        metadata,
        path=path,
        overrides=overrides or {},
        evidence=evidence,
        certain=[(METADATA_KEY, said_beside)],
    )
    return Recognised(detection=detection, spec=spec, metadata=metadata, evidence=evidence)


def resolve_spec(
    detection: Detection,
    metadata: Mapping[str, Any],
    *,
    path: Path | None = None,
    overrides: Mapping[str, Any] = MappingProxyType({}),
    evidence: Evidence = NO_EVIDENCE,
    certain: Sequence[Layer] = (),
    usual: Sequence[Layer] = (),
) -> SegmentationSpec:
    """Who speaks of a field first decides it, from the surest to what is merely usual.

    They are ``overrides`` of the caller, the file's own, ``certain``, those of the files beside
    ``path``, what is known of its content, its code base's recipe, ``usual``, and what the class
    count suggests. Where none of them speaks of values, ``evidence`` does.
    Raises SpecError for a senseless value, and for a mean or std of other channels.
    """
    config = detection.config
    activation = "sigmoid" if config.classes == 1 else "softmax"
    layers: list[Layer] = [
        (text("origin_user"), overrides),
        (METADATA_KEY, metadata),
        *certain,
        *(_found_words(path, config) if path else ()),
        (detection.origin, detection.recipe),
        *usual,
        ("", {"postprocessing": {"activation": activation}}),
    ]
    spec = SegmentationSpec.resolve(layers)
    found = filled(evidence, spec)
    if found:
        spec = SegmentationSpec.resolve([*layers, (FIRST_LAYER, found)])
    require_lengths(spec, config.in_channels)
    return spec


def require_lengths(spec: SegmentationSpec, in_channels: int) -> None:
    """Raise SpecError unless mean and std have a number for each input channel, or one or three."""
    # A grey network may bring the three numbers of colour images: see processing. One of other
    # channels takes no image at all, which predict says better than a length.
    lengths = {1, 3, in_channels}
    for name in ("mean", "std"):
        values = getattr(spec.preprocessing, name)
        if len(values) not in lengths:
            expected = f"a list of {' or '.join(map(str, sorted(lengths)))} numbers"
            raise senseless(f"preprocessing.{name}", values, expected)


def _found_words(path: Path, config: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What stands beside a file, then what is known of it."""
    yield from neighbours(path, in_channels=config.in_channels, classes=config.classes)
    try:
        known = known_file(path)
    except OSError:
        # The weights were read; that the file is gone by now is no reason to refuse them.
        return
    if known is not None and len(known.classes) == config.classes:
        yield text("origin_known", title=known.title), known.words
