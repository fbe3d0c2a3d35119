"""Runs several networks on one image; a failure of one never stops the others."""

import math
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from segdemo.catalog import CatalogEntry
from segdemo.checkpoints import evidence
from segdemo.errors import CheckpointError, SegdemoError
from segdemo.images.measured import Given
from segdemo.inference.maps import quantise
from segdemo.inference.prediction import Prediction
from segdemo.inference.predictor import Predictor
from segdemo.spec import Overrides, Preprocessing
from segdemo.strings import language, text
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.licences import licence_line
from segdemo.ui.transfers.transfers import State
from segdemo.ui.viewer.assumed import assumed
from segdemo.ui.viewer.class_maps import class_maps
from segdemo.ui.viewer.map_files import cache_map, viewer_size
from segdemo.ui.viewer.payload import Figures, PanelEntry, ViewerPayload
from segdemo.ui.viewer.predictions import Key, Predictions, key_of
from segdemo.wording import amount, millions

if TYPE_CHECKING:
    from segdemo.inference.segmenter import Segmenter

_KEPT_PANELS = 64

Chosen = tuple[CatalogEntry, Overrides]
"""A checkpoint and how it is to be read."""


class Runner:
    """Runs networks on images and remembers the latest panels."""

    def __init__(self, predictor: Predictor) -> None:
        """``predictor`` runs the networks."""
        self._predictor = predictor
        self._predictions = Predictions(predictor)
        # A panel is full of texts, so it is kept for a language.
        self._kept: OrderedDict[tuple[str, Key], PanelEntry] = OrderedDict()

    def prediction(
        self, picture: Given, digest: str, entry: CatalogEntry, overrides: Overrides
    ) -> "tuple[Segmenter, Prediction]":
        """What a checkpoint says of an image, in floats; run again only where it is forgotten.

        ``digest`` identifies the image. Raises CheckpointError, also for a checkpoint that
        is not on this disk, or PredictionError.
        """
        if entry.path is None:
            raise CheckpointError("page_absent", size=amount(entry.bytes))
        return self._predictions.of(picture, digest, entry.path, overrides)

    def kept(self, digest: str, entry: CatalogEntry, overrides: Overrides) -> Prediction | None:
        """What is known already of an image, so that nothing has to run for it."""
        return self._predictions.kept(digest, entry.path, overrides) if entry.path else None

    def run(
        self,
        picture: Given,
        digest: str,
        chosen: Sequence[Chosen],
        under_way: Mapping[str, State | None] = MappingProxyType({}),
        *,
        seconds: float = math.inf,
    ) -> Iterator[tuple[PanelEntry, ...]]:
        """All panels each time one of them changes: first as far as known, at last all done.

        ``digest`` identifies the image, so that a network that has seen it is not run again.
        What is not on this disk waits without holding the others up; ``under_way`` tells how
        its download stands, by id. Networks that have not begun after ``seconds`` are left out.
        """
        until = time.monotonic() + seconds
        panels = [
            self._begin(slot, digest, one, under_way.get(one[0].id))
            for slot, one in enumerate(chosen)
        ]
        yield tuple(panels)
        for slot, one in enumerate(chosen):
            if panels[slot].status != "waiting":
                continue
            if time.monotonic() > until:
                late = SegdemoError("run_too_long", seconds=f"{seconds:g}")
                panels[slot] = _failed(panels[slot], late)
                yield tuple(panels)
                continue
            panels[slot] = replace(panels[slot], status="running")
            yield tuple(panels)
            panels[slot] = self._finish(panels[slot], one, picture, digest)
            yield tuple(panels)

    def _begin(self, slot: int, digest: str, chosen: Chosen, download: State | None) -> PanelEntry:
        entry, overrides = chosen
        panel = PanelEntry(id=panel_id(slot), label=entry.title_here)
        if entry.path is None:
            return replace(panel, **_absent(entry, download))
        kept = self._kept.get((language(), key_of(digest, entry.path, overrides)))
        if kept is not None and _all_there(kept):
            # The same file may be known to one visitor by another name than to the next.
            return replace(kept, id=panel.id, label=panel.label)
        return panel

    def _finish(self, panel: PanelEntry, chosen: Chosen, picture: Given, digest: str) -> PanelEntry:
        entry, overrides = chosen
        # A mistake of ours in one network must not take the others' panels away.
        try:
            if entry.path is not None:
                # Known before it runs: what is wrong with a reading can be put right.
                known = assumed(self._predictor.load(entry.path, overrides), overrides)
                panel = replace(panel, assumed=known)
            ready = ready_panel(panel, *self.prediction(picture, digest, entry, overrides))
            if entry.address is not None:
                line, _ = licence_line(entry.licence, entry.commercial)
                ready = replace(ready, notes=(*ready.notes, line))
            if entry.path is not None:
                self._keep((language(), key_of(digest, entry.path, overrides)), ready)
            return ready
        except Exception as error:
            return _failed(panel, error)

    def _keep(self, key: tuple[str, Key], panel: PanelEntry) -> None:
        self._kept[key] = panel
        self._kept.move_to_end(key)
        while len(self._kept) > _KEPT_PANELS:
            self._kept.popitem(last=False)


