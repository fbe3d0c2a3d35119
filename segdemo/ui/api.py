"""What programs may call: four endpoints with names, types and docstrings, and nothing else."""

import inspect
import re
import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from gradio.events import api

from segdemo import inference
from segdemo.catalog import CatalogEntry
from segdemo.errors import CheckpointError, PictureError, SegdemoError
from segdemo.images.masks import TruthMask
from segdemo.images.measured import Given, as_shown
from segdemo.inference.maps import LEVELS, level_of
from segdemo.outputs.files import Drawing, FileKind
from segdemo.outputs.png import encode_png
from segdemo.outputs.render import View
from segdemo.outputs.truth_hints import truth_hints
from segdemo.spec import NO_OVERRIDES, Overrides, require_known
from segdemo.ui.api_truth import (
    Answered,
    agreements,
    answered,
    class_scores,
    name_of_reading,
    scores,
    truth_facts,
    whole_number,
)
from segdemo.ui.api_types import (
    Checkpoint,
    Comparison,
    Figures,
    File,
    NetworkResult,
)
from segdemo.ui.gradio_support.errors import explain, plain_refusal
from segdemo.ui.gradio_support.uploads import uploaded
from segdemo.ui.handlers import Handlers
from segdemo.ui.operations.turns import DEVICE
from segdemo.ui.slots import MAX_SLOTS
from segdemo.ui.viewer.map_files import cache_file
from segdemo.ui.viewer.runner import figures_of
from segdemo.wording import amount, shown

NO_FILE: File = {}
FOREGROUND = "foreground"

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
        return {
            "checkpoint": entry.id,
            **inference.inspect_network(self._handlers.load(path), opened),
        }

    def segment(
        self,
        picture: File,
        checkpoint: str,
        threshold: float | None = None,
        pick: str = FOREGROUND,
        assume: str | None = None,
        plane: int | None = None,
        overrides: dict[str, Any] | None = None,
    ) -> tuple[Figures, File, File]:
        """Run one network on a picture.

        Args:
            picture: the picture, of any usual format
            checkpoint: the id of a checkpoint on offer
            threshold: from which probability on a pixel is in the mask, in steps of 1/256; the
                checkpoint's own when left out
            pick: "foreground", a class's number, or "all", whose mask holds class numbers
            assume: the reading to take where tensors cannot tell; inspect lists the alternatives
            plane: which page, channel or slice of the picture's file, counted from 1
            overrides: fields of the spec to read it by, such as {"preprocessing": {"side": 512}}
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
        read = replace(_overrides(overrides), assume=assume or None)
        drawing = self._drawing(decoded.given, digest, entry, read, level, pick)
        return _figures(entry, drawing.view), *_files(drawing)

    def compare(
        self,
        picture: File,
        checkpoints: list[str],
        threshold: float | None = None,
        truth: File = NO_FILE,
        truth_reading: str | None = None,
        plane: int | None = None,
        pick: str = FOREGROUND,
        overrides: dict[str, Any] | None = None,
    ) -> Comparison:
        """Run several networks on one picture; one that fails does not stop the others.

        Args:
            picture: the picture, of any usual format
            checkpoints: the ids of one to four checkpoints on offer
            threshold: from which probability on a pixel is foreground, in steps of 1/256; each
                checkpoint's own when left out
            truth: the right mask, to score the networks against; may be left out
            truth_reading: how the mask is read, such as "labels", "foreground", "ground=255",
                "void=250", "count_from_1" or "inverse"; the answer lists the others that fit
            plane: which page, channel or slice of the picture's file, counted from 1
            pick: "foreground", or the number of a class, that mask, scores and agreement are of
            overrides: by checkpoint, fields of its spec, as segment takes them
        Returns:
            the figures and files of each network, and how far their masks agree
        """
        level = _level(threshold)
        entries = [self._found(checkpoint)[0] for checkpoint in _ids(checkpoints)]
        readings = {entry.id: _overrides(_of(overrides, entry.id)) for entry in entries}
        decoded, digest = self._handlers.decoded(_path(picture), whole_number(plane))
        opened = decoded.image
        right = None
        if truth:
            right = self._handlers.truth(
                _path(truth),
                opened.size,
                beside=decoded,
                reading=name_of_reading(truth_reading),
                name=_path(picture).name,
            )
        notices = [*decoded.notices, *(right.notices if right else ())]
        answers: list[NetworkResult] = []
        seconds = self._handlers.run_seconds
        until = time.monotonic() + seconds
        found: dict[str, Answered] = {}
        for entry in entries:
            # A mistake of ours in one network must not take the others' answers away.
            try:
                if time.monotonic() > until:
                    raise SegdemoError("run_too_long", seconds=f"{seconds:g}")
                read = readings[entry.id]
                drawing = self._drawing(decoded.given, digest, entry, read, level, pick)
                notices += truth_hints(drawing.view, right) if right else ()
                answers.append(_answer(entry, drawing, right))
                # Of a large picture the floats of four networks are too much to keep.
                found[entry.id] = answered(drawing)
            except Exception as error:
                answers.append(_failed(entry, explain(error)))
        return {
            "threshold": None if level is None else level / LEVELS,
            "answers": answers,
            "agreement": agreements(found),
            "truth": truth_facts(right) if right else None,
            "notices": list(dict.fromkeys(notice.message() for notice in notices)),
        }

    def _drawing(
        self,
        picture: Given,
        digest: str,
        entry: CatalogEntry,
        overrides: Overrides,
        level: int | None,
        pick: object,
    ) -> Drawing:
        """What a network says of a picture, cut at a level or its own. Raises SegdemoError."""
        segmenter, prediction = self._handlers.prediction(picture, digest, entry, overrides)
        view = View(
            prediction=prediction,
            threshold=level_of(prediction.threshold) if level is None else level,
            pick=FOREGROUND if pick is None else str(pick),
            class_names=segmenter.class_names,
        )
        if view.pick != FOREGROUND and not view.by_class and view.class_number is None:
            raise SegdemoError("api_pick", value=shown(view.pick), count=view.classes)
        return Drawing(picture=as_shown(picture), view=view)

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

    answer.__doc__ = _unfolded(inspect.getdoc(endpoint) or "")
    return answer


def _unfolded(docstring: str) -> str:
    """Each argument on one line: of several, Gradio tells a program the first alone."""
    return re.sub(r"\n {8,}(?=\S)", " ", docstring)


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


def _level(threshold: object) -> int | None:
    """The k in 1..255 of the threshold k/256 that is nearest; None for each checkpoint's own."""
    # Neither 0 nor 1 is one, and no other whole number.
    if threshold is not None and not isinstance(threshold, float):
        raise SegdemoError("api_threshold", value=shown(str(threshold)))
    return None if threshold is None else level_of(threshold)


