"""The comparison viewer: what Python tells it, what it tells Python, and its Gradio component."""

import io
import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from numpy.typing import NDArray
from PIL import Image

from segdemo.palettes import HEAT_COLOURS, PANEL_COLOURS
from segdemo.strings import DEFAULT_LANGUAGE, section
from segdemo.ui.assets import script, static

SCHEMA = "segdemo.viewer/1"
MAX_PANELS = 4
MAX_SIDE = 2048
"""Long side of the pictures and maps that go to a browser, in pixels."""

Status = Literal["waiting", "running", "ready", "failed", "absent"]
Mode = Literal["overlay", "mask", "heat", "contour", "cutout", "difference"]
Layout = Literal["side", "swipe"]
Json = dict[str, Any]

# Pure functions first; the last file mounts the viewer.
SCRIPTS = (
    "text",
    "colours",
    "histogram",
    "view",
    "maps",
    "png",
    "payload",
    "dom",
    "panels",
    "controls",
    "drawing",
    "loading",
    "readout",
    "actions",
    "gestures",
    "viewer",
    "hooks",
    "gradio",
    "mount_viewer",
)


# --- What Python tells the viewer: the payload segdemo.viewer/1 ------------------------------


@dataclass(frozen=True, kw_only=True)
class CachedFile:
    """A file in Gradio's cache, which the browser fetches by URL."""

    path: str

    def to_json(self) -> Json:
        """The FileData entry that makes Gradio add the URL."""
        return {"path": self.path, "meta": {"_type": "gradio.FileData"}}


@dataclass(frozen=True, kw_only=True)
class CachedImage:
    """A picture or a map: its size in pixels and where it is.

    A picture has the size of what the user gave, though its file may be smaller. A map has the
    size of its file, and its grey value q stands for probabilities in [q/256, (q + 1)/256).
    """

    width: int
    height: int
    file: CachedFile

    def to_json(self) -> Json:
        """The entry as the browser reads it."""
        return {"width": self.width, "height": self.height, "file": self.file.to_json()}


@dataclass(frozen=True, kw_only=True)
class PanelEntry:
    """What is known of one model's answer; text may be foreign, it is never read as HTML."""

    id: str  # stays the same while a slot stays the same: colours belong to it
    label: str
    detail: str = ""  # architecture, parameters
    status: Status = "waiting"
    title: str = ""  # why it failed or is absent, as a heading
    message: str = ""  # why, and the way out
    milliseconds: float | None = None
    device: str = ""  # device and precision
    notes: tuple[str, ...] = ()  # what was assumed
    map: CachedImage | None = None  # present when ready

    def to_json(self) -> Json:
        """The entry as the browser reads it; facts that are not known are left out."""
        entry: Json = {
            "id": self.id,
            "label": self.label,
            "detail": self.detail,
            "status": self.status,
            "title": self.title,
            "message": self.message,
            "device": self.device,
            "notes": list(self.notes),
        }
        if self.milliseconds is not None:
            entry["milliseconds"] = self.milliseconds
        if self.map is not None:
            entry["map"] = self.map.to_json()
        return entry


@dataclass(frozen=True, kw_only=True)
class ViewerState:
    """What a person has set in the viewer."""

    threshold: int  # k in 1..255, stands for k/256
    mode: Mode = "overlay"
    layout: Layout = "side"
    opacity: float = 0.6  # in [0, 1]

    def to_json(self) -> Json:
        """The state as the browser reads it."""
        return {
            "threshold": self.threshold,
            "mode": self.mode,
            "layout": self.layout,
            "opacity": self.opacity,
        }


def new_run() -> str:
    """A fresh name for a run: what tells one comparison from the next."""
    return secrets.token_hex(8)


@dataclass(frozen=True, kw_only=True)
class ViewerPayload:
    """One picture and its panels. The same run may be sent again with more panels ready.

    The browser fetches only maps it does not hold yet. Zoom is reset by a new run; threshold, mode
    and opacity stay as the user chose them, unless `state` brings others back.
    """

    image: CachedImage
    panels: tuple[PanelEntry, ...]
    run: str = field(default_factory=new_run)
    threshold: int = 128  # where the threshold starts; k in 1..255
    state: ViewerState | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[0-9a-f]{12,32}", self.run):
            raise ValueError(f"A run is named by 12 to 32 hexadecimal digits, not {self.run!r}.")
        if not 1 <= self.threshold <= 255:
            raise ValueError(f"A threshold is a whole number in 1..255, not {self.threshold}.")
        ids = {panel.id for panel in self.panels}
        if len(ids) < len(self.panels) or len(ids) > MAX_PANELS:
            raise ValueError(f"A comparison has up to {MAX_PANELS} panels, each with its own id.")
        for panel in self.panels:
            if panel.status == "ready" and panel.map is None:
                raise ValueError(f"Panel {panel.id} is ready but has no map.")

    def to_json(self) -> Json:
        """The whole payload."""
        payload: Json = {
            "schema": SCHEMA,
            "run": self.run,
            "image": self.image.to_json(),
            "panels": [panel.to_json() for panel in self.panels],
            "threshold": self.threshold,
        }
        if self.state is not None:
            payload["state"] = self.state.to_json()
        return payload


