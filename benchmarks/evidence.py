"""What batch norms tell: the scale of the training, the wiring, and which reading fits an image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import skimage.data
import torch
from PIL import Image
from torch import Tensor

from benchmarks.networks import WEIGHTS
from benchmarks.tables import table
from benchmarks.trained import SCALINGS, trained
from segdemo.checkpoints import Detection, detect
from segdemo.checkpoints.evidence import gather, ordered, weigh
from segdemo.checkpoints.evidence.flow import Convolved, Joined, norms_of
from segdemo.checkpoints.evidence.scales import LEAST_R_SQUARED
from segdemo.checkpoints.recognise import recognise
from segdemo.inference.image_evidence import standings
from segdemo.inference.segmenter import load
from weights.pictures import HELD_OUT, generate
from weights.recipes import RECIPES

_TASKS = ("nuclei", "vessels")
_OTHERS = ("astronaut", "coffee", "coins", "brick", "retina", "chelsea", "camera", "moon")
_PER_GROUP = 8
_SIDE = 256  # pixels of an image of the task; others are made as small

_EXPECTED = {
    "0 to 255": "raw",
    "0 to 1": "unit",
    "0 to 1, BGR": "unit",
    "-1 to 1": "signed",
    "ImageNet": "standardised",
    "z-score": "standardised",
}


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What the first layer of a network tells of its training inputs."""

    network: str
    scaling: str
    """The true one."""
    mean: tuple[float, ...]
    true_mean: tuple[float, ...]
    """Empty where the images of the training are not at hand."""
    deviation: tuple[float, ...]
    true_deviation: tuple[float, ...]
    r_squared: float
    told: str
    right: bool
    """Or silent where R² is low."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """Whether the norms tell one reading of a network's tensors from another."""

    network: str
    question: str
    decided: bool
    right: bool
    by: str
    figure: float
    against: float


@dataclass(frozen=True, kw_only=True)
class OnImages:
    """How often the right reading is nearer than a wrong one, over eight images."""

    checkpoint: str
    images: str
    wrong: str
    ahead: int
    of: int
    by_first_layer: bool
    """Whether the first layer puts the wrong one behind anyhow."""
    least: float
    """The smallest ratio of the wrong one's distance to the right one's."""


def measure() -> list[Scale | Wiring | OnImages]:
    """Every shipped checkpoint, and small networks that are trained for it."""
    shipped = {
        path.stem: recognise(path).detection for path in sorted(WEIGHTS.glob("*.safetensors"))
    }
    found: list[Scale | Wiring | OnImages] = []
    for name, detection in shipped.items():
        found += _scales(name, detection, "ImageNet", None)
        found += _wirings(name, detection)
    for task in _TASKS:
        for scaling in SCALINGS:
            tensors, images = trained(task, scaling)
            name = f"trained on {task}"
            found += _scales(name, detect(tensors), scaling, images)
            found += _wirings(f"{name}, {scaling}", detect(tensors))
    for name in shipped:
        found += _on_images(name)
    return found


def section(rows: Sequence[Scale | Wiring | OnImages]) -> str:
    """Markdown tables of what was measured."""
    scales = [row for row in rows if isinstance(row, Scale)]
    wirings = [row for row in rows if isinstance(row, Wiring)]
    images = [row for row in rows if isinstance(row, OnImages)]
    decided = [row for row in wirings if row.decided]
    return f"""## What batch norms tell

The scale of the training images, solved from the first convolution and its norm; nothing is said
below an R² of {LEAST_R_SQUARED}. Small U-Nets were trained for a minute on each scale.
{sum(row.right for row in scales)} of {len(scales)} are right, or silent where R² is low.

{table(_SCALE_HEADS, map(_scale_cells, scales), words=2)}

Readings of the same tensors. A join in the wrong order is made by exchanging the channels that a
convolution takes; names that say nothing leave also the place of the norm open. Decided in
{len(decided)} of {len(wirings)}, rightly in {sum(row.right for row in decided)}.

{table(_WIRING_HEADS, map(_wiring_cells, wirings), words=4)}

Single images, {_PER_GROUP} of the task and {_PER_GROUP} others: in how many the right values come
nearer than wrong ones, and by which factor at least. This orders readings and decides nothing;
those that the first layer speaks against (marked *) come later whatever the image.

{table(_IMAGE_HEADS, map(_image_cells, images), words=3)}
"""


_SCALE_HEADS = ("network", "trained on", "mean", "true", "deviation", "true", "R²", "told")
_WIRING_HEADS = ("network", "question", "decided", "by", "right", "wrong")
_IMAGE_HEADS = ("checkpoint", "images", "instead", "ahead", "at least")


def _scale_cells(row: Scale) -> tuple[str, ...]:
    return (
        row.network,
        row.scaling,
        _numbers(row.mean),
        _numbers(row.true_mean),
        _numbers(row.deviation),
        _numbers(row.true_deviation),
        f"{row.r_squared:.3f}",
        row.told + ("" if row.right else " (wrong)"),
    )


def _wiring_cells(row: Wiring) -> tuple[str, ...]:
    decided = ("right" if row.right else "WRONG") if row.decided else "no"
    figures = (f"{row.figure:.2f}", f"{row.against:.2f}") if row.decided else ("–", "–")
    return (row.network, row.question, decided, row.by, *figures)


def _image_cells(row: OnImages) -> tuple[str, ...]:
    mark = "*" if row.by_first_layer else ""
    return (
        row.checkpoint,
        row.images,
        row.wrong + mark,
        f"{row.ahead}/{row.of}",
        f"{row.least:.2f}",
    )


