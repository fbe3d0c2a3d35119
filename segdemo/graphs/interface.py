"""Finds the image among a graph's inputs and the masks among its outputs, or says why not."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from segdemo.errors import FileError, UnknownNetworkError
from segdemo.graphs.config import GraphConfig
from segdemo.graphs.model import Dim, Node, Shape, Value
from segdemo.graphs.reader import Model
from segdemo.strings import text
from segdemo.wording import first_of, shown

_KINDS = ("float32", "float16", "float64", "uint8", "int32", "int64")
_FLOATS = ("float32", "float16", "float64")
_MOST_CHANNELS = 32  # of an image
_LEAST_SIDE = 16  # pixels of a mask
_YOLO_BOXES, _YOLO_MASKS = 1000, 32
_NO_MASK = re.compile(r"embed|feature|hidden|high_res_feats|boxes|iou", re.IGNORECASE)
_BESIDE = re.compile(r"aux|edge|boundary", re.IGNORECASE)
_SAM = re.compile(r"image_embed|point_coords|high_res_feats|low_res_masks", re.IGNORECASE)
_TEXT = re.compile(r"input_ids|attention_mask|token|text", re.IGNORECASE)
PASSING = frozenset(
    {
        *("Identity", "Cast", "Resize", "Upsample", "Squeeze", "Unsqueeze", "Transpose"),
        *("Reshape", "Slice", "Clip", "Gather", "Flatten", "Split"),
        *("QuantizeLinear", "DequantizeLinear"),
    }
)
"""Operations behind which probabilities are still probabilities."""
PROBABLE = frozenset({"Sigmoid", "HardSigmoid", "Softmax"})
"""Operations that make them."""
_COMPARISONS = frozenset({"Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Not"})


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """An output that may be the mask."""

    value: Value
    classes: int
    last: bool
    labels: bool
    area: int
    """Pixels where they are known, else 0."""


def candidates(model: Model, known: Mapping[str, tuple[int, ...]]) -> list[GraphConfig]:
    """The ways to read a graph, the likeliest mask first.

    ``known`` are the shapes of its tensors for one size of image, as far as anybody can tell.
    Raises FileError or UnknownNetworkError for a graph that is none from an image to masks.
    """
    outputs = model.part.outputs
    _refuse_families(model)
    given = _picture(model)
    # Where both sizes of the image are known, the mask has the same proportions.
    seen = given.size or _sides(known.get(given.input), last=given.channels_last)
    answers = [
        answer
        for value in outputs
        if (answer := _answer(model, value, known, given, seen)) is not None
    ]
    _refuse_queries(model, answers)
    if not answers:
        listed = first_of(_described(value) for value in outputs)
        raise FileError("graph_no_mask", name=model.name, outputs=listed)
    answers.sort(key=lambda one: (bool(_BESIDE.search(one.value.name)), one.labels, -one.area))
    return [
        replace(
            given,
            output=answer.value.name,
            classes=answer.classes,
            answer_last=answer.last,
            labels=answer.labels,
        )
        for answer in answers
    ]


def _sides(shape: tuple[int, ...] | None, *, last: bool) -> tuple[int, int] | None:
    if shape is None or len(shape) != 4:
        return None
    return shape[1:3] if last else shape[2:]


def picture(model: Model) -> GraphConfig:
    """The configuration without its output. Raises FileError or UnknownNetworkError."""
    _refuse_families(model)
    return _picture(model)


def _picture(model: Model) -> GraphConfig:
    inputs = [value for value in model.part.inputs if value.name not in model.part.constants]
    if not model.complete and model.ir_version < 4:
        inputs = inputs[:1]  # Weights are among them, whose names a look has not seen.
    fitting = [value for value in inputs if value.kind in _KINDS and _channels(model, value)]
    if not fitting:
        listed = first_of(map(_described, inputs))
        raise FileError("graph_no_picture", name=model.name, inputs=listed)
    if len(inputs) > 1:
        others = first_of(value.name for value in inputs if value is not fitting[0])
        raise FileError("graph_inputs", name=model.name, inputs=others)
    value = fitting[0]
    channels, last = _channels(model, value) or (3, False)
    batch, *rest = value.shape or ()
    height, width = rest[:2] if last else rest[1:]
    both = isinstance(height, int) and isinstance(width, int)
    return GraphConfig(
        in_channels=channels,
        classes=0,
        input=value.name,
        output="",
        kind=value.kind,
        batch=batch if isinstance(batch, int) else 1,
        size=(int(height), int(width)) if both else None,  # type: ignore[arg-type]
        channels_last=last,
        outputs=len(model.part.outputs),
        opset=model.opsets.get("", 0),
        producer=model.producer,
    )


def _channels(model: Model, value: Value) -> tuple[int, bool] | None:
    """How many channels an image has there, and whether they stand last."""
    shape = value.shape
    if shape is None or len(shape) != 4:
        return None
    first, last = shape[1], shape[3]
    for channels, stands_last in ((first, False), (last, True)):
        if channels in (1, 3):
            return int(channels), stands_last
    for channels, stands_last in ((first, False), (last, True)):
        if isinstance(channels, int) and channels <= _MOST_CHANNELS:
            return channels, stands_last
    if isinstance(first, int) or isinstance(last, int):
        return None
    return _of_first_convolution(model, value)


def _of_first_convolution(model: Model, value: Value) -> tuple[int, bool] | None:
    transposed = any(
        node.op == "Transpose" and value.name in node.inputs for node in model.part.nodes
    )
    for node in model.part.nodes:
        if node.op == "Conv" and len(node.inputs) > 1:
            weight = model.part.constants.get(node.inputs[1])
            if weight is not None and len(weight.shape) == 4:
                return weight.shape[1], transposed
    # All sizes are free: what nearly every image has.
    return (3, transposed) if not model.complete else None


def _answer(
    model: Model,
    value: Value,
    known: Mapping[str, tuple[int, ...]],
    given: GraphConfig,
    seen: tuple[int, int] | None,
) -> _Answer | None:
    said: Shape | None = value.shape
    found = known.get(value.name)
    shape = said
    if found is not None and (said is None or len(said) == len(found)):
        # Free sizes as they are for the image that was tried.
        shape = found
    if shape is None or _NO_MASK.search(value.name):
        return None
    free = said is None or not all(isinstance(side, int) for side in said[-3:])
    if value.kind in _FLOATS:
        answer = _scores(value, shape, given, seen, free)
        if answer is None or answer.classes:
            return answer
        return replace(answer, classes=made_channels(model, value.name))
    if value.kind in ("", "bfloat16") or len(shape) not in (3, 4):
        return None
    last = len(shape) == 4 and shape[1] != 1 and shape[3] == 1
    if len(shape) == 4 and not last and shape[1] not in (1, None):
        return None
    sides = shape[1:3] if last or len(shape) == 3 else shape[2:]
    if not _like(sides, seen):
        return None
    classes = _classes_of_labels(model, value, known)
    return _Answer(value=value, classes=classes, last=last, labels=True, area=_area(sides))


def _scores(
    value: Value, shape: Shape, given: GraphConfig, seen: tuple[int, int] | None, free: bool
) -> _Answer | None:
    if len(shape) == 3 and _like(shape[1:], seen) and _is_large(shape[1:]):
        return _Answer(value=value, classes=1, last=False, labels=False, area=_area(shape[1:]))
    if len(shape) != 4:
        return None
    ways = [
        (last, sides)
        for last, sides in ((False, shape[2:]), (True, shape[1:3]))
        if _like(sides, seen) and _is_large(sides)
    ]
    if not ways:
        return None
    if len(ways) > 1:
        said = value.shape or ()
        counted = [last for last, _ in ways if len(said) == 4 and _is_count(said, last) and free]
        preferred = counted[0] if len(counted) == 1 else given.channels_last
        ways.sort(key=lambda way: way[0] is not preferred)
    last, sides = ways[0]
    channels = shape[3] if last else shape[1]
    return _Answer(
        value=value,
        classes=channels if isinstance(channels, int) else 0,
        last=last,
        labels=False,
        area=_area(sides),
    )


def _is_count(said: Shape, last: bool) -> bool:
    return isinstance(said[3 if last else 1], int)


def _like(sides: Shape, seen: tuple[int, int] | None) -> bool:
    """Whether a mask of these sides has the image's proportions, within a pixel."""
    height, width = sides
    if seen is None or not isinstance(height, int) or not isinstance(width, int):
        return True
    # Strides round sides up or down.
    return abs(height * seen[1] - width * seen[0]) <= max(seen)


