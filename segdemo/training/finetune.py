"""Fine-tunes a checkpoint on a user's own images and masks."""

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from segdemo.checkpoints import Detection
from segdemo.checkpoints.export import export_safetensors, halved
from segdemo.checkpoints.recognise import recognise
from segdemo.engine.devices import is_out_of_memory, select_device
from segdemo.errors import TrainingError
from segdemo.images.notices import Notice
from segdemo.settings import Settings
from segdemo.spec import SegmentationSpec
from segdemo.training.labelling import Labelling
from segdemo.training.loop import ForwardDeep, Outcome, Saved, fit, planned_steps
from segdemo.training.pairs import Pair, gather, require_classes, split
from segdemo.training.plan import Plan
from segdemo.training.samples import BatchSampler, InputRules, Samples
from segdemo.training.start import continued
from segdemo.training.validation import Validation
from segdemo.wording import printable

STEPS = 300
_FEWEST_STEPS = 20
_LEARNING_RATE = 3e-4
_LOOKS = 20
"""In a run of full length."""
_PATIENCE = 10
"""Looks without a better score after which a run ends."""
_REHEARSED = 3
"""Steps that are timed to find out how many fit into the minutes that a person has."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for."""

    checkpoint: Path
    images: Path
    masks: Path
    out: Path
    """The safetensors file to write."""
    steps: int = STEPS
    minutes: float | None = None
    """Instead of the steps, about how long it may take."""
    classes: tuple[str, ...] = ()
    """Their names; one for masks of a single thing."""
    seed: int = 0
    device: str | None = None
    assume: str | None = None
    truth_reading: str | None = None
    """How the masks are read, where that is not what they seem to mean."""
    validation: tuple[Path, Path] | None = None
    """Folders of images and masks to judge by, in place of some of those to train on."""


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Who hears how it goes."""

    read: Callable[[int, int], None] = lambda done, count: None
    """Images read, of how many."""
    skipped: Callable[[tuple[str, ...], tuple[str, ...]], None] = lambda pictures, masks: None
    """Names of the images without a mask, and of the masks without an image."""
    noticed: Callable[[tuple[Notice, ...]], None] = lambda notices: None
    """What was decided about the masks."""
    began: Callable[["Beginning"], None] = lambda beginning: None
    step: Callable[[int, int, float], None] = lambda step, steps, loss: None
    looked: Callable[[int, float, float], None] = lambda step, score, best: None
    """Step, score of the images kept aside, the best so far."""
    stops: Callable[[int], bool] = lambda step: False
    """Asked after each step whether to save and leave."""


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """What is known before the first step."""

    pictures: int
    aside: int
    classes: tuple[str, ...]
    new_head: bool
    """Whether the checkpoint has other classes, so that its last layer begins anew."""
    steps: int
    device: torch.device


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of it."""

    finished: bool
    """False when the run was stopped and can be continued by the same request."""
    steps: int
    best_step: int
    before: dict[str, Any] | None
    """Scores of the checkpoint on the images kept aside; None when it has other classes."""
    after: dict[str, Any]
    seconds: float


def default_out(checkpoint: Path, images: Path, folder: Path) -> Path:
    """Where the new checkpoint goes when a person does not say: named after both."""
    name = re.sub(r"[^\w.-]+", "-", f"{images.resolve().name}_{checkpoint.stem}")
    return folder / f"{name}.safetensors"


