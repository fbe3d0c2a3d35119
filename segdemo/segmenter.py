"""A network with everything that its prediction depends on: picture in, probabilities out."""

import copy
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from segdemo.checkpoints import METADATA_KEY, Detection, detect, read_file
from segdemo.checkpoints.neighbours import neighbours
from segdemo.convolution import lay_out
from segdemo.devices import number_type, select_device, short_name, synchronise, upload
from segdemo.engine import Engine, reads_channels_last
from segdemo.errors import SpecError
from segdemo.pictures import decode
from segdemo.processing import Labels, Prepared, activate, prepare, resize_map, winners
from segdemo.published import known_file
from segdemo.settings import Precision, Settings
from segdemo.spec import SegmentationSpec
from segdemo.strings import text
from segdemo.tiling import Tiling
from segdemo.turns import Turns

_FILLED_BY_MANY = ("cuda",)
_MOST_TOGETHER = 8


@dataclass(frozen=True, eq=False, kw_only=True)
class Prediction:
    """What a network says of a picture."""

    probabilities: npt.NDArray[np.float32]
    """(C, H, W) in [0, 1] at the scale that the network saw."""
    picture_size: tuple[int, int]
    """Width and height of the picture."""
    milliseconds: float
    """From picture to probabilities, without waiting for the device to be free."""
    device: str
    precision: Precision = "fp32"
    reduced: bool = False
    """Whether the picture was made smaller than the spec wanted, to stay within memory."""
    parts: int = 1
    """In how many overlapping parts it was computed, to stay within memory; the map is the same."""
    background: int = 0
    """The class that is no foreground, where there are several."""

    @property
    def foreground(self) -> npt.NDArray[np.float32]:
        """(H, W): the one class, the other of two, or whatever is not background of several."""
        count = len(self.probabilities)
        foreground: npt.NDArray[np.float32] = (
            1 - self.probabilities[self.background]
            if count > 2
            else self.probabilities[count - 1 - self.background]
        )
        return foreground

    @property
    def device_and_precision(self) -> str:
        """For people: "CPU · fp32"."""
        return f"{self.device} · {self.precision}"

    @property
    def network_size(self) -> tuple[int, int]:
        """Width and height that the network saw, without padding."""
        height, width = self.probabilities.shape[1:]
        return width, height

    def foreground_at(self, size: tuple[int, int]) -> npt.NDArray[np.float32]:
        """The foreground probability at ``size`` (width, height), bilinear: (height, width)."""
        return resize_map(self.foreground, size)

    def classes_at(self, size: tuple[int, int]) -> Iterator[npt.NDArray[np.float32]]:
        """The probability of each class in order, as ``foreground_at``; one in memory at a time."""
        return (resize_map(probabilities, size) for probabilities in self.probabilities)

    def labels_at(self, size: tuple[int, int]) -> Labels:
        """(height, width): the most probable class of each pixel at ``size``; see ``winners``."""
        return winners(self.classes_at(size), len(self.probabilities))

    def mask(self, threshold: float = 0.5) -> npt.NDArray[np.bool_]:
        """(H, W) at the picture's own size: whether the foreground reaches ``threshold``."""
        mask: npt.NDArray[np.bool_] = self.foreground_at(self.picture_size) >= threshold
        return mask


@dataclass(frozen=True, eq=False, kw_only=True)
class _Fitted:
    """A picture as a network gets it."""

    prepared: Prepared
    given: Tensor
    """On the network's device."""
    tiling: Tiling | None = None
    """The parts of it, if it needs any."""
    together: int = 1
    """How many like it may go through the network at a time."""