def _is_large(sides: Shape) -> bool:
    return all(not isinstance(side, int) or side >= _LEAST_SIDE for side in sides)


def _area(sides: Shape) -> int:
    height, width = sides
    return height * width if isinstance(height, int) and isinstance(width, int) else 0


def _classes_of_labels(model: Model, value: Value, known: Mapping[str, tuple[int, ...]]) -> int:
    """How many scores the largest was taken of; 1 for comparisons, 0 where nobody can tell."""
    for node in upstream(model, value.name):
        if node.op in ("ArgMax", "TopK"):
            shape = known.get(node.inputs[0], ())
            axis = node.attributes.get("axis", 0 if node.op == "ArgMax" else -1)
            inside = isinstance(axis, int) and -len(shape) <= axis < len(shape)
            return shape[axis] if inside else made_channels(model, node.inputs[0])
        if node.op in _COMPARISONS:
            return 1
    return 0


def made_channels(model: Model, name: str) -> int:
    """Channels that the convolution right before a tensor gives; 0 where there is none."""
    for node in upstream(model, name):
        if node.op in ("Conv", "ConvTranspose"):
            weight = model.part.constants.get(node.inputs[1])
            if weight is None or len(weight.shape) != 4:
                return 0
            groups = node.attributes.get("group", 1)
            return weight.shape[0] if node.op == "Conv" else weight.shape[1] * int(groups)
        if node.op not in PASSING and node.op not in PROBABLE:
            return 0
    return 0