def finetune(request: Request, settings: Settings, listener: Listener) -> Result:
    """Trains, and writes the weights that were best on images kept aside, with all that is known.

    An interrupted run of the same request is continued. Raises TrainingError, CheckpointError
    and SettingsError, each with a sentence for the person.
    """
    _check_target(request)
    device = select_device(request.device or settings.device)
    gathered = gather(request.images, request.masks, request.validation)
    pairs, judging = gathered.pairs, gathered.judging
    if gathered.pictures_alone or gathered.masks_alone:
        listener.skipped(gathered.pictures_alone, gathered.masks_alone)
    recognised = recognise(request.checkpoint, assume=request.assume)
    detection, spec, words = recognised.detection, recognised.spec, recognised.metadata
    rules = InputRules(
        preprocessing=spec.preprocessing,
        requirements=detection.architecture.requirements(detection.config),
        in_channels=detection.config.in_channels,
        max_side=settings.max_network_side,
        max_megapixels=settings.max_megapixels,
    )
    if rules.in_channels not in (1, 3):
        raise TrainingError("finetune_channels", channels=rules.in_channels)
    labelling = Labelling.of(
        [pair.mask for pair in pairs],
        max_megapixels=rules.max_megapixels,
        reading=request.truth_reading,
    )
    listener.noticed(labelling.notices if request.classes else labelling.told)
    samples = Samples(pairs, labelling, rules)
    held = []
    for index in range(len(samples)):
        held.append(frozenset(np.unique(samples[index].labels).tolist()))
        listener.read(index + 1, len(samples))
    if judging:
        first = len(pairs) - judging
        require_classes(held[:first], labelling.classes)
        training, aside = tuple(range(first)), tuple(range(first, len(pairs)))
    else:
        training, aside = split(held, labelling.classes, request.seed)

    channels = _channels(detection, labelling)
    network, config = continued(detection, channels, request.seed)
    new_head = channels != detection.config.classes
    spec = _with_classes(spec, _names(request, labelling, spec, channels, new_head))
    forward_deep = detection.architecture.forward_deep
    run = _Run(request, samples, training, aside, spec, device, forward_deep, listener)
    try:
        before = None if new_head else run.score(network)
        outcome = run.train(network, _identity(request, pairs, words), new_head)
    except OSError as error:
        raise _unwritable(request.out) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise TrainingError("finetune_memory", device=device.type) from error
        raise
    result = Result(
        finished=outcome.finished,
        steps=outcome.steps,
        best_step=run.validation.best_step,
        before=before,
        after=run.after,
        seconds=outcome.wall_seconds,
    )
    if outcome.finished:
        try:
            tensors = halved(run.validation.weights)
        except ValueError as error:
            raise TrainingError("finetune_diverged", step=outcome.steps) from error
        trained = replace(detection, config=config, tensors=tensors, class_values=())
        _write(trained, spec, _words(request, words, detection, result, len(pairs)), request.out)
        _saved(request, "").path.unlink(missing_ok=True)
    return result