# --- Files for the browser, written straight into Gradio's cache -----------------------------


def cache_picture(picture: Image.Image) -> CachedImage:
    """The RGB picture as a JPEG of at most MAX_SIDE; the entry keeps the picture's own size."""
    width, height = picture.size
    shown = picture.convert("RGB")
    shown.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX, reducing_gap=None)
    buffer = io.BytesIO()
    shown.save(buffer, format="JPEG", quality=90)
    file = _cache(buffer.getvalue(), "picture.jpg")
    return CachedImage(width=width, height=height, file=file)


def cache_map(quantised: NDArray[np.uint8]) -> CachedImage:
    """The (H, W) map of values q in 0..255 as a lossless PNG of at most MAX_SIDE.

    A larger map is thinned, not averaged: each value shown is one that the network gave.
    """
    if quantised.dtype != np.uint8 or quantised.ndim != 2:
        raise ValueError(f"A map is (H, W) uint8, not {quantised.shape} {quantised.dtype}.")
    grey = Image.fromarray(quantised)
    if max(grey.size) > MAX_SIDE:
        grey.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.NEAREST, reducing_gap=None)
    buffer = io.BytesIO()
    grey.save(buffer, format="PNG", compress_level=1)
    file = _cache(buffer.getvalue(), "map.png")
    return CachedImage(width=grey.width, height=grey.height, file=file)


def _cache(data: bytes, name: str) -> CachedFile:
    # Named by content, so equal files are stored once; Gradio finds them in place and copies none.
    return CachedFile(path=save_bytes_to_cache(data, name, get_upload_folder()))


# --- What the viewer tells Python ------------------------------------------------------------


def read_state(payload: object) -> ViewerState | None:
    """The state in what a browser sent, or None where there is none that makes sense.

    Nothing else of it is read: neither paths nor labels of a browser are to be trusted.
    """
    state = payload.get("state") if isinstance(payload, Mapping) else None
    if not isinstance(state, Mapping):
        return None
    threshold = _number(state.get("threshold"))
    if threshold is None:
        return None
    opacity = _number(state.get("opacity"))
    return ViewerState(
        threshold=round(min(max(threshold, 1), 255)),
        mode=_one_of(get_args(Mode), state.get("mode")),
        layout=_one_of(get_args(Layout), state.get("layout")),
        opacity=0.6 if opacity is None else min(max(opacity, 0.0), 1.0),
    )


def _one_of(words: tuple[Any, ...], value: object) -> Any:
    return value if value in words else words[0]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


# --- The component ---------------------------------------------------------------------------


class ComparisonViewer(gr.HTML):
    """Panels side by side at one threshold, which moves in the browser without a request.

    Output: a `ViewerPayload`, or None for the empty viewer. Input: a `ViewerState`, or None. With
    `mirror`, the event `settle` follows 180 ms after the user's last change; register it as
    `viewer.settle(fn, inputs=[viewer], queue=False, show_progress="hidden")`.
    """

    def __init__(
        self,
        value: ViewerPayload | None = None,
        *,
        language: str = DEFAULT_LANGUAGE,
        mirror: bool = False,
        elem_id: str | None = None,
        elem_classes: list[str] | str | None = None,
        visible: bool | Literal["hidden"] = True,
        render: bool = True,
    ) -> None:
        super().__init__(
            value,
            html_template=static("viewer.html"),
            css_template=static("viewer.css"),
            js_on_load=script(SCRIPTS, "viewer"),
            apply_default_css=False,
            elem_id=elem_id,
            elem_classes=elem_classes,
            visible=visible,
            render=render,
            strings=section("viewer_", language),
            palette={"panels": list(PANEL_COLOURS), "heat": list(HEAT_COLOURS)},
            mirror=mirror,
        )

    # Gradio declares text in and out for every HTML component, custom ones included.
    def postprocess(self, value: ViewerPayload | None) -> Json | None:  # type: ignore[override]
        """The payload that the browser reads."""
        return None if value is None else value.to_json()

    def preprocess(  # type: ignore[override]
        self, payload: Json | None
    ) -> ViewerState | None:
        """Only the state that was set, each part checked."""
        return read_state(payload)

    def example_payload(self) -> Json:
        """A state as a browser sends it."""
        return {"state": ViewerState(threshold=128).to_json()}

    def example_value(self) -> None:
        """Nothing: a comparison needs files."""

    def api_info(self) -> Json:
        """What a client may send: the state alone."""
        return {
            "type": "object",
            "properties": {
                "state": {
                    "type": "object",
                    "required": ["threshold"],
                    "properties": {
                        "threshold": {"type": "integer", "minimum": 1, "maximum": 255},
                        "mode": {"enum": list(get_args(Mode))},
                        "layout": {"enum": list(get_args(Layout))},
                        "opacity": {"type": "number", "minimum": 0, "maximum": 1},
                    },
                }
            },
        }
