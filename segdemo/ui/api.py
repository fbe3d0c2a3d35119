"""What programs may call: four endpoints with names, types and docstrings, and nothing else."""

import io
from collections.abc import Callable
from functools import wraps
from itertools import combinations
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
from gradio.events import api
from numpy.typing import NDArray
from PIL import Image

from segdemo.catalog import CatalogEntry
from segdemo.errors import CheckpointError, PictureError, SegdemoError
from segdemo.inference.inspection import inspection
from segdemo.inference.processing import LEVELS
from segdemo.metrics.curves import overlap
from segdemo.outputs.render import Kind, View, draw
from segdemo.outputs.truth_hints import truth_hints
from segdemo.spec import NO_OVERRIDES, Overrides
from segdemo.ui.api_truth import (
    ClassScores,
    Scores,
    TruthFacts,
    class_scores,
    name_of_reading,
    number,
    scores,
    truth_facts,
    whole_number,
)
from segdemo.ui.gradio_support.errors import explain, plain_refusal
from segdemo.ui.gradio_support.uploads import uploaded
from segdemo.ui.handlers import Handlers
from segdemo.ui.operations.turns import DEVICE
from segdemo.ui.slots import MAX_SLOTS
from segdemo.ui.viewer.map_files import cache_file
from segdemo.ui.viewer.runner import figures_of
from segdemo.wording import amount, shown

# --- What goes in and out -----------------------------------------------------------------------


class FileMark(TypedDict):
    """What Gradio knows a file by."""

    _type: Literal["gradio.FileData"]


class File(TypedDict, total=False):
    """A file: ``gradio_client.handle_file`` makes one to send, and fetches what comes back."""

    path: str
    meta: FileMark


class Checkpoint(TypedDict):
    """A checkpoint on offer."""

    id: str
    title: str
    architecture: str
    task: str
    source: str
    bytes: int
    licence: str
    commercial: bool | None
    ready: bool


class Figures(TypedDict):
    """What a network says of a picture: its size, the share of it in the mask, and the lowest,
    mean and highest probability of the foreground.
    """

    checkpoint: str
    title: str
    width: int
    height: int
    threshold: float
    coverage: float
    minimum: float
    mean: float
    maximum: float
    milliseconds: float
    device: str


class NetworkResult(TypedDict):
    """One network's part in a comparison; either figures and files, or the error."""

    checkpoint: str
    figures: Figures | None
    scores: Scores | None
    class_scores: ClassScores | None
    mask: File | None
    probability: File | None
    error: str | None


class Agreement(TypedDict):
    """How much of the masks of two networks is common: intersection over union."""

    first: str
    second: str
    iou: float | None


class Comparison(TypedDict):
    """Several networks on one picture."""

    threshold: float
    answers: list[NetworkResult]
    agreement: list[Agreement]
    truth: TruthFacts | None
    notices: list[str]


NO_FILE: File = {}

# --- The endpoints ------------------------------------------------------------------------------


def offer_to_programs(handlers: Handlers) -> None:
    """Register the four endpoints, to be called inside ``gr.Blocks``."""
    programs = Programs(handlers)
    # A list needs no network, so nobody has to wait for it.
    api(_told(programs.list_checkpoints), queue=False)
    for endpoint in (programs.inspect, programs.segment, programs.compare):
        api(_told(endpoint), concurrency_limit=1, concurrency_id=DEVICE)


