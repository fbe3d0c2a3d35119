"""The recipes as data: all that decides the weights of each shipped checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from segdemo.architectures import ARCHITECTURES, Architecture
from segdemo.architectures.parts.vgg import VGGConfig, vgg16
from segdemo.architectures.resnet_unet import ResNetUNetConfig
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
    side: int | None = None
    """Longest side in pixels of what the network is given; None is that of the task."""
    assume: str = ""
    """Which spelling the file has to be read as, where its tensors alone do not tell."""
    before: Recipe | None = None
    """The run that this one goes on from; None begins from nothing."""
    averaged: bool = False
    """Whether the weights are the mean of this run's and those that it went on from.

    Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization".
    """

    @property
    def network(self) -> Architecture:
        """The architecture itself."""
        return _BY_ID[self.architecture]

    @property
    def runs(self) -> tuple[Recipe, ...]:
        """The runs that lead to the weights, this one last."""
        return (*(self.before.runs if self.before else ()), self)

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
                side=self.side or task.side,
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
        before = self.before and self.before.smoke()
        small = replace(self, steps=4, batch=2, crops=(32, 64), samples=6, canvas=64)
        return replace(small, before=before)

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
        **{"learning_rate": 2e-3, "batch": 12, "crops": (96, 112, 128), **changes},
    )


def _unet_8(task: str, kind: str, title: str, config: Any, steps: int, **changes: Any) -> Recipe:
    """A variant of the U-Net with 8 channels at the top, for a quarter of the time a step."""
    return Recipe(
        name=f"{task}_{kind}",
        task=task,
        title=title,
        architecture="unet",
        config=config,
        steps=steps,
        **{"learning_rate": 3e-3, **changes},
    )


def _tiny8(task: str) -> UNetConfig:
    """The small grey U-Net of tutorials: batch norm and ReLU after every step up, a 3x3 head."""
    plain = UNetConfig.standard(width=8, bias=True, **_shape(task, grey=True))
    return replace(plain, up_norm=True, head_kernel=3, join="up_first", fit="exact")


def _lab(task: str) -> UNetConfig:
    """The U-Net of the Carvana lab: no batch norm, and skips that are cropped."""
    plain = UNetConfig.standard(width=8, bias=True, **_shape(task))
    return replace(plain, norm=False, join="up_first", fit="crop")


def _scene(
    kind: str,
    title: str,
    architecture: str,
    config: Any,
    steps: int,
    crops: tuple[int, ...],
    samples: int = 1600,
) -> Recipe:
    """Six classes; whole scenes, small ones first."""
    return Recipe(
        name=f"scene_{kind}",
        task="scene",
        title=f"Scene · {title}",
        architecture=architecture,
        config=config,
        steps=steps,
        learning_rate=2e-3,
        crops=crops,
        samples=samples,
        canvas=160,
    )


def _scene_fcn(skips: int) -> Recipe:
    """An FCN on a VGG-16 of an eighth of the width; one recipe for all, so that skips decide."""
    config = VGGConfig(widths=vgg16(8), hidden=(128, 128), skips=skips, **_shape("scene"))
    name = f"FCN-{config.stride}s"
    return _scene(f"fcn{config.stride}s", name, "vgg_fcn", config, 8000, (96, 128))


def _further(
    recipe: Recipe,
    *runs: tuple[int, int, int],
    side: int | None = None,
    averaged: bool = False,
) -> Recipe:
    """The recipe as a first run, and others on pictures shown larger, as all pictures then are.

    Each is the side of its crop, its steps, and how many pictures it takes them from. On small
    crops it learned what things look like, cheaply; what is larger than there it misses. ``side``
    is that of pictures afterwards, the last crop's by default: a little smaller may be better,
    because crops show less than a whole picture and that larger (Touvron et al. 2019, "Fixing the
    train-test resolution discrepancy").
    """
    for crop, steps, samples in runs:
        recipe = replace(
            recipe,
            crops=(crop,),
            side=crop,
            steps=steps,
            samples=samples,
            learning_rate=1e-3,
            before=replace(recipe, name=f"{recipe.name}_{recipe.crops[-1]}"),
        )
    return replace(recipe, side=side or recipe.side, averaged=averaged)


def _resnet(task: str) -> ResNetUNetConfig:
    """ResNet-18 of half the width; half the usual tail, which costs most of the time."""
    plain = ResNetUNetConfig.standard(width=32, blocks=(2, 2, 2, 2), **_shape(task))
    return replace(plain, tail=(16, 16))


def _scene_resnet() -> Recipe:
    crops = (96, 96, 128)
    config = _resnet("scene")
    return _scene("resnet_unet", "ResNet U-Net", "resnet_unet", config, 5000, crops, samples=6400)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _unet("nuclei", "Nuclei · U-Net", 1200, gap_weight=3.0),
        _unet("vessels", "Vessels · U-Net", 1300),
        _u2net_lite("nuclei", "Nuclei · U²-Net lite", 1800, gap_weight=3.0),
        _u2net_lite("vessels", "Vessels · U²-Net lite", 1000),
        _unet("objects", "Objects · U-Net", 1200, crops=(80, 96, 112), samples=3000),
        _further(
            _u2net_lite(
                "objects",
                "Objects · U²-Net lite",
                1500,
                crops=(64, 80, 96),
                samples=12_000,
                batch=8,
            ),
            (128, 300, 12_000),
            side=112,
        ),
        _unet_8(
            "nuclei",
            "tiny8",
            "Nuclei · tiny U-Net, grey",
            _tiny8("nuclei"),
            1200,
            gap_weight=3.0,
            assume="unet_tiny8",
        ),
        # Without norms a high learning rate ends the training.
        _unet_8(
            "nuclei",
            "lab_unet",
            "Nuclei · lab U-Net, no batch norm",
            _lab("nuclei"),
            1200,
            gap_weight=3.0,
            learning_rate=1e-3,
            assume="unet_lab",
        ),
        _unet_8(
            "nuclei",
            "unet_bilinear",
            "Nuclei · U-Net, bilinear",
            UNetConfig.standard(width=8, up="bilinear", **_shape("nuclei")),
            1200,
            gap_weight=3.0,
        ),
        # A step of its deepest layers costs little at this size, so it takes many.
        _further(
            Recipe(
                name="objects_resnet_unet",
                task="objects",
                title="Objects · ResNet U-Net",
                architecture="resnet_unet",
                config=_resnet("objects"),
                steps=7500,
                learning_rate=2e-3,
                crops=(64, 96, 96),
                samples=6000,
            ),
            (128, 3000, 12_000),
            (192, 2400, 12_000),
            (256, 1100, 12_000),
            (256, 350, 12_000),
            side=224,
            averaged=True,
        ),
        _further(
            _scene_resnet(),
            (160, 900, 6400),
            (224, 2000, 6400),
            (256, 750, 6400),
            (320, 900, 6400),
        ),
        # The one without skips sees the least, and gains the most from larger pictures.
        _further(_scene_fcn(skips=0), (160, 700, 3200), (224, 800, 3200), (256, 900, 3200)),
        _further(_scene_fcn(skips=1), (160, 700, 3200), (224, 800, 3200)),
        _further(_scene_fcn(skips=2), (160, 1400, 3200), (224, 800, 3200)),
    )
}
