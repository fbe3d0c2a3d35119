"""What Python tells the comparison viewer: the payload segdemo.viewer/1, as plain values."""

import re
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from segdemo.images.palettes import CLASS_PALETTES

SCHEMA = "segdemo.viewer/1"
MAX_PANELS = 4
MAX_CLASSES = 255
"""Labels of more do not fit into the 8 bits that a browser reads, beside 255 for no class."""

Status = Literal["waiting", "running", "ready", "failed", "absent"]
Mode = Literal["overlay", "mask", "heat", "contour", "cutout", "difference"]
Layout = Literal["side", "swipe"]
Control = Literal["choice", "number", "numbers"]
Json = dict[str, Any]

_PICK = re.compile(r"all|foreground|[0-9]{1,4}")


@dataclass(frozen=True, kw_only=True)
class CachedFile:
    """A file in Gradio's cache, which the browser fetches by URL."""

    path: str

    def to_json(self) -> Json:
        """The FileData entry that makes Gradio add the URL."""
        return {"path": self.path, "meta": {"_type": "gradio.FileData"}}


@dataclass(frozen=True, kw_only=True)
class CachedImage:
    """An image or a map: its size in pixels and where it is.

    An image has the size of what the user gave, though its file may be smaller. A map has the
    size of its file, and its grey value q stands for probabilities in [q/256, (q + 1)/256).
    """

    width: int
    height: int
    file: CachedFile

    def to_json(self) -> Json:
        """The entry as the browser reads it."""
        return {"width": self.width, "height": self.height, "file": self.file.to_json()}


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a network's foreground probabilities are before they are quantised, in [0, 1]."""

    minimum: float
    mean: float
    maximum: float


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """One thing that was decided for a checkpoint, by whom, and how to decide otherwise."""

    name: str  # "assume", or a field of the spec such as "preprocessing.mean"
    label: str
    value: str  # as a person reads it
    origin: str  # who decided it
    control: Control
    raw: str  # as the control holds it: an option's value, or numbers parted by commas
    options: tuple[tuple[str, str], ...] = ()  # of a choice: (value, label)
    changed: bool = False  # whether this visitor decided it


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The image read in another usual way: what the mask would be, small."""

    id: str
    title: str
    map: CachedImage
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class ClassMaps:
    """What a network of three classes and more says: the winner of each pixel, and every class.

    ``labels`` is a grey image of class numbers. ``atlas`` holds one map of q for each class,
    all of one size, in order from top to bottom.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]  # "#rrggbb" for each class
    palette: str  # in palettes.CLASS_PALETTES, where the colours are from
    background: int  # the class that is no foreground
    hidden: tuple[int, ...]  # the classes that are not painted at first
    labels: CachedImage
    atlas: CachedImage

    def to_json(self) -> Json:
        """The entry as the browser reads it."""
        return {
            "names": list(self.names),
            "colours": list(self.colours),
            "palette": self.palette,
            "background": self.background,
            "hidden": list(self.hidden),
            "labels": self.labels.to_json(),
            "atlas": self.atlas.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class TruthHint:
    """A doubt about how a mask was read, beside what the networks found."""

    sentence: str
    reading: str = ""  # which mends it, as ``images.mask_choices`` names it; "" where none does
    label: str = ""  # of the button that chooses it


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a person says is right: class numbers in grey, 255 where nothing is said."""

    labels: CachedImage | None = None  # of the size of the maps; absent when there is a problem
    several: bool = False  # whether there are classes beyond 0 and 1
    notices: tuple[str, ...] = ()  # what was done to the file to make it fit
    hints: tuple[TruthHint, ...] = ()
    problem: str = ""  # why the file is of no use, and the way out

    def to_json(self) -> Json:
        """The entry as the browser reads it."""
        entry: Json = {
            "several": self.several,
            "notices": list(self.notices),
            "hints": [asdict(hint) for hint in self.hints],
            "problem": self.problem,
        }
        if self.labels is not None:
            entry["labels"] = self.labels.to_json()
        return entry


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
    figures: Figures | None = None
    activation: str = ""  # what made probabilities of the network's output
    assumed: tuple[Assumption, ...] = ()
    trials: tuple[Trial, ...] = ()  # of which a person may choose one
    classes: ClassMaps | None = None  # of a network with three classes and more

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
            "activation": self.activation,
            "assumed": [asdict(assumption) for assumption in self.assumed],
            "trials": [asdict(trial) | {"map": trial.map.to_json()} for trial in self.trials],
        }
        if self.milliseconds is not None:
            entry["milliseconds"] = self.milliseconds
        if self.map is not None:
            entry["map"] = self.map.to_json()
        if self.figures is not None:
            entry["figures"] = asdict(self.figures)
        if self.classes is not None:
            entry["classes"] = self.classes.to_json()
        return entry


@dataclass(frozen=True, kw_only=True)
class PanelState:
    """What a person has set for one panel."""

    threshold: int = 128  # the k that holds for its map, in 1..255
    # Of several classes; "" is as at first.
    pick: str = ""  # "all" for the winners, "foreground", or a class's number
    palette: str = ""  # in palettes.CLASS_PALETTES, for the winners
    hidden: tuple[int, ...] | None = None  # the winners that are not painted; None as at first

    @classmethod
    def read(
        cls, threshold: int, *, pick: object = "", palette: object = "", hidden: object = None
    ) -> "PanelState":
        """With what makes sense of words that anybody may have written."""
        known = isinstance(pick, str) and _PICK.fullmatch(pick)
        named = isinstance(palette, str) and palette in CLASS_PALETTES
        numbers = hidden[:MAX_CLASSES] if isinstance(hidden, list) else None
        if not all(type(number) is int and 0 <= number < MAX_CLASSES for number in numbers or ()):
            numbers = None
        return cls(
            threshold=threshold,
            pick=str(pick) if known else "",
            palette=str(palette) if named else "",
            hidden=None if numbers is None else tuple(numbers),
        )


@dataclass(frozen=True, kw_only=True)
class ViewerState:
    """What a person has set in the viewer."""

    threshold: int  # k in 1..255, stands for k/256
    mode: Mode = "overlay"
    layout: Layout = "side"
    opacity: float = 0.6  # in [0, 1]
    panels: tuple[PanelState, ...] = ()  # in order

    def to_json(self) -> Json:
        """The state as the browser reads it."""
        return {
            "threshold": self.threshold,
            "mode": self.mode,
            "layout": self.layout,
            "opacity": self.opacity,
            "panels": [asdict(panel) for panel in self.panels],
        }


def new_run() -> str:
    """A fresh name for a run: what tells one comparison from the next."""
    return secrets.token_hex(8)


@dataclass(frozen=True, kw_only=True)
class ViewerPayload:
    """One image and its panels. The same run may be sent again with more panels ready.

    The browser fetches only maps it does not hold yet. Zoom is reset by a new run; threshold, mode
    and opacity stay as the user chose them, unless `state` brings others back.
    """

    image: CachedImage
    panels: tuple[PanelEntry, ...]
    run: str = field(default_factory=new_run)
    threshold: int = 128  # where the threshold starts; k in 1..255
    state: ViewerState | None = None
    truth: Truth | None = None
    link: tuple[tuple[str, str], ...] = ()
    """What a link to this comparison names: see links.py."""
    stored: bool = False
    """Whether no network ran for it here."""

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
            "link": [list(pair) for pair in self.link],
            "stored": self.stored,
        }
        if self.state is not None:
            payload["state"] = self.state.to_json()
        if self.truth is not None:
            payload["truth"] = self.truth.to_json()
        return payload