class Programs:
    """The endpoints; whatever a program sends is checked, and answers are plain JSON and files."""

    def __init__(self, handlers: Handlers) -> None:
        """``handlers`` know what is offered to everybody and run the networks."""
        self._handlers = handlers

    def list_checkpoints(self) -> list[Checkpoint]:
        """List the checkpoints on offer. Only those that are "ready" can be run.

        Returns:
            the checkpoints; "id" names one to the other endpoints
        """
        return [
            {
                "id": entry.id,
                "title": entry.title,
                "architecture": entry.architecture,
                "task": entry.task,
                "source": entry.source,
                "bytes": entry.bytes,
                "licence": entry.licence,
                "commercial": entry.commercial,
                "ready": entry.path is not None,
            }
            for entry in self._handlers.shelf.entries()
        ]

    def inspect(self, checkpoint: str, picture: File = NO_FILE) -> dict[str, Any]:
        """Say what a checkpoint is, how pictures go into its network, and who decided that.

        Args:
            checkpoint: the id of a checkpoint on offer
            picture: one on which usual readings are measured; may be left out
        Returns:
            the same as `python -m segdemo inspect --json`
        """
        entry, path = self._found(checkpoint)
        opened = self._handlers.opened(_path(picture))[0] if picture else None
        return {"checkpoint": entry.id, **inspection(self._handlers.load(path), opened)}

    def segment(
        self,
        picture: File,
        checkpoint: str,
        threshold: float = 0.5,
        pick: str = "foreground",
        assume: str | None = None,
        plane: int | None = None,
    ) -> tuple[Figures, File, File]:
        """Run one network on a picture.

        Args:
            picture: the picture, of any usual format
            checkpoint: the id of a checkpoint on offer
            threshold: from which probability on a pixel is in the mask, in steps of 1/256
            pick: "foreground" is whatever is no background; of several classes also the number
                of one, or "all", whose mask holds the number of each pixel's most probable class
            assume: the reading to take where tensors cannot tell; inspect lists the alternatives
            plane: which page, channel or slice of the picture's file, counted from 1
        Returns:
            the figures
            the mask, a PNG of the picture's size with 255 where the foreground is
            the probabilities, a PNG of 16 bits and of the picture's size
        """
        level = _level(threshold)
        entry, _ = self._found(checkpoint)
        if assume is not None and not isinstance(assume, str):
            raise SegdemoError("api_assume", value=shown(str(assume)))
        decoded, digest = self._handlers.decoded(_path(picture), whole_number(plane))
        opened = decoded.image
        overrides = Overrides(assume=assume or None)
        segmenter, prediction = self._handlers.prediction(opened, digest, entry, overrides)
        view = View(
            prediction=prediction,
            threshold=level,
            pick=str(pick),
            class_names=segmenter.class_names,
        )
        if view.pick != "foreground" and not view.by_class and view.class_number is None:
            raise SegdemoError("api_pick", value=shown(view.pick), count=view.classes)
        return _figures(entry, view), *_files(opened, view)

    def compare(
        self,
        picture: File,
        checkpoints: list[str],
        threshold: float = 0.5,
        truth: File = NO_FILE,
        truth_reading: str | None = None,
        plane: int | None = None,
    ) -> Comparison:
        """Run several networks on one picture; one that fails does not stop the others.

        Args:
            picture: the picture, of any usual format
            checkpoints: the ids of one to four checkpoints on offer
            threshold: from which probability on a pixel is foreground, in steps of 1/256
            truth: the right mask, to score the networks against; may be left out
            truth_reading: how the mask is read, such as "labels", "foreground", "ground=255",
                "void=250", "count_from_1" or "inverse"; the answer lists the others that fit
            plane: which page, channel or slice of the picture's file, counted from 1
        Returns:
            the figures and files of each network, and how far their masks agree
        """
        level = _level(threshold)
        entries = [self._found(checkpoint)[0] for checkpoint in _ids(checkpoints)]
        decoded, digest = self._handlers.decoded(_path(picture), whole_number(plane))
        opened = decoded.image
        right = None
        if truth:
            right = self._handlers.truth(
                _path(truth),
                opened.size,
                beside=decoded,
                reading=name_of_reading(truth_reading),
            )
        notices = [*decoded.notices, *(right.notices if right else ())]
        answers: list[NetworkResult] = []
        maps: dict[str, NDArray[np.uint8]] = {}
        for entry in entries:
            # A mistake of ours in one network must not take the others' answers away.
            try:
                segmenter, prediction = self._handlers.prediction(
                    opened, digest, entry, NO_OVERRIDES
                )
                view = View(prediction=prediction, threshold=level)
                names = segmenter.class_names
                mask, probability = _files(opened, view)
                notices += truth_hints(view, right) if right else ()
                answers.append(
                    {
                        "checkpoint": entry.id,
                        "figures": _figures(entry, view),
                        "scores": scores(view, right) if right else None,
                        "class_scores": class_scores(view, right, names) if right else None,
                        "mask": mask,
                        "probability": probability,
                        "error": None,
                    }
                )
                # Of a large picture the floats of four networks are too much to keep.
                maps[entry.id] = view.quantised
            except Exception as error:
                answers.append(_failed(entry, explain(error)))
        return {
            "threshold": level / LEVELS,
            "answers": answers,
            "agreement": [
                {
                    "first": first,
                    "second": second,
                    "iou": number(overlap(maps[first], maps[second]).iou[level]),
                }
                for first, second in combinations(maps, 2)
            ],
            "truth": truth_facts(right) if right else None,
            "notices": list(dict.fromkeys(notice.message() for notice in notices)),
        }

    def _found(self, name: object) -> tuple[CatalogEntry, Path]:
        """What is offered to everybody under that id, and where it is on this disk."""
        entry = self._handlers.shelf.find(name) if isinstance(name, str) else None
        if entry is None:
            raise CheckpointError("api_unknown", id=shown(str(name)))
        if entry.path is None:
            raise CheckpointError("api_absent", title=entry.title, size=amount(entry.bytes))
        return entry, entry.path


