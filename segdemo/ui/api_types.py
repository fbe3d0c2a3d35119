"""The plain values that the endpoints for programs take and return."""

from typing import Literal, TypedDict

from segdemo.ui.api_truth import Agreement, ClassScores, Scores, TruthFacts


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
    network_size: list[int]
    reduced: bool
    parts: int


class ClassShare(TypedDict):
    """A class that wins pixels, and the share of them."""

    number: int
    name: str
    share: float


class NetworkResult(TypedDict):
    """One network's part in a comparison; either figures and files, or the error."""

    checkpoint: str
    figures: Figures | None
    scores: Scores | None
    class_scores: ClassScores | None
    mask: File | None
    probability: File | None
    error: str | None
    shown: str
    """What mask, probability and ``scores`` are of: "foreground", or the number of a class."""
    classes: list[ClassShare]
    notices: list[str]


class Comparison(TypedDict):
    """Several networks on one picture; no threshold where each has its own."""

    threshold: float | None
    answers: list[NetworkResult]
    agreement: list[Agreement]
    truth: TruthFacts | None
    notices: list[str]