def _failed(panel: PanelEntry, error: Exception) -> PanelEntry:
    return replace(panel, status="failed", title=text("panel_failed"), message=explain(error))


def panel_id(number: int) -> str:
    """What the viewer calls the panel of that number: colours belong to it."""
    return f"slot-{number}"


class Shown:
    """What a visitor's viewer was told last."""

    def __init__(self) -> None:
        self.payload: ViewerPayload | None = None

    def keep(self, payload: ViewerPayload) -> ViewerPayload:
        """Remember a payload, and return it."""
        self.payload = payload
        return payload


def without_waiting(payload: ViewerPayload) -> ViewerPayload:
    """The comparison with all that was still to come told as stopped."""
    panels = tuple(
        replace(panel, status="absent", title=text("run_stopped"), message=text("run_stopped_hint"))
        if panel.status in ("waiting", "running")
        else panel
        for panel in payload.panels
    )
    return replace(payload, panels=panels)


def _all_there(panel: PanelEntry) -> bool:
    """Whether the browser can fetch every map: Gradio's cache forgets files after a day."""
    classes = panel.classes
    maps = (panel.map, *((classes.labels, classes.atlas) if classes else ()))
    return all(one is not None and Path(one.file.path).exists() for one in maps)


def _absent(entry: CatalogEntry, download: State | None) -> dict[str, Any]:
    title, message = "page_absent_title", "page_absent"
    if download == "running":
        title, message = "page_coming_title", "page_coming"
    elif download is not None:
        message = "page_absent_stopped"
    return {
        "status": "absent",
        "title": text(title),
        "message": text(message, size=amount(entry.bytes)),
    }


def ready_panel(panel: PanelEntry, segmenter: "Segmenter", prediction: Prediction) -> PanelEntry:
    """The panel with its map, of the image's size up to MAX_SIDE, and what to say of it."""
    size = viewer_size(prediction.picture_size)
    return replace(
        panel,
        status="ready",
        detail=describe(segmenter),
        notes=tuple(assumptions(segmenter, prediction)),
        figures=figures_of(prediction),
        activation=segmenter.spec.postprocessing.activation,
        milliseconds=prediction.milliseconds,
        device=prediction.device_and_precision,
        map=cache_map(quantise(prediction.foreground_at(size))),
        classes=class_maps(segmenter, prediction, size),
    )


def figures_of(prediction: Prediction) -> Figures:
    """The extremes and the mean of the foreground, at the scale that the network saw."""
    foreground = prediction.foreground
    return Figures(
        minimum=float(foreground.min()),
        mean=float(foreground.mean(dtype=np.float64)),
        maximum=float(foreground.max()),
    )


def describe(segmenter: "Segmenter") -> str:
    """Architecture, configuration and size in a few words: "U-Net, width 16 · 1.9 M"."""
    detection = segmenter.detection
    return text(
        "panel_detail",
        architecture=detection.architecture.title,
        configuration=detection.architecture.describe(detection.config),
        millions=millions(detection.parameters),
    )


def assumptions(segmenter: "Segmenter", prediction: Prediction) -> Iterator[str]:
    """What was taken for granted, a line each: whose names, which sizes, which numbers."""
    detection = segmenter.detection
    yield text(detection.note_key, origin=detection.origin)
    yield text("note_parameters", parameters=f"{detection.parameters:,}")
    if detection.alternatives:
        names = ", ".join(alternative.id for alternative in detection.alternatives)
        yield text(detection.others_key, chosen=detection.id, others=names)
    yield from evidence.sentences(segmenter.evidence, detection, segmenter.spec)
    width, height = prediction.network_size
    yield text(f"note_resize_{segmenter.spec.preprocessing.resize}", width=width, height=height)
    yield from (notice.message() for notice in prediction.notices)
    if prediction.precision != "fp32":
        yield text("note_precision", precision=prediction.precision)
    yield _normalisation(segmenter.spec.preprocessing)
    yield text(f"note_{segmenter.spec.postprocessing.activation}")


def _normalisation(preprocessing: Preprocessing) -> str:
    mean, std = (
        ", ".join(f"{value:g}" for value in values)
        for values in (preprocessing.mean, preprocessing.std)
    )
    divisor = preprocessing.divisor
    if preprocessing.standardise != "none":
        return text(
            f"note_values_{preprocessing.standardise}", channels=preprocessing.channels.upper()
        )
    return text(
        "note_values_maximum" if divisor == "maximum" else "note_values",
        divisor=f"{divisor:g}" if isinstance(divisor, float) else "",
        mean=mean,
        std=std,
        channels=preprocessing.channels.upper(),
    )