class _Run:
    """One training with its images, its judge and its plan."""

    def __init__(
        self,
        request: Request,
        samples: Samples,
        training: Sequence[int],
        aside: Sequence[int],
        spec: SegmentationSpec,
        device: torch.device,
        forward_deep: ForwardDeep,
        listener: Listener,
    ) -> None:
        self.request, self.listener, self.device = request, listener, device
        self.forward_deep = forward_deep
        self.pictures, self.aside = len(training), len(aside)
        self.batches = BatchSampler(samples, training, request.seed)
        self.classes = spec.postprocessing.classes
        self.validation = Validation(
            samples,
            aside,
            spec.postprocessing,
            device=device,
            patience=_PATIENCE,
            told=listener.looked,
        )
        self.after: dict[str, Any] = {}
        self._seconds_to_score = 0.0

    def score(self, network: nn.Module) -> dict[str, Any]:
        """Of the network as it is."""
        started = time.monotonic()
        facts = self.validation.scores(network.to(self.device).eval()).facts()
        self._seconds_to_score = time.monotonic() - started
        return facts

    def train(self, network: nn.Module, identity: str, new_head: bool) -> Outcome:
        """To the end, or until the listener stops it."""
        saved = _saved(self.request, identity)
        steps = self.request.steps
        if self.request.minutes is not None:
            steps = planned_steps(saved) or self._steps_within(network, self.request.minutes)
        plan = self._plan(steps)
        self.listener.began(
            Beginning(
                pictures=self.pictures,
                aside=self.aside,
                classes=self.classes,
                new_head=new_head,
                steps=steps,
                device=self.device,
            )
        )
        outcome = fit(
            network,
            self.batches,
            plan,
            device=self.device,
            forward_deep=self.forward_deep,
            saved=saved,
            judge=self.validation,
            told=lambda step, loss: self.listener.step(step, steps, loss),
            stops=self.listener.stops,
        )
        if self.validation.weights:
            best = outcome.network
            best.load_state_dict(self.validation.weights)
            self.after = self.score(best)
        return outcome

    def _plan(self, steps: int) -> Plan:
        return Plan(
            steps=steps,
            learning_rate=_LEARNING_RATE,
            seed=self.request.seed,
            # A handful of crops says too little about averages.
            frozen_norms=True,
            check_every=max(1, steps // _LOOKS),
        )

    def _steps_within(self, network: nn.Module, minutes: float) -> int:
        """How many steps fit into the time, after a rehearsal on a copy."""
        weights = {key: tensor.clone() for key, tensor in network.state_dict().items()}
        plan = self._plan(_REHEARSED)
        rehearsal = fit(
            network,
            self.batches,
            replace(plan, check_every=_REHEARSED + 1),
            device=self.device,
            forward_deep=self.forward_deep,
        )
        network.load_state_dict(weights)
        a_step = rehearsal.wall_seconds / _REHEARSED
        for_steps = 60 * minutes - _LOOKS * self._seconds_to_score
        return max(_FEWEST_STEPS, int(for_steps / max(a_step, 1e-6)))


def _check_target(request: Request) -> None:
    """Raises TrainingError where the file cannot be written, before an hour is spent on it."""
    out = request.out
    if out.suffix != ".safetensors":
        raise TrainingError("finetune_ending", name=printable(out.name))
    if out.exists():
        raise TrainingError("finetune_exists", name=printable(out.name))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(out) from error
    if not os.access(out.parent, os.W_OK):
        raise _unwritable(out)


def _unwritable(out: Path) -> TrainingError:
    return TrainingError("finetune_unwritable", name=printable(str(out.parent)))


def _channels(detection: Detection, labelling: Labelling) -> int:
    """How many scores the network has to give; ground and thing may stay two."""
    if labelling.classes == 2 and detection.config.classes <= 2:
        return int(detection.config.classes)
    return 1 if labelling.classes == 2 else labelling.classes


def _names(
    request: Request,
    labelling: Labelling,
    spec: SegmentationSpec,
    channels: int,
    new_head: bool,
) -> tuple[str, ...]:
    """A name for each channel, the person's if they gave any."""
    binary = labelling.classes == 2
    wanted = 1 if binary else labelling.classes
    if request.classes and len(request.classes) != wanted:
        raise TrainingError("finetune_names", given=len(request.classes), wanted=wanted)
    if binary:
        thing = request.classes or (printable(request.images.resolve().name),)
        return thing if channels == 1 else ("background", *thing)
    known = request.classes or spec.postprocessing.classes
    if len(known) == wanted and (request.classes or not new_head):
        return known
    return tuple(f"class {number}" for number in range(wanted))


def _with_classes(spec: SegmentationSpec, names: tuple[str, ...]) -> SegmentationSpec:
    postprocessing = replace(
        spec.postprocessing,
        classes=names,
        activation="sigmoid" if len(names) == 1 else "softmax",
        threshold=0.5,
    )
    return replace(spec, postprocessing=postprocessing)


def _saved(request: Request, identity: str) -> Saved:
    return Saved(path=request.out.with_suffix(".unfinished"), identity=identity)


def _identity(request: Request, pairs: Sequence[Pair], words: Mapping[str, Any]) -> str:
    """Changes with whatever decides the result."""
    files = [request.checkpoint, *(path for pair in pairs for path in (pair.picture, pair.mask))]
    sizes = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    asked = {key: str(value) for key, value in asdict(request).items() if key != "device"}
    return json.dumps([asked, sizes, words], sort_keys=True)


def _words(
    request: Request,
    words: Mapping[str, Any],
    detection: Detection,
    result: Result,
    pictures: int,
) -> dict[str, Any]:
    """What the new file says of itself beside its spec."""
    subject = printable(request.images.resolve().name)
    based_on = str(words.get("title", request.checkpoint.stem))
    licence = {"licence": words["licence"]} if "licence" in words else {}
    return {
        "title": f"{subject} · {detection.architecture.title}",
        "task": subject,
        "based_on": based_on,
        **licence,
        "training": {
            "pictures": pictures,
            "steps": result.steps,
            "best_step": result.best_step,
            "seed": request.seed,
            "minutes": round(result.seconds / 60, 1),
        },
        "scores": {"before": result.before, **result.after},
    }


def _write(trained: Detection, spec: SegmentationSpec, words: dict[str, Any], path: Path) -> None:
    """The whole file or none."""
    unfinished = path.with_suffix(".part")
    try:
        export_safetensors(trained, spec, words, unfinished)
        # safetensors writes files that only their owner can read.
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except OSError as error:
        raise _unwritable(path) from error
