"""The grammar of U-Nets on a ResNet: its blocks by their shapes, the way up by the flow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from segdemo.architectures import encoder_unet
from segdemo.architectures.encoder_unet import EncoderUNetConfig, ResNetEncoder, StepConfig
from segdemo.checkpoints.structure.candidates import Candidate
from segdemo.checkpoints.structure.layers import Layers
from segdemo.checkpoints.structure.naming import (
    layer_names,
    row_names_of,
    row_of_units,
    share_kind,
)
from segdemo.checkpoints.structure.readings import Question, readings_of
from segdemo.checkpoints.structure.residual import Residual, residuals
from segdemo.checkpoints.structure.units import Unit, read_units

_UP_KERNELS = (2, 3, 4)


@dataclass(eq=False, kw_only=True)
class _Step:
    """One step up, as far as it is read."""

    up: Unit | None = None
    before: list[Unit] = field(default_factory=list)
    skip: bool = False
    after: list[Unit] = field(default_factory=list)


@dataclass(frozen=True, eq=False, kw_only=True)
class _WayUp:
    """The steps of the decoder; what is enlarged at last is no step."""

    bottom: tuple[Unit, ...]
    steps: tuple[_Step, ...]
    head: Unit
    tail: int


def resnet_unets(layers: Layers, assume: str | None) -> Iterator[Candidate]:
    """Readings of a U-Net on a ResNet whose decoder joins the features of each size in turn."""
    if layers.dimensions != 2 or layers.leftover:
        return
    units = read_units(layers)
    found = list(residuals(units.all))
    if not found or len({residual.signature for residual in found}) > 1:
        return
    encoder = found[-1]  # of copies the last is the one whose values a module ends with
    inside = {unit.place for residual in found for unit in residual.units}
    rest = [unit for unit in units.all if unit.place not in inside]
    # A classifier is no part of it.
    if any(layer.kind != "linear" for layer in units.spare) or not rest:
        return
    widths = [stage.out for stage in encoder.configs]
    skips = [*widths[-2::-1], encoder.stem.conv.conv[1]]
    named = sorted(rest, key=lambda unit: unit.conv.natural)
    for order in [rest, *([named] if named != rest else [])]:
        way = _way_up(order, widths[-1], skips)
        if way is not None:
            spare = [layer.path for layer in units.spare]
            spare += [unit.conv.path for residual in found[:-1] for unit in residual.units]
            yield from _candidates(encoder, way, tuple(spare), assume)
            return


def _way_up(order: Sequence[Unit], width: int, skips: Sequence[int]) -> _WayUp | None:
    """The steps, each convolution leading to the next; None where one does not."""
    *body, head = order
    is_transposed = any(_is_up(unit) for unit in body)
    bottom: list[Unit] = []
    steps: list[_Step] = []
    for unit in body:
        into, out = unit.conv.conv
        current = steps[-1] if steps else None
        if is_transposed and _is_up(unit) and unit.conv.transposed[0] == width:
            steps.append(_Step(up=unit))
            width = unit.conv.transposed[1]
            continue
        if unit.kernel % 2 == 0 or not unit.conv.may_be_conv:
            return None
        # With a transposed convolution the step has begun, without one it begins with the join.
        level = len(steps) - (1 if is_transposed else 0)
        may_join = level < len(skips) and (
            not is_transposed or (current is not None and not current.skip and not current.after)
        )
        if may_join and into == width + skips[level]:
            if not is_transposed:
                current = _Step()
                steps.append(current)
            assert current is not None
            current.skip = True
            current.after.append(unit)
        elif into == width:
            (bottom if current is None else current.after).append(unit)
        else:
            return None
        width = out
    sizes = len(skips) + 1  # steps to the image's own size
    if head.conv.conv[0] != width or head.norm or head.kernel not in (1, 3) or not steps:
        return None
    if not is_transposed:
        steps = _with_last(steps, sizes)
    if len(steps) > sizes or not any(step.skip for step in steps):
        return None
    if any(not (step.up or step.after) for step in steps) or not share_kind(
        [*bottom, *(unit for step in steps for unit in step.after)]
    ):
        return None
    tail = 2 ** (sizes - len(steps))
    return _WayUp(bottom=tuple(bottom), steps=tuple(steps), head=head, tail=tail)


def _is_up(unit: Unit) -> bool:
    return unit.kernel in _UP_KERNELS and unit.conv.may_be_transposed and unit.kernel % 2 == 0


def _with_last(steps: list[_Step], sizes: int) -> list[_Step]:
    """What the last step convolves beyond the others is a step of its own, where one is wanting."""
    usual = len(steps[0].after)
    extra = steps[-1].after[usual:]
    if len(steps) == sizes - 1 and extra:
        steps[-1].after = steps[-1].after[:usual]
        steps.append(_Step(after=extra))
    return steps


def _candidates(
    encoder: Residual, way: _WayUp, spare: tuple[str, ...], assume: str | None
) -> Iterator[Candidate]:
    ups = [step.up for step in way.steps if step.up]
    plain = [*way.bottom, *(unit for step in way.steps for unit in step.after)]
    kernels = {unit.kernel for unit in ups} or {2}
    normed = {unit.norm is not None for unit in ups} or {False}
    biased = {unit.conv.has_bias for unit in ups} or {True}
    if len(kernels) > 1 or len(normed) > 1 or len(biased) > 1:
        return
    config = EncoderUNetConfig(
        in_channels=encoder.stem.conv.conv[0],
        classes=way.head.conv.conv[1],
        encoder=ResNetEncoder(
            stem=encoder.stem.conv.conv[1],
            stages=encoder.configs,
            bottleneck=encoder.bottleneck,
        ),
        bottom=row_of_units(way.bottom),
        steps=tuple(
            StepConfig(
                up_width=step.up.conv.transposed[1] if step.up else 0,
                skip=step.skip,
                after=row_of_units(step.after),
            )
            for step in way.steps
        ),
        norm=bool(plain) and plain[0].norm is not None,
        bias=bool(plain) and plain[0].conv.has_bias,
        up_kernel=max(kernels),
        up_norm=max(normed),
        up_bias=max(biased),
        head_kernel=way.head.kernel,
        tail=way.tail,
    )
    names = _names(encoder, way)
    for reading in readings_of(_questions(config, bool(ups)), assume):
        values = {field: value for field, value in reading.values.items() if field != "ends_with"}
        sigmoid = {"postprocessing": {"activation": "sigmoid"}}
        yield Candidate(
            id=reading.id,
            architecture=encoder_unet.ARCHITECTURE,
            config=replace(config, **values),
            names=names,
            known={**reading.values, "tail": way.tail},
            recipe=sigmoid if reading.answers.get("ends_with") == "sigmoid" else {},
            left_out=spare,
        )


def _names(encoder: Residual, way: _WayUp) -> Mapping[str, str]:
    names = encoder.names("encoder")
    names |= row_names_of(way.bottom, "bottom")
    for number, step in enumerate(way.steps):
        path = f"steps.{number}"
        if step.up:
            names |= layer_names(step.up.conv, f"{path}.up")
            names |= layer_names(step.up.norm, f"{path}.up_norm")
        names |= row_names_of(step.after, f"{path}.after")
    return {**names, **layer_names(way.head.conv, "head")}


def _questions(config: EncoderUNetConfig, is_transposed: bool) -> list[Question]:
    return list(_asked(config, is_transposed))


def _asked(config: EncoderUNetConfig, is_transposed: bool) -> Iterator[Question]:
    joins = {"up_first": "up_first", "skip_first": "skip_first"}
    yield Question(
        field="join", answers=joins, likeliest="up_first", listed=tuple(joins), is_paired=True
    )
    if not is_transposed or config.tail > 1:
        modes = {name: name for name in ("bilinear", "bilinear_aligned", "nearest")}
        yield Question(
            field="interpolation",
            answers=modes,
            likeliest="nearest" if config.norm and not is_transposed else "bilinear",
            listed=tuple(modes),
            is_paired=True,
        )
    if is_transposed:
        usual = "up_act" if config.up_norm else "up_linear"
        yield Question(
            field="up_relu",
            answers={"up_linear": False, "up_act": True},
            likeliest=usual,
            usual=usual,
            listed=("up_linear", "up_act"),
        )
    pools = {"pool_padded": "padded", "pool_ceil": "ceil", "pool_plain": "plain"}
    yield Question(
        field="stem_pool",
        answers=pools,
        likeliest="pool_padded",
        usual="pool_padded",
        listed=tuple(pools),
    )
    if config.classes > 1:
        ends = {"softmax": "softmax", "sigmoid": "sigmoid"}
        yield Question(
            field="ends_with",
            answers=ends,
            likeliest="softmax",
            usual="softmax",
            listed=tuple(ends),
        )
