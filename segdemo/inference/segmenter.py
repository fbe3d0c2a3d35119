"""A loaded network with all that its prediction depends on: image in, probabilities out."""

import copy
import math
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from segdemo.checkpoints import Detection
from segdemo.checkpoints.evidence import NO_EVIDENCE, Evidence
from segdemo.checkpoints.places import located
from segdemo.checkpoints.recognise import recognise, require_lengths
from segdemo.engine.ahead import ahead
from segdemo.engine.container import within_container
from segdemo.engine.convolution import to_channels_last
from segdemo.engine.devices import number_type, select_device, short_name, synchronise, upload
from segdemo.engine.engine import Engine, reads_channels_last
from segdemo.engine.foreign import ForeignNetwork
from segdemo.engine.scheduler import DeviceScheduler
from segdemo.engine.tiling import Tiling
from segdemo.graphs.recognise import opens_graph, recognise_graph
from segdemo.images.inputs import ImageLike, as_given
from segdemo.images.measured import Given
from segdemo.inference.ground import NO_CLASS, ground_of, needs_ground
from segdemo.inference.prediction import Prediction
from segdemo.inference.processing import Prepared, activate, prepare, with_ground
from segdemo.libraries.folders import weights_at
from segdemo.settings import Precision, Settings
from segdemo.spec import SegmentationSpec, require_known
from segdemo.strings import text
from segdemo.wording import millions

