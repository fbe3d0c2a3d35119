"""The grammar of SegNet: the convolutions of a VGG, and as many backwards, with nothing joined."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from segdemo.architectures import segnet
from segdemo.architectures.parts.conv_unit import row_of
from segdemo.architectures.segnet import SegNetConfig
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.naming import layer_names, row_names_of, share_kind
from segdemo.checkpoints.structure.readings import Question, question_of_classes, readings_of
from segdemo.checkpoints.structure.units import Unit, read_units

_DEPTHS = ((2, 2, 3, 3, 3), (1, 1, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 4, 4, 4))
"""Convolutions in the blocks of VGG-16, 11, 13 and 19."""


def segnets(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a SegNet on a VGG; other chains of convolutions are not taken for one."""
    if layers.dimensions != 2 or layers.leftover:
        return
    units = read_units(layers)
    if units.spare or any(unit.prelu for unit in units.all):
        return
    named = sorted(units.all, key=lambda unit: unit.conv.natural)
    orders = (list(units.all), named)
    placed = next((found for order in orders if (found := _placed(order)) is not None), None)
    if placed is None:
        return
    config, names = placed
    strides = {"unpool_stride_2": 2, "unpool_stride_1": 1}
    questions = [
        Question(
            field="pool_stride",
            answers=strides,
            likeliest="unpool_stride_2",
            listed=tuple(strides),
        )
    ]
    if config.classes > 1:
        questions.append(question_of_classes())
    for reading in readings_of(questions, assume):
        sigmoid = {"postprocessing": {"activation": "sigmoid"}}
        yield Candidate(
            id=reading.id,
            architecture=segnet.ARCHITECTURE,
            config=replace(config, pool_stride=reading.values["pool_stride"]),
            names=names,
            known=reading.values,
            recipe=sigmoid if reading.answers.get("ends_with") == "sigmoid" else {},
        )


def _placed(units: Sequence[Unit]) -> tuple[SegNetConfig, Mapping[str, str]] | None:
    """The configuration and the names of a SegNet, if each leads to the next."""
    for transposed in (False, True):
        for depths in _DEPTHS:
            found = _on(units, depths, transposed=transposed)
            if found is not None:
                return found
    return None


def _on(
    units: Sequence[Unit], depths: Sequence[int], *, transposed: bool
) -> tuple[SegNetConfig, Mapping[str, str]] | None:
    """On the VGG with these blocks, with transposed convolutions in the decoder or plain ones."""
    down = sum(depths)
    flows = [
        unit.conv.transposed if transposed and place >= down else unit.conv.conv
        for place, unit in enumerate(units)
    ]
    # The head stands for the last convolution of the decoder, or follows it.
    extra = len(units) - 2 * down
    if extra not in (0, 1) or any(one[1] != other[0] for one, other in pairwise(flows)):
        return None
    outs = [out for _, out in flows]
    ends = [sum(depths[: n + 1]) for n in range(len(depths))]
    widths = [outs[end - 1] for end in ends]
    up = [
        [widths[n]] * (depth - 1) + [widths[n - 1] if n else widths[0]]
        for n, depth in reversed(list(enumerate(depths)))
    ]
    if not extra:
        up[-1].pop()
    expected = [width for width, depth in zip(widths, depths, strict=True) for _ in range(depth)]
    expected += [width for row in up for width in row]
    *body, head = units
    if outs[:-1] != expected or not share_kind(body) or len(set(widths)) < len(depths) - 1:
        return None
    if body[0].norm is None:
        return None  # where norms should be may be some without tensors
    if any(unit.kernel != 3 for unit in body) or head.kernel not in (1, 3) or head.prelu:
        return None
    config = SegNetConfig(
        in_channels=flows[0][0],
        classes=outs[-1],
        encoder=tuple(row_of(*[width] * d) for width, d in zip(widths, depths, strict=True)),
        decoder=tuple(row_of(*row) for row in up),
        transposed=transposed,
        head_kernel=head.kernel,
        head_norm=head.norm is not None,
        norm=body[0].norm is not None,
        bias=body[0].conv.has_bias,
    )
    names = {**layer_names(head.conv, "head"), **layer_names(head.norm, "head_norm")}
    rest = list(body)
    for side, rows in (("encoder", config.encoder), ("decoder", config.decoder)):
        for number, row in enumerate(rows):
            names |= row_names_of(rest[: len(row)], f"{side}.{number}")
            rest = rest[len(row) :]
    return config, names
