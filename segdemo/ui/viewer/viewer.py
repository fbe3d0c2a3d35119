"""The comparison viewer's Gradio component, and what it tells Python."""

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import gradio as gr

from segdemo.images.palettes import CLASS_PALETTES, HEAT_COLOURS, PANEL_COLOURS, TRUTH_COLOURS
from segdemo.metrics.scores import CLASS_SCORES, MASK_SCORES
from segdemo.strings import sections
from segdemo.ui.gradio_support.assets import script, static
from segdemo.ui.viewer.payload import (
    MAX_PANELS,
    Json,
    Layout,
    Mode,
    PanelState,
    ViewerPayload,
    ViewerState,
)

ENTRY = "viewer/static/mount_viewer.js"
# In the order of the cascade: a card's parts may say it otherwise than the viewer.
STYLES = (
    "viewer.css",
    "cards/classes.css",
    "cards/scores.css",
    "cards/explain.css",
    "cards/saving.css",
)


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
    panels = state.get("panels")
    return ViewerState(
        threshold=_level(threshold),
        mode=_one_of(get_args(Mode), state.get("mode")),
        layout=_one_of(get_args(Layout), state.get("layout")),
        opacity=0.6 if opacity is None else min(max(opacity, 0.0), 1.0),
        panels=tuple(map(_panel, panels[:MAX_PANELS])) if isinstance(panels, list) else (),
    )


def _panel(state: object) -> PanelState:
    said = state if isinstance(state, Mapping) else {}
    threshold = _number(said.get("threshold"))
    level = 128 if threshold is None else _level(threshold)
    words = {name: said.get(name) for name in ("pick", "palette", "hidden")}
    return PanelState.read(level, **words)


def _level(threshold: float) -> int:
    return round(min(max(threshold, 1), 255))


def _one_of(words: tuple[Any, ...], value: object) -> Any:
    return value if value in words else words[0]


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


# --- The component ---------------------------------------------------------------------------


def _texts() -> dict[str, dict[str, str]]:
    """By language: the viewer's own texts, and what all call the scores."""
    scores = sections("score_")
    return {
        name: {**texts, **{f"score_{key}": value for key, value in scores[name].items()}}
        for name, texts in sections("viewer_").items()
    }


class ComparisonViewer(gr.HTML):
    """Panels side by side at one threshold, which moves in the browser without a request.

    Output: a `ViewerPayload`, or None for the empty viewer. Input: a `ViewerState`, or None. With
    `mirror`, the event `settle` follows 180 ms after the user's last change; register it as
    `viewer.settle(fn, inputs=[viewer], queue=False, show_progress="hidden")`. With `address`, what
    is seen is written into the page's address.
    """

    def __init__(
        self,
        value: ViewerPayload | None = None,
        *,
        mirror: bool = False,
        address: bool = False,
        elem_id: str | None = None,
        elem_classes: list[str] | str | None = None,
        visible: bool | Literal["hidden"] = True,
        render: bool = True,
    ) -> None:
        super().__init__(
            value,
            html_template=static("viewer/static/viewer.html"),
            css_template="\n".join(static(f"viewer/static/{path}") for path in STYLES),
            js_on_load=script(ENTRY),
            apply_default_css=False,
            elem_id=elem_id,
            elem_classes=elem_classes,
            visible=visible,
            render=render,
            strings=_texts(),
            palette={
                "panels": list(PANEL_COLOURS),
                "heat": list(HEAT_COLOURS),
                "truth": dict(TRUTH_COLOURS),
                "classes": {name: list(colours) for name, colours in CLASS_PALETTES.items()},
            },
            scores={"mask": list(MASK_SCORES), "classes": list(CLASS_SCORES)},
            mirror=mirror,
            address=address,
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
                        "panels": {
                            "type": "array",
                            "maxItems": MAX_PANELS,
                            "items": {
                                "type": "object",
                                "properties": {
                                    "threshold": {"type": "integer", "minimum": 1, "maximum": 255},
                                    "pick": {"type": "string"},
                                    "palette": {"enum": ["", *CLASS_PALETTES]},
                                    "hidden": {"type": "array", "items": {"type": "integer"}},
                                },
                            },
                        },
                    },
                }
            },
        }