_FILLED_BY_MANY = ("cuda",)
_MOST_TOGETHER = 8
_ANSWER_BYTES = 8  # of a class of a pixel: its probability, and once more while parts are joined
_MOST_NAMED = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class _Fitted:
    """An image as a network gets it."""

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
        evidence: Evidence = NO_EVIDENCE,
    ) -> None:
        """``max_side`` limits the image that the network is given, in pixels.

        An image for which it would need more than ``memory_megabytes`` beside its weights is
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
        self.evidence = evidence
        self._engine = Engine(number_type(device, precision))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The name of each class of a prediction; empty when they are not known."""
        names = self._channel_names
        return (NO_CLASS, *names) if names and self._adds_ground else names

    @property
    def class_count(self) -> int:
        """Classes of a prediction: channels, and the ground that is added where none is one."""
        return int(self.detection.config.classes) + self._adds_ground

    @property
    def background(self) -> int:
        """The class that is no foreground: chosen, called so, added, or else the first."""
        ground = self.spec.postprocessing.ground
        if ground is not None and ground < self.detection.config.classes:
            return ground
        return 0 if self._adds_ground else ground_of(self._channel_names) or 0

    @property
    def _channel_names(self) -> tuple[str, ...]:
        names = self.spec.postprocessing.classes
        return names if len(names) == self.detection.config.classes else ()

    @property
    def _adds_ground(self) -> bool:
        count = self.detection.config.classes
        return needs_ground(self.spec.postprocessing, count, self._channel_names)

    @property
    def byte_size(self) -> int:
        """Memory that the weights take; after a prediction, with what was made of them to run."""
        if isinstance(self.network, ForeignNetwork):
            return self.network.byte_size
        weights: int = sum(tensor.nbytes for tensor in self.network.state_dict().values())
        return weights + self._engine.byte_size

    def with_overrides(self, overrides: Mapping[str, Any]) -> "Segmenter":
        """A segmenter that shares these weights, with fields of its spec overridden.

        ``overrides`` are in the spec's JSON form. Raises SpecError.
        """
        require_known(overrides)
        user = text("origin_user")
        decided = SegmentationSpec.resolve([(user, overrides)]).origins
        spec = SegmentationSpec.resolve([(user, overrides), ("", self.spec.to_dict())])
        require_lengths(spec, self.detection.config.in_channels)
        twin = copy.copy(self)
        twin.spec = replace(spec, origins={**self.spec.origins, **decided})
        return twin

    def predict(self, picture: ImageLike, scheduler: DeviceScheduler | None = None) -> Prediction:
        """Run the network once on an image, read as the page reads it: see images.inputs.

        ``picture`` is a path, the bytes of a file, a Pillow image, or an array (H, W),
        (H, W, 3) in RGB order, or (H, W, bands). ``scheduler``: who else uses the device; nobody
        by default. Raises PictureError when the image cannot be read, and PredictionError when
        the network cannot take it or returns NaN.
        """
        start = time.perf_counter()
        picture = as_given(picture, max_megapixels=math.inf)
        with torch.inference_mode():
            fitted = self._within_memory(picture)
            prepared_in = time.perf_counter() - start

            def forward(pictures: Tensor) -> Tensor:
                logits = self._engine.run(self.network, pictures, tiling=fitted.tiling)
                synchronise(self.device)
                return logits

            logits, ran_in = (scheduler or DeviceScheduler()).run(
                forward, fitted.given, network=self.network, most=fitted.together
            )
            start = time.perf_counter()
            size, activation = fitted.prepared.size, self.spec.postprocessing.activation
            probabilities = activate(logits, activation, size)
            if self._adds_ground:
                probabilities = with_ground(probabilities)
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
            bands=fitted.prepared.bands,
            class_names=self.class_names,
            overlapping=self._adds_ground,
            threshold=self.spec.postprocessing.threshold,
        )

    def predict_batch(
        self, pictures: Iterable[ImageLike], *, jobs: int = 2
    ) -> Iterator[Prediction]:
        """Predictions of any number of images, in order, each as soon as it is there.

        ``jobs`` images are read at a time and no more are in memory; a GPU takes equal sizes
        together. Raises what ``predict`` raises, when the turn of the image comes.
        """
        scheduler = DeviceScheduler()
        return ahead(lambda picture: self.predict(picture, scheduler), pictures, jobs)

    def __repr__(self) -> str:
        """One line: network, classes, parameters, device."""
        detection = self.detection
        named = ", ".join(self.class_names[:_MOST_NAMED]) or str(detection.config.classes)
        more = ", …" if len(self.class_names) > _MOST_NAMED else ""
        return (
            f"Segmenter({detection.architecture.title}, "
            f"{detection.architecture.describe(detection.config)}, classes: {named}{more}, "
            f"{millions(detection.parameters)} M parameters, {self.device}, {self.precision})"
        )

    def __getstate__(self) -> dict[str, Any]:
        """All but what was made to run it, so that it can be sent to another process."""
        return {key: value for key, value in self.__dict__.items() if key != "_engine"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._engine = Engine(number_type(self.device, self.precision))

    def _within_memory(self, picture: Given) -> _Fitted:
        """The fewest changes that keep to the memory: none, parts, a smaller image."""
        budget = self.memory_megabytes * 2**20
        prepared = self._prepared(picture, self.max_side)
        # Parts do not help where the probabilities of all classes are too much already.
        answer = _ANSWER_BYTES * self.class_count * math.prod(prepared.size)
        if answer > budget:
            prepared = self._prepared(picture, _reduced(prepared.size, budget / answer))
        given = upload(prepared.tensor, self.device)
        needed = self._engine.memory(self.network, given)
        share = budget / needed if needed else 1.0
        if share >= 1:
            # On a CPU each costs what it costs alone; a GPU is not filled by a small one.
            fills = self.device.type not in _FILLED_BY_MANY
            together = 1 if fills else min(_MOST_TOGETHER, int(share))
            return _Fitted(prepared=prepared, given=given, together=together)
        tiling = self._engine.tiling(self.network, given, share)
        if tiling is None:
            prepared = self._prepared(picture, _reduced(prepared.size, share))
            given = upload(prepared.tensor, self.device)
        return _Fitted(prepared=prepared, given=given, tiling=tiling)

    def _prepared(self, picture: Given, max_side: int) -> Prepared:
        config = self.detection.config
        return prepare(
            picture,
            self.spec.preprocessing,
            in_channels=config.in_channels,
            requirements=self.detection.architecture.requirements(config),
            max_side=max_side,
        )


def _reduced(size: tuple[int, int], share: float) -> int:
    """The longer side of an image with this share of the pixels."""
    return max(1, math.floor(max(size) * math.sqrt(share)))


def load(
    path: str | Path,
    *,
    device: str | None = None,
    assume: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    settings: Settings | None = None,
    mmap: bool = False,
    names: str | Path | Mapping[str, Any] | None = None,
    **renamed: Any,
) -> Segmenter:
    """Load a checkpoint file: recognise its network from the tensors and prepare it to predict.

    ``path`` may be the name alone of a shipped checkpoint, such as "vessels_unet", or of one's own.
    ``device`` is a name such as "cuda:1"; the settings' or the best one by default.
    ``assume`` is the id of the reading to take where tensors cannot tell (see
    ``Detection.alternatives``). ``overrides`` are fields of the spec in its JSON form, such as
    ``{"preprocessing": {"side": 512}}``; they win over the file's own. ``mmap``: see
    ``read_file``. ``names`` is a renaming of the tensors, or the JSON file that holds it, as
    ``python -m segdemo inspect --names`` writes it. The former names ``words`` and ``constant``
    still work in this release.
    Raises CheckpointError or SettingsError.
    """
    if "words" in renamed:
        overrides = _renamed(renamed.pop("words"), "words", "overrides")
    if "constant" in renamed:
        mmap = _renamed(renamed.pop("constant"), "constant", "mmap")
    if renamed:
        raise TypeError(f"load() got an unexpected keyword argument {min(renamed)!r}")
    require_known(overrides or {})
    settings = settings or Settings.from_environment()
    # First, because a device that is absent need not wait for a large file.
    chosen_device = select_device(device or settings.device)
    path, precision = weights_at(located(path)), settings.precision
    if opens_graph(path):
        recognised = recognise_graph(
            path,
            device=chosen_device,
            budget=settings.memory_megabytes * 2**20,
            assume=assume,
            overrides=overrides or {},
        )
    else:
        recognised = recognise(path, assume=assume, overrides=overrides, mmap=mmap, names=names)
    network = recognised.detection.build()
    if isinstance(network, ForeignNetwork):
        # Another runtime chooses where it computes, and in which numbers.
        chosen_device, precision = network.device, "fp32"
    elif reads_channels_last(chosen_device, number_type(chosen_device, settings.precision)):
        to_channels_last(network)  # What was recognised holds the same tensors, and is done with.
    return Segmenter(
        network=network,
        spec=recognised.spec,
        # The network alone keeps weights: halves and those of a GPU would be in memory twice.
        detection=recognised.detection.without_weights(),
        device=chosen_device,
        max_side=settings.max_network_side,
        memory_megabytes=within_container(settings.memory_megabytes),
        precision=precision,
        evidence=recognised.evidence,
    )


def _renamed(value: Any, old: str, new: str) -> Any:
    warnings.warn(f"load({old}=) is now load({new}=)", DeprecationWarning, stacklevel=3)
    return value