def upstream(model: Model, name: str) -> Iterator[Node]:
    """The nodes from the one that gives ``name`` on towards the image, by their first inputs."""
    makers = {output: node for node in model.part.nodes for output in node.outputs if output}
    for _ in range(len(model.part.nodes)):
        node = makers.get(name)
        if node is None:
            return
        yield node
        if not node.inputs:
            return
        name = node.inputs[0]


def _refuse_families(model: Model) -> None:
    """Raises UnknownNetworkError for graphs that need more than an image, by what names them."""
    names = [value.name for value in (*model.part.inputs, *model.part.outputs)]
    if _yolo(model):
        _refuse("YOLO", "family_yolo")
    if any(map(_SAM.search, names)):
        _refuse("Segment Anything", "family_sam")
    inputs = [value.name for value in model.part.inputs]
    if len(inputs) > 1 and any(map(_TEXT.search, inputs)):
        _refuse("CLIPSeg", "family_clipseg")


def _refuse(family: str, key: str) -> None:
    raise UnknownNetworkError("checkpoint_family", family=family, way_out=text(key))


def _yolo(model: Model) -> bool:
    said = model.metadata
    if said.get("author") == "Ultralytics" and said.get("task") != "semantic":
        return True
    shapes = [value.shape or () for value in model.part.outputs]
    boxes = [s for s in shapes if len(s) == 3 and any(_at_least(d, _YOLO_BOXES) for d in s)]
    masks = [s for s in shapes if len(s) == 4 and s[1] == _YOLO_MASKS]
    return bool(boxes and masks)


def _at_least(dim: Dim, least: int) -> bool:
    return isinstance(dim, int) and dim >= least


def _refuse_queries(model: Model, answers: Iterable[_Answer]) -> None:
    """A class for each of many masks is no class for each pixel."""
    queries = {
        value.shape[1]
        for value in model.part.outputs
        if value.shape is not None and len(value.shape) == 3 and value.kind in _FLOATS
    }
    for answer in answers:
        shape = answer.value.shape or ()
        if not answer.labels and len(shape) == 4 and shape[1] is not None and shape[1] in queries:
            raise FileError("graph_queries", name=model.name)


def _described(value: Value) -> str:
    sides = " × ".join("?" if side is None else str(side) for side in value.shape or ())
    return shown(f"{value.name} ({sides or '–'} {value.kind})")
