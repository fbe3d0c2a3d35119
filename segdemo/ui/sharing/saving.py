"""What people keep of a comparison: one image of a panel, or a report of everything."""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from segdemo.errors import PictureError, SegdemoError
from segdemo.images.decode import Decoded
from segdemo.images.masks import TruthMask
from segdemo.images.measured import Given
from segdemo.images.palettes import PANEL_COLOURS
from segdemo.outputs.render import Kind, View, draw
from segdemo.outputs.report import KINDS, Comparison, Missing, ReportPanel, provenance, write_report
from segdemo.ui.gradio_support.errors import explain
from segdemo.ui.handlers import Handlers
from segdemo.ui.intake.desk import Desk
from segdemo.ui.sharing.saved_file import SavedFile
from segdemo.ui.slots import MAX_SLOTS
from segdemo.ui.viewer.assumed import origin_of
from segdemo.ui.viewer.map_files import cache_file, secret_path
from segdemo.ui.viewer.payload import CachedFile, PanelState, ViewerState
from segdemo.ui.viewer.runner import Chosen, describe
from segdemo.ui.viewer.viewer import read_state
from segdemo.ui.visitor import Visitor
from segdemo.ui.wiring import Wiring
from segdemo.wording import file_name

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_PANEL = re.compile(rf"slot-([0-{MAX_SLOTS - 1}])")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a browser asked for, each part checked."""

    kind: Kind | None
    """None is the report."""
    panel: int
    """Its place among the panels; -1 where it names none."""
    serial: int
    state: ViewerState
    colours: tuple[str, ...] = ()
    """Of the panels, in order."""

    @classmethod
    def read(cls, data: object) -> "Wanted":
        """What makes sense in the data of an event; a browser may send anything."""
        said = data if isinstance(data, Mapping) else {}
        panel = said.get("panel")
        place = _PANEL.fullmatch(panel) if isinstance(panel, str) else None
        serial = said.get("serial")
        kind = next((known for known in KINDS if known == said.get("kind")), None)
        colours = said.get("colours")
        return cls(
            kind=kind,
            panel=int(place[1]) if place else -1,
            serial=serial if type(serial) is int else -1,
            state=read_state(said) or ViewerState(threshold=128),
            colours=tuple(map(_colour, colours[:MAX_SLOTS])) if isinstance(colours, list) else (),
        )

    def look(self, place: int) -> dict[str, Any]:
        """How the panel at ``place`` is looked at, as arguments of ``View``."""
        panels, state = self.state.panels, self.state
        panel = panels[place] if place < len(panels) else PanelState(threshold=state.threshold)
        colour = self.colours[place] if place < len(self.colours) else ""
        return {
            "threshold": panel.threshold,
            "pick": panel.pick,
            "palette": panel.palette,
            "hidden": panel.hidden,
            "colour": colour or PANEL_COLOURS[place],
            "opacity": state.opacity,
        }


def save(
    handlers: Handlers,
    visitor: Visitor,
    path: str | None,
    truth: str | None,
    names: Sequence[str | None],
    wanted: Wanted,
) -> SavedFile:
    """The file that a browser asked for, or why there is none; never raises.

    ``path`` and ``truth`` are those of the image and of the mask, ``names`` the checkpoints.
    """
    try:
        if path is None:
            raise PictureError("page_no_picture")
        chosen = handlers.chosen(visitor, names)
        decoded, digest = handlers.decoded(Path(path))
        picture = decoded.image
        if wanted.kind is None:
            name = Path(path).name
            mask = _mask(handlers, visitor, Path(truth), decoded, name) if truth else None
            answers = [
                _answer(handlers, decoded.given, digest, one, wanted.look(place))
                for place, one in enumerate(chosen)
            ]
            comparison = Comparison(picture=picture, answers=answers, truth=mask)
            name = f"{_header_name(Path(path).stem)}-report.zip"
            return SavedFile(serial=wanted.serial, file=_report(comparison, name), name=name)
        if not 0 <= wanted.panel < len(chosen):
            raise SegdemoError("page_no_checkpoint")
        entry, overrides = chosen[wanted.panel]
        segmenter, prediction = handlers.prediction(decoded.given, digest, entry, overrides)
        view = View(
            prediction=prediction,
            class_names=segmenter.class_names,
            **wanted.look(wanted.panel),
        )
        name = f"{_header_name(Path(path).stem)}-{_header_name(entry.title)}-{wanted.kind}.png"
        with io.BytesIO() as buffer:
            draw(wanted.kind, picture, view).save(buffer, format="PNG", compress_level=1)
            file = cache_file(buffer.getvalue(), name)
        return SavedFile(serial=wanted.serial, file=file, name=name)
    except Exception as error:
        return SavedFile(serial=wanted.serial, message=explain(error))


def _mask(
    handlers: Handlers, visitor: Visitor, path: Path, decoded: Decoded, name: str
) -> TruthMask:
    """The mask as the visitor reads it."""
    reading = visitor.of(Desk).reading_of(path)
    return handlers.truth(path, decoded.image.size, beside=decoded, reading=reading, name=name)


def _answer(
    handlers: Handlers, picture: Given, digest: str, chosen: Chosen, look: Mapping[str, Any]
) -> ReportPanel | Missing:
    entry, overrides = chosen
    # As on the page, one failure never sinks the rest.
    try:
        segmenter, prediction = handlers.prediction(picture, digest, entry, overrides)
        facts = provenance(entry, overrides)
    except Exception as error:
        return Missing(title=entry.title_here, message=explain(error))
    return ReportPanel(
        title=entry.title_here,
        network=describe(segmenter),
        view=View(prediction=prediction, class_names=segmenter.class_names, **look),
        spec=segmenter.spec,
        origin_of=partial(origin_of, segmenter),
        provenance=facts,
        device=prediction.device_and_precision,
    )


def _report(comparison: Comparison, name: str) -> CachedFile:
    # Straight into the cache: a report may be larger than what should be in memory.
    path = secret_path(name)
    date = datetime.now(tz=timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    with path.open("wb") as file:
        write_report(file, comparison, date=date)
    return CachedFile(path=str(path))


def _header_name(foreign: str) -> str:
    # ASCII, because a server tells the name in a header.
    return file_name(foreign, otherwise="picture", ascii_only=True)


def _colour(value: object) -> str:
    return value.lower() if isinstance(value, str) and _COLOUR.fullmatch(value) else ""


def register(viewer: gr.HTML, files: gr.HTML, handlers: Handlers, wiring: Wiring) -> None:
    """Answer the viewer's requests for files with ``files``."""

    def answer(
        visitor: Visitor,
        event: gr.EventData,
        path: str | None,
        truth: str | None,
        shown: int,
        *names: str | None,
    ) -> SavedFile:
        return save(handlers, visitor, path, truth, names[:shown], Wanted.read(event._data))

    viewer.save(answer, **{**wiring.running, "outputs": files, "trigger_mode": "multiple"})