def _overrides(given: object) -> Overrides:
    """Fields of a spec by part. Raises SegdemoError for what is none, and for unknown fields."""
    if given is None:
        return NO_OVERRIDES
    require_known(given if isinstance(given, dict) else {})
    if not isinstance(given, dict) or not all(isinstance(part, dict) for part in given.values()):
        example = '{"preprocessing": {"side": 512}}'
        raise SegdemoError("api_overrides", value=shown(str(given)), example=example)
    return NO_OVERRIDES.with_overrides(given)


def _of(overrides: object, name: str) -> object:
    """Those of one checkpoint. Raises SegdemoError for what is not by checkpoint."""
    if overrides is None or isinstance(overrides, dict):
        return (overrides or {}).get(name)
    example = f'{{"{name}": {{"preprocessing": {{"side": 512}}}}}}'
    raise SegdemoError("api_overrides", value=shown(str(overrides)), example=example)


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
        "network_size": list(prediction.network_size),
        "reduced": prediction.reduced,
        "parts": prediction.parts,
    }


def _answer(entry: CatalogEntry, drawing: Drawing, right: TruthMask | None) -> NetworkResult:
    view = drawing.view
    mask, probability = _files(drawing)
    return {
        "checkpoint": entry.id,
        "figures": _figures(entry, view),
        "scores": scores(view, right) if right else None,
        "class_scores": class_scores(drawing.winners, right) if right else None,
        "mask": mask,
        "probability": probability,
        "error": None,
        "shown": view.pick,
        "classes": [
            {"number": one["number"], "name": one["name"], "share": one["share"]}
            for one in drawing.shares
        ],
        "notices": [notice.message() for notice in view.prediction.notices],
    }


def _files(drawing: Drawing) -> tuple[File, File]:
    """Mask and probabilities."""
    return _png("mask", drawing), _png("probability", drawing)


def _png(kind: FileKind, drawing: Drawing) -> File:
    path = cache_file(encode_png(drawing.draw(kind)), f"{kind}.png").path
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
        "shown": "",
        "classes": [],
        "notices": [],
    }