def _told(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The endpoint whose failures are sentences."""

    @wraps(endpoint)
    def answer(*arguments: Any) -> Any:
        try:
            return endpoint(*arguments)
        except Exception as error:
            raise plain_refusal(error) from error

    return answer


# --- What programs send -------------------------------------------------------------------------


def _path(file: object) -> Path:
    """The path of a file that was uploaded."""
    name = file.get("path") if isinstance(file, dict) else None
    path = uploaded(name) if isinstance(name, str) else None
    if path is None:
        raise PictureError("api_no_file")
    return path


def _ids(checkpoints: object) -> list[object]:
    """One to MAX_SLOTS ids, each once."""
    if not isinstance(checkpoints, list) or not checkpoints:
        raise SegdemoError("api_no_list", value=shown(str(checkpoints)))
    if len(checkpoints) > MAX_SLOTS:
        raise SegdemoError("api_too_many", count=len(checkpoints), limit=MAX_SLOTS)
    return list(dict.fromkeys(map(str, checkpoints)))


def _level(threshold: object) -> int:
    """The k in 1..255 of the threshold k/256 that is nearest."""
    # Neither 0 nor 1 is one, and no other whole number.
    if not isinstance(threshold, float) or not 0 < threshold < 1:
        raise SegdemoError("api_threshold", value=shown(str(threshold)))
    return min(LEVELS - 1, max(1, round(threshold * LEVELS)))


# --- What they get back -------------------------------------------------------------------------


def _figures(entry: CatalogEntry, view: View) -> Figures:
    prediction = view.prediction
    width, height = prediction.picture_size
    figures = figures_of(prediction)
    return {
        "checkpoint": entry.id,
        "title": entry.title,
        "width": width,
        "height": height,
        "threshold": view.threshold / LEVELS,
        "coverage": float(view.mask.mean()),
        "minimum": figures.minimum,
        "mean": figures.mean,
        "maximum": figures.maximum,
        "milliseconds": prediction.milliseconds,
        "device": prediction.device_and_precision,
    }


def _files(picture: Image.Image, view: View) -> tuple[File, File]:
    """Mask and probabilities."""
    return _png("mask", picture, view), _png("probability", picture, view)


def _png(kind: Kind, picture: Image.Image, view: View) -> File:
    with io.BytesIO() as buffer:
        draw(kind, picture, view).save(buffer, format="PNG", compress_level=1)
        path = cache_file(buffer.getvalue(), f"{kind}.png").path
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _failed(entry: CatalogEntry, sentence: str) -> NetworkResult:
    return {
        "checkpoint": entry.id,
        "figures": None,
        "scores": None,
        "class_scores": None,
        "mask": None,
        "probability": None,
        "error": sentence,
    }