class Segmenter:
    """A loaded network, its spec and how it was recognised; predicting changes none of them."""

    def __init__(
        self,
        *,
        network: nn.Module,
        spec: SegmentationSpec,
        detection: Detection,
        device: torch.device,
        max_side: int,
        memory_megabytes: int,
        precision: Precision = "fp32",
    ) -> None:
        """``max_side`` limits the picture that the network is given, in pixels.

        A picture for which it would need more than ``memory_megabytes`` beside its weights is
        computed in parts where that gives the same map, and made smaller where not. Raises
        SettingsError when the device does not compute in ``precision``.
        """
        self.network = network.to(device)
        self.spec = spec
        self.detection = detection
        self.device = device
        self.max_side = max_side
        self.memory_megabytes = memory_megabytes
        self.precision = precision
        self._engine = Engine(number_type(device, precision))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each channel; empty when they are not known."""
        names = self.spec.postprocessing.classes
        return names if len(names) == self.detection.config.classes else ()

    @property
    def background(self) -> int:
        """The class that is called so, or else the first, as nearly everybody has it."""
        lowered = [name.strip().lower() for name in self.class_names]
        return lowered.index("background") if "background" in lowered else 0

    @property
    def byte_size(self) -> int:
        """Memory that the weights take; after a prediction, with what was made of them to run."""
        weights: int = sum(tensor.nbytes for tensor in self.network.state_dict().values())
        return weights + self._engine.byte_size

    def respecified(self, words: Mapping[str, Any]) -> "Segmenter":
        """The same network, of which ``words`` decide whatever they speak of, in the JSON form.

        It shares the weights and what was made of them to run. Raises SpecError.
        """
        user = text("origin_user")
        decided = SegmentationSpec.resolve([(user, words)]).origins
        spec = SegmentationSpec.resolve([(user, words), ("", self.spec.to_dict())])
        _require_lengths(spec, self.detection.config.in_channels)
        twin = copy.copy(self)
        twin.spec = replace(spec, origins={**self.spec.origins, **decided})
        return twin

    def predict(self, picture: Image.Image, turns: Turns | None = None) -> Prediction:
        """Run the network once on a picture, read as the page reads it: see pictures.decode.

        ``turns``: who else uses the device; nobody by default. Raises PictureError when the
        picture cannot be read, and PredictionError when the network cannot take it or returns NaN.
        """
        start = time.perf_counter()
        if picture.mode != "RGB" or picture.info:
            # Straight from a file: perhaps lying on its side, transparent or deeper than 8 bits.
            picture = decode(picture, max_megapixels=math.inf)
        with torch.inference_mode():
            fitted = self._within_memory(picture)
            prepared_in = time.perf_counter() - start

            def forward(pictures: Tensor) -> Tensor:
                logits = self._engine.run(self.network, pictures, tiling=fitted.tiling)
                synchronise(self.device)
                return logits

            logits, ran_in = (turns or Turns()).run(
                forward, fitted.given, network=self.network, most=fitted.together
            )
            start = time.perf_counter()
            size, activation = fitted.prepared.size, self.spec.postprocessing.activation
            probabilities = activate(logits, activation, size)
            array = probabilities.cpu().numpy()
        seconds = prepared_in + ran_in + time.perf_counter() - start
        return Prediction(
            probabilities=array,
            picture_size=picture.size,
            milliseconds=seconds * 1000,
            device=short_name(self.device),
            precision=self.precision,
            reduced=fitted.prepared.reduced,
            parts=fitted.tiling.count if fitted.tiling else 1,
            background=self.background,
        )

    def _within_memory(self, picture: Image.Image) -> _Fitted:
        """The fewest changes that keep to the memory: none, parts, a smaller picture."""
        prepared = self._prepared(picture, self.max_side)
        given = upload(prepared.tensor, self.device)
        needed = self._engine.memory(self.network, given)
        share = self.memory_megabytes * 2**20 / needed if needed else 1.0
        if share >= 1:
            # On a CPU each costs what it costs alone; a GPU is not filled by a small one.
            fills = self.device.type not in _FILLED_BY_MANY
            together = 1 if fills else min(_MOST_TOGETHER, int(share))
            return _Fitted(prepared=prepared, given=given, together=together)
        tiling = self._engine.tiling(self.network, given, share)
        if tiling is None:
            side = max(1, math.floor(max(prepared.size) * math.sqrt(share)))
            prepared = self._prepared(picture, side)
            given = upload(prepared.tensor, self.device)
        return _Fitted(prepared=prepared, given=given, tiling=tiling)

    def _prepared(self, picture: Image.Image, max_side: int) -> Prepared:
        config = self.detection.config
        return prepare(
            picture,
            self.spec.preprocessing,
            in_channels=config.in_channels,
            requirements=self.detection.architecture.requirements(config),
            max_side=max_side,
        )


def load(
    path: str | Path,
    *,
    device: str | None = None,
    assume: str | None = None,
    words: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    constant: bool = False,
) -> Segmenter:
    """The network in a checkpoint file, recognised from its tensors and ready to predict.

    ``device`` is a name such as "cuda:1"; the settings' or the best one by default.
    ``assume`` names the reading where tensors cannot tell (``Detection.alternatives``), and
    ``words`` decide whatever they speak of, in the spec's JSON form. ``constant``: see
    ``read_file``.
    Raises CheckpointError or SettingsError.
    """
    settings = settings or Settings.from_environment()
    # First, because a device that is absent need not wait for a large file.
    chosen_device = select_device(device or settings.device)
    recognised = recognise(path, assume=assume, words=words, constant=constant)
    network = recognised.detection.build()
    if reads_channels_last(chosen_device, number_type(chosen_device, settings.precision)):
        lay_out(network)  # What was recognised holds the same tensors, and is done with.
    return Segmenter(
        network=network,
        spec=recognised.spec,
        # The network alone keeps weights: halves and those of a GPU would be in memory twice.
        detection=recognised.detection.without_weights(),
        device=chosen_device,
        max_side=settings.max_network_side,
        memory_megabytes=settings.memory_megabytes,
        precision=settings.precision,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Recognised:
    """A checkpoint file that was read: its network with weights, its spec, its own words."""

    detection: Detection
    spec: SegmentationSpec
    own_words: Mapping[str, Any]
    """What the file says of itself; see ``parse_metadata``."""


def recognise(
    path: str | Path,
    *,
    assume: str | None = None,
    words: Mapping[str, Any] | None = None,
    constant: bool = False,
) -> Recognised:
    """Read a checkpoint file without making it ready to predict; see ``load``.

    Raises CheckpointError.
    """
    file = read_file(path, constant=constant)
    own_words = parse_metadata(file.metadata)
    detection = detect(file.content, assume=assume or own_words.get("assume"))
    spec = resolve_spec(detection, own_words, path=Path(path), words=words or {})
    return Recognised(detection=detection, spec=spec, own_words=own_words)


def parse_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """What a safetensors file says of itself under ``segdemo``; {} when it is silent.

    Raises SpecError when that is no JSON object, or ``assume`` in it no name.
    """
    document = metadata.get(METADATA_KEY, "{}")
    try:
        words = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise _senseless(METADATA_KEY, document, "a JSON object") from error
    if not isinstance(words, dict):
        raise _senseless(METADATA_KEY, document, "a JSON object")
    if not isinstance(words.get("assume", ""), str):
        raise _senseless("assume", words["assume"], "the name of a spelling")
    return words


def _senseless(field: str, value: object, expected: str) -> SpecError:
    return SpecError("spec_invalid", field=field, value=repr(value)[:60], expected=expected)


def resolve_spec(
    detection: Detection,
    own_words: Mapping[str, Any],
    *,
    path: Path | None = None,
    words: Mapping[str, Any] = MappingProxyType({}),
) -> SegmentationSpec:
    """Who speaks of a field first decides it, from the surest to what is merely usual.

    They are ``words`` of the caller, the file's own, those of the files beside ``path``, what
    is known of its content, its code base's recipe, and what the class count suggests.
    Raises SpecError for a senseless value, and for a mean or std of other channels.
    """
    config = detection.config
    activation = "sigmoid" if config.classes == 1 else "softmax"
    spec = SegmentationSpec.resolve(
        [
            (text("origin_user"), words),
            (METADATA_KEY, own_words),
            *(_found_words(path, config) if path else ()),
            (detection.origin, detection.recipe),
            ("", {"postprocessing": {"activation": activation}}),
        ]
    )
    _require_lengths(spec, config.in_channels)
    return spec


def _require_lengths(spec: SegmentationSpec, in_channels: int) -> None:
    # A grey network may bring the three numbers of colour pictures: see processing. One of other
    # channels takes no picture at all, which predict says better than a length.
    lengths = {1, 3, in_channels}
    for name in ("mean", "std"):
        values = getattr(spec.preprocessing, name)
        if len(values) not in lengths:
            expected = f"a list of {' or '.join(map(str, sorted(lengths)))} numbers"
            raise _senseless(f"preprocessing.{name}", values, expected)


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
