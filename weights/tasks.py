"""The tasks: which generator draws their pictures, and how a real picture has to be prepared."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from segdemo.spec import ResizeRule
from weights.generators import nuclei, vessels
from weights.generators.objects import pictures as objects
from weights.generators.scene import pictures as scene


@dataclass(frozen=True, kw_only=True)
class Task:
    """What networks of a task have in common."""

    generator: ModuleType
    """Has VERSION and generate(rng, side): a uint8 picture (side, side, 3), labels (side, side)."""
    classes: tuple[str, ...]
    """One name for masks of 0 and 1; else a name for each label, that of the background first."""
    side: int
    """Longest side in pixels of what a network is given."""
    resize: ResizeRule = "at_most"
    framed: bool = False
    """Pictures with a subject and an up: nearly the whole picture is shrunk to the size of the
    crop instead of cut, and mirrored, never turned."""


TASKS: dict[str, Task] = {
    # In their own size.
    "nuclei": Task(generator=nuclei, classes=("nucleus",), side=1024),
    # A whole fundus then has the size of the generated ones.
    "vessels": Task(generator=vessels, classes=("vessel",), side=512),
    # A subject is found as a whole only where it is as large as those generated.
    "objects": Task(generator=objects, classes=("object",), side=96, resize="longest", framed=True),
    # Leaves, windows and wheels have to be as large as the generated ones. Networks may ask for
    # more: what is one pixel wide is lost to one that answers for every second pixel.
    "scene": Task(generator=scene, classes=scene.CLASSES, side=160, resize="longest", framed=True),
}
