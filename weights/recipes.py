"""The recipes as data: all that decides the weights of each shipped checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from segdemo.architectures import ARCHITECTURES, Architecture
from segdemo.architectures.u2net import U2NetConfig
from segdemo.architectures.unet import UNetConfig
from segdemo.spec import Postprocessing, Preprocessing, SegmentationSpec
from segdemo.training.plan import Plan
from weights.tasks import TASKS, Task

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

_BY_ID = {architecture.id: architecture for architecture in ARCHITECTURES}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that decides a checkpoint's weights."""

    name: str
    task: str
    title: str
    architecture: str
    """Its id."""
    config: Any
    """The architecture's configuration; its channels and classes are those of the task."""
    steps: int
    learning_rate: float
    batch: int = 16
    crops: tuple[int, ...] = (128,)
    """Side of the training crop in equal parts of the run: small ones first, they are cheap."""
    samples: int = 10_000
    canvas: int = 128
    """Side in pixels of the generated pictures."""
    seed: int = 0
    gap_weight: float = 0.0
    """Extra weight of background pixels squeezed between two bodies."""
    assume: str = ""
    """Which spelling the file has to be read as, where its tensors alone do not tell."""

    @property
    def network(self) -> Architecture:
        """The architecture itself."""
        return _BY_ID[self.architecture]

    @property
    def plan(self) -> Plan:
        """The recipe as the training loop takes it."""
        return Plan(
            steps=self.steps,
            learning_rate=self.learning_rate,
            seed=self.seed,
            gap_weight=self.gap_weight,
        )

    @property
    def spec(self) -> SegmentationSpec:
        """How the page has to prepare a picture for the checkpoint."""
        task, grey = TASKS[self.task], self.config.in_channels == 1
        return SegmentationSpec(
            preprocessing=Preprocessing(
                resize=task.resize,
                side=task.side,
                resample="bilinear",
                channels="grey" if grey else "rgb",
                divisor=255.0,
                mean=(sum(MEAN) / 3,) if grey else MEAN,
                std=(sum(DEVIATION) / 3,) if grey else DEVIATION,
                multiple_of=16,
            ),
            postprocessing=Postprocessing(
                activation="sigmoid" if len(task.classes) == 1 else "softmax",
                classes=task.classes,
                threshold=0.5,
            ),
        )

    def smoke(self) -> Recipe:
        """The same recipe on a few tiny pictures: seconds instead of minutes."""
        return replace(self, steps=4, batch=2, crops=(32, 64), samples=6, canvas=64)

    def crop(self, step: int) -> int:
        """Side in pixels of the crops of this step."""
        return self.crops[min(step * len(self.crops) // self.steps, len(self.crops) - 1)]


def _shape(task: str, *, grey: bool = False) -> dict[str, int]:
    """The channels in and out that networks of a task have."""
    described: Task = TASKS[task]
    return {"in_channels": 1 if grey else 3, "classes": len(described.classes)}


def _unet(task: str, title: str, steps: int, **changes: Any) -> Recipe:
    """A U-Net with 16 channels at the top."""
    return Recipe(
        name=f"{task}_unet",
        task=task,
        title=title,
        architecture="unet",
        config=UNetConfig.standard(width=16, **_shape(task)),
        steps=steps,
        learning_rate=3e-3,
        **changes,
    )


def _u2net_lite(task: str, title: str, steps: int, **changes: Any) -> Recipe:
    """The small U²-Net; it costs several times as much a step, so it begins on smaller crops."""
    return Recipe(
        name=f"{task}_u2net_lite",
        task=task,
        title=title,
        architecture="u2net",
        config=U2NetConfig.lite(**_shape(task)),
        steps=steps,
        learning_rate=2e-3,
        batch=12,
        crops=(96, 112, 128),
        **changes,
    )


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _unet("nuclei", "Nuclei · U-Net", 1200, gap_weight=3.0),
        _unet("vessels", "Vessels · U-Net", 1300),
        _u2net_lite("nuclei", "Nuclei · U²-Net lite", 1800, gap_weight=3.0),
        _u2net_lite("vessels", "Vessels · U²-Net lite", 1000),
    )
}