def _numbers(values: Sequence[float]) -> str:
    digits = 0 if max(map(abs, values), default=0) > 10 else 2
    return ", ".join(f"{value:.{digits}f}" for value in values) or "–"


# --- Scales -------------------------------------------------------------------------------------


def _scales(
    name: str, detection: Detection, scaling: str, images: Tensor | None
) -> Iterator[Scale]:
    evidence = gather(replace(detection, alternatives=()))
    if evidence.inputs is None:
        return
    told = evidence.scale.scale if evidence.scale else "nothing"
    silent = evidence.inputs.r_squared < LEAST_R_SQUARED and told == "nothing"
    yield Scale(
        network=name,
        scaling=scaling,
        mean=evidence.inputs.mean,
        true_mean=() if images is None else tuple(images.mean((0, 2, 3)).tolist()),
        deviation=evidence.inputs.deviation,
        true_deviation=() if images is None else tuple(images.std((0, 2, 3)).tolist()),
        r_squared=evidence.inputs.r_squared,
        told=told,
        right=silent or told == _EXPECTED[scaling],
    )


# --- Wiring -------------------------------------------------------------------------------------


def _wirings(name: str, detection: Detection) -> Iterator[Wiring]:
    """Its joins in the other order; and under names that say nothing, whatever stays open."""
    detection = replace(detection, alternatives=())
    exchanged = _exchanged(detection)
    if not exchanged:
        return
    other = replace(
        detection,
        tensors={**detection.tensors, **exchanged},
        mapping=replace(detection.mapping, id="exchanged"),
    )
    found = weigh((detection, other), gather(detection).inputs)
    right, wrong = found.against("exchanged"), found.against(detection.id)
    told = right or wrong
    yield Wiring(
        network=name,
        question="join order",
        decided=told is not None,
        right=right is not None,
        by=told.by if told else "",
        figure=told.figure if told else 0.0,
        against=told.against if told else 0.0,
    )
    if detection.architecture.id != "unet":
        return
    for kind, tensors in (("as it is", detection.tensors), ("exchanged", other.tensors)):
        # As modules are registered, which a sorted file no longer tells.
        in_order = {key: tensors[key] for key in detection.build().state_dict()}
        yield from _nameless(f"{name}, {kind}", in_order, detection.config.join, kind)


def _nameless(name: str, tensors: Mapping[str, Tensor], join: str, kind: str) -> Iterator[Wiring]:
    """The same tensors in their order, their modules numbered through."""
    places = list(dict.fromkeys(key.rpartition(".")[0] for key in tensors))
    state_dict = {
        f"m{places.index(key.rpartition('.')[0]):03}.{key.rpartition('.')[2]}": tensor
        for key, tensor in tensors.items()
    }
    detection = detect(state_dict)
    evidence = gather(detection)
    taken = ordered(detection, evidence, said=False)
    if kind == "exchanged":
        join = {"up_first": "skip_first", "skip_first": "up_first"}[join]
    assert evidence.wiring is not None
    for question, is_right in (
        ("join order, no names", lambda one: one.config.join == join),
        ("place of the norm, no names", lambda one: one.config.order == "norm_first"),
    ):
        readings = (taken, *taken.alternatives)
        wrong = [one.id for one in readings if not is_right(one)]
        out = [one for one in evidence.wiring.ruled_out if one.id in wrong]
        right = [one.id for one in readings if is_right(one)]
        decided = len(out) == len(wrong) or not set(right) & set(evidence.wiring.left)
        yield Wiring(
            network=name,
            question=question,
            decided=decided,
            right=is_right(taken),
            by=out[0].by if out else "",
            figure=out[0].figure if out else 0.0,
            against=out[0].against if out else 0.0,
        )


def _exchanged(detection: Detection) -> dict[str, Tensor]:
    """The weights behind joins, as if the joined maps stood in the opposite order."""
    shape = (1, detection.config.in_channels, _SIDE, _SIDE)
    norms = norms_of(detection.without_weights().build(), torch.empty(shape, device="meta"))
    found = {}
    for norm in norms:
        match norm.source:
            case Convolved(weight=name, source=Joined(widths=widths)):
                parts = detection.tensors[name].split(widths, dim=1)
                found[name] = torch.cat(parts[::-1], dim=1)
    return found


# --- Images -------------------------------------------------------------------------------------


def _on_images(checkpoint: str) -> Iterator[OnImages]:
    segmenter = load(WEIGHTS / f"{checkpoint}.safetensors", device="cpu")
    pixels, _ = generate(RECIPES[checkpoint].task, HELD_OUT, _SIDE, _PER_GROUP)
    groups = {
        "of the task": [Image.fromarray(image) for image in pixels],
        "others": [_small(getattr(skimage.data, name)()) for name in _OTHERS],
    }
    for group, images in groups.items():
        found = [
            {one.name: one.nearness for one in standings(segmenter, image)} for image in images
        ]
        for wrong in found[0]:
            if wrong == "now" or wrong in [other.id for other in segmenter.detection.alternatives]:
                continue
            ratios = [near[wrong].distance / near["now"].distance for near in found]
            yield OnImages(
                checkpoint=checkpoint,
                images=group,
                wrong=wrong,
                ahead=sum(ratio > 1 for ratio in ratios),
                of=len(ratios),
                by_first_layer=found[0][wrong].order[0] > found[0]["now"].order[0],
                least=min(ratios),
            )


def _small(pixels: object) -> Image.Image:
    image = Image.fromarray(pixels).convert("RGB")
    image.thumbnail((2 * _SIDE, 2 * _SIDE))
    return image
